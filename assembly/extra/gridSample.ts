import { DTYPE_F32, DTYPE_I8, GRID_SAMPLE_ALIGN, GRID_SAMPLE_BATCH, GRID_SAMPLE_BORDER, GRID_SAMPLE_BYTES,
  GRID_SAMPLE_CHANNELS, GRID_SAMPLE_COUNT, GRID_SAMPLE_CUBIC, GRID_SAMPLE_GRID, GRID_SAMPLE_IN_H, GRID_SAMPLE_IN_W,
  GRID_SAMPLE_MODE, GRID_SAMPLE_NEAREST, GRID_SAMPLE_PADDING, GRID_SAMPLE_REFLECTION, GRID_SAMPLE_SCALE,
  GRID_SAMPLE_SOURCE, GRID_SAMPLE_SOURCE_ZERO, GRID_SAMPLE_TARGET, GRID_SAMPLE_TARGET_ZERO,
  GRID_SAMPLE_ZEROS } from '../layout';
import { roundEven } from '../kernels/requantize';
import { bytesOf, checkCounts, checkFinite, checkRange, checkRecord, countWork, dtypeOf, float, FLOATS, int,
  needScratch, scratch, source, sourceOf, target, toF64 } from '../record';

// Scratch: the taps of a sample along the rows and along the columns, each index i32 [4] (−1
// outside of the image) and weight f64 [4]

const WEIGHTS = 16;
const AXIS_BYTES = 48;

export function describeGridSample(r: usize): void {
  if (!checkRecord(r, GRID_SAMPLE_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32))) return;
  // BATCH, IN_H, IN_W, CHANNELS and COUNT
  checkCounts(r, GRID_SAMPLE_BATCH, 5);
  checkRange(r, GRID_SAMPLE_MODE, GRID_SAMPLE_NEAREST, GRID_SAMPLE_CUBIC);
  checkRange(r, GRID_SAMPLE_PADDING, GRID_SAMPLE_ZEROS, GRID_SAMPLE_REFLECTION);
  checkRange(r, GRID_SAMPLE_ALIGN, 0, 1);
  checkRange(r, GRID_SAMPLE_SOURCE_ZERO, -128, 127);
  checkRange(r, GRID_SAMPLE_TARGET_ZERO, -128, 127);
  checkFinite(r, GRID_SAMPLE_SCALE);
  const size = bytesOf(dtypeOf(r));
  const batch = toF64(r, GRID_SAMPLE_BATCH);
  const channels = toF64(r, GRID_SAMPLE_CHANNELS);
  const samples = batch * toF64(r, GRID_SAMPLE_COUNT);
  const image = toF64(r, GRID_SAMPLE_IN_H) * toF64(r, GRID_SAMPLE_IN_W) * channels;
  source(r, GRID_SAMPLE_SOURCE, batch * image * size, <u32>size);
  sourceOf(FLOATS, r, GRID_SAMPLE_GRID, samples * 8, 4);
  target(r, GRID_SAMPLE_TARGET, samples * channels * size, <u32>size);
  countWork(samples * channels * 16);
  needScratch(2 * AXIS_BYTES);
}

/** x between low and high, mirrored at both as often as necessary; low for NaN. */
function reflect(x: f64, low: f64, high: f64): f64 {
  const span = high - low;
  const distance = x < low ? low - x : x - low;
  const turns = floor<f64>(distance / span);
  const rest = distance - turns * span;
  return inside(turns - 2 * floor<f64>(turns / 2) == 0 ? low + rest : high - rest, low, high);
}

/** x between low and high; low for NaN. */
function inside(x: f64, low: f64, high: f64): f64 {
  const above = x > low ? x : low;
  return above < high ? above : high;
}

/** Keys's kernel with the coefficient −0.75. */
function cubic(d: f64): f64 {
  return d <= 1 ? (1.25 * d - 2.25) * d * d + 1 : ((-0.75 * d + 3.75) * d - 6) * d + 3;
}

/** Writes the indices and weights of the taps at a coordinate −1 … 1, and returns their number. */
function tapsAt(coordinate: f64, size: i32, mode: i32, padding: i32, align: bool, list: usize): i32 {
  const last = <f64>(size - 1);
  const low: f64 = align ? 0 : -0.5;
  const high = align ? last : last + 0.5;
  let x = align ? (coordinate + 1) / 2 * last : ((coordinate + 1) * <f64>size - 1) / 2;
  if (mode == GRID_SAMPLE_NEAREST) x = nearest<f64>(x);
  if (padding == GRID_SAMPLE_ZEROS) x = inside(x, -4, last + 4);
  else if (!(x >= low && x <= high)) x = padding == GRID_SAMPLE_BORDER ? inside(x, 0, last) : reflect(x, low, high);
  const base = floor<f64>(x);
  const rest = x - base;
  // 1, 2 and 4 for the modes 0, 1 and 2
  const count = 1 << mode;
  const first = mode == GRID_SAMPLE_CUBIC ? base - 1 : base;
  for (let t = 0; t < count; t++) {
    let index = first + <f64>t;
    const distance = abs<f64>(index - x);
    if (index < 0 || index > last) {
      if (padding == GRID_SAMPLE_ZEROS) index = -1;
      else if (padding == GRID_SAMPLE_BORDER) index = inside(index, 0, last);
      else index = inside(floor<f64>(reflect(index, low, high)), 0, last);
    }
    let weight: f64 = 1;
    if (mode == GRID_SAMPLE_CUBIC) weight = cubic(distance);
    else if (count == 2) weight = t == 0 ? 1 - rest : rest;
    store<i32>(list + (t << 2), <i32>index);
    store<f64>(list + (t << 3), weight, WEIGHTS);
  }
  return count;
}

export function runGridSample(r: usize): void {
  const channels = int(r, GRID_SAMPLE_CHANNELS);
  const mode = int(r, GRID_SAMPLE_MODE);
  const padding = int(r, GRID_SAMPLE_PADDING);
  const align = int(r, GRID_SAMPLE_ALIGN) != 0;
  const isFloat = dtypeOf(r) == DTYPE_F32;
  const inH = int(r, GRID_SAMPLE_IN_H);
  const inW = int(r, GRID_SAMPLE_IN_W);
  const size = <i32>bytesOf(dtypeOf(r));
  const zero = int(r, GRID_SAMPLE_SOURCE_ZERO);
  const targetZero = int(r, GRID_SAMPLE_TARGET_ZERO);
  const scale = float(r, GRID_SAMPLE_SCALE);
  const lowest = -128 - targetZero;
  const highest = 127 - targetZero;
  const rows = scratch();
  const columns = rows + AXIS_BYTES;
  let image = <usize>int(r, GRID_SAMPLE_SOURCE);
  let grid = <usize>int(r, GRID_SAMPLE_GRID);
  let out = <usize>int(r, GRID_SAMPLE_TARGET);
  for (let batch = int(r, GRID_SAMPLE_BATCH); batch > 0; batch--) {
    for (let n = int(r, GRID_SAMPLE_COUNT); n > 0; n--) {
      const width = tapsAt(<f64>load<f32>(grid), inW, mode, padding, align, columns);
      const height = tapsAt(<f64>load<f32>(grid, 4), inH, mode, padding, align, rows);
      grid += 8;
      for (let c = 0; c < channels; c++) {
        let sum: f32 = 0;
        for (let ty = 0; ty < height; ty++) {
          const y = load<i32>(rows + (ty << 2));
          if (y < 0) continue;
          for (let tx = 0; tx < width; tx++) {
            const x = load<i32>(columns + (tx << 2));
            if (x < 0) continue;
            const weight = <f32>(load<f64>(rows + (ty << 3), WEIGHTS) * load<f64>(columns + (tx << 3), WEIGHTS));
            const at = image + ((y * inW + x) * channels + c) * size;
            sum += weight * (isFloat ? load<f32>(at) : <f32>(<i32>load<i8>(at) - zero));
          }
        }
        if (isFloat) {
          store<f32>(out, sum);
        } else {
          // NaN, which only malformed scales give, becomes the lowest value
          let value = sum * scale;
          value = value > <f32>lowest ? value : <f32>lowest;
          value = value < <f32>highest ? value : <f32>highest;
          store<i8>(out, <i8>(<i32>roundEven(value) + targetZero));
        }
        out += size;
      }
    }
    image += inH * inW * channels * size;
  }
}
