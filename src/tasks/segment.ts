import { checkObject } from '../arguments';
import { checkLabels } from '../decoding/labels';
import { areParts, gridOf, outputOf, wrongOutputs, type Output } from '../decoding/outputs';
import { activate } from '../decoding/scores';
import { KletError } from '../errors';
import { answer, type TaskModel, type TaskOptions } from './answer';
import { Sampler } from './interpolate';
import type { ImageSource } from './pixels';

/** The part of an image that belongs to a class. */
export interface ClassShare {
  index: number;
  /** The label, or the index as text if there is no label. */
  label: string;
  /** Part of the pixels, 0..1. */
  share: number;
}

/** A class for each pixel of an image. */
export interface Segmentation {
  /** Size of the image. */
  width: number;
  height: number;
  /** The class of each pixel, [height][width]. */
  classes: Uint8Array;
  /**
   * The probability of class 1 in each pixel, [height][width], for networks with one value per
   * pixel.
   */
  probabilities?: Float32Array;
  /** The classes that occur, the largest first. */
  shares: ClassShare[];
}

/** What `segment` takes beside the rules. */
export interface SegmentOptions extends TaskOptions<'segment'> {
  /** The answer for an earlier image of the same size, whose arrays are filled again. */
  reuse?: Segmentation;
}

/** Classes are stored in bytes. */
const MAX_CLASSES = 256;

/**
 * Finds the class of each pixel of an image.
 *
 * The output has scores of classes, [height, width, classes]; or a single value for each pixel,
 * which is the probability or the logit of class 1, or the class itself if the type is integer.
 * Scores are interpolated bilinearly to the size of the image, and then compared. Pixels outside
 * the input, which `fit: 'crop'` cuts off, take the class of the nearest pixel.
 *
 * @param image as in `imageToInput`
 * @param options rules that replace those of the file ("kind": "segment"), and `reuse`
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if the output is no grid,
 *   or has classes that do not fit into bytes
 */
export function segment(image: ImageSource, model: TaskModel, options: SegmentOptions = {}): Segmentation {
  checkObject(options, 'the options of segment()');
  const { reuse, ...given } = options as SegmentOptions;
  const { rules, labels, outputs, place, isPlanar } = answer('segment', image, model, given);
  const output = outputOf(
    outputs,
    rules.output,
    'a grid [height, width, classes]',
    ({ dims }) => dims.length === 2 || dims.length === 3,
  );
  const grid = gridOf(output, isPlanar);
  const isSingle = grid.columns === 1;
  const isIndex = isSingle && isInteger(output);
  const hasMask = isSingle && !isIndex;
  const classes = isSingle ? 2 : grid.columns;
  if (classes > MAX_CLASSES) throw new KletError('SHAPE_MISMATCH', `${classes} classes are more than ${MAX_CLASSES}`);
  if (isIndex) checkIndexes(output);
  if (!isIndex && (labels.length > 0 || !isSingle)) checkLabels(labels, classes);
  if (rules.threshold !== undefined && !hasMask) {
    throw wrongOutputs(outputs, 'one score for each pixel, for a threshold');
  }
  if (rules.activation === 'softmax' && isSingle) {
    throw wrongOutputs(outputs, 'scores of several classes for "softmax" (one score takes "sigmoid")');
  }
  const { width, height } = place;
  const isSame = reuse?.classes instanceof Uint8Array && reuse.classes.length === width * height;
  const indexes = isSame ? reuse.classes : new Uint8Array(width * height);
  const mask = isSame && reuse.probabilities ? reuse.probabilities : new Float32Array(hasMask ? width * height : 0);
  const sampler = new Sampler(grid, place);
  if (isIndex) {
    for (let row = 0; row < height; row++) sampler.nearest(row, indexes.subarray(row * width, (row + 1) * width));
  } else if (hasMask) {
    const { activation = areParts(grid) ? 'none' : 'sigmoid', threshold = 0.5 } = rules;
    const act = activate(activation);
    for (let row = 0; row < height; row++) sampler.interpolate(row, 0, mask.subarray(row * width, (row + 1) * width));
    for (let i = 0; i < mask.length; i++) {
      mask[i] = act(mask[i]!);
      indexes[i] = Number(mask[i]! >= threshold);
    }
  } else fillBest(sampler, grid.columns, indexes);
  return {
    width,
    height,
    classes: indexes,
    ...(hasMask && { probabilities: mask }),
    shares: sharesOf(indexes, labels),
  };
}

function isInteger({ dtype, scale }: Output): boolean {
  return dtype !== 'float32' && scale === undefined;
}

/** @throws KletError `SHAPE_MISMATCH` unless all classes fit into bytes */
function checkIndexes({ name, data }: Output): void {
  const wrong = data.find((index) => !(index >= 0 && index < MAX_CLASSES));
  if (wrong === undefined) return;
  throw new KletError('SHAPE_MISMATCH', `"${name}" has the class ${wrong}; masks hold classes from 0 to 255`);
}

/** Writes the class with the highest interpolated score; the first of equal ones. */
function fillBest(sampler: Sampler, columns: number, out: Uint8Array): void {
  const { width, height } = sampler.area;
  const best = new Float32Array(width);
  const values = new Float32Array(width);
  for (let row = 0; row < height; row++) {
    const line = out.subarray(row * width, (row + 1) * width).fill(0);
    best.fill(-Infinity);
    for (let channel = 0; channel < columns; channel++) {
      sampler.interpolate(row, channel, values);
      for (let i = 0; i < width; i++) {
        if (!(values[i]! > best[i]!)) continue;
        best[i] = values[i]!;
        line[i] = channel;
      }
    }
  }
}

function sharesOf(classes: Uint8Array, labels: readonly string[]): ClassShare[] {
  const counts = new Uint32Array(MAX_CLASSES);
  for (const index of classes) counts[index]!++;
  return Array.from(
    counts,
    (count, index) => ({ index, label: labels[index] ?? String(index), share: count / classes.length }),
  ).filter(({ share }) => share > 0).sort((a, b) => b.share - a.share);
}
