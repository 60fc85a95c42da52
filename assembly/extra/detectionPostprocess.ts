import { DETECTION_ANCHORS, DETECTION_ANCHOR_COUNT, DETECTION_BACKGROUND, DETECTION_BOXES, DETECTION_BOX_STRIDE,
  DETECTION_BYTES, DETECTION_CLASSES, DETECTION_CLASSES_PER_DETECTION, DETECTION_DETECTIONS,
  DETECTION_DETECTIONS_PER_CLASS, DETECTION_IOU_THRESHOLD, DETECTION_SCALES, DETECTION_SCORES,
  DETECTION_SCORE_THRESHOLD, DETECTION_TARGET_BOXES, DETECTION_TARGET_CLASSES, DETECTION_TARGET_COUNT,
  DETECTION_TARGET_SCORES, DTYPE_F32 } from '../layout';
import { checkCounts, checkRange, checkRecord, countWork, float, int, needScratch, scratch, source, target,
  toF64 } from '../record';
import { overlap } from './boxes';
import { heapify, pop } from './heap';

// The detections of a single-shot detector: non-maximum suppression of the boxes, by descending
// score. A heap of the anchors gives the next candidate, and only candidates are decoded. A
// candidate is dropped if it overlaps with a detection of its class.

// Scratch:
//   scores      f32 [N]      of the class, or the best of each anchor
//   heap        i32 [N]      anchors whose scores reach the threshold
//   detections  [D + 1]      by descending score, and after them the candidate:
//                            box f32 [4] (ymin, xmin, ymax, xmax), score f32, class i32, anchor i32
const BOX = 16;
const SCORE = 16;
const CLASS = 20;
const ANCHOR = 24;
const DETECTION = 28;

/** Work of the next candidate of a heap, and of its decoding, in multiply-adds. */
const CANDIDATE_WORK: f64 = 256;

export function describeDetectionPostprocess(r: usize): void {
  if (!checkRecord(r, DETECTION_BYTES, 1 << DTYPE_F32)) return;
  // ANCHOR_COUNT, CLASSES, DETECTIONS and CLASSES_PER_DETECTION
  checkCounts(r, DETECTION_ANCHOR_COUNT, 4);
  checkRange(r, DETECTION_BOX_STRIDE, 4, 1 << 30);
  checkRange(r, DETECTION_BACKGROUND, 0, 1);
  checkRange(r, DETECTION_DETECTIONS_PER_CLASS, 0, 1 << 30);
  const anchors = toF64(r, DETECTION_ANCHOR_COUNT);
  const classes = toF64(r, DETECTION_CLASSES);
  const detections = toF64(r, DETECTION_DETECTIONS);
  const places = detections * toF64(r, DETECTION_CLASSES_PER_DETECTION);
  source(r, DETECTION_BOXES, anchors * toF64(r, DETECTION_BOX_STRIDE) * 4, 4);
  source(r, DETECTION_SCORES, anchors * (classes + toF64(r, DETECTION_BACKGROUND)) * 4, 4);
  source(r, DETECTION_ANCHORS, anchors * BOX, 4);
  target(r, DETECTION_TARGET_BOXES, places * BOX, 4);
  target(r, DETECTION_TARGET_CLASSES, places * 4, 4);
  target(r, DETECTION_TARGET_SCORES, places * 4, 4);
  target(r, DETECTION_TARGET_COUNT, 4, 4);
  const passes = int(r, DETECTION_DETECTIONS_PER_CLASS) > 0 ? classes : 1;
  countWork((anchors + places) * classes + passes * anchors * (detections * 8 + CANDIDATE_WORK));
  needScratch(anchors * 8 + (detections + 1) * DETECTION);
}

/** Makes a heap of the anchors whose scores reach the threshold, and returns their number. */
function candidates(r: usize, heap: usize, scores: usize): i32 {
  const anchors = int(r, DETECTION_ANCHOR_COUNT);
  const threshold = float(r, DETECTION_SCORE_THRESHOLD);
  let n = 0;
  for (let i = 0; i < anchors; i++) {
    if (!(load<f32>(scores + (i << 2)) >= threshold)) continue;
    store<i32>(heap + (n << 2), i);
    n++;
  }
  heapify<f32>(heap, n, scores);
  return n;
}

/** The edges of an anchor's box, whose center and size are relative to the anchor. */
function decode(r: usize, anchor: i32, out: usize): void {
  const box = <usize>int(r, DETECTION_BOXES) + (anchor * int(r, DETECTION_BOX_STRIDE) << 2);
  const prior = <usize>int(r, DETECTION_ANCHORS) + anchor * BOX;
  // y and height, then x and width
  for (let at = 0; at < 8; at += 4) {
    const size = <f64>load<f32>(prior + at, 8);
    const step = <f64>load<f32>(box + at) / <f64>float(r, DETECTION_SCALES + at);
    const center = <f32>(step * size + <f64>load<f32>(prior + at));
    const growth = <f64>load<f32>(box + at, 8) / <f64>float(r, DETECTION_SCALES + 8 + at);
    const half = <f32>(0.5 * NativeMath.exp(growth) * size);
    store<f32>(out + at, center - half);
    store<f32>(out + at, center + half, 8);
  }
}

/** Whether the candidate overlaps with one of `count` detections of its class. */
function isSuppressed(list: usize, count: i32, candidate: usize, threshold: f32): bool {
  const end = list + count * DETECTION;
  for (let at = list; at < end; at += DETECTION) {
    if (load<i32>(at, CLASS) == load<i32>(candidate, CLASS) && overlap(at, candidate) > threshold) return true;
  }
  return false;
}

/** Inserts the candidate after all detections of its score. Drops the last one of a full list. */
function insert(list: usize, count: i32, candidate: usize): void {
  const score = load<f32>(candidate, SCORE);
  let place = list;
  const end = list + count * DETECTION;
  while (place < end && load<f32>(place, SCORE) >= score) place += DETECTION;
  const last = min<usize>(end, candidate - DETECTION);
  memory.copy(place + DETECTION, place, last - place);
  memory.copy(place, candidate, DETECTION);
}

/**
 * Adds the detections of a class, at most `limit`, by the scores in scratch.
 *
 * @param count the detections before
 * @returns the detections after
 */
function suppress(r: usize, label: i32, limit: i32, count: i32): i32 {
  const anchors = int(r, DETECTION_ANCHOR_COUNT);
  const scores = scratch();
  const heap = scores + (anchors << 2);
  const list = heap + (anchors << 2);
  const capacity = int(r, DETECTION_DETECTIONS);
  const candidate = list + capacity * DETECTION;
  const threshold = float(r, DETECTION_IOU_THRESHOLD);
  store<i32>(candidate, label, CLASS);
  for (let n = candidates(r, heap, scores); n > 0 && limit > 0;) {
    const anchor = load<i32>(heap);
    const score = load<f32>(scores + (anchor << 2));
    // Later candidates have no larger scores. So no detection of this class is ever dropped while
    // the class has candidates left.
    if (count == capacity && !(score > load<f32>(candidate - DETECTION, SCORE))) break;
    pop<f32>(heap, n, scores);
    n--;
    decode(r, anchor, candidate);
    if (isSuppressed(list, count, candidate, threshold)) continue;
    store<f32>(candidate, score, SCORE);
    store<i32>(candidate, anchor, ANCHOR);
    insert(list, count, candidate);
    count = min(count + 1, capacity);
    limit--;
  }
  return count;
}

/** The scores of an anchor without the background. */
function scoresOf(r: usize, anchor: i32): usize {
  const background = int(r, DETECTION_BACKGROUND);
  const row = anchor * (int(r, DETECTION_CLASSES) + background) + background;
  return <usize>int(r, DETECTION_SCORES) + (row << 2);
}

/** The best class after a class and its score; equal ones by index. −1 if there is none. */
function nextClass(row: usize, classes: i32, label: i32, score: f32): i32 {
  let best = -1;
  let most: f32 = 0;
  for (let c = 0; c < classes; c++) {
    const found = load<f32>(row + (c << 2));
    const isLater = found < score || (found == score && c > label);
    if (!isLater || (best >= 0 && !(found > most))) continue;
    best = c;
    most = found;
  }
  return best;
}

/** Suppresses boxes by the best scores of their anchors, whichever class they are of. */
function suppressAll(r: usize): i32 {
  const scores = scratch();
  const classes = int(r, DETECTION_CLASSES);
  for (let i = 0; i < int(r, DETECTION_ANCHOR_COUNT); i++) {
    const row = scoresOf(r, i);
    const best = nextClass(row, classes, -1, <f32>Infinity);
    store<f32>(scores + (i << 2), best < 0 ? <f32>NaN : load<f32>(row + (best << 2)));
  }
  return suppress(r, 0, int(r, DETECTION_DETECTIONS), 0);
}

function suppressClasses(r: usize): i32 {
  const scores = scratch();
  const limit = int(r, DETECTION_DETECTIONS_PER_CLASS);
  let count = 0;
  for (let c = 0; c < int(r, DETECTION_CLASSES); c++) {
    for (let i = 0; i < int(r, DETECTION_ANCHOR_COUNT); i++) {
      store<f32>(scores + (i << 2), load<f32>(scoresOf(r, i) + (c << 2)));
    }
    count = suppress(r, c, limit, count);
  }
  return count;
}

function write(r: usize, place: i32, box: usize, label: i32, score: f32): void {
  memory.copy(<usize>int(r, DETECTION_TARGET_BOXES) + place * BOX, box, BOX);
  store<f32>(<usize>int(r, DETECTION_TARGET_CLASSES) + (place << 2), <f32>label);
  store<f32>(<usize>int(r, DETECTION_TARGET_SCORES) + (place << 2), score);
}

/** Writes the best classes of a detection. */
function writeClasses(r: usize, place: i32, detection: usize): void {
  const row = scoresOf(r, load<i32>(detection, ANCHOR));
  const classes = int(r, DETECTION_CLASSES);
  let label = -1;
  let score = <f32>Infinity;
  for (let left = int(r, DETECTION_CLASSES_PER_DETECTION); left > 0; left--) {
    label = nextClass(row, classes, label, score);
    if (label < 0) return;
    score = load<f32>(row + (label << 2));
    write(r, place, detection, label, score);
    place++;
  }
}

export function runDetectionPostprocess(r: usize): void {
  const isPerClass = int(r, DETECTION_DETECTIONS_PER_CLASS) > 0;
  const count = isPerClass ? suppressClasses(r) : suppressAll(r);
  const each = int(r, DETECTION_CLASSES_PER_DETECTION);
  const places = int(r, DETECTION_DETECTIONS) * each;
  memory.fill(<usize>int(r, DETECTION_TARGET_BOXES), 0, places * BOX);
  memory.fill(<usize>int(r, DETECTION_TARGET_CLASSES), 0, places << 2);
  memory.fill(<usize>int(r, DETECTION_TARGET_SCORES), 0, places << 2);
  store<f32>(<usize>int(r, DETECTION_TARGET_COUNT), <f32>count);
  let detection = scratch() + (int(r, DETECTION_ANCHOR_COUNT) << 3);
  for (let k = 0; k < count; k++) {
    if (isPerClass) write(r, k, detection, load<i32>(detection, CLASS), load<f32>(detection, SCORE));
    else writeClasses(r, k * each, detection);
    detection += DETECTION;
  }
}
