import type { Tensor } from '../../../graph/graph';
import { allocate } from '../../shared/fold';
import { sliceRange } from '../../shared/slicing';
import type { Mapping, Mappings, OnnxOperator } from '../operator';

/** A size of 0 keeps the dimension of the input, and one of −1 takes the rest. */
function reshapedShape(operator: OnnxOperator, from: readonly number[], wished: readonly number[]): number[] {
  const allowsZero = operator.attributes.int('allowzero', 0) === 1;
  const shape = wished.map((d, i) => (d === 0 && !allowsZero ? from[i] ?? 0 : d));
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  const known = shape.reduce((product, d, i) => (i === open ? product : product * d), 1);
  return shape.with(open, known === 0 ? 0 : from.reduce((a, b) => a * b, 1) / known);
}

const reshape: Mapping = (operator) => {
  const x = operator.input(0);
  const wished = operator.integers(1, 'shape') ?? [];
  return operator.emit.reshape(x, reshapedShape(operator, x.shape, wished));
};

const flatten: Mapping = (operator) => {
  const x = operator.input(0);
  const wished = operator.attributes.int('axis', 1);
  const axis = wished === x.shape.length ? wished : operator.axis(wished, x.shape.length);
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return operator.emit.reshape(x, [count(x.shape.slice(0, axis)), count(x.shape.slice(axis))]);
};

const squeeze: Mapping = (operator) => {
  const x = operator.input(0);
  const axes = operator.integers(1, 'axes')?.map((axis) => operator.axis(axis, x.shape.length));
  const isGone = (d: number, i: number): boolean => (axes ? axes.includes(i) : d === 1);
  return operator.emit.reshape(x, x.shape.filter((d, i) => !isGone(d, i)));
};

const unsqueeze: Mapping = (operator) => {
  const x = operator.input(0);
  const axes = operator.integers(1, 'axes') ?? [];
  const rank = x.shape.length + axes.length;
  const shape = [...x.shape];
  for (const axis of axes.map((a) => operator.axis(a, rank)).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
  return operator.emit.reshape(x, shape);
};

const transpose: Mapping = ({ emit, inputs: [x], attributes }) =>
  emit.transpose(x!, attributes.ints('perm') ?? x!.shape.map((_, i) => x!.shape.length - 1 - i));

const concat: Mapping = (operator) => {
  const { inputs, attributes, emit } = operator;
  return emit.concat(inputs, operator.axis(attributes.int('axis', 1), inputs[0]!.shape.length));
};

const split: Mapping = (operator) => {
  const { emit, attributes, outputCount } = operator;
  const x = operator.input(0);
  const axis = operator.axis(attributes.int('axis', 0), x.shape.length);
  const total = x.shape[axis]!;
  const each = Math.ceil(total / outputCount);
  const equal = Array.from({ length: outputCount }, (_, i) => Math.min(each, total - i * each));
  const sizes = operator.integers(1, 'split') ?? equal;
  operator.check(sizes.reduce((a, b) => a + b, 0) === total, `parts of ${sizes.join(', ')} of ${total}`);
  return emit.split(x, axis, sizes);
};

/** Starts, ends, axes and steps are inputs since operator set 10, attributes before. */
const slice: Mapping = (operator) => {
  const x = operator.input(0);
  const starts = operator.integers(1, 'starts') ?? [];
  const ends = operator.integers(2, 'ends') ?? [];
  const axes = operator.integers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = operator.integers(4, 'steps') ?? starts.map(() => 1);
  const begin = x.shape.map(() => 0);
  const stride = x.shape.map(() => 1);
  const shape = [...x.shape];
  axes.forEach((wished, i) => {
    const axis = operator.axis(wished, x.shape.length);
    operator.check(steps[i] !== 0, 'a step of 0');
    const range = sliceRange(x.shape[axis]!, starts[i]!, ends[i]!, steps[i]!);
    begin[axis] = range.begin;
    stride[axis] = steps[i]!;
    shape[axis] = range.count;
  });
  return operator.emit.slice(x, begin, shape, stride);
};

const expand: Mapping = (operator) => {
  const x = operator.input(0);
  const wished = operator.integers(1, 'shape') ?? [];
  const rank = Math.max(wished.length, x.shape.length);
  const shape = Array.from({ length: rank }, (_, i) => {
    const mine = x.shape[i - rank + x.shape.length] ?? 1;
    return Math.max(mine, wished[i - rank + wished.length] ?? 1) * Math.min(1, mine);
  });
  return operator.emit.broadcastTo(x, shape);
};

/** Each repeat becomes a dimension of its own, which is broadcast. */
const tile: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  const repeats = operator.integers(1, 'repeats') ?? [];
  const apart = emit.reshape(x, x.shape.flatMap((d) => [1, d]));
  const repeated = emit.broadcastTo(apart, x.shape.flatMap((d, i) => [repeats[i] ?? 1, d]));
  return emit.reshape(repeated, x.shape.map((d, i) => d * (repeats[i] ?? 1)));
};

const shape: Mapping = (operator) => {
  const { shape: all } = operator.input(0);
  const range = sliceRange(all.length, operator.attributes.int('start', 0), null, 1);
  const end = operator.attributes.has('end') ? operator.attributes.int('end', all.length) : null;
  const { count } = sliceRange(all.length, operator.attributes.int('start', 0), end, 1);
  return operator.emit.integers(all.slice(range.begin, range.begin + count));
};

const size: Mapping = ({ emit, inputs: [x] }) =>
  emit.constant(Int32Array.of(x!.shape.reduce((a, b) => a * b, 1)), [], 'int64');

/** A constant, in one of several attributes. */
const constant: Mapping = (operator) => {
  const { emit, attributes, network } = operator;
  const tensor = attributes.tensor('value');
  if (tensor) return network.decode(tensor);
  if (attributes.has('value_float')) return emit.number(attributes.float('value_float', 0));
  if (attributes.has('value_int')) return emit.constant(Int32Array.of(attributes.int('value_int', 0)), [], 'int64');
  const floats = attributes.floats('value_floats');
  if (floats) return emit.constant(Float32Array.from(floats), [floats.length], 'float32');
  const ints = attributes.ints('value_ints');
  operator.check(ints !== undefined, 'a value that is no tensor or number');
  return emit.integers(ints!);
};

const constantOfShape: Mapping = (operator) => {
  const { emit, attributes, network } = operator;
  const shape = Array.from(operator.constant(0, 'a shape').data);
  const value = attributes.tensor('value');
  const filler: Tensor = value ? network.decode(value) : emit.number(0);
  return emit.broadcastTo({ ...filler, shape: [] }, shape);
};

const range: Mapping = (operator) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => operator.constant(i, 'bounds').data[0]!) as [number, number,
    number];
  operator.check(delta !== 0, 'a step of 0');
  const { dtype } = operator.input(0);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) data[i] = start + i * delta;
  return operator.emit.constant(data, [count], dtype);
};

const depthToSpace: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const blockSize = attributes.int('blocksize', 1);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const channels = c / blockSize ** 2;
  // DCR: the block index is the slower part of a channel; CRD: the faster
  const isDcr = attributes.string('mode', 'DCR') === 'DCR';
  const split = isDcr ? [n, blockSize, blockSize, channels, h, w] : [n, channels, blockSize, blockSize, h, w];
  const parts = emit.transpose(emit.reshape(x, split), isDcr ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]);
  return emit.reshape(parts, [n, channels, h * blockSize, w * blockSize]);
};

const spaceToDepth: Mapping = ({ emit, inputs: [x], attributes }) => {
  const b = attributes.int('blocksize', 1);
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const parts = emit.transpose(emit.reshape(x!, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]);
  return emit.reshape(parts, [n, c * b * b, h / b, w / b]);
};

export const layout: Mappings = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Shape: shape,
  Size: size,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
