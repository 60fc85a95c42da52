// The whole interface of the core. The host writes the memory map (layout.ts, MAP) and the sections, then calls
// `validate` once, `prepare` once, and `run` for each prediction.
export { validate, faultOffset, prepare, run } from './run';
export { scratchOf } from './record';

/** 1 when the core was built with SIMD, 0 when without. */
export function simd(): i32 {
  return ASC_FEATURE_SIMD ? 1 : 0;
}
