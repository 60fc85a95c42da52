import { expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import type { UnaryKind } from '../../src/graph/operators';
import { loadSync } from '../../src/index';
import { functions } from '../../src/ops/shared/functions';
import { Random } from '../helpers/random';
import { unaryFunction } from '../reference/unary';
import { single, tensor, type Quantization } from './suite';

// Every int8 function, on all 256 inputs and with many scales, against the real number in double
// precision. Distances are in steps of the output's scale.

/** TensorFlow Lite's fixed-point multiplier, which rounds twice. */
const twice = 0.75;
/** The error of a number below 256 steps that is computed in float32. */
const single32 = 0.5 + 3e-5;

/** The farthest distance from the real number of functions that are not rounded exactly once. */
const farthest: Partial<Record<UnaryKind, number>> = {
  relu: twice,
  relu6: twice,
  reluN1To1: twice,
  relu0To1: twice,
  abs: twice,
  hardSwish: 0.6,
  ...Object
    .fromEntries(['logistic', 'tanh', 'elu', 'gelu', 'geluTanh', 'exp', 'log', 'sqrt', 'rsqrt', 'neg', 'square',
      'floor', 'ceil', 'round', 'sin', 'cos'].map((kind) => [kind, single32])),
};

const inputs = Int8Array.from({ length: 256 }, (_, i) => i - 128);

/** The farthest distance of a function's results from the real numbers, clamped to int8. */
function distance(kind: UnaryKind, alpha: number | undefined, x: Quantization, y: Quantization): number {
  const attributes = alpha === undefined ? { kind } : { kind, alpha };
  const graph = single('unary', [tensor('x', [256], 'int8', x)], attributes, tensor('y', [256], 'int8', y));
  const model = loadSync(compile(graph));
  const found = model.predict({ x: inputs }, { output: 'raw' }) as Int8Array;
  model.dispose();
  const f = unaryFunction(kind, alpha);
  return Math.max(...Array.from(found, (q, i) => {
    const real = f(Math.fround(x.scale) * (inputs[i]! - x.zeroPoint)) / Math.fround(y.scale) + y.zeroPoint;
    return Number.isNaN(real) ? 0 : Math.abs(q - Math.max(-128, Math.min(127, real)));
  }));
}

test.each(Object.keys(functions) as UnaryKind[])('%s in int8 is nearest to the real number', (kind) => {
  const random = new Random(11);
  const quantization = (): Quantization => ({
    scale: 2 ** random.int(-9, -3) * (1 + random.int(0, 999) / 1000),
    zeroPoint: random.int(-128, 127),
  });
  for (let i = 0; i < 60; i++) {
    const alpha = kind === 'leakyRelu' ? random.pick([0.01, 0.1, 0.2, 0.3, -0.5]) : undefined;
    expect(distance(kind, alpha, quantization(), quantization())).toBeLessThanOrEqual(farthest[kind] ?? 0.5);
  }
});
