// The entry that browsers get: one file with the cores inside.
import { inlinedCores, inlinedThreadedCores } from './runtime/inlined';
import { makeRuntime } from './runtime/load';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime(inlinedCores, inlinedThreadedCores, openWebWorker);
