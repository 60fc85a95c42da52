import { KletError } from './errors';
import type { ThreadWorker } from './runtime/threads';

function checkWorkers(): void {
  if (typeof Worker === 'function') return;
  throw new KletError(
    'BAD_ARGUMENT',
    'this scope has no Worker; pass a function that makes one as the option "worker"',
  );
}

/** Starts a web worker from the given script. */
export function webWorkerOf(script: string | URL): ThreadWorker {
  checkWorkers();
  return new Worker(script, { type: 'module' });
}

/**
 * Starts a web worker, by default from kinglet's own script. Bundlers recognize this expression.
 */
export function openWebWorker(script?: string | URL): ThreadWorker {
  if (script !== undefined) return webWorkerOf(script);
  checkWorkers();
  return new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
}
