import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import { count, countScores, countValue, emptyInput, emptySnapshot, rangeOf, valueBin, type Snapshot,
  type ValueRange } from '../format/snapshot';
import type { Inputs } from '../runtime/types';
import { durationBin } from './counts';
import { drift, type Drift } from './drift';

/** A model of any entry of kinglet. */
export interface WatchedModel {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Its `reference` is what the samples of the calibration were like. */
  readonly meta?: Readonly<Record<string, unknown>>;
  predict(inputs: Inputs): Float32Array & Record<string, Float32Array>;
}

/** Values of an input that are looked at in one prediction. */
const SAMPLE = 256;

/**
 * Watches the predictions of a model: durations, answers and statistics of the inputs. No input or
 * output is kept.
 *
 * @example
 * ```js
 * import { report, watch } from 'kinglet/monitor';
 *
 * const monitor = watch(model);
 * monitor.predict(new Float32Array(784));
 * console.log(report(monitor.snapshot()).predictions); // 1
 * ```
 */
export class Monitor {
  private seen = emptySnapshot();
  private readonly ranges: Map<string, ValueRange | undefined>;

  constructor(private readonly model: WatchedModel) {
    this.ranges = new Map(model.inputs.map((input) => [input.name, rangeOf(input)]));
  }

  /**
   * Runs the model, and counts duration, inputs and the first output. A call that throws is not
   * counted.
   *
   * @throws KletError as `predict` of the model
   */
  predict(inputs: Inputs): Float32Array & Record<string, Float32Array> {
    const start = performance.now();
    const answer = this.model.predict(inputs);
    const milliseconds = performance.now() - start;
    const [first] = this.model.outputs;
    this.observe(inputs, this.model.outputs.length === 1 ? answer : answer[first!.name]!, milliseconds);
    return answer;
  }

  /**
   * Counts a prediction that was made elsewhere, such as by `predictInto`.
   *
   * @param scores real numbers; the highest is the class, and the confidence if all are from 0 to 1
   */
  observe(inputs: Inputs, scores: ArrayLike<number>, milliseconds: number): void {
    const { seen, model } = this;
    seen.predictions++;
    seen.milliseconds += milliseconds;
    count(seen.latency, durationBin(milliseconds));
    countScores(seen, scores);
    const isOne = Array.isArray(inputs) || ArrayBuffer.isView(inputs);
    for (const info of model.inputs) {
      const values = isOne ? inputs : (inputs as Record<string, ArrayLike<number | bigint>>)[info.name];
      if (values) this.look(info, values as ArrayLike<number>);
    }
  }

  /** What was seen so far, as a copy. */
  snapshot(): Snapshot {
    return structuredClone(this.seen);
  }

  /** What was seen since the last `take`, which is then forgotten: a window for alarms. */
  take(): Snapshot {
    const { seen } = this;
    this.seen = emptySnapshot();
    return seen;
  }

  /**
   * How far a snapshot is from the samples of the calibration, which `quantize` counted and
   * `compile` stored in the file.
   *
   * @param snapshot default: what was seen so far
   * @throws KletError `BAD_ARGUMENT` if the file has no such counts, or others
   */
  drift(snapshot: Snapshot = this.seen): Drift {
    const { reference } = this.model.meta ?? {};
    if ((reference as Partial<Snapshot> | undefined)?.version === 1) return drift(reference as Snapshot, snapshot);
    throw new KletError(
      'BAD_ARGUMENT',
      'the file has no reference to compare with; quantize() of this version writes one, or call drift() with a ' +
        'snapshot of a time when all was well',
    );
  }

  /** Looks at evenly spaced values, at other places each time. */
  private look(info: TensorInfo, values: ArrayLike<number>): void {
    const statistics = this.seen.inputs[info.name] ??= emptyInput();
    const range = this.ranges.get(info.name);
    const isRaw = info.scale !== undefined &&
      !(values instanceof Float32Array || values instanceof Float64Array || Array.isArray(values));
    const stride = Math.max(1, Math.ceil(values.length / SAMPLE));
    let sum = 0;
    let n = 0;
    for (let i = this.seen.predictions % stride; i < values.length; i += stride) {
      const x = isRaw ? info.scale! * (Number(values[i]) - info.zeroPoint!) : Number(values[i]);
      if (!Number.isFinite(x)) continue;
      n++;
      sum += x;
      countValue(statistics, x, range);
    }
    if (n > 0) count(statistics.means, valueBin(sum / n, range));
  }
}

/**
 * Starts to watch a model. Call `predict` of the result in place of the model's.
 *
 * @throws KletError `BAD_ARGUMENT` if it is no loaded model
 */
export function watch(model: WatchedModel): Monitor {
  if (typeof (model as Partial<WatchedModel> | undefined)?.predict !== 'function') {
    throw new KletError('BAD_ARGUMENT', 'watch() takes a loaded model');
  }
  return new Monitor(model);
}
