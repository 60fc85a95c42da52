import { test } from 'vitest';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { debugInfo, offsets, withRecord, type Change } from './plan';
import { refuses } from './refusal';

// Malformed records, in files with valid checksums. Each has one wrong field and must be refused
// with the name and the offset of the record.

/** What the error says of a record. */
export const faults = {
  arena: /reaches outside the arena/,
  weights: /reaches outside the weights/,
  attribute: /has an attribute out of range/,
  misaligned: /has a misaligned offset/,
  size: /has a wrong size/,
  opcode: /has an unknown opcode/,
} as const;

/** A test that every flavor refuses the sample file after these changes to one of its records. */
export function refused(title: string, record: number, about: RegExp, ...changes: Change[]): void {
  test(title, () => {
    const file = withRecord(record, ...changes);
    const { name } = debugInfo!.records[record]!;
    const where = new RegExp(`record ${record} \\("${name}"\\) at plan offset ${offsets[record]} `);
    for (const flavor of flavors) refuses(() => loadSync(file, { flavor }), 'CORRUPT', about, where);
  });
}
