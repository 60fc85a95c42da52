import * as L from '../../assembly/layout';
import { encodeSection, encodeWeights } from '../../src/compiler/entropy';
import type { KletParts } from '../../src/format/klet';
import { writeKlet } from '../../src/format/writeKlet';
import { viewOf } from './seal';

// Small files that ask for much memory or time.

/** A record with these u32 fields. */
export function recordWith(opcode: number, dtype: number, bytes: number, fields: Record<number, number>): Uint8Array {
  const record = new Uint8Array(bytes);
  const view = viewOf(record);
  record[L.RECORD_OPCODE] = opcode;
  record[L.RECORD_DTYPE] = dtype;
  view.setUint32(L.RECORD_SIZE, bytes, true);
  for (const [field, value] of Object.entries(fields)) view.setInt32(Number(field), value, true);
  return record;
}

export function repeated(record: Uint8Array, count: number): Uint8Array {
  const plan = new Uint8Array(record.length * count);
  for (let i = 0; i < count; i++) plan.set(record, i * record.length);
  return plan;
}

/** A file without inputs and outputs. */
export function fileOf(parts: Partial<Omit<KletParts, 'minor'>>, pack = false): Uint8Array {
  return writeKlet({
    meta: { name: 'costly', inputs: [], outputs: [] },
    plan: new Uint8Array(0),
    weights: new Uint8Array(0),
    arenaBytes: 64,
    scratchBytes: 0,
    ...parts,
  }, pack ? encodeSection : undefined);
}

/**
 * A CODED section of about 60 bytes that stands for `bytes` zeros, a multiple of 4. All are one run
 * of lanes without words.
 */
export function codedZeros(bytes: number, lanes = 1): Uint8Array {
  const coded = encodeWeights(new Uint8Array(4 * lanes), [{ offset: 0, quads: 1, lanes }]);
  const view = viewOf(coded);
  view.setUint32(L.CODED_WEIGHTS_BYTES, bytes, true);
  view.setUint32(L.CODED_HEADER + L.CODED_QUADS, bytes / 4 / lanes, true);
  return coded;
}

/** One output pixel of a convolution over one input pixel, with a dense matrix of N by K. */
export function convolution(K: number, N: number, pixels = 1): Uint8Array {
  return recordWith(L.OP_CONV2D, L.DTYPE_I8, L.CONV2D_BYTES, {
    [L.CONV2D_TARGET]: K,
    [L.CONV2D_BIAS]: K * Math.ceil(N / 8) * 8,
    [L.CONV2D_SCALE]: (K + 4) * Math.ceil(N / 8) * 8,
    [L.CONV2D_BATCH]: 1,
    [L.CONV2D_IN_H]: 1,
    [L.CONV2D_IN_W]: 1,
    [L.CONV2D_IN_C]: K,
    [L.CONV2D_OUT_H]: 1,
    [L.CONV2D_OUT_W]: pixels,
    [L.CONV2D_OUT_C]: N,
    [L.CONV2D_KERNEL_H]: 1,
    [L.CONV2D_KERNEL_W]: 1,
    [L.CONV2D_STRIDE_Y]: 1,
    [L.CONV2D_STRIDE_X]: 1,
    [L.CONV2D_DILATION_Y]: 1,
    [L.CONV2D_DILATION_X]: 1,
    [L.CONV2D_GROUPS]: 1,
    [L.CONV2D_BLOCK_ROWS]: 4,
    [L.CONV2D_PIXEL_STRIDE]: N,
    [L.CONV2D_ROW_STRIDE]: N * pixels,
    [L.CONV2D_BATCH_STRIDE]: N * pixels,
    [L.CONV2D_MIN]: -128,
    [L.CONV2D_MAX]: 127,
  });
}

/** The weights of `convolution`, and its arena. */
export function roomFor(K: number, N: number, pixels = 1): { weights: Uint8Array; arenaBytes: number } {
  return { weights: new Uint8Array((K + 8) * Math.ceil(N / 8) * 8), arenaBytes: K + N * pixels + 64 };
}

/** Enlarges a picture of one pixel to `entries` rows. Its table of zeros begins at `offset`. */
export function enlargement(entries: number, offset = 0): Uint8Array {
  return recordWith(L.OP_RESIZE2D, L.DTYPE_I8, L.RESIZE2D_BYTES, {
    [L.RESIZE2D_TARGET]: 16,
    [L.RESIZE2D_ROWS]: offset,
    [L.RESIZE2D_COLUMNS]: 0,
    [L.RESIZE2D_BATCH]: 1,
    [L.RESIZE2D_IN_H]: 1,
    [L.RESIZE2D_IN_W]: 1,
    [L.RESIZE2D_CHANNELS]: 1,
    [L.RESIZE2D_OUT_H]: entries,
    [L.RESIZE2D_OUT_W]: 1,
    [L.RESIZE2D_MODE]: L.RESIZE2D_NEAREST,
  });
}
