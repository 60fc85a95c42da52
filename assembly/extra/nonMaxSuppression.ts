import { DTYPE_F32, NMS_BATCH, NMS_BOXES, NMS_BYTES, NMS_CENTERED, NMS_CLASSES, NMS_COUNT, NMS_IOU_THRESHOLD, NMS_LIMIT,
  NMS_SCORES, NMS_SCORE_THRESHOLD, NMS_SIGMA, NMS_TARGET_COUNT, NMS_TARGET_ROWS, NMS_TARGET_SCORES } from '../layout';
import { checkCounts, checkRange, checkRecord, countWork, float, int, needScratch, scratch, source, target, targetOf,
  toF64 } from '../record';
import { overlap } from './boxes';
import { heapify, pop, sift } from './heap';

// Non-maximum suppression: of each class, the boxes with the best scores that do not overlap too
// much. A heap gives the next candidate. A candidate is compared with the selected boxes that it
// has not been compared with; if they lower its score, it goes back into the heap.

// Scratch:
//   scores  f32 [COUNT]         of the class
//   heap    i32 [COUNT]         boxes whose scores exceed the threshold
//   seen    i32 [COUNT]         the number of selected boxes that a box has been compared with
//   boxes   f32 [LIMIT + 1][4]  ymin, xmin, ymax, xmax of those selected, and then the candidate
const BOX = 16;
const ROW = 12;

/** Work of one step of a candidate in the heap, and of a comparison with a box. */
const STEP_WORK: f64 = 160;
const COMPARISON_WORK: f64 = 64;

export function describeNonMaxSuppression(r: usize): void {
  if (!checkRecord(r, NMS_BYTES, 1 << DTYPE_F32)) return;
  // BATCH, CLASSES, COUNT and LIMIT
  checkCounts(r, NMS_BATCH, 4);
  checkRange(r, NMS_CENTERED, 0, 1);
  const batch = toF64(r, NMS_BATCH);
  const lines = batch * toF64(r, NMS_CLASSES);
  const count = toF64(r, NMS_COUNT);
  const limit = toF64(r, NMS_LIMIT);
  source(r, NMS_BOXES, batch * count * BOX, 4);
  source(r, NMS_SCORES, lines * count * 4, 4);
  targetOf(0, r, NMS_TARGET_ROWS, lines * limit * ROW, 4);
  target(r, NMS_TARGET_SCORES, lines * limit * 4, 4);
  targetOf(0, r, NMS_TARGET_COUNT, 4, 4);
  // with a decay, each comparison can return the candidate to the heap
  const returns = float(r, NMS_SIGMA) > 0 ? limit + 1 : 1;
  countWork(lines * count * (returns * STEP_WORK + limit * COMPARISON_WORK));
  needScratch(count * 12 + (limit + 1) * BOX);
}

/** The edges of a box: its smaller y and x, and its larger ones. */
function edges(r: usize, box: usize, out: usize): void {
  // y, then x
  for (let axis: usize = 0; axis < 8; axis += 4) {
    let a: f32;
    let b: f32;
    if (int(r, NMS_CENTERED) != 0) {
      const center = load<f32>(box + 4 - axis);
      const half = load<f32>(box + 4 - axis, 8) / 2;
      a = center - half;
      b = center + half;
    } else {
      a = load<f32>(box + axis);
      b = load<f32>(box + axis, 8);
    }
    store<f32>(out + axis, min<f32>(a, b));
    store<f32>(out + axis, max<f32>(a, b), 8);
  }
}

/**
 * The score of the candidate after the boxes from `from` to `to` have lowered it, the last first;
 * NaN if one of them overlaps too much.
 */
function lowered(r: usize, boxes: usize, from: i32, to: i32, candidate: usize, score: f32): f32 {
  const sigma = float(r, NMS_SIGMA);
  const threshold = float(r, NMS_SCORE_THRESHOLD);
  const scale: f32 = <f32>-0.5 / sigma;
  for (let k = to - 1; k >= from; k--) {
    const iou = overlap(boxes + k * BOX, candidate);
    if (iou > float(r, NMS_IOU_THRESHOLD)) return NaN;
    if (sigma > 0) score *= <f32>NativeMath.exp(<f64>(scale * iou * iou));
    if (!(score > threshold)) break;
  }
  return score;
}

/** Makes a heap of the boxes whose scores exceed the threshold, and returns their number. */
function candidates(r: usize, scores: usize, heap: usize, seen: usize): i32 {
  const count = int(r, NMS_COUNT);
  const threshold = float(r, NMS_SCORE_THRESHOLD);
  let n = 0;
  for (let i = 0; i < count; i++) {
    store<i32>(seen + (i << 2), 0);
    if (!(load<f32>(scores + (i << 2)) > threshold)) continue;
    store<i32>(heap + (n << 2), i);
    n++;
  }
  heapify<f32>(heap, n, scores);
  return n;
}

/** Writes the rows of a class from row `begin` on, and returns the next row. */
function suppress(r: usize, batch: i32, label: i32, begin: i32): i32 {
  const count = int(r, NMS_COUNT);
  const limit = int(r, NMS_LIMIT);
  const scores = scratch();
  const heap = scores + (count << 2);
  const seen = heap + (count << 2);
  const boxes = seen + (count << 2);
  const from = <usize>int(r, NMS_SCORES) + (batch * int(r, NMS_CLASSES) + label) * (count << 2);
  memory.copy(scores, from, count << 2);
  let selected = 0;
  for (let n = candidates(r, scores, heap, seen); n > 0 && selected < limit;) {
    const index = load<i32>(heap);
    const at = index << 2;
    const candidate = boxes + selected * BOX;
    edges(r, <usize>int(r, NMS_BOXES) + (batch * count + index) * BOX, candidate);
    const score = load<f32>(scores + at);
    const left = lowered(r, boxes, load<i32>(seen + at), selected, candidate, score);
    if (left == score) {
      const row = begin + selected;
      const out = <usize>int(r, NMS_TARGET_ROWS) + row * ROW;
      store<i32>(out, batch);
      store<i32>(out, label, 4);
      store<i32>(out, index, 8);
      store<f32>(<usize>int(r, NMS_TARGET_SCORES) + (row << 2), score);
      selected++;
    } else if (left > float(r, NMS_SCORE_THRESHOLD)) {
      store<i32>(seen + at, selected);
      store<f32>(scores + at, left);
      sift<f32>(heap, n, 0, scores);
      continue;
    }
    pop<f32>(heap, n, scores);
    n--;
  }
  return begin + selected;
}

export function runNonMaxSuppression(r: usize): void {
  let row = 0;
  for (let batch = 0; batch < int(r, NMS_BATCH); batch++) {
    for (let label = 0; label < int(r, NMS_CLASSES); label++) row = suppress(r, batch, label, row);
  }
  const unused = int(r, NMS_BATCH) * int(r, NMS_CLASSES) * int(r, NMS_LIMIT) - row;
  memory.fill(<usize>int(r, NMS_TARGET_ROWS) + row * ROW, 0xff, unused * ROW);
  memory.fill(<usize>int(r, NMS_TARGET_SCORES) + (row << 2), 0, unused << 2);
  store<i32>(<usize>int(r, NMS_TARGET_COUNT), row);
}
