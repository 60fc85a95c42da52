import { input, type Node, type TensorData } from '../../src/graph/graph';
import { converter } from './requantize';
import { allocate, aroundAxis, valueOf, type Inputs } from './support';

/** Consecutive pieces along `axis`; the shapes of the outputs give their lengths. */
export function split(node: Node<'split'>, inputs: Inputs): TensorData[] {
  const { axis } = node.attributes;
  const x = valueOf(node, inputs);
  const [outer, total, inner] = aroundAxis(input(node, 0).shape, axis);

  let start = 0;
  return node.outputs.map((piece) => {
    const out = allocate(piece);
    const length = piece.shape[axis]!;
    const convert = converter(input(node, 0), piece);
    for (let o = 0; o < outer; o++) {
      for (let j = 0; j < length; j++) {
        for (let i = 0; i < inner; i++) {
          out[(o * length + j) * inner + i] = convert(x[(o * total + start + j) * inner + i]!);
        }
      }
    }
    start += length;
    return out;
  });
}
