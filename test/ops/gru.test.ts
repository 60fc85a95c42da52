import fc from 'fast-check';
import { test } from 'vitest';
import { biases, checkSequence, hybridOf, isFloat, pruneBlocks, sequence, sequences, weights,
  withWidth } from './sequences';
import { property, Random, single } from './suite';

test('gru has the bits of the reference in int8 and its values in floats, with both places of the reset gate and in every flavor', () => {
  property(
    fc.record({ sequence: sequences, resetAfter: fc.boolean(), bias: fc.boolean(), recurrentBias: fc.boolean() }),
    250,
    ({ sequence: s, resetAfter, bias, recurrentBias }) => {
      const { type } = s;
      const random = new Random(s.seed);
      const x = sequence(s);
      const output = {
        name: 'y',
        shape: withWidth(x, s.hiddenSize),
        dtype: x.dtype,
        ...(!isFloat(type) && { quantization: { scale: [1 / 128], zeroPoint: [0], axis: 0 } }),
      };
      const operands = [x,
        pruneBlocks(random, weights(random, 'w', 3, s.hiddenSize, s.inputs, type, s.x.scale), 3, s.densities[0]),
        pruneBlocks(random, weights(random, 'u', 3, s.hiddenSize, s.hiddenSize, type, 1 / 128), 3, s.densities[1]),
        bias ? biases(random, 'b', 3 * s.hiddenSize, type) : null,
        recurrentBias ? biases(random, 'ub', 3 * s.hiddenSize, type) : null];
      checkSequence(
        single('gru', operands, { timeMajor: s.timeMajor, reverse: s.reverse, ...hybridOf(type), resetAfter }, output),
        s,
      );
    },
  );
});
