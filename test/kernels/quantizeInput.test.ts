import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { loadSync, type Model } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { single, tensor } from '../ops/suite';
import { refuses } from '../robustness/refusal';

// Callers may pass real numbers to quantized inputs. Compares the integers that the core writes
// with the formula, value by value.

/** Values that the utility instance converts at once. */
const PIECE = (65536 - 4096) / 4;

interface Kind {
  dtype: 'int8' | 'uint8';
  scale: number;
  zeroPoint: number;
}

const kinds: Kind[] = [{ dtype: 'int8', scale: 1 / 255, zeroPoint: -128 }, {
  dtype: 'int8',
  scale: 0.0471,
  zeroPoint: 17,
}, { dtype: 'int8', scale: 2, zeroPoint: 127 }, { dtype: 'uint8', scale: 1 / 255, zeroPoint: 0 }, {
  dtype: 'uint8',
  scale: 0.0078125,
  zeroPoint: 128,
}, { dtype: 'uint8', scale: 3.7, zeroPoint: 255 }];

function modelOf({ dtype, scale, zeroPoint }: Kind, count: number, flavor: Model['info']['flavor']): Model {
  const port = (name: string) =>
    tensor(name, [count], dtype, { scale, zeroPoint: dtype === 'int8' ? zeroPoint : zeroPoint - 128 });
  return loadSync(compile(single('unary', [port('x')], { kind: 'relu' }, port('y'))), { flavor });
}

/** clamp(round_half_even(f32(x) · f32(1 / scale)) + zeroPoint), in float32 */
function expected(x: number, { dtype, scale, zeroPoint }: Kind): number {
  const f = Math.fround;
  const y = f(f(x) * f(1 / scale));
  const [min, max] = dtype === 'int8' ? [-128, 127] : [0, 255];
  const down = Math.floor(y);
  const rounded = y - down === 0.5 ? down + Math.abs(down % 2) : Math.round(y);
  return Math.max(min, Math.min(max, rounded + zeroPoint));
}

/** The values of the input in the model's memory. */
function written(model: Model, dtype: Kind['dtype'], values: Float32Array | Float64Array | number[]): number[] {
  const bytes = model.record(values)[0]!;
  return [...(dtype === 'int8' ? new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes)];
}

describe.each(flavors)('real numbers as inputs of the %s core', (flavor) => {
  test.each(kinds)('become $dtype with scale $scale and zero point $zeroPoint by the formula', (kind) => {
    const N = 37;
    const model = modelOf(kind, N, flavor);
    const { scale } = model.inputs[0]!;
    const tie = fc.integer({ min: -600, max: 600 }).map((k) => (k + 0.5) * scale!);
    const value = fc.oneof(
      tie,
      fc.double({ noNaN: true }),
      fc.float({ noNaN: true, min: -300, max: 300 }),
      fc.constantFrom(0, -0, Infinity, -Infinity, 1e-45, 3.4028234663852886e38, 1e300),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: N, maxLength: N }), (values) => {
        const answer = values.map((x) => expected(x, { ...kind, scale: scale! }));
        for (const array of [values, Float64Array.from(values), Float32Array.from(values)]) {
          expect(written(model, kind.dtype, array)).toEqual(answer);
        }
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test('are all written, for counts around the vector size and around the piece size', () => {
    const random = new Random(5);
    for (const count of [1, 2, 3, 4, 5, 15, 16, 17, 33, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5]) {
      for (const kind of [kinds[1]!, kinds[4]!]) {
        const model = modelOf(kind, count, flavor);
        const { scale } = model.inputs[0]!;
        const values = Array.from({ length: count }, () => random.between(-7, 7));
        const answer = values.map((x) => expected(x, { ...kind, scale: scale! }));
        for (const array of [values, Float64Array.from(values), Float32Array.from(values)]) {
          expect(written(model, kind.dtype, array), `${count} of ${array.constructor.name}`).toEqual(answer);
        }
      }
    }
  });

  test('are refused if one is NaN, with its index', () => {
    for (const count of [1, 4, 7, 20, PIECE + 30]) {
      for (const kind of [kinds[0]!, kinds[3]!]) {
        const model = modelOf(kind, count, flavor);
        for (const at of new Set([0, count >> 1, count - 1])) {
          const values = new Array<number>(count).fill(0.25);
          values[at] = NaN;
          for (const array of [values, Float64Array.from(values), Float32Array.from(values)]) {
            refuses(
              () => model.predict(array),
              'NOT_A_NUMBER',
              new RegExp(`input "x" holds NaN at index ${at} of ${count};`),
            );
          }
        }
      }
    }
  });

  test('are refused by float inputs if one is NaN; infinities are accepted', () => {
    for (const count of [1, 3, 4, 5, 9, 40]) {
      const model = loadSync(
        compile(single('unary', [tensor('x', [count], 'float32')], { kind: 'abs' }, tensor('y', [count], 'float32'))),
        { flavor },
      );
      for (let at = 0; at < count; at++) {
        const values = new Float32Array(count).fill(Infinity);
        expect(model.predict(values)).toEqual(values);
        values[at] = NaN;
        refuses(() => model.predict(values), 'NOT_A_NUMBER', new RegExp(`holds NaN at index ${at} of ${count};`));
      }
    }
  });
});

// Large outputs are looked up in a table.
test.each([300, 16_384, 16_387])('%i outputs become scale · (q − zeroPoint), in double precision', (count) => {
  for (const kind of kinds) {
    const model = modelOf(kind, count, flavors[0]!);
    const { scale, zeroPoint } = model.outputs[0]!;
    const codes = new (kind.dtype === 'int8' ? Int8Array : Uint8Array)(count).map((_, i) => i);
    const raw = model.predict(codes, { output: 'raw' }) as Int8Array;
    const real = Float64Array.from(raw, (q) => scale! * (q - zeroPoint!));
    const target = new Float64Array(count);
    model.predictInto(codes, target);
    expect(target).toEqual(real);
    expect(model.predict(codes)).toEqual(new Float32Array(real));
    model.dispose();
  }
});
