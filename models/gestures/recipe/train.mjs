/**
 * Step 1: trains the network on simulated windows and writes gestures.float.json and .bin.
 *
 *     node train.mjs [--convolutions 8:4:16,3:2:24,3:1:32] [--epochs 30] [--people 240]
 *       [--out PATH]
 */
import { performance } from 'node:perf_hooks';
import { Averages } from '../../training/average.mjs';
import { describe, loadFloatNetwork, runFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { parametersOf } from '../../training/parameters.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { crossEntropy, startTensorflow, tf } from '../../training/tensorflow.mjs';
import { AXES, LABELS, SAMPLES, SETS, SIZE, loadGestures, windowOf } from './data.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';
import { CONVOLUTIONS, createNetwork, describedNetwork, logitsOf, variablesOf } from './network.mjs';

const BATCH = 64;
const PEAK_RATE = 4e-3;
const WARMUP = 0.05; // fraction of training
const SMOOTHING = 0.02; // of labels
const SEED = 7;

const { convolutions, epochs, people, out } = parametersOf({
  convolutions: CONVOLUTIONS,
  epochs: 30,
  people: SETS.train.people,
  out: FLOAT_NETWORK,
});

await startTensorflow();
const started = performance.now();
const train = loadGestures('train', { people });
const validation = loadGestures('validation');
console.log(`windows: ${train.count} for training, ${validation.count} for validation, ${seconds()} s`);

const random = seeded(SEED);
const network = createNetwork(random, convolutions);
const variables = variablesOf(network);
const averages = new Averages(variables);
const optimizer = tf.train.adam(PEAK_RATE);
const order = Array.from({ length: train.count }, (_, i) => i);
const steps = Math.floor(train.count / BATCH);

for (let epoch = 0; epoch < epochs; epoch++) {
  shuffle(order, random);
  let loss = 0;
  for (let step = 0; step < steps; step++) {
    optimizer.learningRate = rateAt((epoch + step / steps) / epochs, PEAK_RATE, WARMUP);
    loss += trainStep(order.slice(step * BATCH, (step + 1) * BATCH)) / steps;
    averages.follow();
  }
  const right = tf.tidy(() => countRight(logitsOf(network, inputs(validation)).dataSync(), validation));
  console
    .log([`epoch ${epoch + 1}/${epochs}`, `loss ${loss.toFixed(4)}`, `validation ${percent(right, validation.count)}`,
      `${seconds()} s`].join('  '));
}
averages.assign(tf);
saveFloatNetwork(out, describedNetwork(network));
const saved = loadFloatNetwork(out);
console.table(describe(saved).map(({ shape, ...layer }) => ({ ...layer, shape: shape.join('×') })));
checkAgainstTensorflow(saved, 100);
console.log(`trained in ${seconds()} s`);

function trainStep(indices) {
  return tf.tidy(() => {
    const x = inputs(train, indices);
    const labels = new Float32Array(indices.length * LABELS.length).fill(SMOOTHING / LABELS.length);
    indices.forEach((index, i) => labels[i * LABELS.length + train.labels[index]] += 1 - SMOOTHING);
    const expected = tf.tensor2d(labels, [indices.length, LABELS.length]);
    return optimizer.minimize(() => crossEntropy(expected, logitsOf(network, x)), true, variables).dataSync()[0];
  });
}

/** The windows of a set, in g: [indices][64][3]. */
function inputs(set, indices = set.labels.keys()) {
  const all = [...indices];
  const values = new Float32Array(all.length * SIZE);
  all.forEach((index, i) => values.set(windowOf(set, index), i * SIZE));
  return tf.tensor3d(values, [all.length, SAMPLES, AXES]);
}

function countRight(scores, { labels }) {
  return labels.filter((label, i) => {
    const row = scores.subarray(i * LABELS.length, (i + 1) * LABELS.length);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
}

/** Checks that the saved network, run in plain loops, gives the same scores as TensorFlow. */
function checkAgainstTensorflow(saved, count) {
  const indices = Array.from({ length: count }, (_, i) => i);
  const expected = tf.tidy(() => tf.softmax(logitsOf(network, inputs(validation, indices))).dataSync());
  const own = indices.flatMap((i) => [...runFloatNetwork(saved, windowOf(validation, i))]);
  const largest = Math.max(...own.map((score, i) => Math.abs(score - expected[i])));
  console.log(`largest difference between the saved network and TensorFlow: ${largest.toExponential(2)}`);
  if (!(largest < 1e-4)) throw new Error(`the saved network differs from TensorFlow by ${largest}`);
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
