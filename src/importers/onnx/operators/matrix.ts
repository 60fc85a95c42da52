import type { Tensor } from '../../../graph/graph';
import { einsum } from '../../shared/einsum';
import { product, timesWeights } from '../../shared/products';
import type { Mapping, Mappings } from '../operator';

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

const summation: Mapping = (operator) => einsum(operator, operator.attributes.string('equation', ''), operator.inputs);

export const matrix: Mappings = { MatMul: matMul, Gemm: gemm, Einsum: summation };
