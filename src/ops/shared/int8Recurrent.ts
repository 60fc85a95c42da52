import { perTensor, type Node, type Tensor } from '../../graph/graph';
import { leastScale, quantizedBias } from './bias';
import { stridesOfSequence } from './recurrent';
import { f32, roundAway } from './rounding';

// Post-training quantization of recurrent layers. Weights are int8 with one scale per gate, and
// biases are in units of the accumulators of the input. The cell state of an lstm is int16; its
// scale is a power of two that covers the largest cell state of the samples.

/** o·tanh(c) and the output of a gru are within −1 … 1. */
export const UNIT_RANGE = { scale: 1 / 128, zeroPoint: 0 };

/**
 * Quantizes to symmetric integers up to `most`, with one scale for each of `gates`. The scales are
 * large enough for the bias to fit if the activations have the scale `activationScale`.
 */
function perGate(tensor: Tensor, gates: number, most: 127 | 32767, bias?: Tensor | null, activationScale = 1): Tensor {
  const values = tensor.data as Float32Array;
  const size = values.length / gates;
  const rows = tensor.shape[0]!;
  const largest = (of: Float32Array, gate: number): number =>
    of.subarray(gate * of.length / gates, (gate + 1) * of.length / gates).reduce(
      (m, v) => Math.max(m, Math.abs(v)),
      1e-8,
    );
  const scales = Array.from(
    { length: gates },
    (_, gate) =>
      f32(Math.max(
        largest(values, gate) / most,
        bias ? leastScale(largest(bias.data as Float32Array, gate), activationScale, values.length / rows) : 0,
      )),
  );
  const quantized = (v: number, i: number): number =>
    Math.max(-most, Math.min(most, roundAway(v / scales[Math.floor(i / size)]!)));
  return {
    ...tensor,
    dtype: most === 127 ? 'int8' : 'int16',
    data: most === 127 ? Int8Array.from(values, quantized) : Int16Array.from(values, quantized),
    quantization: {
      scale: Array.from({ length: rows }, (_, row) => scales[Math.floor(row / (rows / gates))]!),
      zeroPoint: new Array<number>(rows).fill(0),
      axis: 0,
    },
  };
}

/** x, W, U and bias of an int8 cell of `gates` gates. */
export function int8Operands(
  node: Node<'lstm'> | Node<'gru'> | Node<'rnn'>,
  x: Tensor,
  gates: number,
): (Tensor | null)[] {
  const [, w, u, bias] = node.inputs as [Tensor, Tensor, Tensor, Tensor | null];
  const { scale } = perTensor(x);
  const weights = perGate(w, gates, 127, bias, scale);
  return [x, weights, perGate(u, gates, 127), bias && quantizedBias(bias, weights, scale)];
}

/** The operands of an int8 gru, whose hidden state may have a separate bias. */
export function int8Gru(node: Node<'gru'>, x: Tensor): (Tensor | null)[] {
  const [source, weights, , bias] = int8Operands(node, x, 3);
  const hiddenBias = node.inputs[4] ?? null;
  const recurrent = perGate(node.inputs[2]!, 3, 127, hiddenBias, UNIT_RANGE.scale);
  return [source!, weights!, recurrent, bias!, hiddenBias && quantizedBias(hiddenBias, recurrent, UNIT_RANGE.scale)];
}

/** Largest cell state to assume if there were no samples. */
const UNOBSERVED = 8;

/** The int8 lstm that reads x and writes y, for cell states up to `largest`. */
export function int8Lstm(node: Node<'lstm'>, x: Tensor, y: Tensor, largest = UNOBSERVED): Node<'lstm'> {
  const [, w, u, , peephole, projection, projectionBias] = node.inputs as [Tensor, Tensor, Tensor, Tensor | null,
    Tensor | null, Tensor | null, Tensor | null];
  const gates = w.shape[0]! / (projection ?? u).shape[1]!;
  const packed = projection && perGate(projection, 1, 127, projectionBias, UNIT_RANGE.scale);
  const bits = Math.min(6, Math.ceil(Math.log2(Math.max(1, largest) * 1.05)));
  const { scale, zeroPoint } = perTensor(y);
  return {
    ...node,
    inputs: [...int8Operands(node, x, gates), peephole && perGate(peephole, gates - 1, 32767), packed,
      projectionBias && packed && quantizedBias(projectionBias, packed, UNIT_RANGE.scale)],
    attributes: {
      ...node.attributes,
      cellScale: 2 ** (bits - 15),
      // without a projection, o·tanh(c) is the output itself
      hidden: packed ? UNIT_RANGE : { scale, zeroPoint },
    },
  };
}

/** The largest |cell state| of a float32 lstm over the sequence x. */
export function largestCell(node: Node<'lstm'>, x: Float32Array): number {
  const [source, w, u, bias, peephole, projection, projectionBias] = node.inputs;
  const outputs = u!.shape[1]!;
  const cells = projection ? projection.shape[1]! : outputs;
  const { timeMajor, reverse, cellClip, projectionClip } = node.attributes;
  const { time, batch, inputs, strides } = stridesOfSequence(source!, timeMajor, outputs);
  const rows = w!.shape[0]!;
  const gates = rows / cells;
  const data = (tensor: Tensor | null | undefined): Float32Array => tensor?.data as Float32Array;
  const logistic = (v: number): number => 1 / (1 + Math.exp(-v));
  const clip = (v: number, bound: number): number => (bound > 0 ? Math.max(-bound, Math.min(bound, v)) : v);
  const product = (weights: Float32Array, row: number, K: number, of: (k: number) => number): number => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += weights[row * K + k]! * of(k);
    return sum;
  };
  let largest = 0;
  for (let b = 0; b < batch; b++) {
    let h = new Float64Array(outputs);
    const c = new Float64Array(cells);
    for (let s = 0; s < time; s++) {
      const at = (reverse ? time - 1 - s : s) * strides[0] + b * strides[1];
      const past = h;
      const sums = Float64Array.from(
        { length: rows },
        (_, row) =>
          product(data(w), row, inputs, (k) => x[at + k]!) + product(data(u), row, outputs, (k) => past[k]!) +
          (bias ? data(bias)[row]! : 0),
      );
      const peep = (index: number, n: number): number => (peephole ? data(peephole)[index * cells + n]! * c[n]! : 0);
      const first = gates - 3;
      const m = Float64Array.from({ length: cells }, (_, n) => {
        const f = logistic(sums[first * cells + n]! + peep(first, n));
        const i = first === 0 ? 1 - f : logistic(sums[n]! + peep(0, n));
        c[n] = clip(f * c[n]! + i * Math.tanh(sums[(first + 1) * cells + n]!), cellClip);
        largest = Math.max(largest, Math.abs(c[n]));
        return logistic(sums[(first + 2) * cells + n]! + peep(first + 1, n)) * Math.tanh(c[n]);
      });
      h = projection
        ? Float64Array.from(
          { length: outputs },
          (_, row) =>
            clip(
              product(data(projection), row, cells, (k) => m[k]!) + (projectionBias ? data(projectionBias)[row]! : 0),
              projectionClip,
            ),
        )
        : m;
    }
  }
  return largest;
}
