import fc from 'fast-check';
import { test } from 'vitest';
import { biases, checkSequence, hybridOf, isFloat, pruneBlocks, sequence, sequences, weights,
  withWidth } from './sequences';
import { property, Random, single, quantizations } from './suite';

test('rnn has the bits of the reference in int8 and its values in floats, with every activation and in every flavor', () => {
  property(
    fc.record({
      sequence: sequences,
      activation: fc.constantFrom(
        'tanh' as const,
        'tanh' as const,
        'relu' as const,
        'relu6' as const,
        'reluN1To1' as const,
        'none' as const,
      ),
      bias: fc.boolean(),
      y: quantizations,
    }),
    250,
    ({ sequence: s, activation, bias, y }) => {
      const { type } = s;
      const random = new Random(s.seed);
      const x = sequence(s);
      const isTanh = activation === 'tanh';
      const yScale = isTanh ? 1 / 128 : y.scale;
      const output = {
        name: 'y',
        shape: withWidth(x, s.hiddenSize),
        dtype: x.dtype,
        ...(!isFloat(type) && { quantization: { scale: [yScale], zeroPoint: [isTanh ? 0 : y.zeroPoint], axis: 0 } }),
      };
      const w = pruneBlocks(
        random,
        weights(random, 'w', 1, s.hiddenSize, s.inputs, type, s.x.scale),
        1,
        s.densities[0],
      );
      const u = pruneBlocks(
        random,
        weights(random, 'u', 1, s.hiddenSize, s.hiddenSize, type, yScale * 4),
        1,
        s.densities[1],
      );
      const operands = [x, w, u, bias ? biases(random, 'b', s.hiddenSize, type) : null];
      // sums that grow from step to step leave nothing to compare
      const bounded = !isFloat(type) || isTanh ? activation : 'reluN1To1';
      checkSequence(
        single(
          'rnn',
          operands,
          { timeMajor: s.timeMajor, reverse: s.reverse, ...hybridOf(type), activation: bounded },
          output,
        ),
        s,
      );
    },
  );
});
