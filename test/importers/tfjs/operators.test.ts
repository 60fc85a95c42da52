import { describe, test } from 'vitest';
import { expectOracle } from './oracle';
import { attribute as a, type TfConstant, type TfGraph, type TfInput, type TfNode } from './writer';

// Each operator against TensorFlow.js itself, whose kernels for the CPU are plain loops.

const whole = (...data: number[]): TfConstant => ({ shape: [data.length], data, dtype: 'int32' });
const scalar = (value: number, dtype: 'int32' | 'float32' = 'int32'): TfConstant => ({
  shape: [],
  data: [value],
  dtype,
});
/** Real numbers between −1 and 1 that differ from each other. */
const real = (...shape: number[]): TfConstant => ({
  shape,
  data: Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => Math.fround(Math.sin(i * 1.7 + 0.3))),
});
const positive = (size: number): TfConstant => ({ shape: [size], data: real(size).data.map((v) => v * v + 0.5) });
const float = (...shape: number[]): TfInput => ({ shape });
const integer = (...shape: number[]): TfInput => ({ shape, dtype: 'DT_INT32' });
const bool = (...shape: number[]): TfInput => ({ shape, dtype: 'DT_BOOL' });

type Operands = Record<string, TfInput | TfConstant>;

/** A graph of one operator, whose operands are inputs and constants. */
function one(op: string, operands: Operands, attributes: TfNode['attributes'] = {}, outputs = 1): TfGraph {
  const isConstant = (operand: TfInput | TfConstant): operand is TfConstant => 'data' in operand;
  const all = Object.entries(operands);
  const T = all.some(([, operand]) => operand.dtype === 'DT_INT32') ? 'DT_INT32' : 'DT_FLOAT';
  return {
    inputs: Object.fromEntries(all.filter(([, operand]) => !isConstant(operand))),
    constants: Object.fromEntries(all.filter(([, operand]) => isConstant(operand))) as Record<string, TfConstant>,
    nodes: [{ name: 'node', op, inputs: Object.keys(operands), attributes: { T: a.type(T), ...attributes } }],
    outputs: Object.fromEntries(Array.from({ length: outputs }, (_, i) => [`out${i}`, `node:${i}`])),
  };
}

const layout = { data_format: a.text('NHWC'), dilations: a.ints(1, 1, 1, 1) };
const same = { padding: a.text('SAME'), ...layout };
const valid = { padding: a.text('VALID'), ...layout };
const strides = (h: number, w: number) => ({ strides: a.ints(1, h, w, 1) });
const dilations = (h: number, w: number) => ({ dilations: a.ints(1, h, w, 1) });
const kernel = (h: number, w: number) => ({ ksize: a.ints(1, h, w, 1) });
const keep = { keep_dims: a.bool(true) };
const fused = (...steps: string[]) => ({
  fused_ops: a.texts(...steps),
  num_args: a.int(steps.filter((step) => step === 'BiasAdd' || step === 'Prelu').length),
});

type Case = [title: string, graph: TfGraph, range?: readonly [number, number]];

const functions = 'Abs Ceil Cos Elu Exp Floor Neg Relu Relu6 Selu Sigmoid Sin Softplus Square Tan Tanh Sign Round Erf '
  + 'Expm1 Atan Sinh Cosh Asinh IsNan IsFinite IsInf';
const positiveFunctions = 'Log Log1p Sqrt Rsqrt Reciprocal';
const pairs = 'Add AddV2 Sub Mul Maximum Minimum SquaredDifference RealDiv DivNoNan FloorDiv FloorMod Mod';
const comparisons = 'Equal NotEqual Less LessEqual Greater GreaterEqual';

const elementwise: Case[] = [...functions.split(' ').map((op): Case => [op, one(op, { x: float(2, 3, 4) })]),
  ...positiveFunctions.split(' ').map((op): Case => [op, one(op, { x: float(2, 6) }), [0.1, 5]]),
  ...['Asin', 'Acos', 'Atanh'].map((op): Case => [op, one(op, { x: float(2, 6) }), [-0.9, 0.9]]), ['Acosh',
  one('Acosh', { x: float(2, 6) }), [1, 9]],
  ...pairs.split(' ').map((op): Case => [op, one(op, { x: float(2, 3, 4), y: float(3, 1) })]),
  ...['AddV2', 'Sub', 'Mul', 'Maximum', 'Minimum', 'FloorDiv', 'FloorMod', 'SquaredDifference', 'Div'].map((
    op,
  ): Case => [`${op} of integers`, one(op, { x: integer(3, 4), y: whole(1, -2, 3, 5) }), [-9, 9]]),
  ...comparisons.split(' ').flatMap((
    op,
  ): Case[] => [[op, one(op, { x: float(5, 4), y: real(4) })], [`${op} of integers`,
    one(op, { x: integer(5, 4), y: integer(4) })]]
  ), ['Pow', one('Pow', { x: float(3, 4), y: real(4) }), [0.2, 3]], ['Pow with an exponent of 2',
  one('Pow', { x: float(3, 4), y: scalar(2, 'float32') })], ['LogicalAnd',
  one('LogicalAnd', { x: bool(9), y: bool(9) })], ['LogicalOr', one('LogicalOr', { x: bool(9), y: bool(9) })], [
  'LogicalNot',
  one('LogicalNot', { x: bool(9) }),
], ['AddN', one('AddN', { x: float(2, 3), y: float(2, 3), z: real(2, 3) })], ['BiasAdd',
  one('BiasAdd', { x: float(1, 2, 2, 3), b: real(3) })], ['ClipByValue',
  one('ClipByValue', { x: float(20), low: scalar(-1, 'float32'), high: scalar(2, 'float32') })], [
  'ClipByValue from 0 to 6',
  one('ClipByValue', { x: float(20), low: scalar(0, 'float32'), high: scalar(6, 'float32') }),
  [-9, 9],
], ['LeakyRelu', one('LeakyRelu', { x: float(20) }, { alpha: a.float(0.3) })], ['Prelu',
  one('Prelu', { x: float(1, 2, 3, 4), slope: real(1, 1, 4) })], ['Prelu with a computed slope',
  one('Prelu', { x: float(2, 4), slope: float(2, 4) })], ['Select',
  one('Select', { c: bool(3, 2), x: float(3, 2), y: float(3, 2) })], ['SelectV2',
  one('SelectV2', { c: bool(3, 1), x: float(3, 2), y: real(2) })], ['Cast to integers',
  one('Cast', { x: float(20) }, { SrcT: a.type('DT_FLOAT'), DstT: a.type('DT_INT32') })], ['Cast to bool',
  one('Cast', { x: integer(20) }, { SrcT: a.type('DT_INT32'), DstT: a.type('DT_BOOL') }), [-1, 1]], ['Cast from bool',
  one('Cast', { x: bool(20) }, { SrcT: a.type('DT_BOOL'), DstT: a.type('DT_FLOAT') })]];

const layers: Case[] = [['Conv2D',
  one('Conv2D', { x: float(1, 7, 6, 3), w: real(3, 2, 3, 5) }, { ...same, ...strides(2, 1) })], ['Conv2D VALID',
  one('Conv2D', { x: float(2, 7, 6, 3), w: real(3, 3, 3, 4) }, { ...valid, ...strides(1, 2) })], [
  'Conv2D with dilation',
  one('Conv2D', { x: float(1, 9, 9, 2), w: real(3, 3, 2, 3) }, { ...same, ...strides(1, 1), ...dilations(2, 2) }),
], ['Conv2D with explicit padding',
  one('Conv2D', { x: float(1, 6, 6, 2), w: real(3, 3, 2, 3) }, {
    padding: a.text('EXPLICIT'),
    ...layout,
    explicit_paddings: a.ints(0, 0, 1, 2, 0, 1, 0, 0),
    ...strides(2, 2),
  })], ['DepthwiseConv2dNative',
  one('DepthwiseConv2dNative', { x: float(1, 6, 5, 3), w: real(3, 3, 3, 2) }, { ...same, ...strides(1, 1) })], [
  'DepthwiseConv2dNative with stride',
  one('DepthwiseConv2dNative', { x: float(1, 8, 8, 4), w: real(3, 3, 4, 1) }, { ...valid, ...strides(2, 2) }),
],
  ...['', 'Relu', 'Relu6', 'Elu', 'Sigmoid'].map((
    step,
  ): Case => [`_FusedConv2D with BiasAdd ${step}`,
    one('_FusedConv2D', { x: float(1, 5, 5, 2), w: real(3, 3, 2, 4), b: real(4) }, {
      ...same,
      ...strides(1, 1),
      ...fused(...['BiasAdd', step].filter(Boolean)),
    })]
  ), ['_FusedConv2D with LeakyRelu',
  one('_FusedConv2D', { x: float(1, 5, 5, 2), w: real(3, 3, 2, 4), b: real(4) }, {
    ...same,
    ...strides(1, 1),
    ...fused('BiasAdd', 'LeakyRelu'),
    leakyrelu_alpha: a.float(0.1),
  })], ['_FusedConv2D with Prelu',
  one('_FusedConv2D', { x: float(1, 5, 5, 2), w: real(3, 3, 2, 4), b: real(4), slope: real(1, 1, 4) }, {
    ...same,
    ...strides(1, 1),
    ...fused('BiasAdd', 'Prelu'),
  })], ['FusedDepthwiseConv2dNative',
  one('FusedDepthwiseConv2dNative', { x: float(1, 5, 5, 3), w: real(3, 3, 3, 1), b: real(3) }, {
    ...same,
    ...strides(1, 1),
    ...fused('BiasAdd', 'Relu6'),
  })], ['Conv2DBackpropInput',
  one('Conv2DBackpropInput', { sizes: whole(1, 8, 6, 3), w: real(3, 3, 3, 2), x: float(1, 4, 3, 2) }, {
    ...same,
    ...strides(2, 2),
  })], ['Conv2DBackpropInput VALID',
  one('Conv2DBackpropInput', { sizes: whole(1, 9, 8, 3), w: real(3, 2, 3, 2), x: float(1, 4, 4, 2) }, {
    ...valid,
    ...strides(2, 2),
  })], ['MaxPool', one('MaxPool', { x: float(1, 7, 6, 3) }, { ...same, ...kernel(3, 2), ...strides(2, 2) })], [
  'AvgPool',
  one('AvgPool', { x: float(1, 7, 6, 3) }, { ...same, ...kernel(3, 3), ...strides(2, 1) }),
], ['AvgPool VALID', one('AvgPool', { x: float(1, 7, 6, 3) }, { ...valid, ...kernel(2, 2), ...strides(2, 2) })], [
  'MatMul',
  one('MatMul', { x: float(3, 4), w: real(4, 5) }),
], ['MatMul transposed',
  one('MatMul', { x: float(4, 3), w: real(5, 4) }, { transpose_a: a.bool(true), transpose_b: a.bool(true) })], [
  'MatMul of two inputs',
  one('MatMul', { x: float(3, 4), y: float(5, 4) }, { transpose_b: a.bool(true) }),
], ['MatMul of a constant and an input', one('MatMul', { w: real(3, 4), x: float(4, 2) })],
  ...['', 'Relu', 'Elu', 'LeakyRelu'].map((
    step,
  ): Case => [`_FusedMatMul with BiasAdd ${step}`,
    one('_FusedMatMul', { x: float(2, 4), w: real(4, 3), b: real(3) }, {
      ...fused(...['BiasAdd', step].filter(Boolean)),
      leakyrelu_alpha: a.float(0.2),
    })]
  ), ['BatchMatMulV2', one('BatchMatMulV2', { x: float(2, 3, 4, 5), y: float(3, 5, 2) })], ['BatchMatMulV2 with adj_y',
  one('BatchMatMulV2', { x: float(2, 4, 5), y: float(2, 3, 5) }, { adj_y: a.bool(true) })], ['BatchMatMulV2 with adj_x',
  one('BatchMatMulV2', { x: float(2, 5, 4), y: real(2, 5, 3) }, { adj_x: a.bool(true) })], [
  'BatchMatMulV2 with weights',
  one('BatchMatMulV2', { x: float(2, 3, 4), w: real(4, 6) }),
], ['Einsum',
  one('Einsum', { x: float(2, 3, 4), y: real(5, 4) }, { equation: a.text('abf,fe->abe'.replace('fe', 'ef')) })], [
  'FusedBatchNormV3',
  one('FusedBatchNormV3', {
    x: float(1, 3, 3, 4),
    scale: real(4),
    offset: real(4),
    mean: real(4),
    variance: positive(4),
  }, { epsilon: a.float(0.01), is_training: a.bool(false) }),
], ['LRN',
  one('LRN', { x: float(1, 2, 2, 9) }, {
    depth_radius: a.int(2),
    bias: a.float(1.5),
    alpha: a.float(0.3),
    beta: a.float(0.75),
  })], ['Softmax', one('Softmax', { x: float(2, 3, 5) })], ['LogSoftmax', one('LogSoftmax', { x: float(2, 5) })]];

const reductions: Case[] = [
  ...['Mean', 'Sum', 'Max', 'Min', 'Prod'].flatMap((
    op,
  ): Case[] => [[op, one(op, { x: float(2, 3, 4), axes: whole(1, -1) })], [`${op} with kept dimensions`,
    one(op, { x: float(2, 3, 4), axes: whole(0) }, keep)], [`${op} along one axis`,
    one(op, { x: float(2, 3, 4), axes: scalar(-1) })]]
  ),
  ['Sum of integers', one('Sum', { x: integer(3, 4), axes: whole(1) })],
  ['EuclideanNorm', one('EuclideanNorm', { x: float(2, 3, 4), axes: whole(2) })],
  ['All', one('All', { x: bool(4, 2), axes: whole(1) })],
  ['Any', one('Any', { x: bool(4, 2), axes: whole(1) }, keep)],
  ['ArgMax', one('ArgMax', { x: float(3, 5), axis: scalar(-1) })],
  ['ArgMin', one('ArgMin', { x: float(3, 5), axis: scalar(0) })],
  ['ArgMax of integers', one('ArgMax', { x: integer(3, 5), axis: scalar(1) })],
  ['Cumsum', one('Cumsum', { x: float(3, 5), axis: scalar(1) })],
  ['Cumsum exclusive from the end',
    one('Cumsum', { x: float(3, 5), axis: scalar(0) }, { exclusive: a.bool(true), reverse: a.bool(true) })],
];

const masks = (begin: number, end: number, ellipsis: number, fresh: number, shrink: number) => ({
  begin_mask: a.int(begin),
  end_mask: a.int(end),
  ellipsis_mask: a.int(ellipsis),
  new_axis_mask: a.int(fresh),
  shrink_axis_mask: a.int(shrink),
});
const strided = (x: TfInput, begin: number[], end: number[], step: number[], mask: object): TfGraph =>
  one('StridedSlice', { x, begin: whole(...begin), end: whole(...end), step: whole(...step) }, mask as never);

const movements: Case[] = [['Reshape', one('Reshape', { x: float(2, 3, 4), sizes: whole(-1, 6) })], ['Squeeze',
  one('Squeeze', { x: float(1, 3, 1, 4) }, { squeeze_dims: a.ints(2) })], ['Squeeze of all',
  one('Squeeze', { x: float(1, 3, 1, 4) })], ['ExpandDims', one('ExpandDims', { x: float(3, 4), axis: scalar(-1) })], [
  'Transpose',
  one('Transpose', { x: float(2, 3, 4), perm: whole(2, 0, 1) }),
], ['ConcatV2', one('ConcatV2', { x: float(2, 3), y: real(2, 2), axis: scalar(-1) }, { N: a.int(2) })], ['Concat',
  one('Concat', { axis: scalar(0), x: float(2, 3), y: float(1, 3) }, { N: a.int(2) })], ['Split',
  one('Split', { axis: scalar(1), x: float(2, 6) }, { num_split: a.int(3) }, 3)], ['SplitV',
  one('SplitV', { x: float(2, 6), sizes: whole(1, 2, 3), axis: scalar(1) }, { num_split: a.int(3) }, 3)], ['Slice',
  one('Slice', { x: float(4, 5), begin: whole(1, 2), size: whole(2, -1) })], ['StridedSlice',
  strided(float(4, 5), [1, -2], [3, 9], [1, 1], masks(0, 0, 0, 0, 0))], ['StridedSlice backwards',
  strided(float(4, 5), [0, 0], [0, 0], [-1, 2], masks(3, 3, 0, 0, 0))], ['StridedSlice to an index',
  strided(float(4, 5), [2, 0], [3, 0], [1, 1], masks(2, 2, 0, 0, 1))], ['StridedSlice with a new axis',
  strided(float(4, 5), [0, 0, 1], [0, 0, 3], [1, 1, 1], masks(3, 3, 0, 2, 0))], ['StridedSlice with an ellipsis',
  strided(float(2, 3, 4), [0, 1], [0, 2], [1, 1], masks(0, 0, 1, 0, 2))], ['Pack',
  one('Pack', { x: float(2, 3), y: real(2, 3) }, { axis: a.int(1), N: a.int(2) })], ['Unpack',
  one('Unpack', { x: float(2, 3) }, { axis: a.int(-1), num: a.int(3) }, 3)], ['Pad',
  one('Pad', { x: float(2, 3), amounts: { shape: [2, 2], data: [0, 1, 2, 0], dtype: 'int32' } })], ['PadV2',
  one('PadV2', {
    x: float(2, 3),
    amounts: { shape: [2, 2], data: [0, 1, 2, 0], dtype: 'int32' },
    value: scalar(7, 'float32'),
  })],
  ...['REFLECT', 'SYMMETRIC'].map((
    mode,
  ): Case => [`MirrorPad ${mode}`,
    one('MirrorPad', { x: float(3, 4), amounts: { shape: [2, 2], data: [1, 2, 0, 3], dtype: 'int32' } }, {
      mode: a.text(mode),
    })]
  ), ['Gather', one('Gather', { x: float(5, 2), i: integer(4) }), [0, 1]], ['GatherV2',
  one('GatherV2', { x: float(2, 5, 3), i: whole(4, 0, 2), axis: scalar(1) }, { batch_dims: a.int(0) })], [
  'GatherV2 of one index',
  one('GatherV2', { x: float(2, 5), i: scalar(3), axis: scalar(1) }, { batch_dims: a.int(0) }),
], ['GatherV2 in batches',
  one('GatherV2', { x: float(2, 5), i: { shape: [2, 3], data: [0, 1, 4, 2, 2, 3], dtype: 'int32' }, axis: scalar(1) }, {
    batch_dims: a.int(1),
  })], ['GatherNd', one('GatherNd', { x: float(3, 4, 2), i: { shape: [2, 2], data: [0, 3, 2, 1], dtype: 'int32' } })], [
  'Tile',
  one('Tile', { x: float(2, 3), repeats: whole(2, 3) }),
], ['BroadcastTo', one('BroadcastTo', { x: float(3, 1), sizes: whole(2, 3, 4) })], ['OneHot',
  one('OneHot', { i: integer(2, 3), depth: scalar(5), on: scalar(2, 'float32'), off: scalar(-1, 'float32') }, {
    dtype: a.type('DT_FLOAT'),
    axis: a.int(-1),
  }), [0, 4]], ['ReverseV2', one('ReverseV2', { x: float(2, 3, 4), axes: whole(0, -1) })], ['DepthToSpace',
  one('DepthToSpace', { x: float(1, 2, 3, 8) }, { block_size: a.int(2), ...layout })], ['SpaceToBatchND',
  one('SpaceToBatchND', {
    x: float(1, 4, 5, 2),
    blocks: whole(2, 3),
    amounts: { shape: [2, 2], data: [1, 1, 0, 1], dtype: 'int32' },
  })], ['BatchToSpaceND',
  one('BatchToSpaceND', {
    x: float(4, 2, 3, 2),
    blocks: whole(2, 2),
    crops: { shape: [2, 2], data: [0, 1, 2, 0], dtype: 'int32' },
  })],
  ...[[false, false], [true, false], [false, true]].flatMap(([corners, half]): Case[] =>
    ['ResizeBilinear', 'ResizeNearestNeighbor'].flatMap((op): Case[] =>
      [[7, 9], [2, 3]].map((
        sizes,
      ): Case => [
        `${op} to ${sizes.join('×')}, ${corners ? 'corners' : 'edges'}, ${half ? 'half pixels' : 'whole pixels'}`,
        one(op, { x: float(1, 4, 5, 2), sizes: whole(...sizes) }, {
          align_corners: a.bool(corners!),
          half_pixel_centers: a.bool(half!),
        }),
      ])
    )
  ), ['ZerosLike', one('ZerosLike', { x: float(2, 2) })], ['OnesLike', one('OnesLike', { x: float(2, 2) })], [
  'Identity',
  one('Identity', { x: float(2, 2) }),
]];

const pixels = (...data: number[]): TfConstant => ({ shape: [data.length / 2, 2], data, dtype: 'int32' });

const scattered: Case[] = [['TopKV2', one('TopKV2', { x: float(3, 7), k: scalar(3) }, { sorted: a.bool(true) }, 2)], [
  'ScatterNd',
  one('ScatterNd', { i: pixels(0, 1, 2, 0), x: float(2, 3), sizes: whole(3, 2, 3) }),
], ['TensorScatterUpdate', one('TensorScatterUpdate', { x: float(3, 2), i: pixels(0, 1, 2, 0), y: real(2) })], [
  'SparseToDense',
  one('SparseToDense', { i: pixels(0, 1, 2, 0), sizes: whole(3, 2), x: float(2), rest: scalar(-1, 'float32') }),
]];

/** A graph of several nodes with one input `x`. */
function chain(x: TfInput, constants: Record<string, TfConstant>, ...nodes: TfNode[]): TfGraph {
  return { inputs: { x }, constants, nodes, outputs: { y: nodes.at(-1).name } };
}

const blocks = { blocks: whole(2, 2), around: pixels(2, 2, 2, 2), none: pixels(0, 0, 0, 0), crops: pixels(0, 0, 0, 0) };

const chains: Case[] = [['a dilated convolution in blocks',
  chain(
    float(1, 8, 8, 3),
    { ...blocks, w: real(3, 3, 3, 4) },
    { name: 'in', op: 'SpaceToBatchND', inputs: ['x', 'blocks', 'around'] },
    { name: 'conv', op: 'Conv2D', inputs: ['in', 'w'], attributes: { ...valid, ...strides(1, 1) } },
    { name: 'out', op: 'BatchToSpaceND', inputs: ['conv', 'blocks', 'crops'] },
  )], ['sizes that follow from a shape',
  chain(
    float(2, 3, 4),
    { zero: whole(0), one: whole(1), rest: scalar(-1), two: scalar(2, 'float32'), axis: scalar(0) },
    { name: 'shape', op: 'Shape', inputs: ['x'] },
    {
      name: 'first',
      op: 'StridedSlice',
      inputs: ['shape', 'zero', 'one', 'one'],
      attributes: { shrink_axis_mask: a.int(1) },
    },
    { name: 'sizes', op: 'Pack', inputs: ['first', 'rest'], attributes: { axis: a.int(0), N: a.int(2) } },
    { name: 'flat', op: 'Reshape', inputs: ['x', 'sizes'] },
    { name: 'flatShape', op: 'Shape', inputs: ['flat'] },
    { name: 'filled', op: 'Fill', inputs: ['flatShape', 'two'] },
    { name: 'sum', op: 'AddV2', inputs: ['flat', 'filled'] },
  )], ['the normalization of a picture',
  chain(
    float(1, 5, 6, 3),
    { axes: whole(1, 2), small: scalar(0.001, 'float32'), scale: real(3), shift: real(3) },
    { name: 'mean', op: 'Mean', inputs: ['x', 'axes'], attributes: keep },
    { name: 'square', op: 'SquaredDifference', inputs: ['x', 'mean'] },
    { name: 'variance', op: 'Mean', inputs: ['square', 'axes'], attributes: keep },
    { name: 'shifted', op: 'AddV2', inputs: ['variance', 'small'] },
    { name: 'factor', op: 'Rsqrt', inputs: ['shifted'] },
    { name: 'centered', op: 'Sub', inputs: ['x', 'mean'] },
    { name: 'scaled', op: 'Mul', inputs: ['centered', 'factor'] },
    { name: 'times', op: 'Mul', inputs: ['scaled', 'scale'] },
    { name: 'y0', op: 'AddV2', inputs: ['times', 'shift'] },
  )], ['a grid of places',
  chain(
    float(1, 4, 5, 2),
    { zero: scalar(0), one: scalar(1), five: scalar(5), column: whole(5, 1) },
    { name: 'range', op: 'Range', inputs: ['zero', 'five', 'one'] },
    { name: 'real', op: 'Cast', inputs: ['range'], attributes: { SrcT: a.type('DT_INT32'), DstT: a.type('DT_FLOAT') } },
    { name: 'spread', op: 'Reshape', inputs: ['real', 'column'] },
    { name: 'best', op: 'ArgMax', inputs: ['x', 'one'], attributes: { output_type: a.type('DT_INT32') } },
    { name: 'index', op: 'Cast', inputs: ['best'], attributes: { SrcT: a.type('DT_INT32'), DstT: a.type('DT_FLOAT') } },
    { name: 'spreadToo', op: 'Mul', inputs: ['index', 'index'] },
    { name: 'part', op: 'Unpack', inputs: ['spreadToo'], attributes: { axis: a.int(0), num: a.int(1) } },
    { name: 'sum', op: 'Maximum', inputs: ['part', 'spread'] },
  )]];

describe.each([['functions of each element', elementwise], ['layers', layers], ['reductions', reductions], ['movements',
  movements], ['scattered places', scattered], ['several nodes', chains]])('%s', (_, cases) => {
    test.each(cases)('%s', async (_title, graph, range) => {
      await expectOracle(graph, range);
    });
  });
