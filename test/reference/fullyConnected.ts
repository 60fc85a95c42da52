import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { hybrid, isHybrid } from './hybrid';
import { multiplyAdd } from './multiplyAdd';
import { allocate, rowsOf, valueOf, type Inputs } from './support';

/** x [M][K], w [N][K], bias? [N] → [M][N] */
export function fullyConnected(node: Node<'fullyConnected'>, inputs: Inputs): TensorData[] {
  if (isHybrid(node)) return hybrid(node, inputs, fullyConnected);
  const [x, w, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [channelsOut, depth] = input(node, 1).shape as [number, number];
  const [rows] = rowsOf(output(node).shape);
  const accumulator = multiplyAdd(node, inputs[2], node.attributes.activation);

  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < channelsOut; n++) {
      let acc = accumulator.start(n);
      for (let k = 0; k < depth; k++) acc = accumulator.add(acc, x[m * depth + k]!, w[n * depth + k]!, n);
      out[m * channelsOut + n] = accumulator.finish(acc, n);
    }
  }
  return [out];
}
