// The whole interface of the core. The host writes the memory map (layout.ts, MAP) and the
// sections, then calls `validate` once, `prepare` once, and `run` for each prediction. The kernels
// are for the files that models come in (`crc32`) and for what callers pass to them.
export { validate, faultOffset, prepare, run, serve } from './run';
export { scratchOf } from './record';
export { register } from './threads';
export { decode } from './decode';
export { crc32 } from './kernels/crc32';
export { allNumbers, quantizeInput } from './kernels/quantize';

/** Which build this is: 0 scalar, 1 simd, 2 relaxed. */
export function flavor(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 2 : ASC_FEATURE_SIMD ? 1 : 0;
}
