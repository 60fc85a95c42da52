// The entry for browsers, with the SIMD cores inside. Separate files beside it are the scalar core,
// which engines without SIMD fetch, the plain-JavaScript core for engines without WebAssembly, and
// the extra module, which some models need. Bundlers recognize their URLs and include the files.
import { makeRuntime } from './runtime/bundle';
import { simdCores, simdThreadedCores } from './runtime/unpack';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime({
  builds: simdCores,
  threadedBuilds: simdThreadedCores,
  openWorker: openWebWorker,
  scalarUrl: (threaded) =>
    threaded ? new URL('./core.scalar.threads.wasm', import.meta.url) : new URL('./core.scalar.wasm', import.meta.url),
  extra: ({ flavor, threaded }) => {
    if (flavor === 'js') return async () => (await import('./js/extra/index')).extraOperators;
    if (flavor !== 'scalar') {
      return threaded
        ? new URL('./extra.simd.threads.wasm', import.meta.url)
        : new URL('./extra.simd.wasm', import.meta.url);
    }
    return threaded ? new URL('./extra.threads.wasm', import.meta.url) : new URL('./extra.wasm', import.meta.url);
  },
  openPlain: async () => (await import('./js/core')).plainCore,
  openTrust: () => import('./runtime/trust'),
  openCache: () => import('./runtime/cache'),
});
