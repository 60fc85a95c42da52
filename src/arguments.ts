import { describeValue, KletError, messageOf } from './errors';

// Checks of the arguments of public functions. Audio worklets do not bundle this file, because
// `listen` checks their arguments in the page.

/** The type of an option. `any` leaves the check to the function that reads it. */
type Kind = 'boolean' | 'number' | 'string' | 'function' | 'object' | 'any';

/** The options of a function and their types. */
export type Options<T> = Record<keyof T, Kind>;

/**
 * Checks an object of options: its names, and the types of its values.
 *
 * @param of the function in error messages
 * @throws KletError `BAD_ARGUMENT`
 */
export function checkOptions(options: object, known: Record<string, Kind>, of: string): void {
  readOptions(options, known, of);
}

/**
 * Like `checkOptions`. Reads each option once, because a getter may give another value the next
 * time, or do anything else.
 *
 * @returns a copy of the options
 */
export function readOptions<T extends object>(options: T, known: Record<string, Kind>, of: string): T {
  checkObject(options, `the options of ${of}`);
  const given: Record<string, unknown> = {};
  try {
    for (const name of Object.keys(options)) if (!Object.hasOwn(known, name)) throw unknownOption(name, known, of);
    for (const [name, kind] of Object.entries(known)) {
      const value = (options as Record<string, unknown>)[name];
      if (value === undefined) continue;
      if (kind !== 'any' && (typeof value !== kind || value === null)) {
        const article = kind === 'object' ? 'an' : 'a';
        throw new KletError(
          'BAD_ARGUMENT',
          `the option "${name}" of ${of} takes ${article} ${kind}, not ${show(value)}`,
        );
      }
      given[name] = value;
    }
  } catch (cause) {
    if (cause instanceof KletError) throw cause;
    throw new KletError('BAD_ARGUMENT', `reading the options of ${of} failed: ${messageOf(cause)}`, { cause });
  }
  return given as T;
}

function unknownOption(name: string, known: Record<string, Kind>, of: string): KletError {
  const names = Object.keys(known);
  const near = nearest(name, names);
  return new KletError(
    'BAD_ARGUMENT',
    `${of} has no option "${name}"${near ? `; did you mean "${near}"?` : `; it has ${names.join(', ')}`}`,
  );
}

/** @throws KletError `BAD_ARGUMENT` if the value of an option is none of the keys of `choices` */
export function checkChoice(value: string, choices: Record<string, boolean>, option: string, of: string): void {
  if (Object.hasOwn(choices, value)) return;
  const names = Object.keys(choices).join(', ');
  throw new KletError('BAD_ARGUMENT', `the option "${option}" of ${of} is one of ${names}, not ${show(value)}`);
}

/** @throws KletError `BAD_ARGUMENT` if a value is not an object, or is an array */
export function checkObject(value: unknown, what: string): asserts value is Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) return;
  throw new KletError('BAD_ARGUMENT', `${what} must be an object, not ${show(value)}`);
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a function */
export function checkFunction(value: unknown, what: string): void {
  if (typeof value !== 'function') {
    throw new KletError('BAD_ARGUMENT', `${what} must be a function, not ${show(value)}`);
  }
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a string */
export function checkString(value: unknown, what: string): void {
  if (typeof value !== 'string') throw new KletError('BAD_ARGUMENT', `${what} must be a string, not ${show(value)}`);
}

/** @throws KletError `BAD_ARGUMENT` if a value is not a whole number in this range */
export function checkWhole(value: unknown, what: string, min: number, max: number): void {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw new KletError('BAD_ARGUMENT', `${what} must be a whole number from ${min} to ${max}, not ${show(value)}`);
}

/**
 * Whether a value is an array whose elements all pass; unlike `every`, it tests holes and stops at
 * the first.
 */
export function isArrayOf(value: unknown, test: (element: unknown) => boolean): value is unknown[] {
  if (!Array.isArray(value)) return false;
  const { length } = value;
  for (let i = 0; i < length; i++) if (!test(value[i])) return false;
  return true;
}

/** Number of elements of the largest input that images and sound are converted to. */
const MAX_ELEMENTS = 2 ** 28;

/** @throws KletError `BAD_ARGUMENT` if a value is not the shape of a tensor */
export function checkSizes(shape: unknown, what: string): asserts shape is number[] {
  if (!isArrayOf(shape, (size) => Number.isInteger(size) && (size as number) > 0)) {
    throw new KletError('BAD_ARGUMENT', `the shape of ${what} must be an array of whole numbers above 0`);
  }
  const elements = (shape as number[]).reduce((a, b) => a * b, 1);
  if (elements > MAX_ELEMENTS) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the shape of ${what} has ${elements} elements; at most ${MAX_ELEMENTS} are possible`,
    );
  }
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/**
 * A value in an error message: numbers, short texts and booleans as they are, others by their
 * class.
 */
export function show(value: unknown): string {
  if (typeof value === 'string' && value.length <= 40) return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return describeValue(value);
}

/** The name that differs in the fewest letters, if those are at most a third of it. */
function nearest(wrong: string, names: readonly string[]): string | undefined {
  const text = wrong.toLowerCase();
  const byDistance = names.map((name) => ({ name, distance: editDistance(text, name.toLowerCase()) }));
  const [best] = byDistance.sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(1, best.name.length / 3) ? best.name : undefined;
}

/** Number of letters to insert, delete or replace to turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (from[i] === to[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length]!;
}
