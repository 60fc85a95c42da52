import { decode } from '../decoding/boxes';
import type { Candidate } from '../decoding/candidates';
import { checkLabels } from '../decoding/labels';
import { suppress } from '../decoding/suppress';
import { answer, type TaskModel, type TaskOptions } from './answer';
import { masksOf, type ObjectMask } from './masks';
import type { ImageSource } from './pixels';
import { toImageX, toImageY, type Placement } from './placement';

/** A point in pixels of the image; 0 is its left or upper edge. */
export interface Point {
  x: number;
  y: number;
}

/** An object that was found. */
export interface DetectedObject {
  /** Index of the class. */
  class: number;
  /** The label, or the index as text if there is no label. */
  label: string;
  /** 0..1. */
  score: number;
  /** Left, top, right and bottom edge in pixels of the image, inside it. */
  box: [x0: number, y0: number, x1: number, y1: number];
  /** Points of the object, such as eyes and nose, if the network gives them. */
  keypoints?: Point[];
  /** The pixels of the object, if the network gives masks. */
  mask?: ObjectMask;
}

/**
 * Finds objects in an image.
 *
 * @param image as in `imageToInput`
 * @param options rules that replace those of the file ("kind": "detect")
 * @returns objects with scores of at least `threshold`, best first
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if the outputs are not what
 *   the rules say
 */
export function detect(image: ImageSource, model: TaskModel, options: TaskOptions<'detect'> = {}): DetectedObject[] {
  const { rules, labels, outputs, place, isPlanar } = answer('detect', image, model, options);
  const { inputWidth: width, inputHeight: height } = place;
  const { candidates, classes, isSuppressed, masks } = decode({
    rules,
    outputs,
    width,
    height,
    isPlanar,
    labels: labels.length,
  });
  if (classes !== undefined) checkLabels(labels, classes);
  const kept = suppress(candidates, { ...(isSuppressed && { suppression: 'none' }), ...rules });
  const objects = kept.map((candidate) => detected(candidate, place, labels));
  if (!masks) return objects;
  const maskOf = masksOf(masks, place);
  return objects.map((object, i) => ({ ...object, mask: maskOf(kept[i]!, object.box) }));
}

function detected(
  { class: index, score, box: [x0, y0, x1, y1], points = [] }: Candidate,
  place: Placement,
  labels: readonly string[],
): DetectedObject {
  const { width, height, inputWidth, inputHeight } = place;
  const x = (part: number): number => toImageX(place, part * inputWidth);
  const y = (part: number): number => toImageY(place, part * inputHeight);
  const inside = (value: number, size: number): number => Math.min(size, Math.max(0, value));
  const keypoints = Array.from(
    { length: points.length / 2 },
    (_, i) => ({ x: x(points[2 * i]!), y: y(points[2 * i + 1]!) }),
  );
  return {
    class: index,
    label: labels[index] ?? String(index),
    score,
    box: [inside(x(x0), width), inside(y(y0), height), inside(x(x1), width), inside(y(y1), height)],
    ...(keypoints.length > 0 && { keypoints }),
  };
}
