import { encode as encodeBmp } from 'bmp-ts';
import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { KletError } from '../../src/errors';
import { decodeImage, exifOrientation, imageFormat, rotateUpright, type DecodedImage } from '../../src/tasks/image';

/** 3×2: red, green, blue over black, white, gray. */
const rgb = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0], [255, 255, 255], [128, 128, 128]];
const rgbBytes = Uint8Array.from(rgb.flat());

function png(alpha = 255): Uint8Array {
  const image = new PNG({ width: 3, height: 2 });
  image.data = Buffer.from(rgb.flatMap((pixel) => [...pixel, alpha]));
  return PNG.sync.write(image);
}

interface Bitmap {
  bits: number;
  width: number;
  rows: number[][];
  palette?: number[][];
  compression?: number;
  /** Unused bytes between the palette and the pixels. */
  gap?: number;
  topDown?: boolean;
}

/** A bitmap file. Its rows are stored bottom up unless `topDown`, each padded to 4 bytes. */
function bmp({ bits, width, rows, palette = [], compression = 0, gap = 0, topDown = false }: Bitmap): Uint8Array {
  const stored = topDown ? rows : [...rows].reverse();
  const lines = stored.flatMap((row) => [...row, ...Array<number>((4 - (row.length % 4)) % 4).fill(0)]);
  const start = 54 + palette.length * 4 + gap;
  const file = new Uint8Array(start + lines.length);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  view.setUint32(2, file.length, true);
  view.setUint32(10, start, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, topDown ? -rows.length : rows.length, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, bits, true);
  view.setUint32(30, compression, true);
  view.setUint32(46, palette.length, true);
  file.set(palette.flatMap(([r, g, b]) => [b!, g!, r!, 0]), 54);
  file.set(lines, start);
  return file;
}

const bgr = (from: number, to: number): number[] => rgb.slice(from, to).flatMap(([r, g, b]) => [b!, g!, r!]);

function errorOf(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    if (error instanceof KletError) return error;
    throw error;
  }
  throw new Error('expected a KletError');
}

describe('PNG', () => {
  it('decodes to RGBA', () => {
    const { width, height, channels, data } = decodeImage(png(200));
    expect([width, height, channels]).toEqual([3, 2, 4]);
    expect([...data]).toEqual(rgb.flatMap((pixel) => [...pixel, 200]));
  });

  it('reports a truncated file as damaged', () => {
    expect(errorOf(() => decodeImage(png().subarray(0, 60), '"half.png"'))).toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('"half.png" is a damaged PNG image') as string,
    });
  });
});

describe('JPEG', () => {
  const jpeg = (width: number, height: number, value: (x: number, y: number) => number): Uint8Array => {
    const data = Buffer.alloc(width * height * 4, 255);
    for (let i = 0; i < width * height; i++) data.fill(value(i % width, Math.floor(i / width)), i * 4, i * 4 + 3);
    return encodeJpeg({ width, height, data }, 95).data;
  };

  /** Inserts an EXIF block with an orientation after the start-of-image marker. */
  const withOrientation = (file: Uint8Array, orientation: number): Uint8Array => {
    const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0,
      orientation, 0, 0, 0, 0, 0, 0];
    return Uint8Array.from([...file.subarray(0, 2), 0xff, 0xe1, 0, exif.length + 2, ...exif, ...file.subarray(2)]);
  };

  it('decodes to RGB', () => {
    const { width, height, channels, data } = decodeImage(jpeg(16, 8, (x) => (x < 8 ? 20 : 220)));
    expect([width, height, channels, data.length]).toEqual([16, 8, 3, 16 * 8 * 3]);
    expect(data[0]).toBeCloseTo(20, -1);
    expect(data[15 * 3]).toBeCloseTo(220, -1);
  });

  it('is rotated upright by its EXIF orientation', () => {
    const rotated = jpeg(16, 8, (x) => (x < 8 ? 20 : 220));
    const { width, height, data } = decodeImage(withOrientation(rotated, 6));
    expect([width, height]).toEqual([8, 16]);
    expect(data[0]).toBeCloseTo(20, -1);
    expect(data[data.length - 1]).toBeCloseTo(220, -1);
  });

  it('reports a truncated file as damaged', () => {
    expect(errorOf(() => decodeImage(jpeg(8, 8, () => 0).subarray(0, 100))).code).toBe('CORRUPT');
  });
});

describe('EXIF orientations', () => {
  // 2×3 pixels, stored as a b / c d / e f
  const data = Uint8Array.from('abcdef', (c) => c.charCodeAt(0));
  const stored: DecodedImage = { width: 2, height: 3, channels: 1, data };

  const shown: Record<number, string> = {
    1: 'ab/cd/ef',
    2: 'ba/dc/fe',
    3: 'fe/dc/ba',
    4: 'ef/cd/ab',
    5: 'ace/bdf',
    6: 'eca/fdb',
    7: 'fdb/eca',
    8: 'bdf/ace',
    9: 'ab/cd/ef', // not an orientation
  };

  it.each(Object.entries(shown))('orientation %s turns ab/cd/ef into %s', (orientation, expected) => {
    const upright = rotateUpright(stored, Number(orientation));
    const text = String.fromCharCode(...upright.data);
    expect(text.match(new RegExp(`.{${upright.width}}`, 'g'))!.join('/')).toBe(expected);
  });

  it('an EXIF block that is cut off or has no orientation counts as upright', () => {
    expect(exifOrientation(Uint8Array.of(0, 0x49, 0x49, 42, 0, 8))).toBe(1);
    expect(exifOrientation(Uint8Array.of(0, 0x49, 0x49, 42, 0, 255, 0, 0, 0, 0))).toBe(1);
    expect(exifOrientation(Uint8Array.of(0x49, 0x49, 42, 0, 8, 0, 0, 0, 0, 0))).toBe(1);
  });
});

describe('BMP', () => {
  it('decodes 24 bits per pixel', () => {
    expect(decodeImage(bmp({ bits: 24, width: 3, rows: [bgr(0, 3), bgr(3, 6)] }))).toEqual({
      width: 3,
      height: 2,
      channels: 3,
      data: rgbBytes,
    });
  });

  it('decodes rows stored top down', () => {
    expect(decodeImage(bmp({ bits: 24, width: 3, rows: [bgr(0, 3), bgr(3, 6)], topDown: true })).data)
      .toEqual(rgbBytes);
  });

  it('decodes 32 bits per pixel', () => {
    const data = Buffer.from(rgb.flatMap(([r, g, b]) => [255, b!, g!, r!]));
    expect(decodeImage(encodeBmp({ data, width: 3, height: 2, bitPP: 32 }).data).data).toEqual(rgbBytes);
  });

  it('decodes palettes of 4 and 8 bits per pixel', () => {
    expect(decodeImage(bmp({ bits: 8, width: 3, rows: [[0, 1, 2], [3, 4, 5]], palette: rgb })).data).toEqual(rgbBytes);
    expect(decodeImage(bmp({ bits: 4, width: 2, rows: [[0x01], [0x34]], palette: rgb })).data)
      .toEqual(Uint8Array.from([0, 1, 3, 4].flatMap((i) => rgb[i]!)));
  });

  it('reads the pixels at the offset that the header gives', () => {
    expect(decodeImage(bmp({ bits: 8, width: 3, rows: [[0, 1, 2], [3, 4, 5]], palette: rgb, gap: 10 })).data)
      .toEqual(rgbBytes);
  });

  it('refuses the variants that bmp-ts decodes incorrectly', () => {
    expect(errorOf(() => decodeImage(bmp({ bits: 8, width: 3, rows: [[0, 1, 2]], palette: rgb, compression: 1 })))
      .message).toContain('run-length encoded');
    expect(errorOf(() => decodeImage(bmp({ bits: 4, width: 3, rows: [[0x01, 0x20]], palette: rgb }))).message)
      .toContain('odd width');
  });

  it('reports a truncated file as damaged', () => {
    for (const length of [2, 20, 40, 60]) {
      expect(errorOf(() => decodeImage(bmp({ bits: 24, width: 3, rows: [bgr(0, 3), bgr(3, 6)] }).subarray(0, length)))
        .code).toBe('CORRUPT');
    }
  });
});

describe('other files', () => {
  it('are refused with the list of known formats', () => {
    expect(imageFormat(Uint8Array.of(1, 2, 3))).toBeUndefined();
    expect(errorOf(() => decodeImage(Uint8Array.of(1, 2, 3), '"x.gif"'))).toMatchObject({
      code: 'BAD_MAGIC',
      message: '"x.gif" is not an image in PNG, JPEG or BMP format',
    });
  });
});
