import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter, fround, isQuantized, quantizeReal, roundHalfEven, scaleOf } from './requantize';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/**
 * constant: surrounds x with the real number `value`, in the output's quantization (0 is its zero
 * point). reflect: mirrors x about its border elements (… 2 1 | 0 1 2 …). symmetric: mirrors x and
 * repeats the border elements (… 1 0 | 0 1 2 …).
 */
export function pad(node: Node<'pad'>, inputs: Inputs): TensorData[] {
  const { before, mode, value } = node.attributes;
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const shape = input(node, 0).shape;
  const convert = converter(input(node, 0), output(node));
  const around = isQuantized(output(node))
    ? quantizeReal(fround(fround(value) / scaleOf(output(node))), output(node), roundHalfEven)
    : value;

  for (let i = 0; i < out.length; i++) {
    const position = coordinates(i, output(node).shape).map((coordinate, d) => coordinate - before[d]!);
    const inside = position.every((coordinate, d) => coordinate >= 0 && coordinate < shape[d]!);
    if (mode === 'constant' && !inside) {
      out[i] = around;
      continue;
    }
    const source = position.map((coordinate, d) => mirror(coordinate, shape[d]!, mode === 'reflect'));
    out[i] = convert(x[offset(source, shape)]!);
  }
  return [out];
}

function mirror(coordinate: number, length: number, reflect: boolean): number {
  const border = reflect ? 0 : 1;
  if (coordinate < 0) return -coordinate - border;
  if (coordinate >= length) return 2 * length - 2 - coordinate + border;
  return coordinate;
}
