import { isString, show } from '../arguments';
import type * as compilerEntry from '../compiler/index';
import { KletError } from '../errors';
import type { LoadOptions, Model, Source } from '../index';
import { readBytes } from '../runtime/read';
import { load, readPath } from './platform';

// Loads a network for a program that was written for another library: a .klet file, or a file of
// that library, which the compiler converts.

/** What conversion while loading needs of `kinglet/compiler`. */
export type Compiler = Pick<typeof compilerEntry, 'compile' | 'importerOf' | 'importModel'>;
/** The compiler, or a function that loads it when a file has to be converted. */
export type CompilerSource = Compiler | (() => Compiler | PromiseLike<Compiler>);

/** How a network is loaded. */
export interface Opening {
  /** Options of `load`. */
  options?: LoadOptions;
  compiler: CompilerSource | undefined;
  /** The call that sets the compiler, for errors. */
  howToSet: string;
  /** Options of `importModel`. */
  reading?: NonNullable<Parameters<Compiler['importModel']>[1]>;
  /** Sources of files with weights, by name. Others are beside the network. */
  sources?: ReadonlyMap<string, Source>;
  /** The source of a file beside the network. */
  besideOf?: (name: string) => Source | PromiseLike<Source>;
}

/** A loaded network, and the file that it was converted from, if there is one. */
export interface Opened {
  model: Model;
  foreign?: Uint8Array;
}

/**
 * Loads a `.klet` file, or converts another file with the compiler and loads the result.
 *
 * @throws KletError as `load`, and with a compiler as `importModel` and `compile`
 */
export async function openNetwork(source: Source, opening: Opening): Promise<Opened> {
  const { options = {}, compiler: given } = opening;
  if (given === undefined) return { model: await loadKlet(source, options, opening.howToSet) };
  const { signal, onProgress, timeout } = options;
  const reading = { ...(signal && { signal }), ...(onProgress && { onProgress }), ...(timeout && { timeout }) };
  const bytes = await readBytes(source, reading, readPath);
  if (isKlet(bytes)) return { model: await load(bytes, options) };
  const compiler = await compilerOf(given);
  const names = compiler.importerOf(bytes)?.companions?.(bytes) ?? [];
  const files = await readFiles(names, source, opening);
  const graph = await compiler.importModel(bytes, { name: nameFor(source), ...opening.reading, files });
  return { model: await load(compiler.compile(graph), options), foreign: bytes };
}

async function loadKlet(source: Source, options: LoadOptions, howToSet: string): Promise<Model> {
  try {
    return await load(source, options);
  } catch (error) {
    if (!(error instanceof KletError) || error.code !== 'BAD_MAGIC') throw error;
    throw new KletError(
      'BAD_MAGIC',
      `${error.message}. Files of other libraries are converted beforehand, with npx kinglet convert, or while ` +
        `loading by kinglet/compiler, after ${howToSet}`,
      { cause: error },
    );
  }
}

function isKlet(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 4)) === 'KLET';
}

async function compilerOf(given: CompilerSource): Promise<Compiler> {
  let compiler: Compiler;
  try {
    compiler = typeof given === 'function' ? await given() : given;
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `the compiler could not be loaded: ${String(cause)}`, { cause });
  }
  checkCompiler(compiler);
  return compiler;
}

const needed = ['compile', 'importerOf', 'importModel'] as const satisfies (keyof Compiler)[];

/** @throws KletError `BAD_ARGUMENT` if a value is neither the compiler nor a function */
export function checkCompiler(value: unknown): void {
  if (typeof value === 'function') return;
  const has = (name: string): boolean => typeof (value as Record<string, unknown>)[name] === 'function';
  if (typeof value === 'object' && value !== null && needed.every(has)) return;
  throw new KletError(
    'BAD_ARGUMENT',
    "the compiler is the module kinglet/compiler, or a function such as () => import('kinglet/compiler'), not " +
      show(value),
  );
}

async function readFiles(
  names: readonly string[],
  source: Source,
  { sources, besideOf = (name) => beside(source, name), options = {} }: Opening,
): Promise<Record<string, Uint8Array>> {
  const { signal } = options;
  const read = async (name: string): Promise<[string, Uint8Array]> => {
    const at = sources?.get(name) ?? (await besideOf(name));
    return [name, await readBytes(at, signal ? { signal } : {}, readPath)];
  };
  return Object.fromEntries(await Promise.all(names.map(read)));
}

/**
 * The address of a file beside another. It keeps the query of the other's URL, as TensorFlow.js
 * does.
 *
 * @throws KletError `BAD_ARGUMENT` if the name leads out of the folder, or if only the bytes of the
 *   other file are known
 */
export function beside(source: Source, name: string): string {
  const address = addressOf(source);
  if (address === undefined) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the weights of the network are in the file "${name}"; pass the address of the network, so that it can be found`,
    );
  }
  if (/^([/\\]|[a-z][a-z\d+.-]*:)|(^|[/\\])\.\.([/\\]|$)/i.test(name)) {
    throw new KletError('BAD_ARGUMENT', `the file "${name}" with weights is not in the folder of the network`);
  }
  const [, path, query] = /^([^?#]*)(\?[^#]*)?/.exec(address)!;
  return path!.slice(0, path!.lastIndexOf('/') + 1) + name + (query ?? '');
}

function addressOf(source: Source): string | undefined {
  if (isString(source) || source instanceof URL) return String(source);
  return typeof Response === 'function' && source instanceof Response && source.url ? source.url : undefined;
}

/** The name of the network: that of its file, without the ending. */
function nameFor(source: Source): string {
  const [, name] = /([^/\\]+?)(\.[^./\\]*)?([?#].*)?$/.exec(addressOf(source) ?? '') ?? [];
  return name ?? 'network';
}
