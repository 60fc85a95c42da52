import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, FAULT_ARENA, MAX_RANK, SCATTER_ADD, SCATTER_BYTES, SCATTER_CLAMPED,
  SCATTER_COUNT, SCATTER_DEPTH, SCATTER_DIMENSIONS, SCATTER_FILLED, SCATTER_INDEX_STRIDES, SCATTER_INDICES, SCATTER_MAX,
  SCATTER_MIN, SCATTER_MUL, SCATTER_NONE, SCATTER_REDUCTION, SCATTER_ROW, SCATTER_SHARED, SCATTER_SIZES, SCATTER_SOURCE,
  SCATTER_STRIDES, SCATTER_TARGET, SCATTER_UPDATES } from '../layout';
import { bytesOf, checkCounts, checkRange, checkRanges, checkRecord, countWork, dtypeOf, fail, inPlace, int,
  needScratch, scratch, source, sourceOf, target, toF64 } from '../record';

// A copy of the source, into which rows of updates are written at places that follow from the
// position of the row and from indices.

// Scratch: the position, i32 [MAX_RANK]

export function describeScatter(r: usize): void {
  const reduction = int(r, SCATTER_REDUCTION);
  let types = (1 << DTYPE_F32) | (1 << DTYPE_I32);
  if (reduction != SCATTER_ADD && reduction != SCATTER_MUL) types |= (1 << DTYPE_I8) | (1 << DTYPE_U8);
  if (!checkRecord(r, SCATTER_BYTES, types)) return;
  checkRange(r, SCATTER_REDUCTION, SCATTER_NONE, SCATTER_MIN);
  checkRanges(r, SCATTER_FILLED, 3, 0, 1);
  checkRange(r, SCATTER_DEPTH, 1, MAX_RANK);
  // COUNT and ROW; DIMENSIONS; SIZES
  checkCounts(r, SCATTER_COUNT, 2);
  checkCounts(r, SCATTER_DIMENSIONS, MAX_RANK);
  checkCounts(r, SCATTER_SIZES, MAX_RANK);
  checkRanges(r, SCATTER_STRIDES, MAX_RANK, 0, 1 << 30);
  checkRanges(r, SCATTER_INDEX_STRIDES, MAX_RANK, 0, 1 << 30);
  const size = bytesOf(dtypeOf(r));
  const count = toF64(r, SCATTER_COUNT);
  const depth = toF64(r, SCATTER_DEPTH);
  const row = toF64(r, SCATTER_ROW);
  let rows: f64 = 1;
  let end = row;
  for (let at = 0; at < MAX_RANK << 2; at += 4) {
    const dimension = toF64(r, SCATTER_DIMENSIONS + at);
    rows *= dimension;
    end += (dimension - 1) * toF64(r, SCATTER_STRIDES + at);
    end += (toF64(r, SCATTER_SIZES + at) - 1) * toF64(r, SCATTER_INDEX_STRIDES + at);
  }
  // the last place that a row can have
  if (end > count) fail(FAULT_ARENA);
  source(r, SCATTER_SOURCE, (int(r, SCATTER_FILLED) != 0 ? 1 : count) * size, <u32>size);
  sourceOf(0, r, SCATTER_INDICES, (int(r, SCATTER_SHARED) != 0 ? 1 : rows) * depth * 4, 4);
  source(r, SCATTER_UPDATES, rows * row * size, <u32>size);
  target(r, SCATTER_TARGET, count * size, <u32>size);
  inPlace(SCATTER_SOURCE);
  countWork(count + rows * (row + 8 * depth));
  needScratch(MAX_RANK << 2);
}

/** out = out ∘ a for n elements. */
function merge<T>(reduction: i32, a: usize, out: usize, n: i32): void {
  for (; n > 0; n--) {
    const x = load<T>(out);
    const y = load<T>(a);
    if (reduction == SCATTER_ADD) store<T>(out, x + y);
    else if (reduction == SCATTER_MUL) store<T>(out, x * y);
    else store<T>(out, reduction == SCATTER_MAX ? max<T>(x, y) : min<T>(x, y));
    a += sizeof<T>();
    out += sizeof<T>();
  }
}

function write(r: usize, a: usize, out: usize): void {
  const reduction = int(r, SCATTER_REDUCTION);
  const n = int(r, SCATTER_ROW);
  const dtype = dtypeOf(r);
  if (reduction == SCATTER_NONE) memory.copy(out, a, n * <i32>bytesOf(dtype));
  else if (dtype == DTYPE_F32) merge<f32>(reduction, a, out, n);
  else if (dtype == DTYPE_I32) merge<i32>(reduction, a, out, n);
  else if (dtype == DTYPE_I8) merge<i8>(reduction, a, out, n);
  else merge<u8>(reduction, a, out, n);
}

/** The element that the indices name, or −1 if one of them is out of range. */
function placeOf(r: usize, indices: usize): i32 {
  const isClamped = int(r, SCATTER_CLAMPED) != 0;
  const depth = int(r, SCATTER_DEPTH);
  let place = 0;
  for (let k = 0; k < depth; k++) {
    const size = int(r, SCATTER_SIZES + (k << 2));
    let index = load<i32>(indices + (k << 2));
    if (isClamped) index = max(0, min(size - 1, index));
    else if (index < 0) index += size;
    if (<u32>index >= <u32>size) return -1;
    place += index * int(r, SCATTER_INDEX_STRIDES + (k << 2));
  }
  return place;
}

/** Moves the position to the next row, and returns the change of the row's place. */
function advance(r: usize, position: usize): i32 {
  let change = 0;
  for (let at = (MAX_RANK - 1) << 2; at >= 0; at -= 4) {
    const next = load<i32>(position + at) + 1;
    const stride = int(r, SCATTER_STRIDES + at);
    if (next < int(r, SCATTER_DIMENSIONS + at)) {
      store<i32>(position + at, next);
      return change + stride;
    }
    change -= (next - 1) * stride;
    store<i32>(position + at, 0);
  }
  return change;
}

/** Copies the source, or repeats its only element. */
function begin(r: usize, size: i32): void {
  const from = <usize>int(r, SCATTER_SOURCE);
  const out = <usize>int(r, SCATTER_TARGET);
  const bytes = int(r, SCATTER_COUNT) * size;
  if (int(r, SCATTER_FILLED) == 0) memory.copy(out, from, bytes);
  else if (size == 1) memory.fill(out, load<u8>(from), bytes);
  else for (let at = 0; at < bytes; at += 4) store<u32>(out + at, load<u32>(from));
}

export function runScatter(r: usize): void {
  const size = <i32>bytesOf(dtypeOf(r));
  begin(r, size);
  const step = int(r, SCATTER_SHARED) != 0 ? 0 : int(r, SCATTER_DEPTH) << 2;
  const row = int(r, SCATTER_ROW) * size;
  const position = scratch();
  memory.fill(position, 0, MAX_RANK << 2);
  let rows = 1;
  for (let at = 0; at < MAX_RANK << 2; at += 4) rows *= int(r, SCATTER_DIMENSIONS + at);
  let indices = <usize>int(r, SCATTER_INDICES);
  let updates = <usize>int(r, SCATTER_UPDATES);
  for (let at = 0; rows > 0; rows--) {
    const place = placeOf(r, indices);
    if (place >= 0) write(r, updates, <usize>int(r, SCATTER_TARGET) + (at + place) * size);
    at += advance(r, position);
    indices += step;
    updates += row;
  }
}
