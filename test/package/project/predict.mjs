// A user's program, which uses every entry of the package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'kinglet';
import { audioParameters, createAudioFeatures } from 'kinglet/audio';
import { GraphBuilder, compile } from 'kinglet/compiler';
import { load as loadSlim } from 'kinglet/slim';
import { topK } from 'kinglet/tasks';

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
const front = createAudioFeatures(audioParameters('tensorflow', { sampleRate: 8000, frameLength: 256, hop: 128 }));
const worklet = fileURLToPath(import.meta.resolve('kinglet/audio/worklet'));
console
  .log(JSON.stringify([
    ...models.map((model) => [model.info.flavor, topK(model.predict(new Float32Array([1, 4, 3, 2])), [], 1)[0]]),
    [front.compute(new Float32Array(512)).length, readFileSync(worklet, 'utf8').includes('registerProcessor')],
  ]));
