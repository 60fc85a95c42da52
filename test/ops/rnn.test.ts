import fc from 'fast-check';
import type { CellActivation } from '../../src/graph/operators';
import { biases, checkSequence, hybridOf, isFloat, pruneBlocks, recurrentSuite, sequence, weights,
  withWidth } from './sequences';
import { quantizations, Random, single } from './suite';

const activations = fc.constantFrom<CellActivation>('tanh', 'tanh', 'relu', 'relu6', 'reluN1To1', 'none');

recurrentSuite(
  'rnn',
  250,
  (sequences) => fc.record({ sequence: sequences, activation: activations, bias: fc.boolean(), y: quantizations }),
  ({ sequence: s, activation, bias, y }) => {
    const { type, hiddenSize } = s;
    const random = new Random(s.seed);
    const x = sequence(s);
    const isTanh = activation === 'tanh';
    const yScale = isTanh ? 1 / 128 : y.scale;
    const output = {
      name: 'y',
      shape: withWidth(x, hiddenSize),
      dtype: x.dtype,
      ...(!isFloat(type) && { quantization: { scale: [yScale], zeroPoint: [isTanh ? 0 : y.zeroPoint], axis: 0 } }),
    };
    const w = pruneBlocks(random, weights(random, 'w', 1, hiddenSize, s.inputs, type, s.x.scale), 1, s.densities[0]);
    const u = pruneBlocks(random, weights(random, 'u', 1, hiddenSize, hiddenSize, type, yScale * 4), 1, s.densities[1]);
    const operands = [x, w, u, bias ? biases(random, 'b', hiddenSize, type) : null];
    // Unbounded float states grow at each time step until there is nothing left to compare.
    const bounded = !isFloat(type) || isTanh ? activation : 'reluN1To1';
    const attributes = { timeMajor: s.timeMajor, reverse: s.reverse, ...hybridOf(type), activation: bounded };
    checkSequence(single('rnn', operands, attributes, output), s);
  },
);
