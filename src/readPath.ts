import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Reads a file by its path or `file:` URL, in Node. */
export function readPath(path: string | URL): Promise<Uint8Array> {
  return readFile(path instanceof URL || path.startsWith('file:') ? fileURLToPath(path) : path);
}
