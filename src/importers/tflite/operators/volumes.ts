import { dequantizeConstant, permuted, type Constant } from '../../shared/constants';
import { emitConvolution, emitTransposedConvolution } from '../../shared/convolutions';
import { autoPadded, type SpatialWindows } from '../../shared/windows';
import type { Mappings, TfliteOperator } from '../operator';
import { paddings } from '../schema';

type VolumeOperator = TfliteOperator<'CONV_3D' | 'CONV_3D_TRANSPOSE'>;

/** The windows of a convolution over volumes of these sizes. */
function windowsOf(operator: VolumeOperator, sizes: number[], kernel: number[]): SpatialWindows {
  const { options } = operator;
  const rule = paddings[options.padding];
  operator.check(rule !== undefined, `padding ${options.padding}`);
  const windows = {
    kernel,
    stride: [options.strideD, options.strideH, options.strideW],
    dilation: [options.dilationDFactor, options.dilationHFactor, options.dilationWFactor],
  };
  operator.check(
    [...kernel, ...windows.stride, ...windows.dilation].every((n) => n > 0),
    'a kernel, stride or dilation of 0',
  );
  return autoPadded(sizes, rule === 'SAME' ? 'SAME_UPPER' : 'VALID', windows);
}

/** The weights, with the output channels first. */
function weightsOf(operator: VolumeOperator, perm: number[]): Constant {
  const w = operator.constantInput(1, 'weights');
  operator.check(w.shape.length === 5, `weights of ${w.shape.length} dimensions`);
  return permuted(dequantizeConstant(w) as Constant, perm);
}

/** Convolutions over volumes [N, D, H, W, C], which TensorFlow Lite has in float32. */
export const volumes: Mappings = {
  CONV_3D(operator) {
    const x = operator.input(0, 5);
    const w = weightsOf(operator, [4, 0, 1, 2, 3]);
    emitConvolution(operator, {
      x,
      w,
      bias: operator.optionalInput(2),
      windows: windowsOf(operator, x.shape.slice(1, 4), w.shape.slice(1, 4)),
      groups: x.shape[4]! / w.shape[4]!,
      activation: operator.activation(operator.options.fusedActivationFunction),
    });
  },

  CONV_3D_TRANSPOSE(operator) {
    const w = weightsOf(operator, [3, 0, 1, 2, 4]);
    emitTransposedConvolution(operator, {
      x: operator.input(2, 5),
      w,
      bias: operator.optionalInput(3),
      windows: windowsOf(operator, operator.output.shape.slice(1, 4), w.shape.slice(1, 4)),
      groups: 1,
      activation: operator.activation(operator.options.fusedActivationFunction),
    });
  },
};
