// The entry that browsers get: one file with the cores inside.
import { inlinedCores } from './runtime/inlined';
import { makeRuntime } from './runtime/load';

export * from './exports';
export const { load, loadSync } = makeRuntime(inlinedCores);
