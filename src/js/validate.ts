import { beginArena, beginOperands, beginValidation, beginWalk, countWork, describe, endOperands, endRecord, FLOATS,
  faultOf, RECORD_WORK, WRITTEN } from '../../build/records.js';
import { FAULT_NONE, FAULT_OPCODE, FAULT_RECORD_SIZE, FIRST_EXTRA_OPCODE, MAP, MAP_ARENA, MAP_PLAN, MAP_PLAN_BYTES,
  OPERAND_BYTES, OPERAND_COUNT, OPERANDS, RECORD_SIZE } from '../../assembly/layout';
import { load_u32, load_u8, readFrom } from './load';
import type { PlainExtra } from './run';

/** Plan offset of the record that `validate` refused */
export let faultOffset = 0;

/** Checks a record and notes its operands. @returns a FAULT_ code */
function describeRecord(buffer: ArrayBuffer, r: number, extra?: PlainExtra): number {
  beginOperands();
  if (load_u8(r) >= FIRST_EXTRA_OPCODE) return extra ? extra.validate(buffer, r) : FAULT_OPCODE;
  describe(r);
  return faultOf();
}

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
  beginValidation();
  beginArena();
  for (let at = 0; at < bytes;) {
    faultOffset = at;
    if (bytes - at < 8) return FAULT_RECORD_SIZE;
    const size = load_u32(plan + at + RECORD_SIZE);
    if (size < 8 || (size & 7) !== 0 || size > bytes - at) return FAULT_RECORD_SIZE;
    countWork(RECORD_WORK);
    let fault = describeRecord(buffer, plan + at, extra);
    endRecord();
    if (fault === FAULT_NONE) fault = endOperands();
    if (fault !== FAULT_NONE) return fault;
    at += size;
  }
  return FAULT_NONE;
}

/** The functions of assembly/operands.ts for the host, on the memory of a model. */
export function noting(
  buffer: ArrayBuffer,
  note: (from: number, to: number, what: number) => void,
): (from: number, to: number, what: number) => void {
  return function(from, to, what) {
    readFrom(buffer);
    note(from, to, what);
  };
}

/**
 * Runs the records of a plan at plan offsets in [from, to), and gives all NaNs of their targets the
 * same bits, as `run` of assembly/run.ts does in plans that may read bits of NaN as integers.
 *
 * @param runOne runs the record at a plan offset
 */
export function runUnified(
  buffer: ArrayBuffer,
  extra: PlainExtra | undefined,
  from: number,
  to: number,
  runOne: (at: number) => void,
): void {
  const plan = new Uint32Array(buffer)[(MAP + MAP_PLAN) >> 2]!;
  const arena = new Uint32Array(buffer)[(MAP + MAP_ARENA) >> 2]!;
  for (let at = from; at < to; at += load_u32(plan + at + RECORD_SIZE)) {
    runOne(at);
    readFrom(buffer);
    beginWalk(false);
    describeRecord(buffer, plan + at, extra);
    for (let i = 0; i < load_u32(OPERAND_COUNT); i++) {
      const operand = OPERANDS + i * OPERAND_BYTES;
      const flags = load_u32(operand + 8);
      if ((flags & WRITTEN) === 0 || (flags & FLOATS) === 0) continue;
      const floats = new Float32Array(
        buffer,
        arena + load_u32(operand),
        (load_u32(operand + 4) - load_u32(operand)) >> 2,
      );
      const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
      floats.forEach((value, k) => {
        if (value !== value) words[k] = 0x7fc00000;
      });
    }
  }
}
