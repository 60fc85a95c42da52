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
 * The shapes of the inputs. Sizes that the file leaves open come from the options; an open batch is
 * one item.
 *
 * @throws {KletError} `BAD_ARGUMENT` for shapes of inputs that do not exist or have other sizes,
 *   `INVALID_GRAPH` if sizes remain open
 */
export function inputShapes(
  entries: readonly OpenInput[],
  { shapes = {} }: ImportOptions,
): Map<string, readonly number[]> {
  const given = new Map(Object.entries(shapes).map(([name, shape]) => {
    const entry = name === '' && entries.length === 1 ? entries[0] : entries.find((e) => e.name === name);
    if (!entry) {
      const names = entries.map((e) => `"${e.name}"`).join(', ');
      throw new KletError('BAD_ARGUMENT', `there is no input "${name}" to give a shape; the inputs are ${names}`);
    }
    return [entry.name, shape] as const;
  }));
  const open: { name: string; dimensions: readonly Dimension[] }[] = [];
  const result = new Map<string, readonly number[]>();
  for (const { name, dimensions } of entries) {
    const shape = given.get(name);
    if (shape) {
      if (dimensions) checkShape(name, dimensions, shape);
      result.set(name, shape);
    } else if (dimensions) {
      const sizes = dimensions.map((d, i) => (typeof d === 'string' && i === 0 && dimensions.length > 1 ? 1 : d));
      result.set(name, sizes as number[]);
      if (sizes.some((d) => typeof d === 'string')) open.push({ name, dimensions });
    } else {
      open.push({ name, dimensions: ['?'] });
    }
  }
  if (open.length > 0) throw openSizes(open);
  return result;
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
