import { beginWalk, describe, faultOf } from '../../build/records.js';
import { FAULT_NONE, FAULT_OPCODE, FAULT_RECORD_SIZE, FIRST_EXTRA_OPCODE, MAP, MAP_PLAN, MAP_PLAN_BYTES,
  RECORD_SIZE } from '../../assembly/layout';
import { load_u32, load_u8, readFrom } from './load';
import type { PlainExtra } from './run';

/** Plan offset of the record that `validate` refused */
export let faultOffset = 0;

/**
 * Proves that no record accesses memory outside its sections, by the descriptions of assembly/, as
 * `validate` of assembly/run.ts does.
 *
 * @returns a FAULT_ code
 */
export function validate(buffer: ArrayBuffer, extra?: PlainExtra): number {
  readFrom(buffer);
  const plan = load_u32(MAP + MAP_PLAN);
  const bytes = load_u32(MAP + MAP_PLAN_BYTES);
  beginWalk(false);
  for (let at = 0; at < bytes;) {
    faultOffset = at;
    if (bytes - at < 8) return FAULT_RECORD_SIZE;
    const size = load_u32(plan + at + RECORD_SIZE);
    if (size < 8 || (size & 7) !== 0 || size > bytes - at) return FAULT_RECORD_SIZE;
    let fault = FAULT_OPCODE;
    if (load_u8(plan + at) < FIRST_EXTRA_OPCODE) {
      describe(plan + at);
      fault = faultOf();
    } else if (extra) fault = extra.validate(buffer, plan + at);
    if (fault !== FAULT_NONE) return fault;
    at += size;
  }
  return FAULT_NONE;
}
