/**
 * Step 3: trains the float network further as an int8 network with few bits, optionally with fewer
 * channels and pruned weights, from its labels, the float network's soft outputs and its attention.
 * Needs a build of kinglet (dist/ at the top of the repository).
 *
 *     node finetune.mjs [--bits 4] [--epochs 15] [--rate 0.0015] [--distillation 0.7]
 *       [--attention 0] [--sparsity 0] [--channels 0] [--pattern weights] [--strength 0.6]
 *       [--seed 17] [--out PATH]
 *
 * Progress goes to stderr. The last line, on stdout, is JSON: the parameters, and the accuracy,
 * loss and bytes of the int8 network; see `finetune`.
 */
import { performance } from 'node:perf_hooks';
import { compile } from '../../../dist/compiler.js';
import { load } from '../../../dist/index.js';
import { loadFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { toGraph, withoutChannels } from '../../training/graph.mjs';
import { Averages, Pruning, QuantizedActivations, QuantizedWeights, attentionLoss, distillation, roundActivations,
  totalLoss } from '../../training/index.mjs';
import { bitsByLayer, isProgram, parametersOf } from '../../training/parameters.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { startTensorflow, tf } from '../../training/tensorflow.mjs';
import { countRight, distorted, smoothed } from './batches.mjs';
import { CLASSES, SIDE, imageOf, loadDigits } from './data.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';
import { foldedLayers, foldedLogits, int8Network } from './folded.mjs';

const BATCH = 64;
const WARMUP = 0.05; // fraction of training
const STRETCH = [0.02, 0.5]; // start and end of pruning, as fractions of training
const RENEWAL = 25; // training steps between updates of the masks
const FEW = 32; // input channels below which a layer is pruned by single weights
const SAMPLES = 200; // number of digits that decide which channels are removed
const PIXEL = { scale: 1 / 255, zeroPoint: -128 };

export const defaults = {
  /** Bits of the weights: `4`, or `4,stem:8` with those of some layers. */
  bits: '4',
  /** Times that every digit is seen; a fraction is possible. */
  epochs: 15,
  /** The highest learning rate. */
  rate: 0.0015,
  /** Share of the float network's soft outputs in the loss, 0..1; the rest are the labels. */
  distillation: 0.7,
  /** Weight of the attention loss after each pointwise layer. */
  attention: 0,
  /** Share of all weights of pointwise and dense layers to prune, removed channels included. */
  sparsity: 0,
  /** Share of the channels of each layer to remove before training. */
  channels: 0,
  /** `weights`, `pairs` or `blocks`. */
  pattern: 'weights',
  /** Strength of the digits' distortion, 0..1; two thirds of it in the last quarter. */
  strength: 0.6,
  seed: 17,
};

/**
 * Trains the network.
 *
 * @param parameters as `defaults`
 * @param log receives a line of text for each epoch
 * @returns { network, accuracy, loss, bytes }: the int8 network, its accuracy and mean cross
 *   entropy on the validation digits, measured with kinglet, and the bytes of its compact file
 *   without golden vectors and debug info
 */
export async function finetune(parameters, log = () => {}) {
  await startTensorflow();
  const training = new Finetuning(parameters);
  const { train, validation } = training.digits;
  const order = Array.from({ length: train.count }, (_, i) => i);
  const started = performance.now();
  for (let epoch = 0; epoch < parameters.epochs; epoch++) {
    shuffle(order, training.random);
    const loss = training.epoch(order, epoch);
    const right = training.right(validation);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    log(`epoch ${epoch + 1}/${parameters.epochs}  loss ${loss.toFixed(4)}  gone ${
      (100 * training.gone()).toFixed(1)
    } %  validation ${percent(right, validation.count)}  ${seconds} s`);
  }
  const network = training.result();
  return { network, ...await measure(network, validation) };
}

class Finetuning {
  digits = loadDigits();
  #averages;

  constructor(parameters) {
    this.parameters = parameters;
    this.random = seeded(parameters.seed);
    const whole = loadFloatNetwork(FLOAT_NETWORK);
    const images = Array.from({ length: SAMPLES }, (_, i) => imageOf(this.digits.train, i));
    this.network = parameters.channels > 0 ? withoutChannels(whole, parameters.channels, images) : whole;
    this.teacher = foldedLayers(whole);
    this.layers = foldedLayers(this.network);
    const bits = bitsByLayer(parameters.bits, this.layers.map(({ name }) => name));
    this.weights =
      new Map(this.layers.map((
        layer,
      ) => [layer,
        new QuantizedWeights(tf, layer.weights, { bits: bits(layer.name), pattern: this.#patternOf(layer) })]
      ));
    // Adam counts variables in the order of their creation, and these join when the masks are final
    const names = [...this.layers.map(({ name }) => name), 'pool'];
    this.activations = new Map(names.map((name) => [name, new QuantizedActivations(tf)]));
    const parts = [...this.weights.values(), ...this.activations.values()];
    this.variables = [...this.layers.map(({ bias }) => bias), ...parts.flatMap(({ variables }) => variables)];
    this.optimizer = tf.train.adam(parameters.rate);
    this.removed = 1 - this.#prunable(this.layers) / this.#prunable(this.teacher); // with the channels
    const sparsity = Math.max(0, 1 - (1 - parameters.sparsity) / (1 - this.removed));
    this.pruning = new Pruning(this.weights.values(), sparsity, ...(sparsity > 0 ? STRETCH : [0, 0]), 'global');
  }

  /** Trains on all digits once, in this order. @returns the mean loss */
  epoch(order, epoch) {
    const { rate, epochs, strength } = this.parameters;
    const steps = order.length / BATCH;
    const wanted = Math.ceil(steps * Math.min(1, epochs - epoch)); // the last epoch may be a part
    const distortion = epoch < 0.75 * epochs ? strength : strength * 2 / 3;
    let loss = 0;
    for (let step = 0; step < wanted; step++) {
      const progress = (epoch + step / steps) / epochs;
      if (step % RENEWAL === 0 && this.pruning.renew(progress)) this.#averages = new Averages(this.variables);
      this.optimizer.learningRate = rateAt(progress, rate, WARMUP);
      loss += this.#step(order.slice(step * BATCH, (step + 1) * BATCH), distortion);
    }
    return loss / wanted;
  }

  /** Share of the float network's prunable weights that are removed or masked. */
  gone() {
    return 1 - (1 - this.pruning.share()) * (1 - this.removed);
  }

  /** Number of digits of a set that the network classifies correctly now. */
  right(set) {
    return tf.tidy(() => countRight(set, this.#logits(tf.tensor4d(set.images, [set.count, SIDE, SIDE, 1])).dataSync()));
  }

  /** The int8 network with the averages of what was learned. */
  result() {
    this.#averages.assign(tf);
    const learned = (layer) => {
      const weights = this.weights.get(layer);
      return { weights: weights.data(), bias: layer.bias.dataSync(), weightScales: weights.scales() };
    };
    const outputs = [...this.activations].map(([name, activation]) => [name, activation.quantization()]);
    return int8Network(this.network, this.layers, learned, new Map([...outputs, [this.network.input.name, PIXEL]]));
  }

  #step(indices, strength) {
    const { distillation: share, attention } = this.parameters;
    const images = roundActivations(distorted(this.digits.train, indices, this.random, strength), PIXEL);
    const cost = tf.tidy(() => {
      const x = tf.tensor4d(images, [indices.length, SIDE, SIDE, 1]);
      const labels = tf.tensor2d(smoothed(this.digits.train, indices), [indices.length, CLASSES]);
      const seen = new Map();
      const expected = foldedLogits(this.teacher, x, undefined, (y, name) => {
        seen.set(name, y);
        return y;
      });
      const loss = () => {
        const losses = [];
        const compare = (y, name) => {
          if (attention > 0 && name.endsWith('pointwise')) losses.push(attentionLoss(tf, y, seen.get(name), attention));
        };
        const logits = this.#logits(x, compare);
        const soft = distillation(tf, labels, expected, logits, { share });
        return losses.length > 0 ? totalLoss(tf, [soft, ...losses]) : soft;
      };
      return this.optimizer.minimize(loss, true, this.variables).dataSync()[0];
    });
    this.#averages?.follow();
    return cost;
  }

  /** Rounds activations to int8 once the masks are final. */
  #logits(x, see = () => {}) {
    return foldedLogits(this.layers, x, (layer) => this.weights.get(layer).tensor(), (y, name) => {
      see(y, name);
      return this.pruning.settled ? this.activations.get(name).round(y) : y;
    });
  }

  /**
   * Depthwise layers (nine weights per channel) and the first layer (one input channel) have no
   * sparse kernels and stay dense. An output with few inputs would have empty or half-full groups
   * of four pairs, so such layers are pruned by single weights, which makes the file smaller.
   */
  #patternOf({ name, op, inChannels }) {
    if (op === 'depthwiseConv2d' || name === 'stem') return undefined;
    return op === 'fullyConnected' || inChannels < FEW ? 'weights' : this.parameters.pattern;
  }

  /** Number of weights in the layers that are pruned. */
  #prunable(layers) {
    return layers.filter((layer) => this.#patternOf(layer)).reduce((sum, { weights }) => sum + weights.size, 0);
  }
}

async function measure(network, set) {
  const graph = toGraph(network);
  const model = await load(compile(graph));
  let loss = 0;
  const scores = new Float32Array(set.count * CLASSES);
  for (let i = 0; i < set.count; i++) {
    const own = model.predict(imageOf(set, i));
    scores.set(own, i * CLASSES);
    loss -= Math.log(Math.max(own[set.labels[i]], 1 / 512)) / set.count; // half a step of the scores
  }
  model.dispose();
  const bytes = compile(graph, { debugInfo: false, compact: true }).length;
  return { accuracy: countRight(set, scores) / set.count, loss: Number(loss.toFixed(4)), bytes };
}

if (isProgram(import.meta.url)) {
  const { out, ...parameters } = parametersOf({ ...defaults, out: undefined });
  const { network, ...result } = await finetune(parameters, console.error);
  if (out) saveFloatNetwork(out, network);
  console.log(JSON.stringify({ ...parameters, ...result }));
}
