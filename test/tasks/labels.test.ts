import { describe, expect, it } from 'vitest';
import { topK } from '../../src/tasks/labels';

describe('topK', () => {
  it('returns the classes with the highest scores first, with labels', () => {
    expect(topK([0.1, 0.7, 0.2], ['cat', 'dog', 'fish'], 2)).toEqual([{ index: 1, label: 'dog', score: 0.7 }, {
      index: 2,
      label: 'fish',
      score: 0.2,
    }]);
  });

  it('uses the index as the label if there is none', () => {
    expect(topK(Float32Array.of(1, 2), ['only'], 1)).toEqual([{ index: 1, label: '1', score: 2 }]);
  });

  it('keeps the order of equal scores', () => {
    expect(topK(Int8Array.of(3, 5, 5, 3)).map(({ index }) => index)).toEqual([1, 2, 0, 3]);
  });

  it('ranks NaN last', () => {
    expect(topK([NaN, -5], [], 1)[0]!.index).toBe(1);
  });

  it('clamps k to 0 and the number of classes', () => {
    expect(topK([1, 2], [], 10)).toHaveLength(2);
    expect(topK([1, 2], [], -1)).toHaveLength(0);
  });
});
