import type { Quantization } from '../../graph/graph';
import { activationQuantization, type Range } from './steps';

/** Bins on each side of zero. With 256 steps in the range, a step has at least 16 bins. */
const SIDE = 4096;
const MIN_WIDTH = 2 ** -149;

/**
 * A histogram of the values of a tensor over all samples. The bins have the same width, begin at
 * zero, and become twice as wide whenever a value lies outside, so that the range need not be known
 * in advance. Zeros are counted separately, because every quantization represents them exactly.
 */
export class Histogram {
  /** Bin `i` holds the values from (i − SIDE)·width up to the next bin. */
  private readonly bins = new Uint32Array(2 * SIDE);
  private width = 0;
  private zeros = 0;
  private counted = 0;
  /** The bins that are not empty, in order, unless values were added since. */
  private filled: Uint32Array | undefined;

  /** The number of values. */
  get count(): number {
    return this.counted;
  }

  /** Adds finite values. */
  add(values: ArrayLike<number>): void {
    this.filled = undefined;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      this.counted++;
      if (value === 0) {
        this.zeros++;
        continue;
      }
      const size = Math.abs(value);
      if (size >= SIDE * this.width) this.widen(size);
      this.bins[Math.floor(value / this.width) + SIDE]!++;
    }
  }

  private widen(size: number): void {
    if (this.width === 0) {
      this.width = 2 ** Math.ceil(Math.log2(size / (SIDE - 1)));
      // of numbers near the smallest float32
      this.width = Math.max(this.width, MIN_WIDTH);
    }
    while (size >= SIDE * this.width) {
      this.width *= 2;
      for (let k = 0; k < SIDE; k++) {
        const half = k < SIDE / 2;
        this.bins[SIDE + k] = half ? this.bins[SIDE + 2 * k]! + this.bins[SIDE + 2 * k + 1]! : 0;
      }
      for (let k = 1; k <= SIDE; k++) {
        const half = k <= SIDE / 2;
        this.bins[SIDE - k] = half ? this.bins[SIDE - 2 * k]! + this.bins[SIDE - 2 * k + 1]! : 0;
      }
    }
  }

  /** Calls `visit` with the center and the count of every bin that is not empty. */
  forEach(visit: (center: number, count: number) => void): void {
    this.filled ??= Uint32Array.from(this.bins.keys()).filter((i) => this.bins[i]! > 0);
    for (const i of this.filled) visit((i - SIDE + 0.5) * this.width, this.bins[i]!);
    if (this.zeros > 0) visit(0, this.zeros);
  }

  /** Sum of the squares. */
  power(): number {
    let sum = 0;
    this.forEach((value, count) => {
      sum += count * value * value;
    });
    return sum;
  }

  /** The sum of the squared errors if the values are quantized in 256 steps over `range`. */
  noise(range: Range): number {
    return this.noiseOf(activationQuantization(range));
  }

  /**
   * The sum of the squared errors of a quantization. Within its range the rounding error is
   * distributed evenly over a step, beyond it the error is the distance to the range.
   */
  noiseOf({ scale, zeroPoint }: Quantization): number {
    const step = scale[0]!;
    const zero = zeroPoint[0]!;
    const low = step * (-128 - zero - 0.5);
    const high = step * (127 - zero + 0.5);
    const rounding = step * step / 12;
    let sum = 0;
    this.forEach((value, count) => {
      if (value === 0) return;
      if (value < low) sum += count * (low + step / 2 - value) ** 2;
      else if (value > high) sum += count * (value - high + step / 2) ** 2;
      else sum += count * Math.min(rounding, value * value);
    });
    return sum;
  }

  /** The values below which, and above which, the fraction `tail` of all values lies. */
  percentiles(tail: number): Range {
    const wanted = tail * this.counted;
    return [this.crossing(wanted, 1), this.crossing(wanted, -1)];
  }

  private crossing(wanted: number, direction: 1 | -1): number {
    let seen = 0;
    const first = direction === 1 ? 0 : 2 * SIDE - 1;
    for (let i = first; i >= 0 && i < 2 * SIDE; i += direction) {
      const isZeroNext = direction === 1 ? i === SIDE : i === SIDE - 1;
      if (isZeroNext) {
        seen += this.zeros;
        if (seen > wanted) return 0;
      }
      seen += this.bins[i]!;
      if (seen > wanted) return (i - SIDE + (direction === 1 ? 0 : 1)) * this.width;
    }
    return 0;
  }

  /** The counts in `bins` bins of equal width over a range; values beyond it are left out. */
  resample([low, high]: Range, bins: number): Float64Array {
    const counts = new Float64Array(bins);
    const width = (high - low) / bins;
    this.forEach((value, count) => {
      const i = Math.floor((value - low) / width);
      if (i >= 0 && i < bins) counts[i]! += count;
    });
    return counts;
  }
}
