import { f32 } from './rounding';

// The fixed-point arithmetic of TensorFlow Lite's reference kernels (gemmlowp), for tables that
// must reproduce its rounding. It is exact in double precision, because |x| ≤ 2^17 times a 31-bit
// multiplier stays below 2^53.

/** d = multiplier·2^(exponent − 31), multiplier of 31 bits. */
export interface Multiplier {
  multiplier: number;
  exponent: number;
}

/** TFLite's QuantizeMultiplier. */
export function quantizeMultiplier(d: number): Multiplier {
  if (d === 0) return { multiplier: 0, exponent: 0 };
  let exponent = Math.floor(Math.log2(d)) + 1;
  let multiplier = Math.round(d / 2 ** exponent * 2 ** 31);
  if (multiplier === 2 ** 31) {
    multiplier = 2 ** 30;
    exponent++;
  }
  return exponent < -31 ? { multiplier: 0, exponent: 0 } : { multiplier, exponent };
}

/** x / 2^n, halves away from zero. */
export function roundingDivideByPot(x: number, n: number): number {
  if (n === 0) return x;
  const quotient = Math.floor(x / 2 ** n);
  const rest = x - quotient * 2 ** n;
  const half = 2 ** (n - 1);
  return rest > half || (rest === half && x >= 0) ? quotient + 1 : quotient;
}

/** TFLite's MultiplyByQuantizedMultiplier with its two roundings. */
export function multiplyByQuantizedMultiplier(x: number, { multiplier, exponent }: Multiplier): number {
  const product = x * 2 ** Math.max(exponent, 0) * multiplier;
  const high = Math.trunc((product + (product >= 0 ? 2 ** 30 : 1 - 2 ** 30)) / 2 ** 31);
  return roundingDivideByPot(high, Math.max(-exponent, 0));
}

function saturate16(x: number): number {
  return Math.max(-32768, Math.min(32767, x));
}

/** gemmlowp's SaturatingRoundingDoublingHighMul of two int16. */
function roundingDoublingHighMul16(a: number, b: number): number {
  const product = a * b;
  return Math.trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15);
}

function downTo16({ multiplier, exponent }: Multiplier): Multiplier {
  return {
    multiplier: multiplier >= 2 ** 31 - 1 - 2 ** 15 ? 32767 : Math.floor((multiplier + 2 ** 15) / 2 ** 16),
    exponent,
  };
}

/**
 * TFLite's int8 hard-swish without the output's zero point: d = q − zeroPoint of the input, all in
 * 16-bit fixed point.
 */
export function hardSwishSteps(scaleX: number, scaleY: number): (d: number) => number {
  const fine = f32(f32(1 / 128) * f32(scaleX));
  const toOutput = downTo16(quantizeMultiplier(f32(fine / f32(scaleY))));
  const toGate = downTo16(quantizeMultiplier(f32(fine / f32(3 / 32768))));
  return (d) => {
    const high = saturate16(d * 128);
    const scaled = roundingDoublingHighMul16(high, toOutput.multiplier);
    let gate = toGate.exponent > 0 ? saturate16(high * 2 ** (toGate.exponent - 1)) : high;
    gate = roundingDoublingHighMul16(gate, toGate.multiplier);
    if (toGate.exponent > 0) gate = saturate16(gate * 2);
    else gate = roundingDivideByPot(gate, -toGate.exponent);
    gate = (gate + 32768) >> 1;
    const product = Math.trunc(gate * scaled / 2 ** 15);
    return toOutput.exponent > 0 ? product * 2 ** toOutput.exponent : roundingDivideByPot(product, -toOutput.exponent);
  };
}

/**
 * XNNPACK's conversions with 8 fractional bits: (d·M + 128) >> 8, M = round_half_even(256·ratio).
 */
export function multiplyBy256ths(d: number, multiplier: number): number {
  return (d * multiplier + 128) >> 8;
}
