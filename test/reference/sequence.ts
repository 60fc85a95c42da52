import { input, output, perTensor, type Node, type Tensor, type TensorData } from '../../src/graph/graph';
import type { CellActivation, HybridMode } from '../../src/graph/operators';
import { quantizeImage } from './hybrid';
import { multiply, multiplierOf } from './fixedPoint';
import { fround, realRange } from './requantize';
import { allocate, type Inputs } from './support';

// Shared by recurrent layers, which apply the function of one time step along a sequence.

export type Row = ArrayLike<number>;
type Layer = Node<'lstm'> | Node<'gru'> | Node<'rnn'> | Node<'svdf'>;
type AnyLayer = Layer | Node<'recurrence'>;

/**
 * Applies `step` to the time steps of each batch item in turn. `begin` creates the state of item b
 * before the first time step; `end` returns the final states, which are further outputs. Item b has
 * `lengthOf(b)` time steps, by default all; the outputs of others are 0.
 */
export function alongTime<S>(
  node: AnyLayer,
  inputs: Inputs,
  begin: (b: number) => S,
  step: (x: Row, state: S) => number[],
  end: (state: S) => Row[] = () => [],
  lengthOf?: (b: number) => number,
): TensorData[] {
  const x = input(node, 0);
  const y = output(node);
  const outs = node.outputs.map(allocate);
  const [out] = outs as [TensorData];
  const { timeMajor, reverse } = node.attributes;
  const I = x.shape.at(-1);
  const P = y.shape.at(-1);
  const [batch, time] = batchAndTime(x.shape, timeMajor);
  for (let b = 0; b < batch; b++) {
    const state = begin(b);
    const steps = lengthOf?.(b) ?? time;
    for (let s = 0; s < steps; s++) {
      const t = reverse ? steps - 1 - s : s;
      const row = timeMajor ? t * batch + b : b * time + t;
      out.set(step((inputs[0] as TensorData).subarray(row * I, (row + 1) * I), state), row * P);
    }
    end(state).forEach((values, i) => outs[i + 1]?.set(values, b * values.length));
  }
  return outs;
}

/** The row of batch item b of an operand [batch][width], by default `otherwise`. */
export function initialState(operand: Row | null | undefined, b: number, width: number, otherwise = 0): number[] {
  return Array.from({ length: width }, (_, n) => operand?.[b * width + n] ?? otherwise);
}

/**
 * Batch and time of [batch][inputs], [batch][time][inputs] or, time-major, [time][batch][inputs].
 */
function batchAndTime(shape: readonly number[], timeMajor: boolean): [batch: number, time: number] {
  if (shape.length === 2) return [shape[0]!, 1];
  return timeMajor ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
}

/** Σ w·x for each row of the weights. */
export function rowProducts(weights: Row, x: Row, rows: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = 0; k < x.length; k++) sum += weights[row * x.length + k]! * x[k]!;
    return sum;
  });
}

/**
 * The products of a float layer: exact with float weights; with int8 weights, x is quantized by its
 * own range.
 */
export function realProducts(weights: Tensor, data: Row, x: Row, hybrid: HybridMode | undefined): number[] {
  const rows = weights.shape[0]!;
  if (weights.dtype === 'float32') return rowProducts(data, x, rows);
  const { values, scale, zeroPoint } = quantizeImage(Float32Array.from(x), hybrid === 'asymmetric');
  const scales = weights.quantization!.scale;
  const centered = Array.from(values, (v) => v - zeroPoint);
  return rowProducts(data, centered, rows).map((sum, row) =>
    sum * fround(scale * fround(scales[scales.length === 1 ? 0 : row]!))
  );
}

export function activationOf(activation: CellActivation): (x: number) => number {
  if (activation === 'tanh') return Math.tanh;
  const [min, max] = realRange(activation);
  return (x) => Math.max(min, Math.min(max, x));
}

export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
export const saturate16 = (x: number): number => Math.max(-32768, Math.min(32767, x));
export const clampTo8 = (x: number, min = -128, max = 127): number => Math.max(min, Math.min(max, x));

/** x·real in fixed point. */
export function scaled(x: number, real: number): number {
  return multiply(x, multiplierOf(real));
}

/** The scale of a row of weights. */
export function scaleAt(tensor: Tensor, row: number): number {
  const { scale } = tensor.quantization!;
  return fround(scale[scale.length === 1 ? 0 : row]!);
}

/**
 * The int16 pre-activations of an int8 layer, from the input and from the hidden state. `rowScale`
 * is their scale. Zero points are those of x and h.
 */
export function int8Preactivations(
  node: Layer,
  x: Row,
  xZeroPoint: number,
  bias: Row | null,
  h: Row,
  hidden: { scale: number; zeroPoint: number },
  rowScale: (row: number) => number,
  recurrentBias: Row | null = null,
): { input: number[]; hidden: number[] } {
  const w = input(node, 1);
  const u = input(node, 2);
  const sx = fround(perTensor(input(node, 0)).scale);
  const centered = (row: Row, zeroPoint: number): number[] => Array.from(row, (v) => v - zeroPoint);
  const products = (tensor: Tensor, row: Row, zeroPoint: number, added: Row | null, scale: number): number[] =>
    rowProducts(tensor.data!, centered(row, zeroPoint), tensor.shape[0]!).map((sum, i) =>
      scaled(sum + (added?.[i] ?? 0), fround(fround(scaleAt(tensor, i) * fround(scale)) / fround(rowScale(i))))
    );
  return {
    input: products(w, x, xZeroPoint, bias, sx).map(saturate16),
    hidden: products(u, h, hidden.zeroPoint, recurrentBias, hidden.scale),
  };
}
