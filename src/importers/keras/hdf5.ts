import { Dataset, File, Group } from 'jsfive';
import { KletError } from '../../errors';
import { elementCount } from '../../graph/graph';
import type { Constant } from '../shared/constants';
import { UnsupportedTensor } from '../shared/unsupported';

/** The first bytes of HDF5 files. */
export const hdf5Magic = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** A group of an HDF5 file: attributes, groups in it, and arrays. */
export class Hdf5Group {
  constructor(private readonly group: Group) {}

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
    return found instanceof Group ? new Hdf5Group(found) : undefined;
  }

  /** An array, as a constant. */
  array(path: string): Constant | undefined {
    const found = this.find(path);
    return found instanceof Dataset ? guarded(() => decode(found, path)) : undefined;
  }

  private find(path: string): Group | Dataset | undefined {
    return guarded(() => {
      let at: Group | Dataset | null = this.group;
      for (const part of path.split('/')) {
        if (!(at instanceof Group) || !at.keys.includes(part)) return undefined;
        at = at.get(part);
      }
      return at ?? undefined;
    });
  }
}

/** Opens an HDF5 file. @throws {KletError} `CORRUPT` */
export function openHdf5(bytes: Uint8Array): Hdf5Group {
  const { buffer } = new Uint8Array(bytes);
  return guarded(() => new Hdf5Group(new File(buffer, '')));
}

/** Runs the parser, whose errors are mostly strings. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof KletError || error instanceof UnsupportedTensor) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new KletError('CORRUPT', `the HDF5 file is cut or damaged (${message})`, { cause: error });
  }
}

function decode(dataset: Dataset, name: string): Constant {
  const { shape, dtype } = dataset;
  const code = typeof dtype === 'string' ? /^[<>|=]?([fiu])(\d)$/.exec(dtype) : undefined;
  if (!code) throw new UnsupportedTensor(`"${name}" (${String(dtype)})`);
  const count = elementCount(shape);
  const { value } = dataset;
  if (value.length !== count) {
    throw new KletError('CORRUPT', `the array "${name}" has ${value.length} elements for [${shape.join(', ')}]`);
  }
  if (code[1] === 'f') return { name, shape: [...shape], dtype: 'float32', data: Float32Array.from(value, Number) };
  return { name, shape: [...shape], dtype: 'int32', data: Int32Array.from(value, Number) };
}
