import { unzipSync } from 'fflate';
import { KletError } from '../../errors';

/** The largest that an archive may become: weights hardly shrink in a ZIP file. */
const LARGEST_FACTOR = 16;
const SMALL = 2 ** 28;

/** The names of the files in a ZIP archive; undefined if its directory cannot be read. */
export function archiveNames(bytes: Uint8Array): string[] | undefined {
  const names: string[] = [];
  try {
    unzipSync(bytes, {
      filter: ({ name }) => {
        names.push(name);
        return false;
      },
    });
    return names;
  } catch {
    return undefined;
  }
}

/**
 * Unpacks files of a ZIP archive.
 *
 * @throws {KletError} `CORRUPT` if the archive is cut, or becomes much larger than weights can
 */
export function unpack(bytes: Uint8Array, wanted: readonly string[]): Map<string, Uint8Array> {
  const limit = SMALL + LARGEST_FACTOR * bytes.length;
  let total = 0;
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!wanted.includes(name)) return false;
        total += originalSize;
        if (total > limit) {
          throw new KletError('CORRUPT', `the archive of ${bytes.length} bytes unpacks to more than ${limit}`);
        }
        return true;
      },
    });
    return new Map(Object.entries(files));
  } catch (error) {
    if (error instanceof KletError) throw error;
    throw new KletError('CORRUPT', `the ZIP archive is cut or damaged (${(error as Error).message})`, { cause: error });
  }
}
