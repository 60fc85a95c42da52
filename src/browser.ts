// The entry that browsers get: the cores inside, but for that of engines without SIMD, which lies
// beside and is fetched only there.
import { makeRuntime } from './runtime/load';
import { scalarCores, simdCores, simdThreadedCores } from './runtime/unpack';
import { openWebWorker } from './webWorker';

export * from './exports';
export const { load, loadSync } = makeRuntime(
  simdCores,
  simdThreadedCores,
  openWebWorker,
  undefined,
  async () => scalarCores(await import('../build/core.scalar.js')),
);
