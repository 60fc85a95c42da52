import { crc32 } from '../../src/format/crc32';

// Recomputes the checksums of changed files, so that the checks that follow them are tested.

const HEADER = 32;
const ENTRY = 16;

export interface Section {
  kind: number;
  offset: number;
  length: number;
}

export function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.byteLength);
}

/** The section table of a file. */
export function sectionsOf(file: Uint8Array): Section[] {
  const view = viewOf(file);
  return Array.from({ length: view.getUint32(24, true) }, (_, i) => {
    const at = HEADER + i * ENTRY;
    return {
      kind: view.getUint32(at, true),
      offset: view.getUint32(at + 4, true),
      length: view.getUint32(at + 8, true),
    };
  });
}

/** Recomputes all checksums of a file, as far as its section table is valid. */
export function reseal<A extends Uint8Array>(file: A): A {
  if (file.length < HEADER) return file;
  const view = viewOf(file);
  const count = Math.min(view.getUint32(24, true), 64);
  const end = HEADER + count * ENTRY;
  if (end > file.length) return file;
  for (let at = HEADER; at < end; at += ENTRY) {
    const offset = view.getUint32(at + 4, true);
    const length = view.getUint32(at + 8, true);
    if (offset + length <= file.length) view.setUint32(at + 12, crc32(file.subarray(offset, offset + length)), true);
  }
  const covered = new Uint8Array(28 + end - HEADER);
  covered.set(file.subarray(0, 28));
  covered.set(file.subarray(HEADER, end), 28);
  view.setUint32(28, crc32(covered), true);
  return file;
}

/** A file in which one section has different bytes, of any length. */
export function withSection(file: Uint8Array, kind: number, change: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const sections = sectionsOf(file);
  const bodies: Uint8Array[] = sections.map((s) => file.slice(s.offset, s.offset + s.length));
  const target = sections.findIndex((s) => s.kind === kind);
  bodies[target] = change(bodies[target]!);
  let at = HEADER + sections.length * ENTRY;
  const offsets = bodies.map((body) => {
    const offset = Math.ceil(at / 16) * 16;
    at = offset + body.length;
    return offset;
  });
  const made = new Uint8Array(at);
  const view = viewOf(made);
  made.set(file.subarray(0, HEADER + sections.length * ENTRY));
  view.setUint32(8, at, true);
  bodies.forEach((body, i) => {
    made.set(body, offsets[i]);
    view.setUint32(HEADER + i * ENTRY + 4, offsets[i]!, true);
    view.setUint32(HEADER + i * ENTRY + 8, body.length, true);
  });
  return reseal(made);
}
