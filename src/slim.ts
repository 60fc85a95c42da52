// No core inside: the caller passes `wasm`.
import { makeRuntime } from './runtime/load';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime({}, {}, openWebWorker);
