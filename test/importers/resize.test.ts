import { describe, expect, test } from 'vitest';
import { emitResize, resizedAxes } from '../../src/importers/shared/resize';
import { operatorOn } from './operators';

describe('a resize by the rules of ONNX', () => {
  test('rounds sizes down, and keeps the scales as given', () => {
    expect(resizedAxes([1, 3, 4, 5], [2, 3], { scales: [0.6, 2.3] })).toEqual({ sizes: [2, 11], scales: [0.6, 2.3] });
  });

  test('stretches to sizes, or keeps the proportions within or around them', () => {
    const to = (proportions?: 'fit' | 'cover') =>
      resizedAxes([2, 4], [0, 1], { sizes: [7, 8], ...(proportions && { proportions }) });
    expect(to()).toEqual({ sizes: [7, 8], scales: [3.5, 2] });
    expect(to('fit')).toEqual({ sizes: [4, 8], scales: [2, 2] });
    expect(to('cover')).toEqual({ sizes: [7, 14], scales: [3.5, 3.5] });
  });

  test('becomes a node, unless the output has another shape', () => {
    const options = { mode: 'linear', coordinates: 'halfPixel' } as const;
    const { operator, x } = operatorOn([1, 4, 4, 2], [1, 8, 6, 2]);
    emitResize(operator, x, [1, 2], { scales: [2, 1.6] }, options);
    expect(operator.nodes).toMatchObject([{
      op: 'resample',
      attributes: { axes: [1, 2], scales: [2, 1.6], ...options },
    }]);
    expect(() => emitResize(operator, x, [1, 2], { scales: [2, 2] }, options))
      .toThrow('an output [1, 8, 6, 2] instead of [1, 8, 8, 2]');
  });
});
