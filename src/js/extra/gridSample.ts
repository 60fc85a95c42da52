import { DTYPE_F32, GRID_SAMPLE_ALIGN, GRID_SAMPLE_BATCH, GRID_SAMPLE_BORDER, GRID_SAMPLE_CHANNELS, GRID_SAMPLE_COUNT,
  GRID_SAMPLE_CUBIC, GRID_SAMPLE_GRID, GRID_SAMPLE_IN_H, GRID_SAMPLE_IN_W, GRID_SAMPLE_MODE, GRID_SAMPLE_NEAREST,
  GRID_SAMPLE_PADDING, GRID_SAMPLE_SCALE, GRID_SAMPLE_SOURCE, GRID_SAMPLE_SOURCE_ZERO, GRID_SAMPLE_TARGET,
  GRID_SAMPLE_TARGET_ZERO, GRID_SAMPLE_ZEROS } from '../../../assembly/layout';
import { f32, roundEven } from '../arithmetic';
import { dtypeOf, float, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';
import { toByte } from './resample';

/** The taps of a coordinate: indices, −1 outside the image, and weights. */
interface Taps {
  indices: number[];
  weights: number[];
}

const rows: Taps = { indices: [0, 0, 0, 0], weights: [0, 0, 0, 0] };
const columns: Taps = { indices: [0, 0, 0, 0], weights: [0, 0, 0, 0] };

/** x between low and high; low for NaN. */
function inside(x: number, low: number, high: number): number {
  const above = x > low ? x : low;
  return above < high ? above : high;
}

/** x between low and high, mirrored at both as often as necessary; low for NaN. */
function reflect(x: number, low: number, high: number): number {
  const span = high - low;
  const distance = x < low ? low - x : x - low;
  const turns = Math.floor(distance / span);
  const rest = distance - turns * span;
  return inside(turns - 2 * Math.floor(turns / 2) === 0 ? low + rest : high - rest, low, high);
}

/** Keys's kernel with the coefficient −0.75. */
function cubic(d: number): number {
  return d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3;
}

/** Finds the taps at a coordinate −1 … 1, and returns their number. */
function tapsAt(coordinate: number, size: number, mode: number, padding: number, align: boolean, taps: Taps): number {
  const last = size - 1;
  const low = align ? 0 : -0.5;
  const high = align ? last : last + 0.5;
  let x = align ? (coordinate + 1) / 2 * last : ((coordinate + 1) * size - 1) / 2;
  if (mode === GRID_SAMPLE_NEAREST) x = roundEven(x);
  if (padding === GRID_SAMPLE_ZEROS) x = inside(x, -4, last + 4);
  else if (!(x >= low && x <= high)) x = padding === GRID_SAMPLE_BORDER ? inside(x, 0, last) : reflect(x, low, high);
  const base = Math.floor(x);
  const rest = x - base;
  // 1, 2 and 4 for the modes 0, 1 and 2
  const count = 1 << mode;
  const first = mode === GRID_SAMPLE_CUBIC ? base - 1 : base;
  for (let tap = 0; tap < count; tap++) {
    let index = first + tap;
    const distance = Math.abs(index - x);
    if (index < 0 || index > last) {
      if (padding === GRID_SAMPLE_ZEROS) index = -1;
      else if (padding === GRID_SAMPLE_BORDER) index = inside(index, 0, last);
      else index = inside(Math.floor(reflect(index, low, high)), 0, last);
    }
    let weight = 1;
    if (mode === GRID_SAMPLE_CUBIC) weight = cubic(distance);
    else if (count === 2) weight = tap === 0 ? 1 - rest : rest;
    taps.indices[tap] = index;
    taps.weights[tap] = weight;
  }
  return count;
}

export function runGridSample(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const channels = int(r, m, GRID_SAMPLE_CHANNELS);
  const mode = int(r, m, GRID_SAMPLE_MODE);
  const padding = int(r, m, GRID_SAMPLE_PADDING);
  const align = int(r, m, GRID_SAMPLE_ALIGN) !== 0;
  const floats = dtype === DTYPE_F32;
  const inH = int(r, m, GRID_SAMPLE_IN_H);
  const inW = int(r, m, GRID_SAMPLE_IN_W);
  const zero = floats ? 0 : int(r, m, GRID_SAMPLE_SOURCE_ZERO);
  const targetZero = int(r, m, GRID_SAMPLE_TARGET_ZERO);
  const scale = float(r, m, GRID_SAMPLE_SCALE);
  const a = viewOf(sectionOf(r, m, GRID_SAMPLE_SOURCE), dtype);
  const points = sectionOf(r, m, GRID_SAMPLE_GRID).f32;
  const out = viewOf(m.arena, dtype);
  let image = offsetOf(r, m, GRID_SAMPLE_SOURCE) >> shiftOf(dtype);
  let point = offsetOf(r, m, GRID_SAMPLE_GRID) >> 2;
  let to = int(r, m, GRID_SAMPLE_TARGET) >> shiftOf(dtype);
  for (let b = 0; b < int(r, m, GRID_SAMPLE_BATCH); b++, image += inH * inW * channels) {
    for (let n = 0; n < int(r, m, GRID_SAMPLE_COUNT); n++, point += 2) {
      const width = tapsAt(points[point]!, inW, mode, padding, align, columns);
      const height = tapsAt(points[point + 1]!, inH, mode, padding, align, rows);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let ty = 0; ty < height; ty++) {
          const y = rows.indices[ty]!;
          if (y < 0) continue;
          for (let tx = 0; tx < width; tx++) {
            const x = columns.indices[tx]!;
            if (x < 0) continue;
            const weight = f32(rows.weights[ty]! * columns.weights[tx]!);
            sum = f32(sum + f32(weight * (a[image + (y * inW + x) * channels + c]! - zero)));
          }
        }
        out[to++] = floats ? sum : toByte(f32(sum * scale), targetZero);
      }
    }
  }
}
