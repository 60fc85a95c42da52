import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KletError } from '../../src/errors';
import type { ImagePreprocessing, IoType, TensorInfo } from '../../src/format/meta';
import { checkPreprocessing } from '../../src/format/preprocessing';
import { readFile as readFileInPage } from '../../src/tasks/files.page';
import { decodeImage } from '../../src/tasks/image';
import { imageShape, imageToInput, type Pixels } from '../../src/tasks/pixels';
import { placementOf } from '../../src/tasks/placement';
import { resampler } from '../../src/tasks/resample';
import { refusal } from './refusal';

const input = (dtype: IoType, shape: number[]): TensorInfo => ({
  name: 'x',
  dtype,
  shape,
  ...(dtype !== 'float32' && { scale: 0.5, zeroPoint: 0 }),
});
const gray = (width: number, height: number, data: number[]): Pixels => ({
  width,
  height,
  channels: 1,
  data: Uint8Array.from(data),
});
const codeOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    return error instanceof KletError ? error.code : String(error);
  }
  return undefined;
};

describe('imageToInput: values', () => {
  const image = gray(2, 2, [0, 1, 128, 255]);

  it('a uint8 input gets the bytes unchanged', () => {
    expect(imageToInput(image, input('uint8', [1, 2, 2, 1]))).toEqual(Uint8Array.of(0, 1, 128, 255));
  });

  it('an int8 input gets byte − 128', () => {
    expect(imageToInput(image, input('int8', [1, 2, 2, 1]))).toEqual(Int8Array.of(-128, -127, 0, 127));
  });

  it('a float32 input gets byte / 255', () => {
    expect(imageToInput(image, input('float32', [1, 2, 2, 1]))).toEqual(Float32Array.of(0, 1 / 255, 128 / 255, 1));
  });

  it('preprocessing gives real numbers, also for quantized inputs', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 2 / 255, offset: -1 };
    expect(imageToInput(image, input('int8', [1, 2, 2, 1]), preprocessing))
      .toEqual(Float32Array.from([0, 1, 128, 255], (v) => v * (2 / 255) - 1));
  });

  it('preprocessing inverts before it scales', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 10, invert: true };
    expect(imageToInput(image, input('float32', [2, 2]), preprocessing)).toEqual(Float32Array.of(265, 264, 137, 10));
  });

  it('preprocessing takes a scale and an offset per channel', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 3, scale: [1, 2, 3], offset: [0, 1, 2] };
    const rgb: Pixels = { width: 1, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(imageToInput(rgb, input('float32', [1, 2, 1, 3]), preprocessing))
      .toEqual(Float32Array.of(1, 5, 11, 4, 11, 20));
  });
});

describe('imageToInput: fit, order and layout', () => {
  const rgb: Pixels = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const plain: ImagePreprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0 };

  it('BGR reverses the channels, and scale and offset are in that order', () => {
    expect(imageToInput(rgb, input('float32', [1, 1, 2, 3]), { ...plain, order: 'bgr', offset: [100, 200, 300] }))
      .toEqual(Float32Array.of(103, 202, 301, 106, 205, 304));
  });

  it('layout decides where the shape does not', () => {
    const image: Pixels = { width: 3, height: 3, data: Uint8Array.from({ length: 27 }, (_, i) => i) };
    const planar = imageToInput(image, input('float32', [1, 3, 3, 3]), { ...plain, layout: 'nchw' });
    expect([...planar.slice(0, 9)]).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
    expect([...imageToInput(image, input('float32', [1, 3, 3, 3]), plain)]).toEqual([...image.data]);
    expect([...imageToInput(rgb, input('float32', [1, 3, 1, 2]), { ...plain, order: 'bgr' })]).toEqual([3, 6, 2, 5, 1,
      4]);
  });

  it('letterbox fits the image inside, with borders of the value of pad', () => {
    const letterbox: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 0, fit: 'letterbox', pad: 9 };
    expect([...imageToInput(gray(2, 1, [50, 60]), input('float32', [1, 4, 2, 1]), letterbox)]).toEqual([9, 9, 50, 60, 9,
      9, 9, 9]);
    expect([...imageToInput(gray(1, 2, [50, 60]), input('float32', [1, 2, 3, 1]), { ...letterbox, scale: 2 })])
      .toEqual([18, 100, 18, 18, 120, 18]);
  });

  it('crop takes the middle', () => {
    const crop: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 0, fit: 'crop' };
    expect([...imageToInput(gray(4, 2, [0, 1, 2, 3, 4, 5, 6, 7]), input('float32', [1, 2, 2, 1]), crop)]).toEqual([1, 2,
      5, 6]);
    const half = imageToInput(gray(4, 4, Array.from({ length: 16 }, (_, i) => i)), input('float32', [1, 2, 2, 1]), {
      ...crop,
      crop: 0.5,
    });
    expect([...half]).toEqual([5, 6, 9, 10]);
  });

  it('in Node an image may be a file or its bytes', () => {
    const file = path.resolve(import.meta.dirname, '../../models/digits/samples/7.png');
    const bytes = new Uint8Array(readFileSync(file));
    const expected = imageToInput(decodeImage(bytes), input('uint8', [1, 28, 28, 1]));
    expect(Math.max(...expected)).toBeGreaterThan(200);
    for (const image of [file, bytes, pathToFileURL(file)]) {
      expect(imageToInput(image, input('uint8', [1, 28, 28, 1]))).toEqual(expected);
    }
    expect(codeOf(() => imageToInput('none.png', input('uint8', [1, 2, 2, 1])))).toBe('FETCH_FAILED');
    const webp = Buffer.from('RIFF\0\0\0\0WEBPVP8 ');
    expect(refusal(() => imageToInput(webp, input('uint8', [1, 2, 2, 1]))))
      .toBe('BAD_MAGIC: the image is a WebP image; kinglet reads PNG, JPEG and BMP: save it as one of these, or in a '
        + 'page pass await createImageBitmap(blob)');
  });

  it('a page says how to decode a file', () => {
    expect(refusal(() => readFileInPage('x.png'))).toMatch(/^TYPE_MISMATCH: .*createImageBitmap\(blob\)/);
  });
});

describe('imageToInput: channels', () => {
  it('gray is repeated to RGB', () => {
    expect(imageToInput(gray(2, 1, [7, 9]), input('uint8', [1, 1, 2, 3]))).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
  });

  it('RGB becomes gray by luma', () => {
    const rgb: Pixels = { width: 3, height: 1, data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255) };
    expect(imageToInput(rgb, input('uint8', [1, 1, 3, 1]))).toEqual(Uint8Array.of(76, 150, 29));
  });

  it('RGBA, as in the ImageData of a canvas, is blended with white', () => {
    const rgba = { width: 3, height: 1, data: Uint8ClampedArray.of(10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51) };
    expect(imageToInput(rgba, input('uint8', [1, 1, 3, 3])))
      .toEqual(Uint8Array.of(10, 20, 30, 255, 255, 255, 204, 204, 204));
  });
});

describe('resizing without a library', () => {
  const resized = (
    data: ArrayLike<number>,
    width: number,
    height: number,
    newWidth: number,
    newHeight: number,
    channels: 1 | 3,
  ): Float32Array => resampler(placementOf(width, height, newWidth, newHeight), channels)(data);

  it('returns equal pixels if the size stays the same', () => {
    const data = Array.from({ length: 35 }, (_, i) => i * 7);
    expect(resized(data, 7, 5, 7, 5, 1)).toEqual(Float32Array.from(data));
  });

  it('enlarges bilinearly with half-pixel centres', () => {
    expect([...resized([0, 100], 2, 1, 4, 1, 1)]).toEqual([0, 25, 75, 100]);
    expect([...resized([0, 100], 1, 2, 1, 4, 1)]).toEqual([0, 25, 75, 100]);
  });

  it('halves by averaging neighbours', () => {
    expect([...resized([0, 10, 20, 30, 40, 50, 60, 70], 4, 2, 2, 1, 1)]).toEqual([25, 45]);
  });

  it('averages areas at large reductions, so that no pixel is skipped', () => {
    const stripes = Array.from({ length: 90 }, (_, i) => (i % 2 ? 200 : 100));
    for (const value of resized(stripes, 90, 1, 9, 1, 1)) expect(value).toBeCloseTo(150, 3);
  });

  it.each([[17, 5], [100, 33], [9, 4], [3, 7], [1, 5], [1000, 1]])(
    'keeps a uniform image uniform from %i to %i pixels',
    (from, to) => {
      const same = resized(new Uint8Array(from * from * 3).fill(77), from, from, to, to, 3);
      for (const value of same) expect(value).toBeCloseTo(77, 2);
    },
  );

  it('keeps the mean when it shrinks', () => {
    const data = Array.from({ length: 60 }, (_, i) => (i * 37) % 256);
    const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b) / values.length;
    expect(mean(resized(data, 60, 1, 7, 1, 1))).toBeCloseTo(mean(data), 3);
  });

  it('imageToInput stretches the image to the size of the input', () => {
    expect(imageToInput(gray(1, 4, [0, 0, 255, 255]), input('uint8', [1, 2, 3, 1])))
      .toEqual(Uint8Array.of(0, 0, 0, 255, 255, 255));
  });
});

describe('imageShape', () => {
  it('reads height, width and channels of [1, H, W, C], [H, W, C], [1, H, W] and [H, W]', () => {
    const shapeOf = (shape: number[]): number[] => {
      const { height, width, channels } = imageShape(input('int8', shape));
      return [height, width, channels];
    };
    expect(shapeOf([1, 5, 6, 3])).toEqual([5, 6, 3]);
    expect(shapeOf([5, 6, 1])).toEqual([5, 6, 1]);
    expect(shapeOf([1, 28, 28])).toEqual([28, 28, 1]);
    expect(shapeOf([8, 9])).toEqual([8, 9, 1]);
  });

  it.each([[[1, 640]], [[2, 8, 8, 3]], [[1, 8, 8, 2]], [[10]], [[2, 3, 4]]])('%j takes no image', (shape) => {
    expect(codeOf(() => imageShape(input('int8', shape)))).toBe('SHAPE_MISMATCH');
  });

  it('a flat input takes a square image if the model has image preprocessing', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 0 };
    expect(imageShape(input('float32', [1, 784]), preprocessing)).toEqual({ height: 28, width: 28, channels: 1 });
    expect(codeOf(() => imageShape(input('float32', [1, 785]), preprocessing))).toBe('SHAPE_MISMATCH');
  });

  it('refuses preprocessing with another number of channels', () => {
    expect(codeOf(() =>
      imageShape(input('float32', [1, 8, 8, 3]), { kind: 'image', channels: 1, scale: 1, offset: 0 })
    )).toBe('SHAPE_MISMATCH');
  });
});

describe('an int32 input', () => {
  const tensor: TensorInfo = { name: 'x', dtype: 'int32', shape: [1, 1, 3, 1] };

  it('gets the bytes, as MoveNet takes them', () => {
    expect(imageToInput(gray(3, 1, [0, 7, 255]), tensor)).toEqual(Int32Array.of(0, 7, 255));
  });

  it('gets whole numbers with preprocessing', () => {
    const image = { kind: 'image', channels: 1, scale: 0.5, offset: -1 } as const;
    expect(imageToInput(gray(3, 1, [0, 7, 254]), tensor, image)).toEqual(Int32Array.of(-1, 3, 126));
  });
});

describe('errors', () => {
  it.each(['int16', 'int64', 'bool'] as const)('an %s input is refused', (dtype) => {
    expect(codeOf(() => imageToInput(gray(1, 1, [0]), { name: 'x', dtype, shape: [1, 1, 1, 1] })))
      .toBe('TYPE_MISMATCH');
  });

  it('an image with too few bytes, or without pixels, is refused', () => {
    expect(codeOf(() => imageToInput(gray(2, 2, [1, 2, 3]), input('uint8', [1, 2, 2, 1])))).toBe('SHAPE_MISMATCH');
    expect(codeOf(() => imageToInput(gray(0, 0, []), input('uint8', [1, 2, 2, 1])))).toBe('BAD_ARGUMENT');
  });

  const refused: Record<string, unknown> = {
    'that is an array': [],
    'that is null': null,
    'of another kind': { kind: 'sound' },
    'with two channels': { kind: 'image', channels: 2, scale: 1, offset: 0 },
    'without a scale': { kind: 'image', channels: 1, offset: 0 },
    'with a string as offset': { kind: 'image', channels: 1, scale: 1, offset: '0' },
    'with two scales for three channels': { kind: 'image', channels: 3, scale: [1, 2], offset: 0 },
    'with a number as invert': { kind: 'image', channels: 1, scale: 1, offset: 0, invert: 1 },
  };

  it.each(Object.entries(refused))('preprocessing %s is refused', (_, value) => {
    expect(codeOf(() => checkPreprocessing(value))).toBe('BAD_ARGUMENT');
  });
});

describe('imageToInput: layouts and arguments', () => {
  const image: Pixels = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };

  for (const shape of [[1, 3, 1, 2], [3, 1, 2]]) {
    it(`fills channels first for [${shape.join(', ')}]`, () => {
      expect(imageToInput(image, input('uint8', shape))).toEqual(Uint8Array.of(1, 4, 2, 5, 3, 6));
    });
  }

  it('normalizes channels first by the channel', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 3, scale: [1, 10, 100], offset: 0 };
    expect(imageToInput(image, input('float32', [1, 3, 1, 2]), preprocessing))
      .toEqual(Float32Array.of(1, 4, 20, 50, 300, 600));
  });

  it('takes the model, and its preprocessing with it', () => {
    const meta = { preprocessing: { kind: 'image', channels: 3, scale: 2, offset: 0 } as const };
    expect(imageToInput(image, { inputs: [input('float32', [1, 1, 2, 3])], meta }))
      .toEqual(Float32Array.of(2, 4, 6, 8, 10, 12));
  });

  const odd: unknown[] = [undefined, null, 7, 'x', [1], new Uint8Array(3), {}, { inputs: [], meta: {} }, () => 0];
  for (const value of odd) {
    it(`refuses ${JSON.stringify(value) ?? typeof value} as image and as input, with a KletError`, () => {
      expect(codeOf(() => imageToInput(value as Pixels, input('uint8', [1, 1, 2, 3])))).toMatch(/^[A-Z_]+$/);
      expect(codeOf(() => imageToInput(image, value as TensorInfo))).toMatch(/^[A-Z_]+$/);
    });
  }
});
