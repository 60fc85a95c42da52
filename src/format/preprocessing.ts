import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';
import { checkFields, choice, field, flag, isNumber, numberIn, required, type Fields } from './fields';
import type { ImagePreprocessing } from './meta';

// How an image becomes the input: the check of META's preprocessing of images. Readers that only
// run the network do without it.

/** A number, or one per channel. */
export const perChannel = field(
  'a number, or one per channel,',
  (value) => isNumber(value) || (isArrayOf(value, isNumber) && value.length > 0),
);

export const imageFields = {
  kind: choice('image'),
  channels: required(field('1 or 3', (value) => value === 1 || value === 3)),
  scale: required(perChannel),
  offset: required(perChannel),
  invert: flag,
  order: choice('rgb', 'bgr'),
  layout: choice('nhwc', 'nchw'),
  fit: choice('stretch', 'letterbox', 'crop'),
  crop: field('a part above 0, up to 1,', (value) => isNumber(value) && value > 0 && value <= 1),
  pad: numberIn(0, 255),
  resize: choice('pil', 'tf', 'opencv'),
  method: choice('nearest', 'bilinear', 'bicubic', 'area'),
} satisfies Record<keyof ImagePreprocessing, unknown> & Fields;

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
