import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, hasTensorflow, lastLine, noise, training } from './library';

// Masks, their schedule, averages and distillation from soft labels.

const { Averages, masksOf, sparsityAt } = training;

describe('masks', () => {
  test('of single weights prune the smallest', () => {
    const weights = noise(40, 8, 1);
    const [mask] = masksOf([{ weights, outputs: 8 }], 'weights', 0.75) as [Float32Array];
    const magnitude = (i: number): number => Math.abs(weights[i]!);
    const kept = [...mask.keys()].filter((i) => mask[i] === 1);
    const gone = [...mask.keys()].filter((i) => mask[i] === 0);
    expect(gone.length).toBe(240);
    expect(Math.max(...gone.map(magnitude))).toBeLessThanOrEqual(Math.min(...kept.map(magnitude)));
  });

  test.each([['pairs', 2, 1], ['blocks', 4, 8]] as const)(
    'of %s prune or keep %i inputs by %i outputs together',
    (pattern, depth, rows) => {
      const inputs = 48;
      const outputs = 24;
      const [mask] = masksOf([{ weights: noise(inputs, outputs, 2), outputs }], pattern, 0.75) as [Float32Array];
      for (let k = 0; k < inputs; k++) {
        for (let n = 0; n < outputs; n++) {
          const first = (k - k % depth) * outputs + n - n % rows;
          expect(mask[k * outputs + n], `input ${k} of output ${n}`).toBe(mask[first]);
        }
      }
      expect(mask.filter((stays) => stays === 0).length / mask.length).toBeCloseTo(0.75, 1);
    },
  );

  test('keep the requested share even if weights are zero already', () => {
    expect(masksOf([{ weights: new Float32Array(64), outputs: 8 }], 'weights', 0.5)[0]!.reduce((a, b) => a + b))
      .toBe(32);
  });

  test('of all matrices together prune most where few weights are large, and the requested share in total', () => {
    const even = noise(40, 8, 4);
    const carried = noise(40, 8, 5).map((w, i) => (i % 5 === 0 ? w : w / 100));
    const [most, few] = masksOf([even, carried].map((weights) => ({ weights, outputs: 8 })), 'weights', 0.6, 'global')
      .map((mask) => mask.reduce((a, b) => a + b)) as [number, number];
    expect(most + few).toBe(256);
    expect(few).toBeLessThan(most - 50);
  });
});

test('averages start at the variables and follow them quickly at first, then slowly', () => {
  const values = Float32Array.of(1);
  const variable = { dataSync: () => values };
  const averages = new Averages([variable], 0.5);
  expect(averages.of(variable)[0]).toBe(1);
  values[0] = 11;
  averages.follow();
  expect(averages.of(variable)[0]).toBeCloseTo(10, 5); // the old value counts 1/10, then 2/11, …
  for (let i = 0; i < 20; i++) averages.follow();
  values[0] = 21;
  averages.follow();
  expect(averages.of(variable)[0]).toBeCloseTo(16, 3);
});

test('the pruned share rises along a cubic, then stays constant', () => {
  const [from, until] = [0.1, 0.6];
  const at = (progress: number): number => sparsityAt(progress, 0.8, from, until);
  expect([at(0), at(0.1), at(0.6), at(1)]).toEqual([0, 0, 0.8, 0.8]);
  expect(at(0.35)).toBeCloseTo(0.8 * (1 - 0.5 ** 3), 12); // Zhu & Gupta, equation 1, half way
  expect(sparsityAt(0, 0.8, 0, 0)).toBe(0.8);
});

const readme = readFileSync(path.join(folder, 'README.md'), 'utf8');

describe.skipIf(!hasTensorflow)('with TensorFlow.js (npm ci in models)', () => {
  test('the example of the README prunes four fifths of the weights and rounds the others to 4 bits', async () => {
    const [masked = 0, share = 0, largest = 0] = (await lastLine(/```js\n([^]*?)```/.exec(readme)![1]!)).split(' ')
      .map(Number);
    expect(share).toBeGreaterThanOrEqual(masked);
    expect(masked).toBeCloseTo(0.8, 1);
    expect(share).toBeGreaterThan(0.75);
    expect(share).toBeLessThan(0.85);
    expect(largest).toBe(7);
  });

  test('the gradient of the distillation loss equals its numerical derivative', async () => {
    const off = await lastLine(`
      import { startTensorflow, tf } from './tensorflow.mjs';
      import { distillation } from './index.mjs';
      await startTensorflow();
      const at = (seed) => tf.randomNormal([3, 5], 0, 1, 'float32', seed);
      const logits = at(1), teacher = at(2), labels = tf.softmax(at(3));
      const loss = (x) => distillation(tf, labels, teacher, x, { share: 0.6, temperature: 3 });
      const slope = tf.grad(loss)(logits).dataSync(), values = logits.dataSync(), h = 0.05;
      const shifted = (i, by) => loss(tf.tensor2d(values.map((v, j) => (i === j ? v + by : v)), [3, 5])).dataSync()[0];
      console.log(Math.max(...slope.map((s, i) => Math.abs(s - (shifted(i, h) - shifted(i, -h)) / (2 * h)))));`);
    expect(Number(off)).toBeLessThan(2e-3);
  });
});
