import { input, output, type Node, type TensorData } from '../../src/graph/graph';
import { clamp, rangeOf } from './requantize';
import { allocate, valueOf, type Inputs } from './support';

/**
 * Plain numeric conversion. float32 to an integer type truncates and saturates, and NaN becomes 0.
 * A narrower integer type keeps the low bits. A cast to bool is x ≠ 0.
 */
export function cast(node: Node<'cast'>, inputs: Inputs): TensorData[] {
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const [from, to] = [input(node, 0).dtype, output(node).dtype];
  for (let i = 0; i < out.length; i++) {
    const value = x[i]!;
    if (to === 'bool') out[i] = value !== 0 ? 1 : 0;
    else if (from === 'float32' && to !== 'float32') {
      out[i] = Number.isNaN(value) ? 0 : clamp(Math.trunc(value), ...rangeOf(to));
    } else out[i] = value;
  }
  return [out];
}
