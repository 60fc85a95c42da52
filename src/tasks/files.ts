import { readFileSync } from 'node:fs';
import { KletError, messageOf } from '../errors';
import { decodeImage } from './image';
import type { Pixels } from './pixels';

// Files of images in Node. Bundles for pages have files.page.ts in its place.

/** An image file: its path or URL (`file:`), or its bytes. */
export type ImageFile = string | URL | Uint8Array;

/**
 * Reads a PNG, JPEG or BMP file.
 *
 * @throws KletError `FETCH_FAILED` if it cannot be read, else as `decodeImage`
 */
export function readFile(file: ImageFile): Pixels {
  if (file instanceof Uint8Array) return decodeImage(file);
  try {
    return decodeImage(readFileSync(file), `"${String(file)}"`);
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('FETCH_FAILED', `cannot read the image "${String(file)}": ${messageOf(cause)}`, { cause });
  }
}
