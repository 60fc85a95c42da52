import { show } from '../arguments';
import { checkFields, type Fields } from '../format/fields';
import type { ImagePreprocessing } from '../format/meta';
import { checkPreprocessing, imageFields, perChannel, wrongPreprocessing } from '../format/preprocessing';

/** What `imagePreprocessing` takes: as in META, but with mean and std as training code has them. */
export interface ImageSettings extends Partial<Omit<ImagePreprocessing, 'kind' | 'scale' | 'offset'>> {
  /** Subtracted from channel values in the given range: one number, or one per channel. */
  mean?: number | readonly number[];
  /** Divides the difference: one number, or one per channel. */
  std?: number | readonly number[];
  /** The largest channel value that mean and std count with: 1 as in torchvision, or 255. */
  range?: 1 | 255;
}

const settingFields: Fields = {
  ...imageFields,
  needs: '',
  scale: 'mean and std',
  offset: 'mean and std',
  mean: perChannel,
  std: perChannel,
  range: '1|255',
};

/**
 * The image preprocessing of a network that was trained with (value − mean) / std.
 *
 * @param settings `range` tells the unit of `mean` and `std`: 1 for channel values of 0..1
 *   (torchvision, timm), 255 for bytes (TensorFlow Lite metadata, Caffe). Without mean and std,
 *   values become 0..range. `channels` is 3 by default. The other properties are those of META
 * @returns the object for `meta.preprocessing`
 * @throws KletError `BAD_ARGUMENT` naming the first invalid setting
 * @example
 * ```js
 * const preprocessing = imagePreprocessing({
 *   range: 1,
 *   mean: [0.485, 0.456, 0.406],
 *   std: [0.229, 0.224, 0.225],
 *   fit: 'crop',
 *   crop: 224 / 256,
 *   resize: 'pil',
 * });
 * console.log(preprocessing.scale.length); // 3
 * ```
 */
export function imagePreprocessing(settings: ImageSettings): ImagePreprocessing {
  const given: unknown = settings;
  if (typeof given !== 'object' || given === null) throw wrongPreprocessing(`must be an object, not ${show(given)}`);
  checkFields(given, settingFields, 'the settings of imagePreprocessing()');
  const { mean = 0, std = 1, range, ...others } = given as unknown as ImageSettings;
  if (range === undefined) {
    throw wrongPreprocessing('needs a range, 1 or 255: the largest value that mean and std count with');
  }
  const listOf = (value: number | readonly number[]): readonly number[] => typeof value === 'number' ? [value] : value;
  const means = listOf(mean);
  const stds = listOf(std);
  if (stds.includes(0)) throw wrongPreprocessing('needs a std other than 0');
  const unit = range / 255;
  const list = Array.from({ length: Math.max(means.length, stds.length) }, (_, i) => {
    const divisor = stds[stds.length === 1 ? 0 : i]!;
    return { scale: unit / divisor, offset: 0 - means[means.length === 1 ? 0 : i]! / divisor };
  });
  const flat = (values: number[]): number | number[] => (values.length === 1 ? values[0]! : values);
  return checkPreprocessing({
    channels: 3,
    ...others,
    kind: 'image',
    scale: flat(list.map(({ scale }) => scale)),
    offset: flat(list.map(({ offset }) => offset)),
  });
}
