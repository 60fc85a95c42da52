import { checkObject, isArrayOf, isString, readOptions, show, type Options } from '../../arguments';
import { KletError } from '../../errors';
import type { AudioStream, StreamingModel } from '../../audio/index';

// Classes of sound, and options that differ from class to class.

/** A number for all classes, or numbers by label; other classes have the default. */
export type PerClass = number | Readonly<Record<string, number>>;

/** The labels of a network's scores; their indices if the file has none. */
export function labelsOf(model: StreamingModel, stream: AudioStream): string[] {
  const count = stream.outputLength;
  const { labels } = model.meta as { labels?: unknown };
  const isNamed = isArrayOf(labels, isString) && labels.length === count;
  return Array.from({ length: count }, (_, i) => (isNamed ? labels[i] as string : String(i)));
}

/**
 * One number per class.
 *
 * @param fallback the number of classes that `value` does not name
 * @throws KletError `BAD_ARGUMENT` if a class is unknown, or a value is not a finite number
 */
export function perClass(
  value: unknown,
  labels: readonly string[],
  option: string,
  fallback: (index: number) => number,
): Float64Array {
  const numbers = Float64Array.from(labels, (_, i) => (typeof value === 'number' ? value : fallback(i)));
  if (typeof value === 'object') {
    checkObject(value, `the option "${option}"`);
    for (const label of Object.keys(value)) {
      const one = value[label];
      numbers[indexOf(label, labels, option)] = typeof one === 'number' ? one : NaN;
    }
  }
  if (numbers.every(Number.isFinite) && ['object', 'number', 'undefined'].includes(typeof value)) return numbers;
  throw new KletError('BAD_ARGUMENT', `the option "${option}" takes a finite number, or one for each label`);
}

function indexOf(label: string, labels: readonly string[], option: string): number {
  const index = labels.indexOf(label);
  if (index >= 0) return index;
  const some = labels.slice(0, 12).join(', ');
  throw new KletError('BAD_ARGUMENT', `the option "${option}" names ${show(label)}; the classes are ${some}`);
}

/** Labels of public data sets for sound that is none of the other classes. */
const BACKGROUND = /^_?(silence|unknown|background|background_noise|noise)_?$/i;

/** Whether each class is background. */
export function backgroundOf(background: unknown, labels: readonly string[]): boolean[] {
  if (background === undefined) return labels.map((label) => BACKGROUND.test(label));
  if (!isArrayOf(background, isString)) {
    throw new KletError('BAD_ARGUMENT', `the option "background" takes an array of labels, not ${show(background)}`);
  }
  const indices = background.map((label) => indexOf(label as string, labels, 'background'));
  return labels.map((_, i) => indices.includes(i));
}

const MAX_SECONDS = 3600;

/**
 * The options of a call, before those of the task in a model's file if it has this kind.
 *
 * @param known names and types; numbers are seconds if their name is in `seconds`
 * @throws KletError `BAD_ARGUMENT`
 */
export function optionsOf<T extends object>(
  kind: string,
  model: StreamingModel,
  options: T,
  known: Options<T>,
  seconds: readonly (keyof T)[] = [],
): T {
  // whoever uses the model checks it
  const { task } = ((model as StreamingModel | undefined)?.meta ?? {}) as { task?: { kind?: unknown } | null };
  const { kind: found, ...stored } = task ?? {};
  const all: T = {
    ...(found === kind && readOptions(stored as T, known, "the model's task")),
    ...readOptions(options, known, `${kind}()`),
  };
  for (const name of seconds) {
    const value = (all[name] ?? 0) as number;
    if (value >= 0 && value <= MAX_SECONDS) continue;
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "${String(name)}" takes seconds from 0 to ${MAX_SECONDS}, not ${show(value)}`,
    );
  }
  return all;
}
