import fc from 'fast-check';
import type { Graph } from '../../src/graph/graph';
import type { Attributes, CellActivation } from '../../src/graph/operators';
import { biases, gateVectors, hybridOf, isFloat, pruneBlocks, sequence, weights, withWidth,
  type SequenceSpec } from './sequences';
import { quantizations, Random, single, type Quantization } from './suite';

// Random LSTM layers with any combination of the optional parts.

interface LstmSpec {
  sequence: SequenceSpec;
  /** Whether the input gate is 1 − the forget gate. */
  coupled: boolean;
  peephole: boolean;
  norm: boolean;
  /** The size of the projection; undefined without one. */
  projection: number | undefined;
  projectionBias: boolean;
  bias: boolean;
  cellClip: number;
  projectionClip: number;
  /** Fractional bits of the int16 cell state. */
  cellBits: number;
  y: Quantization;
  activation: CellActivation;
  hardGates: boolean;
}

export const lstmSpecs = (sequences: fc.Arbitrary<SequenceSpec>): fc.Arbitrary<LstmSpec> =>
  fc.record({
    sequence: sequences,
    coupled: fc.boolean(),
    peephole: fc.boolean(),
    norm: fc.boolean(),
    projection: fc.option(fc.constantFrom(1, 5, 8, 12), { nil: undefined }),
    projectionBias: fc.boolean(),
    bias: fc.boolean(),
    cellClip: fc.constantFrom(0, 0, 0.7),
    projectionClip: fc.constantFrom(0, 0, 0.5),
    cellBits: fc.constantFrom(9, 11, 12, 15),
    y: quantizations,
    activation: fc.constantFrom<CellActivation>('tanh', 'tanh', 'relu', 'none'),
    hardGates: fc.boolean(),
  });

export function lstmGraph(spec: LstmSpec): Graph {
  const { sequence: s, coupled, projection, y } = spec;
  const { type, hiddenSize } = s;
  const random = new Random(s.seed);
  const x = sequence(s);
  const gates = coupled ? 3 : 4;
  const float = isFloat(type);
  const outputSize = projection ?? hiddenSize;
  const yScale = Math.fround(projection ? y.scale / 8 : 1 / 127);
  const yZeroPoint = projection ? y.zeroPoint : Math.round(y.zeroPoint / 3);
  const output = {
    name: 'y',
    shape: withWidth(x, outputSize),
    dtype: x.dtype,
    ...(!float && { quantization: { scale: [yScale], zeroPoint: [yZeroPoint], axis: 0 } }),
  };
  const w = weights(random, 'w', gates, hiddenSize, s.inputs, type, s.x.scale);
  pruneBlocks(random, w, gates, s.densities[0]);
  const u = weights(random, 'u', gates, hiddenSize, outputSize, type, yScale);
  pruneBlocks(random, u, gates, s.densities[1]);
  const operands = [x, w, u, spec.bias ? biases(random, 'b', gates * hiddenSize, type) : null,
    spec.peephole ? gateVectors(random, 'p', gates - 1, hiddenSize, type) : null,
    projection ? weights(random, 'projection', 1, projection, hiddenSize, type, 1 / 127) : null,
    projection && spec.projectionBias ? biases(random, 'pb', projection, type) : null,
    spec.norm ? gateVectors(random, 'n', gates, hiddenSize, type) : null];
  const attributes: Attributes['lstm'] = {
    timeMajor: s.timeMajor,
    reverse: s.reverse,
    ...hybridOf(type),
    activation: float ? spec.activation : 'tanh',
    ...(float && spec.hardGates && { gate: 'relu0To1' }),
    cellClip: spec.cellClip,
    projectionClip: spec.projectionClip,
  };
  if (!float) {
    attributes.cellScale = 2 ** -spec.cellBits;
    attributes.gateScales = Array.from({ length: gates }, () => 2 ** -10);
    if (projection) attributes.hidden = { scale: Math.fround(1 / 120), zeroPoint: random.int(-20, 20) };
  }
  return single('lstm', operands, attributes, output);
}
