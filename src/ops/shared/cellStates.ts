import { elementCount, input, output, type AnyNode, type ConstantData, type DType, type Quantization,
  type Tensor } from '../../graph/graph';
import type { Emitter } from '../emitter';
import { emitCopy } from './emit';
import { sameQuantization } from './quantized';
import { demandShape, stridesOfSequence } from './recurrent';
import { demand, unsupported } from './refuse';

// The states of recurrent layers. A layer that has an operand for its initial state starts from it
// in each run. Without the operand, the layer keeps the state itself: it starts from zeros, and
// continues from run to run if the graph carries.

/** One state of a recurrent layer: h, or the cell state c of an lstm. */
export interface CellState {
  name: 'hidden' | 'cell';
  /** The operand that is its initial value, and the output that is its final value. */
  input: number;
  output: number;
  shape: readonly [batch: number, width: number];
  dtype: DType;
  quantization?: Quantization;
}

const unitSteps = (scale: number): Quantization => ({ scale: [scale], zeroPoint: [0], axis: 0 });

/** The states of a node, in the order of its outputs; none if it is no recurrent layer. */
export function cellStates(node: AnyNode): CellState[] {
  if (node.op !== 'lstm' && node.op !== 'gru' && node.op !== 'rnn' && node.op !== 'recurrence') return [];
  const x = input(node, 0);
  const [, width = 0] = input(node, 2).shape;
  const { batch } = stridesOfSequence(x, node.attributes.timeMajor, width);
  const int8 = x.dtype === 'int8';
  const first = { name: 'hidden', output: 1, shape: [batch, width] } as const;
  const float = { dtype: 'float32' } as const;
  if (node.op === 'recurrence') {
    const hidden = { ...first, ...float, input: 7 };
    return node.attributes.cell === 'lstm' ? [hidden, { ...hidden, name: 'cell', input: 8, output: 2 }] : [hidden];
  }
  if (node.op === 'gru') {
    return [{ ...first, input: 5, ...(int8 ? { dtype: 'int16', quantization: unitSteps(2 ** -15) } : float) }];
  }
  const { quantization } = output(node);
  const hidden = int8 ? { dtype: 'int8' as const, ...(quantization && { quantization }) } : float;
  if (node.op === 'rnn') return [{ ...first, input: 4, ...hidden }];
  const cells = node.inputs[5]?.shape[1] ?? width;
  return [{ ...first, input: 8, ...hidden }, {
    name: 'cell',
    input: 9,
    output: 2,
    shape: [batch, cells],
    ...(int8 ? { dtype: 'int16', quantization: unitSteps(node.attributes.cellScale ?? 2 ** -11) } : float),
  }];
}

/** Whether operands or outputs of a layer are states. */
export function hasStateOperands(node: AnyNode): boolean {
  return cellStates(node).some((state) => node.inputs[state.input] ?? node.outputs[state.output]);
}

/**
 * Checks the initial states of a layer, the last of its operands.
 *
 * @returns the shapes of the final states
 */
export function checkStates(node: AnyNode): number[][] {
  const states = cellStates(node);
  const most = states.at(-1).input + 1;
  demand(node, node.inputs.length <= most, `it has ${node.inputs.length} operands; at most ${most} are possible`);
  for (const state of states) {
    const given = node.inputs[state.input];
    if (given) demandShape(node, given, `initial ${state.name} state`, state.shape);
  }
  return states.map(({ shape }) => [...shape]);
}

/** A tensor that holds a state. */
export function stateTensor(node: AnyNode, { name, shape, dtype, quantization }: CellState): Tensor {
  return { name: `${node.name}/${name}`, shape: [...shape], dtype, ...(quantization && { quantization }) };
}

/** Zeros in the quantization of a state. */
export function zeroState({ shape, dtype, quantization }: CellState): ConstantData {
  const arrays = { int8: Int8Array, int16: Int16Array, float32: Float32Array };
  return new arrays[dtype as keyof typeof arrays](elementCount(shape)).fill(quantization?.zeroPoint[0] ?? 0);
}

/** The memory of a layer's states, which its record reads and writes. */
export interface PlacedStates {
  /** The tensors, in the order of `cellStates`. */
  tensors: Tensor[];
  /** Emits the copies that follow the record. */
  finish: () => void;
}

/** Emits the copies that precede the record of a layer, and allocates its states. */
export function placeStates(node: AnyNode, emit: Emitter): PlacedStates {
  const last: (() => void)[] = [];
  const tensors = cellStates(node).map((state) => {
    const initial = node.inputs[state.input];
    const final = node.outputs[state.output];
    for (const tensor of [initial, final]) if (tensor) checkType(node, state, tensor);
    const copy = (from: Tensor, to: Tensor): void => {
      emitCopy(node, emit, from, to, [elementCount(state.shape)], [1], [1]);
    };
    if (!initial) {
      const own = stateTensor(node, state);
      emit.persist(own, zeroState(state));
      if (final) last.push(() => copy(own, final));
      return own;
    }
    const place = final ?? stateTensor(node, state);
    emit.mayReuse(place, initial);
    copy(initial, place);
    return place;
  });
  return { tensors, finish: () => last.forEach((emitLast) => emitLast()) };
}

function checkType(node: AnyNode, state: CellState, tensor: Tensor): void {
  const own = stateTensor(node, state);
  if (tensor.dtype === own.dtype && (own.dtype === 'float32' || sameQuantization(tensor, own))) return;
  const text = ({ dtype, quantization }: Tensor): string =>
    dtype === 'float32' ?
      dtype :
      `${dtype} with the scale ${quantization?.scale[0] ?? 'none'} and zero point ${
        quantization?.zeroPoint[0] ?? 'none'
      }`;
  throw unsupported(node, `its ${state.name} state "${tensor.name}" is ${text(tensor)}; it must be ${text(own)}`);
}
