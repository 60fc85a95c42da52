import { describe, expect, it } from 'vitest';
import { Goal } from '../../../src/compiler/quantize/goal';
import type { Comparison, OutputComparison } from '../../../src/compiler/index';

const comparison = (samples: number, ...outputs: Partial<OutputComparison>[]): Comparison => ({
  samples,
  outputs: outputs.map((output, i) => ({ name: `y${i}`, maxError: 0, verdict: 'close', ...output })),
  verdict: 'close',
});

describe('the goal of keep: auto', () => {
  const goal = new Goal([false, true]);

  it('is 30 dB without classes', () => {
    expect(goal.shortfall(comparison(10, { sqnr: 30 }))).toBe(0);
    expect(goal.shortfall(comparison(10, { sqnr: 27.5 }))).toBe(2.5);
    expect(goal.shortfall(comparison(10, { sqnr: Infinity }, { sqnr: 28 }))).toBe(2);
    expect(goal.text(comparison(10, { sqnr: 22.34 }))).toBe('leave 22.3 dB at the outputs; goal 30 dB');
    expect(goal.text(comparison(10, { sqnr: 29 }, { sqnr: 28 }))).toBe('leave 28.0 dB at output "y1"; goal 30 dB');
  });

  it('is the same best class for 99 % of the samples, or all but one of few', () => {
    const changed = (count: number, samples: number): boolean =>
      goal.isMissed(comparison(samples, { sqnr: 40, agreement: (samples - count) / samples }), 0);
    expect([changed(0, 4), changed(1, 4), changed(1, 24)]).toEqual([false, true, true]);
    expect([changed(1, 25), changed(2, 64), changed(1, 100), changed(2, 100)]).toEqual([false, true, false, true]);
    expect([changed(2, 200), changed(3, 200)]).toEqual([false, true]);
    expect(goal.text(comparison(64, { sqnr: 40, agreement: 60 / 64 })))
      .toBe('change 6.3 % of the best classes at the outputs; goal 1 %');
  });

  it('also asks for 20 dB of scores that are no probabilities', () => {
    expect(goal.text(comparison(64, { sqnr: 15, agreement: 1 }))).toBe('leave 15.0 dB at the outputs; goal 20 dB');
    expect(goal.shortfall(comparison(64, { sqnr: 15, agreement: 1 }))).toBe(5);
    expect(goal.shortfall(comparison(64, { sqnr: 30 }, { sqnr: 15, agreement: 1 }))).toBe(0);
  });

  it('is the same values for integers', () => {
    expect(goal.shortfall(comparison(100, { agreement: 0.995 }))).toBe(0);
    expect(goal.text(comparison(100, { agreement: 0.9 }))).toBe('change 10.0 % of the values at the outputs; goal 1 %');
  });
});
