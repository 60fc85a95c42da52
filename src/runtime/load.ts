import { describeValue, KletError, messageOf } from '../errors';
import { openKlet, type OpenedKlet } from '../format/klet';
import { checksumBy, compileCore, hasWebAssembly, isModule, relaxedPays, type CompiledCore,
  type InlinedCores } from './core';
import { Model } from './model';
import { asBytes, nameOf, readBytes, type PathReader, type ReadOptions, type Source } from './read';
import { checkThreads, whyNotShared, type OpenWorker, type ThreadOptions } from './threads';
import type { Flavor } from './types';
import { startWorkerPool } from './workerPool';

/** Where the core comes from, if it is not in the bundle. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export interface LoadSyncOptions {
  /** Which build of the core to run. Default: the fastest that works here. */
  flavor?: Flavor;
  /** A core that is not in the bundle, as bytes or module. */
  wasm?: ArrayBuffer | ArrayBufferView | WebAssembly.Module;
  /** Upper limit of the model's memory, in bytes. */
  maxMemory?: number;
}

export interface LoadOptions extends ReadOptions, ThreadOptions, Omit<LoadSyncOptions, 'wasm'> {
  /** A core that is not in the bundle, as URL, response, bytes or module. */
  wasm?: WasmSource;
}

/** `load` and `loadSync` of a bundle. */
export interface Runtime {
  load: (source: Source | PromiseLike<Source>, options?: LoadOptions) => Promise<Model>;
  loadSync: (bytes: ArrayBuffer | ArrayBufferView, options?: LoadSyncOptions) => Model;
}

function isPromise(source: Source | PromiseLike<Source>): source is PromiseLike<Source> {
  return typeof (source as { then?: unknown } | null)?.then === 'function';
}

async function settle(source: PromiseLike<Source>): Promise<Source> {
  try {
    return await source;
  } catch (cause) {
    throw cause instanceof KletError
      ? cause
      : new KletError('FETCH_FAILED', `the promise passed to load() rejected: ${messageOf(cause)}`, { cause });
  }
}

/** Advice for engines where none of the bundle's cores works. */
const GIVE_SCALAR = 'pass the option "wasm" (the bytes of kinglet/core.scalar.wasm, which needs no SIMD)';

/** The cores of a bundle, compiled on first use. */
class Cores {
  private readonly compiled = new Map<Flavor, CompiledCore>();
  private readonly compiledThreaded = new Map<Flavor, CompiledCore>();
  private relaxedFirst: boolean | undefined;

  constructor(private builds: InlinedCores, private threadedBuilds: InlinedCores) {}

  addScalar(bytes: Uint8Array, threaded: boolean): void {
    if (threaded) this.threadedBuilds = { ...this.threadedBuilds, scalar: () => bytes };
    else this.builds = { ...this.builds, scalar: () => bytes };
  }

  hasScalar(threaded: boolean): boolean {
    return 'scalar' in (threaded ? this.threadedBuilds : this.builds);
  }

  of(flavor: Flavor, threaded = false): CompiledCore {
    const { builds } = this;
    const table = threaded ? this.compiledThreaded : this.compiled;
    const known = table.get(flavor);
    if (known) return known;
    const bytes = Object.hasOwn(builds, flavor) ? (threaded ? this.threadedBuilds : builds)[flavor] : undefined;
    if (!bytes) {
      throw new KletError(
        'BAD_ARGUMENT',
        `there is no flavor "${flavor}" here; ${Object.keys(builds).join(', ') || 'none'} available`,
      );
    }
    const core = compileCore(bytes(), `the ${flavor} core${threaded ? ' with threads' : ''}`, threaded);
    table.set(flavor, core);
    return core;
  }

  /** The requested flavor, or the fastest that works here. */
  pick(flavor: Flavor | undefined): CompiledCore {
    if (!hasWebAssembly()) throw new KletError('NO_WASM', 'this engine has no WebAssembly');
    if (flavor !== undefined) return this.of(flavor);
    const flavors = Object.keys(this.builds) as Flavor[];
    if (flavors.length === 0) {
      throw new KletError(
        'BAD_ARGUMENT',
        'this entry carries no core: pass the option "wasm" (a URL, bytes or module of kinglet/core.simd.wasm)',
      );
    }
    let last: unknown;
    for (const candidate of flavors) {
      if (candidate === 'relaxed' && !(this.relaxedFirst ??= relaxedPays())) continue;
      try {
        return this.of(candidate);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  /** Like `pick`, for callers that cannot fetch a core; its error says which core to pass. */
  pickAtOnce(flavor: Flavor | undefined): CompiledCore {
    try {
      return this.pick(flavor);
    } catch (error) {
      // a missing scalar core is to blame only in bundles that carry SIMD cores alone
      const lacksScalar = 'simd' in this.builds && !('scalar' in this.builds) &&
        (flavor === undefined || flavor === 'scalar');
      if (!lacksScalar || !hasWebAssembly() || !(error instanceof KletError)) throw error;
      throw new KletError(error.code, `${error.message}; ${GIVE_SCALAR}`, { cause: error });
    }
  }
}

function checkOptions(options: LoadSyncOptions | LoadOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new KletError('BAD_ARGUMENT', `the options must be an object, not ${describeValue(options)}`);
  }
  const { maxMemory } = options;
  if (maxMemory !== undefined && !(maxMemory > 0)) {
    throw new KletError('BAD_ARGUMENT', `maxMemory must be a number of bytes above 0, not ${String(maxMemory)}`);
  }
}

function given(wasm: ArrayBuffer | ArrayBufferView | WebAssembly.Module): CompiledCore {
  if (!hasWebAssembly()) throw new KletError('NO_WASM', 'this engine has no WebAssembly');
  if (isModule(wasm)) return compileCore(wasm, 'the module given as "wasm"');
  const bytes = asBytes(wasm);
  if (!bytes) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "wasm" takes bytes or a WebAssembly.Module, not ${describeValue(wasm)}`,
    );
  }
  return compileCore(bytes, 'the core given as "wasm"');
}

/** Makes `loadSync` alone, for scopes that cannot fetch. */
export function makeLoadSync(cores: InlinedCores | Cores): Runtime['loadSync'] {
  const table = cores instanceof Cores ? cores : new Cores(cores, {});
  return (source, options = {}) => {
    checkOptions(options);
    const bytes = asBytes(source);
    if (!bytes) {
      throw new KletError(
        'BAD_ARGUMENT',
        `loadSync takes bytes (ArrayBuffer or Uint8Array), not ${describeValue(source)}; load() takes paths and URLs`,
      );
    }
    const core = options.wasm === undefined ? table.pickAtOnce(options.flavor) : given(options.wasm);
    return new Model(core, openKlet(bytes, 'the model', checksumBy(core)), 'the model', options.maxMemory);
  };
}

/**
 * @param builds the cores in the bundle, fastest first
 * @param threadedBuilds the same cores, built for threads
 * @param openWorker starts this platform's kind of worker
 * @param readPath reads a file by path, on platforms with a file system
 * @param scalarUrl address of the scalar core, for engines where none of the bundle's cores works
 */
export function makeRuntime(
  builds: InlinedCores,
  threadedBuilds: InlinedCores,
  openWorker: OpenWorker,
  readPath?: PathReader,
  scalarUrl?: (threaded: boolean) => string | URL,
): Runtime {
  const cores = new Cores(builds, threadedBuilds);

  async function fetchScalar(threaded: boolean, { signal }: LoadOptions): Promise<void> {
    cores.addScalar(await readBytes(scalarUrl!(threaded), signal ? { signal } : {}), threaded);
  }

  /** The requested flavor, or the fastest that works here. Fetches the scalar core if needed. */
  async function pickOfAll(options: LoadOptions): Promise<CompiledCore> {
    const { flavor, threads = 1 } = options;
    let core: CompiledCore;
    try {
      core = cores.pick(flavor);
    } catch (error) {
      if (!scalarUrl || cores.hasScalar(false) || !hasWebAssembly() || !(error instanceof KletError)) throw error;
      try {
        await fetchScalar(false, options);
      } catch (cause) {
        throw new KletError(
          error.code,
          `${error.message}; the scalar core cannot be fetched here (${messageOf(cause)}): ${GIVE_SCALAR}`,
          { cause },
        );
      }
      core = cores.pick(flavor);
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

  /** A model that runs on several threads, or the reason why it cannot. */
  async function withThreads(
    core: CompiledCore,
    parts: OpenedKlet,
    where: string,
    options: LoadOptions,
  ): Promise<Model | string> {
    const threads = options.threads!;
    const reason = whyNotShared();
    if (reason !== undefined) return reason;
    if (options.wasm !== undefined && !core.threaded) {
      return `the core given as "wasm" is built without threads; pass kinglet/core.${core.flavor}.threads.wasm`;
    }
    let model: Model | undefined;
    try {
      const threaded = core.threaded ? core : cores.of(core.flavor, true);
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
    async load(source, options = {}) {
      checkOptions(options);
      checkThreads(options);
      let bytes: Uint8Array;
      let where: string;
      let core: CompiledCore;
      const read = async (
        settled: Source,
      ): Promise<[Uint8Array, string]> => [await readBytes(settled, options, readPath), nameOf(settled)];
      // compile the core while the file downloads
      const reading = isPromise(source) ? settle(source).then(read) : read(source);
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
      return found instanceof Model ? found : new Model(core, parts, where, options.maxMemory, 1, found);
    },
    loadSync: makeLoadSync(cores),
  };
}
