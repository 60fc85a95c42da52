import * as L from '../../assembly/layout';
import { input, output, type Node } from '../graph/graph';
import type { GateFunction, GateFunctionKind } from '../graph/operators';
import type { Operator } from './operator';
import { checkStates, placeStates } from './shared/cellStates';
import { packLanes, packMatrix } from './shared/pack';
import { constantOperand, demandShape, optionalOperand, sequenceShape, sizesOf,
  stridesOfSequence } from './shared/recurrent';
import { demand, requireTypes, unsupported } from './shared/refuse';
import { stepwise } from './shared/stream';

/** Gates and functions of each cell. */
const cells = { lstm: { gates: 4, functions: 3 }, gru: { gates: 3, functions: 2 }, rnn: { gates: 1, functions: 1 } };

const kinds: Record<GateFunctionKind, number> = {
  affine: L.GATE_AFFINE,
  relu: L.GATE_RELU,
  leakyRelu: L.GATE_LEAKY_RELU,
  thresholdedRelu: L.GATE_THRESHOLDED_RELU,
  tanh: L.GATE_TANH,
  logistic: L.GATE_LOGISTIC,
  hardSigmoid: L.GATE_HARD_SIGMOID,
  elu: L.GATE_ELU,
  softsign: L.GATE_SOFTSIGN,
  softplus: L.GATE_SOFTPLUS,
};

/** Kind, alpha and beta of a function. */
export function gateFunction(
  { kind, alpha = 1, beta = kind === 'tanh' ? 1 : 0 }: GateFunction,
): { kind: GateFunctionKind; alpha: number; beta: number } {
  return { kind, alpha, beta };
}

function recordKind({ attributes: { cell, resetAfter } }: Node<'recurrence'>): number {
  if (cell === 'lstm') return L.RECURRENT_LSTM;
  if (cell === 'rnn') return L.RECURRENT_RNN;
  return resetAfter ? L.RECURRENT_GRU : L.RECURRENT_GRU_RESET_FIRST;
}

export const recurrence: Operator<'recurrence'> = {
  quantization: 'float',
  stream: stepwise,
  isChannelwise: false,
  isStateful: true,
  infer(node) {
    const { cell, functions } = node.attributes;
    demand(node, Object.hasOwn(cells, cell), `there is no cell ${cell}; lstm, gru and rnn are possible`);
    const own = cells[cell];
    demand(
      node,
      functions.length === own.functions && functions.every(({ kind }) => Object.hasOwn(kinds, kind)),
      `the functions of its ${cell} must be ${own.functions} of ${Object.keys(kinds).join(', ')}, not ${
        functions.map(({ kind }) => kind).join(', ') || 'none'
      }`,
    );
    const sizes = sizesOf(node);
    const rows = own.gates * sizes.cells;
    const shape = sequenceShape(node, sizes.cells);
    const { batch } = stridesOfSequence(input(node, 0), node.attributes.timeMajor, sizes.cells);
    demandShape(node, input(node, 1), 'weights', [rows, sizes.inputs]);
    demandShape(node, input(node, 2), 'recurrent weights', [rows, sizes.cells]);
    const optional: [index: number, what: string, shape: number[], of?: string][] = [[3, 'biases', [rows]], [4,
      'recurrent biases', [rows], 'gru'], [5, 'peephole weights', [3 * sizes.cells], 'lstm'], [6, 'lengths', [batch]]];
    for (const [index, what, expected, of = cell] of optional) {
      if (!node.inputs[index]) continue;
      demand(node, of === cell, `it has ${what}, which only a cell ${of} has`);
      demandShape(node, node.inputs[index], what, expected);
    }
    return [shape, ...checkStates(node)];
  },
  lower(node, emit) {
    const { timeMajor, reverse, cell, functions, clip, coupled } = node.attributes;
    const x = input(node, 0);
    const lengths = node.inputs[6];
    const { gates } = cells[cell];
    const sizes = sizesOf(node);
    const rows = gates * sizes.cells;
    const { time, batch, inputs } = stridesOfSequence(x, timeMajor, sizes.cells);
    requireTypes(node, x, 'float32');
    if (lengths) requireTypes(node, lengths, 'int32', 'int64');
    if (Math.max(inputs, sizes.cells) > 65536) throw unsupported(node, 'a layer of more than 65536');
    const constant = (index: number, what: string, shape: number[]): Float32Array => {
      const { data } = constantOperand(node, index, what, shape);
      if (data instanceof Float32Array) return data;
      throw unsupported(node, `its ${what} are ${input(node, index).dtype}; they must be float32`);
    };
    const w = constant(1, 'weights', [rows, inputs]);
    const u = constant(2, 'recurrent weights', [rows, sizes.cells]);
    const bias = (index: number, what: string): Float32Array =>
      packLanes(
        Float32Array,
        optionalOperand(node, index, what, [rows]) ?? new Float32Array(rows),
        gates,
      ) as Float32Array;
    const { tensors, finish } = placeStates(node, emit);
    const macs = time * batch * rows * (inputs + sizes.cells);
    const r = emit.record(L.OP_RECURRENCE, L.RECURRENCE_BYTES, x.dtype, node, node.op, macs);
    r.source(L.RECURRENCE_SOURCE, x);
    if (lengths) r.source(L.RECURRENCE_LENGTHS, lengths);
    r.target(L.RECURRENCE_TARGET, output(node));
    tensors.forEach((state, i) => r.target(L.RECURRENCE_HIDDEN + i * 4, state));
    r.ints(L.RECURRENCE_KIND, [recordKind(node), time, batch, inputs, sizes.cells, Number(timeMajor), Number(reverse),
      Number(Boolean(lengths)), Number(coupled)]);
    r.float(L.RECURRENCE_CLIP, clip);
    r.table(L.RECURRENCE_INPUT_WEIGHTS, packMatrix(w, inputs, rows, gates));
    r.table(L.RECURRENCE_HIDDEN_WEIGHTS, packMatrix(u, sizes.cells, rows, gates));
    r.table(L.RECURRENCE_INPUT_BIAS, bias(3, 'biases'));
    r.table(L.RECURRENCE_HIDDEN_BIAS, bias(4, 'recurrent biases'));
    if (cell === 'lstm') {
      const peephole = optionalOperand(node, 5, 'peephole weights', [3 * sizes.cells]);
      r.table(L.RECURRENCE_PEEPHOLE, packLanes(Float32Array, peephole ?? new Float32Array(3 * sizes.cells), 3));
    }
    functions.map(gateFunction).forEach(({ kind, alpha, beta }, i) => {
      const at = L.RECURRENCE_FUNCTIONS + i * L.RECURRENCE_FUNCTION_BYTES;
      r.int(at, kinds[kind]);
      r.float(at + 4, alpha);
      r.float(at + 8, beta);
    });
    finish();
  },
};
