import type { IoType, RawArray, TensorInfo } from '../index';

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Bytes of a tensor as callers hold it. */
export function tensorBytes({ dtype, shape }: { dtype: IoType; shape: readonly number[] }): number {
  return countOf(shape) * arrays[dtype].BYTES_PER_ELEMENT;
}

/** A tensor's own bytes as its typed array. */
export function fromBytes(dtype: IoType, bytes: Uint8Array): RawArray {
  return new arrays[dtype](bytes.slice().buffer);
}

export function toBytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A record of arrays by name, also where `predict` gives a lone array. */
export function byName<T>(tensors: readonly TensorInfo[], result: T | Record<string, T>): Record<string, T> {
  return tensors.length === 1 ? { [tensors[0]!.name]: result as T } : (result as Record<string, T>);
}

/**
 * Seeded noise over each input's range: bytes for quantized types, −1..1 for floats, 0 or 1 for the
 * rest.
 */
export function randomInputs(
  inputs: readonly { name: string; dtype: string; shape: readonly number[] }[],
  seed: number,
): Record<string, RawArray> {
  const random = xorshift(seed);
  return Object.fromEntries(inputs.map(({ name, dtype, shape }) => {
    const array = new arrays[dtype as IoType](countOf(shape));
    for (let i = 0; i < array.length; i++) {
      const x = random();
      if (array instanceof BigInt64Array) array[i] = BigInt(Math.round(x));
      else {array[i] = dtype === 'float32'
          ? 2 * x - 1
          : dtype === 'int8' || dtype === 'uint8'
          ? Math.floor(x * 256) - (dtype === 'int8' ? 128 : 0)
          : Math.round(x);}
    }
    return [name, array];
  }));
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
