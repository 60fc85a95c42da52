import type { Tensor } from '../../../graph/graph';
import type { HybridMode, Padding, Pair } from '../../../graph/operators';
import { dequantizeConstant } from '../../shared/constants';
import { transposedPadding, windowPadding, type Windows } from '../../shared/padding';
import type { Mappings, TfliteOperator } from '../operator';
import { paddings } from '../schema';

/** SAME or VALID padding in pixels, by its code in the file. */
function padding(operator: TfliteOperator, code: number, large: number[], small: number[], windows: Windows): Padding {
  const rule = paddings[code];
  operator.check(rule !== undefined, `padding ${code}`);
  return windowPadding(operator, rule!, large, small, windows);
}

/** Constant weights in their stored type. */
function weights(operator: TfliteOperator): Tensor {
  const w = operator.constantInput(1, 'weights');
  operator.check(w.shape.length === 4, `weights of ${w.shape.length} dimensions`);
  return w;
}

/**
 * Weights of an operator without a hybrid form; dequantized if the activations are float.
 */
function realWeights(operator: TfliteOperator, x: Tensor): Tensor {
  const w = weights(operator);
  return x.dtype === 'float32' ? dequantizeConstant(w) : w;
}

/**
 * Weights of a convolution. With int8 weights, float activations are quantized at run time, over
 * their whole range (asymmetric) if the weights have a scale per channel.
 */
function hybridWeights(operator: TfliteOperator, x: Tensor): { w: Tensor; hybrid: { hybrid?: HybridMode } } {
  const w = weights(operator);
  if (x.dtype !== 'float32' || w.dtype !== 'int8' || !w.quantization) {
    return { w: realWeights(operator, x), hybrid: {} };
  }
  return { w, hybrid: { hybrid: w.quantization.scale.length > 1 ? 'asymmetric' : 'symmetric' } };
}

function transposeConvolution(
  operator: TfliteOperator,
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  options: { padding: number; strideH: number; strideW: number },
  activation: number,
): void {
  const out = operator.output.shape;
  operator.check(out.length === 4, 'an output that is not an image');
  const stride: [number, number] = [options.strideH, options.strideW];
  const windows = { kernel: w.shape.slice(1, 3), stride };
  // the padding belongs to the convolution whose gradient this is, which maps the output's size to
  // the input's
  const start = padding(operator, options.padding, out, x.shape, windows);
  operator.emitActivated('transposeConv2d', [x, w, bias], operator.activation(activation), {
    stride,
    dilation: [1, 1],
    groups: 1,
    padding: transposedPadding(start, out, x.shape, windows),
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
    operator.emitActivated(
      'conv2d',
      [x, w, operator.optionalInput(2)],
      operator.activation(options.fusedActivationFunction),
      {
        stride,
        dilation,
        groups,
        ...hybrid,
        padding: padding(operator, options.padding, x.shape, operator.output.shape, {
          kernel: w.shape.slice(1, 3),
          stride,
          dilation,
        }),
      },
    );
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
    operator.emitActivated(
      'depthwiseConv2d',
      [x, w, operator.optionalInput(2)],
      operator.activation(options.fusedActivationFunction),
      {
        stride,
        dilation,
        ...hybrid,
        padding: padding(operator, options.padding, x.shape, operator.output.shape, {
          kernel: w.shape.slice(1, 3),
          stride,
          dilation,
        }),
      },
    );
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

  // the square root of the mean of the squares
  L2_POOL_2D(operator) {
    const x = operator.input(0, 4);
    const { output } = operator;
    operator.check(x.dtype === 'float32', `an input of ${x.dtype}`);
    const activation = operator.activation(operator.options.fusedActivationFunction);
    operator.check(activation !== 'tanh', 'fused TANH');
    const squares = operator.temporary(x, x.shape, 'squares');
    const means = operator.temporary(x, output.shape, 'means');
    operator.emit('unary', [x], { kind: 'square' }, [squares]);
    operator.emit('averagePool2d', [squares], { ...windowsOf(operator), activation: 'none' }, [means]);
    const y = activation === 'none' ? output : operator.temporary(x, output.shape, 'roots');
    operator.emit('unary', [means], { kind: 'sqrt' }, [y]);
    if (activation !== 'none' && activation !== 'tanh') operator.emit('unary', [y], { kind: activation });
  },
};

type Pool = TfliteOperator<'AVERAGE_POOL_2D' | 'MAX_POOL_2D' | 'L2_POOL_2D'>;

function pool(operator: Pool, op: 'averagePool2d' | 'maxPool2d'): void {
  operator.emitActivated(
    op,
    [operator.input(0, 4)],
    operator.activation(operator.options.fusedActivationFunction),
    windowsOf(operator),
  );
}

function windowsOf(operator: Pool): { kernel: Pair; stride: Pair; padding: Padding } {
  const { options } = operator;
  const x = operator.input(0, 4);
  const kernel: Pair = [options.filterHeight, options.filterWidth];
  const stride: Pair = [options.strideH, options.strideW];
  return {
    kernel,
    stride,
    padding: padding(operator, options.padding, x.shape, operator.output.shape, { kernel, stride }),
  };
}

/**
 * MediaPipe's transposed convolution with bias. The inputs are x, weights and bias; the options are
 * three int32: padding, stride width and stride height.
 */
export function convolution2DTransposeBias(operator: TfliteOperator<'CUSTOM'>): void {
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

/**
 * MediaPipe's pool with the places of its maxima, row · W + column as floats. The options are six
 * int32: padding, stride width and height, window width and height, and an activation.
 */
export function maxPoolingWithArgmax2D(operator: TfliteOperator<'CUSTOM'>): void {
  const bytes = operator.customOptions;
  operator.check(bytes.length >= 24, 'options that are not padding, strides, sizes and an activation');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [code, strideW, strideH, width, height, activation] = Array.from(
    { length: 6 },
    (_, i) => view.getInt32(4 * i, true),
  ) as [number, number, number, number, number, number];
  operator.check(activation === 0, `the activation ${activation}`);
  const x = operator.input(0, 4);
  const [values, places] = operator.outputs as [Tensor, Tensor];
  operator.check(x.dtype === 'float32' && places.dtype === 'float32', `${x.dtype} with places of ${places.dtype}`);
  const [kernel, stride]: [Pair, Pair] = [[height, width], [strideH, strideW]];
  const windows = { kernel, stride, padding: padding(operator, code - 1, x.shape, values.shape, { kernel, stride }) };
  const whole = operator.temporary({ name: '', shape: [], dtype: 'int32' }, places.shape, 'places');
  operator.emit('maxPool2d', [x], { ...windows, activation: 'none' }, [values]);
  operator.emit('maxPoolIndices', [x], windows, [whole]);
  operator.emit('cast', [whole], {}, [places]);
}
