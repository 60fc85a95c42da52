import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../helpers/assemble';

// i32x4.relaxed_dot_i8x16_i7x16_add_s adds four int8 products per lane, and engines differ in how
// they interpret the second operand. The kernels keep it in 0 … 127: they list weights, or split
// activations into low bits and sign. These tests show that all engines then agree.

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

describe('a listed panel', () => {
  const PANEL = 8192;
  const HEADER = 48;
  const ENTRY = 36;

  /** Σ a·w of 8 channels as gemm_relaxed_6x8 computes it, with the dot product of an engine. */
  function sumsOf(bytes: Int8Array, quads: number, row: readonly number[], factor: number, dot: Dot): number[] {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset);
    const end = PANEL + HEADER + 32 * quads;
    const ends = [words[PANEL / 4 + 8]!, words[PANEL / 4 + 9]!] as const;
    const rowSum = row.slice(0, 4 * quads).reduce((sum, a) => sum + a, 0);
    return Array.from({ length: 8 }, (_, channel) => {
      const half = channel >> 2;
      const lane = channel & 3;
      let acc = (words[PANEL / 4 + channel]! - factor * rowSum) | 0;
      for (let entry = half ? ends[0] : end; entry < ends[half]!; entry += ENTRY) {
        const at = new DataView(bytes.buffer).getUint32(entry + 32, true);
        const places = [...bytes.subarray(entry + 4 * lane, entry + 4 * lane + 4)];
        const rests = [...bytes.subarray(entry + 16 + 4 * lane, entry + 16 + 4 * lane + 4)];
        if (places.some((place) => place < 0 || place > 15)) throw new Error(`places ${String(places)}`);
        acc = dot(
          places.map((place, i) => (rests[i]! < 0 ? ~row[at + place]! : row[at + place]!)),
          rests.map(Math.abs),
          acc,
        );
      }
      for (let q = 0; q < quads; q++) {
        const at = PANEL + HEADER + 32 * q + 4 * channel;
        const narrow = [...bytes.subarray(at, at + 4)];
        if (narrow.some((n) => n < 0)) throw new Error(`narrow ${String(narrow)}`);
        acc = dot(row.slice(4 * q, 4 * q + 4), narrow, acc);
      }
      return acc;
    });
  }

  test('gives Σ a·(w − zw) on all processors', async () => {
    const { run: { list_panel_i8: list }, memory } =
      await assemble("export { list_panel_i8 } from './assembly/kernels/widen';");
    const bytes = new Int8Array(memory);
    const [WEIGHTS, BIAS] = [1024, 512];
    const bias = Array.from({ length: 8 }, (_, i) => 1000 * i - 3000);
    new Int32Array(memory).set(bias, BIAS / 4);
    const seen = { none: 0, few: 0, many: 0, full: 0 };
    fc.assert(
      fc.property(
        int8,
        fc.integer({ min: 1, max: 13 }),
        fc.constantFrom(0, 0.05, 0.2, 1),
        fc.nat(40),
        fc.integer({ min: 1, max: 2 ** 30 }),
        (zero, quads, density, room, seed) => {
          let state = seed;
          const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
          const any = (): number => Math.floor(random() * 256) - 128;
          const middle = Math.max(-63, Math.min(63, zero));
          const weights = Array.from(
            { length: 32 * quads },
            () => random() < density ? any() : middle - 64 + Math.floor(random() * 128),
          );
          // 16 activations are read from the last group of 16 on
          const row = Array.from({ length: 4 * quads + 12 }, () => [any(), -128, 127][Math.floor(random() * 3)]!);
          bytes.set(weights, WEIGHTS);
          const limit = PANEL + HEADER + 32 * quads + ENTRY * (4 + room);
          bytes.fill(77, PANEL, limit + 64);
          const entries = list!(WEIGHTS, zero, quads, BIAS, PANEL, limit);
          expect([...bytes.subarray(limit, limit + 64)]).toEqual(Array(64).fill(77));
          if (entries < 0) {
            seen.full++;
            expect(room).toBeLessThan(8 * Math.ceil(quads / 4) - 4);
            return;
          }
          if (entries === 0) seen.none++;
          else if (entries <= quads / 2) seen.few++;
          else seen.many++;
          expect(new Int32Array(memory)[PANEL / 4 + 9]).toBe(PANEL + HEADER + 32 * quads + ENTRY * entries);
          const expected = bias.map((b, channel) =>
            weights.reduce(
              (sum, w, i) => ((i >> 2) & 7) === channel ? sum + (w - zero) * row[4 * (i >> 5) + (i & 3)]! : sum,
              b,
            )
          );
          const found = dots.map(([, dot]) => sumsOf(bytes, quads, row, zero - middle + 64, dot));
          expect(found).toEqual(dots.map(() => expected));
        },
      ),
      { numRuns: 1000, seed: 3 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });
});

describe('the split of activations', () => {
  test('splits every byte reversibly into 0 … 127 and 0 or 1', async () => {
    const { run: { split_i8: split }, memory } = await assemble("export { split_i8 } from './assembly/kernels/widen';");
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
    bytes.set(all.map(unsigned), OUT);
    split!(OUT, OUT, PLANE, 256);
    check(all);
  });
});
