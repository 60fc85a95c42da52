import { show } from '../arguments';
import { KletError } from '../errors';
import { checkFields, type Schema } from './fields';
import type { ImagePreprocessing } from './meta';

// How an image becomes the input: the check of META's preprocessing of images. Readers that only
// run the network do without it.

/** A number, or one per channel. */
export const perChannel = (value: unknown): Schema => (Array.isArray(value) ? ['a number'] : 'a number');

export const imageFields = {
  needs: 'kind channels scale offset',
  kind: 'image',
  channels: '1|3',
  scale: perChannel,
  offset: perChannel,
  invert: 'true or false',
  order: 'rgb|bgr',
  layout: 'nhwc|nchw',
  fit: 'stretch|letterbox|crop',
  crop: 'a number above 0 to 1',
  pad: 'a number from 0 to 255',
  resize: 'pil|tf|opencv',
  method: 'nearest|bilinear|bicubic|area',
} satisfies Record<keyof ImagePreprocessing | 'needs', Schema>;

const EXAMPLE = '; example: {"kind":"image","channels":3,"scale":0.00784,"offset":-1} maps bytes 0..255 to -1..1';

/** An error about image preprocessing, with an example. */
export function wrongPreprocessing(problem: string): KletError {
  return new KletError('BAD_ARGUMENT', `preprocessing ${problem}${EXAMPLE}`);
}

/**
 * Checks the image preprocessing of a file or a user.
 *
 * @returns the same object
 * @throws KletError `BAD_ARGUMENT` naming the first invalid property
 */
export function checkPreprocessing(value: unknown): ImagePreprocessing {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongPreprocessing('must be an object');
  }
  const { kind } = value as Record<string, unknown>;
  if (kind === 'audio') {
    throw new KletError(
      'BAD_ARGUMENT',
      'the preprocessing is of the kind "audio": this network takes recordings, not images ' +
        '(in kinglet/audio: audioToInput)',
    );
  }
  if (kind !== 'image') throw wrongPreprocessing(`has the kind ${show(kind)}, expected "image" or "audio"`);
  checkFields(value, imageFields, 'preprocessing', EXAMPLE);
  const { channels, scale, offset, fit, crop, pad, resize, method } = value as unknown as ImagePreprocessing;
  for (const [name, factor] of Object.entries({ scale, offset })) {
    if (Array.isArray(factor) && factor.length !== channels) {
      throw wrongPreprocessing(`has ${factor.length} numbers as ${name} for ${channels} channels`);
    }
  }
  if (crop !== undefined && fit !== 'crop') throw wrongPreprocessing('has crop without "fit":"crop"');
  if (pad !== undefined && fit !== 'letterbox') throw wrongPreprocessing('has pad without "fit":"letterbox"');
  if (method !== undefined && resize === undefined) {
    throw wrongPreprocessing('has a method without resize, which says whose it is');
  }
  if (resize === 'tf' && method === 'bicubic') {
    throw wrongPreprocessing('has bicubic as method, which kinglet lacks for "tf"');
  }
  return value as unknown as ImagePreprocessing;
}
