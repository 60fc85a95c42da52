import type { IoType, RawArray, TensorInfo } from '../index';

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Size of a tensor's typed array in the host, in bytes. */
export function tensorBytes({ dtype, shape }: { dtype: IoType; shape: readonly number[] }): number {
  return countOf(shape) * arrays[dtype].BYTES_PER_ELEMENT;
}

/** A tensor's raw bytes as its typed array. */
export function fromBytes(dtype: IoType, bytes: Uint8Array): RawArray {
  return new arrays[dtype](bytes.slice().buffer);
}

export function toBytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Outputs by name, also for models with one output, whose `predict` returns a bare array. */
export function byName<T>(tensors: readonly TensorInfo[], result: T | Record<string, T>): Record<string, T> {
  return tensors.length === 1 ? { [tensors[0]!.name]: result as T } : (result as Record<string, T>);
}

/**
 * Seeded uniform noise for each input: the whole range of int8, uint8 and int16, −1..1 for
 * float32, 0 or 1 for the other types.
 */
export function randomInputs(
  inputs: readonly { name: string; dtype: string; shape: readonly number[] }[],
  seed: number,
): Record<string, RawArray> {
  const random = xorshift(seed);
  return Object.fromEntries(inputs.map(({ name, dtype, shape }) => {
    const array = new arrays[dtype as IoType](countOf(shape));
    for (let i = 0; i < array.length; i++) {
      const value = spread(random(), dtype);
      if (array instanceof BigInt64Array) array[i] = BigInt(value);
      else array[i] = value;
    }
    return [name, array];
  }));
}

/** Maps `x` in 0..1 to the range of the type's noise. */
function spread(x: number, dtype: string): number {
  switch (dtype) {
    case 'float32':
      return 2 * x - 1;
    case 'int8':
      return Math.floor(x * 256) - 128;
    case 'uint8':
      return Math.floor(x * 256);
    case 'int16':
      return Math.floor(x * 65536) - 32768;
    default:
      return Math.round(x);
  }
}

/** Seeded numbers in 0..1: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
function xorshift(seed: number): () => number {
  let x = Math.imul(seed + 1, 0x9e3779b1) || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}
