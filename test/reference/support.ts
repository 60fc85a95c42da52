import { KletError } from '../../src/errors';
import { elementCount, type AnyNode, type DType, type Tensor, type TensorData } from '../../src/graph/graph';
import type { FusedActivation, Padding, Pair } from '../../src/graph/operators';
import { activationRange, clamp, isQuantized, realRange } from './requantize';

/** The values of a node's inputs, in order; `null` for an absent optional input. */
export type Inputs = readonly (TensorData | null)[];

/** The shape of images or of convolution weights. */
export type Shape4 = [number, number, number, number];

/** A zeroed array of the tensor's type and size. */
export function allocate(tensor: Tensor): TensorData {
  const count = elementCount(tensor.shape);
  switch (tensor.dtype) {
    case 'float32':
      return new Float32Array(count);
    case 'int8':
      return new Int8Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
    case 'int32':
    case 'int64':
      return new Int32Array(count);
    case 'int16':
      return new Int16Array(count);
  }
}

/** The value of a required input. */
export function valueOf(node: AnyNode, inputs: Inputs, index = 0): TensorData {
  const value = inputs[index];
  if (!value) throw new KletError('INVALID_GRAPH', `${node.op} "${node.name}" has no value for its input ${index}`);
  return value;
}

export function isInteger(dtype: DType): boolean {
  return dtype === 'int32' || dtype === 'int64';
}

export function unsupported(node: AnyNode): KletError {
  const types = [...node.inputs, ...node.outputs].map((t) =>
    t ? t.dtype + (t.quantization ? '(quantized)' : '') : 'none'
  );
  return new KletError(
    'UNSUPPORTED_TYPE',
    `the reference of ${node.op} ("${node.name}") does not implement ${types.join(', ')}`,
  );
}

/** Clamps an output element to a fused activation, for real numbers or quantized integers. */
export function activate(activation: FusedActivation, output: Tensor): (x: number) => number {
  if (activation === 'none') return (x) => x;
  const [min, max] = isQuantized(output) ? activationRange(activation, output) : realRange(activation);
  return (x) => clamp(x, min, max);
}

/** The coordinates of the element at `index` of a row-major tensor. */
export function coordinates(index: number, shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length);
  for (let d = shape.length - 1; d >= 0; d--) {
    result[d] = index % shape[d]!;
    index = Math.floor(index / shape[d]!);
  }
  return result;
}

/** The row-major index of an element. */
export function offset(position: readonly number[], shape: readonly number[]): number {
  return shape.reduce((sum, dimension, d) => sum * dimension + position[d]!, 0);
}

/**
 * The index in a tensor of `shape`, broadcast as in numpy: shapes are aligned at the last
 * dimension, and dimensions of 1 repeat.
 */
export function broadcastOffset(position: readonly number[], shape: readonly number[]): number {
  const missing = position.length - shape.length;
  return shape.reduce((sum, dimension, d) => sum * dimension + (dimension === 1 ? 0 : position[missing + d]!), 0);
}

/**
 * The product of the dimensions before the axis, the dimension itself, and the product after it.
 */
export function aroundAxis(shape: readonly number[], axis: number): [outer: number, length: number, inner: number] {
  return [elementCount(shape.slice(0, axis)), shape[axis]!, elementCount(shape.slice(axis + 1))];
}

/** The number of rows, and their length (the last dimension). */
export function rowsOf(shape: readonly number[]): [rows: number, length: number] {
  const length = shape.at(-1) ?? 1;
  return [elementCount(shape) / length, length];
}

/**
 * Calls `visit` for every input pixel in a pool's window for output pixel (oy, ox), except pixels
 * outside the image.
 */
export function forWindow(
  { kernel, stride, padding: [top, left] }: { kernel: Pair; stride: Pair; padding: Padding },
  height: number,
  width: number,
  oy: number,
  ox: number,
  visit: (iy: number, ix: number) => void,
): void {
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      const iy = oy * stride[0] + ky - top;
      const ix = ox * stride[1] + kx - left;
      if (iy >= 0 && iy < height && ix >= 0 && ix < width) visit(iy, ix);
    }
  }
}
