import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { decode } from 'fast-png';
import { KletError, type TensorInfo } from '../../index';
import { imageShape } from '../../tasks/pixels';
import { toImageX, toImageY } from '../../tasks/placement';
import { checkedPng } from '../../tasks/png';
import type { MediaLimits } from '../../tasks/limits';
import { readBytes } from '../files';
import { parseArray } from '../npy';
import { fileInput } from './arrays';
import type { Dataset, Item, Reader } from './dataset';
import { placeOf } from './placed';

// Masks: images whose gray values or palette indices are the classes of pixels.

/** The value of pixels that do not count, where there are more than two classes. */
const IGNORED = 255;

/** Images with the masks of the same names. */
export function maskItems(images: readonly string[], folder: string, reader: Reader): Dataset {
  const { height, width, isBinary } = answerSize(reader);
  const items = images.map((image): Item => {
    const mask = ['.png', '.npy'].map((end) => join(folder, basename(image, extname(image)) + end)).find((file) =>
      existsSync(file)
    );
    if (mask === undefined) {
      throw new KletError(
        'FETCH_FAILED',
        `"${image}" has no mask; expected ${basename(image, extname(image))}.png or .npy in "${folder}"`,
      );
    }
    return {
      where: image,
      read: () => fileInput(image, reader),
      target: () => classesOf(scaled(readMask(mask, reader.limits), width, height, reader), isBinary),
    };
  });
  const notes = [`masks are compared at the ${width}×${height} pixels of the network's answer`];
  return { items, task: 'segment', names: reader.labels, notes };
}

/** The size of the answer, and whether it has two classes. */
function answerSize({ inputs, outputs }: Reader): { height: number; width: number; isBinary: boolean } {
  const output = outputs.find(({ shape }) => shape.filter((size) => size > 1).length >= 2);
  const shape = output?.shape.filter((size, i) => !(i === 0 && size === 1)) ?? [];
  if (shape.length === 2) return { height: shape[0]!, width: shape[1]!, isBinary: true };
  if (shape.length !== 3) {
    throw new KletError(
      'SHAPE_MISMATCH',
      'the network has no output with a class for every pixel, so masks do not fit',
    );
  }
  const isPlanar = isChannelsFirst(shape as [number, number, number], inputs[0]);
  const [height, width, classes] = isPlanar ? [shape[1]!, shape[2]!, shape[0]!] : (shape as [number, number, number]);
  return { height, width, isBinary: classes <= 2 };
}

/** Outputs have their channels where the input has them. */
function isChannelsFirst([first, , last]: [number, number, number], input: TensorInfo | undefined): boolean {
  try {
    if (input) return imageShape(input).isPlanar ?? false;
  } catch {
    // the input is no image
  }
  return first < last;
}

interface Mask {
  width: number;
  height: number;
  data: ArrayLike<number>;
}

function readMask(path: string, limits: MediaLimits): Mask {
  const bytes = readBytes(path);
  if (extname(path) === '.npy') {
    const { data, shape } = parseArray(bytes, `the mask "${path}"`);
    const sizes = shape.filter((size) => size > 1);
    if (sizes.length !== 2) {
      throw new KletError(
        'SHAPE_MISMATCH',
        `the mask "${path}" must have the shape [height, width], not [${shape.join(', ')}]`,
      );
    }
    return {
      height: sizes[0]!,
      width: sizes[1]!,
      data: Array.from(data as unknown as ArrayLike<number | bigint>, Number),
    };
  }
  let image;
  try {
    image = decode(checkedPng(bytes, `the mask "${path}"`, limits, false));
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('CORRUPT', `the mask "${path}" is no PNG image that can be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const { width, height, channels, depth, data } = image;
  if (depth < 8) return { width, height, data: unpacked(data, width, height, depth) };
  const values = Array.from({ length: width * height }, (_, i) => data[i * channels]!);
  const isGray = channels < 3 ||
    values.every((value, i) => data[i * channels + 1] === value && data[i * channels + 2] === value);
  if (isGray) return { width, height, data: values };
  throw new KletError(
    'TYPE_MISMATCH',
    `the mask "${path}" has colors; expected the number of the class as gray value, or a palette`,
  );
}

/** Pixels of fewer than 8 bits; each line begins with a new byte. */
function unpacked(data: ArrayLike<number>, width: number, height: number, depth: number): number[] {
  const line = Math.ceil(width * depth / 8);
  return Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * line + (bit >> 3)]!;
    return (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
  });
}

/** What a pixel of the answer outside the image has instead of a class. */
const OUTSIDE = -1;

/** The mask at the size of the answer: the nearest pixel of each, because classes have no mean. */
function scaled(mask: Mask, newWidth: number, newHeight: number, reader: Reader): number[] {
  const { width, height, data } = mask;
  const place = placeOf(mask, reader);
  return Array.from({ length: newWidth * newHeight }, (_, i) => {
    const across = ((i % newWidth) + 0.5) / newWidth;
    const down = (Math.floor(i / newWidth) + 0.5) / newHeight;
    const x = Math.floor(place ? toImageX(place, across * place.inputWidth) : across * width);
    const y = Math.floor(place ? toImageY(place, down * place.inputHeight) : down * height);
    return x >= 0 && x < width && y >= 0 && y < height ? data[y * width + x]! : OUTSIDE;
  });
}

/** With two classes every value above 0 is the second, so that 0 and 255 are a mask as well. */
function classesOf(values: readonly number[], isBinary: boolean): Int32Array {
  return Int32Array.from(values, (value) => {
    if (value === OUTSIDE) return IGNORED;
    if (isBinary) return Math.min(value, 1);
    return value === IGNORED ? IGNORED : value;
  });
}
