import { checkLabels } from '../decoding/labels';
import { noBackground, outputOf, type Output } from '../decoding/outputs';
import { activationOf, classScores } from '../decoding/scores';
import { isNear, type KnownRules } from '../format/known';
import { answer, type TaskModel, type TaskOptions } from './answer';
import { topK, type Ranked } from './labels';
import type { ImageSource } from './pixels';

/**
 * Classifies an image.
 *
 * Probabilities are the outputs themselves, or their softmax if they are logits. An output with a
 * single score is the probability of the second of two classes.
 *
 * @param image as in `imageToInput`
 * @param model a model whose output has a score for each class
 * @param options rules that replace those of the file ("kind": "classify")
 * @returns the best classes, best first: index, label, and probability as `score`, 0..1; none if
 *   the rules say that the image is unknown
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
  const { output, topK: most = 5, threshold = 0, background, known } = rules;
  if (known && !isNear(known, embeddingOf(outputs, known))) return [];
  const { data } = outputOf(outputs, output, 'scores of classes');
  if (background !== undefined && background >= data.length) throw noBackground(outputs, background);
  const scores = classScores(data, rules.activation ?? activationOf([data]), background);
  checkLabels(labels, scores.length);
  return topK(scores, labels, most).filter(({ score }) => score >= threshold);
}

/** @throws KletError `SHAPE_MISMATCH` unless the output has as many numbers as the rules */
function embeddingOf(outputs: readonly Output[], { output, mean }: KnownRules): Float32Array {
  const wanted = `an embedding of ${mean.length} numbers in "${output}"`;
  return outputOf(outputs, output, wanted, ({ data }) => data.length === mean.length).data;
}
