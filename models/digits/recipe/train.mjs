/**
 * Step 1: trains the network and writes digits.float.json and digits.float.bin.
 *
 *     node train.mjs [--epochs 85] [--out PATH]
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { describe, loadFloatNetwork, runFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { crossEntropy, startTensorflow, tf } from '../../training/tensorflow.mjs';
import { countRight, distorted, smoothed } from './batches.mjs';
import { CLASSES, PIXELS, SIDE, imageOf, loadDigits } from './data.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';
import { createNetwork, fold, probabilities, trainingLogits } from './network.mjs';

const { values: options } = parseArgs({
  options: { epochs: { type: 'string', default: '85' }, out: { type: 'string', default: FLOAT_NETWORK } },
});
const EPOCHS = Number(options.epochs);
const BATCH = 64;
const PEAK_RATE = 4e-3;
const WARMUP_EPOCHS = 2;
const SEED = 7;

await startTensorflow();
const started = performance.now();
const { train, validation, test } = loadDigits();
console.log(`digits: ${train.count} for training, ${validation.count} for validation, ${test.count} for testing`);

const random = seeded(SEED);
const network = createNetwork(random);
const optimizer = tf.train.adam(PEAK_RATE);
const order = Array.from({ length: train.count }, (_, i) => i);
const stepsPerEpoch = train.count / BATCH;

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  shuffle(order, random);
  let loss = 0;
  for (let step = 0; step < stepsPerEpoch; step++) {
    optimizer.learningRate = rateAt((epoch + step / stepsPerEpoch) / EPOCHS, PEAK_RATE, WARMUP_EPOCHS / EPOCHS);
    loss += trainStep(order.slice(step * BATCH, (step + 1) * BATCH), strengthAt(epoch / EPOCHS));
  }
  const line = [`epoch ${epoch + 1}/${EPOCHS}`, `loss ${(loss / stepsPerEpoch).toFixed(4)}`];
  if (epoch % 5 === 4 || epoch === EPOCHS - 1) {
    line.push(`validation ${percent(tfAccuracy(validation), validation.count)}`);
  }
  console.log([...line, `${seconds()} s`].join('  '));
}

saveFloatNetwork(options.out, {
  name: 'digits',
  input: { name: 'image', shape: [1, SIDE, SIDE, 1] },
  output: { name: 'scores', shape: [1, CLASSES] },
  layers: fold(network),
});
const saved = loadFloatNetwork(options.out);
console.table(describe(saved).map(({ shape, ...layer }) => ({ ...layer, shape: shape.join('×') })));
checkAgainstTensorflow(saved, 100);
console.log(`validation: ${percent(plainAccuracy(saved, validation), validation.count)}`);
console.log(`test: ${percent(plainAccuracy(saved, test), test.count)}`);
console.log(`trained in ${seconds()} s`);

function trainStep(indices, strength) {
  const images = distorted(train, indices, random, strength);
  return tf.tidy(() => {
    const x = tf.tensor4d(images, [indices.length, SIDE, SIDE, 1]);
    const labels = tf.tensor2d(smoothed(train, indices), [indices.length, CLASSES]);
    const cost = optimizer.minimize(() => crossEntropy(labels, trainingLogits(network, x)), true);
    return cost.dataSync()[0];
  });
}

/**
 * Distortion is full for three quarters of training, then falls to half, so that the network adapts
 * to less distorted digits.
 */
function strengthAt(progress) {
  return progress < 0.75 ? 1 : 1 - 0.5 * (progress - 0.75) / 0.25;
}

function tfAccuracy(set) {
  return tf.tidy(() =>
    countRight(set, probabilities(network, tf.tensor4d(set.images, [set.count, SIDE, SIDE, 1])).dataSync())
  );
}

function plainAccuracy(network, set) {
  const scores = new Float32Array(set.count * CLASSES);
  for (let i = 0; i < set.count; i++) scores.set(runFloatNetwork(network, imageOf(set, i)), i * CLASSES);
  return countRight(set, scores);
}

/**
 * Checks that the saved network, run in plain loops, gives the same probabilities as TensorFlow
 * with batch norm.
 */
function checkAgainstTensorflow(saved, count) {
  const images = test.images.subarray(0, count * PIXELS);
  const expected = tf.tidy(() => probabilities(network, tf.tensor4d(images, [count, SIDE, SIDE, 1])).dataSync());
  let largest = 0;
  for (let i = 0; i < count; i++) {
    runFloatNetwork(saved, imageOf(test, i)).forEach((score, j) => {
      largest = Math.max(largest, Math.abs(score - expected[i * CLASSES + j]));
    });
  }
  console
    .log(`largest difference between the saved network and TensorFlow over ${count} digits: ${
      largest.toExponential(2)
    }`);
  if (!(largest < 1e-4)) {
    throw new Error(`the saved network differs from TensorFlow by ${largest}, expected less than 1e-4`);
  }
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
