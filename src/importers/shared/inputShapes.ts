import { KletError } from '../../errors';
import type { ImportOptions } from './importer';

/** A dimension: its size, or the name of one that the file leaves open. */
export type Dimension = number | string;

/** An input of a network, with its dimensions if at least their number is known. */
export interface OpenInput {
  name: string;
  dimensions: readonly Dimension[] | undefined;
}

/**
 * The shapes of the inputs. Sizes that the file leaves open come from the options, also for other
 * inputs with a size of the same name; an open batch is one item.
 *
 * @throws {KletError} `BAD_ARGUMENT` for shapes of inputs that do not exist or have other sizes,
 *   and for sizes that no input has; `INVALID_GRAPH` if sizes remain open
 */
export function inputShapes(
  entries: readonly OpenInput[],
  { shapes = {}, sizes = {} }: ImportOptions,
): Map<string, readonly number[]> {
  const given = new Map(Object.entries(shapes).map(([name, shape]) => {
    const entry = name === '' && entries.length === 1 ? entries[0] : entries.find((e) => e.name === name);
    if (!entry) {
      const names = entries.map((e) => `"${e.name}"`).join(', ');
      throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to give a shape; the inputs are ${names}`);
    }
    return [entry.name, shape] as const;
  }));
  checkSizeNames(entries, sizes);
  const named = namedSizes(entries, given, sizes);
  const sizeOf = (d: string, i: number, all: readonly Dimension[]): Dimension =>
    named.sizes.get(d) ?? (named.open.has(d) ? d : batchOr(d, i, all));
  const open: { name: string; dimensions: readonly Dimension[] }[] = [];
  const result = new Map<string, readonly number[]>();
  for (const { name, dimensions } of entries) {
    const shape = given.get(name);
    if (shape) {
      if (dimensions) checkShape(name, dimensions, shape);
      result.set(name, shape);
    } else if (dimensions) {
      const known = dimensions.map((d, i) => (typeof d === 'string' ? sizeOf(d, i, dimensions) : d));
      result.set(name, known as number[]);
      if (known.some((d) => typeof d === 'string')) open.push({ name, dimensions: known });
    } else {
      open.push({ name, dimensions: ['?'] });
    }
  }
  if (open.length > 0) throw openSizes(open);
  return result;
}

/**
 * The sizes of dimensions with names: those that are known or in given shapes, and 1 for a batch.
 * A name that other inputs have behind their first dimension is no batch, unless it says so.
 */
function namedSizes(
  entries: readonly OpenInput[],
  given: ReadonlyMap<string, readonly number[]>,
  known: Readonly<Record<string, number>>,
): { sizes: Map<Dimension, number>; open: Set<Dimension> } {
  const sizes = new Map<Dimension, number>(Object.entries(known));
  const open = new Set<Dimension>();
  const each = (visit: (input: OpenInput, d: string, i: number) => void): void => {
    for (const input of entries) {
      input.dimensions?.forEach((d, i) => {
        if (typeof d === 'string' && !isAnonymous(d)) visit(input, d, i);
      });
    }
  };
  each(({ name }, d, i) => {
    const size = given.get(name)?.[i];
    if (size !== undefined) sizes.set(d, size);
  });
  const inner = new Set<string>();
  each((_, d, i) => {
    if (i > 0) inner.add(d);
  });
  each(({ dimensions }, d, i) => {
    const isBatch = batchOr(d, i, dimensions!) === 1 && (!inner.has(d) || /^(n|b|bs|batch.*)$/i.test(d));
    if (isBatch && !sizes.has(d)) sizes.set(d, 1);
  });
  for (const d of inner) if (!sizes.has(d)) open.add(d);
  return { sizes, open };
}

function checkSizeNames(entries: readonly OpenInput[], sizes: Readonly<Record<string, number>>): void {
  const names =
    new Set(entries.flatMap(({ dimensions = [] }) => dimensions).filter((d) =>
      typeof d === 'string' && !isAnonymous(d)
    ));
  const unknown = Object.keys(sizes).find((name) => !names.has(name));
  if (unknown === undefined) return;
  const known = names.size > 0 ? `those are ${[...names].map((name) => `"${name}"`).join(', ')}` : 'it names none';
  throw new KletError('BAD_ARGUMENT', `the file leaves no size "${unknown}" of its inputs open; ${known}`);
}

/** The first of several dimensions is the batch. */
function batchOr(d: string, i: number, { length }: readonly Dimension[]): Dimension {
  return i === 0 && length > 1 ? 1 : d;
}

/** A dimension without a name in the file; it is none of another input. */
export function anonymous(i: number): string {
  return `dimension ${i}`;
}

function isAnonymous(name: string): boolean {
  return /^dimension \d+$/.test(name);
}

function checkShape(name: string, dimensions: readonly Dimension[], shape: readonly number[]): void {
  const fits = shape.length === dimensions.length &&
    dimensions.every((d, i) => typeof d === 'string' || d === shape[i]);
  if (fits) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `the shape of "${name}" is [${dimensions.join(', ')}], and [${shape.join(', ')}] does not fit`,
  );
}

function openSizes(open: readonly { name: string; dimensions: readonly Dimension[] }[]): KletError {
  const lines = open.map(({ name, dimensions }) => `  "${name}" [${dimensions.join(', ')}]`);
  const example = open.map(({ name, dimensions }) => `--shape ${name}=${exampleShape(dimensions).join(',')}`).join(' ');
  return new KletError(
    'INVALID_GRAPH',
    `the file leaves sizes of its inputs open; say them, for example with ${example} or the option "shapes":\n${
      lines.join('\n')
    }`,
  );
}

function exampleShape(dimensions: readonly Dimension[]): number[] {
  return dimensions.map((d, i) => {
    if (typeof d === 'number') return d;
    return i === 0 ? 1 : 224;
  });
}
