import { KletError, messageOf } from '../errors';
import { now } from './clock';
import type { CompiledCore, Core, SharedMemory } from './core';
import { copyCore } from './memory';
import { READY, type OpenWorker, type StartMessage, type ThreadOptions, type ThreadWorker } from './threads';
import type { CoreExports, ModelInfo } from './types';

// The worker pool of a model. Each worker has an instance of the core on the model's memory and
// sleeps inside the core (`serve`) until `run` wakes it through that memory; messages are used only
// to start it.

/** The workers of one model. */
export interface WorkerPool {
  /**
   * Runs records on all threads. @returns false if a worker did not finish its share. All workers
   * are then terminated, but may still write into the memory for a while
   */
  run(core: CoreExports, from: number, to: number): boolean;
  /**
   * Copies the model to memory that no worker can reach.
   *
   * @param name of the model
   * @throws KletError `OUT_OF_MEMORY`
   */
  leave(name: string): Core;
  end(): void;
}

/** How long to wait for a worker to start. */
const START_MS = 10_000;
/** How long to wait for a worker's share: far longer than a thread waits for a processor. */
const LATE_MS = 5000;
/**
 * Longest time counted between two looks at the clock, because the machine may have been suspended.
 */
const LOOK_MS = 500;

/**
 * Starts the workers of a model and waits until all are ready. From then on, `run` shares its work
 * with them.
 *
 * @throws Error if a worker does not start, KletError `ABORTED`
 */
export async function startWorkerPool(
  compiled: CompiledCore,
  core: CoreExports,
  memory: SharedMemory,
  info: ModelInfo,
  openWorker: OpenWorker,
  { threads, worker, signal }: ThreadOptions & { signal?: AbortSignal },
): Promise<WorkerPool> {
  const { module, extra } = compiled;
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
        one.postMessage({ module, ...(extra && { extra }), memory, index, count } satisfies StartMessage);
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
        // a clock that jumps, in either direction, counts as one look
        late = next === at ? late + Math.min(Math.abs(time - before), LOOK_MS) : 0;
        at = next;
        if (late < LATE_MS) continue;
        alone(`a worker did not finish its share of a prediction in ${LATE_MS / 1000} seconds`);
        return false;
      }
    },
    leave(name) {
      try {
        return copyCore(compiled, memory);
      } catch (cause) {
        throw new KletError(
          'OUT_OF_MEMORY',
          `${info.singleThreadReason}, and there is no memory to continue without it; ` +
            `the model "${name}" was disposed, load it again`,
          { cause },
        );
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
      failed(`the worker failed: ${messageOf(error)}`);
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
        : 'cannot load the worker script: put kinglet/thread.js beside the runtime or pass the option "worker" ' +
          "(URL or function), and serve it with the page's Cross-Origin-Embedder-Policy");
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
