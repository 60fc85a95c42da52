import * as L from '../../assembly/layout';
import { input, output, perTensor, type Node } from '../graph/graph';
import type { Operator } from './operator';
import { checkStates, hasStateOperands, placeStates } from './shared/cellStates';
import { int8Lstm, largestCell } from './shared/int8Recurrent';
import { recurrentMatrices } from './shared/matrices';
import { staysPacked } from './shared/nibbles';
import { foldZeroPoint, packLanes, packMatrix, rowSums } from './shared/pack';
import { constantOperand, demandShape, emitCell, emitSums, fixedPoint, gateParts, GATE_SCALE, modeOf, optionalOperand,
  scalesOfGates, sequenceShape, type Cell } from './shared/recurrent';
import { demand, unsupported } from './shared/refuse';
import { f32 } from './shared/rounding';
import { stepwise } from './shared/stream';

/** Sizes of a cell, from the shapes of its weights. */
function sizesOf(node: Node<'lstm'>): { inputs: number; gates: number; cells: number; outputs: number } {
  const inputs = input(node, 0).shape.at(-1) ?? 1;
  const [rows = 0, K] = input(node, 1).shape;
  const [, outputs = 0] = input(node, 2).shape;
  const projection = node.inputs[5];
  const cells = projection ? projection.shape[1]! : outputs;
  const gates = rows / cells;
  demand(node, K === inputs, `its weights take ${K} numbers, its input has ${inputs}`);
  demand(
    node,
    gates === 3 || gates === 4,
    `its weights have ${rows} rows; 4 gates (3 coupled) of ${cells} cells are needed`,
  );
  return { inputs, gates, cells, outputs };
}

export const lstm: Operator<'lstm'> = {
  quantization(node) {
    const { activation, gate } = node.attributes;
    // cells with a normalization, without the bound of tanh, with hard gates, or with states of the
    // network stay in float32
    const isFloat = node.inputs[7] || activation !== 'tanh' || gate === 'relu0To1' || hasStateOperands(node);
    return isFloat ? 'float' : 'weights';
  },
  stream: stepwise,
  isChannelwise: false,
  weights: {
    outputAxis: 'first',
    // a normalization removes the mean, so a bias cannot compensate for pruned weights
    matrices: (node) =>
      recurrentMatrices(node, {
        lanes: node.inputs[5]?.shape[1],
        seesInput: !node.inputs[7],
        seesState: !node.inputs[7],
      }),
  },
  int8: { observe: largestCell, convert: int8Lstm },
  isStateful: true,
  infer(node) {
    const { inputs, gates, cells, outputs } = sizesOf(node);
    const rows = gates * cells;
    const shapes: [number, string, number[]][] = [[1, 'weights', [rows, inputs]], [2, 'recurrent weights', [rows,
      outputs]], [3, 'biases', [rows]], [4, 'peephole weights', [rows - cells]], [5, 'projection', [outputs, cells]], [
      6,
      'projection biases',
      [outputs],
    ], [7, 'norm', [rows]]];
    for (const [index, what, shape] of shapes) {
      if (node.inputs[index]) demandShape(node, node.inputs[index], what, shape);
    }
    return [sequenceShape(node, outputs), ...checkStates(node)];
  },
  lower(node, emit) {
    const { inputs, gates, cells, outputs } = sizesOf(node);
    const rows = gates * cells;
    const { attributes } = node;
    const mode = modeOf(node, attributes.hybrid);
    const int8 = mode === 'int8';
    const x = input(node, 0);
    const y = output(node);
    const w = constantOperand(node, 1, 'weights', [rows, inputs]);
    const u = constantOperand(node, 2, 'recurrent weights', [rows, outputs]);
    const bias = optionalOperand(node, 3, 'biases', [rows]);
    const peephole = optionalOperand(node, 4, 'peephole weights', [rows - cells]);
    const projection = node.inputs[5] ? constantOperand(node, 5, 'projection', [outputs, cells]) : undefined;
    const projectionBias = optionalOperand(node, 6, 'projection biases', [outputs]);
    const norm = optionalOperand(node, 7, 'norm', [rows]);
    const ownBias = bias ?? new Float32Array(rows);
    const sumBias = norm ? new Float32Array(rows) : ownBias;
    const cell: Cell = {
      kind: L.RECURRENT_LSTM,
      gates,
      cells,
      outputs,
      inputBias: sumBias,
      hiddenBias: new Float32Array(rows),
      activation: attributes.activation,
    };
    const cellScale = attributes.cellScale ?? 2 ** -11;
    const bits = 15 + Math.log2(cellScale);
    if (int8) {
      const qx = perTensor(x);
      const qy = perTensor(y);
      if (attributes.activation !== 'tanh') {
        throw unsupported(node, `the activation ${attributes.activation} on int8; tanh is possible`);
      }
      if (!Number.isInteger(bits) || bits < 0 || bits > 6) {
        throw unsupported(
          node,
          `its cell state has the scale ${cellScale}; powers of two from 2^-15 to 2^-9 are possible`,
        );
      }
      cell.inputBias = foldZeroPoint(rowSums(w.data, inputs), qx.zeroPoint, sumBias);
      cell.hiddenBias = foldZeroPoint(rowSums(u.data, outputs), qy.zeroPoint);
      cell.words = gateWords(node, gates, qx.scale, qy.scale, cellScale);
    }
    const { tensors: [hidden, state], finish } = placeStates(node, emit);
    const parts = (gates === 3 ? L.RECURRENT_COUPLED : 0) | (peephole ? L.RECURRENT_HAS_PEEPHOLE : 0) |
      (norm ? L.RECURRENT_HAS_NORM : 0) | (projection ? L.RECURRENT_HAS_PROJECTION : 0) | gateParts(node, mode);
    const numbers = int8 ? Int16Array : Float32Array;
    const biases = int8 ? Int32Array : Float32Array;
    const packs = projection !== undefined && staysPacked(projection.data, emit);
    cell.parts = parts | (packs ? L.RECURRENT_PROJECTION_NIBBLES : 0);
    const r = emitCell(node, emit, cell, attributes, hidden!);
    r.target(L.RECURRENT_CELL, state!);
    if (peephole) {
      // the gate g has no peephole
      const all = new numbers(rows);
      const g = (gates - 2) * cells;
      all.set(peephole.subarray(0, g));
      all.set(peephole.subarray(g), g + cells);
      r.table(L.RECURRENT_PEEPHOLE, packLanes(numbers, all, gates));
    }
    if (norm) {
      r.table(L.RECURRENT_NORM, packLanes(numbers, norm, gates));
      r.table(L.RECURRENT_NORM_BIAS, packLanes(biases, ownBias, gates));
    }
    if (projection) r.table(L.RECURRENT_PROJECTION, packMatrix(projection.data, cells, outputs, 1, packs));
    if (mode === 'hybrid') emitSums(node, r, cell, projection && { values: projection.data, K: cells });
    if (int8) {
      const qy = perTensor(y);
      const h = attributes.hidden ?? qy;
      r.ints(L.RECURRENT_OUT_MULTIPLIER, [...fixedPoint(node, f32(f32(2 ** -15 / f32(h.scale)) * 2 ** -15)),
        -h.zeroPoint]);
      r.int(L.RECURRENT_TARGET_ZERO, qy.zeroPoint);
      r.int(L.RECURRENT_CELL_BITS, bits);
      r.int(L.RECURRENT_MIN, -128);
      r.int(L.RECURRENT_MAX, 127);
      r.int(L.RECURRENT_CELL_CLIP, clipSteps(attributes.cellClip, cellScale, 32767));
      r.int(L.RECURRENT_PROJECTION_CLIP, clipSteps(attributes.projectionClip, qy.scale, 127));
      if (projection) {
        const [scale] = scalesOfGates(node, projection, 1);
        r.ints(L.RECURRENT_PROJECTION_MULTIPLIER, fixedPoint(node, f32(f32(scale! * f32(h.scale)) / f32(qy.scale))));
        r.table(
          L.RECURRENT_PROJECTION_BIAS,
          packLanes(Int32Array, foldZeroPoint(rowSums(projection.data, cells), h.zeroPoint, projectionBias), 1),
        );
      }
    } else {
      r.float(L.RECURRENT_CELL_CLIP, attributes.cellClip);
      r.float(L.RECURRENT_PROJECTION_CLIP, attributes.projectionClip);
      if (projection) {
        r.table(L.RECURRENT_PROJECTION_BIAS, packLanes(Float32Array, projectionBias ?? new Float32Array(outputs), 1));
      }
      if (projection && mode === 'hybrid') {
        r.float(L.RECURRENT_PROJECTION_SCALE, scalesOfGates(node, projection, 1)[0]!);
      }
    }
    finish();
  },
};

/** A clip value in quantized units, truncated to an integer as in TensorFlow Lite. */
function clipSteps(clip: number, scale: number, most: number): number {
  return clip > 0 ? Math.trunc(Math.min(f32(clip / f32(scale)), most)) : 0;
}

/**
 * Factors that rescale the accumulators, peephole products and normalization of each gate to its
 * int16 scale.
 */
function gateWords(
  node: Node<'lstm'>,
  gates: number,
  inputScale: number,
  hiddenScale: number,
  cellScale: number,
): number[][] {
  const ws = scalesOfGates(node, input(node, 1), gates);
  const us = scalesOfGates(node, input(node, 2), gates);
  const g = gates - 2;
  const peephole = node.inputs[4] ? scalesOfGates(node, node.inputs[4], gates - 1) : [];
  const norm = node.inputs[7] ? scalesOfGates(node, node.inputs[7], gates) : undefined;
  return ws.map((w, gate) => {
    const steps = f32(norm ? node.attributes.gateScales?.[gate] ?? GATE_SCALE : GATE_SCALE);
    const p = gate === g ? undefined : peephole[gate < g ? gate : gate - 1];
    return [...fixedPoint(node, f32(f32(w * f32(inputScale)) / steps)),
      ...fixedPoint(node, f32(f32(us[gate]! * f32(hiddenScale)) / steps)),
      ...(p === undefined ? [0, 0] : fixedPoint(node, f32(f32(cellScale * p) / steps))),
      ...(norm ? [...fixedPoint(node, norm[gate]!), Math.max(1, Math.trunc(f32(10000 * norm[gate]!)))] : [0, 0, 1])];
  });
}
