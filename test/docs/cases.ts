import { GraphBuilder, type Attributes, type BinaryKind, type DType, type Graph, type NodeOptions, type OperatorName,
  type Quantization, type ReduceKind, type Tensor, type UnaryKind, type WeightLayout } from '../../src/compiler/index';
import { Random } from '../helpers/random';
import { withSmallWeights } from '../helpers/smallWeights';

// Networks of one operator that exercise every record of docs/format/: see format.test.ts.

/** Shared with the inputs of the test, so that one seed determines everything. */
export const random = new Random(20261121);
const quantization = (scale: number, zeroPoint: number): Quantization => ({
  scale: [scale],
  zeroPoint: [zeroPoint],
  axis: 0,
});
const ties = quantization(0.5, -3);
const odd = quantization(Math.fround(0.0371), 5);
const wide = quantization(Math.fround(1.3), -17);

type NodeSpec<K extends OperatorName> = [op: K, attributes: Attributes[K], options?: NodeOptions];

/** A network of one operator on inputs of the given shapes; further operands are constants. */
function single<K extends OperatorName>(
  inputs: [shape: number[], dtype: DType, quantization?: Quantization][],
  constants: (b: GraphBuilder) => Tensor[],
  ...[op, attributes, options]: NodeSpec<K>
): Graph {
  const b = new GraphBuilder(op);
  const tensors = inputs.map(([shape, dtype, q], i) => b.input(`x${i}`, shape, dtype, q));
  return b.finish([b.node(op, [...tensors, ...constants(b)], attributes, { name: 'y', ...options })]);
}

const nothing = (): Tensor[] => [];
const perChannel = (channels: number, axis: number): Quantization => ({
  scale: Array.from({ length: channels }, () => Math.fround(random.between(0.001, 0.01))),
  zeroPoint: Array.from({ length: channels }, () => 0),
  axis,
});
const int8Weights =
  (shape: number[], axis: number, q = perChannel(shape[axis]!, axis)) => (b: GraphBuilder): Tensor[] => [
    b.constant(random.fill(new Int8Array(shape.reduce((x, y) => x * y))), shape, q, 'w'),
    b.constant(
      Int32Array.from({ length: shape[axis]! }, () => random.int(-3000, 3000)),
      [shape[axis]!],
      undefined,
      'bias',
    ),
  ];
/** Weights with small values, which entropy coding compresses. */
const narrow = (weights: (b: GraphBuilder) => Tensor[], bits = 5) => (b: GraphBuilder): Tensor[] => {
  const [w, ...others] = weights(b) as [Tensor, ...Tensor[]];
  (w.data as Int8Array).forEach((value, i, values) => {
    values[i] = value >> 8 - bits;
  });
  return [w, ...others];
};
const floatWeights =
  (shape: number[], axis: number) => (b: GraphBuilder): Tensor[] => [
    b.constant(random.fill(new Float32Array(shape.reduce((x, y) => x * y))), shape, undefined, 'w'),
    b.constant(random.fill(new Float32Array(shape[axis]!)), [shape[axis]!], undefined, 'bias'),
  ];
/** Weights that mostly equal their zero point. */
const prunedWeights = (shape: number[], zeroPoint: number, density = 0.2) => (b: GraphBuilder): Tensor[] => {
  const [w, bias] = int8Weights(shape, 0, quantization(0.01, zeroPoint))(b) as [Tensor, Tensor];
  w.data!.forEach((_, i, data) => {
    if (random.next() > density) data[i] = zeroPoint;
  });
  return [w, bias];
};
const hybridWeights =
  (shape: number[], axis: number) => (b: GraphBuilder): Tensor[] => [int8Weights(shape, axis)(b)[0]!,
    floatWeights([shape[axis]!], 0)(b)[1]!];

const conv = {
  stride: [2, 1] as [number, number],
  dilation: [1, 2] as [number, number],
  padding: [1, 2, 0, 1] as [number, number, number, number],
  groups: 2,
  activation: 'relu6' as const,
};
const depthwise = { stride: conv.stride, dilation: conv.dilation, padding: conv.padding, activation: conv.activation };
const pool = {
  kernel: [3, 2] as [number, number],
  stride: [2, 2] as [number, number],
  padding: [1, 0, 1, 1] as [number, number, number, number],
  activation: 'none' as const,
};
const transposed = {
  stride: [2, 3] as [number, number],
  dilation: [1, 1] as [number, number],
  groups: 1,
  padding: [1, 0, 0, 1] as [number, number, number, number],
  activation: 'none' as const,
};

const binaryKinds: BinaryKind[] = ['add', 'sub', 'mul', 'div', 'minimum', 'maximum', 'squaredDifference'];
const reduceKinds: ReduceKind[] = ['mean', 'sum', 'max', 'min', 'prod'];
const exactKinds: UnaryKind[] = ['relu', 'relu6', 'reluN1To1', 'relu0To1', 'leakyRelu', 'hardSwish', 'sqrt', 'rsqrt',
  'abs', 'neg', 'square', 'floor', 'ceil', 'round'];
const realKinds: UnaryKind[] = ['logistic', 'tanh', 'elu', 'gelu', 'geluTanh', 'exp', 'log', 'sin', 'cos', 'erf',
  'softplus', 'mish', 'softsign', 'selu', 'celu', 'sign', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh',
  'acosh', 'atanh', 'reciprocal', 'hardSigmoid', 'thresholdedRelu', 'swish'];

export interface Case {
  title: string;
  graph: Graph;
  /** Entropy-coded weights. */
  compact?: boolean;
  weightLayout?: WeightLayout;
  /**
   * Largest difference. Transcendental functions may differ in the last places, and i8 results that
   * round them by one quantization unit.
   */
  tolerance?: number;
}

export const cases: Case[] = [{
  title: 'conv2d i8',
  graph: single([[[2, 5, 6, 6], 'int8', odd]], int8Weights([10, 3, 3, 3], 0), 'conv2d', conv, {
    quantization: quantization(0.02, -128),
  }),
}, {
  title: 'conv2d i8, weights with a zero point',
  graph: single([[[1, 4, 4, 3], 'int8', odd]], int8Weights([9, 1, 1, 3], 0, quantization(0.01, 7)), 'conv2d', {
    ...conv,
    groups: 1,
    activation: 'none',
  }, { quantization: quantization(0.05, 3) }),
}, {
  title: 'conv2d i8 of a compact file',
  compact: true,
  graph: single(
    [[[1, 5, 6, 24], 'int8', odd]],
    narrow(int8Weights([40, 3, 3, 24], 0, quantization(0.01, 7))),
    'conv2d',
    { ...conv, groups: 1 },
    { quantization: quantization(0.02, -128) },
  ),
}, {
  title: 'hybrid conv2d of a compact file',
  compact: true,
  graph: single([[[1, 4, 5, 48], 'float32']], narrow(hybridWeights([48, 3, 3, 24], 0)), 'conv2d', {
    ...conv,
    activation: 'none',
    hybrid: 'symmetric',
  }),
}, {
  title: 'hybrid conv2d with weights of four bits',
  graph: single([[[1, 4, 5, 8], 'float32']], narrow(hybridWeights([12, 3, 3, 8], 0), 4), 'conv2d', {
    ...conv,
    groups: 1,
    hybrid: 'symmetric',
  }),
}, { title: 'conv2d f32', graph: single([[[2, 5, 6, 6], 'float32']], floatWeights([10, 3, 3, 3], 0), 'conv2d', conv) },
  {
    title: 'transposeConv2d i8',
    graph: single([[[1, 3, 4, 5], 'int8', odd]], int8Weights([7, 3, 2, 5], 0), 'transposeConv2d', transposed, {
      shape: [1, 6, 10, 7],
      quantization: quantization(0.03, 1),
    }),
  },
  ...(['pairs', 'blocks'] as const).flatMap((
    weightLayout,
  ): Case[] => [{
    title: `conv2d i8, pruned to ${weightLayout}`,
    weightLayout,
    graph: single([[[2, 5, 6, 6], 'int8', odd]], prunedWeights([10, 3, 2, 6], 7), 'conv2d', { ...conv, groups: 1 }, {
      quantization: quantization(0.05, -128),
    }),
  }, {
    title: `fullyConnected i8, pruned to ${weightLayout} far apart`,
    weightLayout,
    graph: single([[[3, 2100], 'int8', odd]], prunedWeights([9, 2100], 0, 0.002), 'fullyConnected', {
      activation: 'none',
    }, { quantization: quantization(0.05, 2) }),
  }]), {
  title: 'hybrid conv2d, symmetric',
  graph: single([[[2, 4, 5, 4], 'float32']], hybridWeights([10, 3, 3, 2], 0), 'conv2d', {
    ...conv,
    activation: 'none',
    hybrid: 'symmetric',
  }),
}, {
  title: 'hybrid conv2d, asymmetric',
  graph: single([[[2, 4, 5, 4], 'float32']], hybridWeights([10, 3, 3, 2], 0), 'conv2d', {
    ...conv,
    hybrid: 'asymmetric',
  }),
}, {
  title: 'hybrid fullyConnected',
  graph: single([[[3, 7], 'float32']], hybridWeights([5, 7], 0), 'fullyConnected', {
    activation: 'none',
    hybrid: 'asymmetric',
  }),
}, {
  title: 'depthwiseConv2d 3×3 i8',
  graph: single([[[2, 5, 6, 11], 'int8', odd]], int8Weights([1, 3, 3, 11], 3), 'depthwiseConv2d', depthwise, {
    quantization: quantization(0.02, -100),
  }),
}, {
  title: 'depthwiseConv2d 2×3 i8',
  graph: single([[[1, 5, 6, 9], 'int8', odd]], int8Weights([1, 2, 3, 9], 3), 'depthwiseConv2d', depthwise, {
    quantization: quantization(0.02, 0),
  }),
}, {
  title: 'depthwiseConv2d f32',
  graph: single([[[1, 5, 6, 11], 'float32']], floatWeights([1, 3, 3, 11], 3), 'depthwiseConv2d', depthwise),
},
  ...(['averagePool2d', 'maxPool2d'] as const).flatMap((
    op,
  ): Case[] => [{
    title: `${op} i8`,
    graph: single([[[2, 6, 7, 19], 'int8', odd]], nothing, op, pool, { quantization: odd }),
  }, {
    title: `${op} of a uint8 network`,
    graph: single([[[1, 6, 7, 5], 'uint8', quantization(0.5, 100)]], nothing, op, pool, {
      quantization: quantization(0.5, 100),
    }),
  }, { title: `${op} f32`, graph: single([[[1, 6, 7, 5], 'float32']], nothing, op, { ...pool, activation: 'relu' }) }]),
  ...reduceKinds.flatMap((
    kind,
  ): Case[] => [{
    title: `reduce ${kind} i8 over height and width`,
    graph: single([[[2, 3, 4, 5], 'int8', odd]], nothing, 'reduce', { kind, axes: [1, 2] }, {
      shape: [2, 5],
      quantization: ties,
    }),
  }, {
    title: `reduce ${kind} i8 over the last dimension`,
    graph: single([[[4, 9], 'int8', ties]], nothing, 'reduce', { kind, axes: [1] }, {
      shape: [4],
      quantization: quantization(1, 2),
    }),
  }, {
    title: `reduce ${kind} i8 with equal quantization`,
    graph: single([[[4, 9], 'int8', odd]], nothing, 'reduce', { kind, axes: [1] }, { shape: [4], quantization: odd }),
  }, {
    title: `reduce ${kind} f32 over rows`,
    graph: single([[[4, 11], 'float32']], nothing, 'reduce', { kind, axes: [1] }, { shape: [4] }),
  }, {
    title: `reduce ${kind} f32 over columns`,
    graph: single([[[11, 4], 'float32']], nothing, 'reduce', { kind, axes: [0] }, { shape: [4] }),
  }]),
  ...binaryKinds.flatMap((
    kind,
  ): Case[] => [{
    title: `binary ${kind} i8`,
    graph: single(
      [[[2, 3, 17], 'int8', odd], [[3, 1], 'int8', ties]],
      nothing,
      'binary',
      { kind, activation: 'relu' },
      { quantization: wide },
    ),
  }, {
    title: `binary ${kind} i8, ties`,
    graph: single([[[40], 'int8', ties], [[40], 'int8', ties]], nothing, 'binary', { kind, activation: 'none' }, {
      quantization: quantization(1, -1),
    }),
  }, {
    title: `binary ${kind} f32`,
    graph: single([[[2, 3, 17], 'float32'], [[2, 1, 17], 'float32']], nothing, 'binary', {
      kind,
      activation: 'reluN1To1',
    }),
  }]),
  ...(['add', 'sub', 'mul', 'minimum', 'maximum'] as const).map((kind): Case => ({
    title: `binary ${kind} i32`,
    graph: single([[[5], 'int32'], [[2, 5], 'int32']], nothing, 'binary', { kind, activation: 'none' }),
  })), {
  title: 'prelu i8',
  graph: single(
    [[[3, 10], 'int8', odd]],
    (b) => [b.constant(random.fill(new Int8Array(10)), [10], ties, 'alpha')],
    'prelu',
    {},
    { quantization: wide },
  ),
}, {
  title: 'prelu f32',
  graph: single(
    [[[3, 10], 'float32']],
    (b) => [b.constant(random.fill(new Float32Array(10)), [10], undefined, 'alpha')],
    'prelu',
    {},
  ),
},
  ...exactKinds.map((kind): Case => ({
    title: `unary ${kind} f32`,
    graph: single([[[23], 'float32']], nothing, 'unary', { kind, alpha: 0.3 }),
  })),
  ...realKinds.map((kind): Case => ({
    title: `unary ${kind} f32`,
    tolerance: 2e-6,
    graph: single([[[23], 'float32']], nothing, 'unary', { kind, alpha: 0.3, beta: 0.6 }),
  })), {
  title: 'unary logistic i8',
  graph: single([[[40], 'int8', odd]], nothing, 'unary', { kind: 'logistic' }, {
    quantization: quantization(1 / 256, -128),
  }),
}, {
  title: 'softmax i8',
  graph: single([[[3, 13], 'int8', odd]], nothing, 'softmax', { beta: 1 }, {
    quantization: quantization(1 / 256, -128),
  }),
}, { title: 'softmax f32', tolerance: 2e-6, graph: single([[[3, 13], 'float32']], nothing, 'softmax', { beta: 0.7 }) },
  {
    title: 'logSoftmax i8',
    tolerance: 1,
    graph: single([[[3, 13], 'int8', odd]], nothing, 'logSoftmax', {}, { quantization: quantization(1 / 16, 127) }),
  }, { title: 'logSoftmax f32', tolerance: 2e-6, graph: single([[[3, 13], 'float32']], nothing, 'logSoftmax', {}) }, {
  title: 'l2Normalize i8',
  graph: single([[[3, 13], 'int8', odd]], nothing, 'l2Normalize', { epsilon: 1e-6 }, {
    quantization: quantization(1 / 128, 0),
  }),
}, { title: 'l2Normalize f32', graph: single([[[3, 13], 'float32']], nothing, 'l2Normalize', { epsilon: 1e-6 }) }, {
  title: 'transpose i8',
  graph: single([[[2, 9, 11, 3], 'int8']], nothing, 'transpose', { perm: [2, 0, 3, 1] }),
}, {
  title: 'slice f32 backwards',
  graph: single([[[4, 7], 'float32']], nothing, 'slice', { begin: [3, 6], stride: [-1, -2] }, { shape: [4, 4] }),
}, {
  title: 'pad i8 (fill and copy)',
  graph: single(
    [[[2, 3], 'int8', odd]],
    nothing,
    'pad',
    { before: [1, 0], after: [2, 3], mode: 'constant', value: 0 },
    { quantization: odd },
  ),
}, {
  title: 'pad f32, mirrored',
  graph: single([[[4, 3], 'float32']], nothing, 'pad', { before: [3, 1], after: [2, 2], mode: 'reflect', value: 0 }),
},
  ...(['nearest', 'bilinear'] as const).flatMap((
    mode,
  ): Case[] => [{
    title: `resize2d ${mode} i8`,
    graph: single([[[1, 4, 5, 9], 'int8', odd]], nothing, 'resize2d', {
      mode,
      alignCorners: false,
      halfPixelCenters: true,
    }, { shape: [1, 7, 3, 9], quantization: odd }),
  }, {
    title: `resize2d ${mode} f32`,
    graph: single([[[2, 4, 5, 3], 'float32']], nothing, 'resize2d', {
      mode,
      alignCorners: true,
      halfPixelCenters: false,
    }, { shape: [2, 9, 8, 3] }),
  }]),
  ...(['max', 'min'] as const).flatMap((
    kind,
  ): Case[] => [{
    title: `argmax (${kind}) i8`,
    graph: single([[[2, 5, 3], 'int8', odd]], nothing, 'argmax', { axis: 1, kind }, { shape: [2, 3], dtype: 'int32' }),
  }, {
    title: `argmax (${kind}) f32`,
    graph: single([[[4, 6], 'float32']], nothing, 'argmax', { axis: 1, kind }, { shape: [4], dtype: 'int32' }),
  }]), {
  title: 'batchMatmul i8',
  graph: single([[[2, 5, 7], 'int8', odd], [[2, 9, 7], 'int8', ties]], nothing, 'batchMatmul', {
    transposeA: false,
    transposeB: true,
  }, { quantization: quantization(3, 4) }),
}, {
  title: 'batchMatmul f32',
  graph: single([[[2, 7, 5], 'float32'], [[1, 7, 9], 'float32']], nothing, 'batchMatmul', {
    transposeA: true,
    transposeB: false,
  }),
}, {
  title: 'quantize',
  graph: single([[[29], 'float32']], nothing, 'quantize', {}, { dtype: 'int8', quantization: ties }),
}, { title: 'dequantize', graph: single([[[29], 'int8', odd]], nothing, 'dequantize', {}, { dtype: 'float32' }) },
  ...([['float32', 'int32'], ['float32', 'uint8'], ['int8', 'float32'], ['int8', 'int32'], ['int32', 'float32'], [
    'int32',
    'int8',
  ], ['uint8', 'float32']] as const).map(([from, to]): Case => ({
    title: `cast ${from} to ${to}`,
    graph: single([[[29], from]], nothing, 'cast', {}, { dtype: to }),
  }))];

// layers with state; weights of similar size keep the gates away from saturation
const rows = (shape: number[], int8: boolean, scale = 0.01): (b: GraphBuilder) => Tensor => (b) => {
  const count = shape.reduce((x, y) => x * y);
  return int8
    ? b.constant(random.fill(new Int8Array(count)), shape, quantization(scale, 0), 'w')
    : b.constant(Float32Array.from({ length: count }, () => random.between(-0.5, 0.5)), shape, undefined, 'w');
};
const offsets =
  (count: number, int8: boolean) => (
    b: GraphBuilder,
  ): Tensor => (int8
    ? b.constant(Int32Array.from({ length: count }, () => random.int(-2000, 2000)), [count], undefined, 'bias')
    : b.constant(Float32Array.from({ length: count }, () => random.between(-1, 1)), [count], undefined, 'bias'));
const fine =
  (count: number, int8: boolean) => (
    b: GraphBuilder,
  ): Tensor => (int8
    ? {
      name: 'fine',
      shape: [count],
      dtype: 'int16',
      quantization: quantization(2 ** -15, 0),
      data: Int16Array.from({ length: count }, () => random.int(-32767, 32767)),
    }
    : b.constant(Float32Array.from({ length: count }, () => random.between(-1, 1)), [count], undefined, 'fine'));
const along = { timeMajor: false, reverse: false };
const unit = quantization(1 / 128, 0);
const operands = (...parts: (((b: GraphBuilder) => Tensor) | null)[]) => (b: GraphBuilder): Tensor[] =>
  parts.map((part) => part?.(b) ?? null) as Tensor[];
for (const type of ['i8', 'f32', 'hybrid'] as const) {
  const int8 = type === 'i8';
  const whole = type !== 'f32';
  const x: [number[], DType, Quantization?] = int8 ? [[2, 5, 6], 'int8', odd] : [[2, 5, 6], 'float32'];
  const tolerance = int8 ? 0 : 1e-5;
  const hybrid = type === 'hybrid' ? { hybrid: 'asymmetric' as const } : {};
  const out = (q: Quantization): NodeOptions => (int8 ? { quantization: q } : {});
  const lstm = {
    ...along,
    ...hybrid,
    activation: 'tanh' as const,
    cellClip: 0,
    projectionClip: 0,
    ...(int8 && { cellScale: 2 ** -12 }),
  };
  cases.push({
    title: `lstm ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([36, 6], whole), rows([36, 9], whole), offsets(36, int8)),
      'lstm',
      lstm,
      out(quantization(1 / 120, 4)),
    ),
  }, {
    title: `lstm ${type} with all parts`,
    tolerance,
    graph: single(
      [x],
      operands(
        rows([27, 6], whole),
        rows([27, 5], whole),
        offsets(27, int8),
        fine(18, int8),
        rows([5, 9], whole),
        offsets(5, int8),
        fine(27, int8),
      ),
      'lstm',
      {
        ...lstm,
        reverse: true,
        timeMajor: true,
        cellClip: 1.5,
        projectionClip: 0.8,
        ...(int8 &&
          { cellScale: 2 ** -9, hidden: { scale: 1 / 100, zeroPoint: 3 }, gateScales: [2 ** -10, 2 ** -11, 2 ** -10] }),
      },
      out(quantization(0.02, -3)),
    ),
  }, {
    title: `gru ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([27, 6], whole), rows([27, 9], whole), offsets(27, int8), offsets(27, int8)),
      'gru',
      { ...along, ...hybrid, resetAfter: true },
      out(unit),
    ),
  }, {
    title: `gru ${type}, reset first`,
    tolerance,
    graph: single(
      [x],
      operands(rows([27, 6], whole), rows([27, 9], whole), offsets(27, int8), offsets(27, int8)),
      'gru',
      { ...along, ...hybrid, resetAfter: false },
      out(unit),
    ),
  }, {
    title: `rnn ${type}`,
    tolerance,
    graph: single([x], operands(rows([9, 6], whole), rows([9, 9], whole, 0.003), offsets(9, int8)), 'rnn', {
      ...along,
      ...hybrid,
      activation: 'tanh',
    }, out(unit)),
  }, {
    title: `rnn ${type}, bounded`,
    tolerance,
    graph: single([x], operands(rows([9, 6], whole), rows([9, 9], whole, 0.003), offsets(9, int8)), 'rnn', {
      ...along,
      ...hybrid,
      activation: 'reluN1To1',
    }, out(ties)),
  }, {
    title: `svdf ${type}`,
    tolerance,
    graph: single(
      [x],
      operands(rows([10, 6], whole), (b) => ({ ...fine(70, int8)(b), shape: [10, 7] }), offsets(5, int8)),
      'svdf',
      { ...along, ...hybrid, rank: 2, activation: 'relu', ...(int8 && { stateScale: 2 ** -11 }) },
      out(odd),
    ),
  });
}
// hidden sizes that are not a multiple of 8, and distances in lists that do not fit into a byte
for (const type of ['i8', 'hybrid'] as const) {
  const int8 = type === 'i8';
  const x: [number[], DType, Quantization?] = int8 ? [[2, 3, 2100], 'int8', odd] : [[2, 3, 2100], 'float32'];
  const tolerance = int8 ? 0 : 1e-5;
  const out: NodeOptions = int8 ? { quantization: unit } : {};
  const few = (shape: number[], density: number) => (b: GraphBuilder): Tensor => {
    const w = rows(shape, true)(b);
    w.data!.forEach((_, i, data) => {
      if (random.next() > density) data[i] = 0;
    });
    return w;
  };
  for (const resetAfter of [true, false]) {
    cases.push({
      title: `gru ${type}, pruned to blocks, reset ${resetAfter ? 'after' : 'first'}`,
      weightLayout: 'blocks',
      tolerance,
      graph: single([x], operands(few([33, 2100], 0.002), few([33, 11], 0.2), offsets(33, int8), null), 'gru', {
        ...along,
        ...(!int8 && { hybrid: 'symmetric' }),
        resetAfter,
      }, out),
    });
  }
  cases.push({
    title: `rnn ${type}, dense recurrent weights`,
    weightLayout: 'blocks',
    tolerance,
    graph: single([x], operands(few([9, 2100], 0.002), few([9, 9], 0), null), 'rnn', {
      ...along,
      ...(!int8 && { hybrid: 'asymmetric' }),
      activation: 'tanh',
    }, out),
  });
}
cases.push({
  title: 'gather',
  graph: single([[[3, 2, 7, 5], 'float32'], [[3, 4], 'int32']], nothing, 'gather', { axis: 2, batchDims: 1 }),
});
for (const dtype of ['float32', 'int32', 'int8', 'uint8'] as const) {
  for (const kind of ['equal', 'notEqual', 'less', 'greaterEqual'] as const) {
    cases.push({
      title: `compare ${kind} ${dtype}`,
      graph: single([[[3, 1, 5], dtype], [[4, 1], dtype]], nothing, 'compare', { kind }, { dtype: 'bool' }),
    });
  }
  cases.push({
    title: `select ${dtype}`,
    graph: single([[[3, 1, 5], dtype], [[4, 5], dtype], [[3, 4, 1], 'bool']], nothing, 'select', {}, { dtype }),
  });
}
for (const kind of ['and', 'or', 'xor'] as const) {
  cases.push({
    title: `logic ${kind}`,
    graph: single([[[3, 1, 5], 'bool'], [[4, 1], 'bool']], nothing, 'logic', { kind }, { dtype: 'bool' }),
  });
}
for (const kind of ['floorDiv', 'floorMod', 'pow'] as const) {
  cases.push({
    title: `arithmetic ${kind} f32`,
    tolerance: 1e-6,
    graph: single([[[3, 1, 5], 'float32'], [[4, 1], 'float32']], nothing, 'arithmetic', { kind }),
  });
}
for (const kind of ['floorDiv', 'floorMod'] as const) {
  cases.push({
    title: `arithmetic ${kind} i32`,
    graph: single([[[3, 1, 5], 'int32'], [[4, 1], 'int32']], nothing, 'arithmetic', { kind }),
  });
}
// weights of four bits that stay packed
for (const { title, graph, weightLayout, ...rest } of [...cases]) {
  if (weightLayout || !/^(fullyConnected|lstm|gru|rnn|svdf) (i8|hybrid)/.test(title)) continue;
  cases.push({ ...rest, title: `${title}, four bits`, graph: withSmallWeights(graph), weightLayout: 'nibbles' });
}
