import * as L from '../../assembly/layout';

/** Offsets of the records in a plan. */
export function recordOffsets(plan: Uint8Array): number[] {
  const view = new DataView(plan.buffer, plan.byteOffset, plan.byteLength);
  const offsets: number[] = [];
  for (let at = 0; at + 8 <= plan.length;) {
    offsets.push(at);
    const size = view.getUint32(at + L.RECORD_SIZE, true);
    if (size === 0) break;
    at += size;
  }
  return offsets;
}
