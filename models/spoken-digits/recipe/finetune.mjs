/**
 * Step 3: trains the float network further as an int8 network with few bits, optionally with pruned
 * weights, from its labels, the float network's soft outputs and its activations. Needs a build of
 * kinglet (dist/ at the top of the repository).
 *
 *     node finetune.mjs [--data FOLDER] [--bits 4] [--epochs 15] [--rate 0.001]
 *       [--distillation 0.7] [--hint 0] [--dropout 0.1] [--sparsity 0] [--pattern weights]
 *       [--seed 19] [--out PATH]
 *
 * Progress goes to stderr. The last line, on stdout, is JSON: the parameters, and the accuracy,
 * loss and bytes of the int8 network; see `finetune`.
 */
import { performance } from 'node:perf_hooks';
import { loadFloatNetwork, saveFloatNetwork } from '../../training/floatNetwork.mjs';
import { Averages, Pruning, QuantizedActivations, QuantizedWeights, distillation, hintLoss, initialActivation,
  totalLoss } from '../../training/index.mjs';
import { fixedOutputs } from '../../training/int8.mjs';
import { bitsByLayer, isProgram, parametersOf } from '../../training/parameters.mjs';
import { percent, rateAt } from '../../training/progress.mjs';
import { seeded, shuffle } from '../../training/random.mjs';
import { startTensorflow, tf } from '../../training/tensorflow.mjs';
import { FOLDER, loadRecordings } from './data.mjs';
import { logMel } from './features.mjs';
import { FLOAT_NETWORK } from './float-network.mjs';
import { assign, createNetwork, layersOf, logitsOf, namedLayers, variablesOf, withMatrices } from './network.mjs';
import { measureStream, toStreamGraph } from './stream-network.mjs';
import { batchesOf, countRight, dropout, lessonOf } from './streams.mjs';

const WARMUP = 0.05; // fraction of training
const STRETCH = [0.02, 0.6]; // start and end of pruning, as fractions of training
const RENEWAL = 25; // training steps between updates of the masks

export const defaults = {
  /** Bits of the weights: `4`, or `4,classifier:8` with those of some layers. */
  bits: '4',
  /** Times that every recording is heard; a fraction is possible. */
  epochs: 15,
  /** The highest learning rate. */
  rate: 0.001,
  /** Share of the float network's soft outputs in the loss, 0..1; the rest are the labels. */
  distillation: 0.7,
  /** Weight of the hint loss of the projection and of the GRU. */
  hint: 0,
  dropout: 0.1,
  /** Share of the weights to prune, of all layers except the first. */
  sparsity: 0,
  /**
   * How the GRU is pruned: `weights`, for a small file, or `blocks`, which are also fast but less
   * accurate.
   */
  pattern: 'weights',
  seed: 19,
};

/**
 * Trains the network.
 *
 * @param recordings { train, validation } of loadRecordings
 * @param parameters as `defaults`
 * @param log receives a line of text for each epoch
 * @returns { network, accuracy, loss, bytes }: the int8 network, its accuracy and mean cross
 *   entropy at the ends of the validation recordings, measured with kinglet, and the bytes of its
 *   compact file without golden vectors and debug info
 */
export async function finetune({ train, validation }, parameters, log = () => {}) {
  await startTensorflow();
  const training = new Finetuning(parameters, train);
  const started = performance.now();
  for (let epoch = 0; epoch < parameters.epochs; epoch++) {
    const loss = training.epoch(epoch);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    log(`epoch ${epoch + 1}/${parameters.epochs}  loss ${loss.toFixed(4)}  gone ${
      (100 * training.pruning.share()).toFixed(1)
    } %  validation ${percent(training.right(validation), validation.length)}  ${seconds} s`);
  }
  const network = training.result();
  return { network, ...await measureStream(toStreamGraph(network), validation) };
}

class Finetuning {
  #averages;

  constructor(parameters, train) {
    this.parameters = parameters;
    this.train = train;
    this.random = seeded(parameters.seed);
    this.saved = loadFloatNetwork(FLOAT_NETWORK);
    [this.teacher, this.network] = Array.from({ length: 2 }, () => {
      const made = createNetwork(this.random);
      assign(made, this.saved);
      return made;
    });
    this.input = new QuantizedActivations(tf, inputQuantization(train));
    this.matrices = this.#quantizedMatrices();
    // Adam counts variables in the order of their creation, and these join when the masks are final
    this.activations =
      new Map(Object.keys(namedLayers(this.network)).map((
        name,
      ) => [name, new QuantizedActivations(tf, fixedOutputs[name])]));
    const quantized = [...this.matrices.values(), ...this.activations.values()];
    this.variables = [...new Set([...variablesOf(this.network), ...quantized.flatMap(({ variables }) => variables)])];
    this.optimizer = tf.train.adam(parameters.rate);
    const stretch = parameters.sparsity > 0 ? STRETCH : [0, 0];
    this.pruning = new Pruning(this.matrices.values(), parameters.sparsity, ...stretch);
  }

  /** Trains on all recordings once. @returns the mean loss */
  epoch(epoch) {
    const { rate, epochs } = this.parameters;
    const batches = batchesOf(shuffle([...this.train], this.random), this.random);
    const wanted = batches.slice(0, Math.ceil(batches.length * (epochs - epoch))); // the last epoch may be a part
    let loss = 0;
    wanted.forEach((batch, i) => {
      const progress = (epoch + i / batches.length) / epochs;
      if (i % RENEWAL === 0 && this.pruning.renew(progress)) this.#averages = new Averages(this.variables);
      this.optimizer.learningRate = rateAt(progress, rate, WARMUP);
      loss += this.#step(batch);
    });
    return loss / wanted.length;
  }

  /** Number of recordings that the network classifies correctly now. */
  right(recordings) {
    return countRight(recordings, (x, frames, batch) => this.#logits(x, frames, batch));
  }

  /** The int8 network with the averages of what was learned. */
  result() {
    this.#averages.assign(tf);
    const own = namedLayers(this.network);
    const layers = tf.tidy(() => layersOf(withMatrices(this.network, (matrix) => this.matrices.get(matrix).tensor())));
    const scalesOf = (matrix) => {
      const data = this.matrices.get(matrix).scales();
      return { shape: [data.length], data };
    };
    return {
      ...this.saved,
      input: { ...this.saved.input, quantization: this.input.quantization() },
      layers: layers.map((layer) => {
        const trained = own[layer.name];
        if (!trained) return layer;
        return {
          ...layer,
          quantization: this.activations.get(layer.name).quantization(),
          weightScales: scalesOf(trained.weights),
          ...(trained.recurrentWeights && { recurrentWeightScales: scalesOf(trained.recurrentWeights) }),
        };
      }),
    };
  }

  /**
   * The kernels support pairs in convolutions and blocks in layers of one row. The gates of a GRU
   * have one scale each.
   */
  #quantizedMatrices() {
    const { convolutions: [first, second], projection, gru, classifier } = this.network;
    const bits = bitsByLayer(this.parameters.bits, Object.keys(namedLayers(this.network)));
    const { pattern } = this.parameters;
    const options = [[first.weights, 'convolution1', {}], [second.weights, 'convolution2', { pattern: 'pairs' }], [
      projection.weights,
      'projection',
      { pattern: 'blocks' },
    ], [gru.weights, 'gru', { pattern, groups: 3 }], [gru.recurrentWeights, 'gru', { pattern, groups: 3 }], [
      classifier.weights,
      'classifier',
      { pattern: 'weights' },
    ]];
    return new Map(options.map((
      [matrix, name, how],
    ) => [matrix, new QuantizedWeights(tf, matrix, { bits: bits(name), ...how })]));
  }

  #step(streams) {
    const { distillation: share, hint, dropout: dropped } = this.parameters;
    const cost = tf.tidy(() => {
      const { frames, batch, x, labels, weights } = lessonOf(streams);
      const seen = new Map();
      const expected = logitsOf(this.teacher, x, frames, batch, undefined, (y, name) => {
        seen.set(name, y);
        return y;
      });
      const loss = () => {
        const losses = [];
        const compare = (y, name) => {
          if (hint > 0 && (name === 'projection' || name === 'gru')) losses.push(hintLoss(tf, y, seen.get(name), hint));
        };
        const drop = dropout(dropped, frames, batch, this.random);
        const logits = this.#logits(x, frames, batch, { drop, see: compare });
        const soft = distillation(tf, labels, expected, logits, { share, weights });
        return losses.length > 0 ? totalLoss(tf, [soft, ...losses]) : soft;
      };
      return this.optimizer.minimize(loss, true, this.variables).dataSync()[0];
    });
    this.#averages?.follow();
    return cost;
  }

  /** Rounds activations to int8 once the masks are final. */
  #logits(x, frames, batch, { drop, see = () => {} } = {}) {
    const rounded = (y, name) => {
      see(y, name);
      return this.pruning.settled ? this.activations.get(name).round(y) : y;
    };
    const network = withMatrices(this.network, (matrix) => this.matrices.get(matrix).tensor());
    return logitsOf(network, this.input.round(x), frames, batch, drop, rounded);
  }
}

/** The range of all frames of these recordings. */
function inputQuantization(recordings) {
  const frames = recordings.map(({ samples }) => logMel(samples));
  const all = new Float32Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const own of frames) {
    all.set(own, at);
    at += own.length;
  }
  return initialActivation(all);
}

if (isProgram(import.meta.url)) {
  const { data, out, ...parameters } = parametersOf({ ...defaults, data: FOLDER, out: undefined });
  const { network, ...result } = await finetune(loadRecordings(data), parameters, console.error);
  if (out) saveFloatNetwork(out, network);
  console.log(JSON.stringify({ ...parameters, ...result }));
}
