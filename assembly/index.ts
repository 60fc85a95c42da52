import { storeConstants } from './kernels/math';
import { resolve } from './run';

// The exports of the core. The host writes the memory map (layout.ts, MAP) and the sections, calls
// `validate` once, `prepare` once, and `run` for each prediction. It uses the kernels directly for
// the checksums of model files (`crc32`) and for the inputs of predictions.
export { validate, faultOffset, run, serve } from './run';
export { given, keep, wanted } from './operands';
export { scratchOf } from './record';
export { register } from './threads';
export { decode } from './decode';
export { crc32 } from './kernels/crc32';
export { allNumbers, quantizeInput } from './kernels/quantize';

/** Called once, after `validate` and before `run`. */
export function prepare(): void {
  storeConstants();
  resolve();
}

/** The flavor of this build: 0 scalar, 1 simd, 2 relaxed. */
export function flavor(): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return 2;
  return ASC_FEATURE_SIMD ? 1 : 0;
}
