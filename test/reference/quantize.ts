import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { converter, fround, isQuantized, quantizeReal } from './requantize';
import { entryAt } from './entryAt';
import { allocate, unsupported, valueOf, type Inputs } from './support';

/**
 * float32: clamp(round_half_away_from_zero(f32(x / scale)) + zeroPoint), per tensor or along an axis.
 * int8 and uint8: a requantization (exact between int8 and uint8 of one scale and zero points 128 apart).
 */
export function quantize(node: Node<'quantize'>, inputs: Inputs): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const [x, out] = [valueOf(node, inputs), allocate(to)];
  if (from.dtype === 'float32' && to.quantization) {
    for (let i = 0; i < out.length; i++) {
      const entry = entryAt(to, i);
      out[i] = quantizeReal(fround(x[i]! / fround(entry.quantization!.scale[0]!)), entry);
    }
  } else if (isQuantized(from) && isQuantized(to)) {
    const convert = converter(from, to);
    for (let i = 0; i < out.length; i++) out[i] = convert(x[i]!);
  } else {
    throw unsupported(node);
  }
  return [out];
}
