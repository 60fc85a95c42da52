import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { entryAt } from './entryAt';
import { realOf } from './requantize';
import { allocate, valueOf, type Inputs } from './support';

/** f32(scale × (q − zeroPoint)), per tensor or along an axis */
export function dequantize(node: Node<'dequantize'>, inputs: Inputs): TensorData[] {
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  for (let i = 0; i < out.length; i++) out[i] = realOf(x[i]!, entryAt(input(node, 0), i));
  return [out];
}
