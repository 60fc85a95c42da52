import { parse as parseNpy } from 'npyjs';
import { KletError, type InputArray, type IoType, type TensorInfo } from '../index';
import { countOf, fromBytes, tensorBytes } from './tensors';
import { shapeText } from './text';

// Arrays of NumPy, as inputs and as stacks of inputs.

/** The bytes of a file, or of a part of an archive, read as they are needed. */
export interface ByteSource {
  size: number;
  slice(from: number, to: number): Uint8Array;
}

export function isNpy(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 6)) === '\x93NUMPY';
}

type NpyData = InputArray | BigUint64Array | Uint16Array | Uint32Array | boolean[] | string[];

/** The model's types by their npy names. */
const ownTypes: Record<string, IoType> = {
  f4: 'float32',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  b1: 'bool',
};

/**
 * The values of a `.npy` file as the input takes them.
 *
 * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `CORRUPT`
 */
export function npyToInput(file: Uint8Array, where: string, input: TensorInfo): InputArray {
  const { data, shape, dtype } = parseArray(file, where);
  const own = ownTypes[dtype] === input.dtype;
  checkShape(shape, input, where);
  if (dtype === 'b1' && (own || input.dtype === 'int32')) return fromValues(data as ArrayLike<number>, input, where);
  if (own) return data as InputArray;
  const isFloat = /^f[248]$/.test(dtype);
  const isInteger = /^[iu][1248]$/.test(dtype);
  const quantized = input.scale !== undefined;
  if (isFloat && (input.dtype === 'float32' || quantized)) return Float32Array.from(data as ArrayLike<number>);
  if (isInteger && !quantized && input.dtype !== 'bool') {
    return fromValues(data as ArrayLike<number | bigint>, input, where);
  }
  const alternative = quantized ? ' (raw) or floats (real numbers, which are quantized)' : '';
  const wanted = `${input.dtype}${alternative}`;
  throw new KletError('TYPE_MISMATCH', `${where} holds ${npyTypeName(dtype)}; input "${input.name}" takes ${wanted}`);
}

/** @throws KletError `CORRUPT` or `TYPE_MISMATCH` */
export function parseArray(file: Uint8Array, where: string): { data: NpyData; shape: number[]; dtype: string } {
  let parsed;
  try {
    parsed = parseNpy(file.slice().buffer);
  } catch (cause) {
    throw new KletError(
      'CORRUPT',
      `${where} is a .npy file that cannot be read: damaged, cut off, or of a type that kinglet does not read; `
        + `save it again with numpy.save (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    );
  }
  const { shape, dtype, fortranOrder } = parsed;
  checkSizes(shape, where);
  const data = parsed.data as unknown as NpyData;
  if (fortranOrder && shape.filter((d) => d > 1).length > 1) {
    throw new KletError(
      'TYPE_MISMATCH',
      `${where} is in Fortran order; save it with numpy.save(file, numpy.ascontiguousarray(array))`,
    );
  }
  const isComplex = dtype.startsWith('c');
  if (data.length !== countOf(shape) * (isComplex ? 2 : 1)) {
    throw new KletError(
      'CORRUPT',
      `${where} declares the shape ${shapeText(shape)} (${countOf(shape)} values) but holds ${data.length} values`,
    );
  }
  return { data, shape, dtype };
}

/** @throws KletError `CORRUPT` if a size is not a whole number, or one after the first is 0 */
function checkSizes(shape: readonly number[], where: string): void {
  if (shape.every((size, i) => Number.isSafeInteger(size) && size >= Math.min(i, 1))) return;
  throw new KletError('CORRUPT', `${where} declares the shape ${shapeText(shape)}, which no array of values has`);
}

function checkShape(shape: readonly number[], input: TensorInfo, where: string): void {
  if (fits(shape, input)) return;
  throw new KletError(
    'SHAPE_MISMATCH',
    `${where} has the shape ${shapeText(shape)}; input "${input.name}" takes ${shapeText(input.shape)}`,
  );
}

/** Accepts the same dimensions apart from ones, or a flat array of the same size. */
export function fits(shape: readonly number[], input: TensorInfo): boolean {
  const essence = (dimensions: readonly number[]): string => shapeText(dimensions.filter((d) => d !== 1));
  const isFlat = shape.filter((d) => d !== 1).length <= 1 && countOf(shape) === countOf(input.shape);
  return isFlat || essence(shape) === essence(input.shape);
}

/** Converts integers of another type, which must fit. */
function fromValues(values: ArrayLike<number | bigint | boolean>, input: TensorInfo, where: string): InputArray {
  const target = fromBytes(input.dtype, new Uint8Array(tensorBytes(input)));
  for (let i = 0; i < values.length; i++) {
    if (target instanceof BigInt64Array) target[i] = BigInt(values[i]!);
    else target[i] = Number(values[i]);
    if (Number(target[i]) !== Number(values[i])) {
      throw new KletError(
        'TYPE_MISMATCH',
        `${where} holds ${String(values[i])}, which does not fit into the ${input.dtype} of input "${input.name}"`,
      );
    }
  }
  return target;
}

function npyTypeName(dtype: string): string {
  const kind = { f: 'float', i: 'int', u: 'uint', b: 'bool', c: 'complex' }[dtype[0]!];
  return kind ? `${kind}${kind === 'bool' ? '' : Number(dtype.slice(1)) * 8}` : `"${dtype}"`;
}

/** NumPy's name of the type of the elements, such as f4; undefined if the header is damaged. */
export function npyType(file: Uint8Array): string | undefined {
  return /'descr'\s*:\s*'[<>|=]?(\w+)'/.exec(String.fromCharCode(...file.subarray(0, HEADER)))?.[1];
}

/** Enough for the header of an array of numbers. */
const HEADER = 512;
const ALIGNMENT = 64;

/** An array whose first dimensions count inputs. Only the inputs that are asked for are read. */
export class NpyStack {
  readonly shape: readonly number[];
  private readonly header: string;
  private readonly start: number;
  private readonly itemBytes: number;

  /** @throws KletError `CORRUPT` or `TYPE_MISMATCH` */
  constructor(private readonly bytes: ByteSource, readonly where: string) {
    const head = bytes.slice(0, Math.min(HEADER, bytes.size));
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    const isLong = head[6]! > 1;
    const begin = isLong ? 12 : 10;
    if (isNpy(head) && head.length > begin) {
      this.start = begin + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
    } else this.start = Infinity;
    this.header = String.fromCharCode(...head.subarray(begin, this.start));
    const sizes = /'shape'\s*:\s*\(([^)]*)\)/.exec(this.header)?.[1];
    const type = npyType(head);
    this.shape = (sizes ?? '').split(',').filter((size) => size.trim() !== '').map(Number);
    this.itemBytes = Number(/\d+$/.exec(type ?? '')?.[0]);
    if (sizes === undefined || !(this.itemBytes > 0) || this.start > head.length) {
      throw new KletError('CORRUPT', `${where} is no .npy array that can be read; save it again with numpy.save`);
    }
    if (/'fortran_order'\s*:\s*True/.test(this.header) && this.shape.length > 1) {
      throw new KletError(
        'TYPE_MISMATCH',
        `${where} is in Fortran order; save it with numpy.save(file, numpy.ascontiguousarray(array))`,
      );
    }
    checkSizes(this.shape, where);
    const expected = this.start + countOf(this.shape) * this.itemBytes;
    if (bytes.size < expected) {
      const found = `${bytes.size} bytes instead of ${expected}`;
      throw new KletError('CORRUPT', `${where} is cut off: the shape ${shapeText(this.shape)} takes ${found}`);
    }
  }

  /** The part of the array at these first indices, as a `.npy` file. */
  part(...indices: number[]): Uint8Array {
    const shape = this.shape.slice(indices.length);
    const size = countOf(shape) * this.itemBytes;
    const at = indices.reduce((offset, index, d) => offset * this.shape[d]! + index, 0);
    const text = this.header.replace(/'shape'\s*:\s*\([^)]*\)/, `'shape': (${shape.map((d) => `${d}, `).join('')})`)
      .trimEnd();
    const start = Math.ceil((12 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
    const file = new Uint8Array(start + size);
    file.set([0x93, ...new TextEncoder().encode('NUMPY'), 2, 0]);
    new DataView(file.buffer).setUint32(8, start - 12, true);
    file.set(new TextEncoder().encode(`${text.padEnd(start - 13)}\n`), 12);
    file.set(this.bytes.slice(this.start + at * size, this.start + (at + 1) * size), start);
    return file;
  }
}
