// The entry of the scripts that `kinglet convert --script` writes: one model with only the
// operators that it needs. src/build/tiny.mjs divides it into parts.
import type { Meta } from './file';
import { makeModel, type TinyModel } from './model';
import { operators } from './operators';

/** The parts of a file in one array: where plan, weights and golden cases begin and end. */
export interface Layout {
  meta: Meta;
  plan: [number, number];
  weights: [number, number];
  golden: [number, number];
  arenaBytes: number;
}

/** Makes the model; `bytes` begins at an address that is a multiple of 8. */
export function start(layout: Layout, bytes: Uint8Array): TinyModel {
  return makeModel(operators, {
    meta: layout.meta,
    plan: bytes.subarray(layout.plan[0], layout.plan[1]),
    weights: bytes.subarray(layout.weights[0], layout.weights[1]),
    golden: bytes.subarray(layout.golden[0], layout.golden[1]),
    arenaBytes: layout.arenaBytes,
  });
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The bytes of base64 in pieces, each of a multiple of four digits and without padding. */
export function decodeBase64(pieces: string[], length: number): Uint8Array {
  const values: Record<string, number> = {};
  for (let i = 0; i < 64; i++) values[DIGITS.charAt(i)] = i;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let p = 0; p < pieces.length; p++) {
    const piece = pieces[p]!;
    for (let i = 0; i < piece.length; i += 4) {
      const word = values[piece.charAt(i)]! * 262144 + values[piece.charAt(i + 1)]! * 4096 +
        values[piece.charAt(i + 2)]! * 64 + values[piece.charAt(i + 3)]!;
      for (let shift = 16; shift >= 0; shift -= 8) if (at < length) bytes[at++] = word >> shift;
    }
  }
  return bytes;
}
