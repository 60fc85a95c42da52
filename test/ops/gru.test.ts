import fc from 'fast-check';
import { biases, checkSequence, hybridOf, isFloat, pruneBlocks, recurrentSuite, sequence, weights,
  withWidth } from './sequences';
import { Random, single } from './suite';

recurrentSuite(
  'gru',
  250,
  (sequences) =>
    fc.record({
      sequence: sequences,
      resetAfter: fc.boolean(),
      hardGates: fc.boolean(),
      bias: fc.boolean(),
      recurrentBias: fc.boolean(),
    }),
  ({ sequence: s, resetAfter, hardGates, bias, recurrentBias }) => {
    const { type, hiddenSize } = s;
    const random = new Random(s.seed);
    const x = sequence(s);
    const output = {
      name: 'y',
      shape: withWidth(x, hiddenSize),
      dtype: x.dtype,
      ...(!isFloat(type) && { quantization: { scale: [1 / 128], zeroPoint: [0], axis: 0 } }),
    };
    const w = weights(random, 'w', 3, hiddenSize, s.inputs, type, s.x.scale);
    pruneBlocks(random, w, 3, s.densities[0]);
    const u = weights(random, 'u', 3, hiddenSize, hiddenSize, type, 1 / 128);
    pruneBlocks(random, u, 3, s.densities[1]);
    const operands = [x, w, u, bias ? biases(random, 'b', 3 * hiddenSize, type) : null,
      recurrentBias ? biases(random, 'ub', 3 * hiddenSize, type) : null];
    const attributes = {
      timeMajor: s.timeMajor,
      reverse: s.reverse,
      ...hybridOf(type),
      resetAfter,
      ...(isFloat(type) && hardGates && { gate: 'relu0To1' as const }),
    };
    checkSequence(single('gru', operands, attributes, output), s);
  },
);
