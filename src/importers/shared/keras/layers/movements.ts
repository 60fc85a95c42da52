import { elementCount, type DType, type Tensor } from '../../../../graph/graph';
import { resolveSlice } from '../../slicing';
import { UnsupportedTensor } from '../../unsupported';
import { isObject } from '../config';
import { isTensor, tensorsIn, type KerasLayer, type Mapping } from '../layer';
import { operand, subject } from './elementwiseOperations';
import { unified } from './merge';
import { resolvedShape, resized } from './shapes';

const types: Record<string, DType> = {
  float16: 'float32',
  bfloat16: 'float32',
  float32: 'float32',
  float64: 'float32',
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  int64: 'int64',
  uint8: 'uint8',
  uint16: 'int32',
  bool: 'bool',
};

/** An element type by its name, of which Keras 3 may have an object. */
function typeOf(layer: KerasLayer, value: unknown): DType {
  const stated = isObject(value) && isObject(value.config) ? value.config.name : value;
  const name = String(stated).replace(/^mixed_/, '').replace(/^<dtype: '(\w+)'>$/, '$1');
  const type = Object.hasOwn(types, name) ? types[name] : undefined;
  if (!type) throw new UnsupportedTensor(`"${layer.name}" (${name})`);
  return type;
}

const cast: Mapping = (layer) => {
  const x = subject(layer);
  return layer.emit.cast(x, typeOf(layer, layer.argument(1, 'dtype') ?? 'float32'));
};

/** A list of whole numbers among the arguments; null stands for −1. */
function list(layer: KerasLayer, index: number, ...names: string[]): number[] {
  const given = layer.argument(index, ...names);
  const values = [given].flat().map((v) => (v === null ? -1 : v));
  layer.check(values.every((v) => Number.isInteger(v)), `${names[0]} that are computed at run time`);
  return values as number[];
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

const reshape: Mapping = (layer) => {
  const x = subject(layer);
  const target = list(layer, 1, 'shape', 'newshape');
  // an open batch is one item
  return layer.emit.reshape(x, resolvedShape(layer, x, target.map((size) => (size === 0 ? 1 : size))));
};

const expandDims: Mapping = (layer) => {
  const x = subject(layer);
  const axes = list(layer, 1, 'axis');
  const shape = axes.reduce((s, axis) => {
    const at = layer.axis(axis, s.length + 1);
    return s.toSpliced(at, 0, 1);
  }, x.shape);
  return layer.emit.reshape(x, shape);
};

const squeeze: Mapping = (layer) => {
  const x = subject(layer);
  const given = layer.argument(1, 'axis');
  const axes = given === undefined || given === null || (Array.isArray(given) && given.length === 0)
    ? undefined
    : [given].flat().map((axis) => layer.axis(axis as number, x.shape.length));
  const shape = x.shape.filter((size, i) => (axes ? !axes.includes(i) : size !== 1));
  layer.check(elementCount(shape) === elementCount(x.shape), `the axes ${axes?.join(', ')} of [${x.shape.join(', ')}]`);
  return layer.emit.reshape(x, shape);
};

const transpose: Mapping = (layer) => {
  const x = subject(layer);
  const given = layer.argument(1, 'perm', 'axes');
  const perm = given === undefined || given === null
    ? [...x.shape.keys()].reverse()
    : list(layer, 1, 'perm', 'axes').map((axis) => layer.axis(axis, x.shape.length));
  layer.check(perm.length === x.shape.length && new Set(perm).size === perm.length, `the order ${perm.join(', ')}`);
  return layer.emit.transpose(x, perm);
};

/** The tensors in a list, which is the first argument. */
function parts(layer: KerasLayer): Tensor[] {
  const given = layer.argument(0, 'values', 'xs', 'arrays', 'x');
  const like = tensorsIn(given)[0];
  const all = Array.isArray(given) ? given.map((value) => operand(layer, value, like)) : tensorsIn(given);
  layer.check(all.length > 0, 'no tensors');
  return unified(layer.emit, all);
}

/** The axis of a list of tensors, by default `otherwise`. */
function axisOf(layer: KerasLayer, rank: number, index: number, otherwise: number): number {
  const axis = layer.argument(index, 'axis') ?? otherwise;
  layer.check(typeof axis === 'number', 'an axis that is computed at run time');
  return layer.axis(axis as number, rank);
}

const concatenate: Mapping = (layer) => {
  const all = parts(layer);
  return layer.emit.concat(all, axisOf(layer, all[0]!.shape.length, 1, -1));
};

const stack: Mapping = (layer) => {
  const all = parts(layer);
  const axis = axisOf(layer, all[0]!.shape.length + 1, 1, 0);
  return layer.emit.concat(all.map((x) => layer.emit.reshape(x, x.shape.toSpliced(axis, 0, 1))), axis);
};

const unstack: Mapping = (layer) => {
  const x = subject(layer);
  const given = layer.argument(2, 'axis') ?? 0;
  const axis = layer.axis(given as number, x.shape.length);
  const sizes = new Array<number>(x.shape[axis]!).fill(1);
  return layer.emit.split(x, axis, sizes).map((part) => layer.emit.reshape(part, x.shape.toSpliced(axis, 1)));
};

/** Parts of equal sizes, or of those that are listed; Keras 3 lists the places between them. */
const split: Mapping = (layer) => {
  const x = subject(layer);
  const axis = axisOf(layer, x.shape.length, 2, 0);
  const size = x.shape[axis]!;
  const given = layer.argument(1, 'num_or_size_splits', 'indices_or_sections');
  const isPlaces = layer.config.has('indices_or_sections');
  let sizes: number[];
  if (typeof given === 'number') sizes = new Array<number>(given).fill(size / given);
  else {
    const listed = list(layer, 1, 'num_or_size_splits', 'indices_or_sections');
    const ends = [...listed, size];
    sizes = isPlaces ? ends.map((end, i) => end - (i === 0 ? 0 : ends[i - 1]!)) : listed;
    const rest = size - sizes.reduce((sum, part) => sum + Math.max(part, 0), 0);
    sizes = sizes.map((part) => (part === -1 ? rest : part));
  }
  const isWhole = sizes.every((part) => Number.isInteger(part) && part > 0) &&
    sizes.reduce((a, b) => a + b, 0) === size;
  layer.check(sizes.length <= size && isWhole, `parts of ${sizes.join(', ')} of ${size}`);
  return layer.emit.split(x, axis, sizes);
};

interface SliceEntry {
  start?: number | null;
  stop?: number | null;
  step?: number | null;
}

/** x[…], as Python has it: indices, slices, new axes and an ellipsis */
const getItem: Mapping = (layer) => {
  const { emit } = layer;
  const x = subject(layer);
  const given = layer.argument(1, 'slice_spec', 'key');
  const entries: unknown[] = Array.isArray(given) ? given : [given];
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  const [begins, ends, strides]: [number[], number[], number[]] = [[], [], []];
  entries.forEach((entry, i) => {
    let [begin, end, stride] = [0, 0, 1];
    const bit = 1 << i;
    if (entry === null || entry === undefined) masks.newAxisMask |= bit;
    else if (typeof entry === 'number') [begin, masks.shrinkAxisMask] = [entry, masks.shrinkAxisMask | bit];
    else if (entry === '...' || (isObject(entry) && entry.class_name === '__ellipsis__')) masks.ellipsisMask |= bit;
    else {
      layer.check(isObject(entry) && !isTensor(entry), 'an index that is computed at run time');
      const { start, stop, step } = entry as SliceEntry;
      layer.check(
        [start, stop, step].every((v) => v === null || v === undefined || Number.isInteger(v)),
        'a range that is computed at run time',
      );
      if (start === null || start === undefined) masks.beginMask |= bit;
      if (stop === null || stop === undefined) masks.endMask |= bit;
      [begin, end, stride] = [start ?? 0, stop ?? 0, step ?? 1];
    }
    begins.push(begin);
    ends.push(end);
    strides.push(stride);
  });
  const slice = resolveSlice(x.shape, begins, ends, strides, masks);
  if (typeof slice === 'string') {
    layer.check(false, slice);
    return x;
  }
  return emit.reshape(emit.slice(x, slice.begin, slice.shape, slice.stride), slice.result);
};

const oneHot: Mapping = (layer) => {
  const { emit } = layer;
  const indices = emit.cast(subject(layer), 'int32');
  const depth = layer.argument(1, 'depth', 'num_classes');
  layer.check(
    Number.isInteger(depth) && (depth as number) > 0 && (depth as number) <= 65536,
    `a depth of ${String(depth)}`,
  );
  const classes = depth as number;
  const axis = layer.argument(layer.config.has('num_classes') ? 2 : 4, 'axis') ?? -1;
  layer.check(axis === -1 || axis === indices.shape.length, 'classes that are not the last dimension');
  const numbers = emit.constant(Int32Array.from({ length: classes }, (_, i) => i), [classes], 'int32');
  const wide = emit.reshape(indices, [...indices.shape, 1]);
  const hits = emit.node('compare', [wide, numbers], { kind: 'equal' }, { dtype: 'bool' });
  const type = layer.argument(5, 'dtype') ?? 'float32';
  return emit.cast(hits, typeOf(layer, type));
};

const gather: Mapping = (layer) => {
  const { emit } = layer;
  const x = operand(layer, layer.argument(0, 'params', 'x'));
  const indices = operand(layer, layer.argument(1, 'indices'), { name: '', shape: [], dtype: 'int32' });
  const given = layer.argument(layer.config.has('axis') ? 2 : 3, 'axis');
  const axis = given === undefined || given === null ? 0 : layer.axis(given as number, x.shape.length);
  layer.check((layer.argument(4, 'batch_dims') ?? 0) === 0, 'batch_dims');
  const whole = emit.cast(indices, 'int32');
  return emit.node('gather', [x, whole], { axis, batchDims: 0 });
};

/** x as often as `multiples` says along each dimension */
const tile: Mapping = (layer) => {
  const { emit } = layer;
  const x = subject(layer);
  const multiples = list(layer, 1, 'multiples', 'repeats');
  layer.check(
    multiples.length === x.shape.length && multiples.every((n) => n > 0 && n <= 65536),
    `multiples [${multiples.join(', ')}]`,
  );
  return multiples.reduce((y, times, axis) => emit.concat(new Array<Tensor>(times).fill(y), axis), x);
};

const broadcastTo: Mapping = (layer) => layer.emit.broadcastTo(subject(layer), list(layer, 1, 'shape'));

const pad: Mapping = (layer) => {
  const x = subject(layer);
  const given = layer.argument(1, 'paddings', 'pad_width');
  const pairs = Array.isArray(given) ? (given as unknown[]).map((entry) => [entry].flat() as number[]) : [];
  layer.check(
    pairs.length === x.shape.length && pairs.every((p) =>
      p.length === 2 && p.every((n) => Number.isInteger(n) && n >= 0)
    ),
    'paddings that are computed at run time',
  );
  const mode = textOf(layer.argument(2, 'mode'), 'constant').toLowerCase();
  const value = layer.argument(3, 'constant_values') ?? 0;
  layer.check(
    ['constant', 'reflect', 'symmetric', 'edge', 'wrap'].includes(mode) && typeof value === 'number',
    `mode "${mode}"`,
  );
  return layer.emit.node('pad', [x], {
    before: pairs.map((p) => p[0]!),
    after: pairs.map((p) => p[1]!),
    mode: mode as 'constant',
    value: value as number,
  });
};

/** The elements of `axes` from the last to the first */
const flip: Mapping = (layer) => {
  const x = subject(layer);
  const axes = list(layer, 1, 'axis').map((axis) => layer.axis(axis, x.shape.length));
  const begin = x.shape.map((size, i) => (axes.includes(i) ? size - 1 : 0));
  return layer.emit.slice(x, begin, x.shape, x.shape.map((_, i) => (axes.includes(i) ? -1 : 1)));
};

const resize: Mapping = (layer) => {
  const x = layer.emit.cast(subject(layer), 'float32');
  const [height, width] = list(layer, 1, 'size') as [number, number];
  layer.check(x.shape.length === 4 && height > 0 && width > 0, `an input of ${x.shape.length} dimensions`);
  const mode = textOf(layer.argument(2, 'method', 'interpolation'), 'bilinear');
  return resized(layer, x, [x.shape[0]!, height, width, x.shape[3]!], mode);
};

/** The shape of the input, which is known */
const shapeOf: Mapping = ({ emit, input }) => emit.integers(input.shape, 'int32');

/** Operations that move elements or change their type. */
export const movements: Record<string, Mapping> = {
  identity: (layer) => subject(layer),
  cast,
  reshape,
  expand_dims: expandDims,
  squeeze,
  transpose,
  concatenate,
  stack,
  unstack,
  split,
  get_item: getItem,
  one_hot: oneHot,
  gather,
  take: gather,
  tile,
  broadcast_to: broadcastTo,
  pad,
  flip,
  reverse: flip,
  resize,
  shape: shapeOf,
  zeros_like: ({ emit, input }) => emit.broadcastTo(emit.cast(emit.number(0), input.dtype), input.shape),
  ones_like: ({ emit, input }) => emit.broadcastTo(emit.cast(emit.number(1), input.dtype), input.shape),
};
