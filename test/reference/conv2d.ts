import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { hybrid, isHybrid } from './hybrid';
import { multiplyAdd } from './multiplyAdd';
import { allocate, valueOf, type Inputs, type Shape4 } from './support';

/** x [N][H][W][Ci], w [Co][KH][KW][Ci/groups], bias? [Co] → [N][OH][OW][Co] */
export function conv2d(node: Node<'conv2d'>, inputs: Inputs): TensorData[] {
  if (isHybrid(node)) return hybrid(node, inputs, conv2d);
  const { stride: [strideY, strideX], dilation: [dilationY, dilationX], padding: [top, left], groups, activation } =
    node.attributes;
  const [x, w, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [, height, width, channelsIn] = input(node, 0).shape as Shape4;
  const [, kernelY, kernelX, groupIn] = input(node, 1).shape as Shape4;
  const [batches, outHeight, outWidth, channelsOut] = output(node).shape as Shape4;
  const groupOut = channelsOut / groups;
  const accumulator = multiplyAdd(node, inputs[2], activation);

  for (let n = 0; n < batches; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let co = 0; co < channelsOut; co++) {
          const firstIn = Math.floor(co / groupOut) * groupIn;
          let acc = accumulator.start(co);
          for (let ky = 0; ky < kernelY; ky++) {
            for (let kx = 0; kx < kernelX; kx++) {
              const iy = oy * strideY + ky * dilationY - top;
              const ix = ox * strideX + kx * dilationX - left;
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
              const pixel = ((n * height + iy) * width + ix) * channelsIn + firstIn;
              const tap = ((co * kernelY + ky) * kernelX + kx) * groupIn;
              for (let ci = 0; ci < groupIn; ci++) acc = accumulator.add(acc, x[pixel + ci]!, w[tap + ci]!, co);
            }
          }
          out[((n * outHeight + oy) * outWidth + ox) * channelsOut + co] = accumulator.finish(acc, co);
        }
      }
    }
  }
  return [out];
}
