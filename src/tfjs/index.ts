// kinglet/tfjs: the part of TensorFlow.js's interface that programs use to feed a network and to
// read its outputs, on kinglet.
import { fromPixels, type PixelSource } from './creation';
import { resizeBilinear, resizeNearestNeighbor } from './image';
import type { Tensor3D } from './tensor';
import { namespace } from './unsupported';

export { KletError, type KletErrorCode } from '../errors';
export type { Compiler, CompilerSource } from '../switching/network';
export { fill, ones, scalar, tensor, tensor1d, tensor2d, tensor3d, tensor4d, tensor5d, zeros,
  type PixelSource } from './creation';
export { loadGraphModel, loadLayersModel, setCompiler, type LoadOptions } from './loading';
export { Tensor } from './methods';
export { GraphModel, LayersModel, type ModelPredictConfig, type ModelTensorInfo, type SymbolicTensor } from './model';
export { add, argMax, argMin, cast, clone, concat, div, expandDims, max, mean, min, mul, print, reshape, reverse,
  sigmoid, slice, softmax, squeeze, stack, sub, sum, topk, transpose } from './operations';
export { dispose, keep, memory, tidy } from './scopes';
export { disableDeprecationWarnings, enableProdMode, engine, env, getBackend, nextFrame, ready, setBackend,
  type Environment } from './settings';
export { Rank, type ArrayMap, type DataType, type DataTypeMap, type NamedTensorMap, type NumericDataType, type Scalar,
  type ShapeMap, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, type Tensor5D, type TensorContainer,
  type TensorContainerArray, type TensorContainerObject, type TensorLike, type TypedArray } from './tensor';
export * from './unsupportedNames';

/** Images to and from tensors; only `fromPixels` is supported. */
export const browser = namespace('tf.browser', {
  fromPixels,
  fromPixelsAsync: (pixels: PixelSource, numChannels?: number): Promise<Tensor3D> =>
    new Promise((resolve) => resolve(fromPixels(pixels, numChannels))),
});

/** Operations on images; only the resizing is supported. */
export const image = namespace('tf.image', { resizeBilinear, resizeNearestNeighbor });
