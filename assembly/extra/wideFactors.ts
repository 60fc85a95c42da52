import { FAULT_ATTRIBUTE } from '../layout';
import { checkedTable, fail, isProved, RULE_FINITE_F64, table } from '../record';

/** Describes a table of f64 [n] without NaN and infinities. */
function finiteTable(r: usize, field: usize, n: f64): void {
  table(r, field, n * 8, 16);
  const from = checkedTable(r, field);
  if (from == 0 || isProved(RULE_FINITE_F64, n, from, <i32>n, 0, 0, 0, 0)) return;
  for (let i = 0; i < <i32>n; i++) {
    const value = load<f64>(from + (i << 3));
    if (!(value - value == 0)) fail(FAULT_ATTRIBUTE);
  }
}

/** Describes the bias and, in the next field, the scale of n outputs that are i16. */
export function describeWideFactors(r: usize, bias: usize, n: f64): void {
  finiteTable(r, bias, n);
  finiteTable(r, bias + 4, n);
}
