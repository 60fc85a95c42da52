/**
 * Step 3: loads the float network, prunes it during further training, and writes
 * spoken-digits-pruned.float.json and .bin. Needs kinglet built (dist/ at the top of the
 * repository).
 *
 *     node prune.mjs [--data FOLDER] [--epochs 30] [--sparsity 0.8] [--gru weights]
 *       [--levels 31] [--out PATH]
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { loadFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { Averages, PrunedWeights, Pruning, Range, distillation, fakeQuant } from '../../training/index.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { startTensorflow, tf } from '../../training/tensorflow.mjs';
import { FOLDER, loadRecordings } from './data.mjs';
import { FLOAT_NETWORK, PRUNED_NETWORK } from './float-network.mjs';
import { assign, createNetwork, layersOf, logitsOf, variablesOf, withMatrices } from './network.mjs';
import { batchesOf, checkAgainstTensorflow, countRight, dropout, lessonOf } from './streams.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: FOLDER },
    epochs: { type: 'string', default: '30' },
    sparsity: { type: 'string', default: '0.8' },
    gru: { type: 'string', default: 'weights' },
    levels: { type: 'string', default: '31' },
    out: { type: 'string', default: PRUNED_NETWORK },
  },
});
const EPOCHS = Number(options.epochs);
const PEAK_RATE = 1.5e-3;
const WARMUP = 0.05; // of training
const STRETCH = [0.02, 0.6]; // the part of training in which weights are pruned
const RENEWAL = 25; // training steps between masks
const DROPOUT = 0.1;
const SEED = 19;

await startTensorflow();
const started = performance.now();
const { train, validation } = loadRecordings(options.data);
const random = seeded(SEED);
const saved = loadFloatNetwork(FLOAT_NETWORK);
const [teacher, network, averaged] = Array.from({ length: 3 }, () => {
  const made = createNetwork(random);
  assign(made, saved);
  return made;
});
const variables = variablesOf(network);
let averages;
const pruned =
  new Map(matricesOf(network).map((
    { matrix, ...how },
  ) => [matrix, new PrunedWeights(tf, matrix, { ...how, levels: Number(options.levels) })]));
const ranges = new Map(['convolution1', 'convolution2', 'projection', 'gru'].map((name) => [name, new Range()]));
const optimizer = tf.train.adam(PEAK_RATE);
const pruning = new Pruning(pruned.values(), Number(options.sparsity), ...STRETCH);

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let loss = 0;
  const batches = batchesOf(shuffle([...train], random), random);
  batches.forEach((batch, i) => {
    const progress = (epoch + i / batches.length) / EPOCHS;
    if (i % RENEWAL === 0 && pruning.renew(progress)) averages = new Averages(variables);
    optimizer.learningRate = rateAt(progress, PEAK_RATE, WARMUP);
    loss += trainStep(batch);
  });
  const right = countRight(validation, (x, frames, batch) => logits(network, x, frames, batch));
  console
    .log(`epoch ${epoch + 1}/${EPOCHS}  loss ${(loss / batches.length).toFixed(4)}  gone ${
      (100 * pruning.share()).toFixed(1)
    } %  validation ${percent(right, validation.length)}  ${seconds()} s`);
}

variablesOf(averaged).forEach((variable, i) =>
  tf.tidy(() => variable.assign(tf.tensor(averages.of(variables[i]), variable.shape)))
);
const remaining = pruned.values(); // in the order of withMatrices
const kept = withMatrices(
  averaged,
  (matrix) => tf.tensor(remaining.next().value.data(matrix.dataSync()), matrix.shape),
);
const keptLogits = (x, frames, batch) => logitsOf(kept, x, frames, batch);
saveFloatNetwork(options.out, { ...saved, layers: layersOf(kept) });
console.log(`validation, averaged weights: ${percent(countRight(validation, keptLogits), validation.length)}`);
checkAgainstTensorflow(loadFloatNetwork(options.out), validation.slice(0, 8), keptLogits);
console.log(`trained in ${seconds()} s`);

/**
 * All matrices in the order of `withMatrices`, with their pruning patterns. The kernels support
 * pairs in convolutions and blocks in layers of one row. A GRU may be pruned by single weights, for
 * a small file, or by blocks, which are also fast but cost accuracy.
 */
function matricesOf({ convolutions: [first, second], projection, gru, classifier }) {
  return [{ matrix: first.weights }, { matrix: second.weights, pattern: 'pairs' }, {
    matrix: projection.weights,
    pattern: 'blocks',
  }, { matrix: gru.weights, pattern: options.gru, groups: 3 }, {
    matrix: gru.recurrentWeights,
    pattern: options.gru,
    groups: 3,
  }, { matrix: classifier.weights, pattern: 'weights' }];
}

/** Rounds activations to int8 once the masks are final. */
function logits(net, x, frames, batch, drop, follows = false) {
  const rounded = (y, name) => (pruning.settled ? fakeQuant(tf, y, ranges.get(name), follows) : y);
  return logitsOf(withMatrices(net, (matrix) => pruned.get(matrix).tensor()), x, frames, batch, drop, rounded);
}

function trainStep(streams) {
  const cost = tf.tidy(() => {
    const { frames, batch, x, labels, weights } = lessonOf(streams);
    const expected = logitsOf(teacher, x, frames, batch);
    const student = () => logits(network, x, frames, batch, dropout(DROPOUT, frames, batch, random), true);
    return optimizer.minimize(() => distillation(tf, labels, expected, student(), { weights }), true, variables)
      .dataSync()[0];
  });
  averages?.follow();
  return cost;
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
