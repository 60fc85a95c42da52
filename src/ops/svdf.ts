import * as L from '../../assembly/layout';
import { innermost, input, output, perTensor } from '../graph/graph';
import type { Operator } from './operator';
import { staysPacked } from './shared/nibbles';
import { packLanes, packMatrix, rowSums } from './shared/pack';
import { activationRange, quantizedRange } from './shared/quantized';
import { constantOperand, demandShape, fixedPoint, keepState, modeCode, modeOf, optionalOperand, scalesOfGates,
  sequenceShape, stridesOfSequence } from './shared/recurrent';
import { demand, unsupported } from './shared/refuse';
import { density } from './shared/sparse';
import { f32 } from './shared/rounding';
import { stepwise } from './shared/stream';

export const svdf: Operator<'svdf'> = {
  quantization: 'float',
  stream: stepwise,
  isChannelwise: false,
  weights: { outputAxis: 'first' },
  fusesActivation: true,
  isStateful: true,
  infer(node) {
    const inputs = input(node, 0).shape.at(-1) ?? 1;
    const [filters = 0] = input(node, 1).shape;
    const { rank } = node.attributes;
    const units = filters / rank;
    demand(node, Number.isInteger(units) && units > 0, `its ${filters} filters are not a multiple of the rank ${rank}`);
    demandShape(node, input(node, 1), 'feature weights', [filters, inputs]);
    demandShape(node, input(node, 2), 'time weights', [filters, input(node, 2).shape[1] ?? 0]);
    if (node.inputs[3]) demandShape(node, node.inputs[3], 'biases', [units]);
    demand(node, node.inputs.length <= 4, `it has ${node.inputs.length} operands; at most 4 are possible`);
    return [sequenceShape(node, units)];
  },
  lower(node, emit) {
    const { timeMajor, reverse, hybrid, rank, activation, stateScale } = node.attributes;
    const mode = modeOf(node, hybrid);
    const x = input(node, 0);
    const y = output(node);
    const units = innermost(y.shape);
    const filters = units * rank;
    const { time, batch, inputs, strides } = stridesOfSequence(x, timeMajor, units);
    const memory = input(node, 2).shape[1]!;
    const feature = constantOperand(node, 1, 'feature weights', [filters, inputs]);
    const times = constantOperand(node, 2, 'time weights', [filters, memory]);
    const bias = optionalOperand(node, 3, 'biases', [units]);
    if (reverse) throw unsupported(node, 'backwards; only forwards is possible');
    if (Math.max(inputs, units, rank, memory) > 65536) throw unsupported(node, 'a layer of more than 65536');
    const int8 = mode === 'int8';
    const state = keepState(
      node,
      emit,
      'memory',
      [batch, filters, memory],
      int8 ? 'int16' : 'float32',
      int8 ? { scale: stateScale ?? 2 ** -11, zeroPoint: 0 } : undefined,
    );
    const r = emit.record(L.OP_SVDF, L.SVDF_BYTES, x.dtype, node, node.op, time * batch * filters * (inputs + memory));
    r.source(L.SVDF_SOURCE, x);
    r.target(L.SVDF_TARGET, y);
    r.target(L.SVDF_STATE, state);
    const packs = staysPacked(feature.data, emit);
    r.table(L.SVDF_FEATURE_WEIGHTS, packMatrix(feature.data, inputs, filters, 1, packs));
    if (packs) {
      r.int(L.SVDF_NIBBLES, 1);
      r.layout('nibbles', density([feature.data], 0));
    }
    r.table(L.SVDF_TIME_WEIGHTS, times.data);
    r.table(
      L.SVDF_BIAS,
      int8 ? Int32Array.from(bias ?? new Int32Array(units)) : Float32Array.from(bias ?? new Float32Array(units)),
    );
    r.ints(L.SVDF_TIME, [time, batch, inputs, units, rank, memory, ...strides, modeCode(mode, hybrid)]);
    if (mode !== 'float32') r.table(L.SVDF_SUMS, packLanes(Int32Array, rowSums(feature.data, inputs), 1));
    if (!int8) {
      if (!(times.data instanceof Float32Array)) {
        throw unsupported(node, `time weights of ${times.dtype}; float32 is possible`);
      }
      const [low, high] = activationRange(activation);
      if (mode === 'hybrid') r.float(L.SVDF_SCALE, scalesOfGates(node, feature, 1)[0]!);
      r.float(L.SVDF_MIN, low);
      r.float(L.SVDF_MAX, high);
      return;
    }
    if (!(times.data instanceof Int16Array) || stateScale === undefined) {
      throw unsupported(node, 'int8 without time weights of int16 and the scale of its state');
    }
    const qx = perTensor(x);
    const qy = perTensor(y);
    const [fs] = scalesOfGates(node, feature, 1);
    const [ts] = scalesOfGates(node, times, 1);
    const [low, high] = quantizedRange(activation, y);
    r.ints(L.SVDF_SOURCE_ZERO, [qx.zeroPoint, qy.zeroPoint,
      ...fixedPoint(node, f32(f32(f32(qx.scale) * fs!) / f32(stateScale))),
      ...fixedPoint(node, f32(f32(f32(stateScale) * ts!) / f32(qy.scale))), low, high]);
  },
};
