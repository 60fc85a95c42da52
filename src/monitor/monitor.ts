import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';
import type { Inputs } from '../runtime/types';
import { count, durationBin, valueBin } from './counts';
import { emptyInput, emptySnapshot, type InputStatistics, type Snapshot } from './snapshot';

/** A model of any entry of kinglet. */
export interface WatchedModel {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  predict(inputs: Inputs): Float32Array & Record<string, Float32Array>;
}

/** Values of an input that are looked at in one prediction. */
const SAMPLE = 256;
const CONFIDENCE_BINS = 20;

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
  private readonly ranges: Map<string, readonly [min: number, max: number] | undefined>;

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
    let best = 0;
    let isShare = scores.length > 1;
    for (let i = 0; i < scores.length; i++) {
      if (scores[i]! > scores[best]!) best = i;
      isShare &&= scores[i]! >= 0 && scores[i]! <= 1;
    }
    if (scores.length > 1) count(seen.classes, best);
    if (isShare) count(seen.confidence, Math.min(CONFIDENCE_BINS - 1, Math.floor(scores[best]! * CONFIDENCE_BINS)));
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
      add(statistics, x, range);
    }
    if (n > 0) count(statistics.means, valueBin(sum / n, range));
  }
}

function add(statistics: InputStatistics, x: number, range: readonly [number, number] | undefined): void {
  statistics.values++;
  statistics.sum += x;
  statistics.squares += x * x;
  if (statistics.min === null || x < statistics.min) statistics.min = x;
  if (statistics.max === null || x > statistics.max) statistics.max = x;
  if (range && (x < range[0] || x > range[1])) statistics.outside++;
  count(statistics.bins, valueBin(x, range));
}

/** The real numbers that round to a quantized value without being clamped. */
function rangeOf({ dtype, scale, zeroPoint }: TensorInfo): readonly [min: number, max: number] | undefined {
  const limits: Partial<Record<string, readonly [number, number]>> = {
    int8: [-128, 127],
    uint8: [0, 255],
    int16: [-32768, 32767],
  };
  const limit = limits[dtype];
  if (scale === undefined || !limit) return undefined;
  return [scale * (limit[0] - 0.5 - zeroPoint!), scale * (limit[1] + 0.5 - zeroPoint!)];
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
