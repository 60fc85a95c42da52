import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compileCore, instantiate } from '../../src/runtime/core';
import type { CoreExports } from '../../src/runtime/types';
import { answersRight } from '../../src/runtime/knownAnswer';
import { everyCore } from '../../src/everyCore';
import type { KletError } from '../../src/index';
import { breakFunction, functionsWithDots } from '../helpers/dotEngines';
import { flavors } from '../helpers/flavors';

// The check that every engine must pass before it runs a model. The expected answer is computed
// here independently, and the check must detect any single wrong byte.

const ROWS = 8;
const K = 64;
const N = 16;
const PAGE = 65536;
const extremes = [-128, 127, -127, 126, -1, 0, 1, 64, -64, 63, -65];

function expected(): { answer: Int8Array; ties: number } {
  const a = (m: number, k: number): number => extremes[m < 3 ? m : (m * K + k) % extremes.length]!;
  // weights by their position in the panels, i8 [N/8][K/4][8][4]
  const w = (n: number, k: number): number =>
    extremes[n < 3 ? n : ((n >> 3) * 8 * K + (k >> 2) * 32 + (n & 7) * 4 + (k & 3)) % extremes.length]!;
  let ties = 0;
  const answer = Int8Array.from({ length: ROWS * N }, (_, i) => {
    const m = Math.floor(i / N);
    const n = i % N;
    let accumulator = 8 * n;
    for (let k = 0; k < K; k++) accumulator += a(m, k) * (w(n, k) - 1);
    const x = accumulator * 2 ** -(3 + n % 12);
    const down = Math.floor(x);
    const isTie = x - down === 0.5;
    const rounded = isTie ? down + (down & 1) : Math.round(x);
    ties += Number(isTie);
    return Math.max(-100, Math.min(90, rounded - 3));
  });
  return { answer, ties };
}

describe('the known-answer check', () => {
  const { answer, ties } = expected();
  const bytes = new Uint8Array(answer.buffer);

  test('has ties, values at both clamps and values between them', () => {
    expect(answer).toContain(-100);
    expect(answer).toContain(90);
    expect(new Set(answer).size).toBeGreaterThan(20);
    expect(ties).toBeGreaterThan(10);
  });

  /** The verdict on a core whose output `spoil` changes after each run. */
  function passes(spoil: (output: Uint8Array, run: number) => void): boolean {
    const { exports, memory } = instantiate(compileCore(everyCore.scalar!(), 'the core'), PAGE);
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

  test('equals the independently computed answer', () => {
    let seen: Uint8Array | undefined;
    expect(passes((output) => {
      seen = output.slice();
    })).toBe(true);
    expect(seen).toEqual(bytes);
  });

  test('fails if any of its bytes is wrong', () => {
    for (let at = 0; at < ROWS * N; at++) {
      expect(
        passes((output) => {
          output[at]! ^= 1;
        }),
        `byte ${at}`,
      ).toBe(false);
    }
  });

  test('fails if only the last of several runs is wrong', () => {
    let last = 0;
    passes((_, run) => {
      last = run;
    });
    expect(last).toBeGreaterThan(3);
    expect(passes((output, run) => {
      if (run === last) output.fill(0);
    })).toBe(false);
  });

  test('fails if a relaxed kernel of many rows or of few is broken, or what prepares their rows', () => {
    const refused = functionsWithDots().filter((i) => {
      try {
        compileCore(breakFunction(i), 'the core');
      } catch (error) {
        return (error as KletError).code === 'NO_WASM';
      }
      return false;
    });
    // the kernels of a tile and of a row, and the sums of rows and of a row
    expect(refused).toHaveLength(4);
  });

  test.each(flavors)('passes on the %s core', (flavor) => {
    expect(() => compileCore(everyCore[flavor]!(), 'the core')).not.toThrow();
  });
});
