import { DTYPE_F32 } from '../../assembly/layout';
import { dtypeOf, type Memory } from './memory';

/**
 * Whether a record computes with float32 numbers. In kinglet/tiny, the bundler replaces this file
 * by one that returns false, so that the code for floats is left out.
 */
export function isFloat(r: number, m: Memory): boolean {
  return dtypeOf(r, m) === DTYPE_F32;
}
