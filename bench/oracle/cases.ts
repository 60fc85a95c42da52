import { detection, detectionTypes } from './detection';
import { elements, Maker, Random, type ElementType, type OracleCase } from './maker';
import { indexing, indexingTypes } from './indexing';
import { networks } from './networks';
import { predicates, predicateTypes } from './predicates';
import { recurrent, recurrentTypes } from './recurrent';
import { reductions, reductionTypes } from './reductions';
import { spectrum, spectrumTypes } from './spectrum';
import { volumes, volumeTypes } from './volumes';

/** Puts one operator, with random shapes and parameters, into a network. */
type Recipe = (make: Maker) => void;

const activations = ['NONE', 'RELU', 'RELU6', 'RELU_N1_TO_1'] as const;

/** Output size and options of a sliding window over an image. */
function windows(make: Maker, size: number[], kernel: number[], { dilation = 1, maxStride = 3 } = {}) {
  const { random } = make;
  const extent = kernel.map((k) => (k - 1) * dilation + 1);
  const padding = size.some((s, i) => s < extent[i]!) ? 'SAME' : random.pick(['SAME', 'VALID']);
  // With SAME padding and a stride larger than the kernel, this XNNPACK mishandles the negative
  // padding and returns the bias, except for 1×1 kernels
  const isPoint = elements(kernel) === 1;
  const stride = extent.map((e) => random.int(1, isPoint ? 2 : Math.min(maxStride, e)));
  const out = size.map((s, i) => Math.ceil((padding === 'SAME' ? s : s - extent[i]! + 1) / stride[i]!));
  return {
    out,
    options: { padding, strideH: stride[0], strideW: stride[1], fusedActivationFunction: random.pick(activations) },
  };
}

/** Approximate spread of a sum of `terms` products of values up to `high` and weights in −1 … 1. */
const spread = (terms: number, high: number) => 1.5 * Math.sqrt(terms) * high + 1;

/**
 * int8 weights have one scale per output channel. In hybrid layers they may have a single scale,
 * except in TFLite's depthwise kernel.
 */
const channelAxis = (
  make: Maker,
  axis: number,
) => (make.type === 'int8' || (make.type === 'hybrid' && make.random.pick([true, false])) ? axis : null);

const convolution: Recipe = (make) => {
  const { random } = make;
  const size = [random.int(3, 12), random.int(3, 12)];
  const kernel = random.pick([[1, 1], [3, 3], [2, 3], [5, 1], [1, 4]]);
  const dilation = random.pick([1, 1, 2]);
  const [ci, co] = [random.int(1, 20), random.int(1, 20)];
  const { out, options } = windows(make, size, kernel, { dilation });
  const x = make.input([1, ...size, ci], -2, 2);
  const w = make.weights([co, ...kernel, ci], channelAxis(make, 0));
  const high = spread(elements(kernel) * ci, 1);
  const y = make.output([1, ...out, co], -high, high);
  make.emit('CONV_2D', [x, w, make.bias(co, x, w)], [y], {
    ...options,
    dilationHFactor: dilation,
    dilationWFactor: dilation,
  });
};

const depthwise: Recipe = (make) => {
  const { random } = make;
  const size = [random.int(3, 12), random.int(3, 12)];
  const kernel = random.pick([[3, 3], [5, 5], [1, 3], [4, 1], [2, 2]]);
  const dilation = random.pick([1, 1, 2]);
  const [c, multiplier] = [random.int(1, 20), random.pick([1, 1, 1, 2, 3])];
  const { out, options } = windows(make, size, kernel, { dilation });
  const x = make.input([1, ...size, c], -2, 2);
  const w = make.weights([1, ...kernel, c * multiplier], make.type === 'uint8' ? null : 3);
  const high = spread(elements(kernel), 1);
  const y = make.output([1, ...out, c * multiplier], -high, high);
  make.emit('DEPTHWISE_CONV_2D', [x, w, make.bias(c * multiplier, x, w)], [y], {
    ...options,
    depthMultiplier: multiplier,
    dilationHFactor: dilation,
    dilationWFactor: dilation,
  });
};

const transposeConvolution = (isCustom: boolean): Recipe => (make) => {
  const { random } = make;
  const size = [random.int(2, 6), random.int(2, 6)];
  const kernel = random.pick([[3, 3], [2, 2], [4, 4], [3, 2]]);
  const stride = kernel.map((k) => random.int(1, Math.min(2, k)));
  const padding = random.pick(['SAME', 'VALID']);
  const out = size.map((s, i) => (padding === 'SAME' ? s * stride[i]! : (s - 1) * stride[i]! + kernel[i]!));
  const [ci, co] = [random.int(1, 12), random.int(1, 12)];
  const x = make.input([1, ...size, ci], -2, 2);
  const w = make.weights([co, ...kernel, ci], channelAxis(make, 0));
  const high = spread(elements(kernel) * ci / elements(stride), 1);
  const y = make.output([1, ...out, co], -high, high);
  const b = make.bias(co, x, w);
  if (isCustom) {
    const options = new Uint8Array(Int32Array.of(padding === 'SAME' ? 1 : 2, stride[1]!, stride[0]!).buffer);
    return make.emit('CUSTOM', [x, w, b], [y], undefined, {
      customCode: 'Convolution2DTransposeBias',
      customOptions: options,
    });
  }
  make.emit('TRANSPOSE_CONV', [make.integers([1, ...out, co]), w, x, b], [y], {
    padding,
    strideH: stride[0],
    strideW: stride[1],
  });
};

const fullyConnected: Recipe = (make) => {
  const { random } = make;
  const [m, k, n] = [random.int(1, 5), random.int(1, 70), random.int(1, 40)];
  const x = make.input([m, k], -2, 2);
  const w = make.weights([n, k], null);
  const high = spread(k, 1);
  make.emit('FULLY_CONNECTED', [x, w, make.bias(n, x, w)], [make.output([m, n], -high, high)], {
    fusedActivationFunction: random.pick(activations),
    ...(make.type === 'hybrid' && { asymmetricQuantizeInputs: random.pick([true, false]) }),
  });
};

const batchMatmul: Recipe = (make) => {
  const { random } = make;
  const [b, m, k, n] = [random.int(1, 3), random.int(1, 6), random.int(1, 40), random.int(1, 12)];
  const adjY = random.pick([true, false]);
  const x = make.input([b, m, k], -2, 2);
  const other = make.input(adjY ? [b, n, k] : [b, k, n], -1, 1);
  const high = spread(k, 1);
  make.emit('BATCH_MATMUL', [x, other], [make.output([b, m, n], -high, high)], { adjX: false, adjY });
};

const pool = (kind: string): Recipe => (make) => {
  const { random } = make;
  const size = [random.int(3, 14), random.int(3, 14)];
  const kernel = random.pick([[2, 2], [3, 3], size, [1, 3], [5, 4]]).map((k, i) => Math.min(k, size[i]!));
  const { out, options } = windows(make, size, kernel);
  const c = random.int(1, 40);
  const x = make.input([1, ...size, c], -3, 3);
  make.emit(kind, [x], [make.outputLike(x, [1, ...out, c])], {
    ...options,
    filterHeight: kernel[0],
    filterWidth: kernel[1],
  });
};

const binary =
  (kind: string, [low, high]: [number, number], hasActivation: boolean, second: [number, number] = [-2, 2]): Recipe =>
  (make) => {
    const { random } = make;
    const c = random.int(1, 40);
    const shape = [1, random.int(1, 8), random.int(1, 8), c];
    const other = random.pick([shape, shape, [1, 1, 1, c], [1]]);
    const x = make.input(shape, -2, 2);
    // division by zero is not tested
    const isDivision = kind === 'DIV';
    const isConstant = random.pick([true, false]);
    const b = isConstant ? make.constant(other, ...second, isDivision) : make.input(other, ...second);
    if (isDivision && !make.isFloat) make.bound(b);
    make.emit(
      kind,
      isDivision ? [x, b] : random.pick([[x, b], [b, x]]),
      [make.output(shape, low, high)],
      hasActivation ? { fusedActivationFunction: random.pick(activations) } : undefined,
    );
  };

/** The inputs and the output share one quantization, as converters produce it. */
const extremum = (kind: string): Recipe => (make) => {
  const shape = [1, make.random.int(1, 8), make.random.int(1, 40)];
  const x = make.input(shape, -2, 2);
  const b = make.inputLike(x, make.random.pick([shape, [1, 1, shape[2]!]]));
  make.emit(kind, [x, b], [make.outputLike(x, shape)]);
};

type Range = [low: number, high: number];
const unary =
  (kind: string, from: Range, to: Range, options?: (make: Maker) => Record<string, unknown>): Recipe => (make) => {
    const shape = [1, 4, 128];
    make.emit(kind, [make.input(shape, ...from)], [make.output(shape, ...to)], options?.(make));
  };
/** Output quantized like the input. */
const unaryAlike = (kind: string, from: Range): Recipe => (make) => {
  const x = make.input([1, 4, 128], ...from);
  make.emit(kind, [x], [make.outputLike(x, [1, 4, 128])]);
};
/** Functions with an output quantization prescribed by TFLite. */
const unaryFixed =
  (
    kind: string,
    from: Range,
    scale: number,
    zeroPoint: { int8: number; uint8: number },
    options?: Record<string, unknown>,
    shape = [1, 4, 128],
  ): Recipe =>
  (make) => {
    const x = make.input(shape, ...from);
    const y = make.isFloat
      ? make.output(shape, -1, 1)
      : make.outputLike(x, shape, { scale, zeroPoint: zeroPoint[make.type as 'int8'] });
    make.emit(kind, [x], [y], options);
  };

const prelu: Recipe = (make) => {
  const c = make.random.int(1, 40);
  const x = make.input([1, 5, 6, c], -2, 2);
  make.emit('PRELU', [x, make.constant([1, 1, c], -0.5, 1)], [make.output([1, 5, 6, c], -1, 2)]);
};

const softmax = (kind: 'SOFTMAX' | 'LOG_SOFTMAX'): Recipe => (make) => {
  const { random } = make;
  const shape = [random.int(1, 4), random.pick([2, 3, 10, 12, 100, 256])];
  const reach = random.pick([1, 4, 10, 30]);
  if (kind === 'SOFTMAX') {
    return unaryFixed(
      kind,
      [-reach, reach],
      1 / 256,
      { int8: -128, uint8: 0 },
      { beta: random.pick([1, 1, 0.5]) },
      shape,
    )(make);
  }
  unaryFixed(kind, [-reach, reach], 16 / 256, { int8: 127, uint8: 255 }, undefined, shape)(make);
};

const reduce = (kind: string, isAlike: boolean): Recipe => (make) => {
  const { random } = make;
  const shape = [random.int(1, 2), random.int(2, 9), random.int(2, 9), random.int(1, 40)];
  const axes = random.pick([[1, 2], [1, 2], [3], [1], [2, 3], [0, 1, 2, 3]]);
  const keepDims = random.pick([true, false]);
  const out = keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
  const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
  // TFLite's SUM wraps around instead of saturating, and ignores zero points where both
  // quantizations agree
  const limits: Record<string, number> = { SUM: 8 * count, REDUCE_PROD: 1 };
  const reach = limits[kind] ?? 1.5;
  const x = kind === 'REDUCE_PROD' ? make.input(shape, 0.2, 1.2) : make.input(shape, -1, 2.5);
  const y = isAlike || (kind !== 'SUM' && random.pick([true, false, false]))
    ? make.outputLike(x, out)
    : make.output(out, -reach, reach);
  make.emit(kind, [x, make.integers(axes)], [y], { keepDims });
};

const argument = (kind: string): Recipe => (make) => {
  const { random } = make;
  const shape = [random.int(1, 4), random.int(2, 9), random.int(2, 40)];
  const axis = random.int(0, 2);
  make.emit(
    kind,
    [make.input(shape, -2, 2), make.integers([axis], [])],
    [make.integerOutput(shape.toSpliced(axis, 1))],
    { outputType: 'INT32' },
  );
};

const concatenation: Recipe = (make) => {
  const { random } = make;
  const [h, w] = [random.int(1, 6), random.int(1, 6)];
  const axis = random.int(1, 3);
  const parts = Array.from({ length: random.int(2, 4) }, () => [1, h, w, 5].with(axis, random.int(1, 12)));
  const out = parts[0]!.with(axis, parts.reduce((sum, part) => sum + part[axis]!, 0));
  const first = make.input(parts[0]!, -2, 2);
  // int8 parts must agree in quantization; uint8 parts may differ, but this XNNPACK then copies
  // them unchanged
  const others = parts.slice(1).map((part) => make.inputLike(first, part));
  make.emit('CONCATENATION', [first, ...others], [make.outputLike(first, out)], { axis });
};

const resize = (kind: string): Recipe => (make) => {
  const { random } = make;
  const [h, w, c] = [random.int(1, 8), random.int(1, 8), random.int(1, 20)];
  const [oh, ow] = random.pick<[number, number]>([[2 * h, 2 * w], [random.int(1, 20), random.int(1, 20)], [3 * h,
    4 * w]]);
  const [alignCorners, halfPixelCenters] = random.pick([[false, false], [true, false], [false, true]]);
  const x = make.input([1, h, w, c], -2, 2);
  make.emit(kind, [x, make.integers([oh, ow])], [make.outputLike(x, [1, oh, ow, c])], {
    alignCorners,
    halfPixelCenters,
  });
};

/** Operators that only move elements: the output is quantized like the input. */
const moved =
  (
    kind: string,
    shape: (random: Random) => number[],
    rest: (
      make: Maker,
      shape: number[],
    ) => { out: number[]; inputs?: string[]; options?: Record<string, unknown>; version?: number },
  ): Recipe =>
  (make) => {
    const from = shape(make.random);
    const x = make.input(from, -2, 2);
    const { out, inputs = [], options, version = 1 } = rest(make, from);
    make.emit(kind, [x, ...inputs], [make.outputLike(x, out)], options, { version });
  };
const anyShape = (random: Random) => [random.int(1, 3), random.int(2, 7), random.int(2, 7), random.int(1, 9)];
const image = (random: Random) => [1, 2 * random.int(1, 4), 2 * random.int(1, 4), 4 * random.int(1, 4)];

const amounts = (make: Maker, shape: number[]) =>
  shape.flatMap((d) => [make.random.int(0, Math.min(2, d - 1)), make.random.int(0, Math.min(2, d - 1))]);
const padded = (shape: number[], by: number[]) => shape.map((d, i) => d + by[2 * i]! + by[2 * i + 1]!);

const movers: Record<string, Recipe> = {
  RESHAPE: moved(
    'RESHAPE',
    anyShape,
    (make, shape) => ({
      out: [elements(shape)],
      inputs: [make.integers([elements(shape)])],
      options: { newShape: [elements(shape)] },
    }),
  ),
  SQUEEZE: moved('SQUEEZE', () => [1, 3, 1, 5], () => ({ out: [3, 5], options: { squeezeDims: [0, 2] } })),
  EXPAND_DIMS: moved('EXPAND_DIMS', () => [3, 5], (make) => ({ out: [3, 1, 5], inputs: [make.integers([1])] })),
  TRANSPOSE: moved('TRANSPOSE', anyShape, (make, shape) => {
    const perm = make.random.pick([[0, 2, 1, 3], [3, 2, 1, 0], [0, 3, 1, 2], [1, 0, 3, 2]]);
    return { out: perm.map((axis) => shape[axis]!), inputs: [make.integers(perm)] };
  }),
  REVERSE_V2: moved('REVERSE_V2', anyShape, (make, shape) => {
    return { out: shape, inputs: [make.integers([make.random.int(0, 3)])], version: 3 };
  }),
  PAD: moved('PAD', anyShape, (make, shape) => {
    const by = amounts(make, shape);
    return { out: padded(shape, by), inputs: [make.integers(by, [4, 2])] };
  }),
  MIRROR_PAD: moved('MIRROR_PAD', anyShape, (make, shape) => {
    const by = amounts(make, shape);
    return { out: padded(shape, by), inputs: [make.integers(by, [4, 2])], options: { mode: make.random.int(0, 1) } };
  }),
  DEPTH_TO_SPACE: moved(
    'DEPTH_TO_SPACE',
    image,
    (_, [, h = 0, w = 0, c = 0]) => ({ out: [1, 2 * h, 2 * w, c / 4], options: { blockSize: 2 } }),
  ),
  SPACE_TO_DEPTH: moved(
    'SPACE_TO_DEPTH',
    image,
    (_, [, h = 0, w = 0, c = 0]) => ({ out: [1, h / 2, w / 2, 4 * c], options: { blockSize: 2 } }),
  ),
  SPACE_TO_BATCH_ND: moved('SPACE_TO_BATCH_ND', image, (make, [n = 1, h = 0, w = 0, c = 0]) => {
    const by = [make.random.int(0, 2), 0, make.random.int(0, 2), 0];
    by[1] = (h + by[0]!) % 2;
    by[3] = 3 - (w + by[2]!) % 3;
    return {
      out: [6 * n, (h + by[0]! + by[1]) / 2, (w + by[2]! + by[3]) / 3, c],
      inputs: [make.integers([2, 3]), make.integers(by, [2, 2])],
    };
  }),
  BATCH_TO_SPACE_ND: moved('BATCH_TO_SPACE_ND', () => [6, 3, 2, 5], (make) => {
    const by = [make.random.int(0, 2), make.random.int(0, 2), make.random.int(0, 2), make.random.int(0, 2)];
    return {
      out: [1, 6 - by[0]! - by[1]!, 6 - by[2]! - by[3]!, 5],
      inputs: [make.integers([2, 3]), make.integers(by, [2, 2])],
    };
  }),
  BROADCAST_TO: moved(
    'BROADCAST_TO',
    () => [1, 3, 1, 5],
    (make) => ({ out: [2, 3, 4, 5], inputs: [make.integers([2, 3, 4, 5])], version: 2 }),
  ),
  TILE: moved('TILE', anyShape, (make, shape) => {
    const multiples = shape.map(() => make.random.int(1, 3));
    return { out: shape.map((d, i) => d * multiples[i]!), inputs: [make.integers(multiples)] };
  }),
  SLICE: moved('SLICE', anyShape, (make, shape) => {
    const begin = shape.map((d) => make.random.int(0, d - 1));
    const size = shape.map((d, i) => make.random.int(1, d - begin[i]!));
    return { out: size, inputs: [make.integers(begin), make.integers(size)] };
  }),
  STRIDED_SLICE: moved('STRIDED_SLICE', anyShape, (make, shape) => {
    const strides = shape.map(() => make.random.pick([1, 2, -1]));
    const out = shape.map((d, i) => Math.ceil(d / Math.abs(strides[i]!)));
    const zeros = shape.map(() => 0);
    return {
      out,
      inputs: [make.integers(zeros), make.integers(zeros), make.integers(strides)],
      options: { beginMask: 15, endMask: 15 },
    };
  }),
};

const padV2: Recipe = (make) => {
  const shape = anyShape(make.random);
  const by = amounts(make, shape);
  const x = make.input(shape, -2, 2);
  const fill = make.constant([1], -1, 1);
  if (!make.isFloat) make.find(fill).quantization = make.find(x).quantization!;
  make.emit('PADV2', [x, make.integers(by, [4, 2]), fill], [make.outputLike(x, padded(shape, by))]);
};

const split = (kind: 'SPLIT' | 'SPLIT_V' | 'UNPACK'): Recipe => (make) => {
  const x = make.input([2, 6, 4], -2, 2);
  if (kind === 'UNPACK') return make.emit(kind, [x], [0, 1].map(() => make.outputLike(x, [6, 4])), { num: 2, axis: 0 });
  const sizes = kind === 'SPLIT' ? [2, 2, 2] : [1, 3, 2];
  const parts = sizes.map((size) => make.outputLike(x, [2, size, 4]));
  const axis = make.integers([1], []);
  make.emit(kind, kind === 'SPLIT' ? [axis, x] : [x, make.integers(sizes), axis], parts, { numSplits: 3 });
};

const pack: Recipe = (make) => {
  const x = make.input([3, 4], -2, 2);
  const b = make.inputLike(x, [3, 4]);
  make.emit('PACK', [x, b], [make.outputLike(x, [3, 2, 4])], { valuesCount: 2, axis: 1 });
};

const quantize: Recipe = (make) => {
  const from = make.random.pick(['float32', 'int8', 'uint8'] as const);
  make.emit('QUANTIZE', [make.input([4, 256], -2, 2, from)], [make.output([4, 256], -2, 2)]);
};
const dequantize: Recipe = (make) =>
  make.emit('DEQUANTIZE', [make.input([4, 256], -2, 2)], [make.output([4, 256], -2, 2, 'float32')]);
const cast: Recipe = (make) =>
  make.emit('CAST', [make.input([4, 64], -9, 9)], [make.integerOutput([4, 64])], {
    inDataType: make.isFloat ? 'FLOAT32' : make.type.toUpperCase(),
    outDataType: 'INT32',
  });

const recipes: Record<string, Recipe> = {
  CONV_2D: convolution,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConvolution(false),
  Convolution2DTransposeBias: transposeConvolution(true),
  FULLY_CONNECTED: fullyConnected,
  BATCH_MATMUL: batchMatmul,
  AVERAGE_POOL_2D: pool('AVERAGE_POOL_2D'),
  MAX_POOL_2D: pool('MAX_POOL_2D'),
  L2_POOL_2D: pool('L2_POOL_2D'),
  ADD: binary('ADD', [-3, 3], true),
  SUB: binary('SUB', [-3, 3], true),
  MUL: binary('MUL', [-3, 3], true),
  DIV: binary('DIV', [-3, 3], true, [0.5, 2]),
  MINIMUM: extremum('MINIMUM'),
  MAXIMUM: extremum('MAXIMUM'),
  SQUARED_DIFFERENCE: binary('SQUARED_DIFFERENCE', [0, 10], false),
  RELU: unary('RELU', [-3, 3], [0, 3]),
  RELU6: unary('RELU6', [-3, 9], [0, 6]),
  RELU_N1_TO_1: unary('RELU_N1_TO_1', [-3, 3], [-1, 1]),
  RELU_0_TO_1: unary('RELU_0_TO_1', [-3, 3], [0, 1]),
  LEAKY_RELU: unary('LEAKY_RELU', [-4, 4], [-1, 4], (make) => ({ alpha: make.random.pick([0.01, 0.1, 0.2, 0.3]) })),
  PRELU: prelu,
  HARD_SWISH: unary('HARD_SWISH', [-6, 6], [-0.4, 6]),
  LOGISTIC: unaryFixed('LOGISTIC', [-8, 8], 1 / 256, { int8: -128, uint8: 0 }),
  TANH: unaryFixed('TANH', [-4, 4], 1 / 128, { int8: 0, uint8: 128 }),
  ELU: unary('ELU', [-4, 4], [-1, 4]),
  GELU: unary('GELU', [-4, 4], [-0.2, 4], (make) => ({ approximate: make.random.pick([true, false]) })),
  EXP: unary('EXP', [-3, 3], [0, 20]),
  LOG: unary('LOG', [0.01, 20], [-4, 3]),
  SQRT: unary('SQRT', [0, 20], [0, 4.5]),
  RSQRT: unary('RSQRT', [0.01, 8], [0, 3]),
  ABS: unary('ABS', [-3, 3], [0, 3]),
  NEG: unary('NEG', [-3, 3], [-3, 3]),
  SQUARE: unary('SQUARE', [-3, 3], [0, 9]),
  FLOOR: unaryAlike('FLOOR', [-9, 9]),
  CEIL: unaryAlike('CEIL', [-9, 9]),
  ROUND: unaryAlike('ROUND', [-9, 9]),
  SIGN: unary('SIGN', [-3, 3], [-1, 1]),
  SIN: unary('SIN', [-4, 4], [-1, 1]),
  COS: unary('COS', [-4, 4], [-1, 1]),
  SOFTMAX: softmax('SOFTMAX'),
  LOG_SOFTMAX: softmax('LOG_SOFTMAX'),
  L2_NORMALIZATION: (make) =>
    unaryFixed('L2_NORMALIZATION', [-2, 2], 1 / 128, { int8: 0, uint8: 128 }, { fusedActivationFunction: 'NONE' }, [
      make.random.int(1, 9),
      make.random.int(2, 60),
    ])(make),
  MEAN: reduce('MEAN', false),
  SUM: reduce('SUM', false),
  REDUCE_MAX: reduce('REDUCE_MAX', true),
  REDUCE_MIN: reduce('REDUCE_MIN', true),
  REDUCE_PROD: reduce('REDUCE_PROD', false),
  ARG_MAX: argument('ARG_MAX'),
  ARG_MIN: argument('ARG_MIN'),
  CONCATENATION: concatenation,
  RESIZE_BILINEAR: resize('RESIZE_BILINEAR'),
  RESIZE_NEAREST_NEIGHBOR: resize('RESIZE_NEAREST_NEIGHBOR'),
  ...movers,
  PADV2: padV2,
  SPLIT: split('SPLIT'),
  SPLIT_V: split('SPLIT_V'),
  UNPACK: split('UNPACK'),
  PACK: pack,
  QUANTIZE: quantize,
  DEQUANTIZE: dequantize,
  CAST: cast,
  ...detection,
  ...indexing,
  ...predicates,
  ...recurrent,
  ...reductions,
  ...networks,
  ...spectrum,
  ...volumes,
};

const hybridOperators = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'];
function typesOf(operator: string): readonly ElementType[] {
  const types = recurrentTypes[operator] ?? predicateTypes[operator] ?? detectionTypes[operator] ??
    spectrumTypes[operator] ?? volumeTypes[operator] ?? indexingTypes[operator] ?? reductionTypes[operator];
  if (types) return types;
  // TensorFlow Lite's kernel refuses integers
  if (operator === 'SIGN') return ['float32'];
  if (operator === 'QUANTIZE' || operator === 'DEQUANTIZE') return ['int8', 'uint8'];
  return ['float32', 'int8', 'uint8', ...(hybridOperators.includes(operator) ? ['hybrid' as const] : [])];
}

export const operators = Object.keys(recipes);
const hash = (text: string) => [...text].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 1e6, 0);

/** `variants` networks of every operator and element type, the same for the same seed. */
export function* oracleCases(
  { variants = 6, samples = 2, seed = 1, only = operators }: { variants?: number; samples?: number; seed?: number;
    only?: string[] } = {},
): Generator<OracleCase> {
  for (const operator of only) {
    for (const type of typesOf(operator)) {
      for (let i = 0; i < variants; i++) {
        const hasRoundScales = i % 3 === 2;
        const make = new Maker(type, new Random(seed * 7919 + i * 104729 + hash(operator + type)), hasRoundScales);
        recipes[operator]!(make);
        yield { ...make.finish(operator, samples), name: `${operator} ${type} #${i}` };
      }
    }
  }
}
