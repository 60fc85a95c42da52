import { order, relaxedPatch, relaxedThreadsPatch, scalar, scalarThreadsPatch, simd, simdThreadsPatch,
  unpacker } from '../../build/core.js';
import { startModule, type InlinedCores } from './core';

// assembly/unpack/index.ts describes this encoding.

interface Unpacker {
  memory: { buffer: ArrayBuffer };
  decode: (text: number, end: number, out: number) => number;
  patch: (from: number, steps: number, end: number, out: number) => number;
}

const ORDER = 256;
const TEXT = 768;

/** Decodes a text to bytes and applies the patches, if there are any. */
function unpack(text: string, ...patchTexts: string[]): Uint8Array {
  const { memory, decode, patch } = startModule(bytesOfDigits(unpacker)) as unknown as Unpacker;
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(bytesOfDigits(order), ORDER);
  let at = TEXT;
  /** @returns the address of the decoded bytes, which end at `at` */
  const place = (characters: string): number => {
    const from = at;
    const start = from + characters.length;
    // worklets have none
    if (typeof TextEncoder === 'function') new TextEncoder().encodeInto(characters, bytes.subarray(from));
    else for (let i = 0; i < characters.length; i++) bytes[from + i] = characters.charCodeAt(i);
    at = decode(from, start, start);
    return start;
  };
  let start = place(text);
  for (const patchText of patchTexts) {
    const steps = place(patchText);
    const end = at;
    at = patch(start, steps, end, end);
    start = end;
  }
  return bytes.subarray(start, at);
}

export function bytesOfDigits(digits: string): Uint8Array {
  const { fromHex } = Uint8Array as { fromHex?: (digits: string) => Uint8Array };
  return fromHex
    ? fromHex.call(Uint8Array, digits)
    : Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** The cores in every bundle that carries cores, fastest first. */
export const simdCores: InlinedCores = { relaxed: () => unpack(simd, relaxedPatch), simd: () => unpack(simd) };

/** The same cores built for threads, stored as patches. */
export const simdThreadedCores: InlinedCores = {
  relaxed: () => unpack(simd, relaxedPatch, relaxedThreadsPatch),
  simd: () => unpack(simd, simdThreadsPatch),
};

/** The scalar core, for engines without SIMD. Bundles for pages do not carry it. */
export const scalarCore: InlinedCores = { scalar: () => unpack(scalar) };

/** The same core built for threads, stored as a patch. */
export const scalarThreadedCore: InlinedCores = { scalar: () => unpack(scalar, scalarThreadsPatch) };
