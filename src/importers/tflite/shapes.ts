import { elementCount } from '../../graph/graph';
import { broadcastShape } from '../../graph/broadcast';
import { resolveSlice, type SliceMasks } from '../shared/slicing';
import { DETECTION_POSTPROCESS, detectionOptions } from './detectionOptions';

// Shapes that a file leaves open. A converter that does not know a size writes −1 into a tensor's
// signature and a placeholder, mostly 1, into its shape. The sizes follow from those of the inputs,
// operator by operator, and from the integers that operators compute from shapes.

type Shape = readonly number[];

/** What is known of an operator before the network runs. */
export interface Facts {
  /** The shape of input i; undefined if the input is absent. */
  shape(i: number): Shape | undefined;
  /** The integers of input i, if they are known. */
  values(i: number): readonly number[] | undefined;
  inputs: number;
  outputs: number;
  /** The fields of the options table, of which each operator has some. */
  options: Readonly<Record<string, unknown>>;
  /** The options of a custom operator. */
  customOptions: Uint8Array;
}

/** The shapes of the outputs, as far as they follow from the facts. */
type Rule = (facts: Facts) => (Shape | undefined)[];

const number = ({ options }: Facts, name: string): number => Number(options[name] ?? 0);
const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const sameAs = (i: number): Rule => (facts) => [facts.shape(i)];
const one = (infer: (facts: Facts, x: Shape) => Shape | undefined, at = 0): Rule => (facts) => {
  const x = facts.shape(at);
  return [x && infer(facts, x)];
};

const broadcast: Rule = (facts) => {
  let shape: Shape | undefined = [];
  for (let i = 0; i < facts.inputs; i++) {
    const operand = facts.shape(i);
    shape = operand && shape && broadcastShape(shape, operand);
  }
  return [shape];
};

/** The number of windows along one dimension. Padding code 0 is SAME. */
function windows(size: number, extent: number, stride: number, padding: number): number {
  return Math.ceil((padding === 0 ? size : size - extent + 1) / stride);
}

/** The output of windows over an image; `channels` is the number of its channels. */
function image(facts: Facts, x: Shape, kernel: Shape, channels: number): Shape | undefined {
  if (x.length !== 4) return undefined;
  const [padding, strideH, strideW] = ['padding', 'strideH', 'strideW'].map((name) => number(facts, name)) as [number,
    number, number];
  const dilations = [facts.options.dilationHFactor ?? 1, facts.options.dilationWFactor ?? 1].map(Number);
  const [extentH, extentW] = kernel.map((k, i) => (k - 1) * dilations[i]! + 1) as [number, number];
  return [x[0]!, windows(x[1]!, extentH, strideH, padding), windows(x[2]!, extentW, strideW, padding), channels];
}

const convolution = (outputAxis: number): Rule =>
  one((facts, x) => {
    const w = facts.shape(1);
    return w?.length === 4 ? image(facts, x, [w[1]!, w[2]!], w[outputAxis]!) : undefined;
  });

const volumeConvolution = one((facts, x) => {
  const w = facts.shape(1);
  if (w?.length !== 5 || x.length !== 5) return undefined;
  const sizes = ['D', 'H', 'W'].map((axis, i) => {
    const extent = (w[i]! - 1) * Number(facts.options[`dilation${axis}Factor`] ?? 1) + 1;
    return windows(x[i + 1]!, extent, number(facts, `stride${axis}`), number(facts, 'padding'));
  });
  return [x[0]!, ...sizes, w[4]!];
});

const pool = one((facts, x) => image(facts, x, [number(facts, 'filterHeight'), number(facts, 'filterWidth')], x[3]!));

const fullyConnected = one((facts, x) => {
  const w = facts.shape(1);
  if (w?.length !== 2) return undefined;
  const [N, K] = w as [number, number];
  return facts.options.keepNumDims ? [...x.slice(0, -1), N] : [elementCount(x) / K, N];
});

/** A shape in which at most one size is −1, for the rest of the elements. */
function completed(x: Shape, wanted: Shape): Shape | undefined {
  const rest = elementCount(x) / wanted.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const shape = wanted.map((size) => (size === -1 ? rest : size));
  return elementCount(shape) === elementCount(x) && shape.every(Number.isInteger) ? shape : undefined;
}

const reshape = one((facts, x) => {
  const stated = facts.options.newShape as number[] | undefined;
  const wanted = facts.values(1) ?? (facts.inputs < 2 ? stated : undefined);
  return wanted && completed(x, wanted);
});

const squeeze = one((facts, x) => {
  const axes = (facts.options.squeezeDims as number[] | undefined ?? []).map((axis) => axisOf(axis, x.length));
  return x.filter((size, axis) => size !== 1 || (axes.length > 0 && !axes.includes(axis)));
});

const expandDims = one((facts, x) => {
  const [axis] = facts.values(1) ?? [];
  return axis === undefined ? undefined : x.toSpliced(axisOf(axis, x.length + 1), 0, 1);
});

const spectrum = one((facts, x) => {
  const [rows = NaN, columns = NaN] = facts.values(1) ?? [];
  return [...x.slice(0, -2), rows, Math.floor(columns / 2) + 1];
});

const transpose = one((facts, x) => facts.values(1)?.map((axis) => x[axisOf(axis, x.length)]!));

const concatenation = one((facts, x) => {
  const axis = axisOf(number(facts, 'axis'), x.length);
  let size = 0;
  for (let i = 0; i < facts.inputs; i++) size += facts.shape(i)?.[axis] ?? NaN;
  return Number.isNaN(size) ? undefined : x.with(axis, size);
});

const pack = one((facts, x) => x.toSpliced(axisOf(number(facts, 'axis'), x.length + 1), 0, facts.inputs));

const unpack: Rule = (facts) => {
  const x = facts.shape(0);
  const part = x?.toSpliced(axisOf(number(facts, 'axis'), x.length), 1);
  return Array.from({ length: facts.outputs }, () => part);
};

const split: Rule = (facts) => {
  const x = facts.shape(1);
  const [axis] = facts.values(0) ?? [];
  if (!x || axis === undefined) return [];
  const at = axisOf(axis, x.length);
  return Array.from({ length: facts.outputs }, () => x.with(at, x[at]! / facts.outputs));
};

const splitV: Rule = (facts) => {
  const x = facts.shape(0);
  const [axis] = facts.values(2) ?? [];
  const sizes = facts.values(1);
  if (!x || axis === undefined || !sizes) return [];
  const at = axisOf(axis, x.length);
  const rest = x[at]! - sizes.reduce((sum, size) => sum + Math.max(size, 0), 0);
  return sizes.map((size) => x.with(at, size < 0 ? rest : size));
};

const slice = one((facts, x) => {
  const [begin, size] = [facts.values(1), facts.values(2)];
  return begin && size && size.map((n, axis) => (n < 0 ? x[axis]! - begin[axis]! : n));
});

const stridedSlice = one((facts, x) => {
  const [begins, ends, strides] = [1, 2, 3].map((i) => facts.values(i));
  if (!begins || !ends || !strides) return undefined;
  const resolved = resolveSlice(x, begins, ends, strides, facts.options as unknown as SliceMasks);
  return typeof resolved === 'string' ? undefined : resolved.result;
});

const pad = one((facts, x) => {
  const amounts = facts.values(1);
  return amounts && x.map((size, axis) => size + amounts[2 * axis]! + amounts[2 * axis + 1]!);
});

const reduction = one((facts, x) => {
  const axes = facts.values(1)?.map((axis) => axisOf(axis, x.length));
  if (!axes) return undefined;
  if (facts.options.keepDims) return x.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return x.filter((_, axis) => !axes.includes(axis));
});

const argument = one((facts, x) => {
  const [axis] = facts.values(1) ?? [];
  return axis === undefined ? undefined : x.toSpliced(axisOf(axis, x.length), 1);
});

const resize = one((facts, x) => {
  const size = facts.values(1);
  return size && x.length === 4 ? [x[0]!, size[0]!, size[1]!, x[3]!] : undefined;
});

const spaceToBatch = one((facts, x) => {
  const [blocks, amounts] = [facts.values(1), facts.values(2)];
  if (!blocks || !amounts) return undefined;
  return x.map((size, axis) => {
    if (axis === 0) return blocks.reduce((product, block) => product * block, size);
    const block = blocks[axis - 1];
    return block === undefined ? size : (size + amounts[2 * axis - 2]! + amounts[2 * axis - 1]!) / block;
  });
});

const batchToSpace = one((facts, x) => {
  const [blocks, amounts] = [facts.values(1), facts.values(2)];
  if (!blocks || !amounts) return undefined;
  return x.map((size, axis) => {
    if (axis === 0) return blocks.reduce((quotient, block) => quotient / block, size);
    const block = blocks[axis - 1];
    return block === undefined ? size : size * block - amounts[2 * axis - 2]! - amounts[2 * axis - 1]!;
  });
});

const matmul = one((facts, a) => {
  const b = facts.shape(1);
  if (!b || a.length < 2 || b.length < 2) return undefined;
  const lead = broadcastShape(a.slice(0, -2), b.slice(0, -2));
  const [rows, columns] = [a.at(facts.options.adjX ? -1 : -2)!, b.at(facts.options.adjY ? -2 : -1)!];
  return lead && [...lead, rows, columns];
});

const gather = one((facts, x) => {
  const indices = facts.shape(1);
  const axis = axisOf(number(facts, 'axis'), x.length);
  const batch = number(facts, 'batchDims');
  return indices && [...x.slice(0, axis), ...indices.slice(batch), ...x.slice(axis + 1)];
});

const gatherNd = one((facts, x) => {
  const indices = facts.shape(1);
  return indices && [...indices.slice(0, -1), ...x.slice(indices.at(-1))];
});

const topK: Rule = (facts) => {
  const [x, [k] = []] = [facts.shape(0), facts.values(1)];
  const shape = x && k !== undefined ? [...x.slice(0, -1), k] : undefined;
  return [shape, shape];
};

/** Selected boxes, their scores if there is such an output, and their number. */
const suppression: Rule = (facts) => {
  const limit = facts.values(2);
  return [...Array.from({ length: facts.outputs - 1 }, () => limit), []];
};

const oneHot = one((facts, indices) => {
  const [depth] = facts.values(1) ?? [];
  return depth === undefined
    ? undefined
    : indices.toSpliced(axisOf(number(facts, 'axis'), indices.length + 1), 0, depth);
});

const blocks = (isDepth: boolean): Rule =>
  one((facts, x) => {
    const block = number(facts, 'blockSize') ** (isDepth ? 1 : -1);
    return x.length === 4 ? [x[0]!, x[1]! * block, x[2]! * block, x[3]! / block / block] : undefined;
  });

const tile = one((facts, x) => {
  const times = facts.values(1);
  return times && x.map((size, axis) => size * times[axis]!);
});

/** The tensors that a loop carries keep their shapes. */
const loop: Rule = (facts) => Array.from({ length: facts.outputs }, (_, i) => facts.shape(i));

const detections: Rule = ({ customOptions }) => {
  const { detections: count, classesPerDetection } = detectionOptions(customOptions);
  const places = count * classesPerDetection;
  return [[1, places, 4], [1, places], [1, places], [1]];
};

const named = (kinds: string, rule: Rule): [string, Rule][] => kinds.split(' ').map((kind) => [kind, rule]);

/** The shapes of the outputs of each operator, by its name. */
export const shapeRules = new Map<string, Rule>([
  ...named('ADD SUB MUL DIV MAXIMUM MINIMUM SQUARED_DIFFERENCE FLOOR_DIV FLOOR_MOD POW', broadcast),
  ...named('EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL LOGICAL_AND LOGICAL_OR SELECT_V2', broadcast),
  ...named('RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 LEAKY_RELU ELU GELU HARD_SWISH LOGISTIC TANH PRELU', sameAs(0)),
  ...named('EXP LOG SQRT RSQRT ABS NEG SQUARE FLOOR CEIL ROUND SIGN SIN COS LOGICAL_NOT CAST', sameAs(0)),
  ...named('SOFTMAX LOG_SOFTMAX L2_NORMALIZATION QUANTIZE DEQUANTIZE ZEROS_LIKE REVERSE_V2 CUMSUM', sameAs(0)),
  ...named('DYNAMIC_UPDATE_SLICE LOCAL_RESPONSE_NORMALIZATION', sameAs(0)),
  ...named('COMPLEX_ABS REAL IMAG', sameAs(0)),
  ...named('RFFT2D', spectrum),
  ...named('SELECT', sameAs(1)),
  ...named('CONV_2D', convolution(0)),
  ...named('DEPTHWISE_CONV_2D', convolution(3)),
  ...named('AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D', pool),
  ...named('FULLY_CONNECTED', fullyConnected),
  ...named('BATCH_MATMUL', matmul),
  ...named('RESHAPE', reshape),
  ...named('SHAPE', one((_, x) => [x.length])),
  ...named('SQUEEZE', squeeze),
  ...named('EXPAND_DIMS', expandDims),
  ...named('TRANSPOSE', transpose),
  ...named('CONCATENATION', concatenation),
  ...named('PACK', pack),
  ...named('UNPACK', unpack),
  ...named('SPLIT', split),
  ...named('SPLIT_V', splitV),
  ...named('SLICE', slice),
  ...named('STRIDED_SLICE', stridedSlice),
  ...named('PAD PADV2 MIRROR_PAD', pad),
  ...named('MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL', reduction),
  ...named('ARG_MAX ARG_MIN', argument),
  ...named('RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR', resize),
  ...named('SPACE_TO_BATCH_ND', spaceToBatch),
  ...named('BATCH_TO_SPACE_ND', batchToSpace),
  ...named('GATHER', gather),
  ...named('GATHER_ND', gatherNd),
  ...named('TOPK_V2', topK),
  ...named('NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5', suppression),
  ...named('ONE_HOT', oneHot),
  ...named('SCATTER_ND', (facts) => [facts.values(2)]),
  ...named('DEPTH_TO_SPACE', blocks(true)),
  ...named('SPACE_TO_DEPTH', blocks(false)),
  ...named('TILE', tile),
  ...named('BROADCAST_TO', (facts) => [facts.values(1)]),
  ...named('WHILE', loop),
  ...named('CONV_3D', volumeConvolution),
  ...named('FILL TRANSPOSE_CONV CONV_3D_TRANSPOSE', (facts) => [facts.values(0)]),
  ...named(DETECTION_POSTPROCESS, detections),
]);

/** The shapes of an operator's outputs; undefined where they do not follow. */
export function inferShapes(kind: string, facts: Facts): (Shape | undefined)[] {
  const shapes = shapeRules.get(kind)?.(facts) ?? [];
  const isSize = (size: number): boolean => Number.isInteger(size) && size >= 0;
  return shapes.map((shape) => (shape?.every(isSize) ? shape : undefined));
}

type Integers = (facts: Facts, x: readonly number[]) => readonly number[] | undefined;

const binary = (compute: (a: number, b: number) => number): Integers => (facts, a) => {
  const b = facts.values(1);
  if (!b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  return Array.from(
    { length: Math.max(a.length, b.length) },
    (_, i) => compute(a.at(a.length === 1 ? 0 : i)!, b.at(b.length === 1 ? 0 : i)!),
  );
};

const itself: Integers = (_, x) => x;

const joined: Integers = (facts) => {
  const parts = Array.from({ length: facts.inputs }, (_, i) => facts.values(i));
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
};

const integers = new Map<string, Integers>([['ADD', binary((a, b) => a + b)], ['SUB', binary((a, b) => a - b)], ['MUL',
  binary((a, b) => a * b)], ['DIV', binary((a, b) => Math.trunc(a / b))], ['FLOOR_DIV',
  binary((a, b) => Math.floor(a / b))], ['FLOOR_MOD', binary((a, b) => a - Math.floor(a / b) * b)], ['MAXIMUM',
  binary(Math.max)], ['MINIMUM', binary(Math.min)], ['NEG', (_, x) => x.map((value) => -value)], ['RESHAPE', itself], [
  'SQUEEZE',
  itself,
], ['EXPAND_DIMS', itself], ['CAST', itself], ['PACK', joined], ['CONCATENATION', joined], ['REDUCE_PROD',
  (_, x) => [x.reduce((product, value) => product * value, 1)]], ['GATHER',
  (facts, x) => facts.values(1)?.map((index) => x[index]!)], ['SLICE', (facts, x) => {
  const [[begin = NaN] = [], [size = NaN] = []] = [facts.values(1), facts.values(2)];
  return Number.isNaN(begin + size) ? undefined : x.slice(begin, size < 0 ? undefined : begin + size);
}], ['STRIDED_SLICE', (facts, x) => {
  const [begins, ends, strides] = [1, 2, 3].map((i) => facts.values(i));
  if (!begins || !ends || !strides) return undefined;
  const slice = resolveSlice([x.length], begins, ends, strides, facts.options as unknown as SliceMasks);
  if (typeof slice === 'string') return undefined;
  const [begin, stride, count] = [slice.begin[0]!, slice.stride[0]!, slice.shape[0]!];
  return Array.from({ length: count }, (_, i) => x[begin + i * stride]!);
}]]);

/** Most integers that are read from a constant or computed from shapes. */
export const MAX_INTEGERS = 64;

/** The integers that an operator computes from a vector of known integers, or from a shape. */
export function foldIntegers(kind: string, facts: Facts): readonly number[] | undefined {
  if (kind === 'SHAPE') return facts.shape(0);
  if (kind === 'RANGE') return range(facts);
  const isVector = (facts.shape(0)?.length ?? 2) <= 1;
  const x = facts.values(0);
  if (!x || !isVector) return undefined;
  const result = integers.get(kind)?.(facts, x);
  return result && result.length <= MAX_INTEGERS && result.every(Number.isSafeInteger) ? result : undefined;
}

function range(facts: Facts): number[] | undefined {
  const [[start = NaN] = [], [limit = NaN] = [], [delta = NaN] = []] = [0, 1, 2].map((i) => facts.values(i));
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  return count <= MAX_INTEGERS ? Array.from({ length: count }, (_, i) => start + i * delta) : undefined;
}
