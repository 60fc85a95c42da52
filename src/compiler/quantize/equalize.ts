import { cloneGraph } from '../../graph/edit';
import { innermost, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import { channelwiseReduceNode } from '../../ops/nodes';
import { f32 } from '../../ops/shared/rounding';
import { compile } from '../compile';
import { productWithTransposed, type FloatMatrix } from '../products';
import type { LayerMatrix } from '../rows';
import { loadCompiled } from '../runtime';
import { equalizableGroups, type EqualizableGroup } from './equalizable';
import { groupColumns, splitRows } from './layerRows';
import { samplesWithin, spread, StagedRun, type Sequence } from './stagedRun';
import { storedWeights, weightIndex } from './weightGrid';

// Cross-layer equalization (Nagel and others, "Data-Free Quantization Through Weight Equalization
// and Bias Correction", 2019). An int8 tensor has one scale, so channels with small values get few
// steps. Such channels are multiplied by a factor in the layer before, which costs nothing, because
// weights have a scale for each output, and divided again in the layers after, where it makes some
// weights of each output smaller than others. As in SmoothQuant (Xiao and others, 2022), an
// exponent balances the two, which is chosen by the error of the layers after.

/** How far the ranges of channels are made equal: 0 not at all, 1 completely. */
const EXPONENTS = [0, 0.25, 0.5, 0.75, 1];
/** The largest factor. A channel that is smaller than this is not resolved in int8 anyway. */
const MAX_FACTOR = 4096;
/**
 * Equalization must lower the error of the layers after to this share, because it brings more
 * channels near the ends of the range, where other inputs than the samples are cut off.
 */
const WORTHWHILE = 0.7;
/**
 * Channels get no closer than this factor to the largest value of their tensor, and to the bound of
 * an activation, because other inputs than the samples may have larger values.
 */
const MARGIN = 1.25;
/** Samples by which exponents are chosen. */
const SAMPLES = 32;
const LEVELS = 255;

/**
 * Multiplies the channels of tensors between layers by positive factors, and changes the weights of
 * these layers such that the network computes the same.
 *
 * An activation with an upper bound, such as relu6, keeps its bound. Therefore its channels are
 * only enlarged, and none whose values come near the bound, before or after. Within the samples,
 * the bound has the effect that it had.
 *
 * @param largestWeight the largest integer of a node's weights when they are quantized
 * @returns the same graph if nothing is to gain, otherwise a new one
 */
export function equalize(graph: Graph, samples: readonly Sequence[], largestWeight: (node: AnyNode) => number): Graph {
  const work = cloneGraph(graph);
  const groups = equalizableGroups(work);
  if (groups.length === 0 || samples.length === 0) return graph;
  const magnitudes = channelMagnitudes(work, groups, samples);
  const trials = groups.map((group) => trialsOf(group, magnitudes));
  measure(work, trials, spread(samples, SAMPLES), largestWeight);
  const chosen = trials.flatMap(({ group, factors, errors }) => {
    const best = errors.indexOf(Math.min(...errors));
    return best > 0 && errors[best]! < WORTHWHILE * errors[0]! ? [{ group, factors: factors[best]! }] : [];
  });
  for (const { group, factors } of chosen) {
    for (const layer of group.producers) scaleOutputs(layer, factors);
    for (const layer of group.consumers) divideInputs(layer, factors);
  }
  return chosen.length > 0 ? work : graph;
}

/** A group with candidates for its factors, of which the first are 1, and the errors with them. */
interface Trials {
  group: EqualizableGroup;
  factors: Float64Array[];
  errors: number[];
}

function trialsOf(group: EqualizableGroup, magnitudes: ReadonlyMap<Tensor, Float64Array>): Trials {
  const relative = new Float64Array(group.channels);
  const limits = new Float64Array(group.channels).fill(MAX_FACTOR);
  for (const tensor of group.tensors) {
    const sizes = magnitudes.get(tensor)!;
    const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
    const bound = group.bounds.get(tensor) ?? Infinity;
    sizes.forEach((size, i) => {
      const c = i % group.channels;
      if (largest > 0) relative[c] = Math.max(relative[c]!, Math.min(1, MARGIN * size / largest));
      limits[c] = Math.min(limits[c]!, Math.max(1, bound / (MARGIN * size)));
    });
  }
  const factors = EXPONENTS.map((exponent) =>
    relative.map((size, c) => (size > 0 ? f32(Math.min(limits[c]!, size ** -exponent)) : 1))
  );
  return { group, factors, errors: factors.map(() => 0) };
}

/** The largest magnitude of each channel over all samples. */
function channelMagnitudes(
  graph: Graph,
  groups: readonly EqualizableGroup[],
  samples: readonly Sequence[],
): Map<Tensor, Float64Array> {
  const tensors = groups.flatMap((group) => group.tensors);
  const watched = new Set(tensors);
  const probes: Tensor[] = [];
  const nodes = graph.nodes.flatMap((node) => [node, ...node.outputs.flatMap((tensor) => {
    if (!watched.has(tensor)) return [];
    const made = (kind: 'max' | 'min'): Tensor => ({
      name: `${kind} ${tensors.indexOf(tensor)}`,
      shape: [innermost(tensor.shape)],
      dtype: 'float32',
    });
    const [high, low] = [made('max'), made('min')];
    probes.push(high, low);
    return [channelwiseReduceNode(tensor, high, 'max'), channelwiseReduceNode(tensor, low, 'min')];
  })]);
  const model = loadCompiled(compile(cloneGraph({ ...graph, nodes, outputs: probes }), { debugInfo: false }));
  const found = new Map(tensors.map((tensor) => [tensor, new Float64Array(innermost(tensor.shape))]));
  for (const sequence of samples) {
    model.reset();
    for (const inputs of sequence) {
      const values = model.predict(inputs);
      tensors.forEach((tensor, i) => {
        const sizes = found.get(tensor)!;
        for (const kind of ['max', 'min']) {
          values[`${kind} ${i}`]!.forEach((value, c) => {
            sizes[c] = Math.max(sizes[c]!, Math.abs(value));
          });
        }
      });
    }
  }
  model.dispose();
  return found;
}

/** Adds the relative errors of the layers that read the groups, for each trial. */
function measure(
  graph: Graph,
  trials: readonly Trials[],
  samples: readonly Sequence[],
  largestWeight: (node: AnyNode) => number,
): void {
  const run = new StagedRun(graph, samples);
  const readers = trials.flatMap((trial) => trial.group.consumers.map((layer) => ({ layer, trial })));
  const places = new Map(graph.nodes.map((node, i) => [node, i]));
  readers.sort((a, b) => places.get(a.layer.node)! - places.get(b.layer.node)!);
  for (const { layer, trial } of readers) {
    run.advance(places.get(layer.node)!, samplesWithin(run.largestLive(), samples.length));
    const { fitted } = splitRows(layer, run.valuesOf(layer.seen!));
    const weights = storedWeights(layer);
    trial.factors.forEach((factors, i) => {
      trial.errors[i]! += relativeError(layer, fitted, weights, factors, largestWeight(layer.node));
    });
  }
}

/**
 * The squared error of a layer whose inputs are multiplied by factors and quantized, and whose
 * weights are divided by them and quantized, relative to its outputs.
 */
function relativeError(
  layer: LayerMatrix,
  rows: FloatMatrix,
  weights: Float32Array,
  factors: Float64Array,
  largestWeight: number,
): number {
  const { N, K, groups } = layer;
  const scaled = quantizedInputs(rows, factors);
  let [noise, signal] = [0, 0];
  for (let g = 0; g < groups; g++) {
    const own = weights.slice(g * N / groups * K, (g + 1) * N / groups * K);
    const changed = own.map((w, i) => w / factors[channelOf(layer, g, i % K) % factors.length]!);
    quantizeRows(changed, K, largestWeight);
    const matrix = (values: Float32Array): FloatMatrix => ({ rows: N / groups, columns: K, values });
    const exact = productWithTransposed(groupColumns(layer, rows, g), matrix(own)).values;
    const found = productWithTransposed(groupColumns(layer, scaled, g), matrix(changed)).values;
    for (let i = 0; i < exact.length; i++) {
      noise += (found[i]! - exact[i]!) ** 2;
      signal += exact[i]! ** 2;
    }
  }
  return signal > 0 ? noise / signal : 0;
}

/** The input channel of weight k in a group of outputs. */
function channelOf({ K, taps }: LayerMatrix, group: number, k: number): number {
  const channels = K / taps;
  return group * channels + k % channels;
}

/** Rows times factors, rounded to the steps of an int8 tensor. */
function quantizedInputs({ rows, columns, values }: FloatMatrix, factors: Float64Array): FloatMatrix {
  const scaled = new Float32Array(values.length);
  let [low, high] = [0, 0];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      const value = values[r * columns + c]! * factors[c % factors.length]!;
      scaled[r * columns + c] = value;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const step = Math.max(high - low, 1e-30) / LEVELS;
  for (let i = 0; i < scaled.length; i++) scaled[i] = Math.round(scaled[i]! / step) * step;
  return { rows, columns, values: scaled };
}

/** Rounds each row of weights to integers up to `most`. */
function quantizeRows(weights: Float32Array, K: number, most: number): void {
  for (let from = 0; from < weights.length; from += K) {
    let largest = 0;
    for (let k = from; k < from + K; k++) largest = Math.max(largest, Math.abs(weights[k]!));
    const scale = largest / most || 1;
    for (let k = from; k < from + K; k++) weights[k] = Math.round(weights[k]! / scale) * scale;
  }
}

function scaleOutputs(layer: LayerMatrix, factors: Float64Array): void {
  const { node, N, biasAt } = layer;
  changeWeights(layer, (value, n) => value * factors[n % factors.length]!);
  const bias = node.inputs[biasAt];
  if (!bias) return;
  const data = Float32Array.from({ length: N }, (_, n) => Number(bias.data![n]) * factors[n % factors.length]!);
  node.inputs[biasAt] = { ...bias, data };
}

function divideInputs(layer: LayerMatrix, factors: Float64Array): void {
  const { N, groups } = layer;
  changeWeights(
    layer,
    (value, n, k) => value / factors[channelOf(layer, Math.floor(n * groups / N), k) % factors.length]!,
  );
}

function changeWeights(layer: LayerMatrix, change: (value: number, n: number, k: number) => number): void {
  const { node, N, K, weightsAt } = layer;
  const tensor = node.inputs[weightsAt]!;
  const index = weightIndex(layer);
  const data = new Float32Array(N * K);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) data[index(n, k)] = change(Number(tensor.data![index(n, k)]), n, k);
  }
  node.inputs[weightsAt] = { ...tensor, data };
}
