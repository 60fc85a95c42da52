import { isString } from '../arguments';
import { KletError } from '../errors';
import type { TensorInfo } from '../format/meta';

// Outputs of a network, found by name or shape, and as tables and grids of values.

/** An output after a prediction. */
export interface Output extends TensorInfo {
  /** The shape without the batch, if that is 1. */
  dims: readonly number[];
  /** Real numbers. */
  data: Float32Array;
}

export function outputWith(tensor: TensorInfo, data: Float32Array): Output {
  const { shape } = tensor;
  return { ...tensor, dims: shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape, data };
}

/** @throws KletError `SHAPE_MISMATCH` with the shapes of the outputs */
export function wrongOutputs(outputs: readonly TensorInfo[], wanted: string): KletError {
  const found = outputs.map(({ name, shape }) => `"${name}" [${shape.join(', ')}]`).join(', ');
  return new KletError('SHAPE_MISMATCH', `expected ${wanted}; the outputs are ${found}`);
}

export function noBackground(outputs: readonly TensorInfo[], background: number): KletError {
  return wrongOutputs(outputs, `more than ${background} scores, because the background is score ${background}`);
}

/**
 * The output of this name, or the only one that fits.
 *
 * @param fits the dimensions without the batch, of which a letter or word stands for any size, or
 *   a test
 * @throws KletError `SHAPE_MISMATCH` if there is none, or more than one
 */
export function outputOf(
  outputs: readonly Output[],
  name: string | undefined,
  what: string,
  fits: readonly (number | string)[] | ((output: Output) => boolean) = () => true,
): Output {
  const isTest = typeof fits === 'function';
  const wanted = isTest ? what : `${what} [${fits.join(', ')}]`;
  const [found, other] = outputs.filter((output) =>
    (name === undefined || output.name === name) && (isTest ? fits(output) : isOf(output, fits))
  );
  if (!found || other) throw wrongOutputs(outputs, found ? `one output, named in the rules, for ${wanted}` : wanted);
  return found;
}

/** Whether an output has these dimensions. */
export function isOf({ dims }: Output, sizes: readonly (number | string)[]): boolean {
  return dims.length === sizes.length && dims.every((size, i) => sizes[i] === size || isString(sizes[i]));
}

/** Values [rows][columns] in an array, in any order. */
export interface Table {
  data: Float32Array;
  rows: number;
  columns: number;
  rowStep: number;
  columnStep: number;
}

/** Values [rows][columns], or [columns][rows] if they are transposed. */
export function tableOf(data: Float32Array, rows: number, columns: number, isTransposed = false): Table {
  return { data, rows, columns, rowStep: isTransposed ? 1 : columns, columnStep: isTransposed ? rows : 1 };
}

/** Some columns of a table. */
export function columnsOf<T extends Table>(table: T, first: number, columns: number): T {
  return { ...table, columns, data: table.data.subarray(first * table.columnStep) };
}

export function valueAt({ data, rowStep, columnStep }: Table, row: number, column: number): number {
  return data[row * rowStep + column * columnStep]!;
}

/** Whether all values of a table are from 0 to 1. */
export function areParts(table: Table): boolean {
  for (let row = 0; row < table.rows; row++) {
    for (let column = 0; column < table.columns; column++) {
      const value = valueAt(table, row, column);
      if (!(value >= 0 && value <= 1)) return false;
    }
  }
  return true;
}

/** Relative coordinates are hardly larger than 1, pixels are. */
const RELATIVE = 2;

/**
 * What makes coordinates, the first columns of a table, relative to the input. Without units, they
 * are relative already if none is larger than 2.
 */
export function unitOf(
  table: Table,
  columns: number,
  units: 'relative' | 'pixels' | 'cells' | undefined,
  width: number,
  height: number,
): [x: number, y: number] {
  return (units ?? (isSmall(table, columns) ? 'relative' : 'pixels')) === 'relative' ? [1, 1] : [1 / width, 1 / height];
}

function isSmall(table: Table, columns: number): boolean {
  for (let row = 0; row < table.rows; row++) {
    for (let column = 0; column < columns; column++) if (valueAt(table, row, column) > RELATIVE) return false;
  }
  return true;
}

/** An output with a row for each cell of a grid, in the layout of the input. */
export interface Grid extends Table {
  height: number;
  width: number;
}

/** @param isPlanar whether channels come before rows and columns */
export function gridOf({ dims, data }: Output, isPlanar: boolean): Grid {
  // one channel has no dimension if it was dropped
  const sizes = dims.length === 2 ? [...dims, 1] : dims;
  const planar = isPlanar && dims.length === 3;
  const [height, width, channels] = (planar ? [sizes[1], sizes[2], sizes[0]] : sizes) as [number, number, number];
  return { height, width, ...tableOf(data, height * width, channels, planar) };
}
