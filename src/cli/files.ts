import { lstatSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { KletError } from '../index';

/** Names standard input or output instead of a file. */
export const STANDARD = '-';
const STDIN = 0;

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
    if (statSync(path).isDirectory()) {
      throw new KletError('FETCH_FAILED', `"${path}" is a directory; name a file in it`);
    }
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('FETCH_FAILED', `cannot read "${path}": ${reasonOf(cause)}`, { cause });
  }
}

function readStandardInput(): Uint8Array<ArrayBuffer> {
  if (isatty(STDIN)) {
    throw new KletError(
      'FETCH_FAILED',
      '"-" reads standard input, which is the terminal; redirect a file to it with <',
    );
  }
  try {
    return new Uint8Array(readFileSync(STDIN));
  } catch (cause) {
    throw new KletError('FETCH_FAILED', `cannot read standard input: ${reasonOf(cause)}`, { cause });
  }
}

/** @throws KletError `FETCH_FAILED` */
export function readText(path: string): string {
  return new TextDecoder().decode(readBytes(path));
}

/**
 * Writes a file so that nobody ever sees half of it: to a temporary file in the same folder, which
 * is then renamed.
 *
 * @param check inspects the written bytes before the rename; if it throws, the target stays as it
 * was
 * @throws KletError `BAD_ARGUMENT`
 */
export function writeAtomically(
  path: string,
  bytes: Uint8Array,
  check?: (written: Uint8Array<ArrayBuffer>) => void,
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
    writing(() => writeFileSync(temporary, bytes));
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
