import { KletError, messageOf } from '../errors';
import type { OpenedKlet } from '../format/klet';
import { compileCore, hasWebAssembly, isForbidden, isModule, type CompiledCore, type CoreOf, type CoreSource,
  type ExtraOperators, type InlinedCores } from './core';
import { Cores, extraFor, given, GIVE_SCALAR, isOperators, needsExtra, NO_THREADS, type ExtraSource } from './cores';
import { runtimeOf, type LoadOptions, type Provider, type Runtime } from './load';
import type { Limits } from '../limits';
import { Model } from './model';
import { nameOf, readBytes, type PathReader } from './read';
import { whyNotShared, type OpenWorker } from './threads';
import { startWorkerPool } from './workerPool';

// The cores of a bundle with WebAssembly: which one runs a model, what is fetched for it, and on
// how many threads.

/** Service workers may not call import(), so they cannot fetch it. */
const GIVE_PLAIN =
  'import kinglet/js, which contains it, as service workers must, or put browser.plain.js beside the bundle';

function fetchError({ code, message }: KletError, which: string, advice: string, cause: unknown): KletError {
  const text = `${message}; the ${which} core cannot be fetched here (${messageOf(cause)}): ${advice}`;
  return new KletError(code, text, { cause });
}

function cannotFetchExtra(cause: unknown): never {
  throw new KletError(
    'FETCH_FAILED',
    'the model has operators of the extra module, and browser.plain.extra.js beside the bundle cannot be fetched: ' +
      messageOf(cause),
    { cause },
  );
}

/** What a bundle contains, and where the rest is. */
export interface Bundle {
  /** The cores in the bundle, fastest first. */
  builds?: InlinedCores<CoreSource>;
  /** The same cores, built for threads. */
  threadedBuilds?: InlinedCores;
  /** Starts this platform's kind of worker. */
  openWorker: OpenWorker;
  /** Reads a file by path, on platforms with a file system. */
  readPath?: PathReader;
  /** Address of the scalar core, for engines where none of the bundle's cores works. */
  scalarUrl?: (threaded: boolean) => string | URL;
  /** The extra module, for models that need it. */
  extra?: ExtraSource;
  /** Fetches the plain-JavaScript core, for engines without WebAssembly. */
  openPlain?: () => Promise<CoreOf>;
  /** The default of `maxMemory`. */
  memory?: number;
  /** Gives the code that checks hashes and signatures. */
  openTrust: Provider['openTrust'];
  /** Gives the code that stores files, in entries for browsers. */
  openCache?: Provider['openCache'];
}

/** The `load` and `loadSync` of a bundle. */
export function makeRuntime(bundle: Bundle): Runtime {
  const { builds = {}, threadedBuilds = {}, openWorker, readPath, scalarUrl, extra, openPlain, memory, openTrust,
    openCache } = bundle;
  const cores = new Cores(builds, threadedBuilds, extra);

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
    const source = extraFor(core, options.extra, extra);
    if (typeof source === 'function') {
      const open = source as () => Promise<ExtraOperators>;
      cores.addExtra(core, await open().catch(cannotFetchExtra));
      return;
    }
    const isAtHand = source === undefined || isModule(source) || isOperators(source);
    cores.addExtra(core, isAtHand ? source : await readBytes(source, options, readPath));
  }

  /** A model that runs on several threads, or the reason why it cannot. */
  async function withThreads(
    core: CompiledCore,
    parts: OpenedKlet,
    where: string,
    options: LoadOptions,
    limits: Limits,
  ): Promise<Model | string> {
    const threads = options.threads!;
    const reason = core.flavor === 'js' ? NO_THREADS : whyNotShared();
    if (reason !== undefined) return reason;
    if (options.wasm !== undefined && !core.threaded) {
      return `the core given as "wasm" is built without threads; pass kinglet/core.${core.flavor}.threads.wasm`;
    }
    let model: Model | undefined;
    try {
      const threaded = core.threaded ? core : cores.of(core.flavor, true);
      await fetchExtra(threaded, parts, options);
      model = new Model(threaded, parts, where, limits, threads);
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

  return runtimeOf(
    {
      extra,
      pick: pickFor,
      pickAtOnce: (options) => cores.pickAtOnce(options),
      addExtra: (core, source) => {
        cores.addExtra(core, source);
      },
      fetchExtra,
      withThreads,
      openTrust,
      openCache,
    },
    readPath,
    memory,
  );
}
