import { describe, expect, test } from 'vitest';
import { hasTensorflow, lastLine, noise, training } from './library';

// Distillation from a teacher's activations.

const { attention, hint } = training;

/** The largest difference between a gradient and the numerical derivatives of its loss. */
function errorOf(of: (student: Float32Array) => { loss: number; gradient: Float32Array }, at: Float32Array): number {
  const { gradient } = of(at);
  const h = 1e-2;
  const shifted = (i: number, by: number): number => of(at.map((v, j) => (i === j ? v + by : v))).loss;
  return Math.max(...gradient.map((slope, i) => Math.abs(slope - (shifted(i, h) - shifted(i, -h)) / (2 * h))));
}

describe('the hint loss', () => {
  test('is 0 for equal activations and 1 for zeros', () => {
    const teacher = noise(4, 6, 1);
    expect(hint(teacher, teacher).loss).toBe(0);
    expect(hint(new Float32Array(24), teacher).loss).toBeCloseTo(1, 6);
  });

  test('has the gradient of its numerical derivative', () => {
    const teacher = noise(4, 6, 2);
    expect(errorOf((student) => hint(student, teacher), noise(4, 6, 3))).toBeLessThan(1e-4);
  });
});

describe('attention transfer', () => {
  const shape = [2, 3, 3, 4];
  const student = noise(18, 4, 4);
  const teacher = noise(18, 6, 5);
  const compared = (values: Float32Array): { loss: number; gradient: Float32Array } =>
    attention(values, teacher, shape, 6);

  test('compares where layers respond, whatever their strength, number and order of channels', () => {
    const twice = Float32Array.from({ length: 18 * 8 }, (_, i) => 3 * student[(i >> 3) * 4 + ((i + 1) % 4)]!);
    expect(attention(student, twice, shape, 8).loss).toBeCloseTo(0, 10);
    expect(compared(student).loss).toBeGreaterThan(0.05);
  });

  test('has the gradient of its numerical derivative', () => {
    expect(errorOf(compared, student)).toBeLessThan(1e-3);
  });

  test('lets a student learn the map of a teacher that has other channels', () => {
    const learned = student.slice();
    for (let step = 0; step < 200; step++) compared(learned).gradient.forEach((d, i) => learned[i]! -= 0.5 * d);
    expect(compared(learned).loss).toBeLessThan(0.02 * compared(student).loss);
  });
});

describe.skipIf(!hasTensorflow)('with TensorFlow.js (npm ci in models)', () => {
  test('the gradient of their weighted sum is that of both', async () => {
    const error = await lastLine(`
      import { startTensorflow, tf } from './tensorflow.mjs';
      import { attention, attentionLoss, hint, hintLoss, totalLoss } from './index.mjs';
      await startTensorflow();
      const noise = (seed, channels) => tf.randomNormal([2, 3, 3, channels], 0, 1, 'float32', seed);
      const student = noise(1, 4), alike = noise(2, 4), wider = noise(3, 6);
      const loss = (x) => totalLoss(tf, [hintLoss(tf, x, alike, 3), attentionLoss(tf, x, wider, 0.5)]);
      const first = hint(student.dataSync(), alike.dataSync());
      const second = attention(student.dataSync(), wider.dataSync(), student.shape, 6);
      const slopes = tf.grad(loss)(student).dataSync();
      console.log(Math.max(
        Math.abs(loss(student).dataSync()[0] - 3 * first.loss - 0.5 * second.loss),
        ...slopes.map((slope, i) => Math.abs(slope - 3 * first.gradient[i] - 0.5 * second.gradient[i])),
      ));`);
    expect(Number(error)).toBeLessThan(1e-5);
  });
});
