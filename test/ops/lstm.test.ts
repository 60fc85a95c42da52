import fc from 'fast-check';
import { test } from 'vitest';
import { biases, checkSequence, hybridOf, isFloat, gateVectors, pruneBlocks, sequence, sequences, weights,
  withWidth } from './sequences';
import { property, Random, single, quantizations } from './suite';

const specs = fc.record({
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
  activation: fc.constantFrom('tanh' as const, 'tanh' as const, 'relu' as const, 'none' as const),
});

test('lstm has the bits of the reference in int8 and its values in floats, with every part and in every flavor', () => {
  property(specs, 300, (spec) => {
    const { sequence: s, coupled, projection, y } = spec;
    const { type } = s;
    const random = new Random(s.seed);
    const x = sequence(s);
    const gates = coupled ? 3 : 4;
    const float = isFloat(type);
    const projectionSize = projection ?? s.hiddenSize;
    const yScale = Math.fround(projection ? y.scale / 8 : 1 / 127);
    const yZeroPoint = projection ? y.zeroPoint : Math.round(y.zeroPoint / 3);
    const output = {
      name: 'y',
      shape: withWidth(x, projectionSize),
      dtype: x.dtype,
      ...(!float && { quantization: { scale: [yScale], zeroPoint: [yZeroPoint], axis: 0 } }),
    };
    const operands = [x,
      pruneBlocks(random, weights(random, 'w', gates, s.hiddenSize, s.inputs, type, s.x.scale), gates, s.densities[0]),
      pruneBlocks(
        random,
        weights(random, 'u', gates, s.hiddenSize, projectionSize, type, yScale),
        gates,
        s.densities[1],
      ), spec.bias ? biases(random, 'b', gates * s.hiddenSize, type) : null,
      spec.peephole ? gateVectors(random, 'p', gates - 1, s.hiddenSize, type) : null,
      projection ? weights(random, 'projection', 1, projection, s.hiddenSize, type, 1 / 127) : null,
      projection && spec.projectionBias ? biases(random, 'pb', projection, type) : null,
      spec.norm ? gateVectors(random, 'n', gates, s.hiddenSize, type) : null];
    const graph = single('lstm', operands, {
      timeMajor: s.timeMajor,
      reverse: s.reverse,
      ...hybridOf(type),
      activation: float ? spec.activation : 'tanh',
      cellClip: spec.cellClip,
      projectionClip: spec.projectionClip,
      ...(!float &&
        {
          cellScale: 2 ** -spec.cellBits,
          ...(projection && { hidden: { scale: Math.fround(1 / 120), zeroPoint: random.int(-20, 20) } }),
          gateScales: Array.from({ length: gates }, () => 2 ** -10),
        }),
    }, output);
    checkSequence(graph, s);
  });
});
