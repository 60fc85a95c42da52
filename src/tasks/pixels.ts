import { KletError } from '../errors';
import type { ImagePreprocessing, Preprocessing, TensorInfo } from '../format/klet';

// Pictures to network inputs, in plain arithmetic: runs in a page as well as in Node. Decoders are
// in image.ts.

/** Rows of pixels, channels interleaved, 0..255. A canvas's `ImageData` is one. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array | Uint8ClampedArray;
  /** 1 is gray, 3 is RGB, 4 is RGBA; counted from the data unless told. */
  channels?: 1 | 3 | 4;
}

/** From this shrinking factor on, two taps would skip pixels, and areas are averaged instead. */
const AREA_FROM = 2;

/**
 * Makes a picture the input of a network: channels, then size, then numbers.
 *
 * Transparent pixels are laid over white. Colour becomes gray by luma (ITU-R BT.601), gray becomes
 * RGB by repetition. The picture is stretched to the input's height and width: bilinear with
 * half-pixel centres, area averages when it shrinks to less than half.
 *
 * @param input the model's input: [1, H, W, C], [H, W, C], [1, H, W] or [H, W], C = 1 or 3
 * @param given the model's `meta.preprocessing`. Without it, uint8 inputs get the bytes as they
 *   are, int8 inputs byte − 128, float32 inputs byte / 255
 * @returns what `predict` takes: real numbers (with preprocessing, or for float32) or raw values
 * @throws KletError `SHAPE_MISMATCH` when the input is not a picture, `TYPE_MISMATCH` or
 *   `BAD_ARGUMENT`
 * @example
 * ```js
 * const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
 * const scores = model.predict(imageToInput(pixels, model.inputs[0], model.meta.preprocessing));
 * ```
 */
export function imageToInput(
  image: Pixels,
  input: TensorInfo,
  given?: Preprocessing,
): Float32Array | Uint8Array | Int8Array {
  const preprocessing = given && checkPreprocessing(given);
  const { height, width, channels } = pictureShape(input, preprocessing);
  const values = resizePixels(toChannels(image, channels), image.width, image.height, width, height, channels);
  if (preprocessing) return normalize(values, channels, preprocessing);
  switch (input.dtype) {
    case 'uint8':
      return Uint8Array.from(values, Math.round);
    case 'int8':
      return Int8Array.from(values, (v) => Math.round(v) - 128);
    case 'float32':
      return values.map((v) => v / 255);
    default:
      throw new KletError(
        'TYPE_MISMATCH',
        `input "${input.name}" is ${input.dtype}; pictures go into uint8, int8 or float32 inputs`,
      );
  }
}

/**
 * The height, width and channels of an input that takes a picture.
 *
 * @throws KletError `SHAPE_MISMATCH` when it does not look like one
 */
export function pictureShape(
  input: TensorInfo,
  preprocessing?: ImagePreprocessing,
): { height: number; width: number; channels: 1 | 3 } {
  const found = readShape(input.shape, preprocessing);
  const described = `input "${input.name}" has the shape [${input.shape.join(', ')}]`;
  if (!found) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${described}, which is not one picture: expected [1, height, width, channels] with 1 or 3 channels; pass its values instead`,
    );
  }
  const { height, width, channels } = found;
  if (preprocessing && preprocessing.channels !== channels) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${described}, so ${channels} channels, and the preprocessing says ${preprocessing.channels}`,
    );
  }
  return { height, width, channels };
}

/**
 * Checks what a file or a user calls preprocessing.
 *
 * @throws KletError `BAD_ARGUMENT` saying what is wrong
 */
export function checkPreprocessing(value: unknown): ImagePreprocessing {
  const wrong = (what: string): KletError =>
    new KletError(
      'BAD_ARGUMENT',
      `preprocessing ${what}; an example: {"kind":"image","channels":3,"scale":0.00784,"offset":-1} makes bytes 0..255 to -1..1`,
    );
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('must be an object');
  const { kind, channels, scale, offset, invert } = value as Record<string, unknown>;
  if (kind !== 'image') throw wrong(`has the kind ${JSON.stringify(kind)}, not "image"`);
  if (channels !== 1 && channels !== 3) throw wrong(`has ${JSON.stringify(channels)} channels, 1 and 3 are known`);
  for (const [name, factor] of Object.entries({ scale, offset })) {
    const numbers: unknown[] = Array.isArray(factor) ? factor : [factor];
    if (!numbers.every(Number.isFinite)) {
      throw wrong(`needs a number, or one a channel, as ${name}, not ${JSON.stringify(factor)}`);
    }
    if (Array.isArray(factor) && factor.length !== channels) {
      throw wrong(`has ${factor.length} numbers as ${name} for ${channels} channels`);
    }
  }
  if (invert !== undefined && typeof invert !== 'boolean') {
    throw wrong(`has ${JSON.stringify(invert)} as invert, not true or false`);
  }
  return value as ImagePreprocessing;
}

/**
 * Resizes pixels by stretching.
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
  const columns = taps(width, newWidth);
  const rows = taps(height, newHeight);
  const out = new Float32Array(newHeight * newWidth * channels);
  const narrow = new Float32Array(height * newWidth * channels);
  for (let y = 0, o = 0; y < height; y++) {
    for (const { first, weights } of columns) {
      for (let c = 0; c < channels; c++, o++) {
        let sum = 0;
        for (let i = 0, at = (y * width + first) * channels + c; i < weights.length; i++, at += channels) {
          sum += weights[i]! * data[at]!;
        }
        narrow[o] = sum;
      }
    }
  }
  const line = newWidth * channels;
  rows.forEach(({ first, weights }, y) => {
    for (let x = 0; x < line; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * narrow[(first + i) * line + x]!;
      out[y * line + x] = sum;
    }
  });
  return out;
}

/**
 * Which source pixels make target pixel i, and how much of each; the weights of one target sum to
 * 1.
 */
function taps(from: number, to: number): { first: number; weights: number[] }[] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, i) => {
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
  });
}

/** The picture's bytes with 1 (gray) or 3 (RGB) channels, without transparency. */
function toChannels(image: Pixels, wanted: 1 | 3): Uint8Array | Uint8ClampedArray {
  const { width, height, data } = image;
  const count = width * height;
  if (!(Number.isInteger(width) && Number.isInteger(height) && count > 0)) {
    throw new KletError('BAD_ARGUMENT', `a picture of ${width}×${height} pixels has no content`);
  }
  const channels = image.channels ?? data.length / count;
  if ((channels !== 1 && channels !== 3 && channels !== 4) || data.length !== count * channels) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `a picture of ${width}×${height} pixels has ${count}, ${count * 3} or ${
        count * 4
      } bytes (gray, RGB, RGBA); there are ${data.length}`,
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

function normalize(
  values: Float32Array,
  channels: number,
  { scale, offset, invert }: ImagePreprocessing,
): Float32Array {
  const at = (
    factor: number | number[],
    channel: number,
  ): number => (typeof factor === 'number' ? factor : factor[channel]!);
  return values.map((v, i) => (invert ? 255 - v : v) * at(scale, i % channels) + at(offset, i % channels));
}

function readShape(
  shape: readonly number[],
  preprocessing?: ImagePreprocessing,
): { height: number; width: number; channels: 1 | 3 } | undefined {
  const picture = (height: number, width: number, channels: number): ReturnType<typeof readShape> =>
    channels === 1 || channels === 3 ? { height, width, channels } : undefined;
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  if (shape.length === 4) return a === 1 ? picture(b, c, d) : undefined;
  if (shape.length === 3) return c === 1 || c === 3 ? picture(a, b, c) : a === 1 ? picture(b, c, 1) : undefined;
  if (shape.length === 2 && a > 1) return picture(a, b, 1);
  // a flat input is a square picture when the file says that it is a picture
  const side = preprocessing ? Math.sqrt(shape.reduce((x, y) => x * y, 1) / preprocessing.channels) : NaN;
  return Number.isInteger(side) ? picture(side, side, preprocessing!.channels) : undefined;
}
