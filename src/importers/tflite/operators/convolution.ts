import type { Tensor } from '../../../graph/graph';
import type { HybridMode, Padding } from '../../../graph/operators';
import type { OperatorImport, Mappings } from '../operatorImport';
import { paddings } from '../schema';
import { dequantizeConstant } from '../tensors';

/**
 * Padding before and after one dimension, in pixels, for windows of `extent` pixels that map
 * `input` pixels to `output` pixels.
 */
function samePadding(input: number, output: number, extent: number, stride: number): [before: number, after: number] {
  const total = Math.max((output - 1) * stride + extent - input, 0);
  return [total >> 1, total - (total >> 1)];
}

type Windows = { kernel: number[]; stride: number[]; dilation?: number[] };

/**
 * SAME or VALID padding in pixels. The windows slide over the image `large`; `small` has one pixel
 * per window.
 */
function padding(operator: OperatorImport, code: number, large: number[], small: number[], windows: Windows): Padding {
  const { kernel, stride, dilation = [1, 1] } = windows;
  const name = paddings[code];
  operator.check(name !== undefined, `padding ${code}`);
  operator.check([...kernel, ...stride, ...dilation].every((n) => n > 0), 'a kernel, stride or dilation of 0');
  if (name === 'VALID') return [0, 0, 0, 0];
  const along = (i: 0 | 1) =>
    samePadding(large[i + 1]!, small[i + 1]!, (kernel[i]! - 1) * dilation[i]! + 1, stride[i]!);
  const [[top, bottom], [left, right]] = [along(0), along(1)];
  return [top, left, bottom, right];
}

/** Constant weights in their stored type. */
function weights(operator: OperatorImport): Tensor {
  const w = operator.constantInput(1, 'weights');
  operator.check(w.shape.length === 4, `weights of ${w.shape.length} dimensions`);
  return w;
}

/**
 * Weights of an operator without a hybrid form; dequantized if the activations are float.
 */
function realWeights(operator: OperatorImport, x: Tensor): Tensor {
  const w = weights(operator);
  return x.dtype === 'float32' ? dequantizeConstant(w) : w;
}

/**
 * Weights of a convolution. With int8 weights, float activations are quantized at run time, over
 * their whole range (asymmetric) if the weights have a scale per channel.
 */
function hybridWeights(operator: OperatorImport, x: Tensor): { w: Tensor; hybrid: { hybrid?: HybridMode } } {
  const w = weights(operator);
  if (x.dtype !== 'float32' || w.dtype !== 'int8' || !w.quantization) {
    return { w: realWeights(operator, x), hybrid: {} };
  }
  return { w, hybrid: { hybrid: w.quantization.scale.length > 1 ? 'asymmetric' : 'symmetric' } };
}

function transposeConvolution(
  operator: OperatorImport,
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  options: { padding: number; strideH: number; strideW: number },
  activation: number,
): void {
  const out = operator.output.shape;
  operator.check(out.length === 4, 'an output that is not an image');
  const stride: [number, number] = [options.strideH, options.strideW];
  const [, kh = 0, kw = 0] = w.shape;
  // the padding is that of the convolution whose gradient this is, from the output's size to the
  // input's
  const [top, left] = padding(operator, options.padding, out, x.shape, { kernel: [kh, kw], stride });
  const rest = (size: number, i: 0 | 1, kernel: number, before: number) =>
    Math.max((size - 1) * stride[i] + kernel - before - out[i + 1]!, 0);
  operator.emitActivated('transposeConv2d', [x, w, bias], activation, {
    stride,
    padding: [top, left, rest(x.shape[1]!, 0, kh, top), rest(x.shape[2]!, 1, kw, left)],
  });
}

export const convolution: Mappings = {
  CONV_2D(operator) {
    const { options } = operator;
    const x = operator.input(0, 4);
    const { w, hybrid } = hybridWeights(operator, x);
    const groups = x.shape[3]! / w.shape[3]!;
    operator.check(
      Number.isInteger(groups) && w.shape[0]! % groups === 0,
      `weights for ${w.shape[3]} of ${x.shape[3]} channels`,
    );
    const stride: [number, number] = [options.strideH, options.strideW];
    const dilation: [number, number] = [options.dilationHFactor, options.dilationWFactor];
    operator.emitActivated('conv2d', [x, w, operator.optionalInput(2)], options.fusedActivationFunction, {
      stride,
      dilation,
      groups,
      ...hybrid,
      padding: padding(operator, options.padding, x.shape, operator.output.shape, {
        kernel: w.shape.slice(1, 3),
        stride,
        dilation,
      }),
    });
  },

  DEPTHWISE_CONV_2D(operator) {
    const { options } = operator;
    const x = operator.input(0, 4);
    const { w, hybrid } = hybridWeights(operator, x);
    operator.check(
      w.shape[0] === 1 && w.shape[3]! % x.shape[3]! === 0,
      `weights [${w.shape.join(', ')}] for ${x.shape[3]} channels`,
    );
    const stride: [number, number] = [options.strideH, options.strideW];
    const dilation: [number, number] = [options.dilationHFactor, options.dilationWFactor];
    operator.emitActivated('depthwiseConv2d', [x, w, operator.optionalInput(2)], options.fusedActivationFunction, {
      stride,
      dilation,
      ...hybrid,
      padding: padding(operator, options.padding, x.shape, operator.output.shape, {
        kernel: w.shape.slice(1, 3),
        stride,
        dilation,
      }),
    });
  },

  TRANSPOSE_CONV(operator) {
    const x = operator.input(2, 4);
    transposeConvolution(
      operator,
      x,
      realWeights(operator, x),
      operator.optionalInput(3),
      operator.options,
      operator.options.fusedActivationFunction,
    );
  },

  AVERAGE_POOL_2D: (operator) => pool(operator, 'averagePool2d'),
  MAX_POOL_2D: (operator) => pool(operator, 'maxPool2d'),
};

function pool(operator: OperatorImport<'AVERAGE_POOL_2D' | 'MAX_POOL_2D'>, op: 'averagePool2d' | 'maxPool2d'): void {
  const { options } = operator;
  const x = operator.input(0, 4);
  const kernel: [number, number] = [options.filterHeight, options.filterWidth];
  const stride: [number, number] = [options.strideH, options.strideW];
  operator.emitActivated(op, [x], options.fusedActivationFunction, {
    kernel,
    stride,
    padding: padding(operator, options.padding, x.shape, operator.output.shape, { kernel, stride }),
  });
}

/**
 * MediaPipe's transposed convolution with bias. The inputs are x, weights and bias; the options are
 * three int32: padding, stride width and stride height.
 */
export function convolution2DTransposeBias(operator: OperatorImport<'CUSTOM'>): void {
  const bytes = operator.customOptions;
  operator.check(bytes.length >= 12, 'options that are not padding and strides');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options = {
    padding: view.getInt32(0, true) - 1,
    strideW: view.getInt32(4, true),
    strideH: view.getInt32(8, true),
  };
  const x = operator.input(0, 4);
  transposeConvolution(operator, x, realWeights(operator, x), operator.optionalInput(2), options, 0);
}
