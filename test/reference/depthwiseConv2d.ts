import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { hybrid, isHybrid } from './hybrid';
import { multiplyAdd } from './multiplyAdd';
import { allocate, valueOf, type Inputs, type Shape4 } from './support';

/**
 * x [N][H][W][C], w [1][KH][KW][C·multiplier], bias? [C·multiplier]; output channel
 * c·multiplier + m reads input channel c.
 */
export function depthwiseConv2d(node: Node<'depthwiseConv2d'>, inputs: Inputs): TensorData[] {
  if (isHybrid(node)) return hybrid(node, inputs, depthwiseConv2d);
  const { stride: [strideY, strideX], dilation: [dilationY, dilationX], padding: [top, left], activation } =
    node.attributes;
  const [x, w, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [, height, width, channelsIn] = input(node, 0).shape as Shape4;
  const [, kernelY, kernelX] = input(node, 1).shape as Shape4;
  const [batches, outHeight, outWidth, channelsOut] = output(node).shape as Shape4;
  const multiplier = channelsOut / channelsIn;
  const accumulator = multiplyAdd(node, inputs[2], activation);

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let co = 0; co < channelsOut; co++) {
          const ci = Math.floor(co / multiplier);
          let acc = accumulator.start(co);
          // Column by column, because XNNPACK adds float taps in this order.
          for (let kx = 0; kx < kernelX; kx++) {
            for (let ky = 0; ky < kernelY; ky++) {
              const iy = oy * strideY + ky * dilationY - top;
              const ix = ox * strideX + kx * dilationX - left;
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
              const pixel = ((n * height + iy) * width + ix) * channelsIn;
              const tap = (ky * kernelX + kx) * channelsOut;
              acc = accumulator.add(acc, x[pixel + ci]!, w[tap + co]!, co);
            }
          }
          out[((n * outHeight + oy) * outWidth + ox) * channelsOut + co] = accumulator.finish(acc, co);
        }
      }
    }
  }
  return [out];
}
