// No core inside: the caller passes `wasm`.
import { makeRuntime } from './runtime/load';

export * from './exports';
export const { load, loadSync } = makeRuntime({});
