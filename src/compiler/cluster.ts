import { KletError } from '../errors';
import { cloneGraph } from '../graph/edit';
import { elementCount, type Graph, type Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { checkGraph } from './check';

export interface ClusteredWeights {
  /** The layer that has them first. */
  name: string;
  weights: number;
  /** Distinct values before and after. */
  before: number;
  after: number;
  /** Distance from what they were, relative to their size. */
  error: number;
}

/** Each value costs a few bytes of a table: tensors with fewer weights for each are left alone. */
const WEIGHTS_A_VALUE = 16;

/**
 * Leaves the quantized weights of each layer only so many values, chosen to be as close to all of
 * them as can be (one-dimensional k-means, solved exactly: H. Wang & M. Song, "Ckmeans.1d.dp",
 * 2011), so that `compact` takes about log2(values) bits for each. What is zero stays zero.
 *
 * @param values for each tensor of weights, 2 to 255; zero is one of them
 * @returns a new graph, and what became of the weights; those that have few values already or are
 *   few are not among them
 * @throws KletError `BAD_ARGUMENT`, or `UNSUPPORTED_TYPE` for a network without quantized weights
 */
export function cluster(graph: Graph, values: number): { graph: Graph; clustered: ClusteredWeights[] } {
  if (!(Number.isInteger(values) && values >= 2 && values <= 255)) {
    throw new KletError('BAD_ARGUMENT', `weights can have from 2 to 255 values; ${values} were asked for`);
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
 * Steps from the zero point, −255 to 255, by their index: what a weight's value is, up to its
 * scale.
 */
const STEPS = 511;
const ZERO = 255;

function clusterTensor(tensor: Tensor, values: number): [Tensor, Omit<ClusteredWeights, 'name'>?] {
  const data = tensor.data!;
  const { scale, zeroPoint, axis } = tensor.quantization!;
  const many = scale.length > 1;
  const inner = many ? elementCount(tensor.shape.slice(axis + 1)) : 1;
  const entry = (i: number): number => (many ? Math.floor(i / inner) % scale.length : 0);
  // a step counts by the square of what it is worth
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
 * For each step its cluster's center, in whole steps: zero by itself, and the others in `values` −
 * 1 clusters of least squares.
 */
function centersOf(mass: Float64Array, values: number): Int16Array {
  const steps = [...mass.keys()].filter((step) => step !== ZERO && mass[step]! > 0);
  const n = steps.length;
  // sums before each step, so that a cluster's cost is known at once
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
