import { describe, test } from 'vitest';
import type { LogicKind } from '../../src/graph/operators';
import { checkBroadcasts } from './broadcasts';

const kinds: LogicKind[] = ['and', 'or', 'xor'];

describe('logic', () => {
  test.each(kinds)('%s equals the reference for random broadcasts of truth values', (kind) => {
    checkBroadcasts({
      op: 'logic',
      attributes: { kind },
      types: ['bool', 'bool'],
      result: 'bool',
      values: (operands, seed) =>
        Object.fromEntries(operands.map(({ name, shape }, k) => {
          const count = shape.reduce((p, q) => p * q, 1);
          return [name, Uint8Array.from({ length: count }, (_, i) => ((seed >> k) + i * (k + 1)) & 3 ? 1 : 0)];
        })),
    }, 60);
  });

  test.each(kinds)('%s takes any byte but 0 as true', (kind) => {
    checkBroadcasts({ op: 'logic', attributes: { kind }, types: ['bool', 'bool'], result: 'bool' }, 30);
  });
});
