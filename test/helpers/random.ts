import type { TensorData } from '../../src/graph/graph';

/** A seeded generator (mulberry32), with the same numbers on every machine. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer from `low` to `high`, both possible. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)]!;
  }

  /**
   * Fills an array with values over the range of its type (floats: −3 to 3). In 15 % of cases it
   * takes all values from a few extremes.
   */
  fill<A extends TensorData>(array: A): A {
    const mood = this.next();
    const few = array instanceof Float32Array ? [-2.5, -1, 0, 0.5, 3] : this.extremes(array);
    for (let i = 0; i < array.length; i++) array[i] = mood < 0.15 ? this.pick(few) : this.element(array);
    return array;
  }

  private element(array: TensorData): number {
    if (array instanceof Float32Array) return this.between(-3, 3);
    if (array instanceof Int8Array) return this.int(-128, 127);
    if (array instanceof Uint8Array) return this.int(0, 255);
    if (array instanceof Int16Array) return this.int(-32768, 32767);
    return this.int(-1_000_000, 1_000_000);
  }

  private extremes(array: TensorData): number[] {
    if (array instanceof Int8Array) return [-128, -127, 0, 126, 127];
    if (array instanceof Uint8Array) return [0, 1, 128, 254, 255];
    if (array instanceof Int16Array) return [-32768, -32767, 0, 32766, 32767];
    return [-2147483648, -1, 0, 7, 2147483647];
  }
}
