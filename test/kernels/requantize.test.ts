import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../helpers/assemble';

const source = `
import { narrowBelow, requantize, requantize4, requantizeMagic, requantizeZero } from './assembly/kernels/requantize';
export function lanes(acc: usize, scale: usize, out: usize, zeroPoint: i32, min: i32, max: i32): void {
  const lowest = f32x4.splat(<f32>(min - zeroPoint));
  const magic = requantizeMagic(zeroPoint);
  const q = requantize4(v128.load(acc), v128.load(scale), lowest, magic, requantizeZero(zeroPoint));
  const narrow = i16x8.narrow_i32x4_s(q, q);
  v128.store(out, narrowBelow(narrow, narrow, i8x16.splat(<i8>max)));
}
export function single(acc: usize, scale: usize, out: usize, zeroPoint: i32, min: i32, max: i32): void {
  const lowest = <f32>(min - zeroPoint);
  const highest = <f32>(max - zeroPoint);
  for (let i: usize = 0; i < 4; i++) {
    const x = load<i32>(acc + (i << 2));
    store<i8>(out + i, requantize(x, load<f32>(scale + (i << 2)), lowest, highest, zeroPoint));
  }
}
`;
const ACC = 1024;
const SCALE = 1040;
const LANES = 1056;
const SINGLE = 1072;

describe('requantization of four lanes', async () => {
  const { run: { lanes, single }, memory } = await assemble(source);
  const accs = new Int32Array(memory, ACC, 4);
  const scales = new Float32Array(memory, SCALE, 4);
  const found = new Int8Array(memory, LANES, 4);
  const expected = new Int8Array(memory, SINGLE, 4);
  const int8 = fc.oneof(fc.constantFrom(-128, -127, -1, 0, 1, 126, 127), fc.integer({ min: -128, max: 127 }));

  function check(acc: number, scale: number, zeroPoint: number, min: number, max: number): void {
    accs.set([acc, -acc, acc + 1, -acc - 1]);
    scales.set([scale, scale, scale, scale / 2]);
    lanes!(ACC, SCALE, LANES, zeroPoint, min, max);
    single!(ACC, SCALE, SINGLE, zeroPoint, min, max);
    expect([...found], `${acc} · ${scale} + ${zeroPoint} in ${min} … ${max}`).toEqual([...expected]);
  }

  test('equals the scalar function at ties, bounds and zero points', () => {
    for (const zeroPoint of [-128, -127, 0, 1, 127]) {
      for (const [min, max] of [[-128, 127], [zeroPoint, 127], [-128, zeroPoint], [zeroPoint, zeroPoint], [-3,
        90]] as const)
      {
        for (const scale of [0.5, 0.25, 1, 0.1]) {
          for (let acc = -600; acc <= 600; acc++) {
            check(acc, scale, zeroPoint, min, max);
          }
        }
      }
    }
  });

  test('equals the scalar function for products from 2^-126 up to infinity, across 2^23 and 2^31', () => {
    for (const zeroPoint of [-128, 0, 127]) {
      for (let e = -126; e <= 127; e++) {
        for (const acc of [1, 3, 2 ** 22, 2 ** 23 + 1, 2 ** 24 - 1, 3 * 2 ** 22, 2 ** 31 - 1]) {
          check(acc, 2 ** e, zeroPoint, -128, 127);
        }
      }
    }
  });

  test('equals the scalar function for any accumulator, scale, zero point and bounds', () => {
    const significand = fc.double({ min: 1, max: 2, noNaN: true });
    const exponent = fc.integer({ min: -40, max: 30 });
    const scale = fc.tuple(significand, exponent).map(([m, e]) => Math.fround(m * 2 ** e));
    fc.assert(
      fc.property(
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        scale,
        int8,
        int8,
        int8,
        (acc, factor, zeroPoint, a, b) => check(acc, factor, zeroPoint, Math.min(a, b), Math.max(a, b)),
      ),
      { numRuns: 20000, seed: 4 },
    );
  });
});
