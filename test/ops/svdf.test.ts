import fc from 'fast-check';
import { test } from 'vitest';
import { biases, hybridOf, isFloat, gateVectors, sequence, sequences, toleranceOf, weights,
  withWidth } from './sequences';
import { checkGraph, property, Random, single, size, quantizations } from './suite';

test('svdf has the bits of the reference in int8 and its values in floats, in every flavor', () => {
  property(
    fc.record({
      sequence: sequences,
      rank: size(3),
      memory: fc.constantFrom(1, 2, 7, 8, 9, 17),
      activation: fc.constantFrom('none' as const, 'relu' as const, 'relu6' as const),
      bias: fc.boolean(),
      y: quantizations,
    }),
    250,
    ({ sequence: s, rank, memory, activation, bias, y }) => {
      const { type } = s;
      const random = new Random(s.seed);
      const x = sequence(s);
      const units = s.hiddenSize;
      const filters = units * rank;
      const output = {
        name: 'y',
        shape: withWidth(x, units),
        dtype: x.dtype,
        ...(!isFloat(type) && { quantization: { scale: [y.scale], zeroPoint: [y.zeroPoint], axis: 0 } }),
      };
      const time = gateVectors(random, 'time', 1, filters * memory, type);
      const operands = [x, weights(random, 'w', 1, filters, s.inputs, type, s.x.scale), {
        ...time,
        shape: [filters, memory],
      }, bias ? biases(random, 'b', units, type) : null];
      if (time.quantization) {
        operands[2] = {
          ...operands[2]!,
          quantization: { scale: [time.quantization.scale[0]!], zeroPoint: [0], axis: 0 },
        };
      }
      checkGraph(
        single('svdf', operands, {
          timeMajor: s.timeMajor,
          reverse: false,
          ...hybridOf(type),
          rank,
          activation,
          ...(!isFloat(type) && { stateScale: 2 ** -11 }),
        }, output),
        s.seed,
        toleranceOf(type),
      );
    },
  );
});
