import { readOptions, show, type Options } from '../arguments';
import { describeValue, KletError, messageOf } from '../errors';
import { debugInfoOf } from '../format/debugInfo';
import { checkStart, openKlet, type OpenedKlet } from '../format/klet';
import { checksumBy, type CompiledCore, type ExtraOperators } from './core';
import { openSync, type CoreSupply, type LoadSyncOptions } from './cores';
import { limitsOf, PAGE_MEMORY, type Limits } from '../limits';
import { Model } from './model';
import { copyBytes, nameOf, readBytes, type PathReader, type ReadOptions, type Source } from './read';
import { checkThreads, type ThreadOptions } from './threads';
import type { CacheOptions, readCached } from './cache';
import type { trustOf, TrustOptions } from './trust';

// `load` and `loadSync`, without what depends on the cores of a bundle (`Provider`).

/** Where the core comes from, if it is not in the bundle. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface LoadOptions
  extends ReadOptions, CacheOptions, ThreadOptions, TrustOptions, Omit<LoadSyncOptions, 'wasm' | 'extra'>
{
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
    limits: Limits,
  ): string | Promise<Model | string>;
  /** Gives the code that checks hashes and signatures. */
  openTrust(): Promise<{ trustOf: typeof trustOf }>;
  /** Gives the code that stores files, in entries for browsers. */
  openCache?: (() => Promise<{ readCached: typeof readCached }>) | undefined;
}

/** Service workers may not call import(). */
function cannotFetch(what: string, advice: string): (cause: unknown) => never {
  return (cause) => {
    const text = `the code ${what} cannot be fetched (${messageOf(cause)}): put ${advice}`;
    throw new KletError('FETCH_FAILED', text, { cause });
  };
}

const cannotCheck = cannotFetch(
  'that checks "integrity" and "publicKey"',
  'browser.trust.js beside the bundle, or import kinglet/js, which contains it, as service workers must',
);
const cannotCache = cannotFetch('of "cache"', 'browser.cache.js beside the bundle, or load bytes that you store');

function refuseCache(): never {
  throw new KletError(
    'BAD_ARGUMENT',
    'the option "cache" uses the storage of a browser; elsewhere download the file once, and load its path or bytes',
  );
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

const syncOptions = { flavor: 'any', wasm: 'any', extra: 'any', maxMemory: 'any', maxWork: 'any' } satisfies Options<
  LoadSyncOptions
>;
const loadOptions = {
  ...syncOptions,
  onProgress: 'function',
  signal: 'object',
  timeout: 'number',
  integrity: 'any',
  publicKey: 'any',
  cache: 'boolean',
  threads: 'any',
  worker: 'any',
} satisfies Options<LoadOptions>;

function checkLimits({ maxMemory, maxWork }: LoadSyncOptions | LoadOptions): void {
  const check = (name: string, unit: string, value: unknown): void => {
    if (value === undefined || (typeof value === 'number' && value > 0)) return;
    throw new KletError('BAD_ARGUMENT', `${name} must be a number of ${unit} above 0, not ${show(value)}`);
  };
  check('maxMemory', 'bytes', maxMemory);
  check('maxWork', 'multiply-adds', maxWork);
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

/** A file whose records have names in error messages. */
function named(parts: OpenedKlet): OpenedKlet {
  return { ...parts, recordName: (index) => debugInfoOf(parts)?.records[index]?.name };
}

/** Makes `loadSync`. `memory` is the default of `maxMemory`. */
export function makeLoadSync(supply: CoreSupply, memory: number): Runtime['loadSync'] {
  return (source, wanted = {}) => {
    const options = readOptions(wanted, syncOptions, 'loadSync()');
    checkLimits(options);
    const [core, parts, limits] = openSync(supply, source, options, memory);
    return new Model(core, named(parts), 'the model', limits);
  };
}

/**
 * @param readPath reads a file by path, on platforms with a file system
 * @param memory the default of `maxMemory`
 */
export function runtimeOf(provider: Provider, readPath?: PathReader, memory = PAGE_MEMORY): Runtime {
  return {
    async load(source, wanted = {}) {
      const options = readOptions(wanted, loadOptions, 'load()');
      checkLimits(options);
      const limits = limitsOf(options, memory);
      checkSignal(options);
      checkThreads(options);
      // the extra module is needed after the file has been read
      const extraBytes = copyBytes(options.extra);
      if (extraBytes) options.extra = extraBytes;
      checkTimeout(options);
      const isChecked = options.integrity !== undefined || options.publicKey !== undefined;
      // the caller may change its bytes while the code of the check is fetched
      const given = isChecked ? copyBytes(source) ?? source : source;
      let bytes: Uint8Array;
      let where: string;
      let core: CompiledCore;
      let opened: OpenedKlet | undefined;
      const open = (core: CompiledCore, bytes: Uint8Array, where: string): OpenedKlet =>
        named(openKlet(bytes, where, checksumBy(core), limits.maxMemory));
      const read = async (): Promise<[Uint8Array, string]> => {
        const settled = isPromise(given) ? await settle(given) : given;
        if (settled instanceof Model) {
          throw new KletError('BAD_ARGUMENT', 'load takes a file, not a loaded model; call its predict()');
        }
        const name = nameOf(settled);
        const check = isChecked ? (await provider.openTrust().catch(cannotCheck)).trustOf(options) : undefined;
        const look = (start: Uint8Array): number => checkStart(start, name);
        if (options.cache) {
          const { readCached } = await (provider.openCache ?? refuseCache)().catch(cannotCache);
          // only whole files are worth storing
          const checkAll = async (bytes: Uint8Array): Promise<void> => {
            await check?.(bytes, name);
            opened = open(await compiling, bytes, name);
          };
          return [await readCached({ source: settled, options, read: readBytes, look, check: checkAll }), name];
        }
        const bytes = await readBytes(settled, options, readPath, look);
        await check?.(bytes, name);
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
      const parts = opened ?? open(core, bytes, where);
      const found = (options.threads ?? 1) > 1
        ? await provider.withThreads(core, parts, where, options, limits)
        : undefined;
      if (found instanceof Model) return found;
      await provider.fetchExtra(core, parts, options);
      return new Model(core, parts, where, limits, 1, found);
    },
    loadSync: makeLoadSync(provider, memory),
  };
}
