import type { Random } from '../random';
import { stepCount, steppedValue, type Axes, type Parameter, type ParameterValue,
  type ParameterValues } from '../space';

/** What a sampler knows when it proposes a trial. */
export interface Situation {
  axes: Axes;
  /** Parameters of finished trials, the best first. */
  ranked: () => readonly ParameterValues[];
  random: Random;
  /** Whether a trial has these values already. */
  isKnown: (values: ParameterValues) => boolean;
  seed: number;
}

/** Proposes parameters that no trial has; undefined if it finds none. */
export type Sampler = (situation: Situation) => ParameterValues | undefined;

/** A value of a parameter, each with the same probability. */
export function drawn(parameter: Parameter, random: Random): ParameterValue {
  if ('choices' in parameter) return parameter.choices[random.index(parameter.choices.length)]!;
  const { min, max, step, log } = parameter;
  if (step !== undefined && !log) return steppedValue(parameter, random.index(stepCount(parameter)));
  return placed(parameter, log ? Math.exp(between(Math.log(min), Math.log(max), random)) : between(min, max, random));
}

function between(low: number, high: number, random: Random): number {
  return low + (high - low) * random.uniform();
}

/** The value of a range that is next to a number. */
export function placed(parameter: Exclude<Parameter, { choices: unknown }>, value: number): number {
  const { min, max, step } = parameter;
  const inside = Math.min(max, Math.max(min, value));
  if (step === undefined) return Math.min(max, Math.max(min, Number(inside.toPrecision(6))));
  return steppedValue(parameter, Math.min(stepCount(parameter) - 1, Math.round((inside - min) / step)));
}
