import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import binaryen from 'binaryen';
import { dotEngines, emulate, type DotEngine } from '../helpers/dotEngines';
import { flavors } from '../helpers/flavors';

// i32x4.relaxed_dot_i8x16_i7x16_add_s adds four int8 products per lane, and engines differ in how
// they take the second operand. The kernels ask which engine they run on, and give the activations
// a form that is exact there. These tests show that. The tests of operators run the kernels on
// emulated engines.

type Dot = (a: readonly number[], b: readonly number[], acc: number) => number;

const signed = (x: number): number => (x << 24) >> 24;
const unsigned = (x: number): number => x & 255;
const clamp16 = (x: number): number => Math.max(-32768, Math.min(32767, x));
const wrap16 = (x: number): number => (x << 16) >> 16;
const products = (a: readonly number[], b: readonly number[], take: (x: number) => number): number[] =>
  a.map((x, i) => x * take(b[i]!));

/**
 * What the instructions compute: vpdpbusd; vpdpbssd and sdot; pmaddubsw and pmaddwd; smull, addp
 * and saddlp; the last or sdot.
 */
const engines: Record<DotEngine, Dot> = {
  vnni: (a, b, acc) => (products(a, b, unsigned).reduce((s, p) => s + p, acc)) | 0,
  sdot: (a, b, acc) => (products(a, b, signed).reduce((s, p) => s + p, acc)) | 0,
  ssse3: (a, b, acc) => {
    const [p, q, r, s] = products(a, b, unsigned) as [number, number, number, number];
    return (clamp16(p + q) + clamp16(r + s) + acc) | 0;
  },
  neon: (a, b, acc) => {
    const [p, q, r, s] = products(a, b, signed) as [number, number, number, number];
    return (wrap16(p + q) + wrap16(r + s) + acc) | 0;
  },
  replaced: (a, b, acc) => engines[acc & 1 ? 'sdot' : 'neon'](a, b, acc),
};
const dots = Object.entries(engines);

const int8 = fc.oneof(fc.constantFrom(-128, -127, -1, 0, 1, 126, 127), fc.integer({ min: -128, max: 127 }));
const groupOf4 = <T>(x: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(x, { minLength: 4, maxLength: 4 });

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
      -508, -508]);
  });

  test('is exact in each of the three forms on the engines it is for', () => {
    const total = (a: readonly number[], w: readonly number[]): number => a.reduce((sum, x, i) => sum + x * w[i]!, 0);
    fc.assert(
      fc.property(groupOf4(int8), groupOf4(int8), (a, w) => {
        const expected = total(a, w);
        const sum = total([1, 1, 1, 1], w);
        expect(engines.vnni(w, a.map((x) => x + 128), -128 * sum)).toBe(expected);
        expect(engines.sdot(w, a, 0)).toBe(expected);
        for (const acc of [0, 1]) {
          if (!w.includes(-128)) expect(engines.replaced(w, a, acc) - acc).toBe(expected);
        }
        for (const [name, dot] of dots) {
          const signs = dot(w, a.map((x) => Number(x < 0)), 0);
          expect(dot(w, a.map((x) => x & 127), -128 * signs), name).toBe(expected);
        }
      }),
      { numRuns: 2000, seed: 2 },
    );
    expect(engines.neon([-128, -128, 0, 0], [-128, -128, 0, 0], 0)).not.toBe(2 * 128 * 128);
  });
});

describe('an emulated engine', () => {
  /** Stores the dot product of the vectors at 0, 16 and 32 at 48. */
  const text = `(module (memory (export "memory") 1) (func (export "run") (v128.store (i32.const 48)
    (i32x4.relaxed_dot_i8x16_i7x16_add_s (v128.load (i32.const 0)) (v128.load (i32.const 16))
      (v128.load (i32.const 32))))))`;
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  const binary = module.emitBinary();
  module.dispose();

  const operands = fc.tuple(
    fc.array(int8, { minLength: 16, maxLength: 16 }),
    fc.array(int8, { minLength: 16, maxLength: 16 }),
    groupOf4(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  );

  const lowest = Array<number>(16).fill(-128);

  /** Whether a module computes what `dot` does. */
  function computes(wasm: Uint8Array<ArrayBuffer>, dot: Dot): boolean {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    const { memory, run } = exports as { memory: WebAssembly.Memory; run: () => void };
    const bytes = new Int8Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    return fc.check(
      fc.property(operands, ([a, b, acc]) => {
        bytes.set(a);
        bytes.set(b, 16);
        words.set(acc, 8);
        run();
        const lane = (i: number): number => dot(a.slice(4 * i, 4 * i + 4), b.slice(4 * i, 4 * i + 4), acc[i]!);
        return acc.every((_, i) => words[12 + i] === lane(i));
      }),
      // without the example, the engines for Arm seldom differ
      { numRuns: 500, seed: 4, examples: [[[lowest, lowest, [0, 1, 0, 1]]]] },
    ).failed === false;
  }

  test.each(dotEngines)('%s computes its sums, and those of no other', (name) => {
    const emulated = emulate(binary, () => name);
    expect(dotEngines.filter((other) => computes(emulated, engines[other]))).toEqual([name]);
  });

  test.runIf(flavors.includes('relaxed'))('is the one that runs this test', () => {
    const wasm = new Uint8Array(binary);
    expect(dotEngines.filter((name) => computes(wasm, engines[name]))).toHaveLength(1);
  });
});
