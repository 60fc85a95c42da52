import type { Candidate, Findings } from '../decoding/candidates';
import { tableOf, valueAt, type Grid } from '../decoding/outputs';
import { Sampler, type Area } from './interpolate';
import type { Placement } from './placement';

/** The pixels of an object, among those of its box. */
export interface ObjectMask extends Area {
  /** [height][width]: 1 for a pixel of the object, else 0. */
  data: Uint8Array;
}

/**
 * Masks of candidates: prototypes, mixed with the coefficients of a candidate, interpolated to the
 * pixels in its box, and compared with 0, where the logistic function is 0.5 (Bolya et al., YOLACT,
 * 2019; process_mask_native in ultralytics/utils/ops.py).
 */
export function masksOf(
  { coefficients, prototypes }: NonNullable<Findings['masks']>,
  place: Placement,
): (candidate: Candidate, box: readonly number[]) => ObjectMask {
  const { width, height, rows, columns } = prototypes;
  const mixed: Grid = { width, height, ...tableOf(new Float32Array(rows), rows, 1) };
  return ({ row }, box) => {
    const [left, top, right, bottom] = box.map(Math.round) as [number, number, number, number];
    const area = { left, top, width: right - left, height: bottom - top };
    const sampler = new Sampler(mixed, place, area);
    const { x, y } = sampler.cells;
    for (let j = y[0]; j < y[1]; j++) {
      for (let cell = j * width + x[0]; cell < j * width + x[1]; cell++) {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += valueAt(coefficients, row, c) * valueAt(prototypes, cell, c);
        mixed.data[cell] = sum;
      }
    }
    const values = new Float32Array(area.width);
    const data = new Uint8Array(area.width * area.height);
    for (let j = 0; j < area.height; j++) {
      sampler.interpolate(j, 0, values);
      for (let i = 0; i < area.width; i++) data[j * area.width + i] = Number(values[i]! > 0);
    }
    return { ...area, data };
  };
}
