// A stranger's TypeScript, checked with the types of the package and without skipLibCheck.
import { KletError, load, loadSync, type Flavor, type Model } from 'kinglet';
import { compile, GraphBuilder } from 'kinglet/compiler';
import { load as loadSlim } from 'kinglet/slim';
import { topK } from 'kinglet/tasks';
import core from 'kinglet/core.simd.wasm';

const flavor: Flavor = 'simd';
const model: Model = await load(new URL('https://example.org/digits.klet'), { flavor, onProgress: ({ loaded, total }) => { console.log(loaded / (total ?? loaded)); } });
const real: Float32Array = model.predict(new Float32Array(784));
const raw = model.predict(new Int8Array(784), { output: 'raw' });
model.predictInto({ image: real }, { scores: new Int8Array(10) });
const apart = await loadSlim(new Uint8Array(), { wasm: core });
const best: string | undefined = topK(real, model.meta.labels, 1)[0]?.label;
loadSync(compile(new GraphBuilder('none').finish([]))).dispose();
try {
  apart.dispose();
} catch (error) {
  if (error instanceof KletError && error.code === 'DISPOSED') console.log(error.message, raw.length, best);
}
// @ts-expect-error a model does not come from a number
void load(7);
// @ts-expect-error there is no such flavor
void load('x.klet', { flavor: 'avx' });
