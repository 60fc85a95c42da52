import { readOptions, show, type Options } from '../arguments';
import { describeValue, KletError, messageOf } from '../errors';
import { checkStart, openKlet, type OpenedKlet } from '../format/klet';
import { checkSignature, listOfKeys, publicKeyBytes } from '../format/signature';
import { checksumBy, type CompiledCore, type ExtraOperators } from './core';
import { openSync, type CoreSupply, type LoadSyncOptions } from './cores';
import { checkIntegrity, parseIntegrity } from './integrity';
import { Model } from './model';
import { copyBytes, nameOf, readBytes, type PathReader, type ReadOptions, type Source } from './read';
import { checkThreads, type ThreadOptions } from './threads';

// `load` and `loadSync`, without what depends on the cores of a bundle (`Provider`).

/** Where the core comes from, if it is not in the bundle. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface LoadOptions extends ReadOptions, ThreadOptions, Omit<LoadSyncOptions, 'wasm' | 'extra'> {
  /**
   * The expected hash of the file, as in Subresource Integrity: `sha256-` (or `sha384-`, `sha512-`)
   * and the hash in base64. A file with another hash is refused with `BAD_INTEGRITY`.
   */
  integrity?: string;
  /**
   * The Ed25519 public key of the signer, or several, of which one must have signed the file
   * (`kinglet sign`): 32 bytes or SubjectPublicKeyInfo, as bytes, base64 or PEM. Other files are
   * refused with `BAD_SIGNATURE`.
   */
  publicKey?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** A core that is not in the bundle, as URL, response, bytes or module. */
  wasm?: WasmSource;
  /**
   * The extra module, as URL, response, bytes or module; for the plain-JavaScript core, `extra` of
   * `kinglet/js/extra`. Default: the one beside the bundle.
   */
  extra?: WasmSource | ExtraOperators;
}

/** Gives the cores of a bundle. */
export interface Provider extends CoreSupply {
  /** The core that the options ask for, or the fastest that works here. */
  pick(options: LoadOptions): Promise<CompiledCore>;
  /** Gives the core the extra module if the model needs it. */
  fetchExtra(core: CompiledCore, parts: OpenedKlet, options: LoadOptions): void | Promise<void>;
  /** A model that runs on several threads, or the reason why it cannot. */
  withThreads(
    core: CompiledCore,
    parts: OpenedKlet,
    where: string,
    options: LoadOptions,
  ): string | Promise<Model | string>;
}

/** `load` and `loadSync` of a bundle. */
export interface Runtime {
  load: (source: Source | PromiseLike<Source>, options?: LoadOptions) => Promise<Model>;
  loadSync: (bytes: ArrayBuffer | ArrayBufferView, options?: LoadSyncOptions) => Model;
}

/** Whether a source must be awaited. If asking fails, awaiting it reports the error. */
function isPromise(source: Source | PromiseLike<Source>): source is PromiseLike<Source> {
  try {
    return typeof (source as { then?: unknown } | null)?.then === 'function';
  } catch {
    return true;
  }
}

async function settle(source: PromiseLike<Source>): Promise<Source> {
  try {
    return await source;
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('FETCH_FAILED', `the promise passed to load() rejected: ${messageOf(cause)}`, { cause });
  }
}

const syncOptions = { flavor: 'any', wasm: 'any', extra: 'any', maxMemory: 'any' } satisfies Options<LoadSyncOptions>;
const loadOptions = {
  ...syncOptions,
  onProgress: 'function',
  signal: 'object',
  timeout: 'number',
  integrity: 'any',
  publicKey: 'any',
  threads: 'any',
  worker: 'any',
} satisfies Options<LoadOptions>;

function checkMemory({ maxMemory }: LoadSyncOptions | LoadOptions): void {
  if (maxMemory !== undefined && !(typeof maxMemory === 'number' && maxMemory > 0)) {
    throw new KletError('BAD_ARGUMENT', `maxMemory must be a number of bytes above 0, not ${show(maxMemory)}`);
  }
}

function checkTimeout({ timeout }: LoadOptions): void {
  if (timeout !== undefined && !(timeout > 0)) {
    throw new KletError('BAD_ARGUMENT', `timeout must be a number of milliseconds above 0, not ${show(timeout)}`);
  }
}

function checkSignal({ signal }: LoadOptions): void {
  if (signal !== undefined && typeof signal.addEventListener !== 'function') {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "signal" takes an AbortSignal, such as controller.signal, not ${describeValue(signal)}`,
    );
  }
}

/** Makes `loadSync`. */
export function makeLoadSync(supply: CoreSupply): Runtime['loadSync'] {
  return (source, wanted = {}) => {
    const options = readOptions(wanted, syncOptions, 'loadSync()');
    checkMemory(options);
    const [core, parts] = openSync(supply, source, options);
    return new Model(core, parts, 'the model', options.maxMemory);
  };
}

/** @param readPath reads a file by path, on platforms with a file system */
export function runtimeOf(provider: Provider, readPath?: PathReader): Runtime {
  return {
    async load(source, wanted = {}) {
      const options = readOptions(wanted, loadOptions, 'load()');
      checkMemory(options);
      checkSignal(options);
      checkThreads(options);
      // the extra module is needed after the file has been read
      const extraBytes = copyBytes(options.extra);
      if (extraBytes) options.extra = extraBytes;
      checkTimeout(options);
      const { publicKey } = options;
      const keys = publicKey === undefined ? undefined : listOfKeys(publicKey).map(publicKeyBytes);
      const expected = options.integrity === undefined ? undefined : parseIntegrity(options.integrity);
      let bytes: Uint8Array;
      let where: string;
      let core: CompiledCore;
      const read = async (): Promise<[Uint8Array, string]> => {
        const settled = isPromise(source) ? await settle(source) : source;
        if (settled instanceof Model) {
          throw new KletError('BAD_ARGUMENT', 'load takes a file, not a loaded model; call its predict()');
        }
        const name = nameOf(settled);
        const bytes = await readBytes(settled, options, readPath, (start) => checkStart(start, name));
        if (expected) await checkIntegrity(bytes, expected, name);
        if (keys) await checkSignature(bytes, keys, name);
        return [bytes, name];
      };
      // compile the core while the file downloads
      const reading = read();
      const { signal } = options;
      const giving = typeof AbortController === 'undefined' ? undefined : new AbortController();
      const giveUp = (): void => giving?.abort(signal?.reason);
      if (signal?.aborted) giveUp();
      signal?.addEventListener('abort', giveUp);
      const compiling = provider.pick(giving ? { ...options, signal: giving.signal } : options);
      try {
        // report an error of the file before one of the core
        compiling.catch(() => undefined);
        [bytes, where] = await reading;
        core = await compiling;
      } catch (error) {
        giveUp();
        throw error;
      } finally {
        signal?.removeEventListener('abort', giveUp);
      }
      const parts = openKlet(bytes, where, checksumBy(core));
      const found = (options.threads ?? 1) > 1 ? await provider.withThreads(core, parts, where, options) : undefined;
      if (found instanceof Model) return found;
      await provider.fetchExtra(core, parts, options);
      return new Model(core, parts, where, options.maxMemory, 1, found);
    },
    loadSync: makeLoadSync(provider),
  };
}
