import { deflateSync, inflateSync } from 'fflate';
import { crc32 } from '../../src/format/crc32';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A failing input in a file, which is also the form of a regression test. */
export interface Found {
  target: string;
  /** What failed; for a regression test, what was wrong and is right now. */
  why: string;
  /** An input that is text. */
  text?: string;
  /** Other inputs: base64 of the compressed bytes. */
  deflated?: string;
}

const folder = path.resolve(import.meta.dirname, 'found');

export function readFound(file: string): { target: string; why: string; bytes: Uint8Array } {
  const { target, why, text, deflated } = JSON.parse(readFileSync(file, 'utf8')) as Found;
  const bytes = text === undefined ? inflateSync(Buffer.from(deflated!, 'base64')) : new TextEncoder().encode(text);
  return { target, why, bytes };
}

/** @returns the path of the file, from the working directory */
export function writeFound(target: string, why: string, bytes: Uint8Array): string {
  const text = bytes.includes(0) || bytes.some((byte) => byte > 126) ? undefined : new TextDecoder().decode(bytes);
  const content = text === undefined ? { deflated: Buffer.from(deflateSync(bytes)).toString('base64') } : { text };
  const name = `${target.replaceAll(' ', '-')}-${(crc32(bytes) >>> 0).toString(16).padStart(8, '0')}.json`;
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  writeFileSync(file, `${JSON.stringify({ target, why, ...content } satisfies Found, null, 2)}\n`);
  return path.relative(process.cwd(), file);
}
