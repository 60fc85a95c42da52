import * as L from '../../assembly/layout';
import { readKlet } from '../../src/compiler/index';
import { SECTION_PLAN } from '../../src/format/klet';
import { sampleFile } from './sample';
import { viewOf, withSection } from './seal';

// The plan of the sample file, and copies of the file with changed records.

export const original = sampleFile();
export const { plan, debugInfo, arenaBytes } = readKlet(original);

/** The plan offsets of all records. */
export const offsets: number[] = [];
for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + L.RECORD_SIZE, true)) offsets.push(at);

/** A u32 field of a record. */
export function fieldOf(record: number, field: number): number {
  return viewOf(plan).getUint32(offsets[record]! + field, true);
}

/** The first record with this opcode, this element type and these u32 fields. */
export function recordOf(opcode: number, dtype?: number, ...fields: [field: number, value: number][]): number {
  const record = offsets.findIndex((at, i) =>
    plan[at] === opcode && (dtype === undefined || plan[at + L.RECORD_DTYPE] === dtype)
    && fields.every(([field, value]) => fieldOf(i, field) === value)
  );
  if (record < 0) throw new Error(`the sample file has no record with opcode ${opcode} and type ${dtype}`);
  return record;
}

export type Change = [field: number, value: number, kind?: 'float' | 'byte'];

/** The file with changes to one record. */
export function withRecord(record: number, ...changes: Change[]): Uint8Array {
  return withSection(original, SECTION_PLAN, (bytes) => {
    const view = viewOf(bytes);
    const at = offsets[record]!;
    for (const [field, value, kind] of changes) {
      if (kind === 'float') view.setFloat32(at + field, value, true);
      else if (kind === 'byte') view.setUint8(at + field, value);
      else view.setInt32(at + field, value, true);
    }
    return bytes;
  });
}
