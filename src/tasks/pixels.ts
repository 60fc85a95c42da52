import { checkObject, checkWhole, show } from '../arguments';
import { checkTensor } from '../audio/checks';
import { KletError } from '../errors';
import type { ImagePreprocessing, Preprocessing, TensorInfo } from '../format/meta';
import { checkPreprocessing } from '../format/preprocessing';
import { readFile, type ImageFile } from './files';
import { placementOf, type Placement } from './placement';
import { resampler } from './resample';
import { drawn, isPixels, sizeOf, type Drawable } from './source';

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

/** The longest side of an input. */
const MAX_SIDE = 65536;

/** An image as the values of an input. */
export type ImageValues = Float32Array | Uint8Array | Int8Array | Int32Array;

/** What `imageToInput` and the tasks take as an image. */
export type ImageSource = Pixels | Drawable | ImageFile;

/**
 * Converts an image to the input of a network: channels first, then size, then values.
 *
 * Transparent pixels are blended with white. Colour becomes gray by luma (ITU-R BT.601), gray
 * becomes RGB by repetition. The preprocessing says how the image fits into the input, and whose
 * resampling is used. By default it is stretched: pixels bilinearly with half-pixel centres, or by
 * area averaging if they shrink to less than half; other sources by the canvas.
 *
 * @param image pixels (`ImageData`), or what a canvas draws: a canvas, image, ImageBitmap, video or
 *   VideoFrame; in Node also the path or the bytes of a PNG, JPEG or BMP file
 * @param input the model, or its input: [1, H, W, C], [1, C, H, W], [H, W, C], [C, H, W], [1, H, W]
 *   or [H, W], C = 1 or 3
 * @param given the model's `meta.preprocessing`. Without it, uint8 and int32 inputs get the bytes
 *   unchanged, int8 inputs byte − 128, float32 inputs byte / 255
 * @returns the array for `predict`: real numbers (with preprocessing, or for float32) or raw values
 * @throws KletError `SHAPE_MISMATCH` if the input does not have the shape of an image or the data
 *   does not have width × height pixels; `TYPE_MISMATCH` if the input is of another type;
 *   `BAD_ARGUMENT` if the image is empty or the preprocessing is invalid; `BAD_MAGIC`, `CORRUPT` or
 *   `FETCH_FAILED` about a file
 * @example
 * ```js
 * const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
 * const scores = model.predict(imageToInput(pixels, model));
 * ```
 */
export function imageToInput(image: ImageSource, input: TensorInfo | ImageModel, given?: Preprocessing): ImageValues {
  const reader = new ImageReader(input, given);
  reader.read(image);
  return reader.values;
}

/** Converts images to the input of a network. Its arrays are filled again for each image. */
export class ImageReader {
  readonly values: ImageValues;
  /** Whether channels come before rows and columns. */
  readonly isPlanar: boolean;
  private readonly tensor: TensorInfo;
  private readonly preprocessing: ImagePreprocessing | undefined;
  private readonly shape: ImageShape;
  private bytes: Uint8ClampedArray | undefined;
  private resize: ReturnType<typeof resampler> | undefined;
  /** The place of the last image that was resized. */
  private place: Placement | undefined;

  /** @throws KletError as `imageToInput` about the input and the preprocessing */
  constructor(input: TensorInfo | ImageModel, given?: Preprocessing) {
    const { tensor, preprocessing } = targetOf(input, given);
    this.tensor = tensor;
    this.preprocessing = preprocessing;
    this.shape = shapeOf(tensor, preprocessing);
    const { height, width, channels, isPlanar = false } = this.shape;
    checkWhole(height, 'the height of the input', 1, MAX_SIDE);
    checkWhole(width, 'the width of the input', 1, MAX_SIDE);
    this.isPlanar = isPlanar;
    this.values = outputFor(tensor, preprocessing, height * width * channels);
  }

  /**
   * Fills `values`.
   *
   * @returns the place of the image in the input
   * @throws KletError as `imageToInput` about the image
   */
  read(image: ImageSource): Placement {
    const { tensor, preprocessing, values, isPlanar, shape: { height, width, channels } } = this;
    const { pixels, place } = this.placed(image);
    // element i of [H][W][C] goes to c·H·W + y·W + x of [C][H][W]
    const plane = isPlanar ? width * height : 1;
    const step = isPlanar ? 1 : channels;
    const isReversed = preprocessing?.order === 'bgr';
    const isWhole = !(values instanceof Float32Array);
    for (let channel = 0; channel < channels; channel++) {
      const { divisor, scale, offset, invert } = affine(tensor, preprocessing, channel);
      const first = isReversed ? channels - 1 - channel : channel;
      for (let i = first, o = channel * plane; i < pixels.length; i += channels, o += step) {
        const value = invert ? 255 - pixels[i]! : pixels[i]!;
        const real = value / divisor * scale + offset;
        values[o] = isWhole ? Math.round(real) : real;
      }
    }
    return place;
  }

  /** The channel values, 0..255, of an input with an image: [height][width][channels]. */
  private placed(image: ImageSource): { pixels: ArrayLike<number>; place: Placement } {
    const { preprocessing, shape: { height, width } } = this;
    const { pad = 0, resize } = preprocessing ?? {};
    const source = isFile(image) ? readFile(image) : image;
    if (!isPixels(source)) {
      const [w, h] = sizeOf(source);
      const place = placementOf(w, h, width, height, preprocessing);
      // the canvas resizes, unless it must be done as a library does it
      if (resize === undefined) return { pixels: this.channelsOf(drawn(source, place, pad)), place };
      return this.fitted(drawn(source, placementOf(w, h, w, h)));
    }
    return this.fitted(source);
  }

  private fitted(source: Pixels): { pixels: ArrayLike<number>; place: Placement } {
    const { preprocessing, shape: { height, width, channels } } = this;
    const place = placementOf(source.width, source.height, width, height, preprocessing);
    const bytes = this.channelsOf(source);
    const isSized = source.width === width && source.height === height && (preprocessing?.crop ?? 1) === 1;
    if (isSized) return { pixels: bytes, place };
    const known = this.place;
    if (!known || Object.entries(place).some(([name, value]) => known[name as keyof Placement] !== value)) {
      this.place = place;
      this.resize = resampler(place, channels, preprocessing, preprocessing?.pad);
    }
    return { pixels: this.resize!(bytes), place };
  }

  private channelsOf(image: Pixels): Uint8Array | Uint8ClampedArray {
    const { channels } = this.shape;
    const found = toChannels(image, channels, this.bytes);
    if (found !== image.data) this.bytes = found as Uint8ClampedArray;
    return found;
  }
}

/** Whether an image is given as a file: its path, URL or bytes. */
function isFile(image: unknown): image is ImageFile {
  return typeof image === 'string' || image instanceof Uint8Array ||
    typeof (image as { href?: unknown } | null)?.href === 'string';
}

function outputFor(
  { name, dtype }: TensorInfo,
  preprocessing: ImagePreprocessing | undefined,
  count: number,
): ImageValues {
  // only these are not quantized from real numbers
  if (dtype === 'int32') return new Int32Array(count);
  if (preprocessing || dtype === 'float32') return new Float32Array(count);
  if (dtype === 'uint8') return new Uint8Array(count);
  if (dtype === 'int8') return new Int8Array(count);
  throw new KletError(
    'TYPE_MISMATCH',
    `input "${name}" is ${show(dtype)}; images need a uint8, int8, int32 or float32 input`,
  );
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
  checkObject(input, 'the model, or one of model.inputs,');
  if (!('inputs' in input)) {
    checkTensor(input, 'the input');
    return { tensor: input, preprocessing: checked(given) };
  }
  const { inputs, meta } = input as unknown as ImageModel;
  if (!Array.isArray(inputs) || inputs.length !== 1) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the model has ${
        show((inputs as Partial<typeof inputs>).length)
      } inputs; pass the one that takes the image, model.inputs[i]`,
    );
  }
  const tensor: unknown = inputs[0];
  checkTensor(tensor, 'the input');
  checkObject(meta, "the model's meta");
  return { tensor, preprocessing: checked(given === undefined ? meta.preprocessing : given) };
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
  checkTensor(input, 'the input');
  if (preprocessing !== undefined) checkPreprocessing(preprocessing);
  return shapeOf(input, preprocessing);
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

/**
 * Converts to 1 (gray) or 3 (RGB) channels, blending transparent pixels with white.
 *
 * @param reuse an array that is filled if it has the right length
 */
function toChannels(image: Pixels, wanted: 1 | 3, reuse?: Uint8ClampedArray): Uint8Array | Uint8ClampedArray {
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
  const out = reuse?.length === count * wanted ? reuse : new Uint8ClampedArray(count * wanted);
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    let r = data[at]!;
    let g = channels === 1 ? r : data[at + 1]!;
    let b = channels === 1 ? r : data[at + 2]!;
    if (channels === 4 && data[at + 3] !== 255) {
      const alpha = data[at + 3]! / 255;
      const white = 255 * (1 - alpha);
      r = r * alpha + white;
      g = g * alpha + white;
      b = b * alpha + white;
    }
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
  if (shape.length === 4) {
    if (a !== 1) return undefined;
    return preprocessing?.layout === 'nchw' ? planar(c, d, b) : withChannels(b, c, d) ?? planar(c, d, b);
  }
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
