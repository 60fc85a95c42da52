import { KletError } from './errors';
import type { ThreadWorker } from './runtime/threads';

/** A worker as browsers have them. Bundlers know this very expression and take the script along. */
export function openWebWorker(script?: string | URL): ThreadWorker {
  if (typeof Worker !== 'function') {
    throw new KletError('BAD_ARGUMENT', 'there are no workers here (the option "worker" may make one)');
  }
  return script === undefined
    ? new Worker(new URL('./thread.js', import.meta.url), { type: 'module' })
    : new Worker(script, { type: 'module' });
}
