import { ARGMAX_COUNT, ARGMAX_INNER, ARGMAX_KIND, ARGMAX_MAX, ARGMAX_OUTER, ARGMAX_SOURCE,
  ARGMAX_TARGET } from '../../assembly/layout';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from './memory';

/** Of equal elements the first wins. NaN never replaces another element. */
export function runArgmax(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const count = int(r, m, ARGMAX_COUNT);
  const inner = int(r, m, ARGMAX_INNER);
  const sign = int(r, m, ARGMAX_KIND) === ARGMAX_MAX ? 1 : -1;
  const a = viewOf(sectionOf(r, m, ARGMAX_SOURCE), dtype);
  const out = m.arena.i32;
  let from = offsetOf(r, m, ARGMAX_SOURCE) >> shiftOf(dtype);
  let to = int(r, m, ARGMAX_TARGET) >> 2;
  for (let o = 0; o < int(r, m, ARGMAX_OUTER); o++, from += (count - 1) * inner) {
    for (let i = 0; i < inner; i++, from++) {
      let best = sign * a[from]!;
      let index = 0;
      for (let j = 1; j < count; j++) {
        const x = sign * a[from + j * inner]!;
        if (x > best) {
          best = x;
          index = j;
        }
      }
      out[to++] = index;
    }
  }
}
