import { activationOf } from '../decoding/scores';
import type { TensorInfo } from '../format/meta';
import type { Activation, ClassifyRules } from '../format/task';
import { calibrationBins, errorOf } from './calibration';
import { averagesOf, confusionOf, countClasses, reportsOf, type ClassAverages } from './classReport';
import { averageOf, proportionOf, resampled, type Counts, type Measure, type Outcome } from './measure';
import { probabilitiesOf, smallestProbability } from './probabilities';
import { areaOf, curveOf, descending } from './roc';
import type { ClassReport, Mistake, Target } from './types';
import { badTarget, type Collector } from './collector';

const TOP = 5;
const MISTAKES = 20;
const averages: readonly (keyof ClassAverages)[] = ['macroPrecision', 'macroRecall', 'macroF1', 'weightedF1'];

/** Answers of a classifier: scores of classes, one score for two classes, or the class itself. */
export class Classification implements Collector {
  private readonly targets: number[] = [];
  private readonly scores: Float32Array[] = [];
  private readonly isIndex: boolean;

  /** Number of classes that have a score. */
  private readonly count: number;

  constructor(private readonly output: TensorInfo, scores: number, private readonly rules: Partial<ClassifyRules>) {
    this.count = scores - Number(rules.background !== undefined);
    this.isIndex = scores === 1 && (output.dtype === 'int32' || output.dtype === 'int64');
  }

  add(outputs: Record<string, Float32Array>, target: Target): void {
    const classes = this.isIndex ? Infinity : Math.max(2, this.count);
    const index = typeof target === 'boolean' ? Number(target) : target;
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= classes) {
      const range = classes === Infinity ? 'from 0' : `from 0 to ${classes - 1}`;
      throw badTarget(`the number of a class ${range}, as output "${this.output.name}" has them`, target);
    }
    this.targets.push(index);
    this.scores.push(outputs[this.output.name]!.slice());
  }

  finish(): Outcome {
    const targets = Int32Array.from(this.targets);
    if (this.isIndex) {
      return this.outcome(targets, Int32Array.from(this.scores, ([value]) => value!));
    }
    const { activation = activationOf(this.scores), background } = this.rules;
    const probabilities = this.scores.map((scores) => probabilitiesOf(scores, activation, background));
    const chosen = Int32Array.from(probabilities, bestOf);
    const outcome = this.outcome(targets, chosen);
    outcome.notes.push(this.note(activation));
    const missing = this.scores.filter((scores) => scores.some((value) => Number.isNaN(value))).length;
    if (missing > 0) outcome.notes.push(`${missing} examples have outputs that are not numbers; they count as wrong`);
    this.addScores(outcome, targets, probabilities);
    return outcome;
  }

  /** How scores became probabilities. */
  private note(activation: Activation): string {
    const { output: { name }, count, rules } = this;
    if (activation === 'none') return `"${name}" has probabilities`;
    const act = activation === 'sigmoid' || count === 1 ? 'a sigmoid' : 'a softmax';
    if (rules.activation) return `${act} makes probabilities of "${name}", as the task in the file says`;
    return `"${name}" has logits, because its values are not all between 0 and 1 with the sum 1; ${act} makes them `
      + 'probabilities';
  }

  /** What follows from the chosen classes alone. */
  private outcome(targets: Int32Array, chosen: Int32Array): Outcome & { right: Uint8Array; chosen: Int32Array } {
    const n = targets.length;
    const right = Uint8Array.from(targets, (target, i) => Number(target === chosen[i]));
    const once = new Uint32Array(n).fill(1);
    const classes = reportsOf(countClasses(targets, chosen, once));
    const measures: Measure[] = [proportionOf('accuracy', right),
      ...averages.map((name) =>
        resampled(name, (counts) => averagesOf(countClasses(targets, chosen, counts))[name], n, 4 * n)
      )];
    const details = { classes, confusion: confusionOf(targets, chosen, classes), mistakes: [] };
    return { task: 'classify', examples: n, notes: [], measures, right, chosen, classification: details };
  }

  /** What follows from probabilities. */
  private addScores(
    outcome: Outcome & { right: Uint8Array; chosen: Int32Array },
    targets: Int32Array,
    probabilities: readonly Float64Array[],
  ): void {
    const { measures, right, chosen } = outcome;
    const details = outcome.classification!;
    const n = targets.length;
    const confidences = Float64Array.from(probabilities, (p, i) => p[chosen[i]!] ?? 0);
    const smallest = smallestProbability(this.output.scale);
    if (this.count > TOP) {
      const hits = Uint8Array.from(targets, (target, i) => Number(rankOf(probabilities[i]!, target) < TOP));
      measures.splice(1, 0, proportionOf('top5', hits));
    }
    const area = averageArea(targets, probabilities, details.classes);
    if (area) measures.push({ name: 'rocAuc', ...area });
    measures
      .push(averageOf(
        'logLoss',
        Float64Array.from(targets, (target, i) => -Math.log(Math.max(smallest, probabilities[i]![target]!))),
      ));
    measures.push(resampled('calibrationError', (counts: Counts) => errorOf(confidences, right, counts), n, 2 * n));
    details.calibration = calibrationBins(confidences, right);
    details.mistakes = mistakesOf(targets, chosen, confidences);
    if (probabilities[0]!.length === 2 && area) {
      details.roc = curveOf(Float64Array.from(probabilities, (p) => p[1]!), Uint8Array.from(targets));
    }
  }
}

/** The first index of the largest value; −1 if all are 0. */
export function bestOf(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (values[i]! > (best < 0 ? 0 : values[best]!)) best = i;
  return best;
}

/** The number of classes that come before a class. */
function rankOf(values: Float64Array, index: number): number {
  const own = values[index]!;
  if (own === 0 && values.every((value) => value === 0)) return Infinity;
  return values.reduce((rank, value, i) => rank + Number(value > own || (value === own && i < index)), 0);
}

/**
 * The ROC AUC: of class 1 with two classes, otherwise the mean of the areas of each class against
 * all others. Adds the areas to the reports.
 */
function averageArea(
  targets: Int32Array,
  probabilities: readonly Float64Array[],
  classes: readonly ClassReport[],
): { value: number; influence: Float64Array | undefined } | undefined {
  const isBinary = probabilities[0]!.length === 2;
  const areas = classes.flatMap((report) => {
    const area = areaOf(
      Float64Array.from(probabilities, (p) => p[report.index]!),
      Uint8Array.from(targets, (target) => Number(target === report.index)),
    );
    if (!area) return [];
    report.rocAuc = area.value;
    return isBinary && report.index === 0 ? [] : [area];
  });
  if (areas.length === 0) return undefined;
  const influences = areas.flatMap(({ influence }) => (influence ? [influence] : []));
  const isComplete = influences.length === areas.length;
  const mean = (i: number): number => influences.reduce((sum, influence) => sum + influence[i]!, 0) / areas.length;
  return {
    value: areas.reduce((sum, { value }) => sum + value, 0) / areas.length,
    influence: isComplete ? Float64Array.from(targets, (_, i) => mean(i)) : undefined,
  };
}

function mistakesOf(targets: Int32Array, chosen: Int32Array, confidences: Float64Array): Mistake[] {
  return [...descending(confidences)].filter((i) => targets[i] !== chosen[i]).slice(0, MISTAKES).map((example) => ({
    example,
    target: targets[example]!,
    predicted: chosen[example]!,
    confidence: confidences[example]!,
  }));
}
