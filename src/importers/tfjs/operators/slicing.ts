import type { Tensor } from '../../../graph/graph';
import { resolveSlice } from '../../shared/slicing';
import type { Mapping, Mappings, TfOperator } from '../operator';

const slice: Mapping = (operator) => {
  const x = operator.input(0);
  const begin = operator.integers(1, 'begins');
  const sizes = operator.integers(2, 'sizes');
  const shape = x.shape.map((size, i) => (sizes[i] === -1 ? size - begin[i]! : sizes[i] ?? 0));
  operator.check(
    begin.length === x.shape.length && sizes.length === x.shape.length && shape.every((size, i) =>
      begin[i]! >= 0 && size >= 0 && begin[i]! + size <= x.shape[i]!
    ),
    `begins [${begin.join(', ')}] and sizes [${sizes.join(', ')}] for the shape [${x.shape.join(', ')}]`,
  );
  return operator.emit.slice(x, begin, shape);
};

const stridedSlice: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const mask = (name: string): number => attributes.int(name, 0);
  const [begins, ends, strides] = [operator.integers(1, 'begins'), operator.integers(2, 'ends'),
    operator.integers(3, 'strides')];
  const resolved = resolveSlice(x.shape, begins, ends, strides, {
    beginMask: mask('begin_mask'),
    endMask: mask('end_mask'),
    ellipsisMask: mask('ellipsis_mask'),
    newAxisMask: mask('new_axis_mask'),
    shrinkAxisMask: mask('shrink_axis_mask'),
  });
  if (typeof resolved === 'string') {
    operator.check(false, resolved);
    return x;
  }
  return emit.reshape(emit.slice(x, resolved.begin, resolved.shape, resolved.stride), resolved.result);
};

const reversed = ({ emit }: TfOperator, x: Tensor, axes: readonly number[]): Tensor => {
  const begin = x.shape.map((size, axis) => (axes.includes(axis) ? size - 1 : 0));
  return emit.slice(x, begin, x.shape, x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1)));
};

const split: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(1);
  const axis = operator.axis(operator.scalar(0, 'an axis')!, x.shape.length);
  const count = attributes.int('num_split', 1);
  const each = x.shape[axis]! / count;
  operator.check(count > 0 && Number.isInteger(each), `${count} parts of ${x.shape[axis]}`);
  return emit.split(x, axis, new Array<number>(count).fill(each));
};

const splitV: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  const axis = operator.axis(operator.scalar(2, 'an axis')!, x.shape.length);
  const sizes = operator.integers(1, 'sizes');
  const known = sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  const parts = sizes.map((size) => (size === -1 ? x.shape[axis]! - known : size));
  operator.check(
    parts.every((size) => size > 0) && parts.reduce((a, b) => a + b, 0) === x.shape[axis],
    `parts of [${sizes.join(', ')}] of ${x.shape[axis]}`,
  );
  return emit.split(x, axis, parts);
};

const pack: Mapping = (operator) => {
  const { emit, attributes, inputs } = operator;
  const [first] = inputs;
  operator.check(
    first !== undefined && inputs.every(({ shape }) => shape.join() === first.shape.join()),
    'parts of different shapes',
  );
  const axis = operator.axis(attributes.int('axis', 0), first!.shape.length + 1);
  return emit.concat(inputs.map((x) => emit.reshape(x, x.shape.toSpliced(axis, 0, 1))), axis);
};

const unpack: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(attributes.int('axis', 0), x.shape.length);
  const size = x.shape[axis] ?? 0;
  operator.check(size > 0 && attributes.int('num', size) === size, `${attributes.int('num', 0)} parts of ${size}`);
  const parts = emit.split(x, axis, new Array<number>(size).fill(1));
  return parts.map((part) => emit.reshape(part, x.shape.toSpliced(axis, 1)));
};

/** The axis is the last input, or in an old form the first. */
function concat(isOld: boolean): Mapping {
  return (operator) => {
    const { emit, inputs, inputCount } = operator;
    const at = isOld ? 0 : inputCount - 1;
    const parts = inputs.toSpliced(at, 1);
    operator.check(parts.length > 0, 'no parts');
    return emit.concat(parts, operator.axis(operator.scalar(at, 'an axis')!, parts[0]!.shape.length));
  };
}

export const slicing: Mappings = {
  Slice: slice,
  StridedSlice: stridedSlice,
  ReverseV2: (operator) => reversed(operator, operator.input(0), operator.axes(1, operator.input(0).shape.length)),
  Reverse: (operator) => {
    const { data } = operator.constant(1, 'axes');
    return reversed(operator, operator.input(0), [...data.keys()].filter((axis) => data[axis] !== 0));
  },
  Split: split,
  SplitV: splitV,
  Pack: pack,
  Unpack: unpack,
  ConcatV2: concat(false),
  Concat: concat(true),
};
