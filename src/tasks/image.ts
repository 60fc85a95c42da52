import { decode as decodeBmpFile } from 'bmp-ts';
import { decode as decodeJpegFile } from 'jpeg-js';
import { PNG } from 'pngjs';
import { KletError, messageOf } from '../errors';
import { checkPixels, MAX_PIXELS, type MediaLimits } from './limits';
import type { Pixels } from './pixels';
import { checkedPng } from './png';

// Decoders for the command line and other tools. Browsers have their own.

export type { Pixels } from './pixels';

/** A decoded image. */
export type DecodedImage = Required<Pixels>;

export type ImageFormat = 'PNG' | 'JPEG' | 'BMP';

/** The first bytes of a file in each format. */
const MAGICS: Record<ImageFormat, number[]> = {
  PNG: [0x89, 0x50, 0x4e, 0x47],
  JPEG: [0xff, 0xd8, 0xff],
  BMP: [0x42, 0x4d],
};

/** Formats that pages decode and this file does not. */
const OTHERS: Record<string, RegExp> = {
  'a WebP image': /^RIFF[^]{4}WEBP/,
  'a GIF image': /^GIF8[79]a/,
  'an AVIF image': /^[^]{4}ftypavi[fs]/,
  'a HEIC image': /^[^]{4}ftyp(hei[cxms]|mif1)/,
  'a TIFF image': /^(II\*\0|MM\0\*)/,
};

/** @returns the format that the first bytes of a file indicate */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const formats = Object.keys(MAGICS) as ImageFormat[];
  return formats.find((format) => MAGICS[format].every((byte, i) => bytes[i] === byte));
}

/**
 * Decodes a PNG, JPEG or BMP file. Photographs are rotated upright by their EXIF orientation.
 *
 * @param where the file's name in error messages
 * @param limits the largest image that is decoded
 * @returns [height][width][channels] bytes: RGBA for PNG, RGB for JPEG and BMP
 * @throws KletError `BAD_MAGIC` if the file has another format, `CORRUPT` if it cannot be decoded,
 *   `BAD_ARGUMENT` if it is larger than the limit
 */
export function decodeImage(bytes: Uint8Array, where = 'the image', limits: MediaLimits = {}): DecodedImage {
  const format = imageFormat(bytes);
  if (!format) {
    const other = Object.keys(OTHERS).find((name) => OTHERS[name]!.test(String.fromCharCode(...bytes.subarray(0, 16))));
    throw new KletError(
      'BAD_MAGIC',
      other
        ? `${where} is ${other}; kinglet reads PNG, JPEG and BMP: save it as one of these, or in a page pass `
          + 'await createImageBitmap(blob)'
        : `${where} is not an image in PNG, JPEG or BMP format`,
    );
  }
  try {
    return { PNG: decodePng, JPEG: decodeJpeg, BMP: decodeBmp }[format](bytes, where, limits);
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError(
      'CORRUPT',
      `${where} is a damaged ${format} image, probably cut off; save or download it again (the decoder says: ${
        messageOf(cause)
      })`,
      { cause },
    );
  }
}

function decodePng(bytes: Uint8Array, where: string, limits: MediaLimits): DecodedImage {
  const { width, height, data } = PNG.sync.read(Buffer.from(checkedPng(bytes, where, limits, true)));
  return { width, height, channels: 4, data };
}

/** Memory that the decoder of JPEG may take: bytes for each pixel of the limit, and least MiB. */
const JPEG_BYTES = 8;
const MIN_JPEG_MEMORY = 16;
/** Most pixels of a byte, with room for files that are cut. */
const BASELINE_PIXELS = 1024;

function decodeJpeg(bytes: Uint8Array, where: string, limits: MediaLimits): DecodedImage {
  const size = jpegSize(bytes);
  if (size) {
    const { width, height, isBaseline } = size;
    checkPixels(width, height, where, limits);
    // a block of 8×8 pixels takes two bits at least, unless the file is progressive
    if (isBaseline && bytes.length < width * height / BASELINE_PIXELS) {
      throw new Error(`its ${bytes.length} bytes cannot hold ${width}×${height} pixels`);
    }
  }
  const { maxPixels = MAX_PIXELS } = limits;
  const decoded = decodeJpegFile(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    maxResolutionInMP: maxPixels / 1e6,
    maxMemoryUsageInMB: Math.max(MIN_JPEG_MEMORY, JPEG_BYTES * maxPixels / 2 ** 20),
  });
  const { width, height, data, exifBuffer } = decoded as typeof decoded & { exifBuffer?: Uint8Array };
  return rotateUpright({ width, height, channels: 3, data }, exifBuffer ? exifOrientation(exifBuffer) : 1);
}

/** The size in the first frame header of a JPEG file (ITU-T T.81, B.2.2). */
function jpegSize(bytes: Uint8Array): { width: number; height: number; isBaseline: boolean } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1]!;
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), isBaseline: marker <= 0xc1 };
    } else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function decodeBmp(file: Uint8Array, where: string, limits: MediaLimits): DecodedImage {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = view.getUint32(10, true);
  const header = view.getUint32(14, true);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const colors = view.getUint32(46, true);
  const [columns, rows] = [view.getInt32(18, true), Math.abs(view.getInt32(22, true))];
  if (columns <= 0 || rows === 0) throw new Error(`it has ${columns}×${rows} pixels`);
  checkPixels(columns, rows, where, limits);
  // bmp-ts decodes these two variants incorrectly
  if (compression === 1 || compression === 2) {
    throw new Error('it is run-length encoded; save it uncompressed, or as PNG');
  }
  if (bits === 4 && view.getUint32(18, true) % 2 === 1) {
    throw new Error('it has 4 bits per pixel and an odd width; save it as PNG');
  }
  const size = Math.ceil(columns * bits / 32) * 4 * rows;
  if (start + size > file.length) throw new Error(`its ${file.length} bytes do not hold ${columns}×${rows} pixels`);
  // bmp-ts expects the pixels directly after the header and palette
  const masks = header === 40 ? { 3: 12, 6: 16 }[compression] ?? 0 : 0;
  const palette = 4 * (colors || (bits <= 8 ? 1 << bits : 0));
  const end = 14 + header + masks + palette;
  const bytes = start > end ? Buffer.concat([file.subarray(0, end), file.subarray(start)]) : Buffer.from(file);
  const { width, height, data: abgr } = decodeBmpFile(bytes);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    data[i * 3] = abgr[i * 4 + 3]!;
    data[i * 3 + 1] = abgr[i * 4 + 2]!;
    data[i * 3 + 2] = abgr[i * 4 + 1]!;
  }
  return { width, height, channels: 3, data };
}

/**
 * Reads the orientation tag (0x0112) from the first directory of an EXIF block (EXIF 2.3, 4.6.4).
 *
 * @returns 1..8; 1, which is upright, also if the tag is missing or the block is cut off
 */
export function exifOrientation(exif: Uint8Array): number {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  // jpeg-js leaves a zero byte before the TIFF header
  const tiff = exif[0] === 0 ? 1 : 0;
  if (exif.length < tiff + 8) return 1;
  const little = exif[tiff] === 0x49;
  const directory = tiff + view.getUint32(tiff + 4, little);
  if (directory + 2 > exif.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let at = directory + 2; at + 12 <= exif.length && at < directory + 2 + entries * 12; at += 12) {
    if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little);
  }
  return 1;
}

/**
 * Undoes an EXIF orientation. 2..8 are the mirrored and rotated forms; other values are upright.
 */
export function rotateUpright(image: DecodedImage, orientation: number): DecodedImage {
  if (!(orientation >= 2 && orientation <= 8)) return image;
  const { width, height, channels, data } = image;
  const swapped = orientation >= 5;
  const newWidth = swapped ? height : width;
  const newHeight = swapped ? width : height;
  const out = new Uint8Array(data.length);
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  for (let y = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++) {
      const u = swapped ? y : x;
      const v = swapped ? x : y;
      const from = ((flipY ? height - 1 - v : v) * width + (flipX ? width - 1 - u : u)) * channels;
      for (let c = 0; c < channels; c++) out[(y * newWidth + x) * channels + c] = data[from + c]!;
    }
  }
  return { width: newWidth, height: newHeight, channels, data: out };
}
