import { elements, type Maker } from './maker';

/** Small networks, to test fusion, folding and memory planning across operators. */

interface Convolution {
  kernel?: number;
  stride?: number;
  fusedActivationFunction?: string;
  kind?: 'CONV_2D' | 'DEPTHWISE_CONV_2D';
}

/** A convolution with SAME padding on an activation of the network. */
function convolve(
  make: Maker,
  x: string,
  co: number,
  { kernel = 3, stride = 1, fusedActivationFunction = 'NONE', kind = 'CONV_2D' }: Convolution = {},
): string {
  const [n = 1, h = 1, w = 1, ci = 1] = make.find(x).shape;
  const isDepthwise = kind === 'DEPTHWISE_CONV_2D';
  const weights = isDepthwise
    ? make.weights([1, kernel, kernel, ci], make.type === 'int8' ? 3 : null)
    : make.weights([co, kernel, kernel, ci], make.type === 'int8' ? 0 : null);
  const high = Math.sqrt(kernel * kernel * (isDepthwise ? 1 : ci)) * 2;
  const out = make.activation(
    [n, Math.ceil(h / stride), Math.ceil(w / stride), isDepthwise ? ci : co],
    fusedActivationFunction === 'NONE' ? -high : 0,
    fusedActivationFunction === 'RELU6' ? 6 : high,
  );
  make.emit(kind, [x, weights, make.bias(isDepthwise ? ci : co, x, weights)], [out], {
    padding: 'SAME',
    strideH: stride,
    strideW: stride,
    fusedActivationFunction,
  });
  return out;
}

function apply(
  make: Maker,
  kind: string,
  inputs: string[],
  shape: number[],
  low: number,
  high: number,
  options?: Record<string, unknown>,
): string {
  const out = make.activation(shape, low, high);
  make.emit(kind, inputs, [out], options);
  return out;
}

/** Appends an operator whose output has the quantization of its input. */
function move(
  make: Maker,
  kind: string,
  x: string,
  rest: string[],
  shape: number[],
  options?: Record<string, unknown>,
): string {
  const out = make.like(x, shape);
  make.emit(kind, [x, ...rest], [out], options);
  return out;
}

/** Appends a classifier with a softmax, with the quantization that TFLite prescribes. */
function classify(make: Maker, x: string, classes: number): void {
  const features = elements(make.find(x).shape);
  const flat = move(make, 'RESHAPE', x, [make.integers([1, features])], [1, features], { newShape: [1, features] });
  const w = make.weights([classes, features], null);
  const logits = apply(make, 'FULLY_CONNECTED', [flat, w, make.bias(classes, flat, w)], [1, classes], -4, 4);
  const y = make.isFloat
    ? make.output([1, classes], 0, 1)
    : make.outputLike(logits, [1, classes], { scale: 1 / 256, zeroPoint: make.type === 'int8' ? -128 : 0 });
  make.emit('SOFTMAX', [logits], [y], { beta: 1 });
}

export const networks: Record<string, (make: Maker) => void> = {
  /** Blocks of MobileNet v2 and ResNet with a classifier. */
  'network residual': (make) => {
    const size = make.random.int(5, 12);
    const x = make.input([1, size, size, 3], -1, 1);
    const stem = convolve(make, x, 8, { stride: 2, fusedActivationFunction: 'RELU6' });
    const wide = convolve(make, stem, 16, { kernel: 1, fusedActivationFunction: 'RELU6' });
    const deep = convolve(make, wide, 16, { kind: 'DEPTHWISE_CONV_2D', fusedActivationFunction: 'RELU6' });
    const narrow = convolve(make, deep, 8, { kernel: 1 });
    const shape = make.find(stem).shape;
    const sum = apply(make, 'ADD', [stem, narrow], shape, -8, 12, {
      fusedActivationFunction: make.random.pick(['NONE', 'RELU']),
    });
    const [, h = 1, w = 1, c = 1] = shape;
    const pooled = move(make, 'AVERAGE_POOL_2D', sum, [], [1, 1, 1, c], {
      padding: 'VALID',
      strideH: h,
      strideW: w,
      filterHeight: h,
      filterWidth: w,
    });
    classify(make, pooled, 10);
  },

  /** Squeeze and excite, as in MobileNet v3. */
  'network gate': (make) => {
    const [size, c] = [make.random.int(3, 8), 8 * make.random.int(1, 2)];
    const x = make.input([1, size, size, c], -2, 2);
    const mean = apply(make, 'MEAN', [x, make.integers([1, 2])], [1, 1, 1, c], -0.5, 0.5, { keepDims: true });
    const squeezed = convolve(make, mean, 4, { kernel: 1, fusedActivationFunction: 'RELU' });
    const excited = convolve(make, squeezed, c, { kernel: 1 });
    const gate = make.isFloat
      ? make.activation([1, 1, 1, c], 0, 1)
      : make.like(excited, [1, 1, 1, c], { scale: 1 / 256, zeroPoint: make.type === 'int8' ? -128 : 0 });
    make.emit('LOGISTIC', [excited], [gate]);
    const scaled = apply(make, 'MUL', [x, gate], [1, size, size, c], -2, 2);
    make.emit('HARD_SWISH', [scaled], [make.output([1, size, size, c], -0.4, 2)]);
  },

  /** An encoder and decoder with a skip connection, with explicit padding. */
  'network skip': (make) => {
    const size = 2 * make.random.int(2, 5);
    const x = make.input([1, size, size, 4], -2, 2);
    const padded = move(make, 'PAD', x, [make.integers([0, 0, 1, 1, 1, 1, 0, 0], [4, 2])], [1, size + 2, size + 2, 4]);
    const encoded = convolve(make, padded, 8, { fusedActivationFunction: 'RELU' });
    const half = (size + 2) / 2;
    const pooled = move(make, 'MAX_POOL_2D', encoded, [], [1, half, half, 8], {
      padding: 'VALID',
      strideH: 2,
      strideW: 2,
      filterHeight: 2,
      filterWidth: 2,
    });
    const resized = move(
      make,
      make.random.pick(['RESIZE_BILINEAR', 'RESIZE_NEAREST_NEIGHBOR']),
      pooled,
      [make.integers([size + 2, size + 2])],
      [1, size + 2, size + 2, 8],
      { halfPixelCenters: true },
    );
    const joined = move(make, 'CONCATENATION', encoded, [resized], [1, size + 2, size + 2, 16], { axis: 3 });
    const y = convolve(make, joined, 3, { kernel: 1 });
    make.outputs.push(y, joined);
  },

  /** Self-attention over a short sequence. */
  'network attention': (make) => {
    const [t, d] = [make.random.int(3, 9), 8];
    const x = make.input([1, t, d], -1, 1);
    const keys = make.input([1, t, d], -1, 1);
    const logits = apply(make, 'BATCH_MATMUL', [x, keys], [1, t, t], -4, 4, { adjY: true });
    const weights = make.isFloat
      ? make.activation([1, t, t], 0, 1)
      : make.like(logits, [1, t, t], { scale: 1 / 256, zeroPoint: make.type === 'int8' ? -128 : 0 });
    make.emit('SOFTMAX', [logits], [weights], { beta: 1 });
    const mixed = apply(make, 'BATCH_MATMUL', [weights, keys], [1, t, d], -1, 1, {});
    make.emit('ADD', [mixed, x], [make.output([1, t, d], -2, 2)]);
  },

  /** Chains of lookup tables, with a split and a concat. */
  'network branches': (make) => {
    const x = make.input([1, 4, 4, 64], -4, 4);
    const parts = [0, 1].map(() => make.like(x, [1, 4, 4, 32]));
    make.emit('SPLIT', [make.integers([3], []), x], parts, { numSplits: 2 });
    const shape = [1, 4, 4, 32];
    const fixed = make.isFloat
      ? make.activation(shape, -1, 1)
      : make.like(x, shape, { scale: 1 / 128, zeroPoint: make.type === 'int8' ? 0 : 128 });
    make.emit('TANH', [parts[0]!], [fixed]);
    const swish = apply(make, 'HARD_SWISH', [parts[1]!], shape, -0.4, 4);
    const leaky = apply(make, 'LEAKY_RELU', [swish], shape, -0.2, 4, { alpha: 0.2 });
    const product = apply(make, 'MUL', [fixed, leaky], shape, -2, 2);
    const turned = move(make, 'TRANSPOSE', product, [make.integers([0, 3, 1, 2])], [1, 32, 4, 4]);
    make.emit('SUB', [turned, turned], [make.output([1, 32, 4, 4], -1, 1)], { fusedActivationFunction: 'NONE' });
    make.outputs.push(turned);
  },
};
