import { errorFunction } from 'simple-statistics';
import type { Random } from '../random';
import type { Axes, Axis, ParameterValue, ParameterValues } from '../space';
import { randomSampler } from './random';
import { drawn, placed, type Sampler } from './sampler';

// The tree-structured Parzen estimator: Bergstra et al., "Algorithms for Hyper-Parameter
// Optimization", 2011. The trials are split into good and other ones. l is a density of the good
// trials and g one of the others. Of several points that are drawn from l, the one with the largest
// l / g has the largest expected improvement.
//
// The kernels are those of whole trials, a product over the parameters, so that values that go well
// together stay together (Falkner et al., "BOHB", 2018; Watanabe, "Tree-Structured Parzen
// Estimator: Understanding Its Algorithm Components", 2023).

/** Trials that are drawn at random before densities say anything. */
const RANDOM_TRIALS = 10;
/** The fraction of the trials that count as good, and the largest number of them. */
const GOOD = 0.1;
const MOST_GOOD = 25;
/** Points that are drawn, of which the best one is taken. */
const CANDIDATES = 24;
/** Proposals that may repeat known trials, before one is drawn at random. */
const ATTEMPTS = 20;
/** Deviation of the kernel of a single trial, as a fraction of the range. */
const WIDTH = 0.1;

export const tpeSampler: Sampler = (situation) => {
  const { axes, random, isKnown } = situation;
  const ranked = situation.ranked();
  if (ranked.length < RANDOM_TRIALS) return randomSampler(situation);
  const count = Math.min(MOST_GOOD, Math.ceil(GOOD * ranked.length));
  const l = new Density(axes, ranked.slice(0, count));
  const g = new Density(axes, ranked.slice(count));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const candidates = Array.from({ length: CANDIDATES }, () => l.draw(random)).filter((values) => !isKnown(values));
    const gains = candidates.map((values) => l.logAt(values) - g.logAt(values));
    const best = candidates[gains.indexOf(Math.max(...gains))];
    if (best) return best;
  }
  return randomSampler(situation);
};

/** A mean of kernels: one around each trial, and the prior, which draws all values equally. */
class Density {
  private readonly kernels: readonly (ParameterValues | undefined)[];
  /** Deviation of numbers as a fraction of their range, by Scott's rule. */
  private readonly width: number;

  constructor(private readonly axes: Axes, trials: readonly ParameterValues[]) {
    this.kernels = [undefined, ...trials];
    this.width = WIDTH * this.kernels.length ** (-1 / (axes.list.length + 4));
  }

  draw(random: Random): ParameterValues {
    const center = this.kernels[random.index(this.kernels.length)];
    return this.axes.values((axis) => {
      const value = center?.[axis.name];
      return value === undefined ? drawn(axis.parameter, random) : this.drawNear(axis, value, random);
    });
  }

  logAt(values: ParameterValues): number {
    const active = this.axes.list.filter(({ name }) => Object.hasOwn(values, name));
    const logs = this.kernels.map((center) =>
      active.reduce((sum, axis) => sum + this.logOf(axis, center?.[axis.name], values[axis.name]!), 0)
    );
    const largest = Math.max(...logs);
    return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length);
  }

  private drawNear({ parameter }: Axis, center: ParameterValue, random: Random): ParameterValue {
    if ('choices' in parameter) {
      const { choices } = parameter;
      return random.uniform() < this.spread(choices.length) ? choices[random.index(choices.length)]! : center;
    }
    const { low, high, at } = scaleOf(parameter);
    if (low === high) return center;
    let value: number;
    do value = at(center as number) + this.width * (high - low) * random.normal(); while (value < low || value > high);
    return placed(parameter, parameter.log ? Math.exp(value) : value);
  }

  /** The logarithm of one parameter's density in a kernel; without center, of the prior. */
  private logOf({ parameter }: Axis, center: ParameterValue | undefined, value: ParameterValue): number {
    if ('choices' in parameter) {
      const { length } = parameter.choices;
      if (center === undefined) return -Math.log(length);
      const spread = this.spread(length);
      return Math.log(spread / length + (value === center ? 1 - spread : 0));
    }
    const { low, high, at } = scaleOf(parameter);
    if (low === high) return 0;
    if (center === undefined) return -Math.log(high - low);
    const deviation = this.width * (high - low);
    const [mean, x] = [at(center as number), at(value as number)];
    const inside = normalBelow((high - mean) / deviation) - normalBelow((low - mean) / deviation);
    return -0.5 * ((x - mean) / deviation) ** 2 - Math.log(deviation * Math.sqrt(2 * Math.PI) * inside);
  }

  /** How probable it is that a choice is drawn anew: less, the more trials there are. */
  private spread(choices: number): number {
    return choices / (choices + this.kernels.length);
  }
}

/** The range on which kernels are normal distributions. */
function scaleOf(
  { min, max, step = 0, log }: Exclude<Axis['parameter'], { choices: unknown }>,
): { low: number; high: number; at: (value: number) => number } {
  if (log) return { low: Math.log(min), high: Math.log(max), at: Math.log };
  // each value with a step stands for half a step on both sides
  const margin = min === max ? 0 : step / 2;
  return { low: min - margin, high: max + margin, at: (value) => value };
}

/** The probability that a standard normal number is smaller. */
function normalBelow(z: number): number {
  return 0.5 * (1 + errorFunction(z / Math.SQRT2));
}
