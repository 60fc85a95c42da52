import { CUMSUM_COUNT, CUMSUM_EXCLUSIVE, CUMSUM_INNER, CUMSUM_OUTER, CUMSUM_REVERSE, CUMSUM_SOURCE, CUMSUM_TARGET,
  DTYPE_F32 } from '../../../assembly/layout';
import { f32 } from '../arithmetic';
import { dtypeOf, int, offsetOf, sectionOf, viewOf, type Memory } from '../memory';

export function runCumsum(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const n = int(r, m, CUMSUM_COUNT);
  const inner = int(r, m, CUMSUM_INNER);
  const exclusive = int(r, m, CUMSUM_EXCLUSIVE) !== 0;
  const reverse = int(r, m, CUMSUM_REVERSE) !== 0;
  const a = viewOf(sectionOf(r, m, CUMSUM_SOURCE), dtype);
  const out = viewOf(m.arena, dtype);
  const from = offsetOf(r, m, CUMSUM_SOURCE) >> 2;
  const to = int(r, m, CUMSUM_TARGET) >> 2;
  for (let outer = 0; outer < int(r, m, CUMSUM_OUTER); outer++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) {
        const at = (outer * n + (reverse ? n - 1 - j : j)) * inner + i;
        const next = dtype === DTYPE_F32 ? f32(sum + a[from + at]!) : (sum + a[from + at]!) | 0;
        out[to + at] = exclusive ? sum : next;
        sum = next;
      }
    }
  }
}
