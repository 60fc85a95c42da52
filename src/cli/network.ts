import { basename } from 'node:path';
import { compile, importTflite, readKlet, type Graph, type KletParts } from '../compiler/index';
import { KletError } from '../index';
import { readBytes } from './files';
import { describeFormat, detectFormat, type FileFormat } from './foreign';
import type { Io } from './io';
import { Progress } from './progress';

/** Files of at least this many bytes may take a second to convert. */
export const LONG_FILE = 1 << 20;

/**
 * A network that a command works on: a `.klet` file as stored on disk, or a foreign file converted
 * in memory.
 */
export interface Network {
  path: string;
  format: 'klet' | 'tflite';
  /** Size of the file on disk. */
  fileBytes: number;
  klet: Uint8Array<ArrayBuffer>;
  parts: KletParts;
}

/**
 * Opens a `.klet` file, or converts a foreign one in memory.
 *
 * @throws KletError `FETCH_FAILED`, `BAD_MAGIC`, and every error of the import, of `compile` and of
 *   `readKlet`
 */
export function openNetwork(path: string, io: Io): Network {
  const bytes = readBytes(path);
  const isKlet = detectFormat(bytes) === 'klet';
  const progress = new Progress(io, 2, bytes.length > LONG_FILE);
  try {
    if (!isKlet) progress.update(1, 'converting in memory');
    const klet = isKlet ? bytes : compile(importForeign(bytes, path)) as Uint8Array<ArrayBuffer>;
    return {
      path,
      format: isKlet ? 'klet' : 'tflite',
      fileBytes: bytes.length,
      klet,
      parts: readKlet(klet, `"${path}"`),
    };
  } finally {
    progress.stop();
  }
}

/**
 * Reads a foreign network into the compiler's graph.
 *
 * @throws KletError `BAD_MAGIC` with the format that was recognized instead, `UNSUPPORTED_OP`, …
 */
export function importForeign(bytes: Uint8Array, path: string, name = networkName(path)): Graph {
  const format: FileFormat = detectFormat(bytes);
  if (format === 'klet') {
    throw new KletError('BAD_MAGIC', `"${path}" is already a .klet file; there is nothing to convert`);
  }
  if (format !== 'tflite') {
    throw new KletError(
      'BAD_MAGIC',
      `"${path}" ${describeFormat(format)}. kinglet converts TensorFlow Lite networks (.tflite)`,
    );
  }
  return importTflite(bytes, { name });
}

/** The file's name without its extension. */
export function networkName(path: string): string {
  return basename(path).replace(/\.(tflite|lite|klet)$/i, '');
}
