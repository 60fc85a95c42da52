import type { Tensor } from '../../../graph/graph';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings } from '../operator';

/** Indices with negative ones counted from the end of `size` elements. */
export function wrapped(emit: NodeEmitter, indices: Tensor, size: number): Tensor {
  if (indices.data?.every((index) => index >= 0)) return indices;
  const whole = (value: number): Tensor => emit.constant(Int32Array.of(value), [], indices.dtype);
  // 1 where the index is negative
  const isNegative = emit.binary(
    'minimum',
    emit.binary('maximum', emit.binary('sub', whole(0), indices), whole(0)),
    whole(1),
  );
  return emit.binary('add', indices, emit.binary('mul', isNegative, whole(size)));
}

const gather: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(attributes.int('axis', 0), x.shape.length);
  const indices = wrapped(emit, operator.input(1), x.shape[axis]!);
  // one constant index is a slice
  if (indices.data?.length === 1 && !x.data) {
    const part = emit.slice(x, x.shape.map((_, i) => (i === axis ? indices.data![0]! : 0)), x.shape.with(axis, 1));
    return emit.reshape(part, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]);
  }
  return emit.node('gather', [x, indices], { axis, batchDims: 0 });
};

const cumsum: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(operator.scalar(1, 'an axis') ?? 0, x.shape.length);
  const exclusive = attributes.int('exclusive', 0) === 1;
  return emit.node('cumsum', [x], { axis, exclusive, reverse: attributes.int('reverse', 0) === 1 });
};

export const indexing: Mappings = { Gather: gather, CumSum: cumsum };
