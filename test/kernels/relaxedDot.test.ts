import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../helpers/assemble';

// i32x4.relaxed_dot_i8x16_i7x16_add_s adds four int8 products per lane, and engines differ in how
// they interpret the second operand. The kernels keep it in 0 … 127 by splitting activations into
// low bits and sign. These tests show that all engines then agree.

type Dot = (a: readonly number[], b: readonly number[], acc: number) => number;

const signed = (x: number): number => (x << 24) >> 24;
const unsigned = (x: number): number => x & 255;
const clamp16 = (x: number): number => Math.max(-32768, Math.min(32767, x));
const wrap16 = (x: number): number => (x << 16) >> 16;
const products = (a: readonly number[], b: readonly number[], take: (x: number) => number): number[] =>
  a.map((x, i) => x * take(b[i]!));

/** What the instructions of different processors compute. */
const engines: Record<string, Dot> = {
  'x86 VNNI (vpdpbusd)': (a, b, acc) => (products(a, b, unsigned).reduce((s, p) => s + p, acc)) | 0,
  'x86 VNNI-INT8 (vpdpbssd) and Arm (sdot)': (a, b, acc) => (products(a, b, signed).reduce((s, p) => s + p, acc)) | 0,
  'x86 SSSE3 (pmaddubsw, pmaddwd, paddd)': (a, b, acc) => {
    const [p, q, r, s] = products(a, b, unsigned) as [number, number, number, number];
    return (clamp16(p + q) + clamp16(r + s) + acc) | 0;
  },
  'Arm without sdot (smull, addp, saddlp)': (a, b, acc) => {
    const [p, q, r, s] = products(a, b, signed) as [number, number, number, number];
    return (wrap16(p + q) + wrap16(r + s) + acc) | 0;
  },
};
const dots = Object.entries(engines);

const int8 = fc.oneof(fc.constantFrom(-128, -127, -1, 0, 1, 126, 127), fc.integer({ min: -128, max: 127 }));
const narrow = { min: -64, max: 63 };
const groupOf4 = <T>(x: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(x, { minLength: 4, maxLength: 4 });
const low = (a: number): number => a & 127;
const high = (a: number): number => (a & 128) >> 7;

describe('the relaxed dot product', () => {
  test('is the same on all processors if the second operand is in 0 … 127', () => {
    fc.assert(
      fc.property(
        groupOf4(int8),
        groupOf4(fc.oneof(fc.constantFrom(0, 1, 64, 126, 127), fc.nat(127))),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (a, b, acc) => {
          const expected = a.reduce((sum, x, i) => sum + x * b[i]!, acc) | 0;
          for (const [name, dot] of dots) expect(dot(a, b, acc), name).toBe(expected);
        },
      ),
      { numRuns: 2000, seed: 1 },
    );
  });

  test('neither saturates nor wraps at the extremes of that range', () => {
    for (const a of [-128, 127]) {
      for (const a1 of [-128, 127]) {
        for (const [name, dot] of dots) expect(dot([a, a1, 0, 0], [127, 127, 0, 0], 0), name).toBe(127 * (a + a1));
      }
    }
  });

  test('differs outside that range, which identifies the instruction', () => {
    expect(dots.map(([, dot]) => dot([127, 127, 127, 127], [255, 255, 255, 255], 0))).toEqual([129540, -508, 65534,
      -508]);
  });

  test('of both parts of the activations gives Σ a·(w − zw), for all weights and zero points', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(groupOf4(int8), groupOf4(int8)), { minLength: 1, maxLength: 40 }),
        int8,
        (groups, zeroPoint) => {
          const expected = groups.flatMap(([a, w]) =>
            a.map((x, i) => x * (w[i]! - zeroPoint))
          ).reduce((s, p) => s + p, 0);
          for (const [name, dot] of dots) {
            let acc = 0;
            let rowLow = 0;
            let rowHigh = 0;
            for (const [a, w] of groups) {
              acc = dot(w, a.map(high), acc);
            }
            for (const [a] of groups) {
              rowLow = dot([1, 1, 1, 1], a.map(low), rowLow);
              rowHigh = dot([1, 1, 1, 1], a.map(high), rowHigh);
            }
            acc = (-zeroPoint * (rowLow - (rowHigh << 7)) - (acc << 7)) | 0;
            for (const [a, w] of groups) {
              acc = dot(w, a.map(low), acc);
            }
            expect(acc, name).toBe(expected);
          }
        },
      ),
      { numRuns: 1000, seed: 2 },
    );
  });
});

describe('the relaxed dot product of narrow weights', () => {
  test('gives Σ a·(w − zw) on all processors', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(groupOf4(int8), groupOf4(fc.oneof(fc.constantFrom(-64, 63), fc.integer(narrow)))), {
          minLength: 1,
          maxLength: 40,
        }),
        (groups) => {
          const expected = groups.flatMap(([a, w]) => a.map((x, i) => x * w[i]!)).reduce((s, p) =>
            s + p, 0);
          for (const [name, dot] of dots) {
            const sum = groups.reduce((acc, [a]) => dot(a, [1, 1, 1, 1], acc), 0);
            const acc = groups.reduce((acc, [a, w]) => dot(a, w.map((x) => x + 64), acc), -64 * sum);
            expect(acc, name).toBe(expected);
          }
        },
      ),
      { numRuns: 1000, seed: 3 },
    );
  });

  test('takes listed panels, whose parts are in 0 … 127 and give the weights', async () => {
    const { run: { list_panel_i8: list }, memory } =
      await assemble("export { list_panel_i8 } from './assembly/kernels/widen';");
    const bytes = new Int8Array(memory);
    const words = new Uint32Array(memory);
    const [IN, PASSES, OUT] = [1024, 4096, 8192];
    const sizes = new Set<string>();
    fc.assert(
      fc.property(
        fc.integer({ min: -128, max: 127 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(40),
        fc.array(fc.tuple(fc.nat(), int8), { maxLength: 12 }),
        fc.nat(127),
        (zero, quads, room, outliers, seed) => {
          const weights = Array.from(
            { length: quads * 32 },
            (_, i) => Math.max(-128, Math.min(127, zero - 64 + (i * 37 + seed) % 128)),
          );
          for (const [at, value] of outliers) weights[at % weights.length] = value;
          bytes.set(weights, IN);
          const capacity = quads + room;
          const isBelow = (w: number): boolean => w - zero < -64;
          const isAbove = (w: number): boolean => w - zero > 63;
          const groups = Array.from({ length: quads }, (_, q) => weights.slice(q * 32, q * 32 + 32));
          const counts = [isBelow, isAbove].map((is) =>
            groups.filter((group) => group.some(is)).length
          );
          const total = quads + counts[0]! + counts[1]!;
          const last = groups.at(-1);
          const before = total - Number(last.some(isBelow)) - Number(last.some(isAbove));
          const fits = before + 2 <= capacity && weights.every((w) => w - zero >= -191 && w - zero <= 190);
          sizes.add(`${fits} ${counts.map((n) => Math.min(n, 1)).join(' ')}`);
          bytes.fill(77, OUT, OUT + capacity * 36 + 64);
          const answer = list!(IN, zero, quads, OUT, capacity, PASSES);
          expect([...bytes.subarray(OUT + capacity * 36, OUT + capacity * 36 + 64)]).toEqual(Array(64).fill(77));
          if (!fits) {
            expect(answer).toBeGreaterThan(capacity);
            return;
          }
          expect(answer).toBe(total);
          const sums = Array<number>(weights.length).fill(-64);
          for (const [pass, sign] of [[PASSES, -1], [PASSES + 12, 1]] as const) {
            let offsets = words[pass / 4 + 2]!;
            for (let p = words[pass / 4]!; p < words[pass / 4 + 1]!; p += 32) {
              for (let i = 0; i < 32; i++) {
                expect(bytes[p + i]).toBeGreaterThanOrEqual(0);
                sums[words[offsets / 4]! * 8 + i]! += sign * bytes[p + i]!;
              }
              offsets += 4;
            }
          }
          expect(sums).toEqual(weights.map((w) => w - zero));
        },
      ),
      { numRuns: 3000, seed: 4 },
    );
    // none, below, above and both; with and without enough room
    expect(sizes.size).toBeGreaterThanOrEqual(7);
  });
});

describe('the split of activations', () => {
  test('splits every byte reversibly into 0 … 127 and 0 or 1', async () => {
    const { run: { split_i8: split, fill_split: fill }, memory } =
      await assemble("export { split_i8, fill_split } from './assembly/kernels/widen';");
    const bytes = new Uint8Array(memory);
    const IN = 1024;
    const OUT = 2048;
    const PLANE = 512;
    const check = (values: number[]): void => {
      values.forEach((value, i) => {
        const [l, h] = [bytes[OUT + i]!, bytes[OUT + PLANE + i]!];
        expect(l).toBeLessThanOrEqual(127);
        expect(h).toBeLessThanOrEqual(1);
        expect(l - 128 * h).toBe(value);
      });
    };
    const all = Array.from({ length: 256 }, (_, i) => i - 128);
    bytes.set(all.map(unsigned), IN);
    split!(IN, OUT, PLANE, 256);
    check(all);
    for (const value of all) {
      fill!(OUT, PLANE, value, 32);
      check(Array<number>(32).fill(value));
    }
  });
});
