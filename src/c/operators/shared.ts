import * as L from '../../../assembly/layout';
import type { Program, TableType } from '../program';
import type { PlanRecord } from '../record';
import { floatText, intText, listText, type Fields } from '../text';

/** Adds the C of a record to the program. */
export type Printer = (r: PlanRecord, program: Program) => void;

/** Fields of a struct that are integers of the record. */
export function intFields(r: PlanRecord, fields: Record<string, number>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, intText(r.int(field))]));
}

/** The range of int8 results: a zero point, and bounds less the zero point. */
export function rangeOf(zero: number, min = -128, max = 127): Fields {
  return { zero: intText(zero), low: floatText(min - zero), high: floatText(max - zero) };
}

export function rangeFields(r: PlanRecord, zero: number, min: number, max: number): Fields {
  return rangeOf(r.int(zero), r.int(min), r.int(max));
}

export function boundsFields(r: PlanRecord, min: number, max: number): Fields {
  return { min: floatText(r.float(min)), max: floatText(r.float(max)) };
}

export function factorFields(multiplier: number, exponent: number): Fields {
  return { multiplier: intText(multiplier), exponent: intText(exponent) };
}

/** `{ 1, 2, 3 }` of a field of several integers. */
export function integersText(values: readonly number[]): string {
  return listText(values.map(intText));
}

export const isFloat = (r: PlanRecord): boolean => r.dtype === L.DTYPE_F32;

/** The type of table elements with a dtype of the plan. */
export function typeOf(dtype: number): TableType {
  if (dtype === L.DTYPE_F32) return 'float';
  if (dtype === L.DTYPE_I32) return 'int32_t';
  return dtype === L.DTYPE_U8 ? 'uint8_t' : 'int8_t';
}

export const up = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/**
 * Weights [rows][K] out of panels i8 [⌈N/8⌉][⌈K/4⌉][8][4] or f32 [⌈N/8⌉][K][8], without padding.
 *
 * @param packed the elements of the panels of N rows
 */
export function unpackPanels(packed: ArrayLike<number>, N: number, K: number, floats: boolean): number[] {
  const quads = Math.ceil(K / 4);
  const rows: number[] = [];
  for (let n = 0; n < N; n++) {
    const panel = n >> 3;
    const lane = n & 7;
    for (let k = 0; k < K; k++) {
      rows.push(packed[floats ? (panel * K + k) * 8 + lane : (panel * quads + (k >> 2)) * 32 + lane * 4 + (k & 3)]!);
    }
  }
  return rows;
}

/** Weights [N][K] out of 4-bit panels u8 [⌈N/8⌉][2·⌈K/8⌉][4][4] (OP_NIBBLE_PRODUCT). */
export function unpackNibbles(packed: ArrayLike<number>, N: number, K: number): number[] {
  const quads = 2 * Math.ceil(K / 8);
  const rows: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const byte = packed[((n >> 3) * quads + (k >> 2)) * 16 + (n & 3) * 4 + (k & 3)]!;
      rows.push(((n & 7) < 4 ? byte & 15 : byte >> 4) - 8);
    }
  }
  return rows;
}

/** Bytes of the 4-bit panels of N rows. */
export const nibblePanelBytes = (N: number, K: number): number => up(N, 8) / 8 * Math.ceil(K / 8) * 32;

/** Whether all weights have four bits, so that two of them fit into a byte. */
export function haveFourBits(weights: ArrayLike<number>): boolean {
  return Array.prototype.every.call(weights, (w: number) => w >= -8 && w <= 7);
}

/** Rows [N][K] of 4-bit weights as u8 [N][⌈K/2⌉] of weights + 8; the lower half first. */
export function packRows(weights: readonly number[], N: number, K: number): number[] {
  const bytes: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k += 2) {
      const high = k + 1 < K ? weights[n * K + k + 1]! : 0;
      bytes.push(weights[n * K + k]! + 8 | (high + 8) << 4);
    }
  }
  return bytes;
}
