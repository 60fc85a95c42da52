import { GATHER_COUNT, GATHER_INDEX_COUNT, GATHER_INDICES, GATHER_MIDDLE, GATHER_OUTER, GATHER_ROW_BYTES, GATHER_SOURCE,
  GATHER_TARGET } from '../../assembly/layout';
import { clamp } from './arithmetic';
import { int, offsetOf, sectionOf, type Memory } from './memory';

export function runGather(r: number, m: Memory): void {
  const count = int(r, m, GATHER_COUNT);
  const n = int(r, m, GATHER_INDEX_COUNT);
  const bytes = int(r, m, GATHER_ROW_BYTES);
  const a = sectionOf(r, m, GATHER_SOURCE).i8;
  const indices = sectionOf(r, m, GATHER_INDICES).i32;
  const out = m.arena.i8;
  let from = offsetOf(r, m, GATHER_SOURCE);
  let index = offsetOf(r, m, GATHER_INDICES) >> 2;
  let to = int(r, m, GATHER_TARGET);
  for (let outer = 0; outer < int(r, m, GATHER_OUTER); outer++, index += n) {
    for (let middle = 0; middle < int(r, m, GATHER_MIDDLE); middle++, from += count * bytes) {
      for (let i = 0; i < n; i++) {
        const row = from + clamp(indices[index + i]!, 0, count - 1) * bytes;
        for (let k = 0; k < bytes; k++) out[to++] = a[row + k]!;
      }
    }
  }
}
