import type { Tensor } from '../../../graph/graph';
import { einsum } from '../../shared/einsum';
import { product, timesWeights } from '../../shared/products';
import type { Mapping, Mappings, TfOperator } from '../operator';
import { activated, fusedParts } from './fused';

/** The last two dimensions in the other order. */
function turned({ emit }: TfOperator, x: Tensor): Tensor {
  const { length } = x.shape;
  return emit.transpose(x, [...x.shape.keys()].with(length - 1, length - 2).with(length - 2, length - 1));
}

/** A product of the first two inputs, each turned if an attribute says so. */
function multiply(operator: TfOperator, turnA: boolean, turnB: boolean, bias: Tensor | null = null): Tensor {
  const { emit } = operator;
  const [a, b] = [operator.input(0), operator.input(1)];
  operator.check(
    a.shape.length >= 2 && b.shape.length >= 2,
    `inputs of ${a.shape.length} and ${b.shape.length} dimensions`,
  );
  const left = turnA ? turned(operator, a) : a;
  if (b.data && b.shape.length === 2 && !a.data) {
    return timesWeights(emit, left, turnB ? turned(operator, b) : b, bias);
  }
  const y = turnB && !b.data
    ? emit.node('batchMatmul', [left, b], { transposeA: false, transposeB: true })
    : product(emit, left, turnB ? turned(operator, b) : b);
  return bias ? emit.binary('add', y, bias) : y;
}

const fusedMatMul: Mapping = (operator) => {
  const { attributes } = operator;
  const parts = fusedParts(operator);
  const y = multiply(operator, attributes.bool('transpose_a'), attributes.bool('transpose_b'), parts.bias);
  return activated(operator, y, parts);
};

const batchMatMul: Mapping = (operator) =>
  multiply(operator, operator.attributes.bool('adj_x'), operator.attributes.bool('adj_y'));

export const matrix: Mappings = {
  MatMul: (operator) =>
    multiply(operator, operator.attributes.bool('transpose_a'), operator.attributes.bool('transpose_b')),
  _FusedMatMul: fusedMatMul,
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BatchMatMulV3: batchMatMul,
  Einsum: (operator) => einsum(operator, operator.attributes.string('equation', ''), operator.inputs),
};
