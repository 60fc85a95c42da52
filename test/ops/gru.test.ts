import fc from 'fast-check';
import { test } from 'vitest';
import { biases, hybridOf, isFloat, sequence, sequences, toleranceOf, weights, withWidth } from './sequences';
import { checkGraph, property, Random, single } from './suite';

test('gru has the bits of the reference in int8 and its values in floats, with both places of the reset gate and in every flavor', () => {
  property(fc.record({ sequence: sequences, resetAfter: fc.boolean(), bias: fc.boolean(), recurrentBias: fc.boolean() }), 250, ({ sequence: s, resetAfter, bias, recurrentBias }) => {
    const { type } = s, random = new Random(s.seed), x = sequence(s);
    const output = { name: 'y', shape: withWidth(x, s.cells), dtype: x.dtype, ...(!isFloat(type) && { quantization: { scale: [1 / 128], zeroPoint: [0], axis: 0 } }) };
    const operands = [
      x, weights(random, 'w', 3, s.cells, s.inputs, type, s.x.scale), weights(random, 'u', 3, s.cells, s.cells, type, 1 / 128),
      bias ? biases(random, 'b', 3 * s.cells, type) : null, recurrentBias ? biases(random, 'ub', 3 * s.cells, type) : null,
    ];
    checkGraph(single('gru', operands, { timeMajor: s.timeMajor, reverse: s.reverse, ...hybridOf(type), resetAfter }, output), s.seed, toleranceOf(type));
  });
});
