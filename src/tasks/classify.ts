import type { ClassifyRules } from '../format/task';
import { answer, areParts, checkLabels, outputOf, sigmoid, type TaskModel, type TaskOptions } from './answer';
import { topK, type Ranked } from './labels';
import type { ImageSource } from './pixels';

/** Sums of probabilities may differ from 1 by rounding to 8 bits. */
const TOLERANCE = 0.1;

/**
 * Classifies an image.
 *
 * Probabilities are the outputs themselves, or their softmax if they are logits. An output with a
 * single score is the probability of the second of two classes.
 *
 * @param image as in `imageToInput`
 * @param model a model whose output has a score for each class
 * @param options rules that replace those of the file ("kind": "classify")
 * @returns the best classes, best first: index, label, and probability as `score`, 0..1
 * @throws KletError as `imageToInput` and `predict`; `SHAPE_MISMATCH` if the labels do not fit the
 *   outputs
 * @example
 * ```js
 * const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
 * const [best] = classify(pixels, model, { topK: 3 });
 * console.log(typeof best.label, best.score > 0); // string true
 * ```
 */
export function classify(image: ImageSource, model: TaskModel, options: TaskOptions<'classify'> = {}): Ranked[] {
  const { rules, labels, outputs } = answer('classify', image, model, options);
  const { output, topK: most = 5, threshold = 0, background } = rules;
  const { data } = outputOf(outputs, output, 'scores of classes');
  const scores = probabilities(data, rules.activation);
  const classes = background === undefined ? scores : scores.filter((_, i) => i !== background);
  checkLabels(labels, classes.length);
  return topK(classes, labels, most).filter(({ score }) => score >= threshold);
}

/** The probabilities of the classes. A single score is that of the second of two. */
function probabilities(values: Float32Array, activation?: ClassifyRules['activation']): number[] {
  const list = Array.from(values);
  const isSingle = list.length === 1;
  if ((activation ?? guess(values)) === 'none') return isSingle ? [1 - list[0]!, list[0]!] : list;
  if (isSingle) return [sigmoid(-list[0]!), sigmoid(list[0]!)];
  return activation === 'sigmoid' ? list.map(sigmoid) : softmax(list);
}

/** Logits leave the range of probabilities, or do not add up to 1. */
function guess(values: Float32Array): ClassifyRules['activation'] {
  const sum = values.reduce((a, b) => a + b, 0);
  return areParts(values) && (values.length === 1 || Math.abs(sum - 1) < TOLERANCE) ? 'none' : 'softmax';
}

function softmax(values: readonly number[]): number[] {
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
