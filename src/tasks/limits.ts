import { KletError } from '../errors';

// Files of images and sound are small beside what they decode to, so their sizes are compared with
// a limit first.

/** The largest images and recordings that are decoded. */
export interface MediaLimits {
  /** Pixels of an image (default: 64 Mi). */
  maxPixels?: number;
  /** Samples of a recording, in all channels together (default: 64 Mi). */
  maxSamples?: number;
}

export const MAX_PIXELS = 2 ** 26;
/** The longest side of an image, whatever the limit of pixels. */
const MAX_SIDE = 65536;
export const MAX_SAMPLES = 2 ** 26;

/** @throws KletError `BAD_ARGUMENT` if an image has more pixels than the limit */
export function checkPixels(
  width: number,
  height: number,
  where: string,
  { maxPixels = MAX_PIXELS }: MediaLimits,
): void {
  if (Math.max(width, height) > MAX_SIDE) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} has ${width}×${height} pixels; the sides of an image have at most ${MAX_SIDE}`,
    );
  }
  if (width * height <= maxPixels) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `${where} has ${width}×${height} pixels, more than the limit of ${maxPixels}; make it smaller, or raise the limit `
      + '(kinglet: --max-pixels)',
  );
}

/** @throws KletError `BAD_ARGUMENT` if a recording has more samples than the limit */
export function checkSampleCount(count: number, where: string, { maxSamples = MAX_SAMPLES }: MediaLimits): void {
  if (count <= maxSamples) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `${where} has ${Math.round(count)} samples, more than the limit of ${maxSamples}; cut it, or raise the limit `
      + '(kinglet: --max-sound)',
  );
}
