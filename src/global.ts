// The entry for a classic script tag: `kinglet` becomes a global with the runtime and
// kinglet/tasks.
import type { CoreOf, ExtraOperators } from './runtime/core';
import { makeRuntime } from './runtime/bundle';
import type { Provider } from './runtime/load';
import { simdCores, simdThreadedCores } from './runtime/unpack';
import { webWorkerOf } from './webWorker';

export * from './exports';
export * from './tasks/index';

// known only while the script itself runs
const current = typeof document === 'undefined' ? null : document.currentScript;
const base = current && 'src' in current && current.src ? current.src : globalThis.location?.href;
const beside = (file: string): string => new URL(file, base).href;

export const { load, loadSync } = makeRuntime({
  builds: simdCores,
  threadedBuilds: simdThreadedCores,
  openWorker: (script) => webWorkerOf(script ?? beside('thread.js')),
  scalarUrl: (threaded) => beside(`core.scalar${threaded ? '.threads' : ''}.wasm`),
  extra: ({ flavor, threaded }) => {
    if (flavor === 'js') {
      return async () =>
        (await import(beside('browser.plain.extra.js')) as { extraOperators: ExtraOperators }).extraOperators;
    }
    return beside(`extra${flavor === 'scalar' ? '' : '.simd'}${threaded ? '.threads' : ''}.wasm`);
  },
  openPlain: async () => (await import(beside('browser.plain.js')) as { plainCore: CoreOf }).plainCore,
  openTrust: () => import(beside('browser.trust.js')) as ReturnType<Provider['openTrust']>,
  openCache: () => import(beside('browser.cache.js')) as ReturnType<NonNullable<Provider['openCache']>>,
});
