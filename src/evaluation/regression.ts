import type { TensorInfo } from '../format/meta';
import { elementCount } from '../graph/graph';
import { badTarget, type Collector } from './collector';
import { averageOf, meanOf, resampled, type Counts, type Measure, type Outcome } from './measure';
import type { RegressionDetails, Target } from './types';

const COLUMNS = 1000;
const POINTS = 1000;
/** Number of values up to which R² is computed for resamples. */
const RESAMPLED_VALUES = 1.5e7;

/** Answers that are numbers. */
export class Regression implements Collector {
  private readonly columns: number;
  private readonly targets: Float64Array[] = [];
  private readonly errors: Float64Array[] = [];

  /** @param read the values that are compared with a target; those of an output by default */
  constructor(
    private readonly output: TensorInfo,
    count: number = elementCount(output.shape),
    private readonly read = (outputs: Record<string, Float32Array>): ArrayLike<number> => outputs[output.name]!,
  ) {
    this.columns = count;
  }

  add(outputs: Record<string, Float32Array>, target: Target): void {
    const values = typeof target === 'number' ? [target] : target;
    if (typeof values !== 'object' || values.length !== this.columns || !isNumeric(values)) {
      const wanted = this.columns === 1 ? 'a number' : `${this.columns} numbers`;
      throw badTarget(`${wanted}, as output "${this.output.name}" has`, target);
    }
    const wanted = Float64Array.from(values);
    const got = this.read(outputs);
    this.targets.push(wanted);
    this.errors.push(wanted.map((value, i) => got[i]! - value));
  }

  finish(): Outcome {
    const n = this.targets.length;
    const mean = (of: (error: number) => number): Float64Array =>
      Float64Array.from(this.errors, (errors) => errors.reduce((sum, error) => sum + of(error), 0) / this.columns);
    const squares = mean((error) => error * error);
    const measures: Measure[] = [averageOf('mae', mean(Math.abs)), averageOf('mse', squares),
      resampled('rmse', (counts) => Math.sqrt(meanOf(squares, counts)), n, n)];
    const notes: string[] = [];
    const once = new Uint32Array(n).fill(1);
    const scores = this.scores(once);
    const constant = scores.filter((score) => Number.isNaN(score)).length;
    if (constant > 0) notes.push(`${constant} of ${this.columns} values are the same in all targets and have no R²`);
    if (constant < this.columns && n > 1) measures.push(this.determination(n, notes));
    return { task: 'regress', examples: n, notes, measures, regression: this.details(scores, once) };
  }

  private determination(n: number, notes: string[]): Measure {
    const of = (counts: Counts): number => meanOfNumbers(this.scores(counts));
    if (n * this.columns <= RESAMPLED_VALUES) return resampled('r2', of, n, 2 * n * this.columns);
    notes.push('R² has no interval, because there are too many values to compute it for resamples');
    return { name: 'r2', value: of(new Uint32Array(n).fill(1)), influence: undefined };
  }

  /** R² of each column; NaN if its targets are all the same. */
  private scores(counts: Counts): Float64Array {
    const { columns } = this;
    const [sums, squares, losses] = [0, 1, 2].map(() => new Float64Array(columns)) as [Float64Array, Float64Array,
      Float64Array];
    const origin = this.targets[0]!;
    let n = 0;
    counts.forEach((count, i) => {
      if (count === 0) return;
      n += count;
      const target = this.targets[i]!;
      const error = this.errors[i]!;
      for (let c = 0; c < columns; c++) {
        // relative to the first target, so that a large mean costs no digits
        const value = target[c]! - origin[c]!;
        sums[c]! += count * value;
        squares[c]! += count * value * value;
        losses[c]! += count * error[c]! * error[c]!;
      }
    });
    return losses.map((loss, c) => {
      const spread = squares[c]! - sums[c]! * sums[c]! / n;
      return spread > 1e-12 * squares[c]! ? 1 - loss / spread : NaN;
    });
  }

  private details(scores: Float64Array, once: Counts): RegressionDetails {
    const columns = Array.from({ length: Math.min(COLUMNS, this.columns) }, (_, c) => {
      const errors = Float64Array.from(this.errors, (error) => error[c]!);
      return {
        mae: meanOf(errors.map(Math.abs), once),
        rmse: Math.sqrt(meanOf(errors.map((error) => error * error), once)),
        r2: scores[c]!,
      };
    });
    const every = Math.ceil(this.targets.length / POINTS);
    const points = this.targets.flatMap((target, i) =>
      i % every === 0 ? [{ target: target[0]!, predicted: target[0]! + this.errors[i]![0]! }] : []
    );
    return { columns, points };
  }
}

function isNumeric(values: { readonly length: number }): values is ArrayLike<number> {
  return Array.from(values as ArrayLike<unknown>).every((value) => typeof value === 'number' && Number.isFinite(value));
}

function meanOfNumbers(values: Float64Array): number {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
