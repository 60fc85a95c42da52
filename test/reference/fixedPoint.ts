// The fixed-point arithmetic of TensorFlow Lite's integer kernels, where they do not compute in
// float32. In BigInt, so that nothing but the written roundings can round.

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

/**
 * a·b / 2^bits; half of the divisor is added on the product's side, then the division drops the
 * remainder.
 */
function doublingHigh(a: bigint, b: bigint, bits: bigint): bigint {
  const product = a * b;
  const half = 1n << (bits - 1n);
  return (product + (product >= 0n ? half : 1n - half)) / (1n << bits);
}

/** x / 2^n, halves away from zero */
function divideByPower(x: bigint, n: number): bigint {
  if (n === 0) return x;
  const half = 1n << BigInt(n - 1);
  const size = x < 0n ? -x : x;
  const quotient = (size + half) >> BigInt(n);
  return x < 0n ? -quotient : quotient;
}

const saturate32 = (x: bigint): bigint => x > 2147483647n ? 2147483647n : x < -2147483648n ? -2147483648n : x;

/** x·d with two roundings; what leaves int32 before them saturates. */
export function multiply(x: number, { multiplier, exponent }: Multiplier): number {
  const high = doublingHigh(saturate32(saturate32(BigInt(x)) << BigInt(Math.max(exponent, 0))), multiplier, 31n);
  return Number(divideByPower(high, Math.max(-exponent, 0)));
}

/** (d·m + 128) >> 8: XNNPACK's multipliers of 8 fractional bits; halves go up. */
export function multiplyBy256ths(d: number, multiplier: number): number {
  return Math.floor((d * multiplier + 128) / 256);
}

const saturate16 = (x: bigint): bigint => x > 32767n ? 32767n : x < -32768n ? -32768n : x;

function to16Bits({ multiplier, exponent }: Multiplier): Multiplier {
  return {
    multiplier: multiplier >= (1n << 31n) - 1n - (1n << 15n) ? 32767n : (multiplier + (1n << 15n)) >> 16n,
    exponent,
  };
}

/**
 * TFLite's hard-swish in 16-bit steps: d = q − zero point of the input → the output less its zero
 * point.
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
