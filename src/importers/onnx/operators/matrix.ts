import type { Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings } from '../operator';

/** a […][M][K] times constant weights [K][N], which become a fully connected layer. */
function timesWeights(emit: NodeEmitter, a: Tensor, weights: Tensor, bias: Tensor | null = null): Tensor {
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

const matMul: Mapping = ({ emit, inputs: [a, b] }) => product(emit, a!, b!);

/** alpha · A · B + beta · C */
const gemm: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const turned = (i: number, name: string): Tensor =>
    attributes.int(name, 0) === 1 ? emit.transpose(operator.input(i), [1, 0]) : operator.input(i);
  const [a, b] = [turned(0, 'transA'), turned(1, 'transB')];
  const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : emit.binary('mul', x, factor));
  const alpha = attributes.float('alpha', 1);
  const beta = attributes.float('beta', 1);
  const c = operator.optional(2);
  const [N] = b.shape.slice(-1) as [number];
  const offset = c && beta !== 0 ? scaled(c, beta) : null;
  if (b.data && !a.data) {
    const weights = scaled(b, alpha);
    const isBias = offset?.data && (offset.data.length === N || offset.data.length === 1);
    const isRow = isBias && offset.shape.slice(0, -1).every((d) => d === 1) &&
      (offset.data!.length === 1 || offset.shape.at(-1) === N);
    if (!offset || isRow) {
      const bias = offset && emit.broadcastTo(emit.reshape(offset, [offset.data!.length]), [N]);
      return timesWeights(emit, a, weights, bias);
    }
    return emit.binary('add', timesWeights(emit, a, weights), offset);
  }
  const y = scaled(product(emit, a, b), alpha);
  return offset ? emit.binary('add', y, offset) : y;
};

export const matrix: Mappings = { MatMul: matMul, Gemm: gemm };
