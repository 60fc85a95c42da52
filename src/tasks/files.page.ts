import { describeValue, KletError } from '../errors';
import type { Pixels } from './pixels';

// Pages decode images themselves, every format that the browser has.

export type { ImageFile } from './files';

/** @throws KletError `TYPE_MISMATCH` */
export function readFile(file: unknown): Pixels {
  throw new KletError(
    'TYPE_MISMATCH',
    `an image here is what a canvas draws, or ImageData, not ${describeValue(file)}: ` +
      'await createImageBitmap(blob), with new Blob([bytes]) or the blob() of a Response',
  );
}
