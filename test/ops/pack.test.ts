import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldZeroPoint, packFloat32, packInt8, packLanes, packTaps, packTapsInt8, rowSums,
  transposed } from '../../src/ops/shared/pack';
import { Random } from '../helpers/random';
import { property, seeds } from './suite';

// Each packing is tested by unpacking it, by the formula of its layout.

const sizes = fc.record({
  N: fc.integer({ min: 1, max: 19 }),
  K: fc.integer({ min: 1, max: 13 }),
  groups: fc.integer({ min: 1, max: 3 }),
  seed: seeds,
});
const up = (n: number, unit: number): number => Math.ceil(n / unit);

test('packInt8: element (group, n, k) is at [group][n/8][k/4][n%8][k%4], the rest is the zero point', () => {
  property(sizes, 60, ({ N, K, groups, seed }) => {
    const values = new Random(seed).fill(new Int8Array(groups * N * K));
    const packed = packInt8(values, K, groups * N, groups, 3);
    const unpacked = new Int8Array(values.length);
    const rest = packed.slice();
    for (let g = 0; g < groups; g++) {
      for (let n = 0; n < N; n++) {
        for (let k = 0; k < K; k++) {
          const quad = (g * up(N, 8) + Math.floor(n / 8)) * up(K, 4) + Math.floor(k / 4);
          const at = (quad * 8 + n % 8) * 4 + k % 4;
          unpacked[(g * N + n) * K + k] = packed[at]!;
          rest[at] = 3;
        }
      }
    }
    expect(packed.length).toBe(groups * up(N, 8) * up(K, 4) * 32);
    expect(unpacked).toEqual(values);
    expect(rest.every((value) => value === 3)).toBe(true);
  });
});

test('packFloat32: element (group, n, k) is at [group][n/8][k][n%8], the rest is 0', () => {
  property(sizes, 60, ({ N, K, groups, seed }) => {
    const values = new Random(seed).fill(new Float32Array(groups * N * K));
    const packed = packFloat32(values, K, groups * N, groups);
    const unpacked = new Float32Array(values.length);
    const rest = packed.slice();
    for (let g = 0; g < groups; g++) {
      for (let n = 0; n < N; n++) {
        for (let k = 0; k < K; k++) {
          const at = ((g * up(N, 8) + Math.floor(n / 8)) * K + k) * 8 + n % 8;
          unpacked[(g * N + n) * K + k] = packed[at]!;
          rest[at] = 0;
        }
      }
    }
    expect(packed.length).toBe(groups * up(N, 8) * K * 8);
    expect(unpacked).toEqual(values);
    expect(rest.every((value) => value === 0)).toBe(true);
  });
});

test('packLanes: each group begins a panel of 8 lanes, the rest is 0', () => {
  property(sizes, 60, ({ N, groups, seed }) => {
    const values = new Random(seed).fill(new Int32Array(groups * N));
    const packed = packLanes(Int32Array, values, groups);
    const lanes = up(N, 8) * 8;
    expect(packed.length).toBe(groups * lanes);
    packed.forEach((value, i) => {
      const n = i % lanes;
      expect(value).toBe(n < N ? values[Math.floor(i / lanes) * N + n] : 0);
    });
  });
});

test('packTaps and packTapsInt8: columns before rows, channels last and in panels of 8', () => {
  property(sizes, 60, ({ N: C, K: kw, groups: kh, seed }) => {
    const values = new Random(seed).fill(new Int8Array(C * kh * kw));
    const flat = packTaps(values, kh, kw);
    const packed = packTapsInt8(values, kh, kw, -7);
    expect(packed.length).toBe(up(C, 8) * kh * kw * 8);
    for (let c = 0; c < up(C, 8) * 8; c++) {
      for (let y = 0; y < kh; y++) {
        for (let x = 0; x < kw; x++) {
          const tap = x * kh + y;
          const expected = c < C ? values[(c * kh + y) * kw + x]! : -7;
          expect(packed[(Math.floor(c / 8) * kh * kw + tap) * 8 + c % 8]).toBe(expected);
          if (c < C) expect(flat[tap * C + c]).toBe(expected);
        }
      }
    }
  });
});

test('transposed: twice is the identity', () => {
  property(sizes, 30, ({ N, K, seed }) => {
    const values = new Random(seed).fill(new Int8Array(N * K));
    const once = transposed(values, N, K);
    for (let n = 0; n < N; n++) for (let k = 0; k < K; k++) expect(once[k * N + n]).toBe(values[n * K + k]);
    expect(transposed(once, K, N)).toEqual(values);
  });
});

test('foldZeroPoint: raw activations give the accumulators of shifted ones', () => {
  property(sizes, 60, ({ N, K, seed }) => {
    const random = new Random(seed);
    const [weights, x] = [random.fill(new Int8Array(N * K)), random.fill(new Int8Array(K))];
    const [zeroX, zeroW] = [random.int(-128, 127), random.int(-128, 127)];
    const bias = Int32Array.from({ length: N }, () => random.int(-1000, 1000));
    const folded = foldZeroPoint(rowSums(weights, K, zeroW), zeroX, bias);
    for (let n = 0; n < N; n++) {
      let shifted = bias[n]!;
      let raw = folded[n]!;
      for (let k = 0; k < K; k++) {
        shifted += (x[k]! - zeroX) * (weights[n * K + k]! - zeroW);
        raw += x[k]! * (weights[n * K + k]! - zeroW);
      }
      expect(raw).toBe(shifted);
    }
  });
});
