import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { allocate, aroundAxis, valueOf, type Inputs } from './support';

/** int32 indices along `axis`; stored values are compared, and the first of equal values wins. */
export function argmax(node: Node<'argmax'>, inputs: Inputs): TensorData[] {
  const { axis, kind } = node.attributes;
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const [outer, length, inner] = aroundAxis(input(node, 0).shape, axis);

  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (j: number) => x[(o * length + j) * inner + i]!;
      let best = 0;
      for (let j = 1; j < length; j++) {
        if (kind === 'max' ? at(j) > at(best) : at(j) < at(best)) best = j;
      }
      out[o * inner + i] = best;
    }
  }
  return [out];
}
