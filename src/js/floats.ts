import { DTYPE_F32 } from '../../assembly/layout';
import { dtypeOf, type Memory } from './memory';

/**
 * Whether a record computes with float32 numbers. For kinglet/tiny, src/build/tiny.mjs replaces the
 * calls by `false`, so that the code for floats is left out.
 */
export function isFloat(r: number, m: Memory): boolean {
  return dtypeOf(r, m) === DTYPE_F32;
}
