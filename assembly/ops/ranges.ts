import { FAULT_ATTRIBUTE } from '../layout';
import { checkRange, fail, float, int } from '../record';

// Checks that several operators share.

/** An activation range: ordered, and of i8 within the type. */
export function checkActivation(r: usize, low: usize, high: usize, f32s: bool): void {
  if (f32s) {
    // refuses NaN too
    if (!(float(r, low) <= float(r, high))) fail(FAULT_ATTRIBUTE);
  } else {
    checkZero(r, low);
    checkRange(r, high, int(r, low), 127);
  }
}

/** A zero point of i8. */
export function checkZero(r: usize, field: usize): void {
  checkRange(r, field, -128, 127);
}

/** A scale that is divided by: finite and above zero. */
export function checkPositive(r: usize, field: usize): void {
  const value = float(r, field);
  if (!(value > 0 && value - value == 0)) fail(FAULT_ATTRIBUTE);
}
