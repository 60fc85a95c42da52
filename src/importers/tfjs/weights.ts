import { KletError } from '../../errors';
import { elementCount, type ConstantData, type DType } from '../../graph/graph';
import { decodeElements, storedBytes, type Constant, type StoredType } from '../shared/constants';
import { findFile, type ModelFiles } from '../shared/files';
import { NamedWeights } from '../shared/keras/weights';
import { UnsupportedTensor } from '../shared/unsupported';
import type { WeightGroupJson, WeightJson } from './read';

/** Element types of weights. The unsigned ones hold floats in steps of a scale. */
const stored: Record<string, { stored: StoredType; dtype: DType }> = {
  float32: { stored: 'float32', dtype: 'float32' },
  float16: { stored: 'float16', dtype: 'float32' },
  int32: { stored: 'int32', dtype: 'int32' },
  int16: { stored: 'int16', dtype: 'int32' },
  int8: { stored: 'int8', dtype: 'int32' },
  uint8: { stored: 'uint8', dtype: 'int32' },
  uint16: { stored: 'uint16', dtype: 'int32' },
  bool: { stored: 'bool', dtype: 'bool' },
};

/** Types that a file may list, but that no operator here reads. */
const refused: Record<string, number | undefined> = { complex64: 8, string: undefined };

/** Where the bytes of a weight are. */
interface Place {
  weight: WeightJson;
  bytes: Uint8Array;
}

/** The weights of a model, decoded when they are read. */
export class Weights {
  private readonly places = new Map<string, Place>();

  /** @throws {KletError} `BAD_ARGUMENT` if files are missing, `CORRUPT` if they are too short */
  constructor(groups: readonly WeightGroupJson[], files: ModelFiles) {
    const missing = [...new Set(groups.flatMap(({ paths }) => paths))].filter((path) => !findFile(files, path));
    if (missing.length > 0) {
      const names = missing.map((path) => `"${path}"`).join(', ');
      const [what, were] = missing.length === 1 ? ['file', 'was'] : ['files', 'were'];
      throw new KletError(
        'BAD_ARGUMENT',
        `its weights are in the ${what} ${names}, which ${were} not given; put all files of weights beside `
          + 'model.json, or pass them by name',
      );
    }
    for (const group of groups) this.locate(group, joined(group.paths.map((path) => findFile(files, path)!)));
  }

  /** The weights of layers, which have the names that Keras gives them. */
  byLayer(): NamedWeights {
    return new NamedWeights([...this.places.keys()].map((name) => ({ name, read: () => this.get(name)! })));
  }

  /**
   * The values of a weight as float32, int32 or bool, or undefined if there is none.
   *
   * @throws {UnsupportedTensor} for strings and complex numbers
   */
  get(name: string): Constant | undefined {
    const place = this.places.get(name);
    if (!place) return undefined;
    const { weight: { shape, dtype, quantization }, bytes } = place;
    const type = Object.hasOwn(stored, dtype) ? stored[dtype] : undefined;
    if (!type) throw new UnsupportedTensor(`"${name}" (${dtype})`);
    const values = decodeElements(storedType(place.weight), bytes, elementCount(shape), name);
    const isStepped = quantization && quantization.dtype !== 'float16';
    const data = isStepped ? dequantized(values, quantization, type.dtype) : values;
    return { name, shape: [...shape], dtype: type.dtype, data: type.dtype === 'int32' ? Int32Array.from(data) : data };
  }

  private locate({ paths, weights }: WeightGroupJson, bytes: Uint8Array): void {
    let at = 0;
    const found = paths.map((path) => `"${path}"`).join(', ');
    for (const weight of weights) {
      const size = sizeOf(weight, bytes, at);
      if (!(at + size <= bytes.length)) {
        throw new KletError(
          'CORRUPT',
          `the weight "${weight.name}" ends at byte ${at + size} of ${found}, which has ${bytes.length} bytes`,
        );
      }
      this.places.set(weight.name, { weight, bytes: bytes.subarray(at, at + size) });
      at += size;
    }
  }
}

function storedType({ name, dtype, quantization }: WeightJson): StoredType {
  const type = quantization?.dtype ?? dtype;
  const isKnown = Object.hasOwn(stored, type) && (!quantization || ['float16', 'uint8', 'uint16'].includes(type));
  if (!isKnown) throw new KletError('CORRUPT', `the weight "${name}" has the unknown type "${type}"`);
  return stored[type]!.stored;
}

/** The bytes that a weight takes. Each string has its length before it. */
function sizeOf(weight: WeightJson, bytes: Uint8Array, at: number): number {
  const count = elementCount(weight.shape);
  if (weight.quantization || !Object.hasOwn(refused, weight.dtype)) return storedBytes(storedType(weight), count);
  const each = refused[weight.dtype];
  if (each !== undefined) return each * count;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = at;
  for (let i = 0; i < count && end <= bytes.length; i++) {
    end += 4 + (end + 4 <= bytes.length ? view.getUint32(end, true) : 0);
  }
  return end - at;
}

function dequantized(values: ConstantData, { scale, min }: { scale: number; min: number }, dtype: DType): ConstantData {
  if (dtype === 'float32') return Float32Array.from(values, (value) => value * scale + min);
  return Int32Array.from(values, (value) => Math.round(value * scale + min));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
