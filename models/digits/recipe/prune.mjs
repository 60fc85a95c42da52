/**
 * Step 3: removes a share of the float network's channels, then prunes single weights while
 * training continues, until `sparsity` of all weights are zero. Writes digits-pruned.float.json and
 * .bin. Needs a build of kinglet (dist/ at the top of the repository).
 *
 *     node prune.mjs [--epochs 80] [--sparsity 0.8] [--channels 0.5] [--pattern weights]
 *       [--levels 31] [--out PATH]
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { loadFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { withoutChannels } from '../../training/graph.mjs';
import { Averages, PrunedWeights, Pruning, Range, distillation, fakeQuant } from '../../training/index.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { startTensorflow, tf } from '../../training/tensorflow.mjs';
import { countRight, distorted, smoothed } from './batches.mjs';
import { CLASSES, SIDE, imageOf, loadDigits } from './data.mjs';
import { FLOAT_NETWORK, PRUNED_NETWORK } from './float-network.mjs';
import { foldedLayers, foldedLogits, withWeights } from './folded.mjs';

const { values: options } = parseArgs({
  options: {
    epochs: { type: 'string', default: '80' },
    sparsity: { type: 'string', default: '0.8' },
    channels: { type: 'string', default: '0.5' },
    pattern: { type: 'string', default: 'weights' },
    levels: { type: 'string', default: '31' },
    out: { type: 'string', default: PRUNED_NETWORK },
  },
});
const EPOCHS = Number(options.epochs);
const BATCH = 64;
const PEAK_RATE = 3.5e-3;
const WARMUP = 0.05; // fraction of training
const STRETCH = [0.02, 0.5]; // start and end of pruning, as fractions of training
const RENEWAL = 25; // training steps between updates of the masks
const FEW = 32; // input channels below which a layer is pruned by single weights
const SAMPLES = 200; // number of digits that decide which channels are removed
const SEED = 17;

await startTensorflow();
const started = performance.now();
const { train, validation } = loadDigits();
const random = seeded(SEED);
const whole = loadFloatNetwork(FLOAT_NETWORK);
const network = withoutChannels(
  whole,
  Number(options.channels),
  Array.from({ length: SAMPLES }, (_, i) => imageOf(train, i)),
);
const teacher = foldedLayers(whole);
const layers = foldedLayers(network);
const pruned =
  new Map(layers.map((
    layer,
  ) => [layer, new PrunedWeights(tf, layer.weights, { pattern: patternOf(layer), levels: Number(options.levels) })]));
const ranges = new Map(layers.map((layer) => [layer, new Range()]));
const optimizer = tf.train.adam(PEAK_RATE);
const order = Array.from({ length: train.count }, (_, i) => i);
const stepsPerEpoch = train.count / BATCH;
const gone = 1 - prunable(layers) / prunable(teacher); // share that is removed with the channels
const pruning = new Pruning(pruned.values(), 1 - (1 - Number(options.sparsity)) / (1 - gone), ...STRETCH, 'global');
const variables = layers.flatMap(({ weights, bias }) => [weights, bias]);
let averages;

for (let epoch = 0; epoch < EPOCHS; epoch++) {
  shuffle(order, random);
  let loss = 0;
  for (let step = 0; step < stepsPerEpoch; step++) {
    const progress = (epoch + step / stepsPerEpoch) / EPOCHS;
    if (step % RENEWAL === 0 && pruning.renew(progress)) averages = new Averages(variables);
    optimizer.learningRate = rateAt(progress, PEAK_RATE, WARMUP);
    loss += trainStep(order.slice(step * BATCH, (step + 1) * BATCH), epoch < 0.75 * EPOCHS ? 0.6 : 0.4);
  }
  console
    .log(`epoch ${epoch + 1}/${EPOCHS}  loss ${(loss / stepsPerEpoch).toFixed(4)}  gone ${
      (100 * (1 - (1 - pruning.share()) * (1 - gone))).toFixed(1)
    } %  validation ${percent(right(validation), validation.count)}  ${seconds()} s`);
}

const averaged = (layer) => pruned.get(layer).data(averages.of(layer.weights));
saveFloatNetwork(options.out, withWeights(network, layers, averaged, ({ bias }) => averages.of(bias)));
console
  .table(layers.map((layer) => ({
    layer: layer.name,
    weights: layer.weights.size,
    left: averaged(layer).filter((w) => w !== 0).length,
  })));
console.log(`trained in ${seconds()} s`);

/**
 * Depthwise layers (nine weights per channel) and the first layer (one input channel) have no
 * sparse kernels and stay dense. An output with few inputs would have empty or half-full groups of
 * four pairs, so such layers are pruned by single weights, which makes the file smaller.
 */
function patternOf({ name, op, inChannels }) {
  if (op === 'depthwiseConv2d' || name === 'stem') return undefined;
  return op === 'fullyConnected' || inChannels < FEW ? 'weights' : options.pattern;
}

/** Number of weights in the layers that are pruned. */
function prunable(layers) {
  return layers.filter(patternOf).reduce((sum, { weights }) => sum + weights.size, 0);
}

/** Rounds activations to int8 precision once the masks are final. */
function logitsOf(x, follows) {
  return foldedLogits(
    layers,
    x,
    (layer) => pruned.get(layer).tensor(),
    (y, layer) => (pruning.settled ? fakeQuant(tf, y, ranges.get(layer), follows) : y),
  );
}

function trainStep(indices, strength) {
  const images = distorted(train, indices, random, strength);
  const cost = tf.tidy(() => {
    const x = tf.tensor4d(images, [indices.length, SIDE, SIDE, 1]);
    const labels = tf.tensor2d(smoothed(train, indices), [indices.length, CLASSES]);
    const expected = foldedLogits(teacher, x);
    return optimizer.minimize(() => distillation(tf, labels, expected, logitsOf(x, true)), true, variables)
      .dataSync()[0];
  });
  averages?.follow();
  return cost;
}

function right(set) {
  return tf.tidy(() =>
    countRight(set, logitsOf(tf.tensor4d(set.images, [set.count, SIDE, SIDE, 1]), false).dataSync())
  );
}

function seconds() {
  return ((performance.now() - started) / 1000).toFixed(0);
}
