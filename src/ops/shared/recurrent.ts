import * as L from '../../../assembly/layout';
import { innermost, input, output, perTensor, type AnyNode, type Node, type Tensor } from '../../graph/graph';
import type { CellActivation, Sequence } from '../../graph/operators';
import type { Emitter, RecordWriter } from '../emitter';
import { quantizeMultiplier } from './fixedPoint';
import { fitFourBits, nibbleParts, staysPacked } from './nibbles';
import { packLanes, packMatrix, rowSums } from './pack';
import { demand, requireTypes, shapeText, unsupported } from './refuse';
import { f32 } from './rounding';
import { density, sparseWeights, type SparseWeights } from './sparse';

// Shared by lstm, gru, rnn and svdf: sequences, packed weights, states. docs/format/recurrent.md
// describes the records.

/**
 * Upper limit of the input, hidden and projection sizes, so that int8 products fit an int32
 * accumulator.
 */
const MAX_SIZE = 65536;
/** Scale of the gates' 16-bit values before the activation: Q3.12. */
export const GATE_SCALE = 2 ** -12;

/** Strides between time steps and between batch items, in elements. */
export interface Strides {
  time: number;
  batch: number;
  inputs: number;
  /** Time and batch strides of the source, then of the target. */
  strides: [number, number, number, number];
}

/** Input size and hidden size of a gru or rnn; checks that the weights agree. */
export function sizesOf(node: AnyNode): { inputs: number; cells: number } {
  const inputs = input(node, 0).shape.at(-1) ?? 1;
  const [, cells = 0] = input(node, 2).shape;
  demand(
    node,
    input(node, 1).shape[1] === inputs,
    `its weights take ${input(node, 1).shape[1]} numbers, its input has ${inputs}`,
  );
  return { inputs, cells };
}

/** The output shape of a layer with `width` outputs. */
export function sequenceShape(node: AnyNode, width: number): number[] {
  const { shape } = input(node, 0);
  demand(
    node,
    shape.length === 2 || shape.length === 3,
    `its input ${shapeText(shape)} must be a sequence of three dimensions, or one step of two`,
  );
  return [...shape.slice(0, -1), width];
}

export function stridesOfSequence(x: Tensor, timeMajor: boolean, width: number): Strides {
  const inputs = innermost(x.shape);
  if (x.shape.length === 2) return { time: 1, batch: x.shape[0]!, inputs, strides: [inputs, inputs, width, width] };
  const [time, batch] = timeMajor ? [x.shape[0]!, x.shape[1]!] : [x.shape[1]!, x.shape[0]!];
  return {
    time,
    batch,
    inputs,
    strides: timeMajor ? [batch * inputs, inputs, batch * width, width] : [inputs, time * inputs, width, time * width],
  };
}

/** A constant operand of the expected shape. */
export function constantOperand(
  node: AnyNode,
  index: number,
  what: string,
  shape: number[],
): Tensor & { data: NonNullable<Tensor['data']> } {
  const tensor = input(node, index);
  demandShape(node, tensor, what, shape);
  if (!tensor.data) throw unsupported(node, `its ${what} are computed by the network; they must be constant`);
  return tensor as Tensor & { data: NonNullable<Tensor['data']> };
}

export function demandShape(node: AnyNode, tensor: Tensor, what: string, shape: readonly number[]): void {
  demand(
    node,
    tensor.shape.length === shape.length && tensor.shape.every((d, i) => d === shape[i]),
    `its ${what} ${shapeText(tensor.shape)} must have the shape ${shapeText(shape)}`,
  );
}

/** An optional operand. */
export function optionalOperand(
  node: AnyNode,
  index: number,
  what: string,
  shape: number[],
): NonNullable<Tensor['data']> | undefined {
  return node.inputs[index] ? constantOperand(node, index, what, shape).data : undefined;
}

/** How a layer computes: int8, float32, or float32 with int8 weights. */
export function modeOf(node: AnyNode, hybrid: Sequence['hybrid']): 'int8' | 'float32' | 'hybrid' {
  const x = input(node, 0);
  const y = output(node);
  const w = input(node, 1);
  requireTypes(node, x, 'int8', 'float32');
  demand(node, x.dtype === y.dtype, `its output is ${y.dtype} and its input ${x.dtype}`);
  if (w.dtype === x.dtype) return x.dtype as 'int8' | 'float32';
  if (x.dtype === 'float32' && w.dtype === 'int8' && hybrid !== undefined) return 'hybrid';
  throw unsupported(node, `${x.dtype} input with ${w.dtype} weights; both must be of one type`);
}

/** The scale of each gate. All rows of a gate must share one scale and have zero point 0. */
export function scalesOfGates(node: AnyNode, tensor: Tensor, gates: number): number[] {
  const q = tensor.quantization;
  const rows = tensor.shape[0]! / gates;
  if (!q || q.zeroPoint.some((z) => z !== 0)) {
    throw unsupported(node, `"${tensor.name}" needs scales, and zero points of 0`);
  }
  return Array.from({ length: gates }, (_, gate) => {
    const own = q.scale.length === 1 ? q.scale : q.scale.slice(gate * rows, (gate + 1) * rows);
    if (own.some((s) => s !== own[0])) {
      throw unsupported(node, `"${tensor.name}" has several scales within a gate; one is possible`);
    }
    return f32(own[0]!);
  });
}

/**
 * Lists of the nonzero blocks of int8 weights, for gates where lists are faster than dense weights.
 * Panels are as in `packMatrix`.
 */
function listedGates(
  values: NonNullable<Tensor['data']>,
  K: number,
  gates: number,
  emit: Emitter,
): SparseWeights | undefined {
  const rows = values.length / K / gates;
  const lanes = Math.ceil(rows / 8) * 8;
  const padded = new Int8Array(gates * lanes * K);
  for (let gate = 0; gate < gates; gate++) {
    padded.set((values as Int8Array).subarray(gate * rows * K, (gate + 1) * rows * K), gate * lanes * K);
  }
  return sparseWeights({
    values: padded,
    N: gates * lanes,
    K,
    zero: 0,
    pixels: 1,
    taps: 1,
    isRecurrent: true,
    hasFourBits: fitFourBits(values),
    isPacked: staysPacked(values, emit),
  }, emit.options.weightLayout);
}

/** Allocates the state of a node, with an initial real value of 0. */
export function keepState(
  node: AnyNode,
  emit: Emitter,
  name: string,
  shape: number[],
  dtype: Tensor['dtype'],
  steps?: { scale: number; zeroPoint: number },
): Tensor {
  const state: Tensor = {
    name: `${node.name}/${name}`,
    shape,
    dtype,
    ...(steps && { quantization: { scale: [steps.scale], zeroPoint: [steps.zeroPoint], axis: 0 } }),
  };
  const count = shape.reduce((a, b) => a * b, 1);
  const arrays = { int8: Int8Array, int16: Int16Array, float32: Float32Array };
  emit.persist(state, new arrays[dtype as keyof typeof arrays](count).fill(steps?.zeroPoint ?? 0));
  return state;
}

/** A real factor as multiplier and exponent, in the core's form. */
export function fixedPoint(node: AnyNode, real: number): [multiplier: number, exponent: number] {
  const { multiplier, exponent } = quantizeMultiplier(real);
  if (exponent > 22) throw unsupported(node, `its scales give a factor of ${real}; up to 2^22 is possible`);
  return [multiplier, exponent];
}

const activationKinds: Record<CellActivation, number> = {
  none: -1,
  relu: L.UNARY_RELU,
  relu6: L.UNARY_RELU6,
  reluN1To1: L.UNARY_RELU_N1_TO_1,
  relu0To1: L.UNARY_RELU_0_TO_1,
  tanh: L.UNARY_TANH,
};

export function activationCode(activation: CellActivation): number {
  return activationKinds[activation];
}

export function modeCode(mode: ReturnType<typeof modeOf>, hybrid: Sequence['hybrid']): number {
  if (mode !== 'hybrid') return L.RECURRENT_PLAIN;
  return hybrid === 'asymmetric' ? L.RECURRENT_ASYMMETRIC : L.RECURRENT_SYMMETRIC;
}

/**
 * The part of a record for the function of the gates.
 *
 * @throws KletError `UNSUPPORTED_OP` for a clamp in int8
 */
export function gateParts(node: Node<'lstm'> | Node<'gru'>, mode: ReturnType<typeof modeOf>): number {
  const { gate = 'logistic' } = node.attributes;
  demand(node, gate === 'logistic' || gate === 'relu0To1', `its gate is ${gate}; logistic and relu0To1 are possible`);
  if (gate === 'logistic') return 0;
  if (mode === 'int8') throw unsupported(node, 'the gates relu0To1 on int8; logistic is possible');
  return L.RECURRENT_HARD_GATES;
}

/** The fields that all recurrent records share: geometry, weights, biases. */
export interface Cell {
  kind: number;
  gates: number;
  cells: number;
  outputs: number;
  /** Biases of the input's and of the hidden state's accumulators, [gates·cells]. */
  inputBias: ArrayLike<number>;
  hiddenBias: ArrayLike<number>;
  activation: CellActivation;
  /** Bits of PARTS. */
  parts?: number;
  /** int8: RECURRENT_GATE_WORDS numbers for each gate. */
  words?: number[][];
}

export function emitCell(
  node: AnyNode,
  emit: Emitter,
  cell: Cell,
  { timeMajor, reverse, hybrid }: Sequence,
  hidden: Tensor,
): RecordWriter {
  const x = input(node, 0);
  const y = output(node);
  const w = input(node, 1);
  const u = input(node, 2);
  const mode = modeOf(node, hybrid);
  const { gates, cells, outputs } = cell;
  const { time, batch, inputs, strides } = stridesOfSequence(x, timeMajor, outputs);
  for (const size of [inputs, cells, outputs]) {
    if (size > MAX_SIZE) throw unsupported(node, `a layer of ${size}; at most ${MAX_SIZE} are possible`);
  }
  const biases = mode === 'int8' ? Int32Array : Float32Array;
  const matrices = [{
    data: w.data!,
    K: inputs,
    field: L.RECURRENT_INPUT_WEIGHTS,
    lists: L.SPARSE_RECURRENT_INPUT_COUNTS,
  }, { data: u.data!, K: outputs, field: L.RECURRENT_HIDDEN_WEIGHTS, lists: L.SPARSE_RECURRENT_HIDDEN_COUNTS }].map((
    matrix,
  ) => ({ ...matrix, sparse: mode === 'float32' ? undefined : listedGates(matrix.data, matrix.K, gates, emit) }));
  const isSparse = matrices.some(({ sparse }) => sparse);
  const [opcode, bytes] = isSparse
    ? [L.OP_SPARSE_RECURRENT, L.SPARSE_RECURRENT_BYTES]
    : [L.OP_RECURRENT, L.RECURRENT_BYTES];
  const r = emit.record(opcode, bytes, x.dtype, node, node.op, time * batch * gates * cells * (inputs + outputs));
  r.source(L.RECURRENT_SOURCE, x);
  r.target(L.RECURRENT_TARGET, y);
  r.target(L.RECURRENT_HIDDEN, hidden);
  r.ints(L.RECURRENT_KIND, [cell.kind, time, batch, inputs, cells, outputs, ...strides, reverse ? 1 : 0,
    activationCode(cell.activation)]);
  r.int(L.RECURRENT_MODE, modeCode(mode, hybrid));
  let parts = cell.parts ?? 0;
  for (const { data, K, field, lists, sparse } of matrices) {
    const packs = !sparse && staysPacked(data, emit);
    if (packs) parts |= nibbleParts[field]!;
    if (sparse) {
      r.table(field, sparse.weights);
      r.table(lists, sparse.counts);
      r.table(lists + 4, sparse.deltas);
      r.int(lists + 8, sparse.deltas.length);
    } else {
      r.table(field, packMatrix(data, K, gates * cells, gates, packs));
    }
  }
  r.int(L.RECURRENT_PARTS, parts);
  const isPacked = (parts & (L.RECURRENT_INPUT_NIBBLES | L.RECURRENT_HIDDEN_NIBBLES)) !== 0;
  if (isSparse || isPacked) {
    r.layout(isSparse ? 'blocks' : 'nibbles', density(matrices.map(({ data }) => data), 0));
  }
  r.table(L.RECURRENT_INPUT_BIAS, packLanes(biases, cell.inputBias, gates));
  r.table(L.RECURRENT_HIDDEN_BIAS, packLanes(biases, cell.hiddenBias, gates));
  if (cell.words) r.table(L.RECURRENT_GATES, Int32Array.from(cell.words.flat()));
  if (mode === 'hybrid') {
    const ws = scalesOfGates(node, w, gates);
    const us = scalesOfGates(node, u, gates);
    r.table(L.RECURRENT_GATES, Float32Array.from(ws.flatMap((s, gate) => [s, us[gate]!])));
  }
  return r;
}

/** Hybrid: emits the row sums of the weights, those of a projection last. */
export function emitSums(
  node: AnyNode,
  r: RecordWriter,
  { gates, outputs }: Cell,
  projection?: { values: NonNullable<Tensor['data']>; K: number },
): void {
  const w = input(node, 1);
  const u = input(node, 2);
  const parts = [packLanes(Int32Array, rowSums(w.data!, w.shape[1]!), gates),
    packLanes(Int32Array, rowSums(u.data!, outputs), gates)];
  if (projection) parts.push(packLanes(Int32Array, rowSums(projection.values, projection.K), 1));
  r.table(L.RECURRENT_SUMS, Int32Array.from(parts.flatMap((part) => [...part])));
}

/**
 * The words of gates without peephole and normalization: factors that rescale both accumulators to
 * `scale`.
 */
export function plainWords(
  node: AnyNode,
  gates: number,
  inputScale: number,
  hiddenScale: number,
  scale: number,
): number[][] {
  const ws = scalesOfGates(node, input(node, 1), gates);
  const us = scalesOfGates(node, input(node, 2), gates);
  return ws.map((
    s,
    gate,
  ) => [...fixedPoint(node, f32(f32(s * f32(inputScale)) / f32(scale))),
    ...fixedPoint(node, f32(f32(us[gate]! * f32(hiddenScale)) / f32(scale))), 0, 0, 0, 0, 1]
  );
}

export function checkOutputSteps(node: AnyNode, scale: number, zeroPoint: number): void {
  const q = perTensor(output(node));
  if (f32(q.scale) !== f32(scale) || q.zeroPoint !== zeroPoint) {
    throw unsupported(
      node,
      `its int8 output must have the scale ${scale} and the zero point ${zeroPoint}, not ${q.scale} and ${q.zeroPoint}`,
    );
  }
}
