import type { Tensor } from '../../../graph/graph';
import type { Mapping, Mappings, TfOperator } from '../operator';

function gather(operator: TfOperator, axis: number, batchDims: number): Tensor {
  const { emit } = operator;
  const x = operator.input(0);
  const indices = emit.cast(operator.input(1), 'int32');
  // one constant index is a slice
  if (indices.data?.length === 1 && !x.data && batchDims === 0) {
    const index = indices.data[0]!;
    operator.check(index >= 0 && index < x.shape[axis]!, `the index ${index} of ${x.shape[axis]}`);
    const part = emit.slice(x, x.shape.map((_, i) => (i === axis ? index : 0)), x.shape.with(axis, 1));
    return emit.reshape(part, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
  }
  return emit.node('gather', [x, indices], { axis, batchDims });
}

const gatherV2: Mapping = (operator) => {
  const { length } = operator.input(0).shape;
  const batchDims = operator.attributes.int('batch_dims', 0);
  const first = batchDims < 0 ? batchDims + operator.input(1).shape.length : batchDims;
  return gather(operator, operator.axis(operator.scalar(2, 'an axis') ?? 0, length), first);
};

/** A number where an index is, and another one elsewhere, along a new axis. */
const oneHot: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const indices = emit.cast(operator.input(0), 'int32');
  const depth = operator.scalar(1, 'a depth')!;
  operator.check(depth > 0 && depth < 2 ** 24, `a depth of ${depth}`);
  const axis = operator.axis(attributes.int('axis', -1), indices.shape.length + 1);
  const places = Int32Array.from({ length: depth }, (_, i) => i);
  const shape = new Array<number>(indices.shape.length + 1).fill(1).with(axis, depth);
  const spread = emit.reshape(indices, indices.shape.toSpliced(axis, 0, 1));
  const isHot = emit.node('compare', [spread, emit.constant(places, shape, 'int32')], { kind: 'equal' }, {
    dtype: 'bool',
  });
  return emit.node('select', [operator.input(2), operator.input(3), isHot], {});
};

export const indexing: Mappings = {
  Gather: (operator) => gather(operator, 0, 0),
  GatherV2: gatherV2,
  GatherNd: ({ emit, inputs: [x, indices] }) =>
    emit.node('gatherNd', [x!, emit.cast(indices!, 'int32')], { batchDims: 0 }),
  OneHot: oneHot,
};
