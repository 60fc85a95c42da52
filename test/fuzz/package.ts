import { join } from './changes';

// Several files as one input: a line with their names and sizes, and then their bytes.

export type Files = Record<string, Uint8Array>;

export function pack(files: Files): Uint8Array {
  const head = Object.entries(files).map(([name, { length }]) => [name, length]);
  return join(new TextEncoder().encode(`files ${JSON.stringify(head)}\n`), ...Object.values(files));
}

/** The files of a packed input, or undefined for one file. */
export function unpack(bytes: Uint8Array): Files | undefined {
  const end = bytes.indexOf(10);
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0)));
  if (!head.startsWith('files [')) return undefined;
  let list: [string, number][];
  try {
    list = JSON.parse(head.slice(6)) as typeof list;
  } catch {
    return undefined;
  }
  let at = end + 1;
  return Object.fromEntries(list.map(([name, length]) => [name, bytes.slice(at, at += length)]));
}
