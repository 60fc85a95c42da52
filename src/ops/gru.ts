import * as L from '../../assembly/layout';
import { input, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { checkStates, hasStateOperands, placeStates } from './shared/cellStates';
import { int8Gru, UNIT_RANGE } from './shared/int8Recurrent';
import { recurrentMatrices } from './shared/matrices';
import { foldZeroPoint, rowSums } from './shared/pack';
import { checkOutputSteps, constantOperand, demandShape, emitCell, emitSums, gateParts, GATE_SCALE, modeOf,
  optionalOperand, plainWords, sequenceShape, sizesOf, type Cell } from './shared/recurrent';
import { stepwise } from './shared/stream';

export const gru: Operator<'gru'> = {
  quantization: (node) => (node.attributes.gate === 'relu0To1' || hasStateOperands(node) ? 'float' : UNIT_RANGE),
  stream: stepwise,
  isChannelwise: false,
  weights: {
    outputAxis: 'first',
    // if the reset gate precedes the product, the gates multiply different rows
    matrices: (node) => recurrentMatrices(node, { recurrentBiasAt: 4, seesState: node.attributes.resetAfter }),
  },
  int8: { convert: (node, x) => ({ ...node, inputs: int8Gru(node, x) }) },
  isStateful: true,
  infer(node) {
    const { inputs, cells } = sizesOf(node);
    demandShape(node, input(node, 1), 'weights', [3 * cells, inputs]);
    demandShape(node, input(node, 2), 'recurrent weights', [3 * cells, cells]);
    for (const index of [3, 4]) if (node.inputs[index]) demandShape(node, node.inputs[index], 'biases', [3 * cells]);
    return [sequenceShape(node, cells), ...checkStates(node)];
  },
  lower(node, emit) {
    const { inputs, cells } = sizesOf(node);
    const rows = 3 * cells;
    const { attributes } = node;
    const mode = modeOf(node, attributes.hybrid);
    const x = input(node, 0);
    const w = constantOperand(node, 1, 'weights', [rows, inputs]);
    const u = constantOperand(node, 2, 'recurrent weights', [rows, cells]);
    const inputBias = optionalOperand(node, 3, 'biases', [rows]) ?? new Float32Array(rows);
    const hiddenBias = optionalOperand(node, 4, 'recurrent biases', [rows]) ?? new Float32Array(rows);
    const kind = attributes.resetAfter ? L.RECURRENT_GRU : L.RECURRENT_GRU_RESET_FIRST;
    const cell: Cell = { kind, gates: 3, cells, outputs: cells, inputBias, hiddenBias, activation: 'tanh' };
    // the state of an int8 layer changes by small amounts, so it is stored with more bits than the
    // products use
    const { tensors: [hidden], finish } = placeStates(node, emit);
    const parts = gateParts(node, mode);
    if (mode !== 'int8') {
      const r = emitCell(node, emit, { ...cell, parts }, attributes, hidden!);
      if (mode === 'hybrid') emitSums(node, r, cell);
      return finish();
    }
    const qx = perTensor(x);
    checkOutputSteps(node, 1 / 128, 0);
    cell.inputBias = foldZeroPoint(rowSums(w.data, inputs), qx.zeroPoint, inputBias);
    cell.hiddenBias = foldZeroPoint(rowSums(u.data, cells), 0, hiddenBias);
    cell.words = plainWords(node, 3, qx.scale, 1 / 128, GATE_SCALE);
    const r = emitCell(node, emit, cell, attributes, hidden!);
    r.int(L.RECURRENT_MIN, -128);
    r.int(L.RECURRENT_MAX, 127);
    finish();
  },
};
