import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import type { PadMode } from '../../src/graph/operators';
import { clamp, converter, fround, isQuantized, quantizeReal, roundHalfEven, scaleOf } from './requantize';
import { allocate, coordinates, offset, valueOf, type Inputs } from './support';

/**
 * constant: surrounds x with the real number `value`, in the output's quantization (0 is its zero
 * point). reflect: mirrors x about its border elements (… 2 1 | 0 1 2 …). symmetric: mirrors x and
 * repeats the border elements (… 1 0 | 0 1 2 …). edge: repeats the border element (… 0 0 | 0 1 2
 * …). wrap: repeats x as a period (… 8 9 | 0 1 … 9 | 0 1 …).
 */
export function pad(node: Node<'pad'>, inputs: Inputs): TensorData[] {
  const { before, mode, value } = node.attributes;
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const shape = input(node, 0).shape;
  const convert = converter(input(node, 0), output(node));
  const around = isQuantized(output(node))
    ? quantizeReal(
      fround(fround(value) / scaleOf(output(node))),
      output(node),
      output(node).dtype === 'int16' ? undefined : roundHalfEven,
    )
    : value;

  for (let i = 0; i < out.length; i++) {
    const position = coordinates(i, output(node).shape).map((coordinate, d) => coordinate - before[d]!);
    const inside = position.every((coordinate, d) => coordinate >= 0 && coordinate < shape[d]!);
    if (mode === 'constant' && !inside) {
      out[i] = around;
      continue;
    }
    const source = position.map((coordinate, d) => sourceOf(coordinate, shape[d]!, mode));
    out[i] = convert(x[offset(source, shape)]!);
  }
  return [out];
}

function sourceOf(coordinate: number, length: number, mode: PadMode): number {
  if (mode === 'edge') return clamp(coordinate, 0, length - 1);
  if (mode === 'wrap') return (coordinate % length + length) % length;
  const border = mode === 'reflect' ? 0 : 1;
  if (coordinate < 0) return -coordinate - border;
  if (coordinate >= length) return 2 * length - 2 - coordinate + border;
  return coordinate;
}
