import { inflateSync } from 'node:zlib';
import { KletError } from '../errors';
import { checkPixels, type MediaLimits } from './limits';

// PNG files are checked before a library decodes them (PNG specification, third edition).

const SIGNATURE = 8;
/** The chunks that decide on the pixels. Others may hold compressed data of any size. */
const CRITICAL = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'];
/** Samples of a pixel by color type. */
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Deflate makes at most 1032 bytes of one (zlib.net/zlib_tech.html). */
const LARGEST_FACTOR = 1032;

/**
 * Checks the size of a PNG image, and that its data inflate to no more than its pixels take.
 *
 * @param isBounded whether the decoder inflates no more than the pixels of images that are not
 *   interlaced
 * @returns the file without the chunks that do not change pixels
 * @throws KletError `BAD_ARGUMENT` if it has more pixels than the limit, `CORRUPT`
 */
export function checkedPng(file: Uint8Array, where: string, limits: MediaLimits, isBounded: boolean): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const corrupt = (what: string): KletError =>
    new KletError('CORRUPT', `${where} is a damaged PNG image: ${what}; save or download it again`);
  const chunks = [file.subarray(0, SIGNATURE)];
  const data: Uint8Array[] = [];
  let expected: number | undefined;
  let isInterlaced = false;
  for (let at = SIGNATURE; at + 8 <= file.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const end = Math.min(file.length, at + 12 + length);
    if (type === 'IHDR') {
      if (expected !== undefined) throw corrupt('it has two headers');
      if (length !== 13 || end > file.length) throw corrupt(`its header has ${length} bytes, not 13`);
      const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      checkPixels(width, height, where, limits);
      const bits = file[at + 16]! * (SAMPLES[file[at + 17]!] ?? 4);
      isInterlaced = file[at + 20] !== 0;
      // each line begins with a byte for its filter; an interlaced image has up to 7 parts
      const lines = isInterlaced ? 2 * height + 8 : height;
      expected = lines * (1 + Math.ceil(width * bits / 8));
    }
    if (type === 'IDAT') data.push(file.subarray(at + 8, Math.max(at + 8, end - 4)));
    if (CRITICAL.includes(type)) chunks.push(file.subarray(at, end));
    at = end;
  }
  if (expected === undefined) throw corrupt('it has no header');
  const deflated = Buffer.concat(data);
  if (deflated.length * LARGEST_FACTOR < expected / 4) {
    throw corrupt(`its ${deflated.length} bytes of data cannot hold the pixels that it claims`);
  }
  const kept = Buffer.concat(chunks);
  if (isBounded && !isInterlaced) return kept;
  try {
    inflateSync(deflated, { maxOutputLength: expected + 1 });
  } catch (cause) {
    // the decoder reports other damage
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return kept;
    throw corrupt(`its data inflate to more than the ${expected} bytes of its pixels`);
  }
  return kept;
}
