import { FAULT_ATTRIBUTE } from '../layout';
import { checkFiniteTable, checkRange, fail, float, int, table } from '../record';

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
