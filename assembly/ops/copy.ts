import { COPY_BYTES, COPY_DIMENSIONS, COPY_ELEMENT_BYTES, COPY_SOURCE, COPY_SOURCE_STRIDES, COPY_TARGET,
  COPY_TARGET_STRIDES, FAULT_ATTRIBUTE, MAX_RANK } from '../layout';
import { copy_plane } from '../kernels/copy';
import { toF64, checkCounts, checkRange, checkRecord, fail, int, needScratch, scratch, sourceSpan, parallel, targetOf,
  inPlace, GAPS, MOVED } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { walkTo, FEW_POSITIONS, advance, positionsOf, WALK_BYTES, WALK_FIRST, WALK_SECOND } from './walk';
import { checkApart } from './checks';

// Scratch: the walk

const LAST = (MAX_RANK - 1) << 2;
const ROWS = (MAX_RANK - 2) << 2;
const ANY_DTYPE = -1;
/** Cost of copying a single element, in multiply-adds. */
const WORK_PER_ELEMENT = 16;
/** Cost of a row besides its elements. */
const WORK_PER_ROW = 64;

export function describeCopy(r: usize): void {
  checkRecord(r, COPY_BYTES, ANY_DTYPE);
  checkCounts(r, COPY_DIMENSIONS, MAX_RANK);
  const bytes = int(r, COPY_ELEMENT_BYTES);
  if (bytes != 1 && bytes != 4) fail(FAULT_ATTRIBUTE);
  let from: f64 = 0;
  let to: f64 = 1;
  let extent: f64 = 1;
  let count: f64 = 1;
  for (let d = 0; d <= LAST; d += 4) {
    checkRange(r, COPY_SOURCE_STRIDES + d, -(1 << 30), 1 << 30);
    checkRange(r, COPY_TARGET_STRIDES + d, 0, 1 << 30);
    const last = toF64(r, COPY_DIMENSIONS + d) - 1;
    const reach = last * toF64(r, COPY_SOURCE_STRIDES + d);
    if (reach < 0) from += reach;
    else to += reach;
    count *= last + 1;
    extent += last * toF64(r, COPY_TARGET_STRIDES + d);
  }
  checkApart(r, COPY_DIMENSIONS, COPY_TARGET_STRIDES);
  const size = <f64>bytes;
  const alignment: u32 = bytes == 4 ? 4 : 1;
  sourceSpan(r, COPY_SOURCE, from * size, to * size, alignment, MOVED);
  targetOf(count == extent ? MOVED : MOVED | GAPS, r, COPY_TARGET, extent * size, alignment);
  let same = true;
  for (let d = 0; d <= LAST; d += 4) {
    if (int(r, COPY_DIMENSIONS + d) == 1) continue;
    if (int(r, COPY_SOURCE_STRIDES + d) != int(r, COPY_TARGET_STRIDES + d)) same = false;
  }
  if (same) inPlace(COPY_SOURCE);
  needScratch(WALK_BYTES);
  const work = count * (int(r, COPY_SOURCE_STRIDES + LAST) == 1 ? size : WORK_PER_ELEMENT);
  parallel(r, work + count / toF64(r, COPY_DIMENSIONS + LAST) * WORK_PER_ROW);
}

export function runCopy(r: usize): void {
  const bytes = int(r, COPY_ELEMENT_BYTES);
  const rows = int(r, COPY_DIMENSIONS + ROWS);
  const n = int(r, COPY_DIMENSIONS + LAST);
  const state = scratch();
  const rowStride = int(r, COPY_SOURCE_STRIDES + ROWS);
  const stride = int(r, COPY_SOURCE_STRIDES + LAST);
  const rowStrideOut = int(r, COPY_TARGET_STRIDES + ROWS);
  const strideOut = int(r, COPY_TARGET_STRIDES + LAST);
  // The threads share planes, or rows if there are few planes, or parts of rows if there are few
  // rows.
  const planes = positionsOf(r, COPY_DIMENSIONS, MAX_RANK - 2);
  const byPlanes = <u32>planes >= FEW_POSITIONS;
  const byRows = !byPlanes && <u32>rows >= FEW_POSITIONS;
  const byParts = !byPlanes && !byRows;
  const inPlane = byRows ? rows : n;
  const unit = byRows ? 8 : 64;
  share(byPlanes ? planes : inPlane, byPlanes ? 1 : unit);
  const first = byPlanes ? shareFrom : 0;
  const last = byPlanes ? shareTo : planes;
  const row = byRows ? shareFrom : 0;
  const rowCount = byRows ? shareTo - row : rows;
  const from = byParts ? shareFrom : 0;
  const count = byParts ? shareTo - from : n;
  const skipped = (row * rowStride + from * stride) * bytes;
  const skippedOut = (row * rowStrideOut + from * strideOut) * bytes;
  walkTo(
    r,
    COPY_DIMENSIONS,
    COPY_SOURCE_STRIDES,
    COPY_TARGET_STRIDES,
    bytes,
    MAX_RANK - 2,
    state,
    int(r, COPY_SOURCE),
    int(r, COPY_TARGET),
    first,
  );
  for (let left = last - first; left != 0; left--) {
    copy_plane(
      load<usize>(state, WALK_FIRST) + skipped,
      rowStride,
      stride,
      load<usize>(state, WALK_SECOND) + skippedOut,
      rowStrideOut,
      strideOut,
      rowCount,
      count,
      bytes,
    );
    advance(r, COPY_DIMENSIONS, COPY_SOURCE_STRIDES, COPY_TARGET_STRIDES, bytes, MAX_RANK - 2, state);
  }
}
