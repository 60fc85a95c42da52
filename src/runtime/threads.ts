import { MAX_THREADS } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { now } from './clock';
import { instantiateOn, type CompiledCore, type CoreExports, type SharedMemory } from './core';
import type { ModelInfo } from './model';

// The worker pool of a model. Each worker has an instance of the core on the model's memory and
// sleeps inside the core (`serve`) until `run` wakes it through that memory; messages are used only
// to start it. assembly/threads.ts describes how threads share the work.

/** The part of a worker's interface that kinglet uses, of browsers and of `node:worker_threads`. */
export interface ThreadWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  addEventListener?(type: string, listener: (event: Event) => void): void;
  /** Node's. */
  on?(type: string, listener: (value: unknown) => void): unknown;
  /** Node's: lets the process exit while the worker lives. */
  unref?(): void;
}

export interface ThreadOptions {
  /** Number of threads that share the work of each prediction, including the caller's: 1 to 16. */
  threads?: number;
  /**
   * URL of the worker script (`kinglet/thread.js`) if it is not beside the runtime, or a function
   * that starts a worker from it.
   */
  worker?: string | URL | (() => ThreadWorker);
}

/** Starts a worker of this platform. Default script: the runtime's own. */
export type OpenWorker = (script?: string | URL) => ThreadWorker;

/** The workers of one model. */
export interface Crew {
  /**
   * Runs records on all threads. @returns false if a worker did not finish its share. All workers
   * are then terminated, but may still write into the memory for a while
   */
  run(core: CoreExports, from: number, to: number): boolean;
  end(): void;
}

/** The message that starts a worker. */
interface Orders {
  module: CompiledCore['module'];
  memory: SharedMemory;
  index: number;
  count: number;
}

const READY = 'ready';
/** How long to wait for a worker to start. */
const START_MS = 10_000;
/** How long to wait for a worker's share: far longer than a thread waits for a processor. */
const LATE_MS = 5000;
/**
 * Longest time counted between two looks at the clock, because the machine may have been suspended.
 */
const LOOK_MS = 500;

/** @throws KletError `BAD_ARGUMENT` */
export function checkThreads({ threads, worker }: ThreadOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `threads must be a whole number from 1 to ${MAX_THREADS}, not ${
        typeof threads === 'number' ? threads : describeValue(threads)
      }`,
    );
  }
  if (worker !== undefined && typeof worker !== 'string' && typeof worker !== 'function' && !(worker instanceof URL)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "worker" takes a URL or a function that makes a worker, not ${describeValue(worker)}`,
    );
  }
}

/** Why this scope has no shared memory, or undefined if it has. */
export function whyNotShared(): string | undefined {
  if (typeof SharedArrayBuffer === 'function') return undefined;
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false) {
    return 'this engine has no SharedArrayBuffer';
  }
  return 'this page is not cross-origin isolated and so has no SharedArrayBuffer: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
}

/**
 * Starts the workers of a model and waits until all are ready. From then on, `run` shares its work
 * with them.
 *
 * @throws Error if a worker does not start, KletError `ABORTED`
 */
export async function startCrew(
  { module }: CompiledCore,
  core: CoreExports,
  memory: SharedMemory,
  info: ModelInfo,
  openWorker: OpenWorker,
  { threads, worker, signal }: ThreadOptions & { signal?: AbortSignal },
): Promise<Crew> {
  const count = threads!;
  const workers: ThreadWorker[] = [];
  let over = false;
  const end = (): void => {
    over = true;
    for (const one of workers) one.terminate();
  };
  /** Continues on the caller's thread alone. */
  const alone = (why: string): void => {
    if (over || info.threads === 1) return;
    core.register(0, 1, false);
    Object.assign(info, { threads: 1, singleThreadReason: why } satisfies Partial<ModelInfo>);
    end();
  };
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let ready = 0;
      stop = () => {
        reject(new KletError('ABORTED', 'loading was aborted', { cause: signal?.reason }));
      };
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop, { once: true });
      const started = (): void => {
        if (++ready === count - 1) resolve();
      };
      /**
       * Rejects the start if a worker fails before all are ready; later it falls back to one
       * thread.
       */
      const failed = (why: string): void => {
        reject(new Error(why));
        alone(why);
      };
      timer = setTimeout(failed, START_MS, `the worker did not answer in ${START_MS / 1000} seconds`);
      for (let index = 1; index < count; index++) {
        const one = typeof worker === 'function' ? worker() : openWorker(worker);
        workers.push(one);
        listen(one, started, failed);
        one.postMessage({ module, memory, index, count } satisfies Orders);
      }
    });
  } catch (error) {
    end();
    throw error;
  } finally {
    clearTimeout(timer);
    if (stop) signal?.removeEventListener('abort', stop);
  }
  for (const one of workers) one.unref?.();
  core.register(0, count, mayWait());
  Object.assign(info, { threads: count } satisfies Partial<ModelInfo>);
  return {
    run(core, from, to) {
      for (let at = from, late = 0, time = now();;) {
        const next = core.run(at, to);
        if (next === -1) return true;
        const before = time;
        time = now();
        late = next === at ? late + Math.min(time - before, LOOK_MS) : 0;
        at = next;
        if (late < LATE_MS) continue;
        alone(`a worker did not finish its share of a prediction in ${LATE_MS / 1000} seconds`);
        return false;
      }
    },
    end,
  };
}

function listen(worker: ThreadWorker, started: () => void, failed: (why: string) => void): void {
  const heard = (data: unknown): void => {
    if (data === READY) started();
    else failed(`the worker says: ${String(data)}`);
  };
  if (worker.on) {
    worker.on('message', heard);
    worker.on('error', (error) => {
      failed(`the worker failed: ${error instanceof Error ? error.message : String(error)}`);
    });
    worker.on('exit', () => {
      failed('the worker ended');
    });
  } else {
    worker.addEventListener?.('message', (event) => {
      heard((event as MessageEvent<unknown>).data);
    });
    worker.addEventListener?.('error', (event) => {
      const { message } = event as Partial<ErrorEvent>;
      failed(message
        ? `the worker failed: ${message}`
        : 'the worker\'s script could not be loaded: kinglet/thread.js must lie beside the runtime or be given by the option "worker" (a URL, or a function that makes a worker), and be served with the page\'s Cross-Origin-Embedder-Policy');
    });
  }
}

/** Whether this thread may block: the main thread of a page may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs in a worker: serves the jobs of its model until it is terminated. */
export function serveCrew(orders: unknown, answer: (message: string) => void): void {
  const { module, memory, index, count } = orders as Orders;
  let core: CoreExports;
  try {
    core = instantiateOn(module, memory);
  } catch (error) {
    answer(String(error));
    return;
  }
  core.register(index, count, true);
  answer(READY);
  core.serve();
}
