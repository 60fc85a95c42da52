import * as L from '../../assembly/layout';
import { input, output, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { checkStates, hasStateOperands, placeStates } from './shared/cellStates';
import { int8Operands, UNIT_RANGE } from './shared/int8Recurrent';
import { recurrentMatrices } from './shared/matrices';
import { foldZeroPoint, rowSums } from './shared/pack';
import { quantizedRange } from './shared/quantized';
import { checkOutputSteps, constantOperand, demandShape, emitCell, emitSums, GATE_SCALE, modeOf, optionalOperand,
  plainWords, sequenceShape, sizesOf, type Cell } from './shared/recurrent';
import { stepwise } from './shared/stream';

export const rnn: Operator<'rnn'> = {
  quantization(node) {
    if (hasStateOperands(node)) return 'float';
    return node.attributes.activation === 'tanh' ? UNIT_RANGE : 'weights';
  },
  stream: stepwise,
  isChannelwise: false,
  weights: { outputAxis: 'first', matrices: (node) => recurrentMatrices(node) },
  int8: { convert: (node, x) => ({ ...node, inputs: int8Operands(node, x, 1) }) },
  isStateful: true,
  infer(node) {
    const { inputs, cells } = sizesOf(node);
    demandShape(node, input(node, 1), 'weights', [cells, inputs]);
    demandShape(node, input(node, 2), 'recurrent weights', [cells, cells]);
    if (node.inputs[3]) demandShape(node, node.inputs[3], 'biases', [cells]);
    return [sequenceShape(node, cells), ...checkStates(node)];
  },
  lower(node, emit) {
    const { inputs, cells } = sizesOf(node);
    const { attributes } = node;
    const mode = modeOf(node, attributes.hybrid);
    const x = input(node, 0);
    const y = output(node);
    const w = constantOperand(node, 1, 'weights', [cells, inputs]);
    const u = constantOperand(node, 2, 'recurrent weights', [cells, cells]);
    const bias = optionalOperand(node, 3, 'biases', [cells]) ?? new Float32Array(cells);
    const cell: Cell = {
      kind: L.RECURRENT_RNN,
      gates: 1,
      cells,
      outputs: cells,
      inputBias: bias,
      hiddenBias: new Float32Array(cells),
      activation: attributes.activation,
    };
    const { tensors: [hidden], finish } = placeStates(node, emit);
    if (mode !== 'int8') {
      const r = emitCell(node, emit, cell, attributes, hidden!);
      if (mode === 'hybrid') emitSums(node, r, cell);
      return finish();
    }
    // accumulators are rescaled to 1/256 of the output scale; tanh has a fixed scale
    const qx = perTensor(x);
    const qy = perTensor(y);
    const isTanh = attributes.activation === 'tanh';
    if (isTanh) checkOutputSteps(node, 1 / 128, 0);
    const [low, high] = attributes.activation === 'tanh' ? [-128, 127] : quantizedRange(attributes.activation, y);
    cell.activation = isTanh ? 'tanh' : 'none';
    cell.inputBias = foldZeroPoint(rowSums(w.data, inputs), qx.zeroPoint, bias);
    cell.hiddenBias = foldZeroPoint(rowSums(u.data, cells), qy.zeroPoint);
    cell.words = plainWords(node, 1, qx.scale, qy.scale, isTanh ? GATE_SCALE : qy.scale / 256);
    const r = emitCell(node, emit, cell, attributes, hidden!);
    r.int(L.RECURRENT_TARGET_ZERO, qy.zeroPoint);
    r.int(L.RECURRENT_MIN, low);
    r.int(L.RECURRENT_MAX, high);
    finish();
  },
};
