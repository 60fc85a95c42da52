import { valuesOf } from '../decoding/values';
import { answer, type TaskModel, type TaskOptions } from './answer';
import type { ImageSource } from './pixels';

/** A number that a network estimates. */
export interface Estimate {
  name: string;
  value: number;
  unit?: string;
  /** The range in which the network was trained. The value is not clipped to it. */
  min?: number;
  max?: number;
  isInRange: boolean;
}

/**
 * Estimates numbers from an image, with the names, units and ranges that the file gives them.
 *
 * @param image as in `imageToInput`
 * @param options rules that replace those of the file ("kind": "regress")
 * @returns a value for each entry of `values`; without them one for each number of the output
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if an output lacks an index
 */
export function regress(image: ImageSource, model: TaskModel, options: TaskOptions<'regress'> = {}): Estimate[] {
  const { rules, outputs } = answer('regress', image, model, options);
  return valuesOf(rules, outputs).map(({ entry, value }) => {
    const { min = -Infinity, max = Infinity } = entry;
    return { ...entry, value, isInRange: value >= min && value <= max };
  });
}
