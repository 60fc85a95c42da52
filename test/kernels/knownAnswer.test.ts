import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compileCore, instantiate, type CoreExports } from '../../src/runtime/core';
import { inlinedCores } from '../../src/runtime/inlined';
import { answersRight } from '../../src/runtime/knownAnswer';
import { flavors } from '../helpers/flavors';

// What every engine is tried with before it may run a model: the answer is worked out here, and one wrong byte is found out.

const ROWS = 8, K = 64, N = 16, PAGE = 65536;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65, 3];

function expected(): Int8Array {
  const a = (m: number, k: number): number => extremes[m < 3 ? m : (k * 5 + m * 7 + (k >> 3)) % extremes.length]!;
  const w = (n: number, k: number): number => extremes[n < 3 ? n : (k * 7 + n * 5 + (k >> 4)) % extremes.length]!;
  return Int8Array.from({ length: ROWS * N }, (_, i) => {
    const m = Math.floor(i / N), n = i % N;
    let sum = n;
    for (let k = 0; k < K; k++) sum += a(m, k) * (w(n, k) - 1);
    const x = sum * 2 ** -(4 + n % 12), down = Math.floor(x), rounded = x - down === 0.5 ? down + (down & 1) : Math.round(x);
    return Math.max(-100, Math.min(90, rounded - 3));
  });
}

describe('the known answer', () => {
  const answer = expected(), bytes = new Uint8Array(answer.buffer);

  test('has sums at both ends, ties, and values at both clamps and between', () => {
    expect(answer).toContain(-100);
    expect(answer).toContain(90);
    expect(new Set(answer).size).toBeGreaterThan(20);
  });

  /** Runs it on a core whose output is changed by `spoil` after each run. */
  function tried(spoil: (output: Uint8Array, run: number) => void): boolean {
    const { exports, memory } = instantiate(compileCore(inlinedCores.scalar!(), 'the core'), PAGE);
    let output = memory, runs = 0;
    const spoiled: CoreExports = {
      ...exports,
      run(from, to) {
        exports.run(from, to);
        const view = new DataView(memory.buffer), target = view.getUint32(L.RESERVED + L.CONV2D_TARGET, true);
        output = memory.subarray(target, target + ROWS * N);
        spoil(output, runs++);
      },
    };
    return answersRight(spoiled, memory);
  }

  test('is what is worked out here', () => {
    let seen: Uint8Array | undefined;
    expect(tried((output) => { seen = output.slice(); })).toBe(true);
    expect(seen).toEqual(bytes);
  });

  test('is refused with any of its bytes off by one', () => {
    for (let at = 0; at < ROWS * N; at++) expect(tried((output) => { output[at]! ^= 1; }), `byte ${at}`).toBe(false);
  });

  test('counts in the last of several runs, each of which starts anew', () => {
    let last = 0;
    tried((_, run) => { last = run; });
    expect(last).toBeGreaterThan(3);
    expect(tried((output, run) => { if (run === last) output.fill(0); })).toBe(false);
  });

  test.each(flavors)('is given by the %s core', (flavor) => {
    expect(() => compileCore(inlinedCores[flavor]!(), 'the core')).not.toThrow();
  });
});
