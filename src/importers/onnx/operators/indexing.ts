import type { Tensor } from '../../../graph/graph';
import type { ScatterReduction } from '../../../graph/operators';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

/**
 * Indices with negative ones counted from the end.
 *
 * @param size - The number of elements that they select from, or a list of them for the last
 *   dimension.
 */
export function wrapped(emit: NodeEmitter, indices: Tensor, size: number | readonly number[]): Tensor {
  if (indices.data?.every((index) => index >= 0)) return indices;
  const whole = (value: number): Tensor => emit.constant(Int32Array.of(value), [], indices.dtype);
  const sizes = typeof size === 'number' ? whole(size) : emit.integers(size, indices.dtype);
  // 1 where the index is negative
  const isNegative = emit.binary(
    'minimum',
    emit.binary('maximum', emit.binary('sub', whole(0), indices), whole(0)),
    whole(1),
  );
  return emit.binary('add', indices, emit.binary('mul', isNegative, sizes));
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

const gatherNd: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, indices] = [operator.input(0), operator.input(1)];
  const batchDims = attributes.int('batch_dims', 0);
  const depth = indices.shape.at(-1) ?? 0;
  return emit.node('gatherNd', [x, wrapped(emit, indices, x.shape.slice(batchDims, batchDims + depth))], { batchDims });
};

/** Each element has its own index along `axis`: a gather whose other dimensions are all batches. */
const gatherElements: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, indices] = [operator.input(0), operator.input(1)];
  const rank = x.shape.length;
  operator.check(indices.shape.length === rank, `indices [${indices.shape.join(', ')}] into [${x.shape.join(', ')}]`);
  const axis = operator.axis(attributes.int('axis', 0), rank);
  const last = [...x.shape.keys()].toSpliced(axis, 1);
  const part = emit.slice(x, x.shape.map(() => 0), indices.shape.with(axis, x.shape[axis]!));
  const batchDims = rank - 1;
  const y = emit.node('gather', [emit.transpose(part, [...last, axis]),
    emit.transpose(wrapped(emit, indices, x.shape[axis]!), [...last, axis])], { axis: batchDims, batchDims });
  return emit.transpose(y, [...last.keys()].toSpliced(axis, 0, batchDims));
};

function reductionOf(operator: OnnxOperator): ScatterReduction {
  const reduction = operator.attributes.string('reduction', 'none');
  operator.check(['none', 'add', 'mul', 'max', 'min'].includes(reduction), `the reduction ${reduction}`);
  return reduction as ScatterReduction;
}

const scatterElements: Mapping = (operator) => {
  const axis = operator.axis(operator.attributes.int('axis', 0), operator.input(0).shape.length);
  return operator.emit.node('scatterElements', operator.inputs, { axis, reduction: reductionOf(operator) });
};

const scatterNd: Mapping = (operator) =>
  operator.emit.node('scatterNd', operator.inputs, { reduction: reductionOf(operator) });

const topK: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(attributes.int('axis', -1), x.shape.length);
  const k = operator.scalar(1, 'a number of elements') ?? attributes.int('k', 0);
  const kind = attributes.int('largest', 1) === 1 ? 'max' : 'min';
  return emit.nodeWithOutputs('topK', [x], { axis, k, kind }, [{}, { dtype: 'int64', quantization: undefined }]);
};

/** Whether each index, whose dimension `axis` has the size 1, is that of a position along it. */
function isAt(emit: NodeEmitter, indices: Tensor, axis: number, depth: number): Tensor {
  const positions = Int32Array.from({ length: depth }, (_, i) => i);
  const column = emit.constant(positions, [depth, ...indices.shape.slice(axis + 1).map(() => 1)], indices.dtype);
  return emit.node('compare', [indices, column], { kind: 'equal' }, { dtype: 'bool' });
}

const oneHot: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const given = operator.input(0);
  const indices = given.dtype === 'int64' ? given : emit.cast(given, 'int32');
  const depth = operator.scalar(1, 'a depth')!;
  const axis = operator.axis(attributes.int('axis', -1), indices.shape.length + 1);
  const [off, on] = emit.split(operator.input(2), 0, [1, 1]) as [Tensor, Tensor];
  const spread = emit.reshape(wrapped(emit, indices, depth), indices.shape.toSpliced(axis, 0, 1));
  return emit.node('select', [emit.reshape(on, []), emit.reshape(off, []), isAt(emit, spread, axis, depth)], {});
};

/** 1 at the first maximum along an axis; before version 13, along that and all later ones. */
const hardmax: Mapping = (operator) => {
  const { emit, attributes, version } = operator;
  const { shape } = operator.input(0);
  const isFlat = version < 13;
  const given = operator.axis(attributes.int('axis', isFlat ? 1 : -1), shape.length);
  const axis = isFlat ? 1 : given;
  const size = (sizes: number[]): number => sizes.reduce((a, b) => a * b, 1);
  const x = emit.reshape(operator.input(0), isFlat ? [size(shape.slice(0, given)), size(shape.slice(given))] : shape);
  const largest = emit.node('argmax', [x], { axis, kind: 'max' }, {
    shape: x.shape.with(axis, 1),
    dtype: 'int32',
    quantization: undefined,
  });
  return emit.reshape(emit.cast(isAt(emit, largest, axis, x.shape[axis]!), 'float32'), shape);
};

/** The first `sequence_lens` time steps of each item of the batch in reverse order. */
const reverseSequence: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [x, lengths] = [operator.input(0), operator.input(1)];
  const batchAxis = attributes.int('batch_axis', 1);
  operator.check(x.shape.length >= 2 && attributes.int('time_axis', 0) === 1 - batchAxis, 'axes other than 0 and 1');
  const [first, second, ...rest] = x.shape as [number, number, ...number[]];
  const count = (axis: number): Tensor => {
    const size = x.shape[axis]!;
    const all = Int32Array.from({ length: size }, (_, i) => i);
    return emit.constant(all, axis === 0 ? [size, 1] : [1, size], lengths.dtype);
  };
  const whole = (value: number): Tensor => emit.constant(Int32Array.of(value), [], lengths.dtype);
  const length = emit.reshape(lengths, batchAxis === 0 ? [first, 1] : [1, second]);
  const step = count(1 - batchAxis);
  const isReversed = emit.node('compare', [step, length], { kind: 'less' }, { dtype: 'bool' });
  const fromEnd = emit.binary('sub', emit.binary('sub', length, whole(1)), step);
  const from = emit.node('select', [fromEnd, step, isReversed], {});
  const [row, column] = batchAxis === 0 ? [count(0), from] : [from, count(1)];
  const indices = emit.binary('add', emit.binary('mul', row, whole(second)), column);
  const y = emit.node('gather', [emit.reshape(x, [first * second, ...rest]), indices], { axis: 0, batchDims: 0 });
  return emit.reshape(y, x.shape);
};

/** The lowest float32, which every score of a network exceeds. */
const LOWEST = -3.4028234663852886e38;

/** As many rows as there can be. Those without a box are −1. */
const nonMaxSuppression: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const [boxes, scores] = [operator.input(0), operator.input(1)];
  const most = operator.scalar(2, 'a number of boxes') ?? 0;
  operator.check(most > 0, 'no boxes of a class');
  const [rows] = emit.nodeWithOutputs('nonMaxSuppression', [boxes, scores], {
    limit: Math.min(most, scores.shape[2] ?? 1),
    iouThreshold: operator.scalar(3, 'a threshold of overlaps') ?? 0,
    scoreThreshold: operator.scalar(4, 'a threshold of scores') ?? LOWEST,
    sigma: 0,
    centered: attributes.int('center_point_box', 0) === 1,
  }, [{ dtype: 'int64' }, {}, { dtype: 'int32' }]);
  return rows!;
};

const cumsum: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(operator.scalar(1, 'an axis') ?? 0, x.shape.length);
  const exclusive = attributes.int('exclusive', 0) === 1;
  return emit.node('cumsum', [x], { axis, exclusive, reverse: attributes.int('reverse', 0) === 1 });
};

export const indexing: Mappings = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  TopK: topK,
  OneHot: oneHot,
  Hardmax: hardmax,
  ReverseSequence: reverseSequence,
  CumSum: cumsum,
  NonMaxSuppression: nonMaxSuppression,
};
