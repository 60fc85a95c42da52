import { describe, expect, it } from 'vitest';
import { topK } from '../../src/tasks/labels';

describe('the best classes', () => {
  it('come best first, with labels', () => {
    expect(topK([0.1, 0.7, 0.2], ['cat', 'dog', 'fish'], 2)).toEqual([{ index: 1, label: 'dog', score: 0.7 }, {
      index: 2,
      label: 'fish',
      score: 0.2,
    }]);
  });

  it('are called by their index where there is no label', () => {
    expect(topK(Float32Array.of(1, 2), ['only'], 1)).toEqual([{ index: 1, label: '1', score: 2 }]);
  });

  it('keep their order when they are equal', () => {
    expect(topK(Int8Array.of(3, 5, 5, 3)).map(({ index }) => index)).toEqual([1, 2, 0, 3]);
  });

  it('are never those that are not numbers', () => {
    expect(topK([NaN, -5], [], 1)[0]!.index).toBe(1);
  });

  it('are no more than there are, and at least none', () => {
    expect(topK([1, 2], [], 10)).toHaveLength(2);
    expect(topK([1, 2], [], -1)).toHaveLength(0);
  });
});
