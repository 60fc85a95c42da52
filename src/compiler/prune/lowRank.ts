import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { show } from '../../arguments';
import { KletError } from '../../errors';
import { cloneGraph } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { checkGiven, checkGraph } from '../check';
import { weightedLayers, type PrunableLayer } from './layers';

export interface FactoredLayer {
  name: string;
  rank: number;
  /** Number of weights before and after. */
  before: number;
  after: number;
}

/** A layer is factored only if the factors have at most this fraction of its weights. */
const WORTHWHILE = 0.8;

/**
 * Factors fully connected and pointwise layers of a float32 network into two smaller layers, by
 * singular value decomposition, where that needs fewer multiply-adds.
 *
 * @param error the largest relative error of a layer's weights, 0 ≤ error < 1 (0.1 is 10 %)
 * @returns a new graph, and the layers that were factored
 * @throws KletError `BAD_ARGUMENT` for an error outside this range, `UNSUPPORTED_TYPE` for a
 *   quantized network
 */
export function lowRank(graph: Graph, error: number): { graph: Graph; layers: FactoredLayer[] } {
  checkGiven(graph, 'lowRank()');
  if (!(typeof error === 'number' && error >= 0 && error < 1)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the error of low-rank weights must be at least 0 and less than 1; it is ${show(error)}`,
    );
  }
  const work = cloneGraph(graph);
  const factored: FactoredLayer[] = [];
  for (const layer of weightedLayers(work)) {
    const { node, name, N, K, taps } = layer;
    const weights = node.inputs[1]!;
    if (weights.dtype !== 'float32') {
      throw new KletError(
        'UNSUPPORTED_TYPE',
        `the weights of "${name}" are ${weights.dtype}; lowRank() takes float32 networks; call it before quantize()`,
      );
    }
    if (taps !== 1 || Math.min(N, K) < 2) continue;
    const factors = factorize(layer, error);
    const after = factors && factors.rank * (N + K);
    if (!factors || after! > WORTHWHILE * N * K) continue;
    work.nodes.splice(work.nodes.indexOf(node), 1, ...twoLayers(layer, factors));
    factored.push({ name, rank: factors.rank, before: N * K, after: after! });
  }
  checkGraph(work, 'lowRank');
  return { graph: work, layers: factored };
}

interface Factors {
  rank: number;
  /** [rank][K] and [N][rank]. */
  first: Float32Array;
  second: Float32Array;
}

/** The factors of the lowest rank within the error. */
function factorize({ node, N, K }: PrunableLayer, error: number): Factors | undefined {
  const { leftSingularVectors: left, rightSingularVectors: right, diagonal } = new SingularValueDecomposition(
    Matrix.from1DArray(N, K, node.inputs[1]!.data!),
    { autoTranspose: true },
  );
  const all = diagonal.reduce((sum, s) => sum + s * s, 0);
  let rank = diagonal.length;
  for (let lost = 0; rank > 1 && (lost += diagonal[rank - 1]! ** 2) <= error ** 2 * all;) rank--;
  // each factor gets the square root of the singular values, so that both have the same magnitude
  return {
    rank,
    first: Float32Array.from({ length: rank * K }, (_, i) =>
      Math.sqrt(diagonal[Math.floor(i / K)]!) * right.get(i % K, Math.floor(i / K))),
    second: Float32Array.from({ length: N * rank }, (_, i) =>
      Math.sqrt(diagonal[i % rank]!) * left.get(Math.floor(i / rank), i % rank)),
  };
}

function twoLayers({ node, name, N, K, window }: PrunableLayer, { rank, first, second }: Factors): AnyNode[] {
  const [x, weights, bias] = node.inputs as [Tensor, Tensor, Tensor | null];
  const y = node.outputs[0]!;
  const middle = `${name} (low rank)`;
  const shapeOf = (n: number, k: number): number[] => (window ? [n, 1, 1, k] : [n, k]);
  const constant = (data: Float32Array, shape: number[], ending: string): Tensor => ({
    name: `${weights.name} (${ending})`,
    shape,
    dtype: 'float32',
    data,
  });
  const between: Tensor = { name: middle, shape: [...y.shape.slice(0, -1), rank], dtype: 'float32' };
  const inner = {
    ...node,
    name: middle,
    inputs: [x, constant(first, shapeOf(rank, K), 'low rank'), null],
    outputs: [between],
    attributes: { ...node.attributes, activation: 'none' },
  };
  const outer = { ...node, inputs: [between, constant(second, shapeOf(N, rank), 'from low rank'), bias] };
  // the stride of a pointwise layer goes to the first of the two layers
  if (window) {
    outer.attributes = { ...outer.attributes, stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
  }
  return [inner, outer] as AnyNode[];
}
