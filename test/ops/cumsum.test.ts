import fc from 'fast-check';
import { describe, test } from 'vitest';
import * as L from '../../assembly/layout';
import type { DType } from '../../src/graph/graph';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, property, shapes, single, tensor } from './suite';

test('cumsum equals the reference along every axis, and integers wrap around', () => {
  const spec = fc.record({
    shape: shapes(4, 9),
    axis: fc.nat(),
    dtype: fc.constantFrom<DType>('float32', 'int32', 'int64'),
    exclusive: fc.boolean(),
    reverse: fc.boolean(),
    seed: fc.nat(),
  });
  property(spec, 250, ({ shape, axis, dtype, exclusive, reverse, seed }) => {
    const attributes = { axis: axis % shape.length, exclusive, reverse };
    checkGraph(single('cumsum', [tensor('x', shape, dtype)], attributes, tensor('y', shape, dtype)), seed);
  });
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_CUMSUM);
  refused('a source beyond the arena', record, faults.arena, [L.CUMSUM_SOURCE, 1 << 20]);
  refused('a misaligned target', record, faults.misaligned, [L.CUMSUM_TARGET, 2]);
  refused('more sums than the arena holds', record, faults.arena, [L.CUMSUM_OUTER, 1 << 20]);
  refused('sums of nothing', record, faults.attribute, [L.CUMSUM_COUNT, 0]);
  refused('a negative number of sums', record, faults.attribute, [L.CUMSUM_INNER, -1]);
  refused('a direction that is no truth value', record, faults.attribute, [L.CUMSUM_REVERSE, 2]);
  refused('an exclusion that is no truth value', record, faults.attribute, [L.CUMSUM_EXCLUSIVE, -1]);
  refused('int8', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I8, 'byte']);
});
