/**
 * Step 1: trains the network and writes spoken-digits.float.json and spoken-digits.float.bin.
 *
 *     node train.mjs [--data FOLDER] [--epochs 40] [--leave SPEAKER] [--seed 7] [--out PATH]
 *
 * With --leave, one of the known speakers is left out of training and used for validation; nothing
 * is written.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Averages } from '../../training/average.mjs';
import { describe, loadFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { crossEntropy, startTensorflow, tf } from '../../training/tensorflow.mjs';
import { CLASSES, FOLDER, loadRecordings } from './data.mjs';
import { BANDS, logMel } from './features.mjs';
import { FLOAT_NETWORK, argmax, lastScores } from './float-network.mjs';
import { createNetwork, layersOf, logitsOf, variablesOf } from './network.mjs';
import { batchesOf, checkAgainstTensorflow, countRight, dropout, lessonOf } from './streams.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: FOLDER },
    epochs: { type: 'string', default: '40' },
    leave: { type: 'string' },
    out: { type: 'string', default: FLOAT_NETWORK },
    seed: { type: 'string', default: '7' },
  },
});
const EPOCHS = Number(options.epochs);
const PEAK_RATE = 2.5e-3;
const WARMUP_EPOCHS = 2;
const DROPOUT = 0.2;
const WEIGHT_DECAY = 0.02;

await startTensorflow();
const started = performance.now();
const sets = loadRecordings(options.data);
const left = ({ speaker }) => speaker === options.leave;
const train = options.leave ? sets.train.filter((recording) => !left(recording)) : sets.train;
const watched = options.leave ? [...sets.train, ...sets.validation].filter(left) : sets.validation;
console.log(`spoken digits: ${train.length} for training, ${watched.length} for validation`);

const random = seeded(Number(options.seed));
const network = createNetwork(random);
const averaged = createNetwork(random);
const variables = variablesOf(network);
const averages = new Averages(variables);
const optimizer = tf.train.adam(PEAK_RATE);

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let loss = 0;
  const batches = batchesOf(shuffle([...train], random), random);
  batches.forEach((batch, i) => {
    optimizer.learningRate = rateAt((epoch + i / batches.length) / EPOCHS, PEAK_RATE, WARMUP_EPOCHS / EPOCHS);
    loss += trainStep(batch);
  });
  const line = [`epoch ${epoch + 1}/${EPOCHS}`, `loss ${(loss / batches.length).toFixed(4)}`];
  if (epoch % 5 === 4 || epoch === EPOCHS - 1) {
    assignAverages();
    line.push(`watched ${percent(countRight(watched, averagedLogits), watched.length)}`);
    if (!options.leave) save();
  }
  console.log([...line, `${seconds()} s`].join('  '));
}

if (!options.leave) {
  const saved = loadFloatNetwork(options.out);
  console.table(describe(saved).map(({ shape, ...layer }) => ({ ...layer, shape: shape.join('×') })));
  checkAgainstTensorflow(saved, watched.slice(0, 8), averagedLogits);
  console.log(`validation: ${percent(plainRight(saved, sets.validation), sets.validation.length)}`);
}
console.log(`trained in ${seconds()} s`);

/** Saves the averaged weights, which assignAverages has set. */
function save() {
  saveFloatNetwork(options.out, {
    name: 'spoken-digits',
    input: { name: 'frame', shape: [1, 1, BANDS, 1] },
    output: { name: 'scores', shape: [1, CLASSES] },
    layers: layersOf(averaged),
  });
}

function trainStep(streams) {
  const cost = tf.tidy(() => {
    const { frames, batch, x, labels, weights } = lessonOf(streams);
    const logits = () => logitsOf(network, x, frames, batch, dropout(DROPOUT, frames, batch, random));
    return optimizer.minimize(() => crossEntropy(labels, logits(), weights), true).dataSync()[0];
  });
  for (const variable of variables) {
    if (variable.rank > 1) tf.tidy(() => variable.assign(tf.mul(variable, 1 - WEIGHT_DECAY * optimizer.learningRate)));
  }
  averages.follow();
  return cost;
}

function averagedLogits(x, frames, batch) {
  return logitsOf(averaged, x, frames, batch);
}

function assignAverages() {
  variablesOf(averaged).forEach((variable, i) =>
    tf.tidy(() => variable.assign(tf.tensor(averages.of(variables[i]), variable.shape)))
  );
}

function plainRight(saved, recordings) {
  return recordings.filter(({ samples, digit }) => argmax(lastScores(saved, logMel(samples))) === digit).length;
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
