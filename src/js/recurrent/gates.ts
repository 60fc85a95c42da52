import { clamp, high, multiplyFixed, saturate16, shiftRight, truncate } from '../arithmetic';

// Gates of recurrent layers in 16-bit fixed point, as in assembly/kernels/gates.ts. Qm.n is an
// integer of 16 bits with n fractional bits.

/** a·b / 2^15, halves up */
function times(a: number, b: number): number {
  return (a * b + 16384) >> 15;
}

/** a / 2^n for n > 0, halves away from zero, for |a| ≤ 2^30 */
function divide(a: number, n: number): number {
  const half = 1 << (n - 1);
  return a < 0 ? -((half - a) >> n) : (a + half) >> n;
}

const multipliers = [25520, 19875, 12055, 4435, 600, 11, 0];

/** e^a in Q0.15 for a ≤ 0 in Q(bits).(15 − bits), bits 1 to 7 */
function negativeExp(a: number, bits: number): number {
  if (a === 0) return 32767;
  if (bits > 5 && a < -(1 << (20 - bits))) return 0;
  const quarter = 1 << (13 - bits);
  // a polynomial around −1/8 for the part in [−1/4, 0), one multiplication per bit of the rest
  const part = (a & (quarter - 1)) - quarter;
  const rest = part - a;
  const x = (part << bits) + 4096;
  const x2 = times(x, x);
  const tail = divide(times(divide(times(x2, x2), 2) + times(x2, x), 10923) + x2, 1);
  let y = saturate16(28918 + times(28918, x + tail));
  for (let i = 0; i < bits + 2 && i < 7; i++) {
    if ((rest & (quarter << i)) !== 0) y = times(y, multipliers[i]!);
  }
  return y;
}

/** 2 / (1 + e) in Q2.13 for e in Q0.15 */
function inverse(e: number): number {
  const half = (e + 32768) >> 1;
  let x = 23130 + times(half, -15420);
  for (let i = 0; i < 3; i++) x += saturate16(4 * times(x, 8192 - times(half, x)));
  return x;
}

/** x in Q3.12 → Q0.15 */
export function logistic16(x: number): number {
  if (x === 0) return 16384;
  const y = saturate16(2 * inverse(negativeExp(x > 0 ? -x : x, 3)));
  return x > 0 ? y : 32767 - y;
}

/** x in Q(bits).(15 − bits) → Q0.15, bits 0 to 6 */
export function tanh16(x: number, bits: number): number {
  if (x === 0) return 0;
  const y = saturate16(4 * (inverse(negativeExp(x > 0 ? -x : x, bits + 1)) - 8192));
  return x < 0 ? -y : y;
}

/** a·b / 2^shift, halves away from zero */
export function multiply16(a: number, b: number, shift: number): number {
  return saturate16(divide(a * b, shift));
}

/** `before` + x·(multiplier, exponent), saturated */
export function scale16(x: number, multiplier: number, exponent: number, before: number): number {
  return saturate16(clamp(multiplyFixed(x, multiplier, exponent), -1073741824, 1073741824) + before);
}

/** x·2^n for n > 0, saturated to 32 bits */
function shiftUp(x: number, n: number): number {
  return clamp(x * Math.pow(2, n), -2147483648, 2147483647);
}

/**
 * Layer normalization of n values of a gate from `at` on, in place (assembly/kernels/gates.ts). The
 * weights begin at `w`, and the biases at `b`.
 *
 * @param guard replaces a variance that rounds to 0
 */
export function norm16(
  gate: Int16Array,
  at: number,
  n: number,
  weights: Int16Array,
  w: number,
  biases: Int32Array,
  b: number,
  multiplier: number,
  exponent: number,
  guard: number,
): void {
  let sum = 0;
  let squares = 0;
  for (let i = at; i < at + n; i++) {
    sum += gate[i]!;
    squares += gate[i]! * gate[i]!;
  }
  const mean = truncate((sum * 1024) / n);
  let variance = truncate((squares * Math.floor(1048576 / n) - mean * mean) / 1048576);
  if (variance < 1) variance = guard;
  let root = 2147483647;
  let shift = 0;
  if (variance > 1) {
    for (shift = 11; variance >= 536870912; shift++) variance = Math.floor(variance / 4);
    for (; variance < 134217728; shift--) variance *= 4;
    // five Newton iterations x = x·(3/2 − v/2·x²), in Q3.28
    const half = shiftRight(variance >> 1, 1);
    let x = 268435456;
    for (let i = 0; i < 5; i++) {
      const cube = shiftUp(high(high(x, x), x), 6);
      x = shiftUp(high(402653184, x) - high(half, cube), 3);
    }
    root = high(x, 1518500250);
    if (shift < 0) {
      root = (root * Math.pow(2, -shift)) | 0;
      shift = 0;
    }
  }
  for (let i = 0; i < n; i++) {
    const y = (multiplyFixed(1024 * gate[at + i]! - mean, root, -shift) * weights[w + i]! + biases[b + i]!) | 0;
    gate[at + i] = saturate16(multiplyFixed(truncate((y > 0 ? y + 512 : y - 512) / 1024), multiplier, exponent + 12));
  }
}
