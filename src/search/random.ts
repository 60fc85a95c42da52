import { randomBelow } from '../evaluation/random';

/** Seeded random numbers for one trial, which do not depend on how others were drawn. */
export class Random {
  private readonly below: (limit: number) => number;

  constructor(seed: number, trial: number) {
    this.below = randomBelow(seed % 2 ** 32 + (trial % 2 ** 20) * 2 ** 32);
  }

  /** 0 ≤ number < 1 */
  uniform(): number {
    return this.below(2 ** 32) / 2 ** 32;
  }

  index(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** A number of the standard normal distribution (Box and Muller, 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
