import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasTensorflow, lastLine, noise, training, type Layout } from './library';

// Learned scales: rounding, first scales, and gradients.

const { activationGradients, initialActivation, initialScales, largestWeight, roundActivations, roundWeights,
  weightGradients } = training;

function layoutOf(bits: number, outputs: number, groups = outputs): Layout {
  return { outputs, groups, largest: largestWeight(bits) };
}

function squaredError(values: Float32Array, rounded: Float32Array): number {
  return values.reduce((sum, v, i) => sum + (v - rounded[i]!) ** 2, 0);
}

const bits = fc.constantFrom(2, 4, 7, 8);
const seed = fc.integer({ min: 1, max: 1e6 });

test('weights of 8, 7 and 4 bits are at most 127, 63 and 7', () => {
  expect([8, 7, 4].map(largestWeight)).toEqual([127, 63, 7]);
  for (const wrong of [1, 9, 4.5, NaN]) expect(() => largestWeight(wrong)).toThrow(/2 to 8 bits/);
});

describe('weights', () => {
  test('become multiples of their scale within their bits, with an error of half a scale inside', () => {
    fc.assert(fc.property(bits, seed, fc.double({ min: 0.02, max: 2, noNaN: true }), (b, s, factor) => {
      const weights = noise(9, 4, s);
      const layout = layoutOf(b, 4);
      const scales = initialScales(weights, layout).map((scale) => scale * factor);
      roundWeights(weights, scales, layout).forEach((rounded, i) => {
        const scale = scales[i % 4]!;
        const integer = Math.round(rounded / scale);
        expect(rounded).toBeCloseTo(integer * scale, 5);
        expect(Math.abs(integer)).toBeLessThanOrEqual(layout.largest);
        if (Math.abs(weights[i]!) < scale * layout.largest) {
          expect(Math.abs(rounded - weights[i]!)).toBeLessThanOrEqual(scale * 0.5001);
        }
      });
    }));
  });

  test('of gates share a scale', () => {
    const rounded = roundWeights(Float32Array.of(127, 1.4, 12.7, 0.14), Float32Array.of(1, 0.1), layoutOf(8, 4, 2));
    [127, 1, 12.7, 0.1].forEach((value, i) => {
      expect(rounded[i]).toBeCloseTo(value, 5);
    });
  });

  test('start with a smaller error than LSQ starts with, and than scales that cover the largest weight', () => {
    fc.assert(fc.property(bits, seed, (b, s) => {
      const weights = noise(40, 1, s).map((w) => w ** 3); // many small values, few large ones
      const layout = layoutOf(b, 1);
      const magnitudes = weights.map(Math.abs);
      const error = (scale: number): number =>
        squaredError(weights, roundWeights(weights, Float32Array.of(scale), layout));
      const own = error(initialScales(weights, layout)[0]!);
      const mean = magnitudes.reduce((a, w) => a + w) / weights.length;
      expect(own).toBeLessThanOrEqual(error(2 * mean / Math.sqrt(layout.largest)) * 1.001 + 1e-12);
      expect(own).toBeLessThanOrEqual(error(Math.max(...magnitudes) / layout.largest) * 1.001 + 1e-12);
    }));
  });

  test('of zeros have a scale above zero', () => {
    expect(initialScales(new Float32Array(8), layoutOf(4, 2)).every((scale) => scale > 0)).toBe(true);
  });
});

/**
 * The function that the gradients belong to: rounding adds an error that counts as constant, which
 * is that at `at`, and the integers are clamped. (Straight-through gradients are no derivatives of
 * the rounding itself, which is flat.)
 */
function surrogate(at: { value: number; scale: number }, low: number, high: number) {
  const v = at.value / at.scale;
  const error = Math.round(v) - v;
  return (value: number, scale: number): number =>
    scale * Math.max(low, Math.min(high, value / scale + (v > low && v < high ? error : 0)));
}

describe('gradients', () => {
  /** Whether a value lies so near to a bound that the numerical derivative would cross it. */
  const isAtBound = (v: number, low: number, high: number): boolean =>
    Math.min(Math.abs(v - low), Math.abs(v - high)) < 0.6;

  test('of weights and scales equal numerical derivatives of the rounding with a constant error', () => {
    fc.assert(fc.property(bits, seed, fc.double({ min: 0.3, max: 1.5, noNaN: true }), (b, s, factor) => {
      const inputs = 12;
      const layout = layoutOf(b, 2);
      const weights = noise(inputs, 2, s);
      const dy = noise(inputs, 2, s + 1);
      const scales = initialScales(weights, layout).map((scale) => scale * factor);
      fc.pre(!weights.some((w, i) => isAtBound(w / scales[i % 2]!, -layout.largest, layout.largest)));
      const gradients = weightGradients(weights, scales, layout, dy);
      const numerical = [0, 0];
      weights.forEach((value, i) => {
        const scale = scales[i % 2]!;
        const of = surrogate({ value, scale }, -layout.largest, layout.largest);
        const h = 1e-3 * scale;
        expect(gradients.weights[i]).toBeCloseTo(dy[i]! * (of(value + h, scale) - of(value - h, scale)) / (2 * h), 4);
        numerical[i % 2]! += dy[i]! * (of(value, scale + h) - of(value, scale - h)) / (2 * h) * scale;
      });
      numerical.forEach((slope, group) => {
        expect(gradients.logScales[group]).toBeCloseTo(slope / Math.sqrt(inputs * layout.largest), 4);
      });
    }));
  });

  test('of activations and their scale equal them too, with any zero point', () => {
    fc.assert(fc.property(seed, fc.integer({ min: -128, max: 127 }), (s, zeroPoint) => {
      const values = noise(50, 1, s);
      const dy = noise(50, 1, s + 1);
      const scale = 1 / 150;
      const [low, high] = [-128 - zeroPoint, 127 - zeroPoint];
      fc.pre(!values.some((value) => isAtBound(value / scale, low, high)));
      const gradients = activationGradients(values, { scale, zeroPoint }, dy);
      let numerical = 0;
      values.forEach((value, i) => {
        const of = surrogate({ value, scale }, low, high);
        const h = 1e-3 * scale;
        expect(gradients.values[i]).toBeCloseTo(dy[i]! * (of(value + h, scale) - of(value - h, scale)) / (2 * h), 3);
        numerical += dy[i]! * (of(value, scale + h) - of(value, scale - h)) / (2 * h) * scale;
      });
      expect(gradients.logScale).toBeCloseTo(numerical / Math.sqrt(50 * 127), 4);
    }));
  });

  test.each([[4, 4], [4, 0.2], [2, 3], [8, 8]])(
    'let the scale of %i-bit weights learn from %f times the best, until a layer reproduces its teacher',
    (b, factor) => {
      const layout = layoutOf(b, 1);
      const inputs = 32;
      const weights = noise(inputs, 1, 7);
      const x = noise(200, inputs, 8);
      const lossAndGradient = (rounded: Float32Array): { loss: number; dy: Float32Array } => {
        const off = rounded.map((w, i) => w - weights[i]!);
        const errors = Float32Array.from({ length: 200 }, (_, n) =>
          off.reduce((a, o, i) => a + o * x[n * inputs + i]!, 0));
        return {
          loss: errors.reduce((a, e) => a + e * e) / 200,
          dy: off.map((_, i) =>
            errors.reduce((a, e, n) => a + 2 * e * x[n * inputs + i]!, 0) / 200
          ),
        };
      };
      const lossAt = (scale: number): number =>
        lossAndGradient(roundWeights(weights, Float32Array.of(scale), layout)).loss;
      const start = initialScales(weights, layout)[0]! * factor;
      let scale = start;
      let least = Infinity;
      for (let step = 0; step < 400; step++) {
        const scales = Float32Array.of(scale);
        const { loss, dy } = lossAndGradient(roundWeights(weights, scales, layout));
        least = Math.min(least, loss);
        scale *= Math.exp(-0.02 * Math.sign(weightGradients(weights, scales, layout, dy).logScales[0]!));
      }
      expect(least).toBeLessThan(0.3 * lossAt(start));
      expect(least).toBeLessThan(1.2 * lossAt(initialScales(weights, layout)[0]!));
    },
  );
});

describe('activations', () => {
  test('have at most 256 values, including zero, with an error of half a scale inside', () => {
    fc.assert(fc.property(seed, fc.double({ min: -2, max: 2, noNaN: true }), (s, shift) => {
      const values = noise(500, 1, s).map((v) => v + shift);
      const quantization = initialActivation(values);
      const rounded = roundActivations(Float32Array.of(...values, 0, 100, -100), quantization);
      const { scale, zeroPoint } = quantization;
      expect(Number.isInteger(zeroPoint)).toBe(true);
      expect(rounded[500]).toBe(0);
      expect(rounded[501]).toBeCloseTo(scale * (127 - zeroPoint), 5);
      expect(rounded[502]).toBeCloseTo(scale * (-128 - zeroPoint), 5);
      const errors = Array.from(values, (value, i) => Math.abs(rounded[i]! - value));
      const inside = errors.filter((_, i) => values[i]! < rounded[501]! && values[i]! > rounded[502]!);
      expect(Math.max(...inside)).toBeLessThanOrEqual(scale * 0.5001);
    }));
  });

  test('of a layer after relu use all integers', () => {
    const values = noise(100, 1, 3).map(Math.abs);
    expect(initialActivation(values).zeroPoint).toBe(-128);
    expect(initialActivation(values.map((v) => -v)).zeroPoint).toBe(127);
  });

  test('of zeros have a scale above zero', () => {
    const { scale, zeroPoint } = initialActivation(new Float32Array(4));
    expect(scale).toBeGreaterThan(0);
    expect(roundActivations(new Float32Array(4), { scale, zeroPoint })).toEqual(new Float32Array(4));
  });

  test('are clamped where a few outliers would cost all others their precision', () => {
    const values = Float32Array.of(...noise(5000, 1, 4), 50);
    const whole = { scale: 51 / 255, zeroPoint: initialActivation(values).zeroPoint };
    const own = roundActivations(values, initialActivation(values));
    expect(squaredError(values, own)).toBeLessThanOrEqual(squaredError(values, roundActivations(values, whole)));
  });
});

describe.skipIf(!hasTensorflow)('with TensorFlow.js (npm ci in models)', () => {
  test('an optimizer learns masked 4-bit weights, their scales and the scale of an activation', async () => {
    const result = JSON.parse(await lastLine(`
      import { startTensorflow, dense, tf } from './tensorflow.mjs';
      import { QuantizedActivations, QuantizedWeights, hintLoss } from './index.mjs';
      await startTensorflow();
      // weight 5, which is masked, hardly matters
      const target = tf.tensor2d(Array.from({ length: 64 }, (_, i) => (i === 5 ? 0.01 : Math.sin(i * i))), [16, 4]);
      const none = tf.zeros([4]);
      const variable = tf.variable(target.clone());
      const weights = new QuantizedWeights(tf, variable, { bits: 4 });
      weights.mask[5] = 0;
      const masked = variable.dataSync()[5];
      weights.logScales.assign(tf.add(weights.logScales, 0.8));
      const activations = new QuantizedActivations(tf);
      const optimizer = tf.train.adam(0.01), losses = [];
      for (let step = 0; step < 150; step++) tf.tidy(() => {
        const x = tf.randomNormal([64, 16], 0, 1, 'float32', step + 2);
        const loss = () => hintLoss(tf, activations.round(dense(x, weights.tensor(), none)), dense(x, target, none));
        losses.push(optimizer.minimize(loss, true, [...weights.variables, ...activations.variables]).dataSync()[0]);
      });
      const scales = weights.scales();
      console.log(JSON.stringify({
        first: losses[0], last: losses.at(-1),
        largest: Math.max(...weights.data().map((w, i) => Math.abs(Math.round(w / scales[i % 4])))),
        kept: variable.dataSync()[5] === masked && weights.data()[5] === 0,
        zeroPoint: activations.quantization().zeroPoint,
      }));`)) as { first: number; last: number; largest: number; kept: boolean; zeroPoint: number };
    expect(result.last).toBeLessThan(0.5 * result.first);
    expect(result.largest).toBe(7);
    expect(result.kept).toBe(true);
    expect(Math.abs(result.zeroPoint)).toBeLessThan(30);
  });
});
