import { checkObject, checkSizes, checkString, checkWhole, isArrayOf, show } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { ImagePreprocessing, Preprocessing, TensorInfo } from '../format/meta';
import { pixelsOf, type Drawable } from './source';

// Converts images to network inputs in plain arithmetic, for pages and Node. The decoders are in
// image.ts.

/** An image: [height][width][channels], 0..255. The `ImageData` of a canvas has this form. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
  /** 1: gray, 3: RGB, 4: RGBA. By default derived from the length of the data. */
  channels?: 1 | 3 | 4;
}

/** Above this reduction factor, bilinear interpolation would skip pixels, so areas are averaged. */
const AREA_FROM = 2;
/** Upper limits of `resizePixels`: the longest side, and the number of values. */
const MAX_SIDE = 65536;
const MAX_VALUES = 2 ** 28;

/**
 * Converts an image to the input of a network: channels first, then size, then values.
 *
 * Transparent pixels are blended with white. Colour becomes gray by luma (ITU-R BT.601), gray
 * becomes RGB by repetition. The image is stretched to the input's height and width: pixels
 * bilinearly with half-pixel centres, or by area averaging if they shrink to less than half; other
 * sources by the canvas.
 *
 * @param image pixels (`ImageData`), or what a canvas draws: a canvas, image, ImageBitmap, video or
 *   VideoFrame
 * @param input the model, or its input: [1, H, W, C], [1, C, H, W], [H, W, C], [C, H, W], [1, H, W]
 *   or [H, W], C = 1 or 3
 * @param given the model's `meta.preprocessing`. Without it, uint8 inputs get the bytes unchanged,
 *   int8 inputs byte − 128, float32 inputs byte / 255
 * @returns the array for `predict`: real numbers (with preprocessing, or for float32) or raw values
 * @throws KletError `SHAPE_MISMATCH` if the input does not have the shape of an image or the data
 *   does not have width × height pixels; `TYPE_MISMATCH` if the input is of another type;
 *   `BAD_ARGUMENT` if the image is empty or the preprocessing is invalid
 * @example
 * ```js
 * const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
 * const scores = model.predict(imageToInput(pixels, model));
 * ```
 */
export function imageToInput(
  image: Pixels | Drawable,
  input: TensorInfo | ImageModel,
  given?: Preprocessing,
): Float32Array | Uint8Array | Int8Array {
  const { tensor, preprocessing } = targetOf(input, given);
  const { height, width, channels, isPlanar } = shapeOf(tensor, preprocessing);
  checkWhole(height, 'the height of the input', 1, MAX_SIDE);
  checkWhole(width, 'the width of the input', 1, MAX_SIDE);
  const pixels = pixelsOf(image, width, height);
  const bytes = toChannels(pixels, channels);
  const isSized = pixels.width === width && pixels.height === height;
  const values = isSized ? bytes : resized(bytes, pixels.width, pixels.height, width, height, channels);
  const out = outputFor(tensor, preprocessing, values.length);
  // element i of [H][W][C] goes to c·H·W + y·W + x of [C][H][W]
  const plane = isPlanar ? width * height : 1;
  const step = isPlanar ? 1 : channels;
  for (let channel = 0; channel < channels; channel++) {
    const { divisor, scale, offset, invert } = affine(tensor, preprocessing, channel);
    const isWhole = !(out instanceof Float32Array);
    for (let i = channel, o = channel * plane; i < values.length; i += channels, o += step) {
      const value = invert ? 255 - values[i]! : values[i]!;
      out[o] = isWhole ? Math.round(value) + offset : value / divisor * scale + offset;
    }
  }
  return out;
}

function outputFor(
  { name, dtype }: TensorInfo,
  preprocessing: ImagePreprocessing | undefined,
  count: number,
): Float32Array | Uint8Array | Int8Array {
  if (preprocessing || dtype === 'float32') return new Float32Array(count);
  if (dtype === 'uint8') return new Uint8Array(count);
  if (dtype === 'int8') return new Int8Array(count);
  throw new KletError('TYPE_MISMATCH', `input "${name}" is ${dtype}; images need a uint8, int8 or float32 input`);
}

/** How bytes of a channel become values: value / divisor · scale + offset. */
function affine(
  { dtype }: TensorInfo,
  preprocessing: ImagePreprocessing | undefined,
  channel: number,
): { divisor: number; scale: number; offset: number; invert: boolean } {
  if (!preprocessing) {
    return { divisor: dtype === 'float32' ? 255 : 1, scale: 1, offset: dtype === 'int8' ? -128 : 0, invert: false };
  }
  const { scale, offset, invert = false } = preprocessing;
  const of = (factor: number | number[]): number => (typeof factor === 'number' ? factor : factor[channel]!);
  return { divisor: 1, scale: of(scale), offset: of(offset), invert };
}

/** The part of a `Model` that `imageToInput` needs. */
export interface ImageModel {
  readonly inputs: readonly TensorInfo[];
  readonly meta: { readonly preprocessing?: Preprocessing };
}

function targetOf(
  input: TensorInfo | ImageModel,
  given: Preprocessing | undefined,
): { tensor: TensorInfo; preprocessing: ImagePreprocessing | undefined } {
  const target: unknown = input;
  if (typeof target === 'object' && target !== null && 'inputs' in target && 'meta' in target) {
    const { inputs, meta } = input as ImageModel;
    if (!Array.isArray(inputs)) {
      throw new KletError('BAD_ARGUMENT', `model.inputs must be an array, not ${describeValue(inputs)}`);
    }
    if (inputs.length !== 1) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the model has ${inputs.length} inputs; pass the one that takes the image, model.inputs[i]`,
      );
    }
    const tensor: TensorInfo = (inputs as readonly TensorInfo[])[0]!;
    checkInput(tensor);
    checkObject(meta, "the model's meta");
    return { tensor, preprocessing: checked(given === undefined ? meta.preprocessing : given) };
  }
  if (typeof target !== 'object' || target === null || !('shape' in target)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `imageToInput takes the model, or one of model.inputs, as its second argument, not ${describeValue(target)}`,
    );
  }
  checkInput(target);
  return { tensor: input as TensorInfo, preprocessing: checked(given) };
}

function checked(preprocessing: unknown): ImagePreprocessing | undefined {
  return preprocessing === undefined ? undefined : checkPreprocessing(preprocessing);
}

interface ImageShape {
  height: number;
  width: number;
  channels: 1 | 3;
  /** Whether the channels are the first dimension (NCHW). */
  isPlanar?: boolean;
}

/**
 * Returns the height, width and number of channels of an input that takes an image.
 *
 * @throws KletError `SHAPE_MISMATCH` if the input does not have the shape of one image, or its
 *   channels differ from those of the preprocessing
 */
export function imageShape(input: TensorInfo, preprocessing?: ImagePreprocessing): ImageShape {
  checkInput(input);
  if (preprocessing !== undefined) checkPreprocessing(preprocessing);
  return shapeOf(input, preprocessing);
}

function checkInput(input: unknown): void {
  checkObject(input, 'the input (one of model.inputs)');
  checkString(input.name, 'the name of the input');
  checkSizes(input.shape, 'the input');
}

/** `imageShape` for checked arguments. */
function shapeOf(input: TensorInfo, preprocessing: ImagePreprocessing | undefined): ImageShape {
  const found = readShape(input.shape, preprocessing);
  const described = `input "${input.name}" has the shape [${input.shape.join(', ')}]`;
  if (!found) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${described}, which is not one image: expected [1, height, width, channels] ` +
        'or [1, channels, height, width] with 1 or 3 channels; pass its values instead',
    );
  }
  const { channels } = found;
  if (preprocessing && preprocessing.channels !== channels) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${described}, so it has ${channels} channels; the preprocessing has ${preprocessing.channels}`,
    );
  }
  return found;
}

const imageProperties = { kind: true, channels: true, scale: true, offset: true, invert: true } satisfies Record<
  keyof ImagePreprocessing,
  true
>;

/**
 * Checks the image preprocessing of a file or a user.
 *
 * @returns the same object
 * @throws KletError `BAD_ARGUMENT` naming the first invalid property
 */
export function checkPreprocessing(value: unknown): ImagePreprocessing {
  const wrong = (what: string): KletError =>
    new KletError(
      'BAD_ARGUMENT',
      `preprocessing ${what}; example: {"kind":"image","channels":3,"scale":0.00784,"offset":-1} ` +
        'maps bytes 0..255 to -1..1',
    );
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('must be an object');
  const { kind, channels, scale, offset, invert } = value as Record<string, unknown>;
  if (kind === 'audio') {
    throw new KletError(
      'BAD_ARGUMENT',
      'the preprocessing is of the kind "audio": this network takes recordings, not images ' +
        '(in kinglet/audio: audioToInput)',
    );
  }
  if (kind !== 'image') throw wrong(`has the kind ${show(kind)}, expected "image" or "audio"`);
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(imageProperties, name));
  if (unknown !== undefined) {
    throw wrong(`has the unknown property "${unknown}"; it has ${Object.keys(imageProperties).join(', ')}`);
  }
  if (channels !== 1 && channels !== 3) throw wrong(`needs 1 or 3 as channels, not ${show(channels)}`);
  for (const [name, factor] of Object.entries({ scale, offset })) {
    const numbers: unknown[] = Array.isArray(factor) ? factor : [factor];
    if (!isArrayOf(numbers, Number.isFinite)) {
      throw wrong(`needs a number, or one per channel, as ${name}, not ${show(factor)}`);
    }
    if (Array.isArray(factor) && factor.length !== channels) {
      throw wrong(`has ${factor.length} numbers as ${name} for ${channels} channels`);
    }
  }
  if (invert !== undefined && typeof invert !== 'boolean') {
    throw wrong(`has ${show(invert)} as invert, not true or false`);
  }
  return value as ImagePreprocessing;
}

/**
 * Resizes an image by stretching: bilinearly, or by area averaging if it shrinks to less than half.
 *
 * @param data [height][width][channels]
 * @returns [newHeight][newWidth][channels], unrounded
 */
export function resizePixels(
  data: ArrayLike<number>,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
  channels: number,
): Float32Array {
  const sizes = { width, height, newWidth, newHeight, channels };
  for (const [name, size] of Object.entries(sizes)) checkWhole(size, name, 1, MAX_SIDE);
  if (newWidth * Math.max(height, newHeight) * channels > MAX_VALUES) {
    throw new KletError('BAD_ARGUMENT', `an image of ${newWidth}×${newHeight} pixels is too large`);
  }
  if (!(Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView)))) {
    throw new KletError('TYPE_MISMATCH', `pixels are an array of numbers, not ${describeValue(data)}`);
  }
  if (data.length !== width * height * channels) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `an image of ${width}×${height} pixels and ${channels} channels has ${
        width * height * channels
      } values, not ${data.length}`,
    );
  }
  if (!isNumeric(data)) throw new KletError('TYPE_MISMATCH', 'pixels are numbers; the array has other values');
  return resized(data, width, height, newWidth, newHeight, channels);
}

function isNumeric(data: ArrayLike<unknown>): boolean {
  return Array.isArray(data) ? isArrayOf(data, (value) => typeof value === 'number') : typeof data[0] === 'number';
}

/** `resizePixels` for checked arguments. */
function resized(
  data: ArrayLike<number>,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
  channels: number,
): Float32Array {
  const columns = Array.from({ length: newWidth }, (_, i) => tapsOf(i, width, newWidth));
  const line = newWidth * channels;
  const out = new Float32Array(newHeight * line);
  // rows of the source in the new width; consecutive target rows share at most two of them
  const narrow = [0, 1].map(() => ({ row: -1, values: new Float32Array(line) }));
  const narrowed = (row: number): Float32Array => {
    const slot = narrow[row % 2]!;
    if (slot.row === row) return slot.values;
    slot.row = row;
    let o = 0;
    for (const { first, weights } of columns) {
      for (let c = 0; c < channels; c++, o++) {
        let sum = 0;
        for (let i = 0, at = (row * width + first) * channels + c; i < weights.length; i++, at += channels) {
          sum += weights[i]! * data[at]!;
        }
        slot.values[o] = sum;
      }
    }
    return slot.values;
  };
  const sums = new Float64Array(line);
  for (let y = 0; y < newHeight; y++) {
    const { first, weights } = tapsOf(y, height, newHeight);
    sums.fill(0);
    weights.forEach((weight, i) => {
      const values = narrowed(first + i);
      for (let x = 0; x < line; x++) sums[x]! += weight * values[x]!;
    });
    out.set(sums, y * line);
  }
  return out;
}

/** The source pixels of target pixel i and their weights, which sum to 1. */
function tapsOf(i: number, from: number, to: number): { first: number; weights: number[] } {
  const ratio = from / to;
  if (ratio > AREA_FROM) {
    const low = i * ratio;
    const high = Math.min(from, low + ratio);
    const first = Math.floor(low);
    return {
      first,
      weights: Array.from({ length: Math.ceil(high) - first }, (_, j) =>
        (Math.min(high, first + j + 1) - Math.max(low, first + j)) / (high - low)),
    };
  }
  const centre = Math.max(0, Math.min(from - 1, (i + 0.5) * ratio - 0.5));
  const first = Math.floor(centre);
  const part = centre - first;
  return { first, weights: part === 0 ? [1] : [1 - part, part] };
}

/** Converts to 1 (gray) or 3 (RGB) channels, blending transparent pixels with white. */
function toChannels(image: Pixels, wanted: 1 | 3): Uint8Array | Uint8ClampedArray {
  const { width, height, data } = image;
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new KletError('BAD_ARGUMENT', `an image of ${show(width)}×${show(height)} pixels is empty`);
  }
  const count = width * height;
  const channels = image.channels ?? data.length / count;
  if ((channels !== 1 && channels !== 3 && channels !== 4) || data.length !== count * channels) {
    const expected = `${count}, ${count * 3} or ${count * 4}`;
    throw new KletError(
      'SHAPE_MISMATCH',
      `an image of ${width}×${height} pixels has ${expected} bytes (gray, RGB, RGBA), not ${data.length}`,
    );
  }
  if (channels === wanted) return data;
  const out = new Uint8ClampedArray(count * wanted);
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    const alpha = channels === 4 ? data[at + 3]! / 255 : 1;
    const white = 255 * (1 - alpha);
    const r = data[at]! * alpha + white;
    const g = channels === 1 ? r : data[at + 1]! * alpha + white;
    const b = channels === 1 ? r : data[at + 2]! * alpha + white;
    if (wanted === 1) out[i] = 0.299 * r + 0.587 * g + 0.114 * b;
    else {
      out[i * 3] = r;
      out[i * 3 + 1] = g;
      out[i * 3 + 2] = b;
    }
  }
  return out;
}

function readShape(shape: readonly number[], preprocessing?: ImagePreprocessing): ImageShape | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  if (shape.length === 4) return a === 1 ? withChannels(b, c, d) ?? planar(c, d, b) : undefined;
  if (shape.length === 3) {
    if (c === 1 || c === 3) return withChannels(a, b, c);
    return a === 1 ? withChannels(b, c, 1) : planar(b, c, a);
  }
  if (shape.length === 2 && a > 1) return withChannels(a, b, 1);
  // a flat input is a square image if the file has image preprocessing
  if (!preprocessing) return undefined;
  const side = Math.sqrt(shape.reduce((x, y) => x * y, 1) / preprocessing.channels);
  return Number.isInteger(side) ? withChannels(side, side, preprocessing.channels) : undefined;
}

function withChannels(height: number, width: number, channels: number): ImageShape | undefined {
  return channels === 1 || channels === 3 ? { height, width, channels } : undefined;
}

function planar(height: number, width: number, channels: number): ImageShape | undefined {
  const shape = withChannels(height, width, channels);
  return shape && { ...shape, isPlanar: true };
}
