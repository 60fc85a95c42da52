import { multiplyFixed, multiplyFixedI32, multiplyHigh, roundingShift, roundingShift4 } from './fixedPoint';
import { saturateI16, saturateI32 } from './lanes';

// Gates of recurrent layers in 16-bit fixed point: the activations and the elementwise operations
// between the matrix products. The logistic function and tanh are gemmlowp's (Newton-Raphson on
// int16), with the operations in the order of TensorFlow Lite's integer LSTM. Functions over T are
// written once for i32 (one value that fits in an i16) and v128 (eight lanes).
//
// Arrays are i16 [n], n a multiple of 8. Qm.n is an i16 with n fractional bits. The maximum of
// Q0.15, 32767, represents 1.

@inline
function lanes<T>(x: i32): T {
  if (isVector<T>()) return i16x8.splat(<i16>x);
  else return x;
}

@inline
function plus<T>(a: T, b: T): T {
  if (isVector<T>()) return i16x8.add(a, b);
  else return a + b;
}

@inline
function minus<T>(a: T, b: T): T {
  if (isVector<T>()) return i16x8.sub(a, b);
  else return a - b;
}

/** a·b / 2^15, halves up */
@inline
function times<T>(a: T, b: T): T {
  if (isVector<T>()) return i16x8.q15mulr_sat_s(a, b);
  else return (a * b + 16384) >> 15;
}

/** 2a, saturated */
@inline
function twice<T>(a: T): T {
  if (isVector<T>()) return i16x8.add_sat_s(a, a);
  else return min<i32>(32767, max<i32>(-32768, a << 1));
}

/** a / 2^n, halves away from zero */
@inline
function divide<T>(a: T, n: i32): T {
  const mask = (1 << n) - 1;
  if (isVector<T>()) {
    const rest = v128.and(a, i16x8.splat(<i16>mask));
    const threshold = i16x8.sub(i16x8.splat(<i16>(mask >> 1)), i16x8.shr_s(a, 15));
    return i16x8.sub(i16x8.shr_s(a, n), i16x8.gt_s(rest, threshold));
  } else {
    return (a >> n) + <i32>((a & mask) > (mask >> 1) + (a >>> 31));
  }
}

/** result·multiplier / 2^15 if `bit` is set in `rest`, otherwise the result */
@inline
function timesWhere<T>(rest: T, bit: i32, result: T, multiplier: i32): T {
  if (isVector<T>()) {
    return v128.bitselect(
      times<T>(result, lanes<T>(multiplier)),
      result,
      i16x8.ne(v128.and(rest, i16x8.splat(<i16>bit)), i16x8.splat(0)),
    );
  } else return (rest & bit) != 0 ? times<T>(result, multiplier) : result;
}

/** e^a in Q0.15 for a ≤ 0 in Q(bits).(15 − bits), bits 1 to 7 */
function negativeExp<T>(a: T, bits: i32): T {
  const quarter = 1 << (13 - bits);
  let x: T;
  let rest: T;
  // a polynomial around −1/8 for the part in [−1/4, 0), one multiplication per bit of the rest
  if (isVector<T>()) {
    const part = i16x8.sub(v128.and(a, i16x8.splat(<i16>(quarter - 1))), i16x8.splat(<i16>quarter));
    rest = i16x8.sub(part, a);
    x = i16x8.add(i16x8.shl(part, bits), i16x8.splat(4096));
  } else {
    const part = (a & (quarter - 1)) - quarter;
    rest = part - a;
    x = (part << bits) + 4096;
  }
  const x2 = times<T>(x, x), x3 = times<T>(x2, x), x4 = times<T>(x2, x2);
  const tail = divide<T>(plus<T>(times<T>(plus<T>(divide<T>(x4, 2), x3), lanes<T>(10923)), x2), 1);
  const change = times<T>(lanes<T>(28918), plus<T>(x, tail));
  let y: T;
  if (isVector<T>()) y = i16x8.add_sat_s(i16x8.splat(28918), change);
  else y = min<i32>(32767, 28918 + change);
  y = timesWhere<T>(rest, quarter, y, 25520);
  y = timesWhere<T>(rest, quarter << 1, y, 19875);
  if (bits > 0) y = timesWhere<T>(rest, quarter << 2, y, 12055);
  if (bits > 1) y = timesWhere<T>(rest, quarter << 3, y, 4435);
  if (bits > 2) y = timesWhere<T>(rest, quarter << 4, y, 600);
  if (bits > 3) y = timesWhere<T>(rest, quarter << 5, y, 11);
  if (bits > 4) y = timesWhere<T>(rest, quarter << 6, y, 0);
  const least: i32 = bits > 5 ? -1 << (20 - bits) : -32768; // −32
  if (isVector<T>()) {
    y = v128.andnot(y, i16x8.lt_s(a, i16x8.splat(<i16>least)));
    const zero = i16x8.eq(a, i16x8.splat(0));
    return v128.bitselect(i16x8.splat(32767), y, zero);
  } else {
    const result = a < least ? 0 : y;
    return a == 0 ? 32767 : result;
  }
}

/** 2 / (1 + e) in Q2.13 for e in Q0.15 */
@inline
function inverse<T>(e: T): T {
  let half: T;
  if (isVector<T>()) half = i16x8.avgr_u(e, i16x8.splat(32767));
  else half = (e + 32768) >> 1;
  let x = plus<T>(lanes<T>(23130), times<T>(half, lanes<T>(-15420)));
  for (let i = 0; i < 3; i++) {
    x = plus<T>(x, twice<T>(twice<T>(times<T>(x, minus<T>(lanes<T>(8192), times<T>(half, x))))));
  }
  return x;
}

/** −|a|, which never overflows */
@inline
function minusMagnitude<T>(a: T): T {
  if (isVector<T>()) return i16x8.min_s(a, i16x8.neg(a));
  else return a > 0 ? -a : a;
}

/** x in Q3.12 → Q0.15 */
@inline
function logistic<T>(x: T): T {
  const positive = twice<T>(inverse<T>(negativeExp<T>(minusMagnitude<T>(x), 3)));
  if (isVector<T>()) {
    const y = v128.bitselect(positive, i16x8.sub(i16x8.splat(32767), positive), i16x8.gt_s(x, i16x8.splat(0)));
    return v128.bitselect(i16x8.splat(16384), y, i16x8.eq(x, i16x8.splat(0)));
  } else {
    const y = x > 0 ? positive : 32767 - positive;
    return x == 0 ? 16384 : y;
  }
}

/** x in Q(bits).(15 − bits) → Q0.15, bits 0 to 6 */
@inline
function tanh<T>(x: T, bits: i32): T {
  const size = twice<T>(twice<T>(minus<T>(inverse<T>(negativeExp<T>(minusMagnitude<T>(x), bits + 1)), lanes<T>(8192))));
  if (isVector<T>()) {
    const y = v128.bitselect(i16x8.neg(size), size, i16x8.lt_s(x, i16x8.splat(0)));
    return v128.andnot(y, i16x8.eq(x, i16x8.splat(0)));
  } else {
    const y = x < 0 ? -size : size;
    return x == 0 ? 0 : y;
  }
}

/** a i16 [n] in Q3.12 → out i16 [n] in Q0.15, n a multiple of 8. `out` may be where `a` is. */
export function logistic_i16(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), logistic<v128>(v128.load(a + (i << 1))));
  } else for (let i = 0; i < n; i++) store<i16>(out + (i << 1), logistic<i32>(load<i16>(a + (i << 1))));
}

/**
 * a i16 [n] in Q(bits).(15 − bits) → out i16 [n] in Q0.15, n a multiple of 8. `out` may be where
 * `a` is.
 */
export function tanh_i16(a: usize, out: usize, n: i32, bits: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), tanh<v128>(v128.load(a + (i << 1)), bits));
  } else for (let i = 0; i < n; i++) store<i16>(out + (i << 1), tanh<i32>(load<i16>(a + (i << 1)), bits));
}

/**
 * gate i16 [n] = saturate((add ? gate : 0) + (accumulators + bias)·factor), accumulators and bias
 * i32 [n]. The factor is multiplier·2^(exponent − 31).
 */
export function gate_i16(
  accumulators: usize,
  bias: usize,
  gate: usize,
  n: i32,
  multiplier: i32,
  exponent: i32,
  add: bool,
): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) {
      const s = i << 2;
      const low = multiplyFixed<v128>(
        i32x4.add(v128.load(accumulators + s), v128.load(bias + s)),
        multiplier,
        exponent,
      );
      const high = multiplyFixed<v128>(
        i32x4.add(v128.load(accumulators + s, 16), v128.load(bias + s, 16)),
        multiplier,
        exponent,
      );
      const p = gate + (i << 1);
      const old = add ? v128.load(p) : i16x8.splat(0);
      v128.store(
        p,
        i16x8.narrow_i32x4_s(sum4(low, i32x4.extend_low_i16x8_s(old)), sum4(high, i32x4.extend_high_i16x8_s(old))),
      );
    }
  } else {
    for (let i = 0; i < n; i++) {
      const x = multiplyFixed<i32>(
        load<i32>(accumulators + (i << 2)) + load<i32>(bias + (i << 2)),
        multiplier,
        exponent,
      );
      const p = gate + (i << 1);
      store<i16>(p, saturateI16(sum1(x, add ? <i32>load<i16>(p) : 0)));
    }
  }
}

/** x + y for any x and an i16 y, clamped where only the result's saturation to i16 matters */
@inline
function sum4(x: v128, y: v128): v128 {
  return i32x4.add(i32x4.max_s(i32x4.min_s(x, i32x4.splat(1 << 30)), i32x4.splat(-(1 << 30))), y);
}

@inline
function sum1(x: i32, y: i32): i32 {
  return max(min(x, 1 << 30), -(1 << 30)) + y;
}

/** gate i16 [n] = saturate((add ? gate : 0) + w·c·factor), w and c i16 [n] */
export function scale_product_i16(
  w: usize,
  c: usize,
  gate: usize,
  n: i32,
  multiplier: i32,
  exponent: i32,
  add: bool,
): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) {
      const p = i << 1;
      const x = v128.load(w + p);
      const y = v128.load(c + p);
      const old = add ? v128.load(gate + p) : i16x8.splat(0);
      const low = multiplyFixed<v128>(i32x4.extmul_low_i16x8_s(x, y), multiplier, exponent);
      const high = multiplyFixed<v128>(i32x4.extmul_high_i16x8_s(x, y), multiplier, exponent);
      v128.store(
        gate + p,
        i16x8.narrow_i32x4_s(sum4(low, i32x4.extend_low_i16x8_s(old)), sum4(high, i32x4.extend_high_i16x8_s(old))),
      );
    }
  } else {
    for (let i = 0; i < n; i++) {
      const p = i << 1;
      const x = multiplyFixed<i32>(<i32>load<i16>(w + p) * load<i16>(c + p), multiplier, exponent);
      store<i16>(gate + p, saturateI16(sum1(x, add ? <i32>load<i16>(gate + p) : 0)));
    }
  }
}

/**
 * out i16 [n] = a·b / 2^shift, halves away from zero, n a multiple of 8, shift 15 to 21. `out` may
 * be where an operand is.
 */
export function multiply_i16(a: usize, b: usize, out: usize, n: i32, shift: i32): void {
  const mask = (1 << shift) - 1;
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) {
      const p = i << 1;
      const x = v128.load(a + p);
      const y = v128.load(b + p);
      v128.store(
        out + p,
        i16x8.narrow_i32x4_s(
          roundingShift4(i32x4.extmul_low_i16x8_s(x, y), mask, shift),
          roundingShift4(i32x4.extmul_high_i16x8_s(x, y), mask, shift),
        ),
      );
    }
  } else {
    for (let i = 0; i < n; i++) {
      const p = i << 1;
      store<i16>(out + p, saturateI16(roundingShift<i32>(<i32>load<i16>(a + p) * load<i16>(b + p), mask, shift)));
    }
  }
}

/** out i16 [n] = clamp(a + b, low, high), n a multiple of 8. `out` may be where an operand is. */
export function add_i16(a: usize, b: usize, out: usize, n: i32, low: i32, high: i32): void {
  if (ASC_FEATURE_SIMD) {
    const least = i16x8.splat(<i16>low);
    const most = i16x8.splat(<i16>high);
    for (let i = 0; i < n; i += 8) {
      v128.store(
        out + (i << 1),
        i16x8.max_s(i16x8.min_s(i16x8.add_sat_s(v128.load(a + (i << 1)), v128.load(b + (i << 1))), most), least),
      );
    }
  } else {
    for (let i = 0; i < n; i++) {
      store<i16>(out + (i << 1), max(min(<i32>load<i16>(a + (i << 1)) + load<i16>(b + (i << 1)), high), low));
    }
  }
}

/** out i16 [n] = 32767 − a, n a multiple of 8 */
export function one_less_i16(a: usize, out: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 8) v128.store(out + (i << 1), i16x8.sub(i16x8.splat(32767), v128.load(a + (i << 1))));
  } else for (let i = 0; i < n; i++) store<i16>(out + (i << 1), 32767 - load<i16>(a + (i << 1)));
}

/**
 * out i8 [n] = clamp(a / 2^shift + zeroPoint, low, high), halves away from zero, n a multiple of 8
 */
export function narrow_i16_i8(a: usize, out: usize, n: i32, shift: i32, zeroPoint: i32, low: i32, high: i32): void {
  if (ASC_FEATURE_SIMD) {
    const z = i16x8.splat(<i16>zeroPoint);
    const least = i16x8.splat(<i16>low);
    const most = i16x8.splat(<i16>high);
    for (let i = 0; i < n; i += 8) {
      const q = i16x8.max_s(i16x8.min_s(i16x8.add_sat_s(divide<v128>(v128.load(a + (i << 1)), shift), z), most), least);
      v128.store64_lane(out + i, i8x16.narrow_i16x8_s(q, q), 0);
    }
  } else {
    for (let i = 0; i < n; i++) {
      store<i8>(out + i, max(min(divide<i32>(load<i16>(a + (i << 1)), shift) + zeroPoint, high), low));
    }
  }
}

/**
 * Layer normalization of one gate, i16 [n] in place, any n ≤ 65,536, with TensorFlow Lite's integer
 * arithmetic. weights i16 [n], bias i32 [n]. `guard` replaces a variance that rounds to 0.
 */
export function norm_i16(
  gate: usize,
  n: i32,
  weights: usize,
  bias: usize,
  multiplier: i32,
  exponent: i32,
  guard: i32,
): void {
  let sum: i64 = 0;
  let squares: i64 = 0;
  for (let i = 0; i < n; i++) {
    const x = <i64>load<i16>(gate + (i << 1));
    sum += x;
    squares += x * x;
  }
  const mean = <i32>(sum * 1024 / n);
  // 2^20 / n is truncated, as in TensorFlow Lite
  let variance = <i32>((squares * ((1 << 20) / n) - <i64>mean * mean) / (1 << 20));
  if (variance < 1) variance = guard;
  let root = i32.MAX_VALUE;
  let shift = 0;
  if (variance > 1) {
    shift = 11;
    while (variance >= 1 << 29) {
      variance /= 4;
      shift++;
    }
    const pairs = (clz<i32>(variance) - 1) / 2 - 1;
    shift -= pairs;
    variance <<= 2 * pairs;
    // five Newton iterations x = x·(3/2 − v/2·x²), in Q3.28
    const v = variance >> 1;
    const half = roundingShift<i32>(v, 1, 1);
    const three = (1 << 28) + (1 << 27);
    let x = 1 << 28;
    for (let i = 0; i < 5; i++) {
      const cube = shiftUp(high(high(x, x), x), 6);
      x = shiftUp(high(three, x) - high(half, cube), 3);
    }
    root = high(x, 1518500250);
    if (shift < 0) {
      root <<= -shift;
      shift = 0;
    }
  }
  for (let i = 0; i < n; i++) {
    const p = gate + (i << 1);
    const rescaled = multiplyFixedI32(1024 * <i32>load<i16>(p) - mean, root, -shift);
    const y = rescaled * <i32>load<i16>(weights + (i << 1)) + load<i32>(bias + (i << 2));
    store<i16>(
      p,
      saturateI16(multiplyFixedI32(<i32>((y > 0 ? <i64>y + 512 : <i64>y - 512) / 1024), multiplier, exponent + 12)),
    );
  }
}

@inline
function high(a: i32, b: i32): i32 {
  return <i32>multiplyHigh(a, b);
}

/** x·2^n, saturated */
@inline
function shiftUp(x: i32, n: i32): i32 {
  return <i32>saturateI32(<i64>x << n);
}
