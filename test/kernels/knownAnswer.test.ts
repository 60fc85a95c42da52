import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compileCore, instantiate, type CoreExports } from '../../src/runtime/core';
import { inlinedCores } from '../../src/runtime/inlined';
import { answersRight } from '../../src/runtime/knownAnswer';
import { flavors } from '../helpers/flavors';

// What every engine is tried with before it may run a model: the answer is worked out here, and one
// wrong byte is found out.

const ROWS = 8;
const K = 64;
const N = 16;
const PAGE = 65536;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65];

function expected(): { answer: Int8Array; ties: number } {
  const a = (m: number, k: number): number => extremes[m < 3 ? m : (m * K + k) % extremes.length]!;
  // by place in the panels, i8 [N/8][K/4][8][4]
  const w = (n: number, k: number): number =>
    extremes[n < 3 ? n : ((n >> 3) * 8 * K + (k >> 2) * 32 + (n & 7) * 4 + (k & 3)) % extremes.length]!;
  let ties = 0;
  const answer = Int8Array.from({ length: ROWS * N }, (_, i) => {
    const m = Math.floor(i / N);
    const n = i % N;
    let sum = 8 * n;
    for (let k = 0; k < K; k++) sum += a(m, k) * (w(n, k) - 1);
    const x = sum * 2 ** -(3 + n % 12);
    const down = Math.floor(x);
    const isTie = x - down === 0.5;
    const rounded = isTie ? down + (down & 1) : Math.round(x);
    ties += Number(isTie);
    return Math.max(-100, Math.min(90, rounded - 3));
  });
  return { answer, ties };
}

describe('the known answer', () => {
  const { answer, ties } = expected();
  const bytes = new Uint8Array(answer.buffer);

  test('has sums at both ends, ties, and values at both clamps and between', () => {
    expect(answer).toContain(-100);
    expect(answer).toContain(90);
    expect(new Set(answer).size).toBeGreaterThan(20);
    expect(ties).toBeGreaterThan(10);
  });

  /** Runs it on a core whose output is changed by `spoil` after each run. */
  function tried(spoil: (output: Uint8Array, run: number) => void): boolean {
    const { exports, memory } = instantiate(compileCore(inlinedCores.scalar!(), 'the core'), PAGE);
    let output = memory;
    let runs = 0;
    const spoiled: CoreExports = {
      ...exports,
      run(from, to) {
        const next = exports.run(from, to);
        const view = new DataView(memory.buffer);
        const target = view.getUint32(L.RESERVED + L.CONV2D_TARGET, true);
        output = memory.subarray(target, target + ROWS * N);
        spoil(output, runs++);
        return next;
      },
    };
    return answersRight(spoiled, memory);
  }

  test('is what is worked out here', () => {
    let seen: Uint8Array | undefined;
    expect(tried((output) => {
      seen = output.slice();
    })).toBe(true);
    expect(seen).toEqual(bytes);
  });

  test('is refused with any of its bytes off by one', () => {
    for (let at = 0; at < ROWS * N; at++) {
      expect(
        tried((output) => {
          output[at]! ^= 1;
        }),
        `byte ${at}`,
      ).toBe(false);
    }
  });

  test('counts in the last of several runs, each of which starts anew', () => {
    let last = 0;
    tried((_, run) => {
      last = run;
    });
    expect(last).toBeGreaterThan(3);
    expect(tried((output, run) => {
      if (run === last) output.fill(0);
    })).toBe(false);
  });

  test.each(flavors)('is given by the %s core', (flavor) => {
    expect(() => compileCore(inlinedCores[flavor]!(), 'the core')).not.toThrow();
  });
});
