import type { Tensor } from '../../graph/graph';
import type { NodeEmitter } from './nodeEmitter';

/** a […][M][K] times constant weights [K][N], which become a fully connected layer. */
export function timesWeights(emit: NodeEmitter, a: Tensor, weights: Tensor, bias: Tensor | null = null): Tensor {
  const [K, N] = weights.shape as [number, number];
  const lead = a.shape.slice(0, -1);
  const rows = emit.reshape(a, [lead.reduce((x, y) => x * y, 1), K]);
  const y = emit.node('fullyConnected', [rows, emit.transpose(weights, [1, 0]), bias], { activation: 'none' });
  return emit.reshape(y, [...lead, N]);
}

/** A product as numpy has it: vectors become matrices, whose dimension is removed afterwards. */
export function product(emit: NodeEmitter, a: Tensor, b: Tensor): Tensor {
  const left = a.shape.length === 1 ? emit.reshape(a, [1, a.shape[0]!]) : a;
  const right = b.shape.length === 1 ? emit.reshape(b, [b.shape[0]!, 1]) : b;
  const isLayer = right.data && right.shape.length === 2 && !left.data;
  const y = isLayer
    ? timesWeights(emit, left, right)
    : emit.node('batchMatmul', [left, right], { transposeA: false, transposeB: false });
  const shape = [...y.shape.slice(0, -2), ...(a.shape.length === 1 ? [] : y.shape.slice(-2, -1)),
    ...(b.shape.length === 1 ? [] : y.shape.slice(-1))];
  return emit.reshape(y, shape);
}
