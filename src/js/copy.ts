import { COPY_DIMENSIONS, COPY_ELEMENT_BYTES, COPY_SOURCE, COPY_SOURCE_STRIDES, COPY_TARGET, COPY_TARGET_STRIDES,
  MAX_RANK } from '../../assembly/layout';
import { int, offsetOf, sectionOf, type Memory } from './memory';
import { walk } from './walk';

const LAST = (MAX_RANK - 1) * 4;

export function runCopy(r: number, m: Memory): void {
  const bytes = int(r, m, COPY_ELEMENT_BYTES) === 1;
  const a = bytes ? sectionOf(r, m, COPY_SOURCE).i8 : sectionOf(r, m, COPY_SOURCE).i32;
  const out = bytes ? m.arena.i8 : m.arena.i32;
  const shift = bytes ? 0 : 2;
  const base = offsetOf(r, m, COPY_SOURCE) >> shift;
  const target = int(r, m, COPY_TARGET) >> shift;
  const n = int(r, m, COPY_DIMENSIONS + LAST);
  const step = int(r, m, COPY_SOURCE_STRIDES + LAST);
  const stepOut = int(r, m, COPY_TARGET_STRIDES + LAST);
  walk(r, m, COPY_DIMENSIONS, COPY_SOURCE_STRIDES, COPY_TARGET_STRIDES, -1, function(from, to) {
    from += base;
    to += target;
    for (let i = 0; i < n; i++, from += step, to += stepOut) out[to] = a[from]!;
  });
}
