import { MAX_RANK } from '../../assembly/layout';
import { int, type Memory } from './memory';

/**
 * Visits the rows (the innermost dimension) of up to three tensors.
 *
 * @param dimensions the offset of MAX_RANK fields; so are the strides, in elements. Strides of −1
 *   are left out
 * @param visit gets the elements where a row begins
 */
export function walk(
  r: number,
  m: Memory,
  dimensions: number,
  first: number,
  second: number,
  third: number,
  visit: (a: number, b: number, c: number) => void,
): void {
  const depth = MAX_RANK - 1;
  const passed = [0, 0, 0, 0, 0];
  let a = 0;
  let b = 0;
  let c = 0;
  for (;;) {
    visit(a, b, c);
    let d = depth - 1;
    for (; d >= 0; d--) {
      const count = int(r, m, dimensions + 4 * d);
      const steps = passed[d]! + 1 < count ? 1 : 1 - count;
      passed[d]! += steps;
      a += steps * int(r, m, first + 4 * d);
      b += steps * int(r, m, second + 4 * d);
      if (third >= 0) c += steps * int(r, m, third + 4 * d);
      if (steps > 0) break;
    }
    if (d < 0) return;
  }
}
