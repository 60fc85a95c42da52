import { perTensor, type AnyNode, type Node, type Tensor } from '../graph/graph';
import { stridesOfSequence } from '../ops/shared/recurrent';
import { f32, roundAway } from '../ops/shared/rounding';
import { biasInSteps, leastScale } from './quantizeBias';

// Post-training quantization of recurrent layers: int8 weights with one scale a gate, biases in
// steps of the input's sums, an int16 cell state of an lstm in steps of a power of two that holds
// the largest cell of the samples.

export type RecurrentNode = Node<'lstm'> | Node<'gru'> | Node<'rnn'>;

export function isRecurrent(node: AnyNode): node is RecurrentNode {
  return node.op === 'lstm' || node.op === 'gru' || node.op === 'rnn';
}

/**
 * Symmetric integers up to `most` with one scale for each of `gates`, in which the bias fits when
 * the activations are in steps of `step`.
 */
function perGate(tensor: Tensor, gates: number, most: 127 | 32767, bias?: Tensor | null, step = 1): Tensor {
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
        bias ? leastScale(largest(bias.data as Float32Array, gate), step, values.length / rows) : 0,
      )),
  );
  const steps = (v: number, i: number): number =>
    Math.max(-most, Math.min(most, roundAway(v / scales[Math.floor(i / size)]!)));
  return {
    ...tensor,
    dtype: most === 127 ? 'int8' : 'int16',
    data: most === 127 ? Int8Array.from(values, steps) : Int16Array.from(values, steps),
    quantization: {
      scale: Array.from({ length: rows }, (_, row) => scales[Math.floor(row / (rows / gates))]!),
      zeroPoint: new Array<number>(rows).fill(0),
      axis: 0,
    },
  };
}

/** The int8 layer on an int8 input. */
export function quantizedCell(
  node: RecurrentNode,
  x: Tensor,
  y: Tensor,
  cellRanges: Map<string, number>,
): RecurrentNode {
  const [, w, u, bias, fourth, projection, projectionBias] = node.inputs as [Tensor, Tensor, Tensor, Tensor | null,
    Tensor | null, Tensor | null, Tensor | null];
  const outputs = u.shape[1]!;
  const gates = node.op === 'gru'
    ? 3
    : node.op === 'rnn'
    ? 1
    : w.shape[0]! / (projection ? projection.shape[1]! : outputs);
  const step = perTensor(x).scale;
  const hidden = { scale: 1 / 128, zeroPoint: 0 };
  const gruBias = node.op === 'gru' ? fourth : null;
  const weights = perGate(w, gates, 127, bias, step);
  const recurrent = perGate(u, gates, 127, gruBias, hidden.scale);
  const inputs: (Tensor | null)[] = [x, weights, recurrent, bias && biasInSteps(bias, weights, step)];
  if (node.op === 'gru') {
    return { ...node, inputs: [...inputs, gruBias && biasInSteps(gruBias, recurrent, hidden.scale)] };
  }
  if (node.op === 'rnn') return { ...node, inputs };
  // o·tanh(c) is within ±1; without a projection it is the output
  const packed = projection && perGate(projection, 1, 127, projectionBias, hidden.scale);
  const largest = Math.max(1, cellRanges.get(node.name) ?? 8);
  const bits = Math.min(6, Math.ceil(Math.log2(largest * 1.05)));
  return {
    ...node,
    inputs: [...inputs, fourth && perGate(fourth, gates - 1, 32767), packed,
      projectionBias && packed && biasInSteps(projectionBias, packed, hidden.scale)],
    attributes: {
      ...node.attributes,
      cellScale: 2 ** (bits - 15),
      ...(packed ? { hidden } : { hidden: { scale: perTensor(y).scale, zeroPoint: -perTensor(y).zeroPoint } }),
    },
  };
}

/** The largest |c| of a float lstm over a sequence. */
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
