import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import type { Counts } from './measure';
import type { Box, Detection } from './types';

// Average precision of detections, as COCO defines it (Lin et al., "Microsoft COCO: common objects
// in context", 2014, and its reference program pycocotools).

/** The objects of an image, and what a network found in it. */
export interface DetectedImage {
  boxes: readonly Box[];
  detections: readonly Detection[];
}

/** What `averagePrecisions` returns. */
export interface Precisions {
  /** Mean over the classes and the IoU thresholds 0.5, 0.55 … 0.95. */
  map: number;
  map50: number;
  map75: number;
  /** The classes that have boxes. */
  classes: { index: number; ap: number; ap50: number; boxes: number }[];
}

const THRESHOLDS = Array.from({ length: 10 }, (_, i) => 0.5 + i * 0.05);
/** Detections of one class in one image that count. */
const MAX_DETECTIONS = 100;
const RECALLS = 100;

/** How a detection was matched. */
const FALSE = 0;
const TRUE = 1;
const IGNORED = 2;

/** Detections of one class in all images, by score. */
interface ClassMatches {
  index: number;
  /** Number of boxes that count, of each image. */
  boxes: Float64Array;
  images: Uint32Array;
  /** For each threshold how the detections were matched. */
  matches: Uint8Array[];
}

/**
 * The mean average precision of detections, with the rules of COCO: a detection is right if its
 * intersection over union (IoU) with a box of the class that no better detection has taken is at
 * least the threshold; precision is interpolated at 101 recalls; the 100 best detections of a class
 * in an image count.
 *
 * @param images the boxes and detections of each image, in the same units
 * @throws KletError `BAD_ARGUMENT`, also if no image has a box
 * @example
 * ```js
 * const boxes = [{ class: 0, box: [0, 0, 10, 10] }];
 * const detections = [{ class: 0, box: [0, 0, 10, 8], score: 0.9 }];
 * const { map, map50 } = averagePrecisions([{ boxes, detections }]);
 * console.log(map50, map.toFixed(1)); // 1 0.7
 * ```
 */
export function averagePrecisions(images: readonly DetectedImage[]): Precisions {
  if (!isArrayOf(images, isImage)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the images are an array of { boxes: [{ class, box }], detections: [{ class, box, score }] }, not ${
        show(images)
      }`,
    );
  }
  const classes = matchAll(images);
  if (classes.length === 0) throw new KletError('BAD_ARGUMENT', 'averagePrecisions() needs images with boxes');
  const once = new Uint32Array(images.length).fill(1);
  return {
    map: meanPrecision(classes, once),
    map50: meanPrecision(classes, once, [0]),
    map75: meanPrecision(classes, once, [5]),
    classes: classes.map((own) => ({
      index: own.index,
      ap: meanPrecision([own], once),
      ap50: meanPrecision([own], once, [0]),
      boxes: own.boxes.reduce((a, b) => a + b, 0),
    })),
  };
}

function isImage(value: unknown): value is DetectedImage {
  const { boxes, detections } = (value ?? {}) as Record<string, unknown>;
  return isArrayOf(boxes, isBox) && isArrayOf(detections, isDetection);
}

/** Whether a value is a box with its class. */
export function isBox(value: unknown): value is Box {
  const { class: index, box } = (value ?? {}) as Record<string, unknown>;
  return Number.isInteger(index) && isArrayOf(box, Number.isFinite) && box.length === 4;
}

/** Whether a value is a box with its class and score. */
export function isDetection(value: unknown): value is Detection {
  return isBox(value) && typeof (value as { score?: unknown }).score === 'number';
}

/** Matches the detections of every class that has boxes, at every threshold. */
export function matchAll(images: readonly DetectedImage[]): ClassMatches[] {
  const indexes = new Set(images.flatMap(({ boxes }) => boxes.filter(({ ignore }) => !ignore).map((box) => box.class)));
  return [...indexes].sort((a, b) => a - b).map((index) => matchClass(images, index));
}

function matchClass(images: readonly DetectedImage[], index: number): ClassMatches {
  const found = images.flatMap(({ boxes, detections }, image) => {
    // boxes that count come first
    const own = boxes.filter((box) => box.class === index).sort((a, b) => Number(!!a.ignore) - Number(!!b.ignore));
    const best = detections.filter((detection) => detection.class === index).sort(byScore).slice(0, MAX_DETECTIONS);
    const overlaps = best.map((detection) => own.map((box) => overlapOf(detection.box, box)));
    const matches = THRESHOLDS.map((threshold) => matchImage(overlaps, own, threshold));
    return best.map(({ score }, i) => ({ score, image, matches: matches.map((match) => match[i]!) }));
  }).sort(byScore);
  return {
    index,
    boxes: Float64Array.from(images, ({ boxes }) => boxes.filter((box) => box.class === index && !box.ignore).length),
    images: Uint32Array.from(found, ({ image }) => image),
    matches: THRESHOLDS.map((_, t) => Uint8Array.from(found, ({ matches }) => matches[t]!)),
  };
}

function byScore(a: { score: number }, b: { score: number }): number {
  return b.score - a.score;
}

/** Gives each detection, best first, the free box with the largest overlap. */
function matchImage(overlaps: readonly number[][], boxes: readonly Box[], threshold: number): number[] {
  const taken = boxes.map(() => false);
  return overlaps.map((row) => {
    let chosen = -1;
    let least = Math.min(threshold, 1 - 1e-10);
    row.forEach((overlap, i) => {
      const isCrowd = boxes[i]!.ignore ?? false;
      if (taken[i] && !isCrowd) return;
      if (chosen >= 0 && isCrowd && !boxes[chosen]!.ignore) return;
      if (overlap < least) return;
      least = overlap;
      chosen = i;
    });
    if (chosen < 0) return FALSE;
    taken[chosen] = true;
    return boxes[chosen]!.ignore ? IGNORED : TRUE;
  });
}

/** Intersection over union; with a crowd, intersection over the area of the detection. */
function overlapOf(detection: Detection['box'], { box, ignore }: Box): number {
  const width = Math.min(detection[2], box[2]) - Math.max(detection[0], box[0]);
  const height = Math.min(detection[3], box[3]) - Math.max(detection[1], box[1]);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (ignore ? areaOf(detection) : areaOf(detection) + areaOf(box) - common);
}

function areaOf([x0, y0, x1, y1]: Detection['box']): number {
  return Math.max(0, x1 - x0) * Math.max(0, y1 - y0);
}

/** The mean over classes with boxes in a resample, and over thresholds. */
export function meanPrecision(
  classes: readonly ClassMatches[],
  counts: Counts,
  thresholds: readonly number[] = THRESHOLDS.map((_, t) => t),
): number {
  let sum = 0;
  let n = 0;
  for (const own of classes) {
    const boxes = own.boxes.reduce((total, count, image) => total + count * counts[image]!, 0);
    if (boxes === 0) continue;
    for (const t of thresholds) sum += interpolated(own.images, own.matches[t]!, counts, boxes);
    n += thresholds.length;
  }
  return sum / n;
}

/** The mean, over the recalls 0, 0.01 … 1, of the best precision with at least this recall. */
function interpolated(images: Uint32Array, matches: Uint8Array, counts: Counts, boxes: number): number {
  const precisions = new Float64Array(RECALLS + 1);
  let hits = 0;
  let found = 0;
  let next = 0;
  for (let i = 0; i < images.length; i++) {
    const count = counts[images[i]!]!;
    if (count === 0 || matches[i] === IGNORED) continue;
    found += count;
    if (matches[i] === TRUE) hits += count;
    const precision = hits / found;
    // this detection is the first that reaches the recalls from `next` up to its own
    while (next <= RECALLS && hits / boxes >= next / RECALLS) precisions[next++] = precision;
    if (next > 0) precisions[next - 1] = Math.max(precisions[next - 1]!, precision);
  }
  let best = 0;
  let sum = 0;
  for (let r = RECALLS; r >= 0; r--) {
    best = Math.max(best, precisions[r]!);
    sum += best;
  }
  return sum / (RECALLS + 1);
}
