import { checkObject } from '../arguments';
import { KletError } from '../errors';
import { answer, areParts, checkLabels, gridOf, outputOf, sigmoid, type Grid, type Output, type TaskModel,
  type TaskOptions } from './answer';
import type { ImageSource } from './pixels';
import type { Placement } from './placement';

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
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if the output is no grid
 */
export function segment(image: ImageSource, model: TaskModel, options: SegmentOptions = {}): Segmentation {
  checkObject(options, 'the options of segment()');
  const { reuse, ...given } = options as SegmentOptions;
  const { rules, labels, outputs, place, isPlanar } = answer('segment', image, model, given);
  const wanted = 'a grid [height, width, classes]';
  const output = outputOf(outputs, rules.output, wanted, ({ dims }) => dims.length === 2 || dims.length === 3);
  const grid = gridOf(output, isPlanar);
  const isIndex = grid.columns === 1 && isInteger(output);
  const classes = grid.columns === 1 ? 2 : grid.columns;
  if (classes > MAX_CLASSES) throw new KletError('SHAPE_MISMATCH', `${classes} classes are more than ${MAX_CLASSES}`);
  if (!isIndex && (labels.length > 0 || grid.columns > 1)) checkLabels(labels, classes);
  const { width, height } = place;
  const isSame = reuse?.classes instanceof Uint8Array && reuse.classes.length === width * height;
  const indexes = isSame ? reuse.classes : new Uint8Array(width * height);
  const hasMask = grid.columns === 1 && !isIndex;
  const mask = isSame && reuse.probabilities ? reuse.probabilities : new Float32Array(hasMask ? width * height : 0);
  if (isIndex) fillIndexes(grid, place, indexes);
  else if (hasMask) {
    const { activation = areParts(output.data) ? 'none' : 'sigmoid', threshold = 0.5 } = rules;
    interpolate(grid, place, 0, mask);
    for (let i = 0; i < mask.length; i++) {
      if (activation !== 'none') mask[i] = sigmoid(mask[i]!);
      indexes[i] = Number(mask[i]! >= threshold);
    }
  } else fillBest(grid, place, indexes);
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

/** Places of the grid for the columns or rows of the image: the first of two, and the rest. */
function taps(
  size: number,
  scaled: number,
  offset: number,
  input: number,
  cells: number,
): { first: Int32Array; part: Float32Array } {
  const first = new Int32Array(size);
  const part = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const at = ((i + 0.5) * scaled / size + offset) / input * cells - 0.5;
    const inside = Math.min(cells - 1, Math.max(0, at));
    first[i] = Math.min(Math.max(0, cells - 2), Math.floor(inside));
    part[i] = inside - first[i]!;
  }
  return { first, part };
}

function tapsOf(grid: Grid, place: Placement): [x: ReturnType<typeof taps>, y: ReturnType<typeof taps>] {
  const { width, height, scaledWidth, scaledHeight, left, top, inputWidth, inputHeight } = place;
  return [taps(width, scaledWidth, left, inputWidth, grid.width),
    taps(height, scaledHeight, top, inputHeight, grid.height)];
}

/** Interpolates a channel of the grid at each pixel of the image. */
function interpolate(grid: Grid, place: Placement, channel: number, out: Float32Array): void {
  const { data, rowStep, columnStep } = grid;
  const { width, height } = place;
  const [x, y] = tapsOf(grid, place);
  const right = grid.width > 1 ? rowStep : 0;
  const below = grid.height > 1 ? grid.width * rowStep : 0;
  for (let row = 0; row < height; row++) {
    const line = y.first[row]! * grid.width * rowStep + channel * columnStep;
    const down = y.part[row]!;
    for (let column = 0; column < width; column++) {
      const at = line + x.first[column]! * rowStep;
      const across = x.part[column]!;
      const upper = data[at]! + across * (data[at + right]! - data[at]!);
      const lower = data[at + below]! + across * (data[at + below + right]! - data[at + below]!);
      out[row * width + column] = upper + down * (lower - upper);
    }
  }
}

/** Writes the class with the highest interpolated score; the first of equal ones. */
function fillBest(grid: Grid, place: Placement, out: Uint8Array): void {
  const best = new Float32Array(out.length).fill(-Infinity);
  const values = new Float32Array(out.length);
  out.fill(0);
  for (let channel = 0; channel < grid.columns; channel++) {
    interpolate(grid, place, channel, values);
    for (let i = 0; i < out.length; i++) {
      if (!(values[i]! > best[i]!)) continue;
      best[i] = values[i]!;
      out[i] = channel;
    }
  }
}

/** Writes the class of the nearest cell. */
function fillIndexes(grid: Grid, place: Placement, out: Uint8Array): void {
  const [x, y] = tapsOf(grid, place);
  for (let row = 0; row < place.height; row++) {
    const line = Math.round(y.first[row]! + y.part[row]!) * grid.width;
    for (let column = 0; column < place.width; column++) {
      out[row * place.width + column] = grid.data[line + Math.round(x.first[column]! + x.part[column]!)]!;
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
