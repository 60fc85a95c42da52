import { GATHER_ND_BATCH, GATHER_ND_COUNT, GATHER_ND_DEPTH, GATHER_ND_DIMENSIONS, GATHER_ND_INDICES,
  GATHER_ND_ROW_BYTES, GATHER_ND_SOURCE, GATHER_ND_TARGET } from '../../../assembly/layout';
import { clamp } from '../arithmetic';
import { int, offsetOf, sectionOf, type Memory } from '../memory';

export function runGatherNd(r: number, m: Memory): void {
  const bytes = int(r, m, GATHER_ND_ROW_BYTES);
  const depth = int(r, m, GATHER_ND_DEPTH);
  const a = sectionOf(r, m, GATHER_ND_SOURCE).i8;
  const from = offsetOf(r, m, GATHER_ND_SOURCE);
  const indices = sectionOf(r, m, GATHER_ND_INDICES).i32;
  let index = offsetOf(r, m, GATHER_ND_INDICES) >> 2;
  let to = int(r, m, GATHER_ND_TARGET);
  for (let b = 0; b < int(r, m, GATHER_ND_BATCH); b++) {
    for (let n = int(r, m, GATHER_ND_COUNT); n > 0; n--) {
      let row = b;
      for (let d = 0; d < depth; d++) {
        const size = int(r, m, GATHER_ND_DIMENSIONS + d * 4);
        row = row * size + clamp(indices[index++]!, 0, size - 1);
      }
      for (let i = 0; i < bytes; i++) m.arena.i8[to++] = a[from + row * bytes + i]!;
    }
  }
}
