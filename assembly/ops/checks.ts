import { FAULT_ATTRIBUTE } from '../layout';
import { checkFiniteTable, checkRange, checkRanges, fail, float, int, table, toF64 } from '../record';

// Checks that several operators share.

/** An activation range: ordered, and of i8 within the type. */
export function checkActivation(r: usize, low: usize, high: usize, f32s: bool): void {
  if (f32s) {
    // refuses NaN too
    if (!(float(r, low) <= float(r, high))) fail(FAULT_ATTRIBUTE);
  } else {
    checkZeroPoint(r, low);
    checkRange(r, high, int(r, low), 127);
  }
}

/** A zero point of i8. */
export function checkZeroPoint(r: usize, field: usize): void {
  checkRange(r, field, -128, 127);
}

/** A scale that is divided by: finite and above zero. */
export function checkPositive(r: usize, field: usize): void {
  const value = float(r, field);
  if (!(value > 0 && value - value == 0)) fail(FAULT_ATTRIBUTE);
}

/**
 * Scales f32 [panels][8] of an i8 convolution, and five fields in a row: the zero points of source,
 * weights and target, and the range.
 */
export function describeRequantization(r: usize, scale: usize, sourceZero: usize, panels: f64): void {
  table(r, scale, panels * 32, 16);
  checkFiniteTable(r, scale, panels * 8);
  for (let i = 0; i < 3; i++) checkZeroPoint(r, sourceZero + (i << 2));
  checkActivation(r, sourceZero + 12, sourceZero + 16, false);
}

/** A fixed-point factor: multiplier, then exponent. */
export function checkFactor(r: usize, field: usize): void {
  checkRanges(r, field, 1, 0, i32.MAX_VALUE);
  checkRanges(r, field + 4, 1, -31, 22);
}

/** Steps and pictures of the target, whose strides are at `field` and behind it, do not overlap. */
export function checkFrames(r: usize, field: usize, time: f64, batch: f64, n: f64): void {
  const step = toF64(r, field);
  const picture = toF64(r, field + 4);
  const apart = batch == 1 || time == 1 || step >= (batch - 1) * picture + n || picture >= (time - 1) * step + n;
  if (!(apart && (time == 1 || step >= n) && (batch == 1 || picture >= n))) fail(FAULT_ATTRIBUTE);
}
