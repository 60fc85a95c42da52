import { isArrayOf, show } from '../arguments';
import { KletError } from '../errors';

// Objects of META that programs write and read, described as tables of their properties.

/** A property: what its value must be, in words, and the test. */
export interface Field {
  expected: string;
  accepts: (value: unknown) => boolean;
  isRequired?: boolean;
}

export type Fields = Readonly<Record<string, Field>>;

export function field(expected: string, accepts: (value: unknown) => boolean): Field {
  return { expected, accepts };
}

export function required(of: Field): Field {
  return { ...of, isRequired: true };
}

/** One of these texts. */
export function choice(...names: string[]): Field {
  return field(`one of ${names.map((name) => `"${name}"`).join(', ')}`, (value) => names.includes(value as string));
}

/** A finite number in this range. */
export function numberIn(min: number, max: number): Field {
  const range = Number.isFinite(max) ? ` from ${min} to ${max}` : '';
  return field(`a number${range}`, (value) => isNumber(value) && value >= min && value <= max);
}

export function wholeIn(min: number, max: number): Field {
  return field(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );
}

/** A list of values that all pass. */
export function listOf(expected: string, accepts: (value: unknown) => boolean): Field {
  return field(`a list of ${expected}`, (value) => isArrayOf(value, accepts) && value.length > 0);
}

export const isNumber = (value: unknown): value is number => Number.isFinite(value);
export const flag = field('true or false', (value) => typeof value === 'boolean');
export const text = field('a text', (value) => typeof value === 'string' && value !== '');
export const texts = listOf('texts', (value) => typeof value === 'string');

/**
 * Checks the properties of an object. `undefined` counts as absent.
 *
 * @param where the object in error messages
 * @param hint what follows in error messages, such as an example
 * @throws KletError `BAD_ARGUMENT` naming the first property that is unknown, missing or wrong
 */
export function checkFields(
  value: object,
  fields: Fields,
  where: string,
  hint = '',
): asserts value is Record<string, unknown> {
  const fail = (problem: string): never => {
    throw new KletError('BAD_ARGUMENT', `${where} ${problem}${hint}`);
  };
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(fields, name)) {
      fail(`has the unknown property ${show(name)}; it has ${Object.keys(fields).join(', ')}`);
    }
  }
  for (const [name, { expected, accepts, isRequired }] of Object.entries(fields)) {
    const given = (value as Record<string, unknown>)[name];
    if (given === undefined ? isRequired : !accepts(given)) {
      fail(`needs ${expected} as ${name}, not ${show(given)}`);
    }
  }
}
