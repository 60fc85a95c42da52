import { describe, expect, test } from 'vitest';
import { runOnnx } from './run';
import { onnxTypes, type AttributeValue, type OnnxConstant } from './writer';

const integer = (name: string, value: number): OnnxConstant => ({
  name,
  shape: [],
  data: [value],
  type: onnxTypes.int64,
});

function dft(
  shape: number[],
  x: number[],
  version: number,
  attributes: Record<string, AttributeValue>,
  constants: OnnxConstant[] = [],
  inputs = ['x', ...constants.map(({ name }) => name)],
): number[] {
  return runOnnx(
    {
      nodes: [{ op: 'DFT', inputs, outputs: ['y'], attributes }],
      inputs: [{ name: 'x', shape }],
      outputs: [{ name: 'y' }],
      constants,
    },
    { x },
    version,
  )['y']!;
}
const near = (values: number[]): unknown[] => values.map((value): unknown => expect.closeTo(value, 5));

describe('DFT', () => {
  test('has the axis as an attribute or an input, and a length', () => {
    const x = [1, 2, 3, 5];
    const y = [11, 0, -2, 3, -3, 0, -2, -3];
    expect(dft([1, 4, 1], x, 17, {})).toEqual(near(y));
    expect(dft([1, 4, 1], x, 20, {})).toEqual(near(y));
    expect(dft([1, 4, 1], x, 20, { onesided: 1 })).toEqual(near(y.slice(0, 6)));
    expect(dft([4, 1, 1], x, 17, { axis: 0 })).toEqual(near(y));
    expect(dft([4, 1, 1], x, 20, {}, [integer('axis', -3)], ['x', '', 'axis'])).toEqual(near(y));
    expect(dft([4, 1, 1], x, 20, {}, [integer('n', 2), integer('axis', 0)])).toEqual(near([3, 0, -1, 0]));
    expect(dft([1, 4, 2], y, 17, { inverse: 1 })).toEqual(near([1, 0, 2, 0, 3, 0, 5, 0]));
  });

  test('is refused for the inverse of one side and for axes that do not exist', () => {
    expect(() => dft([1, 4, 2], [1, 2, 3, 4, 5, 6, 7, 8], 20, { inverse: 1, onesided: 1 }))
      .toThrow(/DFT with the inverse of one side/);
    expect(() => dft([1, 4, 1], [1, 2, 3, 4], 17, { axis: 3 })).toThrow(/has the axis 3 of 3 dimensions/);
  });
});

describe('STFT', () => {
  const signal = Array.from({ length: 23 }, (_, i) => Math.cos(i * i));
  const run = (step: number, length: number, window: number[] | undefined, onesided: 0 | 1, shape = [1, 23, 1]) => {
    const constants = [integer('step', step), ...(window ? [{ name: 'w', shape: [length], data: window }] : []),
      integer('length', length)];
    return runOnnx(
      {
        nodes: [{
          op: 'STFT',
          inputs: ['x', 'step', window ? 'w' : '', 'length'],
          outputs: ['y'],
          attributes: { onesided },
        }],
        inputs: [{ name: 'x', shape }],
        outputs: [{ name: 'y' }],
        constants,
      },
      { x: signal },
      17,
    )['y']!;
  };

  test.each([[4, 8], [3, 8], [8, 4], [5, 5], [1, 6], [7, 23]])(
    'transforms windows of the signal: step %i, length %i',
    (step, length) => {
      const window = Array.from({ length }, (_, i) => Math.sin((i + 0.5) * Math.PI / length));
      for (const weights of [window, undefined]) {
        const bins = (length >> 1) + 1;
        const frames = Math.floor((23 - length) / step) + 1;
        const y = run(step, length, weights, 1);
        expect(y).toHaveLength(frames * bins * 2);
        for (let f = 0; f < frames; f++) {
          for (let k = 0; k < bins; k++) {
            let [re, im] = [0, 0];
            for (let j = 0; j < length; j++) {
              const value = signal[f * step + j]! * (weights?.[j] ?? 1);
              re += value * Math.cos(2 * Math.PI * j * k / length);
              im -= value * Math.sin(2 * Math.PI * j * k / length);
            }
            expect(y.slice((f * bins + k) * 2, (f * bins + k) * 2 + 2)).toEqual(near([re, im]));
          }
        }
      }
    },
  );

  test('has both sides, and signals without a dimension for the parts', () => {
    const one = run(4, 8, undefined, 1);
    const both = run(4, 8, undefined, 0, [1, 23]);
    expect(both).toHaveLength(4 * 8 * 2);
    expect(both.slice(0, 10)).toEqual(near(one.slice(0, 10)));
    expect(both.slice(10, 12)).toEqual(near([one[6]!, -one[7]!]));
  });

  test('is refused for frames longer than the signal', () => {
    expect(() => run(4, 24, undefined, 1)).toThrow(/frames of 24 elements every 4 of a signal \[1, 23, 1\]/);
  });
});
