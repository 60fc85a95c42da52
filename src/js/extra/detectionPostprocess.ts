import { DETECTION_ANCHORS, DETECTION_ANCHOR_COUNT, DETECTION_BACKGROUND, DETECTION_BOXES, DETECTION_BOX_STRIDE,
  DETECTION_CLASSES, DETECTION_CLASSES_PER_DETECTION, DETECTION_DETECTIONS, DETECTION_DETECTIONS_PER_CLASS,
  DETECTION_IOU_THRESHOLD, DETECTION_SCALES, DETECTION_SCORES, DETECTION_SCORE_THRESHOLD, DETECTION_TARGET_BOXES,
  DETECTION_TARGET_CLASSES, DETECTION_TARGET_COUNT, DETECTION_TARGET_SCORES } from '../../../assembly/layout';
import { f32 } from '../arithmetic';
import { float, grown, int, type Memory, offsetOf, sectionOf } from '../memory';
import { overlap } from './boxes';
import { exp } from './doubles';
import { heapify, pop } from './heap';

// As in assembly/extra/detectionPostprocess.ts: non-maximum suppression of boxes by descending
// score, of which only candidates are decoded.

/** The scores of a class, or the best of each anchor. */
let scores = new Float32Array(0);
let heap = new Int32Array(0);
/** The detections by descending score, and then the candidate: box, score, class, anchor. */
let boxes = new Float32Array(0);
let found = new Float32Array(0);
let labels = new Int32Array(0);
let anchors = new Int32Array(0);

export function prepareDetectionPostprocess(r: number, m: Memory): void {
  const count = int(r, m, DETECTION_ANCHOR_COUNT);
  const places = int(r, m, DETECTION_DETECTIONS) + 1;
  if (scores.length < count) {
    const length = grown(scores.length, count);
    scores = new Float32Array(length);
    heap = new Int32Array(length);
  }
  if (found.length < places) {
    const length = grown(found.length, places);
    boxes = new Float32Array(4 * length);
    found = new Float32Array(length);
    labels = new Int32Array(length);
    anchors = new Int32Array(length);
  }
}

/** Stores the edges of an anchor's box, whose center and size are relative to the anchor. */
function decode(r: number, m: Memory, anchor: number, place: number): void {
  const a = sectionOf(r, m, DETECTION_BOXES).f32;
  const priors = sectionOf(r, m, DETECTION_ANCHORS).f32;
  const box = (offsetOf(r, m, DETECTION_BOXES) >> 2) + anchor * int(r, m, DETECTION_BOX_STRIDE);
  const prior = (offsetOf(r, m, DETECTION_ANCHORS) >> 2) + anchor * 4;
  // y and height, then x and width
  for (let i = 0; i < 2; i++) {
    const size = priors[prior + i + 2]!;
    const step = a[box + i]! / float(r, m, DETECTION_SCALES + 4 * i);
    const center = f32(step * size + priors[prior + i]!);
    const growth = a[box + i + 2]! / float(r, m, DETECTION_SCALES + 8 + 4 * i);
    const half = f32(0.5 * exp(growth) * size);
    boxes[4 * place + i] = center - half;
    boxes[4 * place + i + 2] = center + half;
  }
}

/** Whether the candidate overlaps with one of `count` detections of its class. */
function isSuppressed(count: number, candidate: number, threshold: number): boolean {
  for (let i = 0; i < count; i++) {
    if (labels[i] === labels[candidate] && overlap(boxes, 4 * i, 4 * candidate) > threshold) return true;
  }
  return false;
}

/** Moves the detection `from` to `to`. */
function move(from: number, to: number): void {
  for (let i = 0; i < 4; i++) boxes[4 * to + i] = boxes[4 * from + i]!;
  found[to] = found[from]!;
  labels[to] = labels[from]!;
  anchors[to] = anchors[from]!;
}

/** Inserts the candidate after all detections of its score. Drops the last one of a full list. */
function insert(count: number, candidate: number): void {
  let place = 0;
  while (place < count && found[place]! >= found[candidate]!) place++;
  for (let i = Math.min(count, candidate - 1); i > place; i--) move(i - 1, i);
  move(candidate, place);
}

/**
 * Adds the detections of a class, at most `limit`, by the scores.
 *
 * @param count the detections before
 * @returns the detections after
 */
function suppress(r: number, m: Memory, label: number, limit: number, count: number): number {
  const capacity = int(r, m, DETECTION_DETECTIONS);
  let n = 0;
  for (let i = 0; i < int(r, m, DETECTION_ANCHOR_COUNT); i++) {
    if (scores[i]! >= float(r, m, DETECTION_SCORE_THRESHOLD)) heap[n++] = i;
  }
  heapify(heap, n, scores);
  while (n > 0 && limit > 0) {
    const anchor = heap[0]!;
    const score = scores[anchor]!;
    // later candidates have no larger scores
    if (count === capacity && !(score > found[capacity - 1]!)) break;
    pop(heap, n--, scores);
    decode(r, m, anchor, capacity);
    labels[capacity] = label;
    if (isSuppressed(count, capacity, float(r, m, DETECTION_IOU_THRESHOLD))) continue;
    found[capacity] = score;
    anchors[capacity] = anchor;
    insert(count, capacity);
    count = Math.min(count + 1, capacity);
    limit--;
  }
  return count;
}

/** The first score of an anchor without the background. */
function rowOf(r: number, m: Memory, anchor: number): number {
  const background = int(r, m, DETECTION_BACKGROUND);
  const row = anchor * (int(r, m, DETECTION_CLASSES) + background) + background;
  return (offsetOf(r, m, DETECTION_SCORES) >> 2) + row;
}

/** The best class after a class and its score; equal ones by index. −1 if there is none. */
function nextClass(a: Float32Array, row: number, classes: number, label: number, score: number): number {
  let best = -1;
  let most = 0;
  for (let c = 0; c < classes; c++) {
    const other = a[row + c]!;
    const later = other < score || (other === score && c > label);
    if (!later || (best >= 0 && !(other > most))) continue;
    best = c;
    most = other;
  }
  return best;
}

function write(r: number, m: Memory, place: number, detection: number, label: number, score: number): void {
  const out = m.arena.f32;
  for (let i = 0; i < 4; i++) out[(int(r, m, DETECTION_TARGET_BOXES) >> 2) + 4 * place + i] = boxes[4 * detection + i]!;
  out[(int(r, m, DETECTION_TARGET_CLASSES) >> 2) + place] = label;
  out[(int(r, m, DETECTION_TARGET_SCORES) >> 2) + place] = score;
}

export function runDetectionPostprocess(r: number, m: Memory): void {
  const a = sectionOf(r, m, DETECTION_SCORES).f32;
  const classes = int(r, m, DETECTION_CLASSES);
  const each = int(r, m, DETECTION_CLASSES_PER_DETECTION);
  const capacity = int(r, m, DETECTION_DETECTIONS);
  const limit = int(r, m, DETECTION_DETECTIONS_PER_CLASS);
  const n = int(r, m, DETECTION_ANCHOR_COUNT);
  const out = m.arena.f32;
  let count = 0;
  if (limit > 0) {
    for (let c = 0; c < classes; c++) {
      for (let i = 0; i < n; i++) scores[i] = a[rowOf(r, m, i) + c]!;
      count = suppress(r, m, c, limit, count);
    }
  } else {
    // by the best scores of the anchors, whichever class they are of
    for (let i = 0; i < n; i++) {
      const row = rowOf(r, m, i);
      const best = nextClass(a, row, classes, -1, Infinity);
      scores[i] = best < 0 ? NaN : a[row + best]!;
    }
    count = suppress(r, m, 0, capacity, 0);
  }
  for (let i = 0; i < 4 * capacity * each; i++) out[(int(r, m, DETECTION_TARGET_BOXES) >> 2) + i] = 0;
  for (let i = 0; i < capacity * each; i++) {
    out[(int(r, m, DETECTION_TARGET_CLASSES) >> 2) + i] = 0;
    out[(int(r, m, DETECTION_TARGET_SCORES) >> 2) + i] = 0;
  }
  out[int(r, m, DETECTION_TARGET_COUNT) >> 2] = count;
  for (let k = 0; k < count; k++) {
    if (limit > 0) {
      write(r, m, k, k, labels[k]!, found[k]!);
      continue;
    }
    let label = -1;
    let score = Infinity;
    const row = rowOf(r, m, anchors[k]!);
    for (let i = 0; i < each; i++) {
      label = nextClass(a, row, classes, label, score);
      if (label < 0) break;
      score = a[row + label]!;
      write(r, m, k * each + i, k, label, score);
    }
  }
}
