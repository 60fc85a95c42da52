// The entry for browsers, with the SIMD cores inside. The scalar core, which engines without SIMD
// fetch, and the extra module, which some models need, are separate files beside it. Bundlers
// recognize their URLs and include the files.
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
  (threaded, simd) => {
    if (simd) {
      return threaded
        ? new URL('./extra.simd.threads.wasm', import.meta.url)
        : new URL('./extra.simd.wasm', import.meta.url);
    }
    return threaded ? new URL('./extra.threads.wasm', import.meta.url) : new URL('./extra.wasm', import.meta.url);
  },
);
