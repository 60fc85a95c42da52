import type { TensorInfo } from '../format/meta';
import { elementCount } from '../graph/graph';
import { badTarget, type Collector } from './collector';
import { resampled, type Measure, type Outcome } from './measure';
import { areaOf, averagePrecision, curveOf, descending } from './roc';
import type { AnomalyDetails, ExampleInputs, Target } from './types';

/**
 * Answers of a network that reconstructs its input, whose error tells anomalies, or that gives a
 * score itself. The score of an example with several inputs is the mean over them.
 */
export class Anomaly implements Collector {
  private readonly targets: number[] = [];
  private readonly scores: number[] = [];
  private sum = 0;
  private count = 0;

  constructor(private readonly output: TensorInfo, private readonly input: TensorInfo) {}

  observe(outputs: Record<string, Float32Array>, input: ExampleInputs): void {
    const values = outputs[this.output.name]!;
    this.sum += values.length === 1 ? values[0]! : this.reconstructionError(values, input);
    this.count++;
  }

  private reconstructionError(values: Float32Array, input: ExampleInputs): number {
    const array = isArray(input) ? input : input[this.input.name]!;
    const { scale, zeroPoint = 0 } = this.input;
    // an array of the model's own type holds quantized values
    const isRaw = scale !== undefined && (array instanceof Int8Array || array instanceof Uint8Array);
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      const own = Number(array[i]);
      sum += (values[i]! - (isRaw ? scale * (own - zeroPoint) : own)) ** 2;
    }
    return sum / values.length;
  }

  add(_: Record<string, Float32Array>, target: Target): void {
    if (target !== 0 && target !== 1 && typeof target !== 'boolean') {
      throw badTarget('true or 1 for an anomaly, false or 0 for a normal example', target);
    }
    this.targets.push(Number(target));
    this.scores.push(this.sum / this.count);
    this.sum = 0;
    this.count = 0;
  }

  finish(): Outcome {
    const positives = Uint8Array.from(this.targets);
    const scores = Float64Array.from(this.scores);
    const n = scores.length;
    const isSingle = elementCount(this.output.shape) === 1;
    const notes = [
      isSingle
        ? `"${this.output.name}" is the anomaly score`
        : 'the anomaly score is the mean squared difference of the output from the input',
    ];
    const area = areaOf(scores, positives);
    if (!area) {
      const kind = positives[0] ? 'anomalies' : 'normal examples';
      throw badTarget('an anomaly for some examples and not for others', `${n} ${kind}`);
    }
    const order = descending(scores);
    const measures: Measure[] = [{ name: 'rocAuc', value: area.value, influence: area.influence },
      resampled('averagePrecision', (counts) => averagePrecision(scores, positives, order, counts), n, 3 * n)];
    const details: AnomalyDetails = {
      anomalies: positives.reduce((a, b) => a + b, 0),
      roc: curveOf(scores, positives),
      threshold: bestThreshold(scores, positives, order),
    };
    return { task: 'anomaly', examples: n, notes, measures, anomaly: details };
  }
}

function isArray(input: ExampleInputs): input is Exclude<ExampleInputs, Record<string, unknown>> {
  return Array.isArray(input) || ArrayBuffer.isView(input);
}

/** The score from which on examples count as anomalies, with the best F1. */
function bestThreshold(scores: Float64Array, positives: Uint8Array, order: Uint32Array): AnomalyDetails['threshold'] {
  const count = positives.reduce((a, b) => a + b, 0);
  let best = { score: Infinity, precision: 0, recall: 0, f1: 0 };
  let hits = 0;
  order.forEach((example, i) => {
    hits += positives[example]!;
    if (i + 1 < order.length && scores[order[i + 1]!] === scores[example]) return;
    const f1 = 2 * hits / (i + 1 + count);
    if (f1 > best.f1) best = { score: scores[example]!, precision: hits / (i + 1), recall: hits / count, f1 };
  });
  return best;
}
