// The entry that browsers get, with the SIMD cores inside. The scalar core lies beside it and is
// fetched only by engines without SIMD; bundlers recognize these URLs and take the files along.
import { makeRuntime } from './runtime/load';
import { simdCores, simdThreadedCores } from './runtime/unpack';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime(
  simdCores,
  simdThreadedCores,
  openWebWorker,
  undefined,
  (threaded) =>
    threaded ? new URL('./core.scalar.threads.wasm', import.meta.url) : new URL('./core.scalar.wasm', import.meta.url),
);
