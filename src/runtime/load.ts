import { readOptions, show, type Options } from '../arguments';
import { describeValue, KletError, messageOf } from '../errors';
import { checkStart, openKlet, type OpenedKlet } from '../format/klet';
import { checksumBy, compileCore, hasWebAssembly, isForbidden, isModule, type CompiledCore, type CoreOf,
  type CoreSource, type InlinedCores } from './core';
import { addExtra, Cores, given, GIVE_SCALAR, needsExtra, openSync, type ExtraSource, type LoadSyncOptions,
  extraOf } from './cores';
import { checkIntegrity, parseIntegrity } from './integrity';
import { Model } from './model';
import { copyBytes, nameOf, readBytes, type PathReader, type ReadOptions, type Source } from './read';
import { checkThreads, whyNotShared, type OpenWorker, type ThreadOptions } from './threads';
import { startWorkerPool } from './workerPool';

/** Where the core comes from, if it is not in the bundle. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface LoadOptions extends ReadOptions, ThreadOptions, Omit<LoadSyncOptions, 'wasm' | 'extra'> {
  /**
   * The expected hash of the file, as in Subresource Integrity: `sha256-` (or `sha384-`, `sha512-`)
   * and the hash in base64. A file with another hash is refused with `BAD_INTEGRITY`.
   */
  integrity?: string;
  /** A core that is not in the bundle, as URL, response, bytes or module. */
  wasm?: WasmSource;
  /** The extra module, as URL, response, bytes or module. Default: the one beside the bundle. */
  extra?: WasmSource;
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
export function makeLoadSync(cores: InlinedCores<CoreSource> | Cores, extra?: ExtraSource): Runtime['loadSync'] {
  const table = cores instanceof Cores ? cores : new Cores(cores);
  return (source, wanted = {}) => {
    const options = readOptions(wanted, syncOptions, 'loadSync()');
    checkMemory(options);
    const [core, parts] = openSync(table, source, options, extra);
    return new Model(core, parts, 'the model', options.maxMemory);
  };
}

/** Service workers may not call import(), so they cannot fetch it. */
const GIVE_PLAIN =
  'import kinglet/js, which contains it, as service workers must, or put browser.plain.js beside the bundle';

function fetchError({ code, message }: KletError, which: string, advice: string, cause: unknown): KletError {
  const text = `${message}; the ${which} core cannot be fetched here (${messageOf(cause)}): ${advice}`;
  return new KletError(code, text, { cause });
}

/**
 * @param builds the cores in the bundle, fastest first
 * @param threadedBuilds the same cores, built for threads
 * @param openWorker starts this platform's kind of worker
 * @param readPath reads a file by path, on platforms with a file system
 * @param scalarUrl address of the scalar core, for engines where none of the bundle's cores works
 * @param extra the extra module, for models that need it
 * @param openPlain fetches the plain-JavaScript core, for engines without WebAssembly
 */
export function makeRuntime(
  builds: InlinedCores<CoreSource>,
  threadedBuilds: InlinedCores,
  openWorker: OpenWorker,
  readPath?: PathReader,
  scalarUrl?: (threaded: boolean) => string | URL,
  extra?: ExtraSource,
  openPlain?: () => Promise<CoreOf>,
): Runtime {
  const cores = new Cores(builds, threadedBuilds);

  async function fetchScalar(threaded: boolean, { signal }: LoadOptions): Promise<void> {
    cores.add('scalar', await readBytes(scalarUrl!(threaded), signal ? { signal } : {}), threaded);
  }

  /** The core for engines where none of the bundle's cores works, which is not in the bundle. */
  async function pickFetched(error: unknown, options: LoadOptions): Promise<CompiledCore> {
    const { flavor } = options;
    if (!(error instanceof KletError)) throw error;
    const compiles = hasWebAssembly() && !isForbidden(error.cause);
    if (scalarUrl && compiles && flavor !== 'js' && !cores.hasScalar(false)) {
      await fetchScalar(false, options).catch((cause: unknown) => {
        throw fetchError(error, 'scalar', GIVE_SCALAR, cause);
      });
      try {
        return cores.pick(flavor);
      } catch (other) {
        if (!openPlain || flavor !== undefined) throw other;
      }
    }
    if (!openPlain || (flavor ?? 'js') !== 'js') throw error;
    const plain = await openPlain().catch((cause: unknown) => {
      throw fetchError(error, 'plain-JavaScript', GIVE_PLAIN, cause);
    });
    cores.add('js', plain);
    return cores.pick(flavor);
  }

  /** The requested flavor, or the fastest that works here. Fetches the scalar core if needed. */
  async function pickOfAll(options: LoadOptions): Promise<CompiledCore> {
    const { flavor, threads = 1 } = options;
    let core: CompiledCore;
    try {
      core = cores.pick(flavor);
    } catch (error) {
      core = await pickFetched(error, options);
    }
    if (threads > 1 && core.flavor === 'scalar' && scalarUrl && !cores.hasScalar(true)) {
      // if that fails, the model runs on one thread and says why
      await fetchScalar(true, options).catch(() => undefined);
    }
    return core;
  }

  async function pickFor(options: LoadOptions): Promise<CompiledCore> {
    const { wasm, signal } = options;
    if (wasm === undefined) return pickOfAll(options);
    if (isModule(wasm)) return given(wasm);
    const bytes = await readBytes(wasm, signal ? { signal } : {}, readPath);
    return compileCore(bytes, nameOf(wasm) === 'the model' ? 'the core given as "wasm"' : nameOf(wasm));
  }

  async function fetchExtra(core: CompiledCore, parts: OpenedKlet, options: LoadOptions): Promise<void> {
    if (!needsExtra(core, parts)) return;
    const source = options.extra ?? extraOf(core, extra);
    const isAtHand = source === undefined || isModule(source);
    addExtra(core, isAtHand ? source : await readBytes(source, options, readPath));
  }

  /** A model that runs on several threads, or the reason why it cannot. */
  async function withThreads(
    core: CompiledCore,
    parts: OpenedKlet,
    where: string,
    options: LoadOptions,
  ): Promise<Model | string> {
    const threads = options.threads!;
    const reason = core.flavor === 'js' ? 'the plain-JavaScript core has no threads' : whyNotShared();
    if (reason !== undefined) return reason;
    if (options.wasm !== undefined && !core.threaded) {
      return `the core given as "wasm" is built without threads; pass kinglet/core.${core.flavor}.threads.wasm`;
    }
    let model: Model | undefined;
    try {
      const threaded = core.threaded ? core : cores.of(core.flavor, true);
      await fetchExtra(threaded, parts, options);
      model = new Model(threaded, parts, where, options.maxMemory, threads);
      await model.join((exports, memory, info) =>
        startWorkerPool(threaded, exports, memory, info, openWorker, options)
      );
      return model;
    } catch (error) {
      model?.dispose();
      if (error instanceof KletError && error.code === 'ABORTED') throw error;
      return messageOf(error);
    }
  }

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
        return [bytes, name];
      };
      // compile the core while the file downloads
      const reading = read();
      const { signal } = options;
      const giving = typeof AbortController === 'undefined' ? undefined : new AbortController();
      const giveUp = (): void => giving?.abort(signal?.reason);
      if (signal?.aborted) giveUp();
      signal?.addEventListener('abort', giveUp);
      const compiling = pickFor(giving ? { ...options, signal: giving.signal } : options);
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
      const found = (options.threads ?? 1) > 1 ? await withThreads(core, parts, where, options) : undefined;
      if (found instanceof Model) return found;
      await fetchExtra(core, parts, options);
      return new Model(core, parts, where, options.maxMemory, 1, found);
    },
    loadSync: makeLoadSync(cores, extra),
  };
}
