// A stranger's TypeScript, checked with the types of the package and without skipLibCheck.
import { KletError, load, loadSync, type Flavor, type Model } from 'kinglet';
import { audioParameters, createAudioStream, featuresOf, listen } from 'kinglet/audio';
import type { ListenerMessage } from 'kinglet/audio/worklet';
import { compile, GraphBuilder } from 'kinglet/compiler';
import { Learner, type Prediction } from 'kinglet/learn';
import { upTo, withClassifier } from 'kinglet/learn/file';
import { drift, watch, type Snapshot } from 'kinglet/monitor';
import ort, { InferenceSession, type TypedTensor } from 'kinglet/ort';
import { load as loadSlim } from 'kinglet/slim';
import { topK } from 'kinglet/tasks';
import * as tf from 'kinglet/tfjs';
import core from 'kinglet/core.simd.wasm';

const flavor: Flavor = 'simd';
const model: Model = await load(new URL('https://example.org/digits.klet'), {
  flavor,
  onProgress: ({ loaded, total }) => {
    console.log(loaded / (total ?? loaded));
  },
});
const real: Float32Array = model.predict(new Float32Array(784));
const raw = model.predict(new Int8Array(784), { output: 'raw' });
model.predictInto({ image: real }, { scores: new Int8Array(10) });
const apart = await loadSlim(new Uint8Array(), { wasm: core });
const best: string | undefined = topK(real, model.meta.labels, 1)[0]?.label;
loadSync(compile(new GraphBuilder('none').finish([]))).dispose();
const parameters = audioParameters('librosa', {
  sampleRate: 16000,
  mel: { bands: 40 },
  compression: { kind: 'log', topDb: null },
  mfcc: { count: 13 },
});
createAudioStream(loadSync(compile(new GraphBuilder('none').finish([]), { meta: { preprocessing: parameters } }))).push(
  real,
  (output, frame) => {
    console.log(output.length, frame);
  },
);
console.log(featuresOf(model).features);
const seen: Snapshot = watch(model).snapshot();
console.log(drift(seen, seen).classes.psi);
const learner = new Learner(loadSync(upTo(new Uint8Array(), 'pool')), { metric: 'cosine' });
learner.add(real, 'new');
const prediction: Prediction = learner.predict({ image: real });
console.log(prediction.isKnown, withClassifier(new Uint8Array(), learner.classifier).length);
void listen({
  klet: new Uint8Array(),
  sampleRate: parameters.sampleRate,
  worklet: 'worklet.js',
  onOutput: (output) => {
    console.log(output[0]);
  },
});
const options: ort.InferenceSession.SessionOptions = { executionProviders: ['wasm'] };
const session: InferenceSession = await InferenceSession.create('x.klet', options);
const tensor: TypedTensor<'int64'> = new ort.Tensor('int64', [1n], [1]);
console.log((await session.run({ tensor })).y?.data.length, ort.env.wasm.numThreads);
const network: tf.LayersModel = await tf.loadLayersModel('x.klet');
const scores = tf.tidy(() => (network.predict(tf.zeros([1, 4])) as tf.Tensor2D).argMax(1));
console.log(scores.dataSync()[0]! + 1, (await tf.tensor2d([[1]]).array())[0]![0]);
// @ts-expect-error kinglet/tfjs does not train
tf.train.adam();
export const kind: ListenerMessage['kind'] = 'level';
try {
  apart.dispose();
} catch (error) {
  if (error instanceof KletError && error.code === 'DISPOSED') console.log(error.message, raw.length, best);
}
// @ts-expect-error there is no such convention
audioParameters('htk', { sampleRate: 8000 });
// @ts-expect-error a model does not come from a number
void load(7);
// @ts-expect-error there is no such flavor
void load('x.klet', { flavor: 'avx' });
