import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAP, MAP_PLAN, OP_RECURRENT, PARALLEL_POSSIBLE, RECORD_OPCODE, RECORD_PARALLEL } from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import { readKlet } from '../../src/format/klet';
import { recordOffsets } from '../../src/format/records';
import { loadSync } from '../../src/index';
import { memoryOf } from '../helpers/shares';
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

test.each([[1, 0], [2, PARALLEL_POSSIBLE]])('threads share the items of a batch (%i)', (batch, mark) => {
  const random = new Random(1);
  const x = { name: 'x', shape: [batch, 3, 8], dtype: 'float32' as const };
  const operands = [x, ...['w', 'u'].map((name) => weights(random, name, 3, 8, 8, 'float32', 1)), null, null];
  const file =
    compile(single('gru', operands, { timeMajor: false, reverse: false, resetAfter: true }, { ...x, name: 'y' }));
  const { plan } = readKlet(file);
  const at = recordOffsets(plan).find((offset) => plan[offset + RECORD_OPCODE] === OP_RECURRENT)!;
  const memory = new DataView(memoryOf(loadSync(file)));
  expect(memory.getUint8(memory.getUint32(MAP + MAP_PLAN, true) + at + RECORD_PARALLEL)).toBe(mark);
});
