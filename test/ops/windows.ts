import type { Padding, Pair } from '../../src/graph/operators';
import type { NumberType, Quantization } from './suite';
import type { WeightSpec } from './weighted';

// Shared by layers whose windows slide over an image.

/** What the specs of convolutions have in common. */
export interface ConvolutionSpec {
  type: NumberType;
  batch: number;
  height: number;
  width: number;
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  x: Quantization;
  weights: WeightSpec;
  seed: number;
}

/** One image of int8, weights with a scale for each channel, and ties in rounding. */
export const plainConvolution = {
  type: 'int8',
  batch: 1,
  stride: [1, 1],
  dilation: [1, 1],
  x: { scale: 0.5, zeroPoint: -3 },
  weights: { scale: 0.25, zeroPoint: 0, perChannel: true, bias: true, ties: true, outputZeroPoint: 5 },
  seed: 1,
} satisfies Partial<ConvolutionSpec>;

/** Height and width of the image, enlarged until a window fits, and of the output. */
export function slide(
  { height, width, kernel, stride, dilation = [1, 1] }: { height: number; width: number; kernel: Pair; stride: Pair;
    dilation?: Pair },
  [top, left, bottom, right]: Padding,
): { image: Pair; output: Pair } {
  const along = (size: number, padding: number, d: 0 | 1): [image: number, output: number] => {
    const reach = (kernel[d] - 1) * dilation[d] + 1;
    const image = Math.max(size, reach - padding);
    return [image, Math.floor((image + padding - reach) / stride[d]) + 1];
  };
  const [imageHeight, outputHeight] = along(height, top + bottom, 0);
  const [imageWidth, outputWidth] = along(width, left + right, 1);
  return { image: [imageHeight, imageWidth], output: [outputHeight, outputWidth] };
}
