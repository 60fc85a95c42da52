import { closeSync, existsSync, lstatSync, openSync, readFileSync, readSync, realpathSync, renameSync, rmSync, statSync,
  writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { KletError } from '../index';
import { fileKind } from './fileKinds';
import { bytesText } from './text';

/** Names standard input or output instead of a file. */
export const STANDARD = '-';
const STDIN = 0;
/** Largest file, which one array can hold in Node, and most bytes of a pipe, which has no size. */
const MAX_FILE = 2 ** 31 - 1;
const MAX_PIPE = 2 ** 30;
const PIECE = 2 ** 20;

/** A path as messages show it. */
export function pathText(path: string, standard: 'standard input' | 'standard output'): string {
  return path === STANDARD ? standard : path;
}

/** An input file in a message. */
export function quoted(path: string): string {
  return path === STANDARD ? 'standard input' : `"${path}"`;
}

/**
 * Reads a file, or all of standard input.
 *
 * @throws KletError `FETCH_FAILED`
 */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  if (path === STANDARD) return readStandardInput();
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) throw directoryGiven(path);
    if (stat.isCharacterDevice() || stat.isBlockDevice()) throw refused(path, 'it is a device, not a file');
    if (stat.size > MAX_FILE) throw tooLarge(path, stat.size, MAX_FILE);
    // files that the system makes up have the size 0
    return stat.isFile() && stat.size > 0 ? new Uint8Array(readFileSync(path)) : readPipe(path);
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    const reason = /^[a-z][a-z\d+.-]*:\/\//i.test(path)
      ? 'it is a URL, and kinglet reads files; download it first, for example with curl -LO'
      : reasonOf(cause);
    throw refused(path, reason, cause);
  }
}

function refused(path: string, reason: string, cause?: unknown): KletError {
  return new KletError('FETCH_FAILED', `cannot read ${quoted(path)}: ${reason}`, { cause });
}

function tooLarge(path: string, size: number, limit: number): KletError {
  return refused(path, `it has ${bytesText(size)} or more, above the limit of ${bytesText(limit)}`);
}

/** Reads what has no size, such as a pipe, up to a limit. */
function readPipe(path: string): Uint8Array<ArrayBuffer> {
  const descriptor = path === STANDARD ? STDIN : openSync(path, 'r');
  try {
    const pieces: Uint8Array[] = [];
    for (let size = 0;;) {
      const piece = new Uint8Array(PIECE);
      const count = readSync(descriptor, piece);
      if (count === 0) break;
      size += count;
      if (size > MAX_PIPE) throw tooLarge(path, size, MAX_PIPE);
      pieces.push(count < PIECE / 2 ? piece.slice(0, count) : piece.subarray(0, count));
    }
    return new Uint8Array(Buffer.concat(pieces));
  } finally {
    if (path !== STANDARD) closeSync(descriptor);
  }
}

/**
 * Reads the files beside a network that hold its weights. Missing ones are left out: the importer
 * says what they are for.
 */
export function readCompanions(path: string, names: readonly string[]): Record<string, Uint8Array> {
  return Object.fromEntries(companions(path, names).map(({ name, file }) => [name, readBytes(file)] as const));
}

/** The files beside a network that hold its weights. */
export function companionPaths(path: string, names: readonly string[]): string[] {
  return companions(path, names).map(({ file }) => file);
}

/** The size of the files beside a network that hold its weights. */
export function companionBytes(path: string, names: readonly string[]): number {
  return companions(path, names).reduce((sum, { bytes }) => sum + bytes, 0);
}

function companions(path: string, names: readonly string[]): { name: string; file: string; bytes: number }[] {
  if (path === STANDARD) return [];
  const folder = dirname(path);
  // a name that leads out of the folder is not read
  return names.filter((name) => !relative(folder, join(folder, name)).startsWith('..')).flatMap((name) => {
    const file = join(folder, name);
    const found = existsSync(file) ? statSync(file) : undefined;
    return found?.isFile() ? [{ name, file, bytes: found.size }] : [];
  });
}

/** The file of a network: a folder with a `model.json` stands for it. */
export function networkFile(path: string): string {
  const inside = join(path, 'model.json');
  return path !== STANDARD && existsSync(inside) ? inside : path;
}

function directoryGiven(path: string): KletError {
  const isSavedModel = statSync(join(path, 'saved_model.pb'), { throwIfNoEntry: false })?.isFile();
  const advice = isSavedModel
    ? 'holds a TensorFlow SavedModel; convert it to .tflite first with tf.lite.TFLiteConverter.from_saved_model'
    : 'is a directory; name a file in it';
  return new KletError('FETCH_FAILED', `"${path}" ${advice}`);
}

function readStandardInput(): Uint8Array<ArrayBuffer> {
  if (isatty(STDIN)) {
    throw new KletError(
      'FETCH_FAILED',
      '"-" reads standard input, which is the terminal; redirect a file to it with <',
    );
  }
  try {
    return readPipe(STANDARD);
  } catch (cause) {
    throw cause instanceof KletError ? cause : refused(STANDARD, reasonOf(cause), cause);
  }
}

/** @throws KletError `FETCH_FAILED` */
export function readText(path: string): string {
  const bytes = readBytes(path);
  try {
    if (bytes.includes(0)) throw new Error('it holds zero bytes');
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const kind = fileKind(bytes);
    const found = kind === undefined ? 'is not text in UTF-8' : `is ${kind}, not text`;
    throw new KletError('BAD_ARGUMENT', `${quoted(path)} ${found}; give a text file in UTF-8`, { cause });
  }
}

/** Files in a folder of samples that a command may write by mistake. */
const MEDIA = /^\.(png|jpe?g|bmp|wav|np[yz]|bin|raw|csv|json|txt)$/i;

/**
 * Checks that a command does not write over one of its inputs, whatever links and names lead to it,
 * or over a file in a folder of them.
 *
 * @throws KletError `BAD_ARGUMENT`
 */
export function checkOutputs(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly (string | undefined)[],
): void {
  for (const [option, output] of Object.entries(outputs)) {
    if (output === undefined || output === STANDARD || !isFile(output)) continue;
    const input = inputs.find((path) => path !== undefined && path !== STANDARD && isIn(output, path));
    if (input === undefined) continue;
    const what = isFile(input) ? `the input file "${input}"` : `in the folder of inputs "${input}"`;
    throw new KletError(
      'BAD_ARGUMENT',
      `the output "${output}" is ${what}, which would be lost; choose another with ${option}`,
    );
  }
}

/** Whether a file is an input, or a sample in a folder of inputs. */
function isIn(output: string, input: string): boolean {
  const [a, b] = [output, input].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  if (!a || !b) return false;
  if (a.ino === b.ino && a.dev === b.dev && a.ino !== 0n) return true;
  const [file, path] = [realpathSync(output), realpathSync(input)];
  if (!b.isDirectory()) return file === path;
  const inside = relative(path, file);
  return !inside.startsWith('..') && resolve(path, inside) === file && MEDIA.test(extname(file));
}

/** Whether the path is a file, and no folder, pipe or device. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Writes a file so that nobody ever sees half of it: to a temporary file in the same folder, which
 * is then renamed.
 *
 * @param check inspects the written bytes before the rename; if it throws, the target stays as it
 * was
 * @param mode permissions of a new file
 * @throws KletError `BAD_ARGUMENT`
 */
export function writeAtomically(
  path: string,
  bytes: Uint8Array,
  check?: (written: Uint8Array<ArrayBuffer>) => void,
  mode = 0o666,
): void {
  const writing = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw new KletError('BAD_ARGUMENT', `cannot write "${path}": ${reasonOf(cause)}`, { cause });
    }
  };
  const target = writing(() => resolveTarget(path));
  if (!target) {
    check?.(new Uint8Array(bytes));
    writing(() => writeFileSync(path, bytes));
    return;
  }
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    writing(() => writeFileSync(temporary, bytes, { mode }));
    check?.(readBytes(temporary));
    writing(() => renameSync(temporary, target));
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * The regular file that the path names or will name, with links followed. Undefined for targets of
 * a kind that a rename would replace: devices, pipes and dangling links.
 */
function resolveTarget(path: string): string | undefined {
  if (!lstatSync(path, { throwIfNoEntry: false })) return path;
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw new Error('it is a directory');
  return stat?.isFile() && !/^\/(dev|proc)\//.test(path) ? realpathSync(path) : undefined;
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known: Record<string, string> = {
    ENOENT: 'no such file or folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOTDIR: 'part of the path is not a folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}
