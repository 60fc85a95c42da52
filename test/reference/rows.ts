import { input, output, type AnyNode, type TensorData } from '../../src/graph/graph';
import { fround, isQuantized, quantizeReal, realOf, roundHalfEven, scaleOf } from './requantize';
import { allocate, rowsOf, unsupported, valueOf, type Inputs } from './support';

/**
 * Applies a function to each row (the last dimension) in float64, for softmax, logSoftmax and
 * l2Normalize. A float32 result is rounded once. Integers are dequantized first, and result /
 * output scale is rounded half to even. The kernels may differ by one quantization unit.
 */
export function mapRows(node: AnyNode, inputs: Inputs, f: (row: number[]) => number[]): TensorData[] {
  const [from, to] = [input(node, 0), output(node)];
  const [x, out] = [valueOf(node, inputs), allocate(to)];
  const [rows, length] = rowsOf(to.shape);
  const isFloat = from.dtype === 'float32' && to.dtype === 'float32';
  if (!isFloat && !(isQuantized(from) && isQuantized(to))) throw unsupported(node);

  for (let r = 0; r < rows; r++) {
    const row = Array.from(x.subarray(r * length, (r + 1) * length), (q) => isFloat ? q : realOf(q, from));
    const result = f(row).map((y) => isFloat ? fround(y) : quantizeReal(y / scaleOf(to), to, roundHalfEven));
    out.set(result, r * length);
  }
  return [out];
}
