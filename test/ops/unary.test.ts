import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Attributes, UnaryKind } from '../../src/graph/operators';
import * as L from '../../assembly/layout';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { checkGraph, exact, property, seeds, shapes, single, quantizations, tensor, type NumberType, type Quantization,
  type Tolerance } from './suite';

/** The absolute error of results below the normal floats. */
const denormal = 1e-40;

/** The functions of the extra module, which computes in double precision and rounds once. */
const rounded: Tolerance = { relative: 1.2e-7, absolute: denormal };

/**
 * Every function and the tolerance of its float32 form. The int8 forms are look-up tables, which
 * equal the reference.
 */
const kinds: Record<UnaryKind, Tolerance> = {
  relu: exact,
  relu6: exact,
  reluN1To1: exact,
  relu0To1: exact,
  leakyRelu: exact,
  abs: exact,
  neg: exact,
  square: exact,
  floor: exact,
  ceil: exact,
  round: exact,
  sqrt: exact,
  rsqrt: { relative: 1e-6, absolute: 0 },
  hardSwish: { relative: 1e-6, absolute: denormal },
  logistic: { relative: 2e-6, absolute: 1e-38 },
  tanh: { relative: 2e-6, absolute: denormal },
  elu: { relative: 2e-6, absolute: 0 },
  exp: { relative: 2e-6, absolute: 1e-38 },
  log: { relative: 2e-6, absolute: 1e-7 },
  sin: { relative: 2e-6, absolute: 1e-7 },
  cos: { relative: 2e-6, absolute: 1e-7 },
  // the absolute error occurs in the tail, where 1 + erf cancels
  gelu: { relative: 2e-6, absolute: 8e-7 },
  geluTanh: { relative: 2e-6, absolute: 8e-7 },
  swish: { relative: 1e-6, absolute: 1e-36 },
  tan: rounded,
  asin: rounded,
  acos: rounded,
  atan: rounded,
  sinh: rounded,
  cosh: rounded,
  asinh: rounded,
  acosh: rounded,
  atanh: rounded,
  erf: rounded,
  softplus: rounded,
  mish: rounded,
  softsign: rounded,
  selu: rounded,
  celu: rounded,
  hardSigmoid: rounded,
  thresholdedRelu: rounded,
  sign: rounded,
  reciprocal: rounded,
};
/**
 * The largest inputs tested. Above them, sine and cosine have no precision left, and an
 * intermediate result of hardSwish overflows.
 */
const largest: Partial<Record<UnaryKind, number>> = { sin: 1e8, cos: 1e8, tan: 1e8, hardSwish: 5e37 };
const parametric: UnaryKind[] = ['leakyRelu', 'elu', 'celu', 'selu', 'hardSigmoid', 'thresholdedRelu'];
const all = Object.keys(kinds) as UnaryKind[];

interface Spec {
  type: NumberType;
  kind: UnaryKind;
  shape: number[];
  alpha: number | undefined;
  x: Quantization;
  y: Quantization;
  seed: number;
}

/**
 * The attributes of a node: no parameters for functions without any, and the default ones without
 * alpha.
 */
function attributesOf(kind: UnaryKind, alpha?: number): Attributes['unary'] {
  if (alpha === undefined || !parametric.includes(kind)) return { kind };
  return { kind, alpha, ...((kind === 'selu' || kind === 'hardSigmoid') && { beta: 1 - alpha }) };
}

function check({ type, kind, shape, alpha, x, y, seed }: Spec): void {
  checkGraph(
    single('unary', [tensor('x', shape, type, x)], attributesOf(kind, alpha), tensor('y', shape, type, y)),
    seed,
    kinds[kind],
  );
}

describe('unary', () => {
  test('matches the reference for random functions, shapes and quantizations', () => {
    property(
      fc.record<Spec>({
        type: fc.constantFrom('int8', 'int8', 'uint8', 'float32'),
        kind: fc.constantFrom(...all),
        shape: shapes(4, 6),
        alpha: fc.constantFrom(0.01, 0.1, 0.3, 1, 0.5, -0.2, undefined),
        x: quantizations,
        y: quantizations,
        seed: seeds,
      }),
      400,
      check,
    );
  });

  for (const type of ['int8', 'uint8'] as const) {
    test(`equals the reference for every ${type} value of every function`, () => {
      const values = type === 'int8'
        ? Int8Array.from({ length: 256 }, (_, i) => i - 128)
        : Uint8Array.from({ length: 256 }, (_, i) => i);
      for (const kind of all) {
        for (const [sx, sy] of [[0.0625, 0.0625], [0.125, 0.0625], [0.03125, 0.0625], [0.0456, 0.0123], [0.0117,
          1 / 256], [0.5, 2]] as const)
        {
          for (const zeroPoint of [-128, 0, 127, -9]) {
            const x = tensor('x', [256], type, { scale: sx, zeroPoint });
            const y = tensor('y', [256], type, { scale: sy, zeroPoint: -zeroPoint - 1 });
            checkGraph(single('unary', [x], attributesOf(kind, 0.1), y), 1, exact, { x: values });
          }
        }
      }
    });
  }

  test('takes any number of elements', () => {
    for (const type of ['int8', 'float32'] as const) {
      for (const kind of all) {
        for (const n of [1, 2, 3, 4, 5, 7, 8, 9, 17]) {
          check({
            type,
            kind,
            shape: [n],
            alpha: 0.25,
            x: { scale: 0.5, zeroPoint: 3 },
            y: { scale: 0.25, zeroPoint: -7 },
            seed: n,
          });
        }
      }
    }
  });

  const grid = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 40);
  const special = Float32Array.from([0, -0, Infinity, -Infinity, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 88.7, 88.8, -87.3,
    -103.9, -104.5, 1e-7, -1e-7, 0.5, 1.5, 2.5, -0.5, 8388608.5, 2147483648]);

  test('matches the reference for 4,001 evenly spaced floats and at the edges of their range', () => {
    for (const kind of all) {
      for (const values of [grid, special]) {
        const inputs = values.map((v) => (Math.abs(v) > (largest[kind] ?? Infinity) ? 0 : v));
        const x = tensor('x', [inputs.length], 'float32');
        const y = tensor('y', [inputs.length], 'float32');
        checkGraph(single('unary', [x], attributesOf(kind, 0.3), y), 1, kinds[kind], { x: inputs });
      }
    }
  });
});

describe("the extra module's record is refused for", () => {
  const record = recordOf(L.OP_FUNCTION);
  refused('a source beyond the arena', record, faults.arena, [L.FUNCTION_SOURCE, 1 << 20]);
  refused('a misaligned target', record, faults.misaligned, [L.FUNCTION_TARGET, 2]);
  refused('more elements than the arena holds', record, faults.arena, [L.FUNCTION_COUNT, 1 << 20]);
  refused('no elements', record, faults.attribute, [L.FUNCTION_COUNT, 0]);
  refused('an unknown function', record, faults.attribute, [L.FUNCTION_KIND, L.FUNCTION_KINDS]);
  refused('a parameter that is no number', record, faults.attribute, [L.FUNCTION_ALPHA, 0x7fc00000]);
  refused('an infinite parameter', record, faults.attribute, [L.FUNCTION_BETA, 0x7f800000]);
  refused('int8', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I8, 'byte']);
});
