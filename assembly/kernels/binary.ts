import { BINARY_ADD, BINARY_DIV, BINARY_MAXIMUM, BINARY_MINIMUM, BINARY_MUL, BINARY_PRELU, BINARY_SQUARED_DIFFERENCE,
  BINARY_SUB } from '../layout';
import { clamp, greater, interleaveHigh, interleaveLow, lesser, saturateI16 } from './lanes';
import { add, div, ifNotNegative, mul, sub } from './math';
import { quantize, quantize4 } from './quantize';
import { narrowBelow, requantize, requantize4, requantizeMagic, requantizeZero } from './requantize';
import { storeHalf, storeVector } from './store';

// Elementwise functions of two operands over n contiguous outputs: out[i] = f(a[i·strideA],
// b[i·strideB]). Strides are 0 or 1. With SIMD, an operand of stride 0 must be repeated over
// BINARY_SPLAT bytes. Its address stays the same, so that one loop serves every combination. `out`
// may equal an operand of stride 1.
//
// The int8 functions read their constants from eight adjacent words:
//
//              0        4        8           12              16        20         24   28
//   add, sub   factorA  factorB  bias        shift           -         zeroPoint  low  high
//   others     zeroA    zeroB    scale f32   negative f32    scaleOut  zeroPoint  low  high

/** Bytes over which an operand of stride 0 is repeated. */
export const BINARY_SPLAT = 16;

/** Repeats the element of `bytes` (1 or 4) bytes at a over BINARY_SPLAT bytes at out. */
export function splat_bytes(a: usize, bytes: i32, out: usize): void {
  if (bytes == 1) v128.store(out, v128.load8_splat(a));
  else v128.store(out, v128.load32_splat(a));
}

@inline
function extreme(largest: bool, a: i32, b: i32): i32 {
  return largest ? max(a, b) : min(a, b);
}

/** out i8 = clamp(((factorA·a + factorB·b + bias) >> shift) + zeroPoint), |factors| < 2^29 */
export function add_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  const factorA = load<i32>(constants);
  const factorB = load<i32>(constants, 4);
  const bias = load<i32>(constants, 8);
  const shift = load<i32>(constants, 12);
  const zeroPoint = load<i32>(constants, 20);
  const low = load<i32>(constants, 24);
  const high = load<i32>(constants, 28);
  if (ASC_FEATURE_SIMD) {
    // Factors are split into the low 14 bits and the rest. Then one dot product computes
    // factorA·a + factorB·b of one part, which is faster than two i32 multiplications.
    const lowParts = i32x4.splat((factorA & 0x3fff) | ((factorB & 0x3fff) << 16));
    const highParts = i32x4.splat(((factorA >> 14) & 0xffff) | ((factorB >> 14) << 16));
    const bias4 = i32x4.splat(bias), zero8 = i16x8.splat(<i16>zeroPoint), low16 = i8x16.splat(<i8>low),
      high16 = i8x16.splat(<i8>high);
    const stepA = strideA << 4;
    const stepB = strideB << 4;
    for (let i = 0; i < n; i += 16) {
      let x = v128.load8x8_s(a);
      let y = v128.load8x8_s(b);
      let p = interleaveLow(x, y);
      let q = interleaveHigh(x, y);
      const s0 = i32x4.add(
        i32x4.add(i32x4.dot_i16x8_s(p, lowParts), i32x4.shl(i32x4.dot_i16x8_s(p, highParts), 14)),
        bias4,
      );
      const s1 = i32x4.add(
        i32x4.add(i32x4.dot_i16x8_s(q, lowParts), i32x4.shl(i32x4.dot_i16x8_s(q, highParts), 14)),
        bias4,
      );
      const q0 = i16x8.add_sat_s(i16x8.narrow_i32x4_s(i32x4.shr_s(s0, shift), i32x4.shr_s(s1, shift)), zero8);
      x = v128.load8x8_s(a, 8);
      y = v128.load8x8_s(b, 8);
      p = interleaveLow(x, y);
      q = interleaveHigh(x, y);
      const s2 = i32x4.add(
        i32x4.add(i32x4.dot_i16x8_s(p, lowParts), i32x4.shl(i32x4.dot_i16x8_s(p, highParts), 14)),
        bias4,
      );
      const s3 = i32x4.add(
        i32x4.add(i32x4.dot_i16x8_s(q, lowParts), i32x4.shl(i32x4.dot_i16x8_s(q, highParts), 14)),
        bias4,
      );
      const q1 = i16x8.add_sat_s(i16x8.narrow_i32x4_s(i32x4.shr_s(s2, shift), i32x4.shr_s(s3, shift)), zero8);
      const result = i8x16.min_s(i8x16.max_s(i8x16.narrow_i16x8_s(q0, q1), low16), high16);
      storeVector(out + i, result, n - i);
      a += stepA;
      b += stepB;
    }
  } else {
    for (let i = 0; i < n; i++) {
      const acc = factorA * <i32>load<i8>(a) + factorB * <i32>load<i8>(b) + bias;
      store<i8>(out + i, min(max(saturateI16(acc >> shift) + zeroPoint, low), high));
      a += strideA;
      b += strideB;
    }
  }
}

/**
 * mul:   out i8 = requantize((a − zeroA)·(b − zeroB), scale)
 * prelu: out i8 = a ≥ zeroA ? requantize(a − zeroA, scale) : requantize((a − zeroA)·(b − zeroB),
 * negative)
 */
@inline
function products(
  prelu: bool,
  constants: usize,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
): void {
  const zeroA = load<i32>(constants);
  const zeroB = load<i32>(constants, 4);
  const scale = load<f32>(constants, 8);
  const negative = load<f32>(constants, 12);
  const zeroPoint = load<i32>(constants, 20);
  const low = load<i32>(constants, 24);
  const high = load<i32>(constants, 28);
  const lowF = <f32>(low - zeroPoint);
  const highF = <f32>(high - zeroPoint);
  if (ASC_FEATURE_SIMD) {
    const low4 = f32x4.splat(lowF);
    const high16 = i8x16.splat(<i8>high);
    const magic = requantizeMagic(zeroPoint);
    const back = requantizeZero(zeroPoint);
    const scale4 = f32x4.splat(scale);
    const negative4 = f32x4.splat(negative);
    const za = i16x8.splat(<i16>zeroA);
    const zb = i16x8.splat(<i16>zeroB);
    const one = i16x8.splat(1);
    const none = i16x8.splat(0);
    const stepA = strideA << 3;
    const stepB = strideB << 3;
    for (let i = 0; i < n; i += 8) {
      const x = i16x8.sub(v128.load8x8_s(a), za);
      let y = i16x8.sub(v128.load8x8_s(b), zb);
      let s0 = scale4;
      let s1 = scale4;
      if (prelu) {
        const positive = i16x8.ge_s(x, none);
        y = v128.bitselect(one, y, positive);
        s0 = v128.bitselect(scale4, negative4, i32x4.extend_low_i16x8_s(positive));
        s1 = v128.bitselect(scale4, negative4, i32x4.extend_high_i16x8_s(positive));
      }
      const q0 = requantize4(i32x4.extmul_low_i16x8_s(x, y), s0, low4, magic, back);
      const q1 = requantize4(i32x4.extmul_high_i16x8_s(x, y), s1, low4, magic, back);
      const q = i16x8.narrow_i32x4_s(q0, q1);
      const result = narrowBelow(q, q, high16);
      storeHalf(out + i, result, n - i);
      a += stepA;
      b += stepB;
    }
  } else {
    for (let i = 0; i < n; i++) {
      const x = <i32>load<i8>(a) - zeroA;
      const y = <i32>load<i8>(b) - zeroB;
      store<i8>(
        out + i,
        prelu && x >= 0
          ? requantize(x, scale, lowF, highF, zeroPoint)
          : requantize(x * y, prelu ? negative : scale, lowF, highF, zeroPoint),
      );
      a += strideA;
      b += strideB;
    }
  }
}

export function mul_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  products(false, constants, a, strideA, b, strideB, out, n);
}

export function prelu_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  products(true, constants, a, strideA, b, strideB, out, n);
}

@inline
function extremes(
  largest: bool,
  constants: usize,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
): void {
  const low = load<i32>(constants, 24);
  const high = load<i32>(constants, 28);
  if (ASC_FEATURE_SIMD) {
    const low16 = i8x16.splat(<i8>low);
    const high16 = i8x16.splat(<i8>high);
    const stepA = strideA << 4;
    const stepB = strideB << 4;
    for (let i = 0; i < n; i += 16) {
      const x = v128.load(a);
      const y = v128.load(b);
      const chosen = largest ? i8x16.max_s(x, y) : i8x16.min_s(x, y);
      storeVector(out + i, i8x16.min_s(i8x16.max_s(chosen, low16), high16), n - i);
      a += stepA;
      b += stepB;
    }
  } else {
    for (let i = 0; i < n; i++) {
      store<i8>(out + i, min(max(extreme(largest, load<i8>(a), load<i8>(b)), low), high));
      a += strideA;
      b += strideB;
    }
  }
}

export function minimum_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  extremes(false, constants, a, strideA, b, strideB, out, n);
}

export function maximum_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  extremes(true, constants, a, strideA, b, strideB, out, n);
}

/** (x / y)/scaleOut or (x − y)²/scaleOut, for x = scaleA·(a − zeroA), y = scaleB·(b − zeroB) */
@inline
function real<T>(divide: bool, x: T, y: T, scaleOut: T): T {
  let r: T;
  if (divide) {
    r = div<T>(x, y);
  } else {
    const d = sub<T>(x, y);
    r = mul<T>(d, d);
  }
  return div<T>(r, scaleOut);
}

@inline
function reals(
  divide: bool,
  constants: usize,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
): void {
  const zeroA = load<i32>(constants);
  const zeroB = load<i32>(constants, 4);
  const scaleA = load<f32>(constants, 8);
  const scaleB = load<f32>(constants, 12);
  const scaleOut = load<f32>(constants, 16);
  const zeroPoint = load<i32>(constants, 20);
  const low = load<i32>(constants, 24);
  const high = load<i32>(constants, 28);
  const lowF = <f32>(low - zeroPoint);
  const highF = <f32>(high - zeroPoint);
  if (ASC_FEATURE_SIMD) {
    const low4 = f32x4.splat(lowF);
    const high4 = f32x4.splat(highF);
    const magic = requantizeZero(zeroPoint);
    const scaleA4 = f32x4.splat(scaleA), scaleB4 = f32x4.splat(scaleB), scaleOut4 = f32x4.splat(scaleOut);
    const za = i16x8.splat(<i16>zeroA);
    const zb = i16x8.splat(<i16>zeroB);
    const stepA = strideA << 3;
    const stepB = strideB << 3;
    for (let i = 0; i < n; i += 8) {
      const x = i16x8.sub(v128.load8x8_s(a), za);
      const y = i16x8.sub(v128.load8x8_s(b), zb);
      const x0 = f32x4.mul(scaleA4, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(x)));
      const x1 = f32x4.mul(scaleA4, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(x)));
      const y0 = f32x4.mul(scaleB4, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(y)));
      const y1 = f32x4.mul(scaleB4, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(y)));
      const q = i16x8.narrow_i32x4_s(
        quantize4(real<v128>(divide, x0, y0, scaleOut4), low4, high4, magic),
        quantize4(real<v128>(divide, x1, y1, scaleOut4), low4, high4, magic),
      );
      storeHalf(out + i, i8x16.narrow_i16x8_s(q, q), n - i);
      a += stepA;
      b += stepB;
    }
  } else {
    for (let i = 0; i < n; i++) {
      const x = scaleA * <f32>(<i32>load<i8>(a) - zeroA);
      const y = scaleB * <f32>(<i32>load<i8>(b) - zeroB);
      store<i8>(out + i, quantize(real<f32>(divide, x, y, scaleOut), lowF, highF, zeroPoint));
      a += strideA;
      b += strideB;
    }
  }
}

export function div_i8(constants: usize, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  reals(true, constants, a, strideA, b, strideB, out, n);
}

export function squaredDifference_i8(
  constants: usize,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
): void {
  reals(false, constants, a, strideA, b, strideB, out, n);
}

@inline
function apply<T>(kind: i32, x: T, y: T): T {
  if (kind == BINARY_ADD) return add<T>(x, y);
  if (kind == BINARY_SUB) return sub<T>(x, y);
  if (kind == BINARY_MUL) return mul<T>(x, y);
  if (kind == BINARY_DIV) return div<T>(x, y);
  if (kind == BINARY_MINIMUM) return lesser<T>(x, y);
  if (kind == BINARY_MAXIMUM) return greater<T>(x, y);
  if (kind == BINARY_PRELU) return ifNotNegative<T>(x, x, mul<T>(x, y));
  const d = sub<T>(x, y);
  return mul<T>(d, d);
}

@inline
function floats(
  kind: i32,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
  low: f32,
  high: f32,
): void {
  if (ASC_FEATURE_SIMD) {
    const low4 = f32x4.splat(low);
    const high4 = f32x4.splat(high);
    const stepA = strideA << 4;
    const stepB = strideB << 4;
    for (let i = 0; i < n; i += 4) {
      const r = clamp<v128>(apply<v128>(kind, v128.load(a), v128.load(b)), low4, high4);
      storeVector(out, r, (n - i) << 2);
      a += stepA;
      b += stepB;
      out += 16;
    }
  } else {
    const stepA = strideA << 2;
    const stepB = strideB << 2;
    for (let i = 0; i < n; i++) {
      store<f32>(out, clamp<f32>(apply<f32>(kind, load<f32>(a), load<f32>(b)), low, high));
      a += stepA;
      b += stepB;
      out += 4;
    }
  }
}

/** out f32 = clamp(f(a, b)); `kind` is a BINARY_ constant of layout.ts */
export function binary_f32(
  kind: i32,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  out: usize,
  n: i32,
  low: f32,
  high: f32,
): void {
  switch (kind) {
    case BINARY_ADD:
      floats(BINARY_ADD, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_SUB:
      floats(BINARY_SUB, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_MUL:
      floats(BINARY_MUL, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_DIV:
      floats(BINARY_DIV, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_MINIMUM:
      floats(BINARY_MINIMUM, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_MAXIMUM:
      floats(BINARY_MAXIMUM, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_PRELU:
      floats(BINARY_PRELU, a, strideA, b, strideB, out, n, low, high);
      break;
    case BINARY_SQUARED_DIFFERENCE:
      floats(BINARY_SQUARED_DIFFERENCE, a, strideA, b, strideB, out, n, low, high);
      break;
  }
}

/** out i32 = f(a, b) modulo 2^32, for add, sub, mul, minimum and maximum */
export function binary_i32(kind: i32, a: usize, strideA: i32, b: usize, strideB: i32, out: usize, n: i32): void {
  const stepA = strideA << 2;
  const stepB = strideB << 2;
  for (let i = 0; i < n; i++) {
    const x = load<i32>(a);
    const y = load<i32>(b);
    let r = 0;
    switch (kind) {
      case BINARY_ADD:
        r = x + y;
        break;
      case BINARY_SUB:
        r = x - y;
        break;
      case BINARY_MUL:
        r = x * y;
        break;
      case BINARY_MINIMUM:
        r = min(x, y);
        break;
      case BINARY_MAXIMUM:
        r = max(x, y);
        break;
    }
    store<i32>(out, r);
    a += stepA;
    b += stepB;
    out += 4;
  }
}
