import { DTYPE_F32, DTYPE_I8, FAULT_ATTRIBUTE, RECURRENT_ASYMMETRIC, RECURRENT_PLAIN, SVDF_BATCH, SVDF_BIAS, SVDF_BYTES,
  SVDF_FEATURE_EXPONENT, SVDF_FEATURE_MULTIPLIER, SVDF_FEATURE_WEIGHTS, SVDF_INPUTS, SVDF_MAX, SVDF_MEMORY, SVDF_MIN,
  SVDF_MODE, SVDF_NIBBLES, SVDF_OUT_EXPONENT, SVDF_OUT_MULTIPLIER, SVDF_RANK, SVDF_SCALE, SVDF_SOURCE,
  SVDF_SOURCE_BATCH_STRIDE, SVDF_SOURCE_TIME_STRIDE, SVDF_SOURCE_ZERO, SVDF_STATE, SVDF_SUMS, SVDF_TARGET,
  SVDF_TARGET_BATCH_STRIDE, SVDF_TARGET_TIME_STRIDE, SVDF_TARGET_ZERO, SVDF_TIME, SVDF_TIME_WEIGHTS,
  SVDF_UNITS } from '../layout';
import { multiplyFixedI32 } from '../kernels/fixedPoint';
import { rescale_add_f32 } from '../kernels/gatesF32';
import { clamp } from '../kernels/lanes';
import { gemv_i8_i32 } from '../kernels/gemv';
import { gemv_add_f32 } from '../kernels/gemmF32';
import { gather_i4, gemv_i4_i32 } from '../kernels/nibbles';
import { quantize_range, range_f32, rangeScale, rangeZero } from '../kernels/hybrid';
import { dot_f32, dot_i16, shift_memory } from '../kernels/svdf';
import { rowOf } from '../kernels/widen';
import { bytesOf, checkCounts, checkFinite, checkRanges, checkRecord, dtypeOf, fail, float, int, needScratch,
  parallelBatch, scratch, source, stateTarget, tables, targetSpan, toF64 } from '../record';
import { share, shareFrom, shareTo } from '../threads';
import { checkActivation, checkFactor, checkFilling, checkFrames, checkNibbles } from './checks';
import { OUTPUT_WORK } from './window';

// Scratch, with K' = INPUTS rounded up to 4 and F' = UNITS·RANK rounded up to 8:
//
//   row i16 [K'] + 64 │ quantized row i8 [K'] + 32
//   │ accumulators i32 [F'] │ products f32 [F'] (float and hybrid)

/** Padding after the row and after the quantized row, with room to round an offset down to 16. */
const TAIL = 96;

/** Offset in scratch of the quantized row, not rounded. `length` is K'. */
@inline
function quantizedOffset(length: i32): i32 {
  return (length << 1) + TAIL;
}

/** Offset in scratch of the accumulators, not rounded. */
@inline
function accumulatorsOffset(length: i32): i32 {
  return quantizedOffset(length) + length + TAIL;
}

export function describeSvdf(r: usize): void {
  checkRecord(r, SVDF_BYTES, (1 << DTYPE_I8) | (1 << DTYPE_F32));
  const f32s = dtypeOf(r) == DTYPE_F32;
  const size = bytesOf(dtypeOf(r));
  checkRanges(r, SVDF_MODE, 1, RECURRENT_PLAIN, f32s ? RECURRENT_ASYMMETRIC : RECURRENT_PLAIN);
  checkCounts(r, SVDF_TIME, 2);
  checkRanges(r, SVDF_INPUTS, 4, 1, 65536);
  checkCounts(r, SVDF_SOURCE_TIME_STRIDE, 4);
  const hybrid = int(r, SVDF_MODE) != RECURRENT_PLAIN;
  const time = toF64(r, SVDF_TIME);
  const batch = toF64(r, SVDF_BATCH);
  const inputs = toF64(r, SVDF_INPUTS);
  const units = toF64(r, SVDF_UNITS);
  const filters = units * toF64(r, SVDF_RANK);
  const memory = toF64(r, SVDF_MEMORY);
  if (!(inputs >= 1 && inputs <= 65536 && filters >= 1 && filters <= 16777216)) {
    fail(FAULT_ATTRIBUTE);
    return;
  }
  checkFrames(r, SVDF_TARGET_TIME_STRIDE, time, batch, units);
  source(
    r,
    SVDF_SOURCE,
    ((time - 1) * toF64(r, SVDF_SOURCE_TIME_STRIDE) + (batch - 1) * toF64(r, SVDF_SOURCE_BATCH_STRIDE) + inputs) * size,
    <u32>size,
  );
  targetSpan(
    r,
    SVDF_TARGET,
    ((time - 1) * toF64(r, SVDF_TARGET_TIME_STRIDE) + (batch - 1) * toF64(r, SVDF_TARGET_BATCH_STRIDE) + units) * size,
    time * batch * units * size,
    <u32>size,
  );
  const state: f64 = f32s ? 4 : 2;
  const lanes = <f64>((<i32>filters + 7) & ~7);
  const quads = <f64>((<i32>inputs + 3) & ~3);
  stateTarget(r, SVDF_STATE, batch * filters * memory * state, <u32>state);
  checkRanges(r, SVDF_NIBBLES, 1, 0, f32s && !hybrid ? 0 : 1);
  const rowBytes = int(r, SVDF_NIBBLES) != 0 ? <f64>((<i32>inputs + 7) >> 3 << 2) : quads;
  tables(r, SVDF_FEATURE_WEIGHTS, 1, lanes * (f32s && !hybrid ? inputs * 4 : rowBytes));
  if (int(r, SVDF_NIBBLES) != 0) checkNibbles(r, SVDF_FEATURE_WEIGHTS, lanes / 8, inputs);
  else if (!f32s || hybrid) checkFilling(r, SVDF_FEATURE_WEIGHTS, lanes / 8, inputs, 0);
  tables(r, SVDF_TIME_WEIGHTS, 1, filters * memory * state);
  tables(r, SVDF_BIAS, 1, units * 4);
  if (hybrid) {
    tables(r, SVDF_SUMS, 1, lanes * 4);
    checkFinite(r, SVDF_SCALE);
  }
  checkActivation(r, SVDF_MIN, SVDF_MAX, f32s);
  if (!f32s) {
    checkRanges(r, SVDF_SOURCE_ZERO, 2, -128, 127);
    checkFactor(r, SVDF_FEATURE_MULTIPLIER);
    checkFactor(r, SVDF_OUT_MULTIPLIER);
    tables(r, SVDF_SUMS, 1, lanes * 4);
  }
  parallelBatch(r, batch, time * lanes * (quads + memory + OUTPUT_WORK));
  needScratch(<f64>accumulatorsOffset(<i32>quads) + lanes * 8);
}

/** accumulators i32 [F'] = the feature weights · (INPUTS bytes at `from`) */
function multiplyFeatures(r: usize, from: usize, row: usize, accumulators: usize): void {
  const inputs = int(r, SVDF_INPUTS);
  const panels = (int(r, SVDF_UNITS) * int(r, SVDF_RANK) + 7) >> 3;
  const weights = <usize>int(r, SVDF_FEATURE_WEIGHTS);
  if (int(r, SVDF_NIBBLES) != 0) {
    gemv_i4_i32(row, weights, (inputs + 7) >> 3, gather_i4(from, row, inputs), accumulators, panels);
    return;
  }
  gemv_i8_i32(rowOf(from, row, inputs), weights, (inputs + 3) >> 2, accumulators, panels);
}

export function runSvdf(r: usize): void {
  const f32s = dtypeOf(r) == DTYPE_F32;
  const mode = int(r, SVDF_MODE);
  const inputs = int(r, SVDF_INPUTS);
  const units = int(r, SVDF_UNITS);
  const rank = int(r, SVDF_RANK);
  const memory = int(r, SVDF_MEMORY);
  const filters = units * rank;
  const lanes = (filters + 7) & ~7;
  const quads = (inputs + 3) >> 2;
  const size = f32s ? 4 : 1;
  const width = f32s ? 4 : 2;
  const last = (memory - 1) * width;
  const row = scratch();
  const quantized = row + (quantizedOffset(quads << 2) & ~15);
  const accumulators = row + (accumulatorsOffset(quads << 2) & ~15);
  const products = accumulators + (lanes << 2);
  const featureWeights = <usize>int(r, SVDF_FEATURE_WEIGHTS);
  const timeWeights = <usize>int(r, SVDF_TIME_WEIGHTS);
  const weightSums = <usize>int(r, SVDF_SUMS);
  const bias = <usize>int(r, SVDF_BIAS);
  share(int(r, SVDF_BATCH), 1);
  for (let b = shareFrom; b < shareTo; b++) {
    const state = <usize>int(r, SVDF_STATE) + b * filters * memory * width;
    for (let t = 0; t < int(r, SVDF_TIME); t++) {
      const x = <usize>int(r, SVDF_SOURCE) +
        (t * int(r, SVDF_SOURCE_TIME_STRIDE) + b * int(r, SVDF_SOURCE_BATCH_STRIDE)) * size;
      const y = <usize>int(r, SVDF_TARGET) +
        (t * int(r, SVDF_TARGET_TIME_STRIDE) + b * int(r, SVDF_TARGET_BATCH_STRIDE)) * size;
      shift_memory(state, filters, memory, width);
      if (f32s) {
        for (let i = 0; i < lanes; i++) store<f32>(products + (i << 2), 0);
        if (mode == RECURRENT_PLAIN) {
          gemv_add_f32(x, featureWeights, inputs, products, lanes >> 3);
        } else {
          range_f32(x, inputs, mode == RECURRENT_ASYMMETRIC);
          quantize_range(x, quantized, inputs);
          multiplyFeatures(r, quantized, row, accumulators);
          rescale_add_f32(accumulators, weightSums, products, lanes, rangeZero(), rangeScale() * float(r, SVDF_SCALE));
        }
        for (let i = 0; i < filters; i++) store<f32>(state + i * memory * 4 + last, load<f32>(products + (i << 2)));
        for (let unit = 0; unit < units; unit++) {
          let sum: f32 = 0;
          for (let k = unit * rank; k < (unit + 1) * rank; k++) {
            sum += dot_f32(timeWeights + k * memory * 4, state + k * memory * 4, memory);
          }
          store<f32>(
            y + (unit << 2),
            clamp<f32>(sum + load<f32>(bias + (unit << 2)), float(r, SVDF_MIN), float(r, SVDF_MAX)),
          );
        }
      } else {
        const zero = int(r, SVDF_SOURCE_ZERO);
        const targetZero = int(r, SVDF_TARGET_ZERO);
        multiplyFeatures(r, x, row, accumulators);
        for (let i = 0; i < filters; i++) {
          const sum = load<i32>(accumulators + (i << 2)) - zero * load<i32>(weightSums + (i << 2));
          store<i16>(
            state + i * memory * 2 + last,
            min(
              32767,
              max(-32768, multiplyFixedI32(sum, int(r, SVDF_FEATURE_MULTIPLIER), int(r, SVDF_FEATURE_EXPONENT))),
            ),
          );
        }
        for (let unit = 0; unit < units; unit++) {
          let sum = load<i32>(bias + (unit << 2));
          for (let k = unit * rank; k < (unit + 1) * rank; k++) {
            sum += dot_i16(timeWeights + k * memory * 2, state + k * memory * 2, memory);
          }
          const q =
            max(
              min(multiplyFixedI32(sum, int(r, SVDF_OUT_MULTIPLIER), int(r, SVDF_OUT_EXPONENT)), 1 << 24),
              -(1 << 24),
            ) + targetZero;
          store<i8>(y + unit, max(min(q, int(r, SVDF_MAX)), int(r, SVDF_MIN)));
        }
      }
    }
  }
}
