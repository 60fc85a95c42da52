import type { Command } from 'commander';
import { unzipSync } from 'fflate';
import { KletError } from '../index';
import { MAX_PIXELS, MAX_SAMPLES, type MediaLimits } from '../tasks/limits';
import { byteCount, largeNumber } from './args';
import { bytesText } from './text';

// Files of strangers may decode to gigabytes, so their sizes are looked at first.

/** The largest files that commands decode, and the options that set them. */
export interface Limits extends MediaLimits {
  /** Bytes of an unpacked archive (default: 256 MiB or 20 times its size). */
  maxUnpacked?: number;
}

const UNPACKED = 2 ** 28;
const UNPACKED_FACTOR = 20;

export function addMediaOptions(command: Command): void {
  command.option('--max-pixels <n>', `refuse images of more pixels (100M; default: ${MAX_PIXELS})`, largeNumber);
  command.option(
    '--max-sound <n>',
    `refuse recordings of more samples, in all channels together (default: ${MAX_SAMPLES})`,
    largeNumber,
  );
  command.option(
    '--max-unpacked <bytes>',
    'refuse .npz archives that unpack to more (1G; default: 256 MiB, or 20 times the file)',
    byteCount,
  );
}

/** The limits among the options of a command. */
export function mediaLimitsOf({ maxPixels, maxSound, maxUnpacked }: MediaOptions): Limits {
  return {
    ...(maxPixels !== undefined && { maxPixels }),
    ...(maxSound !== undefined && { maxSamples: maxSound }),
    ...(maxUnpacked !== undefined && { maxUnpacked }),
  };
}

export interface MediaOptions {
  maxPixels?: number;
  maxSound?: number;
  maxUnpacked?: number;
}

/**
 * Unpacks the arrays of an `.npz` archive.
 *
 * @throws KletError `CORRUPT`, or `BAD_ARGUMENT` if they take more bytes than the limit
 */
export function unpackArrays(archive: Uint8Array, path: string, { maxUnpacked }: Limits): Map<string, Uint8Array> {
  const limit = maxUnpacked ?? Math.max(UNPACKED, UNPACKED_FACTOR * archive.length);
  const extension = '.npy';
  let total = 0;
  try {
    const members = unzipSync(archive, {
      filter: ({ name, originalSize }) => {
        if (!name.endsWith(extension)) return false;
        total += originalSize;
        if (total <= limit) return true;
        throw new KletError(
          'BAD_ARGUMENT',
          `"${path}" of ${bytesText(archive.length)} unpacks to ${bytesText(total)} or more, above the limit of `
            + `${bytesText(limit)}; raise it with --max-unpacked`,
        );
      },
    });
    return new Map(Object.entries(members).map(([name, bytes]) => [name.slice(0, -extension.length), bytes]));
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('CORRUPT', `"${path}" is no .npz archive: ${(cause as Error).message}`, { cause });
  }
}
