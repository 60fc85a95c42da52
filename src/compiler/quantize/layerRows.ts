import type { RawArray } from '../../runtime/types';
import type { FloatMatrix } from '../products';
import { gatherRow, rowLength, type LayerMatrix } from '../rows';

/** Rows per weight of an output, so that the covariance estimate is stable, and their limits. */
const ROWS_PER_WEIGHT = 4;
const MIN_ROWS = 2048;
const MAX_ROWS = 4096;
/** Limit of the numbers in the rows of a layer. */
const MAX_NUMBERS = 2 ** 24;
/** Every fourth sample checks what the others were fitted to. */
const HELD_OUT = 4;

/** A row whose error is larger than this many times the median error is cut off. */
const MAX_ERROR = 100;

/** Rows of a layer's inputs, those that weights are fitted to and those that check the fit. */
export interface SplitRows {
  fitted: FloatMatrix;
  heldOut: FloatMatrix;
}

/**
 * Picks rows of a layer from the samples. They are spread over the pixels, which are the same ones
 * each time.
 *
 * @param values the stored elements of `layer.seen`, [sample][prediction]
 */
export function splitRows(layer: LayerMatrix, values: readonly (readonly RawArray[])[]): SplitRows {
  const columns = rowLength(layer);
  const predictions = values.reduce((sum, sequence) => sum + sequence.length, 0);
  const wanted = Math.max(MIN_ROWS, Math.min(MAX_ROWS, ROWS_PER_WEIGHT * layer.K));
  const all = Math.min(wanted, Math.floor(MAX_NUMBERS / columns));
  const each = Math.max(1, Math.min(layer.pixels, Math.ceil(all / predictions)));
  const parts = { fitted: [] as Float32Array[], heldOut: [] as Float32Array[] };
  values.forEach((sequence, sample) => {
    sequence.forEach((elements, step) => {
      const shift = ((sample + step) * 0.618034) % 1;
      for (let r = 0; r < each; r++) {
        const row = new Float32Array(columns);
        gatherRow(layer, elements as ArrayLike<number>, Math.floor((r + shift) * layer.pixels / each), row, 0);
        // few samples are split by rows instead
        const number = values.length >= 2 * HELD_OUT ? sample : r + sample;
        parts[number % HELD_OUT === HELD_OUT - 1 ? 'heldOut' : 'fitted'].push(row);
      }
    });
  });
  return { fitted: joined(parts.fitted, columns), heldOut: joined(parts.heldOut, columns) };
}

function joined(rows: readonly Float32Array[], columns: number): FloatMatrix {
  const values = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => values.set(row, i * columns));
  return { rows: rows.length, columns, values };
}

/** Rows in the float network, and the same rows in the quantized one. */
export interface LayerRows {
  before: SplitRows;
  now: SplitRows;
}

/**
 * The rows without those that the quantized network cuts off. Few of them would count more than all
 * others, and no weights can restore what was cut off.
 */
export function usualRows({ before, now }: LayerRows): LayerRows {
  const fitted = usual(before.fitted, now.fitted);
  const heldOut = usual(before.heldOut, now.heldOut);
  return {
    before: { fitted: fitted.before, heldOut: heldOut.before },
    now: { fitted: fitted.now, heldOut: heldOut.now },
  };
}

function usual(before: FloatMatrix, now: FloatMatrix): { before: FloatMatrix; now: FloatMatrix } {
  const { rows, columns } = before;
  const errors = Float64Array.from({ length: rows }, (_, r) => {
    let error = 0;
    for (let i = r * columns; i < (r + 1) * columns; i++) error += (before.values[i]! - now.values[i]!) ** 2;
    return error;
  });
  const limit = MAX_ERROR * (errors.slice().sort()[rows >> 1] ?? 0);
  const isUsual = (r: number): boolean => limit === 0 || errors[r]! <= limit;
  if (Array.from(errors.keys()).every(isUsual)) return { before, now };
  const kept = [...errors.keys()].filter(isUsual);
  const picked = ({ values }: FloatMatrix): FloatMatrix =>
    joined(kept.map((r) => values.subarray(r * columns, (r + 1) * columns)), columns);
  return { before: picked(before), now: picked(now) };
}

/** The columns of one group. */
export function groupColumns({ K, taps, groups }: LayerMatrix, rows: FloatMatrix, group: number): FloatMatrix {
  if (groups === 1) return rows;
  const channels = K / taps;
  const values = new Float32Array(rows.rows * K);
  let to = 0;
  for (let r = 0; r < rows.rows; r++) {
    for (let tap = 0; tap < taps; tap++) {
      const from = r * rows.columns + (tap * groups + group) * channels;
      for (let c = 0; c < channels; c++) values[to++] = rows.values[from + c]!;
    }
  }
  return { rows: rows.rows, columns: K, values };
}
