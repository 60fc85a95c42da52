import { checkObject, isArrayOf, show } from '../arguments';
import { KletError } from '../errors';

// Spaces of parameters, from which a study proposes values.

/** The value of a parameter. */
export type ParameterValue = string | number | boolean;

/** Values of parameters by name; parameters that are not active are absent. */
export type ParameterValues = Record<string, ParameterValue>;

/** Values that parameters before this one must have: one of each list. */
export type Condition = Record<string, readonly ParameterValue[]>;

/** A parameter that takes one of several values. */
export interface ChoiceParameter {
  choices: readonly ParameterValue[];
  /** The parameter counts only if others, which come before it, have these values. */
  when?: Condition;
}

/** A parameter that takes numbers from `min` to `max`. */
export interface RangeParameter {
  min: number;
  max: number;
  /** Only min, min + step, min + 2·step … (1 for integers); without it, any number. */
  step?: number;
  /** Search the logarithm, for values of different magnitudes; min must be above 0. */
  log?: boolean;
  when?: Condition;
}

export type Parameter = ChoiceParameter | RangeParameter;

/** Parameters by name. The order matters only for conditions, which name earlier parameters. */
export type SearchSpace = Readonly<Record<string, Parameter>>;

/** A sampler that enumerates takes this many values of a range without step. */
const GRID_VALUES = 5;
/** Above this number of steps, values of a range are not told apart by whole numbers exactly. */
const MOST_STEPS = 2 ** 40;

/** A parameter with what samplers need to know. */
export interface Axis {
  name: string;
  parameter: Parameter;
  when: readonly (readonly [name: string, values: readonly ParameterValue[]])[];
}

/** A checked space. */
export class Axes {
  readonly list: readonly Axis[];

  /** @param space a checked space, which is copied */
  constructor(space: SearchSpace) {
    this.list = Object.entries(space).map(([name, parameter]) => ({
      name,
      parameter: 'choices' in parameter ? { choices: [...parameter.choices] } : { ...parameter },
      when: Object.entries(parameter.when ?? {}).map(([before, values]) => [before, [...values]] as const),
    }));
  }

  /**
   * Values for all active parameters, in the order of the space.
   *
   * @param valueOf is asked for each active parameter
   */
  values(valueOf: (axis: Axis) => ParameterValue): ParameterValues {
    const values = new Map<string, ParameterValue>();
    for (const axis of this.list) {
      if (isActive(axis, (name) => values.get(name))) values.set(axis.name, valueOf(axis));
    }
    return Object.fromEntries(values);
  }

  /** A text that is the same for the same values. */
  key(values: ParameterValues): string {
    return JSON.stringify(this.list.map(({ name }) => (Object.hasOwn(values, name) ? values[name] : null)));
  }

  /**
   * Values as they are tried: without parameters that are not active, and with the first choice or
   * the least number for active ones that are missing.
   *
   * @throws KletError `BAD_ARGUMENT` for a value that the space does not have
   */
  completed(given: ParameterValues, of: string): ParameterValues {
    checkObject(given, `parameters of ${of}`);
    const stray = Object.keys(given).find((name) => !this.list.some((axis) => axis.name === name));
    if (stray !== undefined) throw new KletError('BAD_ARGUMENT', `${of}: the space has no parameter "${stray}"`);
    return this.values(({ name, parameter }) => {
      if (!Object.hasOwn(given, name)) return 'choices' in parameter ? parameter.choices[0]! : parameter.min;
      const value = given[name]!;
      if (!contains(parameter, value)) {
        throw new KletError('BAD_ARGUMENT', `${of}: ${show(value)} is no value of the parameter "${name}"`);
      }
      return value;
    });
  }
}

function isActive({ when }: Axis, valueOf: (name: string) => ParameterValue | undefined): boolean {
  return when.every(([name, wanted]) => {
    const value = valueOf(name);
    return value !== undefined && wanted.includes(value);
  });
}

function contains(parameter: Parameter, value: ParameterValue): boolean {
  if ('choices' in parameter) return parameter.choices.includes(value);
  return typeof value === 'number' && value >= parameter.min && value <= parameter.max;
}

/** Number of values of a range with a step. */
export function stepCount({ min, max, step }: RangeParameter): number {
  // 0.1 + 0.2 and the like end a little beside the last step
  return Math.floor((max - min) / step! + 1e-9) + 1;
}

/** The value of a step, without the noise of binary fractions. */
export function steppedValue({ min, step }: RangeParameter, index: number): number {
  return Number((min + index * step!).toPrecision(12));
}

/** The values of a parameter that a grid has. */
export function gridValues(parameter: Parameter): ParameterValue[] {
  if ('choices' in parameter) return [...parameter.choices];
  const { min, max, step, log } = parameter;
  if (step !== undefined) return Array.from({ length: stepCount(parameter) }, (_, i) => steppedValue(parameter, i));
  if (min === max) return [min];
  return Array.from({ length: GRID_VALUES }, (_, i) => {
    const part = i / (GRID_VALUES - 1);
    const value = log ? min * (max / min) ** part : min + (max - min) * part;
    return Number(value.toPrecision(6));
  });
}

/**
 * Checks a space.
 *
 * @throws KletError `BAD_ARGUMENT` that names the parameter and what is wrong with it
 */
export function checkSpace(space: unknown, of: string): asserts space is SearchSpace {
  checkObject(space, `the space of ${of}`);
  const names = Object.keys(space);
  if (names.length === 0) throw new KletError('BAD_ARGUMENT', `the space of ${of} has no parameters`);
  names.forEach((name, i) => {
    const wrong = (text: string): KletError =>
      new KletError('BAD_ARGUMENT', `the parameter "${name}" of ${of} ${text}`);
    const parameter = space[name];
    checkObject(parameter, `the parameter "${name}" of ${of}`);
    const known = 'choices' in parameter ? ['choices', 'when'] : ['min', 'max', 'step', 'log', 'when'];
    const stray = Object.keys(parameter).find((key) => !known.includes(key));
    if (stray !== undefined) throw wrong(`has no property "${stray}"; it has ${known.join(', ')}`);
    if ('choices' in parameter) checkChoices(parameter.choices, wrong);
    else checkRange(parameter, wrong);
    if (parameter.when !== undefined) checkCondition(parameter.when, names.slice(0, i), wrong);
  });
}

type Wrong = (text: string) => KletError;

function isValue(value: unknown): value is ParameterValue {
  return typeof value === 'string' || typeof value === 'boolean' ||
    (typeof value === 'number' && Number.isFinite(value));
}

function checkChoices(choices: unknown, wrong: Wrong): void {
  if (!isArrayOf(choices, isValue) || choices.length === 0) {
    throw wrong(`needs choices, an array of numbers, texts or booleans, not ${show(choices)}`);
  }
  if (new Set(choices).size < choices.length) throw wrong('has the same choice twice');
}

function checkRange({ min, max, step, log }: Record<string, unknown>, wrong: Wrong): void {
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  if (!isNumber(min) || !isNumber(max) || min > max) {
    throw wrong(`needs choices, or min and max with min ≤ max, not ${show(min)} and ${show(max)}`);
  }
  if (step !== undefined && !(isNumber(step) && step > 0 && (max - min) / step <= MOST_STEPS)) {
    throw wrong(`has a step above 0 that divides its range into at most 2^40 parts, not ${show(step)}`);
  }
  if (log !== undefined && typeof log !== 'boolean') throw wrong(`has log true or false, not ${show(log)}`);
  if (log === true && min <= 0) throw wrong(`has log, so its min must be above 0, not ${min}`);
}

function checkCondition(when: unknown, before: readonly string[], wrong: Wrong): void {
  if (typeof when !== 'object' || when === null || Array.isArray(when)) {
    throw wrong(`has a condition { NAME: [values] }, not ${show(when)}`);
  }
  for (const [name, values] of Object.entries(when)) {
    if (!before.includes(name)) {
      throw wrong(`depends on "${name}", which must be a parameter before it; there are ${
        before.join(', ') || 'none'
      }`);
    }
    if (!isArrayOf(values, isValue)) throw wrong(`depends on values of "${name}", an array, not ${show(values)}`);
  }
}
