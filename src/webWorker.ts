import { KletError } from './errors';
import type { ThreadWorker } from './runtime/threads';

function checkWorkers(): void {
  if (typeof Worker === 'function') return;
  throw new KletError('BAD_ARGUMENT', 'there are no workers here (the option "worker" may make one)');
}

/** A worker of a page that runs the given script. */
export function webWorkerOf(script: string | URL): ThreadWorker {
  checkWorkers();
  return new Worker(script, { type: 'module' });
}

/** The same with kinglet's own script by default: bundlers recognize this expression. */
export function openWebWorker(script?: string | URL): ThreadWorker {
  if (script !== undefined) return webWorkerOf(script);
  checkWorkers();
  return new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
}
