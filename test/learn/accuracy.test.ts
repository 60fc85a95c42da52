import * as tf from '@tensorflow/tfjs-layers';
import * as core from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, importTflite } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { layersOf, upTo, withClassifier } from '../../src/learn/file';
import { Learner } from '../../src/learn/index';
import { placementOf } from '../../src/tasks/placement';
import { resampler } from '../../src/tasks/resample';
import { Random } from '../helpers/random';
import { hasShared, sharedBytes, sharedJson } from '../helpers/shared';

// A Learner compared with a linear probe of another library, on embeddings of real data.

interface Task {
  /** File of the network, whose classifier follows its last pooling. */
  network: string;
  count: number;
  /** Random halves; the figures are their means. */
  splits: number;
  input: (i: number) => Int8Array | Uint8Array;
  labels: number[];
}

const SIDE = 32;
const LARGE = 128;
const CIFAR_BYTES = 3 * SIDE * SIDE;
/** From the size of CIFAR-10 to that of the network. */
const enlarge = resampler(placementOf(SIDE, SIDE, LARGE, LARGE), 3);
const KEYWORD_BYTES = 490;

function cifar(i: number): Uint8Array {
  return sharedBytes('data', 'cifar10', 'images.bin').subarray(i * CIFAR_BYTES, (i + 1) * CIFAR_BYTES);
}

const tasks: Record<string, () => Task> = {
  'CIFAR-10 after ResNet-8': () => ({
    network: 'ic_resnet8_int8.tflite',
    splits: 2,
    count: 1000,
    input: (i) => Int8Array.from(cifar(i), (byte) => byte - 128),
    labels: sharedJson<{ labels: number[] }>('data', 'cifar10', 'labels.json').labels,
  }),
  'CIFAR-10 after MobileNet v1 0.25/128 for ImageNet': () => ({
    network: 'mobilenet_v1_025_128_uint8.tflite',
    splits: 3, // other classes than those of the network, so answers differ more by chance
    count: 1000,
    input: (i) => Uint8Array.from(enlarge(cifar(i))),
    labels: sharedJson<{ labels: number[] }>('data', 'cifar10', 'labels.json').labels,
  }),
  'keywords after DS-CNN': () => {
    const json = sharedJson<number[] | { labels: number[] }>('data', 'kws01', 'labels.json');
    const features = sharedBytes('data', 'kws01', 'features.bin');
    return {
      network: 'kws_dscnn_int8.tflite',
      splits: 2,
      count: 1000,
      input: (i) => new Int8Array(features.buffer, features.byteOffset + i * KEYWORD_BYTES, KEYWORD_BYTES),
      labels: Array.isArray(json) ? json : json.labels,
    };
  },
};

/** The share of right answers of a linear probe of another library on the same embeddings. */
async function probe(train: [Float32Array, number][], test: [Float32Array, number][], count: number): Promise<number> {
  const width = train[0]![0].length;
  const mean = new Float64Array(width);
  for (const [x] of train) x.forEach((value, k) => (mean[k]! += value / train.length));
  const square = new Float64Array(width);
  for (const [x] of train) x.forEach((value, k) => (square[k]! += (value - mean[k]!) ** 2 / train.length));
  const scaled = (list: [Float32Array, number][]): core.Tensor2D =>
    core.tensor2d(list.map(([x]) => Array.from(x, (v, k) => (v - mean[k]!) / Math.sqrt(square[k]! + 1))));
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: count,
        inputShape: [width],
        activation: 'softmax',
        kernelInitializer: 'zeros',
        kernelRegularizer: tf.regularizers.l2({ l2: 1.5e-4 * width }),
      }),
    ],
  });
  const [x, y] = [scaled(train), core.oneHot(core.tensor1d(train.map(([, c]) => c), 'int32'), count)];
  model.compile({ optimizer: core.train.adam(0.01), loss: 'categoricalCrossentropy' });
  for (let i = 0; i < 150; i++) await model.trainOnBatch(x, y);
  const scores = core.argMax(model.predict(scaled(test)) as core.Tensor, 1).dataSync();
  return test.filter(([, c], i) => scores[i] === c).length / test.length;
}

/** An embedder that gives int8 embeddings as they are, so that a classifier can be tried alone. */
function copyOf(width: number): Uint8Array {
  const b = new GraphBuilder('copy');
  const quantization = { scale: [1], zeroPoint: [0], axis: 0 };
  const copy = b.node('quantize', [b.input('x', [1, width])], {}, { name: 'copy', dtype: 'int8', quantization });
  const unit = { scale: [1 / 256], zeroPoint: [-128], axis: 0 };
  return upTo(compile(b.finish([b.node('softmax', [copy], { beta: 1 }, { quantization: unit })])), 'copy');
}

function bestOf(scores: Float32Array): number {
  return scores.indexOf(Math.max(...scores));
}

describe.skipIf(!hasShared)('accuracy on real data (../shared/data)', () => {
  const WHOLE = 5; // inputs that the file of the whole network classifies, too

  test.each(Object.keys(tasks))('%s: within half a point of a linear probe, before and after int8', async (name) => {
    const { network, count, splits, input, labels: all } = tasks[name]!();
    const labels = all.slice(0, count);
    const file = compile(importTflite(sharedBytes('models', network)));
    const cut = upTo(file, layersOf(file).findLast(({ op }) => op === 'averagePool2d')!.name);
    const embedder = loadSync(cut);
    const embeddings = labels.map((_, i) => embedder.predict(input(i)));
    const copy = copyOf(embeddings[0]!.length);
    const found = { float: 0, int8: 0, reference: 0 };
    for (let seed = 0; seed < splits; seed++) {
      const random = new Random(seed);
      const learns = labels.map(() => random.next() < 0.5);
      const learner = new Learner({ predict: (i) => embeddings[(i as number[])[0]!]! });
      labels.forEach((label, i) => {
        if (learns[i]) learner.add([i], `${label}`);
      });
      learner.fit();
      const head = loadSync(withClassifier(copy, learner.classifier));
      const scoresOf = (i: number): Float32Array => head.predict(embeddings[i]!).probabilities!;
      const whole = loadSync(withClassifier(cut, learner.classifier));
      for (let i = 0; i < WHOLE; i++) expect(whole.predict(input(i)).probabilities).toEqual(scoresOf(i));
      const pairs = labels.map((label, i): [Float32Array, number] => [embeddings[i]!, label]);
      const tested = labels.map((_, i) => i).filter((i) => !learns[i]);
      const share = (answer: (i: number) => string | undefined): number =>
        tested.filter((i) => answer(i) === `${labels[i]}`).length / tested.length / splits;
      found.float += share((i) => learner.predict([i]).label);
      found.int8 += share((i) => learner.labels[bestOf(scoresOf(i))]);
      found.reference += await probe(
        pairs.filter((_, i) => learns[i]),
        pairs.filter((_, i) => !learns[i]),
        1 + Math.max(...labels),
      ) / splits;
    }
    expect(found.reference).toBeGreaterThan(0.5);
    expect(found.float).toBeGreaterThanOrEqual(found.reference - 0.005);
    expect(found.int8).toBeGreaterThanOrEqual(found.float - 0.005);
  }, 120_000);
});
