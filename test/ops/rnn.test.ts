import fc from 'fast-check';
import { test } from 'vitest';
import { biases, checkSequence, hybridOf, isFloat, pruneBlocks, sequence, sequences, weights,
  withWidth } from './sequences';
import { property, Random, single, steps } from './suite';

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
      y: steps,
    }),
    250,
    ({ sequence: s, activation, bias, y }) => {
      const { type } = s;
      const random = new Random(s.seed);
      const x = sequence(s);
      const isTanh = activation === 'tanh';
      const step = isTanh ? 1 / 128 : y.scale;
      const output = {
        name: 'y',
        shape: withWidth(x, s.cells),
        dtype: x.dtype,
        ...(!isFloat(type) && { quantization: { scale: [step], zeroPoint: [isTanh ? 0 : y.zero], axis: 0 } }),
      };
      const w = pruneBlocks(random, weights(random, 'w', 1, s.cells, s.inputs, type, s.x.scale), 1, s.left[0]);
      const u = pruneBlocks(random, weights(random, 'u', 1, s.cells, s.cells, type, step * 4), 1, s.left[1]);
      const operands = [x, w, u, bias ? biases(random, 'b', s.cells, type) : null];
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
