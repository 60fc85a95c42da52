import { KletError } from '../errors';
import type { InputArray, Model, TensorInfo } from '../index';

// The values that go in and out of a model, for libraries whose tensors have types.

/** The typed arrays that `predictInto` fills. */
export type OutputArray = Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array;

/** Element types of the values of an output. */
export type OutputType = 'float32' | 'int8' | 'uint8' | 'int16' | 'int32' | 'int64' | 'bool';

const arrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** The type of the values: real numbers for quantized tensors, otherwise the tensor's own type. */
export function valueType({ dtype, scale }: TensorInfo): OutputType {
  return scale === undefined ? dtype : 'float32';
}

export function newArray(type: OutputType, count: number): OutputArray {
  return new arrays[type](count);
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/**
 * Runs a model on arrays in the order of its inputs.
 *
 * @param wanted the outputs, with the arrays to fill; others are not read
 */
export function run(model: Model, inputs: readonly InputArray[], wanted: Record<string, OutputArray>): void {
  model.predictInto(Object.fromEntries(model.inputs.map(({ name }, i) => [name, inputs[i]!])), wanted);
}

/**
 * @param at an index with which messages say where a wrong value is
 * @returns whole numbers as 32-bit integers, which kinglet computes int64 with
 * @throws KletError `BAD_ARGUMENT` if a value is no whole number, or too large
 */
export function toInt32(values: ArrayLike<number | bigint>, what: string): Int32Array {
  const result = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    result[i] = Number(value);
    if (result[i] === Number(value)) continue;
    throw new KletError(
      'BAD_ARGUMENT',
      `${what} holds ${String(value)} at index ${i}; kinglet computes whole numbers with 32 bits, `
        + 'from −2147483648 to 2147483647',
    );
  }
  return result;
}

/** @throws KletError `SHAPE_MISMATCH` if a tensor does not have the shape of an input */
export function checkShape({ name, shape }: TensorInfo, dims: readonly number[]): void {
  if (dims.length === shape.length && dims.every((size, i) => size === shape[i])) return;
  throw new KletError(
    'SHAPE_MISMATCH',
    `input "${name}" has the shape [${shape.join(', ')}], the tensor [${dims.join(', ')}]; ${
      advice(shape, dims, name)
    }`,
  );
}

function advice(shape: readonly number[], dims: readonly number[], name: string): string {
  const count = countOf(shape);
  const withoutOnes = (sizes: readonly number[]): string => sizes.filter((size) => size !== 1).join();
  if (withoutOnes(shape) === withoutOnes(dims) || dims.length < Math.min(2, shape.length) && countOf(dims) === count) {
    return `if the order of the values is right, tensor.reshape([${shape.join(', ')}]) fits`;
  }
  const sorted = (sizes: readonly number[]): string => [...sizes].sort((a, b) => a - b).join();
  if (shape.length === 4 && sorted(shape) === sorted(dims)) {
    return 'the dimensions are in another order, probably with channels first ([N][C][H][W]) on one side and last on '
      + 'the other: fill the tensor in the order of the network, or convert again with or without --layout nhwc';
  }
  return 'shapes are fixed when a network is converted, for other sizes convert again with '
    + `npx kinglet convert IN -o OUT.klet --shape ${name}=${dims.join(',')}`;
}

/** The input with a name. @throws KletError `MISSING_INPUT` */
export function checkNames(given: readonly string[], inputs: readonly TensorInfo[]): void {
  const known = inputs.map(({ name }) => `"${name}"`).join(', ');
  const missing = inputs.find(({ name }) => !given.includes(name));
  const unknown = given.find((name) => !inputs.some((input) => input.name === name));
  if (missing === undefined && unknown === undefined) return;
  const names = given.map((name) => `"${name}"`).join(', ');
  throw new KletError(
    'MISSING_INPUT',
    inputs.length === 1 && given.length === 1
      ? `the network takes ${known}, it got ${names}`
      : `the network ${
        missing ? `lacks its input "${missing.name}"` : `has no input "${unknown!}"`
      }; its inputs are ${known}, it got ${names || 'none'}`,
  );
}
