import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { multiplierOf, multiply, multiplyBy256ths } from './fixedPoint';
import { clamp, fround, isQuantized, quantizeReal, rangeOf, roundHalfEven, scaleOf, zeroPointOf } from './requantize';
import { entryAt } from './entryAt';
import { allocate, unsupported, valueOf, type Inputs } from './support';

/**
 * float32: clamp(round_half_even(f32(x · f32(1 / scale))) + zeroPoint), per tensor or along an
 * axis; to int16 round_half_away(f32(x / scale)). Integers to the same type: XNNPACK's multiplier
 * with 8 fractional bits. Between int8 and uint8, and with int16: TFLite's fixed point.
 */
export function quantize(node: Node<'quantize'>, inputs: Inputs): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const [x, out] = [valueOf(node, inputs), allocate(to)];
  if (from.dtype === 'float32' && to.quantization) {
    for (let i = 0; i < out.length; i++) {
      const entry = entryAt(to, i);
      const scale = fround(entry.quantization!.scale[0]!);
      if (to.dtype === 'int16') out[i] = quantizeReal(fround(x[i]! / scale), entry);
      else out[i] = quantizeReal(fround(x[i]! * fround(1 / scale)), entry, roundHalfEven);
    }
  } else if (isQuantized(from) && isQuantized(to)) {
    const ratio = scaleOf(from) / scaleOf(to);
    const fixed = multiplierOf(ratio);
    const rough = roundHalfEven(256 * fround(ratio));
    for (let i = 0; i < out.length; i++) {
      const d = x[i]! - zeroPointOf(from);
      const rescaled = from.dtype === to.dtype && to.dtype !== 'int16'
        ? multiplyBy256ths(d, rough)
        : multiply(d, fixed);
      out[i] = clamp(rescaled + zeroPointOf(to), ...rangeOf(to.dtype));
    }
  } else {
    throw unsupported(node);
  }
  return [out];
}
