import { show } from '../arguments';
import { KletError } from '../errors';
import { cloneGraph } from '../graph/edit';
import { elementCount, type Graph, type Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { checkGiven, checkGraph } from './check';

export interface ClusteredWeights {
  /** Name of the first layer that uses the weights. */
  name: string;
  weights: number;
  /** Number of distinct values before and after. */
  before: number;
  after: number;
  /** Relative error of the weights, |after − before| / |before|. */
  error: number;
}

/**
 * Minimum number of weights per value. Smaller tensors are not clustered, because each value costs
 * a few bytes of a table.
 */
const WEIGHTS_A_VALUE = 16;

/**
 * Replaces the quantized weights of each layer by at most `values` distinct values with the least
 * squared error (exact one-dimensional k-means: H. Wang & M. Song, "Ckmeans.1d.dp", 2011). A
 * compact file then takes about log2(values) bits per weight. Zeros stay zero.
 *
 * @param values distinct values per weight tensor, 2 to 255, zero included
 * @returns a new graph, and a report of the clustered weights; tensors with few weights or few
 *   values are not clustered
 * @throws KletError `BAD_ARGUMENT`, or `UNSUPPORTED_TYPE` for a network without quantized weights
 */
export function cluster(graph: Graph, values: number): { graph: Graph; clustered: ClusteredWeights[] } {
  checkGiven(graph, 'cluster()');
  if (!(Number.isInteger(values) && values >= 2 && values <= 255)) {
    throw new KletError('BAD_ARGUMENT', `weights can have from 2 to 255 values; ${show(values)} were asked for`);
  }
  const work = cloneGraph(graph);
  const found = new Map<Tensor, string>();
  for (const { op, name, inputs } of work.nodes) {
    if (!operatorOf(op).weights) continue;
    for (const tensor of inputs) {
      if (tensor?.quantization && (tensor.data instanceof Int8Array || tensor.data instanceof Uint8Array) &&
        !found.has(tensor)) found.set(tensor, name);
    }
  }
  if (found.size === 0) {
    throw new KletError('UNSUPPORTED_TYPE', `"${graph.name}" has no weights of 8 bits to cluster; quantize() it first`);
  }
  const clustered: ClusteredWeights[] = [];
  for (const [tensor, name] of found) {
    const [result, report] = clusterTensor(tensor, values);
    if (!report) continue;
    clustered.push({ name, ...report });
    for (const node of work.nodes) {
      node.inputs.forEach((input, i) => {
        if (input === tensor) node.inputs[i] = result;
      });
    }
  }
  checkGraph(work, 'cluster');
  return { graph: work, clustered };
}

/**
 * Number of possible differences from the zero point, −255 to 255.
 */
const STEPS = 511;
const ZERO = 255;

function clusterTensor(tensor: Tensor, values: number): [Tensor, Omit<ClusteredWeights, 'name'>?] {
  const data = tensor.data!;
  const { scale, zeroPoint, axis } = tensor.quantization!;
  const many = scale.length > 1;
  const inner = many ? elementCount(tensor.shape.slice(axis + 1)) : 1;
  const entry = (i: number): number => (many ? Math.floor(i / inner) % scale.length : 0);
  // weight each difference by the square of its scale
  const mass = new Float64Array(STEPS);
  const used = new Set<number>();
  for (let i = 0; i < data.length; i++) {
    const e = entry(i);
    const step = data[i]! - (zeroPoint[e] ?? 0) + ZERO;
    mass[step]! += scale[e]! ** 2;
    used.add(step);
  }
  if (used.size <= values || data.length < values * WEIGHTS_A_VALUE) return [tensor];
  const centers = centersOf(mass, values);
  const after = new Set<number>();
  const low = data instanceof Int8Array ? -128 : 0;
  const high = low + 255;
  let distance = 0;
  let size = 0;
  const result = data.map((value, i) => {
    const e = entry(i);
    const zero = zeroPoint[e] ?? 0;
    const center = Math.min(high, Math.max(low, centers[value - zero + ZERO]! + zero));
    distance += (scale[e]! * (value - center)) ** 2;
    size += (scale[e]! * (value - zero)) ** 2;
    after.add(center - zero);
    return center;
  });
  return [{ ...tensor, data: result }, {
    weights: data.length,
    before: used.size,
    after: after.size,
    error: Math.sqrt(distance / (size || 1)),
  }];
}

/**
 * The cluster center of each difference, rounded to an integer. Zero is a cluster by itself; the
 * others form `values` − 1 clusters with the least squared error.
 */
function centersOf(mass: Float64Array, values: number): Int16Array {
  const steps = [...mass.keys()].filter((step) => step !== ZERO && mass[step]! > 0);
  const n = steps.length;
  // prefix sums, so that the cost of a cluster takes constant time
  const sumsOf = (power: number): Float64Array => {
    const sum = new Float64Array(n + 1);
    steps.forEach((step, i) => {
      sum[i + 1] = sum[i]! + mass[step]! * (step - ZERO) ** power;
    });
    return sum;
  };
  const masses = sumsOf(0);
  const firsts = sumsOf(1);
  const seconds = sumsOf(2);
  const part = (sum: Float64Array, from: number, to: number): number => sum[to]! - sum[from]!;
  const cost = (from: number, to: number): number =>
    part(seconds, from, to) - part(firsts, from, to) ** 2 / part(masses, from, to);
  let best = Float64Array.from({ length: n + 1 }, (_, to) => (to === 0 ? 0 : Infinity));
  const froms = Array.from({ length: Math.min(values - 1, n) }, () => {
    const next = new Float64Array(n + 1).fill(Infinity);
    const from = new Int16Array(n + 1);
    for (let to = 1; to <= n; to++) {
      for (let i = 0; i < to; i++) {
        const total = best[i]! + cost(i, to);
        if (total < next[to]!) [next[to], from[to]] = [total, i];
      }
    }
    best = next;
    return from;
  });
  const centers = new Int16Array(STEPS);
  let to = n;
  for (const from of froms.reverse()) {
    const begin = from[to]!;
    const center = Math.round(part(firsts, begin, to) / part(masses, begin, to));
    for (let i = begin; i < to; i++) centers[steps[i]!] = center;
    to = begin;
  }
  return centers;
}
