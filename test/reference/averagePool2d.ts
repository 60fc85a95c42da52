import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter, fround } from './requantize';
import { activate, allocate, forWindow, valueOf, type Inputs, type Shape4 } from './support';

/**
 * x [N][H][W][C]; averages the pixels of the window that are inside the image.
 *
 * float32: adds in row order, rounding each addition, and divides by the count. Integers: divides
 * the sum of the stored values by the count and rounds halves away from zero. Rounding the stored
 * value, as TFLite does, makes the zero point irrelevant. If the output's quantization differs, the
 * result is then requantized.
 */
export function averagePool2d(node: Node<'averagePool2d'>, inputs: Inputs): TensorData[] {
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const [, height, width, channels] = input(node, 0).shape as Shape4;
  const [batches, outHeight, outWidth] = output(node).shape as Shape4;
  const convert = converter(input(node, 0), output(node));
  const clampToActivation = activate(node.attributes.activation, output(node));
  const isFloat = output(node).dtype === 'float32';

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          let count = 0;
          forWindow(node.attributes, height, width, oy, ox, (iy, ix) => {
            const next = sum + x[((n * height + iy) * width + ix) * channels + c]!;
            sum = isFloat ? fround(next) : next;
            count++;
          });
          const average = isFloat ? fround(sum / count) : divideHalfAwayFromZero(sum, count);
          out[((n * outHeight + oy) * outWidth + ox) * channels + c] = clampToActivation(convert(average));
        }
      }
    }
  }
  return [out];
}

/** In C: (sum > 0 ? sum + count / 2 : sum − count / 2) / count, with truncating divisions. */
function divideHalfAwayFromZero(sum: number, count: number): number {
  const half = Math.trunc(count / 2);
  return Math.trunc((sum > 0 ? sum + half : sum - half) / count);
}
