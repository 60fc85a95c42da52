/**
 * Step 1: trains the network and writes spoken-digits.float.json and spoken-digits.float.bin.
 *
 *     node train.mjs [--data FOLDER] [--epochs 40] [--leave SPEAKER] [--seed 7] [--out PATH]
 *
 * With --leave, that one of the known speakers is left out of training and watched instead: for choosing, nothing
 * is written.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { crossEntropy, startTensorflow, tf } from '../../digits/recipe/tensorflow.mjs';
import { describe, loadFloatNetwork, saveFloatNetwork } from '../../digits/recipe/float-network.mjs';
import { seeded, shuffle } from '../../digits/recipe/random.mjs';
import { makeStream } from './augment.mjs';
import { CLASSES, FOLDER, loadRecordings } from './data.mjs';
import { BANDS, logMel } from './features.mjs';
import { FLOAT_NETWORK, argmax, lastScores, runStream } from './float-network.mjs';
import { createNetwork, layersOf, logitsOf, variablesOf } from './network.mjs';
import { scaled } from './operators.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: FOLDER }, epochs: { type: 'string', default: '40' }, leave: { type: 'string' },
    out: { type: 'string', default: FLOAT_NETWORK }, seed: { type: 'string', default: '7' },
  },
});
const EPOCHS = Number(options.epochs);
const STREAMS = 8; // of a batch
const SECOND_WORD = 0.4; // share of streams with two words
const PEAK_RATE = 2.5e-3;
const WARMUP_EPOCHS = 2;
const SMOOTHING = 0.1; // of labels
const DROPOUT = 0.2;
const WEIGHT_DECAY = 0.02;
const EVEN = 0.1; // weight of the frames before a word, whose scores should be even
const WORD = 25; // frames: about as long as a word is
const GUESS = 0.3; // weight of the second half of a word: an early guess
const MEMORY = 0.997; // of the average of weights that is kept
const EVALUATED = 100; // recordings at a time
const LAST_FRAMES = 40; // of a word and after it that count

await startTensorflow();
const started = performance.now();
const sets = loadRecordings(options.data);
const left = ({ speaker }) => speaker === options.leave;
const train = options.leave ? sets.train.filter((recording) => !left(recording)) : sets.train;
const watched = options.leave ? [...sets.train, ...sets.validation].filter(left) : sets.validation;
console.log(`spoken digits: ${train.length} to train on, ${watched.length} to watch`);

const random = seeded(Number(options.seed));
const network = createNetwork(random);
const averaged = createNetwork(random);
const variables = variablesOf(network);
const averages = variables.map((variable) => variable.dataSync().slice());
const optimizer = tf.train.adam(PEAK_RATE);
let steps = 0;

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let loss = 0;
  const batches = batchesOf(shuffle([...train], random));
  batches.forEach((batch, i) => {
    optimizer.learningRate = rateAt((epoch + i / batches.length) / EPOCHS);
    loss += trainStep(batch);
  });
  const line = [`epoch ${epoch + 1}/${EPOCHS}`, `loss ${(loss / batches.length).toFixed(4)}`];
  if (epoch % 5 === 4 || epoch === EPOCHS - 1) {
    line.push(`watched ${percent(countRight(watched), watched.length)}`);
    if (!options.leave) save();
  }
  console.log([...line, `${seconds()} s`].join('  '));
}

if (!options.leave) {
  const saved = loadFloatNetwork(options.out);
  console.table(describe(saved).map(({ shape, ...layer }) => ({ ...layer, shape: shape.join('×') })));
  checkAgainstTensorflow(saved, watched.slice(0, 8));
  console.log(`validation: ${percent(plainRight(saved, sets.validation), sets.validation.length)}`);
}
console.log(`trained in ${seconds()} s`);

/** The averaged weights, as countRight left them. */
function save() {
  saveFloatNetwork(options.out, {
    name: 'spoken-digits',
    input: { name: 'frame', shape: [1, 1, BANDS, 1] },
    output: { name: 'scores', shape: [1, CLASSES] },
    layers: layersOf(averaged),
  });
}

/** Streams of one or two words, in batches of about equal lengths. */
function batchesOf(recordings) {
  const streams = [];
  while (recordings.length > 0) streams.push(makeStream(recordings.splice(0, random() < SECOND_WORD ? 2 : 1), random));
  streams.length -= streams.length % STREAMS;
  streams.sort((a, b) => a.count - b.count);
  return shuffle(Array.from({ length: streams.length / STREAMS }, (_, i) => streams.slice(i * STREAMS, (i + 1) * STREAMS)), random);
}

function trainStep(streams) {
  const frames = Math.max(...streams.map(({ count }) => count));
  const batch = streams.length;
  const labels = new Float32Array(frames * batch * CLASSES).fill(1 / CLASSES);
  const weights = new Float32Array(frames * batch);
  streams.forEach(({ words }, b) => {
    let before = 0;
    for (const { digit, middle, from, to } of words) {
      const end = Math.min(to, from + LAST_FRAMES);
      if (before === 0) for (let t = 0; t < from - WORD; t++) weights[t * batch + b] = EVEN / (from - WORD);
      for (let t = middle; t < end; t++) {
        weights[t * batch + b] = t < from ? GUESS / (from - middle) : 1 / (end - from);
        const row = (t * batch + b) * CLASSES;
        labels.fill(SMOOTHING / CLASSES, row, row + CLASSES);
        labels[row + digit] += 1 - SMOOTHING;
      }
      before = to;
    }
  });
  for (let i = 0; i < weights.length; i++) weights[i] /= batch;

  const cost = tf.tidy(() => {
    const x = tf.tensor2d(interleave(streams, frames, batch), [frames * batch, BANDS]);
    const answers = tf.tensor2d(labels, [frames * batch, CLASSES]);
    const share = tf.tensor2d(weights, [frames * batch, 1]);
    return optimizer.minimize(() => crossEntropy(answers, logitsOf(network, x, frames, batch, drop(frames, batch)), share), true).dataSync()[0];
  });
  const memory = Math.min(MEMORY, (1 + steps) / (10 + steps));
  steps++;
  variables.forEach((variable, i) => {
    if (variable.rank > 1) tf.tidy(() => variable.assign(tf.mul(variable, 1 - WEIGHT_DECAY * optimizer.learningRate)));
    const values = variable.dataSync();
    const average = averages[i];
    for (let j = 0; j < values.length; j++) average[j] += (1 - memory) * (values[j] - average[j]);
  });
  return cost;
}

/** [frames][batch][BANDS], zeros where a stream has ended */
function interleave(streams, frames, batch) {
  const x = new Float32Array(frames * batch * BANDS);
  streams.forEach(({ frames: from, count }, b) => {
    for (let t = 0; t < count; t++) x.set(from.subarray(t * BANDS, (t + 1) * BANDS), (t * batch + b) * BANDS);
  });
  return x;
}

/** Dropout with one mask for all frames of a stream. */
function drop(frames, batch) {
  return (y) => {
    const width = y.shape[1];
    const mask = Float32Array.from({ length: batch * width }, () => (random() < DROPOUT ? 0 : 1 / (1 - DROPOUT)));
    return tf.reshape(scaled(tf.reshape(y, [frames, batch, width]), tf.tensor3d(mask, [1, batch, width])), [-1, width]);
  };
}

/** By the scores after the last frame of each recording, with averaged weights. */
function countRight(recordings) {
  assignAverages();
  let right = 0;
  for (let from = 0; from < recordings.length; from += EVALUATED) {
    const batch = recordings.slice(from, from + EVALUATED);
    const logits = averagedLogits(batch);
    batch.forEach(({ digit }, b) => { if (argmax(logits[b].slice(-CLASSES)) === digit) right++; });
  }
  return right;
}

/** @returns f32 [frames][10] for each recording */
function averagedLogits(recordings) {
  const streams = recordings.map(({ samples }) => {
    const frames = logMel(samples);
    return { frames, count: frames.length / BANDS };
  });
  const batch = Math.ceil(streams.length / 4) * 4;
  const frames = Math.max(...streams.map(({ count }) => count));
  const logits = tf.tidy(() => logitsOf(averaged, tf.tensor2d(interleave(streams, frames, batch), [frames * batch, BANDS]), frames, batch).dataSync());
  return streams.map(({ count }, b) => Float32Array.from({ length: count * CLASSES }, (_, i) =>
    logits[(Math.floor(i / CLASSES) * batch + b) * CLASSES + (i % CLASSES)]));
}

function assignAverages() {
  variablesOf(averaged).forEach((variable, i) => tf.tidy(() => variable.assign(tf.tensor(averages[i], variable.shape))));
}

function plainRight(saved, recordings) {
  return recordings.filter(({ samples, digit }) => argmax(lastScores(saved, logMel(samples))) === digit).length;
}

/** The saved file, run frame by frame by plain loops, must say what TensorFlow says. */
function checkAgainstTensorflow(saved, recordings) {
  let largest = 0;
  averagedLogits(recordings).forEach((logits, i) => {
    const expected = tf.tidy(() => tf.softmax(tf.tensor2d(logits, [logits.length / CLASSES, CLASSES])).dataSync());
    runStream(saved, logMel(recordings[i].samples), (scores, t) => scores.forEach((score, j) => {
      largest = Math.max(largest, Math.abs(score - expected[t * CLASSES + j]));
    }));
  });
  console.log(`largest difference between the saved network and TensorFlow over ${recordings.length} recordings: ${largest.toExponential(2)}`);
  if (!(largest < 1e-4)) throw new Error(`the saved network differs from TensorFlow by ${largest}, expected less than 1e-4`);
}

/** Up for a moment, then down along half a cosine; `progress` in 0..1. */
function rateAt(progress) {
  const warmup = WARMUP_EPOCHS / EPOCHS;
  if (progress < warmup) return PEAK_RATE * (progress + 0.01) / (warmup + 0.01);
  return PEAK_RATE * 0.5 * (1 + Math.cos(Math.PI * (progress - warmup) / (1 - warmup)));
}

function percent(right, count) {
  return `${((100 * right) / count).toFixed(2)} % (${count - right} wrong of ${count})`;
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
