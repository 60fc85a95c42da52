import { MAX_THREADS } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { instantiateOn, type CompiledCore, type SharedMemory } from './core';
import type { CoreExports } from './types';

// Threads: their options, and the side of the worker. workerPool.ts starts the workers, and
// assembly/threads.ts describes how threads share the work.

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

/** The message that starts a worker. */
export interface StartMessage {
  module: WebAssembly.Module;
  extra?: CompiledCore['extra'];
  memory: SharedMemory;
  index: number;
  count: number;
}

/** A worker's answer when it is ready. Any other answer is an error text. */
export const READY = 'ready';

/** @throws KletError `BAD_ARGUMENT` */
export function checkThreads({ threads, worker }: ThreadOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `threads must be an integer from 1 to ${MAX_THREADS}, not ${
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
  return 'this page is not cross-origin isolated and so has no SharedArrayBuffer: serve it with ' +
    'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp';
}

/** Runs in a worker: serves the jobs of its model until it is terminated. */
export function serveJobs(start: unknown, answer: (message: string) => void): void {
  const { module, extra, memory, index, count } = start as StartMessage;
  let core: CoreExports;
  try {
    core = instantiateOn(module, memory, extra);
  } catch (error) {
    answer(String(error));
    return;
  }
  core.register(index, count, true);
  answer(READY);
  core.serve();
}
