import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { allocate, coordinates, forWindow, valueOf, type Inputs, type Shape4 } from './support';

/** x [N][H][W][C]; the place row · W + column of the first maximum of each window. */
export function maxPoolIndices(node: Node<'maxPoolIndices'>, inputs: Inputs): TensorData[] {
  const [x, y] = [valueOf(node, inputs), output(node)];
  const [, height, width, channels] = input(node, 0).shape as Shape4;
  const out = allocate(y);
  for (let i = 0; i < out.length; i++) {
    const [n, oy, ox, c] = coordinates(i, y.shape) as Shape4;
    let largest: number | undefined;
    forWindow(node.attributes, height, width, oy, ox, (iy, ix) => {
      const value = x[((n * height + iy) * width + ix) * channels + c]!;
      if (largest !== undefined && !(value > largest)) return;
      largest = value;
      out[i] = iy * width + ix;
    });
  }
  return [out];
}
