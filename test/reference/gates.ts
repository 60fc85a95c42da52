// The 16-bit gate functions of TensorFlow Lite's integer LSTM, after gemmlowp's fixedpoint.h, for
// one value at a time.

import { saturate32 } from './fixedPoint';

const saturate = (x: number): number => Math.max(-32768, Math.min(32767, x));

/** a·b / 2^15, rounding halves up. */
const times = (a: number, b: number): number => saturate(Math.floor((a * b + 2 ** 14) / 2 ** 15));

/** x / 2^n, rounding halves away from zero. */
export function dividePower(x: number, n: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) / 2 ** n + (n > 0 ? 0.5 : 0));
}

/** Converts a constant from 31 to 15 fractional bits. */
const constant = (x: number): number => dividePower(x, 16);

/** e^x in Q0.15, x ≤ 0 in Q(bits).(15 − bits) */
function negativeExp(x: number, bits: number): number {
  if (x === 0) return 32767;
  if (bits > 5 && x < -(2 ** (20 - bits))) return 0;
  const quarter = 2 ** (13 - bits);
  const part = (x & (quarter - 1)) - quarter;
  const rest = part - x;
  const a = part * 2 ** bits + 4096;
  const a2 = times(a, a);
  const a3 = times(a2, a);
  const a4 = times(a2, a2);
  const tail = dividePower(times(dividePower(a4, 2) + a3, constant(715827883)) + a2, 1);
  let result = saturate(constant(1895147668) + times(constant(1895147668), a + tail));
  [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242].forEach((multiplier, i) => {
    if (bits > i - 2 && (rest & (quarter << i)) !== 0) result = times(result, constant(multiplier));
  });
  return result;
}

/** 2 / (1 + e) in Q2.13, by Newton-Raphson iteration. */
function inverse(e: number): number {
  const half = Math.floor((e + 32768) / 2);
  let x = constant(1515870810) + times(half, constant(-1010580540));
  for (let i = 0; i < 3; i++) x += saturate(4 * times(x, 8192 - times(half, x)));
  return x;
}

/** Q3.12 → Q0.15 */
export function logistic16(x: number): number {
  if (x === 0) return 16384;
  const positive = saturate(2 * inverse(negativeExp(-Math.abs(x), 3)));
  return x > 0 ? positive : 32767 - positive;
}

/** Q(bits).(15 − bits) → Q0.15 */
export function tanh16(x: number, bits: number): number {
  if (x === 0) return 0;
  return Math.sign(x) * saturate(4 * (inverse(negativeExp(-Math.abs(x), bits + 1)) - 8192));
}

const high32 = (a: bigint, b: bigint): bigint => (a * b + (1n << 30n)) >> 31n;

/** 1 / √v as a multiplier and a right shift. */
function inverseRoot(v: number): { multiplier: bigint; exponent: number } {
  if (v <= 1) return { multiplier: 2147483647n, exponent: 0 };
  let shift = 11;
  while (v >= 2 ** 29) {
    v = Math.floor(v / 4);
    shift++;
  }
  while (v < 2 ** 27) {
    v *= 4;
    shift--;
  }
  const a = BigInt(Math.floor(v / 2));
  const half = BigInt(dividePower(Number(a), 1));
  const threeHalves = 402653184n;
  let x = 1n << 28n;
  for (let i = 0; i < 5; i++) {
    const cube = saturate32(high32(high32(x, x), x) << 6n);
    x = saturate32((high32(threeHalves, x) - high32(half, cube)) << 3n);
  }
  x = high32(x, 1518500250n);
  return shift < 0
    ? { multiplier: BigInt.asIntN(32, x << BigInt(-shift)), exponent: 0 }
    : { multiplier: x, exponent: -shift };
}

/** Layer normalization of int16 values. `multiply` multiplies by a fixed-point factor. */
export function norm16(
  values: number[],
  weights: ArrayLike<number>,
  bias: ArrayLike<number>,
  scale: { multiplier: bigint; exponent: number },
  guard: number,
  multiply: (x: number, factor: { multiplier: bigint; exponent: number }) => number,
): number[] {
  const n = values.length;
  const sum = values.reduce((a, b) => a + b, 0);
  const squares = values.reduce((a, b) => a + b * b, 0);
  const mean = Math.trunc(sum * 1024 / n);
  let variance =
    Number((BigInt(squares) * BigInt(Math.floor(2 ** 20 / n)) - BigInt(mean) * BigInt(mean)) / (1n << 20n));
  if (variance < 1) variance = guard;
  const root = inverseRoot(variance);
  return values.map((x, i) => {
    const y = Math.imul(multiply(1024 * x - mean, root), weights[i]!) + bias[i]! | 0;
    const z = Math.trunc((y > 0 ? y + 512 : y - 512) / 1024);
    return saturate(multiply(z, { ...scale, exponent: scale.exponent + 12 }));
  });
}
