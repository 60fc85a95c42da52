import { resizeBilinear, resizeNearestNeighbor } from './image';
import * as operations from './operations';
import { Tensor, type Operations } from './tensor';
import { unsupportedTf } from './unsupported';

// The operations as methods of tensors.

type Method = (this: Tensor, ...values: never[]) => unknown;

/** An operation whose first argument is the tensor. */
const method = (operation: (x: Tensor, ...rest: never[]) => unknown): Method =>
  function(...rest) {
    return operation(this, ...rest);
  };
const { add, sub, mul, div, cast, reshape, expandDims, squeeze, slice, concat, stack, transpose, reverse, argMax,
  argMin, max, min, sum, mean, softmax, sigmoid, topk, flatten } = operations;

const methods: Record<keyof Operations, Method> = {
  ...Object
    .fromEntries(Object.entries({
      add,
      sub,
      mul,
      div,
      cast,
      reshape,
      expandDims,
      squeeze,
      slice,
      transpose,
      reverse,
      argMax,
      argMin,
      max,
      min,
      sum,
      mean,
      softmax,
      sigmoid,
      topk,
      flatten,
      resizeBilinear,
      resizeNearestNeighbor,
    }).map(([name, operation]) => [name, method(operation as never)])) as Record<keyof Operations, Method>,
  asType: method(cast),
  toFloat: method((x) => cast(x, 'float32')),
  toInt: method((x) => cast(x, 'int32')),
  toBool: method((x) => cast(x, 'bool')),
  as1D: method(flatten),
  as2D: method((x, ...sizes: number[]) => reshape(x, sizes)),
  as3D: method((x, ...sizes: number[]) => reshape(x, sizes)),
  as4D: method((x, ...sizes: number[]) => reshape(x, sizes)),
  asScalar: method((x) => reshape(x, [])),
  concat: method((x, others: Tensor | Tensor[], axis?: number) => concat([x, ...[others].flat()], axis)),
  stack: method((x, others: Tensor | Tensor[], axis?: number) => stack([x, ...[others].flat()], axis)),
};

/** Methods of TensorFlow.js that are not supported. */
const others = ['abs', 'acos', 'acosh', 'all', 'any', 'as5D', 'asin', 'asinh', 'atan', 'atan2', 'atanh', 'avgPool',
  'batchNorm', 'batchToSpaceND', 'broadcastTo', 'buffer', 'bufferSync', 'bytes', 'ceil', 'clipByValue', 'conv1d',
  'conv2d', 'conv2dTranspose', 'cos', 'cosh', 'cumprod', 'cumsum', 'dataToGPU', 'depthToSpace', 'depthwiseConv2d',
  'dilation2d', 'divNoNan', 'dot', 'elu', 'equal', 'erf', 'euclideanNorm', 'exp', 'expm1', 'fft', 'floor', 'floorDiv',
  'gather', 'greater', 'greaterEqual', 'ifft', 'irfft', 'isFinite', 'isInf', 'isNaN', 'leakyRelu', 'less', 'lessEqual',
  'localResponseNormalization', 'log', 'log1p', 'logSigmoid', 'logSoftmax', 'logSumExp', 'logicalAnd', 'logicalNot',
  'logicalOr', 'logicalXor', 'matMul', 'maxPool', 'maximum', 'minimum', 'mirrorPad', 'mod', 'neg', 'norm', 'notEqual',
  'oneHot', 'onesLike', 'pad', 'pool', 'pow', 'prelu', 'prod', 'reciprocal', 'relu', 'relu6', 'reshapeAs', 'rfft',
  'round', 'rsqrt', 'selu', 'separableConv2d', 'sign', 'sin', 'sinh', 'softplus', 'spaceToBatchND', 'split', 'sqrt',
  'square', 'squaredDifference', 'step', 'stridedSlice', 'tan', 'tanh', 'tile', 'unique', 'unsortedSegmentSum',
  'unstack', 'variable', 'where', 'zerosLike'];

const inherited = [...Object.entries(methods),
  ...others.map((name) => [name, unsupportedTf(`tensor.${name}`)] as const)];
for (const [name, value] of inherited) Object.defineProperty(Tensor.prototype, name, { value, configurable: true });

export { Tensor };
