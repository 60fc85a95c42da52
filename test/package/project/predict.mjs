// A user's program, which uses every entry of the package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'kinglet';
import { audioParameters, createAudioFeatures } from 'kinglet/audio';
import { GraphBuilder, compile } from 'kinglet/compiler';
import { InferenceSession, Tensor } from 'kinglet/ort';
import { load as loadSlim } from 'kinglet/slim';
import { topK } from 'kinglet/tasks';
import { loadGraphModel, tensor } from 'kinglet/tfjs';

const builder = new GraphBuilder('twice');
const x = builder.input('x', [1, 4]);
const y = builder.node(
  'binary',
  [x, builder.constant(new Float32Array([2]), [1])],
  { kind: 'mul', activation: 'none' },
  { name: 'y' },
);
const klet = compile(builder.finish([y]));
const wasm = readFileSync(fileURLToPath(import.meta.resolve('kinglet/core.scalar.wasm')));
const models = [await load(klet), await loadSlim(klet, { wasm })];
const session = await InferenceSession.create(klet);
const results = await session.run({ x: new Tensor(new Float32Array([1, 4, 3, 2]), [1, 4]) });
const graph = await loadGraphModel(klet);
const front = createAudioFeatures(audioParameters('tensorflow', { sampleRate: 8000, frameLength: 256, hop: 128 }));
const worklet = fileURLToPath(import.meta.resolve('kinglet/audio/worklet'));
console
  .log(JSON.stringify([
    ...models.map((model) => [model.info.flavor, topK(model.predict(new Float32Array([1, 4, 3, 2])), [], 1)[0]]),
    [...results.y.data, ...graph.predict(tensor([[1, 4, 3, 2]])).dataSync()],
    [front.compute(new Float32Array(512)).length, readFileSync(worklet, 'utf8').includes('registerProcessor')],
  ]));
