import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter } from './requantize';
import { activate, allocate, forWindow, valueOf, type Inputs, type Shape4 } from './support';

/** x [N][H][W][C]; the largest stored value among the window's pixels inside the image. */
export function maxPool2d(node: Node<'maxPool2d'>, inputs: Inputs): TensorData[] {
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const [, height, width, channels] = input(node, 0).shape as Shape4;
  const [batches, outHeight, outWidth] = output(node).shape as Shape4;
  const convert = converter(input(node, 0), output(node));
  const clampToActivation = activate(node.attributes.activation, output(node));

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let c = 0; c < channels; c++) {
          let largest = -Infinity;
          forWindow(node.attributes, height, width, oy, ox, (iy, ix) => {
            largest = Math.max(largest, x[((n * height + iy) * width + ix) * channels + c]!);
          });
          out[((n * outHeight + oy) * outWidth + ox) * channels + c] = clampToActivation(convert(largest));
        }
      }
    }
  }
  return [out];
}
