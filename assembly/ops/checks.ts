import { FAULT_ATTRIBUTE, MAX_RANK } from '../layout';
import { checkedTable, checkFiniteTable, checkRange, checkRanges, fail, float, int, isProved, RULE_FILLING, table,
  toF64 } from '../record';

// Checks that several operators share.

const MAX_KERNEL = 1 << 24;
/** Limit of input coordinates, so that they do not overflow i32. */
const MAX_REACH: f64 = 1073741824;

/** Checks the bounds of an activation: min ≤ max, and for i8 both are i8 values. */
export function checkActivation(r: usize, minField: usize, maxField: usize, f32s: bool): void {
  if (f32s) {
    // The comparison refuses NaN too.
    if (!(float(r, minField) <= float(r, maxField))) fail(FAULT_ATTRIBUTE);
  } else {
    checkZeroPoint(r, minField);
    checkRange(r, maxField, int(r, minField), 127);
  }
}

/** Checks that the field is an i8 zero point. */
export function checkZeroPoint(r: usize, field: usize): void {
  checkRange(r, field, -128, 127);
}

/** Checks a scale that the kernel divides by. It must be finite and positive. */
export function checkPositive(r: usize, field: usize): void {
  const value = float(r, field);
  if (!(value > 0 && value - value == 0)) fail(FAULT_ATTRIBUTE);
}

/**
 * Describes the requantization of an i8 convolution: scales f32 [panels][8], and five consecutive
 * fields with the zero points of source, weights and target and the bounds of the activation.
 */
export function describeRequantization(r: usize, scale: usize, sourceZero: usize, panels: f64): void {
  table(r, scale, panels * 32, 16);
  checkFiniteTable(r, scale, panels * 8);
  for (let i = 0; i < 3; i++) checkZeroPoint(r, sourceZero + (i << 2));
  checkActivation(r, sourceZero + 12, sourceZero + 16, false);
}

/** Checks the two fields of a fixed-point factor: multiplier, then exponent. */
export function checkFactor(r: usize, field: usize): void {
  checkRanges(r, field, 1, 0, i32.MAX_VALUE);
  checkRanges(r, field + 4, 1, -31, 22);
}

/**
 * Checks that the rows of n elements of the target do not overlap. `field` is the stride of time
 * steps, and the next field is the stride of batch items.
 */
export function checkFrames(r: usize, field: usize, time: f64, batch: f64, n: f64): void {
  const timeStride = toF64(r, field);
  const batchStride = toF64(r, field + 4);
  const apart = batch == 1 || time == 1 || timeStride >= (batch - 1) * batchStride + n ||
    batchStride >= (time - 1) * timeStride + n;
  if (!(apart && (time == 1 || timeStride >= n) && (batch == 1 || batchStride >= n))) fail(FAULT_ATTRIBUTE);
}

/**
 * Checks the windows of a pool along one dimension by the fields of its kernel, stride, padding and
 * sizes. Every window contains a pixel of the image.
 */
export function checkWindows(r: usize, kernel: usize, stride: usize, pad: usize, sizeIn: usize, sizeOut: usize): void {
  checkRange(r, kernel, 1, MAX_KERNEL);
  checkRange(r, pad, 0, int(r, kernel) - 1);
  if (toF64(r, sizeOut) * toF64(r, stride) > MAX_REACH) fail(FAULT_ATTRIBUTE);
  if ((toF64(r, sizeOut) - 1) * toF64(r, stride) - toF64(r, pad) >= toF64(r, sizeIn)) fail(FAULT_ATTRIBUTE);
}

/**
 * Checks what fills up the rows of K weights of each panel: i8 [panels][⌈K/4⌉][8][4], filled with
 * `zero`. Kernels multiply the filling by whatever follows their inputs.
 */
export function checkFilling(r: usize, field: usize, panels: f64, K: f64, zero: i32): void {
  checkPanels(checkedTable(r, field), <i32>panels, <i32>K, (<i32>K + 3) & ~3, 8, zero & 255);
}

/** The same for weights of four bits: u8 [panels][2·⌈K/8⌉][4][4], filled with 0x88, twice 0. */
export function checkNibbles(r: usize, field: usize, panels: f64, K: f64): void {
  checkPanels(checkedTable(r, field), <i32>panels, <i32>K, (<i32>K + 7) & ~7, 4, 0x88);
}

/** Checks the bytes of `lanes` rows in each panel from K up to `end`. */
function checkPanels(from: usize, panels: i32, K: i32, end: i32, lanes: i32, value: i32): void {
  if (from == 0 || K == end ||
    isProved(RULE_FILLING, <f64>panels * <f64>(lanes * (end - K)), from, panels, K, lanes, value, 0)) return;
  for (let panel = 0; panel < panels; panel++) {
    for (let lane = 0; lane < lanes; lane++) {
      for (let k = K; k < end; k++) {
        if (<i32>load<u8>(from + ((k >> 2) * lanes + lane << 2) + (k & 3)) != value) fail(FAULT_ATTRIBUTE);
      }
    }
    from += end * lanes;
  }
}

/**
 * Checks that each element of a target is written once, because the stride of every one of the
 * MAX_RANK dimensions is larger than the extent of all dimensions with smaller strides.
 */
export function checkApart(r: usize, dimensions: usize, strides: usize): void {
  for (let d = 0; d < MAX_RANK << 2; d += 4) {
    if (int(r, dimensions + d) == 1) continue;
    const stride = toF64(r, strides + d);
    let reach: f64 = 0;
    for (let e = 0; e < MAX_RANK << 2; e += 4) {
      const other = toF64(r, strides + e);
      const count = toF64(r, dimensions + e);
      if (e == d || count == 1) continue;
      if (other == stride) fail(FAULT_ATTRIBUTE);
      if (other < stride) reach += (count - 1) * other;
    }
    if (!(stride > reach)) fail(FAULT_ATTRIBUTE);
  }
}
