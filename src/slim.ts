// The entry without a core: the caller passes the option `wasm`.
import { makeRuntime } from './runtime/bundle';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime({
  openWorker: openWebWorker,
  openTrust: () => import('./runtime/trust'),
  openCache: () => import('./runtime/cache'),
});
