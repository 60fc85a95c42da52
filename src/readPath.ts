import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PathReader } from './runtime/read';

/** Reads a file by its path or `file:` URL, in Node. */
export const readPath: PathReader = async (path, { signal }) => {
  const opening = open(path instanceof URL || /^file:/i.test(path) ? fileURLToPath(path) : path);
  // a pipe opens when somebody writes to it; then the caller may have left
  const closeIfLate = (file: FileHandle): Promise<void> | undefined => (signal?.aborted ? file.close() : undefined);
  void opening.then(closeIfLate).catch(() => undefined);
  const file = await opening;
  if ((await file.stat()).isFile()) {
    try {
      return await file.readFile(signal ? { signal } : {});
    } finally {
      await file.close();
    }
  }
  return Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
};
