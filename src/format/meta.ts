import { describeValue } from '../errors';
import type { AudioPreprocessing } from './audio';
import { isObject, isWhole } from './json';
import type { SoundRules, TaskRules } from './task';

// The META section of a file (docs/format/).

/** Element types of inputs and outputs, with NumPy's names. */
export type IoType = 'float32' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

/** Description of an input or output. */
export interface TensorInfo {
  name: string;
  dtype: IoType;
  /** Row-major dimensions; images are NHWC. */
  shape: number[];
  /** real = scale × (q − zeroPoint). Absent if the values are real numbers themselves. */
  scale?: number;
  zeroPoint?: number;
}

/**
 * How an image becomes the input: it is resized to the input's height and width, then real = value
 * × scale + offset per channel.
 */
export interface ImagePreprocessing {
  kind: 'image';
  channels: 1 | 3;
  /** Factor for channel values of 0..255: one number, or one per channel. */
  scale: number | number[];
  offset: number | number[];
  /** Inverts the values (255 − value) first, for networks that expect white on black. */
  invert?: boolean;
  /** Order of three channels in the input, and in scale and offset (default: rgb). */
  order?: 'rgb' | 'bgr';
  /** Order of the dimensions of the input (default: as its shape tells). */
  layout?: 'nhwc' | 'nchw';
  /**
   * What happens to an image of another aspect ratio: it is stretched (default), fitted inside with
   * borders, or cut at both sides.
   */
  fit?: 'stretch' | 'letterbox' | 'crop';
  /** With `fit: 'crop'`: the part of the shorter side that is left, 0..1 (default: 1). */
  crop?: number;
  /** With `fit: 'letterbox'`: the channel value of the borders, 0..255 (default: 0). */
  pad?: number;
  /**
   * The library whose resampling the network was trained with: Pillow, tf.image or OpenCV. By
   * default bilinear, and the average of areas if the image shrinks to less than half.
   */
  resize?: 'pil' | 'tf' | 'opencv';
  /** The method of that library (default: bilinear). */
  method?: 'nearest' | 'bilinear' | 'bicubic' | 'area';
}

/** How the data of a sensor become the input. */
export type Preprocessing = ImagePreprocessing | AudioPreprocessing;

/** Metadata of a model. Additional properties are preserved. */
export interface Meta {
  name: string;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Class names, for outputs that are class scores. */
  labels?: string[];
  preprocessing?: Preprocessing;
  /** How the outputs become an answer: classes, boxes, masks, … */
  task?: TaskRules | SoundRules;
  /** Origin of the file: source format, converter and its version. */
  provenance?: Record<string, unknown>;
  /** Measured accuracy, if known. */
  accuracy?: Record<string, unknown>;
  [key: string]: unknown;
}

/** Size of one element in the caller's array, and in the arena. */
export const ioBytes: Record<IoType, [outside: number, inside: number]> = {
  float32: [4, 4],
  int8: [1, 1],
  uint8: [1, 1],
  int16: [2, 2],
  int32: [4, 4],
  int64: [8, 4],
  bool: [1, 1],
};

export function checkMeta(meta: unknown, arenaBytes: number): string | undefined {
  if (!isObject(meta)) return 'its META section is not a JSON object, or is larger than the limits of the format';
  if (typeof meta.name !== 'string') return 'its META has no name';
  for (const side of ['inputs', 'outputs'] as const) {
    const list = meta[side];
    if (!Array.isArray(list)) return `its META has no list of ${side}`;
    const names = new Set<unknown>();
    for (const tensor of list as unknown[]) {
      if (!isObject(tensor) || typeof tensor.name !== 'string') return `one of its ${side} has no name`;
      const { name, dtype, shape, offset, scale, zeroPoint } = tensor;
      if (names.has(name)) return `two of its ${side} are named "${name}"`;
      names.add(name);
      if (typeof dtype !== 'string' || !Object.hasOwn(ioBytes, dtype)) {
        return `"${name}" has the unknown type ${typeof dtype === 'string' ? dtype : describeValue(dtype)}`;
      }
      if (!Array.isArray(shape) || !shape.every((d) => Number.isInteger(d) && d > 0)) {
        return `"${name}" has no proper shape`;
      }
      const bytes = (shape as number[]).reduce((a, b) => a * b, 1) * ioBytes[dtype as IoType][1];
      if (!isWhole(offset) || offset % ioBytes[dtype as IoType][1] !== 0 || !(offset + bytes <= arenaBytes)) {
        return `"${name}" lies outside the arena`;
      }
      if (scale !== undefined && !(typeof scale === 'number' && scale > 0 && Number.isFinite(scale))) {
        return `"${name}" has the scale ${JSON.stringify(scale)}`;
      }
      if (zeroPoint !== undefined &&
        !(Number.isInteger(zeroPoint) && isWhole((zeroPoint as number) + 128) && (zeroPoint as number) <= 255))
      {
        return `"${name}" has the zero point ${JSON.stringify(zeroPoint)}`;
      }
      if ((scale === undefined) !== (zeroPoint === undefined)) return `"${name}" has half a quantization`;
    }
  }
  return undefined;
}

export function checkState(
  { state, inputs }: { state?: unknown; inputs: { name: string; offset: number }[] },
  arenaBytes: number,
  weightsBytes: number,
): string | undefined {
  if (state === undefined) return undefined;
  if (!isObject(state) || !isWhole(state.bytes) || !isWhole(state.initial) ||
    !['undefined', 'boolean'].includes(typeof state.carries)) return 'the state in its META is malformed';
  if (state.bytes > arenaBytes) return `its state of ${state.bytes} bytes lies outside the arena`;
  const { bytes } = state;
  const covering = inputs.find(({ offset }) => offset < bytes);
  if (covering) return `its input "${covering.name}" lies in the state`;
  return state.initial + state.bytes > weightsBytes ? 'its initial state lies outside the weights' : undefined;
}
