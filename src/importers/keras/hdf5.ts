import { unzlibSync } from 'fflate';
import { Dataset, File, Filters, Group } from 'jsfive';
import { KletError, messageOf } from '../../errors';
import { elementCount } from '../../graph/graph';
import type { Constant } from '../shared/constants';
import { UnsupportedTensor } from '../shared/unsupported';

/** The first bytes of HDF5 files. */
export const hdf5Magic = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** A group of an HDF5 file: attributes, groups in it, and arrays. */
export class Hdf5Group {
  private readonly children = new Map<string, Hdf5Group>();
  private readonly found = new Map<string, Group | Dataset>();

  /** @param size - The bytes of the file. */
  constructor(private readonly group: Group, private readonly size: number) {}

  /** The names of what the group contains. */
  get names(): string[] {
    return guarded(() => this.group.keys);
  }

  /** A text attribute, or the texts of a list. */
  texts(name: string): string[] | undefined {
    const value = guarded(() => (Object.hasOwn(this.group.attrs, name) ? this.group.attrs[name] : undefined));
    if (value === undefined || value === null) return undefined;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    // strings of fixed length are padded with zeros
    return list.map((text) => String(text).replace(/\0+$/, ''));
  }

  /**
   * The texts of a list that may be spread over attributes with numbers after the name, as an
   * attribute holds 64 KB at most.
   */
  longList(name: string): string[] | undefined {
    const whole = this.texts(name);
    if (whole) return whole;
    const parts: string[] = [];
    for (let i = 0;; i++) {
      const part = this.texts(`${name}${i}`);
      if (!part) return i === 0 ? undefined : parts;
      parts.push(...part);
    }
  }

  /** A group in this one, or undefined. */
  child(name: string): Hdf5Group | undefined {
    const found = this.find(name);
    if (!(found instanceof Group)) return undefined;
    const child = this.children.get(name) ?? new Hdf5Group(found, this.size);
    this.children.set(name, child);
    return child;
  }

  /** An array, as a constant. */
  array(path: string): Constant | undefined {
    const found = this.find(path);
    return found instanceof Dataset ? guarded(() => decode(found, path, this.size)) : undefined;
  }

  private find(path: string): Group | Dataset | undefined {
    const found = this.found.get(path) ?? guarded(() => {
      let at: Group | Dataset | null = this.group;
      for (const part of path.split('/')) {
        if (!(at instanceof Group) || !at.keys.includes(part)) return undefined;
        at = at.get(part);
      }
      return at ?? undefined;
    });
    // the parser reads all of a group each time that it is asked for it
    if (found) this.found.set(path, found);
    return found;
  }
}

/** Opens an HDF5 file. @throws {KletError} `CORRUPT` */
export function openHdf5(bytes: Uint8Array): Hdf5Group {
  const { buffer } = new Uint8Array(bytes);
  limitReads(buffer);
  return guarded(() => new Hdf5Group(new File(buffer, ''), bytes.length));
}

/**
 * Limits how much the parser takes out of a file: it would follow links in a circle forever. It
 * reads a piece for each name and each node of a tree, of which a whole file has few.
 */
function limitReads(buffer: ArrayBuffer): void {
  let pieces = 2 ** 16 + buffer.byteLength / 8;
  let bytes = 2 ** 22 + 16 * buffer.byteLength;
  Object.defineProperty(buffer, 'slice', {
    value: (begin?: number, end?: number): ArrayBuffer => {
      const piece = ArrayBuffer.prototype.slice.call(buffer, begin ?? 0, end);
      pieces--;
      bytes -= piece.byteLength;
      if (pieces < 0 || bytes < 0) throw new KletError('CORRUPT', 'the HDF5 file refers to its own parts in a circle');
      return piece;
    },
  });
}

/**
 * Runs the parser, whose errors are mostly strings. Its warnings are dropped, because they quote
 * names of the file, which may contain control characters.
 */
function guarded<T>(run: () => T): T {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return run();
  } catch (error) {
    if (error instanceof KletError || error instanceof UnsupportedTensor) throw error;
    // a TypeError of the parser says nothing about the file
    const reason = error instanceof TypeError ? '' : ` (${messageOf(error)})`;
    throw new KletError('CORRUPT', `the HDF5 file is cut or damaged${reason}`, { cause: error });
  } finally {
    console.warn = warn;
  }
}

/** The number of the filter "deflate" in HDF5 files (section IV.A.2.l of the specification). */
const DEFLATE = 1;

/**
 * A filter that inflates the chunks of an array. The parser's own has no limit, so that a small
 * file could take all memory.
 *
 * @param largest - The most bytes of a chunk.
 * @param all - The most bytes of all chunks together.
 */
export function inflateUpTo(largest: number, all: number): (chunk: ArrayBuffer) => ArrayBuffer {
  let left = all;
  return (chunk) => {
    const limit = Math.min(largest, left);
    // one more byte shows that there is more
    const bytes = unzlibSync(new Uint8Array(chunk), { out: new Uint8Array(limit + 1) });
    if (bytes.length > limit) throw new KletError('CORRUPT', `a compressed chunk has more than its ${limit} bytes`);
    left -= bytes.length;
    return bytes.slice().buffer;
  };
}

/** Chunks may be compressed, which gains little on weights. */
const LARGEST_FACTOR = 64;
/** Bytes of the checksum that a chunk may have. */
const CHECKSUM = 4;

function decode(dataset: Dataset, name: string, fileSize: number): Constant {
  const { shape, dtype } = dataset;
  const code = typeof dtype === 'string' ? /^[<>|=]?([fiu])(\d)$/.exec(dtype) : undefined;
  if (!code) throw new UnsupportedTensor(`"${name}" (${String(dtype)})`);
  const count = elementCount(shape);
  const { chunks } = dataset._dataobjects;
  const largest = chunks ? Math.max(count, elementCount(chunks)) / LARGEST_FACTOR : count;
  if (!(largest * Number(code[2]) <= fileSize)) {
    throw new KletError('CORRUPT', `the array "${name}" of the shape [${shape.join(', ')}] is larger than the file`);
  }
  if (chunks) {
    const chunkCount = elementCount(chunks.map((size, d) => Math.ceil(shape[d]! / size)));
    // chunks at the ends are whole
    const chunkBytes = elementCount(chunks) * Number(code[2]) + CHECKSUM;
    Filters.set(DEFLATE, inflateUpTo(chunkBytes, chunkCount * chunkBytes));
  }
  const { value } = dataset;
  if (value.length !== count) {
    throw new KletError('CORRUPT', `the array "${name}" has ${value.length} elements for [${shape.join(', ')}]`);
  }
  // an array that was never written is 0
  const number = (element: unknown): number => Number(element ?? 0);
  if (code[1] === 'f') return { name, shape: [...shape], dtype: 'float32', data: Float32Array.from(value, number) };
  return { name, shape: [...shape], dtype: 'int32', data: Int32Array.from(value, number) };
}
