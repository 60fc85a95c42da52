import { unsupportedNames } from './unsupported';

// All other names of TensorFlow.js.

export const { abs, acos, acosh, addN, all, any, asin, asinh, atan, atan2, atanh, avgPool, avgPool3d, backend,
  backend_util, basicLSTMCell, batchNorm, batchNorm2d, batchNorm3d, batchNorm4d, batchToSpaceND, bincount, bitwiseAnd,
  booleanMaskAsync, broadcastArgs, broadcastTo, broadcast_util, buffer, callbacks, ceil, clipByValue, complex, concat1d,
  concat2d, concat3d, concat4d, constraints, conv1d, conv2d, conv2dTranspose, conv3d, conv3dTranspose,
  copyRegisteredKernels, cos, cosh, cosineWindow, cumprod, cumsum, customGrad, data, denseBincount, deprecationWarn,
  depthToSpace, depthwiseConv2d, deregisterOp, device_util, diag, dilation2d, disposeVariables, divNoNan, dot, dropout,
  einsum, elu, enableDebugMode, enclosingPowerOfTwo, ensureShape, equal, erf, euclideanNorm, exp, expm1, eye, fft,
  findBackend, findBackendFactory, floor, floorDiv, fused, gather, gatherND, gather_util, getGradient, getKernel,
  getKernelsForBackend, grad, grads, greater, greaterEqual, ifft, imag, inTopKAsync, initializers, input, io, irfft,
  isFinite, isInf, isNaN, kernel_impls, layers, leakyRelu, less, lessEqual, linalg, linspace, loadGraphModelSync,
  localResponseNormalization, log, log1p, logSigmoid, logSoftmax, logSumExp, logicalAnd, logicalNot, logicalOr,
  logicalXor, losses, lowerBound, matMul, math, maxPool, maxPool3d, maxPoolWithArgmax, maximum, meshgrid, metrics,
  minimum, mirrorPad, mod, model, models, moments, movingAverage, multiRNNCell, multinomial, neg, norm, notEqual,
  oneHot, onesLike, op, outerProduct, pad, pad1d, pad2d, pad3d, pad4d, pool, pow, prelu, prod, profile, raggedGather,
  raggedRange, raggedTensorToTensor, rand, randomGamma, randomNormal, randomStandardNormal, randomUniform,
  randomUniformInt, range, real, reciprocal, registerBackend, registerCallbackConstructor, registerGradient,
  registerKernel, registerOp, regularizers, relu, relu6, removeBackend, reverse1d, reverse2d, reverse3d, reverse4d,
  rfft, round, rsqrt, scatterND, scatter_util, searchSorted, selu, separableConv2d, sequential, serialization,
  setPlatform, setdiff1dAsync, sign, signal, sin, sinh, slice1d, slice2d, slice3d, slice4d, slice_util, softplus,
  spaceToBatchND, sparse, sparseToDense, spectral, split, sqrt, square, squaredDifference, step, stridedSlice, string,
  sumOutType, tan, tanh, tensor6d, tensorScatterUpdate, tensor_util, test_util, tile, time, train, truncatedNormal,
  unique, unregisterGradient, unregisterKernel, unsortedSegmentSum, unstack, upcastType, upperBound, util, valueAndGrad,
  valueAndGrads, variable, variableGrads, version, version_converter, version_core, version_layers, where, whereAsync,
  zerosLike } = unsupportedNames;
