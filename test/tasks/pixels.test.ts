import { describe, expect, it } from 'vitest';
import { KletError } from '../../src/errors';
import type { ImagePreprocessing, IoType, TensorInfo } from '../../src/format/klet';
import { checkPreprocessing, imageToInput, pictureShape, resizePixels, type Pixels } from '../../src/tasks/pixels';

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

describe('numbers of a picture', () => {
  const picture = gray(2, 2, [0, 1, 128, 255]);

  it('go into a uint8 input as they are', () => {
    expect(imageToInput(picture, input('uint8', [1, 2, 2, 1]))).toEqual(Uint8Array.of(0, 1, 128, 255));
  });

  it('go into an int8 input less 128', () => {
    expect(imageToInput(picture, input('int8', [1, 2, 2, 1]))).toEqual(Int8Array.of(-128, -127, 0, 127));
  });

  it('go into a float input as shares of 255', () => {
    expect(imageToInput(picture, input('float32', [1, 2, 2, 1]))).toEqual(Float32Array.of(0, 1 / 255, 128 / 255, 1));
  });

  it('become real numbers as the preprocessing says, also for quantized inputs', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 2 / 255, offset: -1 };
    expect(imageToInput(picture, input('int8', [1, 2, 2, 1]), preprocessing))
      .toEqual(Float32Array.from([0, 1, 128, 255], (v) => v * (2 / 255) - 1));
  });

  it('are inverted before they are scaled', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 10, invert: true };
    expect(imageToInput(picture, input('float32', [2, 2]), preprocessing)).toEqual(Float32Array.of(265, 264, 137, 10));
  });

  it('have their own scale and offset in each channel', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 3, scale: [1, 2, 3], offset: [0, 1, 2] };
    const rgb: Pixels = { width: 1, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect(imageToInput(rgb, input('float32', [1, 2, 1, 3]), preprocessing))
      .toEqual(Float32Array.of(1, 5, 11, 4, 11, 20));
  });
});

describe('channels of a picture', () => {
  it('are repeated from gray to RGB', () => {
    expect(imageToInput(gray(2, 1, [7, 9]), input('uint8', [1, 1, 2, 3]))).toEqual(Uint8Array.of(7, 7, 7, 9, 9, 9));
  });

  it('become gray by luma', () => {
    const rgb: Pixels = { width: 3, height: 1, data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255) };
    expect(imageToInput(rgb, input('uint8', [1, 1, 3, 1]))).toEqual(Uint8Array.of(76, 150, 29));
  });

  it('lose transparency over white, as in the ImageData of a canvas', () => {
    const rgba = { width: 3, height: 1, data: Uint8ClampedArray.of(10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 51) };
    expect(imageToInput(rgba, input('uint8', [1, 1, 3, 3])))
      .toEqual(Uint8Array.of(10, 20, 30, 255, 255, 255, 204, 204, 204));
  });
});

describe('the size of a picture', () => {
  it("stays exact when it is the input's", () => {
    const data = Array.from({ length: 35 }, (_, i) => i * 7);
    expect(resizePixels(data, 7, 5, 7, 5, 1)).toEqual(Float32Array.from(data));
  });

  it('grows bilinearly with half-pixel centres', () => {
    expect([...resizePixels([0, 100], 2, 1, 4, 1, 1)]).toEqual([0, 25, 75, 100]);
    expect([...resizePixels([0, 100], 1, 2, 1, 4, 1)]).toEqual([0, 25, 75, 100]);
  });

  it('halves by averaging neighbours', () => {
    expect([...resizePixels([0, 10, 20, 30, 40, 50, 60, 70], 4, 2, 2, 1, 1)]).toEqual([25, 45]);
  });

  it('shrinks a lot by averaging areas, so that no pixel is skipped', () => {
    const stripes = Array.from({ length: 90 }, (_, i) => (i % 2 ? 200 : 100));
    for (const value of resizePixels(stripes, 90, 1, 9, 1, 1)) expect(value).toBeCloseTo(150, 3);
  });

  it.each([[17, 5], [100, 33], [9, 4], [3, 7], [1, 5], [1000, 1]])(
    'keeps an even picture even from %i to %i pixels',
    (from, to) => {
      for (const value of resizePixels(new Uint8Array(from * from * 3).fill(77), from, from, to, to, 3)) {expect(value)
          .toBeCloseTo(77, 2);}
    },
  );

  it('keeps the mean of what it shrinks', () => {
    const data = Array.from({ length: 60 }, (_, i) => (i * 37) % 256);
    const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b) / values.length;
    expect(mean(resizePixels(data, 60, 1, 7, 1, 1))).toBeCloseTo(mean(data), 3);
  });

  it('is stretched to the input', () => {
    expect(imageToInput(gray(1, 4, [0, 0, 255, 255]), input('uint8', [1, 2, 3, 1])))
      .toEqual(Uint8Array.of(0, 0, 0, 255, 255, 255));
  });
});

describe('the shape of an input', () => {
  it.each<[number[], number, number, number]>([[[1, 5, 6, 3], 5, 6, 3], [[5, 6, 1], 5, 6, 1], [[1, 28, 28], 28, 28, 1],
    [[8, 9], 8, 9, 1]])('%j takes a picture', (shape, height, width, channels) => {
      expect(pictureShape(input('int8', shape))).toEqual({ height, width, channels });
    });

  it.each([[[1, 640]], [[2, 8, 8, 3]], [[1, 8, 8, 2]], [[10]], [[2, 3, 4]]])('%j takes none', (shape) => {
    expect(codeOf(() => pictureShape(input('int8', shape)))).toBe('SHAPE_MISMATCH');
  });

  it('that is flat takes a square picture when the preprocessing says that it is one', () => {
    const preprocessing: ImagePreprocessing = { kind: 'image', channels: 1, scale: 1, offset: 0 };
    expect(pictureShape(input('float32', [1, 784]), preprocessing)).toEqual({ height: 28, width: 28, channels: 1 });
    expect(codeOf(() => pictureShape(input('float32', [1, 785]), preprocessing))).toBe('SHAPE_MISMATCH');
  });

  it('must agree with the channels of the preprocessing', () => {
    expect(codeOf(() =>
      pictureShape(input('float32', [1, 8, 8, 3]), { kind: 'image', channels: 1, scale: 1, offset: 0 })
    )).toBe('SHAPE_MISMATCH');
  });
});

describe('what cannot be', () => {
  it('an input of integers', () => {
    expect(codeOf(() => imageToInput(gray(1, 1, [0]), { name: 'x', dtype: 'int32', shape: [1, 1, 1, 1] })))
      .toBe('TYPE_MISMATCH');
  });

  it('a picture with too few bytes, or none', () => {
    expect(codeOf(() => imageToInput(gray(2, 2, [1, 2, 3]), input('uint8', [1, 2, 2, 1])))).toBe('SHAPE_MISMATCH');
    expect(codeOf(() => imageToInput(gray(0, 0, []), input('uint8', [1, 2, 2, 1])))).toBe('BAD_ARGUMENT');
  });

  it.each<[string, unknown]>([['a list', []], ['nothing', null], ['another kind', { kind: 'sound' }], ['two channels', {
    kind: 'image',
    channels: 2,
    scale: 1,
    offset: 0,
  }], ['no scale', { kind: 'image', channels: 1, offset: 0 }], ['text as offset', {
    kind: 'image',
    channels: 1,
    scale: 1,
    offset: '0',
  }], ['too many scales', { kind: 'image', channels: 3, scale: [1, 2], offset: 0 }], ['invert that is no truth', {
    kind: 'image',
    channels: 1,
    scale: 1,
    offset: 0,
    invert: 1,
  }]])('preprocessing with %s', (_, value) => {
    expect(codeOf(() => checkPreprocessing(value))).toBe('BAD_ARGUMENT');
  });
});
