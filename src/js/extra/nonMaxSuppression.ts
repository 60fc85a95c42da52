import { NMS_BATCH, NMS_BOXES, NMS_CENTERED, NMS_CLASSES, NMS_COUNT, NMS_IOU_THRESHOLD, NMS_LIMIT, NMS_SCORES,
  NMS_SCORE_THRESHOLD, NMS_SIGMA, NMS_TARGET_COUNT, NMS_TARGET_ROWS,
  NMS_TARGET_SCORES } from '../../../assembly/layout';
import { f32 } from '../arithmetic';
import { float, grown, int, type Memory, offsetOf, sectionOf } from '../memory';
import { overlap } from './boxes';
import { exp } from './doubles';
import { heapify, pop, sift } from './heap';

// As in assembly/extra/nonMaxSuppression.ts: a heap gives the next candidate. Selected boxes that a
// candidate has not been compared with may lower its score, and then it goes back into the heap.

let scores = new Float32Array(0);
let heap = new Int32Array(0);
/** The number of selected boxes that a box has been compared with. */
let seen = new Int32Array(0);
/** The selected boxes, and then the candidate. */
let boxes = new Float32Array(0);

export function prepareNonMaxSuppression(r: number, m: Memory): void {
  const count = int(r, m, NMS_COUNT);
  const limit = 4 * (int(r, m, NMS_LIMIT) + 1);
  if (scores.length < count) {
    const length = grown(scores.length, count);
    scores = new Float32Array(length);
    heap = new Int32Array(length);
    seen = new Int32Array(length);
  }
  if (boxes.length < limit) boxes = new Float32Array(grown(boxes.length, limit));
}

/** Stores the edges of the box at `from` at `to`: its smaller y and x, and its larger ones. */
function storeEdges(r: number, m: Memory, a: Float32Array, from: number, to: number): void {
  for (let axis = 0; axis < 2; axis++) {
    let first = a[from + axis]!;
    let last = a[from + axis + 2]!;
    if (int(r, m, NMS_CENTERED) !== 0) {
      const center = a[from + 1 - axis]!;
      const half = f32(a[from + 3 - axis]! / 2);
      first = f32(center - half);
      last = f32(center + half);
    }
    boxes[to + axis] = Math.min(first, last);
    boxes[to + axis + 2] = Math.max(first, last);
  }
}

/**
 * The score of the candidate after the boxes from `from` to `to` have lowered it, the last first;
 * NaN if one of them overlaps too much.
 */
function lowered(r: number, m: Memory, from: number, to: number, candidate: number, score: number): number {
  const sigma = float(r, m, NMS_SIGMA);
  const scale = f32(-0.5 / sigma);
  for (let k = to - 1; k >= from; k--) {
    const iou = overlap(boxes, 4 * k, candidate);
    if (iou > float(r, m, NMS_IOU_THRESHOLD)) return NaN;
    if (sigma > 0) score = f32(score * f32(exp(f32(f32(scale * iou) * iou))));
    if (!(score > float(r, m, NMS_SCORE_THRESHOLD))) break;
  }
  return score;
}

/** Writes the rows of a class from row `begin` on, and returns the next row. */
function suppress(r: number, m: Memory, batch: number, label: number, begin: number): number {
  const count = int(r, m, NMS_COUNT);
  const threshold = float(r, m, NMS_SCORE_THRESHOLD);
  const given = sectionOf(r, m, NMS_SCORES).f32;
  const from = (offsetOf(r, m, NMS_SCORES) >> 2) + (batch * int(r, m, NMS_CLASSES) + label) * count;
  const a = sectionOf(r, m, NMS_BOXES).f32;
  const first = (offsetOf(r, m, NMS_BOXES) >> 2) + batch * count * 4;
  let n = 0;
  for (let i = 0; i < count; i++) {
    scores[i] = given[from + i]!;
    seen[i] = 0;
    if (scores[i]! > threshold) heap[n++] = i;
  }
  heapify(heap, n, scores);
  let selected = 0;
  while (n > 0 && selected < int(r, m, NMS_LIMIT)) {
    const index = heap[0]!;
    const score = scores[index]!;
    storeEdges(r, m, a, first + 4 * index, 4 * selected);
    const left = lowered(r, m, seen[index]!, selected, 4 * selected, score);
    if (left === score) {
      const row = begin + selected;
      const to = (int(r, m, NMS_TARGET_ROWS) >> 2) + 3 * row;
      m.arena.i32[to] = batch;
      m.arena.i32[to + 1] = label;
      m.arena.i32[to + 2] = index;
      m.arena.f32[(int(r, m, NMS_TARGET_SCORES) >> 2) + row] = score;
      selected++;
    } else if (left > threshold) {
      seen[index] = selected;
      scores[index] = left;
      sift(heap, n, 0, scores);
      continue;
    }
    pop(heap, n--, scores);
  }
  return begin + selected;
}

export function runNonMaxSuppression(r: number, m: Memory): void {
  const end = int(r, m, NMS_BATCH) * int(r, m, NMS_CLASSES) * int(r, m, NMS_LIMIT);
  let row = 0;
  for (let batch = 0; batch < int(r, m, NMS_BATCH); batch++) {
    for (let label = 0; label < int(r, m, NMS_CLASSES); label++) row = suppress(r, m, batch, label, row);
  }
  m.arena.i32[int(r, m, NMS_TARGET_COUNT) >> 2] = row;
  for (; row < end; row++) {
    const to = (int(r, m, NMS_TARGET_ROWS) >> 2) + 3 * row;
    for (let i = 0; i < 3; i++) m.arena.i32[to + i] = -1;
    m.arena.f32[(int(r, m, NMS_TARGET_SCORES) >> 2) + row] = 0;
  }
}
