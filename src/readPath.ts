import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PathReader } from './runtime/read';

/** Reads a file by its path or `file:` URL, in Node. */
export const readPath: PathReader = async (path, { signal }) => {
  const file = await open(path instanceof URL || /^file:/i.test(path) ? fileURLToPath(path) : path);
  if ((await file.stat()).isFile()) {
    try {
      return await file.readFile(signal ? { signal } : {});
    } finally {
      await file.close();
    }
  }
  return Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
};
