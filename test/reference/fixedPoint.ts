// The fixed-point arithmetic of TensorFlow Lite's integer kernels. It uses BigInt, so that only the
// explicit roundings round.

/** d ≈ multiplier · 2^(exponent − 31), the multiplier in [2^30, 2^31). */
export interface Multiplier {
  multiplier: bigint;
  exponent: number;
}

export function multiplierOf(d: number): Multiplier {
  if (d === 0) return { multiplier: 0n, exponent: 0 };
  let exponent = 0;
  while (d * 2 ** -exponent >= 1) exponent++;
  while (d * 2 ** -exponent < 0.5) exponent--;
  const multiplier = BigInt(Math.round(d * 2 ** -exponent * 2 ** 31));
  if (exponent < -31) return { multiplier: 0n, exponent: 0 };
  return multiplier === 1n << 31n ? { multiplier: 1n << 30n, exponent: exponent + 1 } : { multiplier, exponent };
}

/** a·b / 2^bits: adds half of the divisor with the sign of the product, then truncates. */
function doublingHigh(a: bigint, b: bigint, bits: bigint): bigint {
  const product = a * b;
  const half = 1n << (bits - 1n);
  return (product + (product >= 0n ? half : 1n - half)) / (1n << bits);
}

/** x / 2^n, rounding halves away from zero. */
function divideByPower(x: bigint, n: number): bigint {
  if (n === 0) return x;
  const half = 1n << BigInt(n - 1);
  const size = x < 0n ? -x : x;
  const quotient = (size + half) >> BigInt(n);
  return x < 0n ? -quotient : quotient;
}

function clampBig(x: bigint, min: bigint, max: bigint): bigint {
  if (x < min) return min;
  return x > max ? max : x;
}

export const saturate32 = (x: bigint): bigint => clampBig(x, -2147483648n, 2147483647n);

/** x·d with two roundings; intermediate results saturate at int32 before them. */
export function multiply(x: number, { multiplier, exponent }: Multiplier): number {
  const high = doublingHigh(saturate32(saturate32(BigInt(x)) << BigInt(Math.max(exponent, 0))), multiplier, 31n);
  return Number(divideByPower(high, Math.max(-exponent, 0)));
}

/** (d·m + 128) >> 8: XNNPACK's multipliers with 8 fractional bits; halves round up. */
export function multiplyBy256ths(d: number, multiplier: number): number {
  return Math.floor((d * multiplier + 128) / 256);
}

/**
 * An accumulator of 64 bits times d, of which 16 bits are used; halves round up. (TFLite's
 * MultiplyByQuantizedMultiplier of an int64)
 */
export function multiplyLong(x: number, { multiplier, exponent }: Multiplier): number {
  const short = multiplier < 0x7fff0000n ? (multiplier + (1n << 15n)) >> 16n : 0x7fffn;
  const shift = BigInt(15 - exponent);
  if (shift <= 0n) return Number((BigInt(x) * short) << -shift);
  return Number((BigInt(x) * short + (1n << (shift - 1n))) >> shift);
}

const saturate16 = (x: bigint): bigint => clampBig(x, -32768n, 32767n);

function to16Bits({ multiplier, exponent }: Multiplier): Multiplier {
  return {
    multiplier: multiplier >= (1n << 31n) - 1n - (1n << 15n) ? 32767n : (multiplier + (1n << 15n)) >> 16n,
    exponent,
  };
}

/**
 * TFLite's hard-swish in 16-bit fixed point.
 * @param d q − zero point of the input
 * @returns the output before its zero point is added
 */
export function hardSwish16(d: number, scaleIn: number, scaleOut: number): number {
  const fine = Math.fround(Math.fround(1 / 128) * scaleIn);
  const output = to16Bits(multiplierOf(Math.fround(fine / scaleOut)));
  const gate = to16Bits(multiplierOf(Math.fround(fine / Math.fround(3 / 32768))));
  const high = saturate16(BigInt(d) * 128n);
  const value = doublingHigh(high, output.multiplier, 15n);
  let open = high;
  if (gate.exponent > 0) open = saturate16(open << BigInt(gate.exponent - 1));
  open = doublingHigh(open, gate.multiplier, 15n);
  open = gate.exponent > 0 ? saturate16(open * 2n) : divideByPower(open, -gate.exponent);
  open = (open + 32768n) >> 1n;
  const product = open * value / 32768n;
  return Number(output.exponent > 0 ? product << BigInt(output.exponent) : divideByPower(product, -output.exponent));
}
