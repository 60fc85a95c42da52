import { checkObject } from '../arguments';
import { wrongOutputs } from '../decoding/outputs';
import { isNear } from '../format/known';
import { taskOf, type TaskModel } from './answer';

/**
 * Whether an input is known to a network that `withClassifier` of `kinglet/learn/file` made. Use it
 * with streams of sound or of sensors; `classify` does the same for images.
 *
 * @param answer what `predict` of the model or of one of its streams returned
 * @param model the model
 * @returns true if the file has no rules for unknown inputs
 * @throws KletError `BAD_ARGUMENT` for wrong rules, `SHAPE_MISMATCH` if the answer does not fit
 *   them
 * @example
 * ```js
 * import { isKnown } from 'kinglet/tasks';
 *
 * const model = await load('models/digits/digits.klet');
 * console.log(isKnown(model.predict(new Float32Array(784)), model)); // true
 * ```
 */
export function isKnown(answer: Readonly<Record<string, ArrayLike<number>>>, model: TaskModel): boolean {
  const task = taskOf(model, 'isKnown');
  if (task?.kind !== 'classify' || !task.known) return true;
  const { output, mean } = task.known;
  checkObject(answer, 'the answer that isKnown() takes');
  const embedding = answer[output];
  if (embedding?.length === mean.length) return isNear(task.known, embedding);
  throw wrongOutputs(model.outputs, `an answer of predict(), with ${mean.length} numbers in "${output}"`);
}
