import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { multiplyAdd } from './multiplyAdd';
import { allocate, valueOf, type Inputs, type Shape4 } from './support';

/**
 * x [N][H][W][Ci], w [Co][KH][KW][Ci/groups], bias? [Co] → [N][OH][OW][Co], with
 * out[y·stride + ky·dilation − padTop] += x[y]·w[ky].
 *
 * Written as a gather, so that each output is accumulated in a fixed order: the bias, then the
 * input's rows, columns and channels; if several groups have one channel each, the columns, then
 * the rows. This visits the taps from the last to the first. Tap ky reads
 * input row (oy + padTop − ky·dilation) / stride if this is an integer.
 */
export function transposeConv2d(node: Node<'transposeConv2d'>, inputs: Inputs): TensorData[] {
  const { stride: [strideY, strideX], dilation: [dilationY, dilationX], padding: [top, left], groups, activation } =
    node.attributes;
  const [x, w, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [, height, width, channelsIn] = input(node, 0).shape as Shape4;
  const [, kernelY, kernelX, channelsOfGroup] = input(node, 1).shape as Shape4;
  const [batches, outHeight, outWidth, channelsOut] = output(node).shape as Shape4;
  const isDepthwise = groups > 1 && groups === channelsIn && groups === channelsOut;
  const taps: [ky: number, kx: number][] = [];
  for (let ky = kernelY - 1; ky >= 0; ky--) for (let kx = kernelX - 1; kx >= 0; kx--) taps.push([ky, kx]);
  if (isDepthwise) taps.sort((a, b) => b[1] - a[1]);
  const accumulator = multiplyAdd(node, inputs[2], activation);

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let co = 0; co < channelsOut; co++) {
          let acc = accumulator.start(co);
          const firstChannel = Math.floor(co / (channelsOut / groups)) * channelsOfGroup;
          for (const [ky, kx] of taps) {
            const [iy, ix] = [(oy + top - ky * dilationY) / strideY, (ox + left - kx * dilationX) / strideX];
            if (!Number.isInteger(iy) || !Number.isInteger(ix)) continue;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            const pixel = ((n * height + iy) * width + ix) * channelsIn + firstChannel;
            const tap = ((co * kernelY + ky) * kernelX + kx) * channelsOfGroup;
            for (let ci = 0; ci < channelsOfGroup; ci++) {
              acc = accumulator.add(acc, x[pixel + ci]!, w[tap + ci]!, co);
            }
          }
          out[((n * outHeight + oy) * outWidth + ox) * channelsOut + co] = accumulator.finish(acc, co);
        }
      }
    }
  }
  return [out];
}
