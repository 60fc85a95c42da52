import { MAX_THREADS } from '../../assembly/layout';
import { KletError } from '../errors';
import { now } from './clock';
import { instantiateOn, type CompiledCore, type CoreExports, type SharedMemory } from './core';
import type { ModelInfo } from './model';
import { describeValue } from './read';

// Threads of a model: workers that have instances of the core over the model's memory. They sleep
// in the core (`serve`) and are called by `run` through the memory; messages only start them. How
// they share the work is told in assembly/threads.ts.

/** What is used of a worker: one of a browser, or of `node:worker_threads`. */
export interface ThreadWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  addEventListener?(type: string, listener: (event: Event) => void): void;
  /** Node's. */
  on?(type: string, listener: (value: unknown) => void): unknown;
  /** Node's: the worker does not keep the process. */
  unref?(): void;
}

export interface ThreadOptions {
  /** How many threads share the work of each prediction, the caller's included: 1 to 16. */
  threads?: number;
  /**
   * Where the threads' script is when it does not lie beside the runtime (`kinglet/thread.js`), or
   * what makes a worker of it.
   */
  worker?: string | URL | (() => ThreadWorker);
}

/** Starts this platform's kind of worker: of the runtime's own script, unless told. */
export type OpenWorker = (script?: string | URL) => ThreadWorker;

/** The threads of one model besides the caller's. */
export interface Crew {
  /**
   * Runs records with them. @returns false when one did not do its share; then all are ended, but
   * may still write into the memory for a while
   */
  run(core: CoreExports, from: number, to: number): boolean;
  end(): void;
}

/** What a worker is told. */
interface Orders {
  module: CompiledCore['module'];
  memory: SharedMemory;
  index: number;
  count: number;
}

const READY = 'ready';
/** A worker that has not answered by then will not. */
const START_MS = 10_000;
/** Nor will one that is this late: far more than a thread waits for a processor. */
const LATE_MS = 5000;
/** Of one look at the clock no more counts, since the machine may have slept in between. */
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

/** Why there is no memory for several threads here. */
export function whyNotShared(): string | undefined {
  if (typeof SharedArrayBuffer === 'function') return undefined;
  if ((globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false) {
    return 'this engine has no SharedArrayBuffer';
  }
  return 'this page is not cross-origin isolated and so has no SharedArrayBuffer: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
}

/**
 * Starts the workers of a model and waits until all are ready; from then on `run` shares its work
 * with them.
 *
 * @throws Error when one of them does not start, KletError `ABORTED`
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
  /** The caller goes on alone. */
  const alone = (why: string): void => {
    if (over || info.threads === 1) return;
    core.enlist(0, 1, false);
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
      /** Before all are ready, this keeps the crew from starting. */
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
  core.enlist(0, count, mayWait());
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
        alone(`a worker did not do its share of a prediction in ${LATE_MS / 1000} seconds`);
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

/** Whether this thread may sleep: the main thread of a page may not. */
function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a worker does with its orders, from now on. */
export function serveCrew(orders: unknown, answer: (message: string) => void): void {
  const { module, memory, index, count } = orders as Orders;
  let core: CoreExports;
  try {
    core = instantiateOn(module, memory);
  } catch (error) {
    answer(String(error));
    return;
  }
  core.enlist(index, count, true);
  answer(READY);
  core.serve();
}
