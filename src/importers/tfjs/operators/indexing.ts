import type { Tensor } from '../../../graph/graph';
import { allocate } from '../../shared/fold';
import type { NodeEmitter } from '../../shared/nodeEmitter';
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

/** The largest elements along the last dimension, and their places. */
const topK: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = emit.cast(operator.input(0), 'float32');
  const k = operator.has(1) ? operator.scalar(1, 'a number of elements')! : attributes.int('k', 1);
  const axis = x.shape.length - 1;
  operator.check(axis >= 0 && k >= 1 && k <= x.shape[axis]!, `${k} elements of ${x.shape[axis]}`);
  const forms = [{}, { dtype: 'int32', quantization: undefined }] as const;
  const [values, indices] = emit.nodeWithOutputs('topK', [x], { axis, k, kind: 'max' }, forms) as [Tensor, Tensor];
  return [emit.cast(values, operator.input(0).dtype), indices];
};

/** A tensor with updates at indices. Those at one index are added, or the last one remains. */
function scattered(emit: NodeEmitter, x: Tensor, indices: Tensor, updates: Tensor, adds: boolean): Tensor {
  const whole = emit.cast(indices, 'int32');
  return emit.node('scatterNd', [x, whole, updates], { reduction: adds ? 'add' : 'none' });
}

/** Updates at indices into zeros. */
const scatterNd: Mapping = (operator) => {
  const { emit } = operator;
  const [indices, updates] = [operator.input(0), operator.input(1)];
  const zero = emit.constant(allocate(updates.dtype, 1), [], updates.dtype);
  return scattered(emit, emit.broadcastTo(zero, operator.integers(2, 'sizes')), indices, updates, true);
};

/** Values at single places, and a default value elsewhere. */
const sparseToDense: Mapping = (operator) => {
  const { emit } = operator;
  const sizes = operator.integers(1, 'sizes');
  const places = operator.input(0);
  const count = places.shape.length === 0 ? 1 : places.shape[0]!;
  const values = emit.broadcastTo(operator.input(2), [count]);
  const filler = operator.has(3) ? operator.input(3) : emit.constant(allocate(values.dtype, 1), [], values.dtype);
  const filled = emit.broadcastTo(emit.reshape(filler, []), sizes);
  return scattered(emit, filled, emit.reshape(places, [count, sizes.length]), values, false);
};

export const indexing: Mappings = {
  Gather: (operator) => gather(operator, 0, 0),
  GatherV2: gatherV2,
  GatherNd: ({ emit, inputs: [x, indices] }) =>
    emit.node('gatherNd', [x!, emit.cast(indices!, 'int32')], { batchDims: 0 }),
  OneHot: oneHot,
  TopKV2: topK,
  TopK: topK,
  ScatterNd: scatterNd,
  TensorScatterUpdate: ({ emit, inputs: [x, indices, updates] }) => scattered(emit, x!, indices!, updates!, false),
  TensorScatterAdd: ({ emit, inputs: [x, indices, updates] }) => scattered(emit, x!, indices!, updates!, true),
  SparseToDense: sparseToDense,
};
