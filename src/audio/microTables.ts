// Tables and fixed-point functions of TensorFlow's micro front end
// (tensorflow/lite/experimental/microfrontend/lib). Its tables are computed in f32.

const f32 = Math.fround;

/** Fractional bits of window weights and of filter weights. */
export const WEIGHT_BITS = 12;

/** Position of the highest bit of a 32-bit number, counted from 1; 0 for 0. */
export const highestBit = (x: number): number => 32 - Math.clz32(x);

/** The window 0.5 − 0.5 cos(2π(i + 0.5)/length), with 12 fractional bits. */
export function microWindow(length: number): Int16Array {
  const step = f32((2 * Math.PI) / length);
  return Int16Array.from({ length }, (_, i) => {
    const weight = f32(0.5 - 0.5 * Math.cos(step * (i + 0.5)));
    return Math.floor(weight * (1 << WEIGHT_BITS) + 0.5);
  });
}

/**
 * Triangular filters. Filter m weights the bins from starts[m] up to starts[m + 1] with `weights`
 * on its falling side and with the others on the rising side of filter m + 1. Filter 0 is only the
 * start of the first band.
 */
export interface MicroFilters {
  starts: Int32Array;
  /** By bin. */
  weights: Int16Array;
  unweights: Int16Array;
}

const mel = (hertz: number): number => f32(1127 * Math.log1p(f32(hertz) / 700));

export function microFilters(
  bands: number,
  low: number,
  high: number,
  sampleRate: number,
  fftSize: number,
  isRounded: boolean,
): MicroFilters {
  const count = bands + 1;
  const hertzABin = f32((0.5 * sampleRate) / (fftSize / 2));
  const spacing = f32(f32(mel(high) - mel(low)) / count);
  const centres = Array.from({ length: count }, (_, i) => f32(mel(low) + f32(spacing * (i + 1))));
  const starts = new Int32Array(count + 1);
  const weights = new Int16Array(fftSize);
  const unweights = new Int16Array(fftSize);
  const half = isRounded ? 0.5 : 0;
  // without 0 Hz
  let bin = Math.floor(1.5 + f32(f32(low) / hertzABin));
  for (let m = 0; m < count; m++) {
    starts[m] = bin;
    const before = m === 0 ? mel(low) : centres[m - 1]!;
    for (; mel(f32(bin * hertzABin)) <= centres[m]!; bin++) {
      const weight = f32(f32(centres[m]! - mel(f32(bin * hertzABin))) / f32(centres[m]! - before));
      weights[bin] = Math.floor(weight * (1 << WEIGHT_BITS) + half);
      unweights[bin] = Math.floor((1 - weight) * (1 << WEIGHT_BITS) + half);
    }
  }
  starts[count] = bin;
  return { starts, weights, unweights };
}

/** Square root of a whole number below 2^53, rounded. */
export function squareRoot(x: number): number {
  let root = Math.floor(Math.sqrt(x));
  while (root * root > x) root--;
  const most = x < 2 ** 32 ? 0xffff : 0xffffffff;
  return x - root * root > root && root !== most ? root + 1 : root;
}

/**
 * The gain 2^gainBits · (x / 2^inputBits + offset)^−strength for x of 32 bits: values for 0 and 1,
 * then for each position of the highest bit a parabola through three points.
 */
export function gainTable(inputBits: number, strength: number, offset: number, gainBits: number): Int16Array {
  const gain = (x: number): number => {
    const scaled = f32(f32(x) / 2 ** inputBits);
    const value = f32(2 ** gainBits * f32(Math.pow(f32(scaled + f32(offset)), -f32(strength))));
    return value > 32767 ? 32767 : Math.trunc(f32(value + 0.5));
  };
  const table = new Int16Array(4 * 32 - 3);
  table[0] = gain(0);
  table[1] = gain(1);
  for (let bit = 2; bit <= 32; bit++) {
    const x = 2 ** (bit - 1);
    const first = gain(x);
    const toMiddle = gain(x + Math.floor(x / 2)) - first;
    const toEnd = gain(bit === 32 ? 2 * x - 1 : 2 * x) - first;
    const linear = 4 * toMiddle - toEnd;
    table.set([first, linear, toEnd - linear], 4 * bit - 6);
  }
  return table;
}

/** The gain of a table at x, from 0 to 2^32 − 1. */
export function wideGain(x: number, table: Int16Array): number {
  if (x <= 2) return table[x]!;
  const bit = highestBit(x);
  const at = 4 * bit - 6;
  const part = (bit < 11 ? x << (11 - bit) : x >>> (bit - 11)) & 0x3ff;
  let result = (table[at + 2]! * part) >> 5;
  result = (result + (table[at + 1]! << 5)) | 0;
  result = Math.imul(result, part);
  result = (result + (1 << 14)) >> 15;
  return ((result + table[at]!) << 16) >> 16;
}

const SNR_BITS = 12;
const PCAN_BITS = 6;

/** x²/4 below 2, x − 1 above it; x has 12 fractional bits, the result 6. */
export function shrink(x: number): number {
  if (x < 2 << SNR_BITS) return (x * x) >>> (2 + 2 * SNR_BITS - PCAN_BITS);
  return (x >>> (SNR_BITS - PCAN_BITS)) - (1 << PCAN_BITS);
}

const SEGMENTS = 128;

/** 2^16 · (log2(1 + i/128) − i/128) */
export function logTable(): Int32Array {
  return Int32Array.from({ length: SEGMENTS + 2 }, (_, i) => {
    const part = Math.min(i, SEGMENTS) / SEGMENTS;
    return Math.round(65536 * (Math.log2(1 + part) - part));
  });
}

/** 2^16 ln 2 */
const LN2 = 45426;

/** 2^shift · ln x for x of 32 bits above 1, rounded. */
export function scaledLog(x: number, shift: number, table: Int32Array): number {
  const whole = highestBit(x) - 1;
  const rest = x - 2 ** whole;
  const part = whole < 16 ? rest << (16 - whole) : Math.floor(rest / 2 ** (whole - 16));
  const segment = part >> 9;
  const from = table[segment]!;
  const inside = ((table[segment + 1]! - from) * (part - 512 * segment)) >> 16;
  const log2 = whole * 65536 + part + from + inside;
  const natural = Math.floor((LN2 * log2 + 32768) / 65536);
  return (natural * 2 ** shift + 32768) / 65536 >>> 0;
}
