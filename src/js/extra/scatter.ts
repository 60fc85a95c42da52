import { DTYPE_F32, MAX_RANK, SCATTER_ADD, SCATTER_CLAMPED, SCATTER_COUNT, SCATTER_DEPTH, SCATTER_DIMENSIONS,
  SCATTER_FILLED, SCATTER_INDEX_STRIDES, SCATTER_INDICES, SCATTER_MAX, SCATTER_MUL, SCATTER_NONE, SCATTER_REDUCTION,
  SCATTER_ROW, SCATTER_SHARED, SCATTER_SIZES, SCATTER_SOURCE, SCATTER_STRIDES, SCATTER_TARGET,
  SCATTER_UPDATES } from '../../../assembly/layout';
import { clamp, product32 } from '../arithmetic';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory, type Views } from '../memory';

/** The element that the indices from `at` on name, or −1 if one of them is out of range. */
function placeOf(r: number, m: Memory, indices: Int32Array, at: number): number {
  let place = 0;
  for (let k = 0; k < int(r, m, SCATTER_DEPTH); k++) {
    const size = int(r, m, SCATTER_SIZES + 4 * k);
    let index = indices[at + k]!;
    if (int(r, m, SCATTER_CLAMPED) !== 0) index = clamp(index, 0, size - 1);
    else if (index < 0) index += size;
    if (index < 0 || index >= size) return -1;
    place += index * int(r, m, SCATTER_INDEX_STRIDES + 4 * k);
  }
  return place;
}

export function runScatter(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const shift = shiftOf(dtype);
  const reduction = int(r, m, SCATTER_REDUCTION);
  const floats = dtype === DTYPE_F32;
  const n = int(r, m, SCATTER_ROW);
  const shared = int(r, m, SCATTER_SHARED) !== 0;
  const depth = int(r, m, SCATTER_DEPTH);
  const filled = int(r, m, SCATTER_FILLED) !== 0;
  // values that are only moved keep the bits of NaN as integers
  const bits = function(views: Views): Int32Array | Uint8Array {
    return shift === 2 ? views.i32 : views.u8;
  };
  const a = bits(sectionOf(r, m, SCATTER_SOURCE));
  const out = bits(m.arena);
  const from = offsetOf(r, m, SCATTER_SOURCE) >> shift;
  const to = int(r, m, SCATTER_TARGET) >> shift;
  const indices = sectionOf(r, m, SCATTER_INDICES).i32;
  const section = sectionOf(r, m, SCATTER_UPDATES);
  const updates = reduction === SCATTER_NONE ? bits(section) : viewOf(section, dtype);
  const results = reduction === SCATTER_NONE ? out : viewOf(m.arena, dtype);
  let index = offsetOf(r, m, SCATTER_INDICES) >> 2;
  let update = offsetOf(r, m, SCATTER_UPDATES) >> shift;
  let rows = 1;
  for (let d = 0; d < MAX_RANK; d++) rows *= int(r, m, SCATTER_DIMENSIONS + 4 * d);
  for (let i = 0; i < int(r, m, SCATTER_COUNT); i++) out[to + i] = a[from + (filled ? 0 : i)]!;
  for (let row = 0; row < rows; row++, update += n) {
    let rest = row;
    let at = to;
    for (let d = MAX_RANK - 1; d >= 0; d--) {
      const size = int(r, m, SCATTER_DIMENSIONS + 4 * d);
      at += rest % size * int(r, m, SCATTER_STRIDES + 4 * d);
      rest = Math.floor(rest / size);
    }
    const place = placeOf(r, m, indices, index);
    if (!shared) index += depth;
    if (place < 0) continue;
    at += place;
    for (let i = 0; i < n; i++) {
      const x = results[at + i]!;
      const y = updates[update + i]!;
      let v = y;
      if (reduction === SCATTER_ADD) v = x + y;
      else if (reduction === SCATTER_MUL) v = floats ? x * y : product32(x, y);
      else if (reduction !== SCATTER_NONE) v = reduction === SCATTER_MAX ? Math.max(x, y) : Math.min(x, y);
      results[at + i] = v;
    }
  }
}
