import { describe, test } from 'vitest';
import { allocate } from '../reference/support';
import { checkBroadcasts } from './broadcasts';

describe('select', () => {
  test.each(['int8', 'uint8', 'float32', 'int32', 'int64', 'bool'] as const)(
    'equals the reference for random broadcasts of %s, requantized where the quantizations differ',
    (type) => {
      checkBroadcasts({
        op: 'select',
        attributes: {},
        types: [type, type, 'bool'],
        result: type,
        values: (operands, seed) =>
          Object.fromEntries(operands.map((operand, k) => {
            const count = operand.shape.reduce((p, q) => p * q, 1);
            const at = (i: number): number => ((seed % 1000) + 37 * i + 101 * k) % 251;
            const values = Array.from({ length: count }, (_, i) => (operand.name === 'c' ? at(i) & 1 : at(i) - 125));
            const array = allocate(operand);
            array.set(values);
            return [operand.name, array];
          })),
      }, 60);
    },
  );
});
