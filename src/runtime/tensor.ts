import { RESERVED } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import type { ArenaTensor } from '../format/klet';
import { ioBytes, type IoType, type TensorInfo } from '../format/meta';
import type { Core } from './core';
import type { RawArray } from './types';
import { isTyped, lengthOf, typeOf, type TypedArray } from './typed';

/** The arrays that the arena holds, by the type of a tensor. */
export const views = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: Int32Array,
  bool: Uint8Array,
} as const;

/** Outputs of one byte from which on a table of real values, which takes some µs to make, pays. */
const MANY = 16384;

/**
 * One input or output: its location in the core's memory, and the conversion to and from JavaScript
 * arrays.
 */
export class Port {
  readonly count: number;
  private readonly view: Float32Array | Int8Array | Uint8Array | Int16Array | Int32Array;
  private readonly raw: Uint8Array;
  /** Work area in the utility instance for quantization, as floats and as bytes. */
  private readonly floats: Float32Array;
  private readonly quantized: Uint8Array;
  private table: Float64Array | undefined;

  constructor(
    readonly info: TensorInfo,
    private readonly core: Core,
    private readonly utility: Core,
    private readonly address: number,
    private readonly side: 'input' | 'output',
  ) {
    this.count = info.shape.reduce((a, b) => a * b, 1);
    this.view = new views[info.dtype](core.memory.buffer as ArrayBuffer, address, this.count);
    this.raw = core.memory.subarray(address, address + this.view.byteLength);
    this.floats = new Float32Array(utility.memory.buffer, RESERVED);
    this.quantized = utility.memory.subarray(RESERVED, RESERVED + Math.min(this.count, this.floats.length));
  }

  /** The same port in another core's memory. */
  movedTo(core: Core): Port {
    return new Port(this.info, core, this.utility, this.address, this.side);
  }

  /**
   * Reads the caller's values. Only here can code of the caller run, in a getter or a proxy; a
   * typed array runs none.
   *
   * @returns the values themselves if they are a typed array, otherwise a copy
   * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH` or `NOT_A_NUMBER`
   */
  read(values: unknown): TypedArray {
    if (isTyped(values)) return values;
    if (!Array.isArray(values)) throw this.wrongType(values);
    const { length } = values;
    if (length !== this.count) throw this.wrongCount(length, Array.isArray(values[0]));
    const numbers = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      const x: unknown = values[i];
      if (typeof x !== 'number' || x !== x) throw this.notANumber(x, i);
      numbers[i] = x;
    }
    return numbers;
  }

  /**
   * Copies values into the arena, unchanged if the array is of the model's own type, otherwise
   * quantized.
   *
   * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `NOT_A_NUMBER` or `BAD_ARGUMENT`
   */
  write(values: TypedArray): void {
    this.checkCount(values);
    const { dtype, scale } = this.info;
    if (isRaw(dtype, values)) {
      if (typeOf(values) === 'BigInt64Array') this.writeWhole(values as BigInt64Array);
      else this.view.set(values as Int32Array);
      if (dtype === 'float32') this.refuseWrittenNaN();
    } else if (isReal(values) && (dtype === 'float32' || (scale !== undefined && isQuantizedType(dtype)))) {
      if (dtype === 'float32') {
        this.view.set(values);
        this.refuseWrittenNaN();
      } else if (dtype === 'int16') {
        this.refuseNaN(values);
        quantizeWide(values, scale!, this.view);
      } else {
        this.quantize(values);
      }
    } else {
      throw this.wrongType(values);
    }
  }

  private wrongType(values: unknown): KletError {
    const { dtype, name } = this.info;
    return new KletError(
      'TYPE_MISMATCH',
      `input "${name}" takes ${this.accepted()}, not ${describeValue(values)}` +
        (dtype === 'float32' || /^Uint8/.test(typeOf(values) ?? '')
          ? '; convert pixels with imageToInput of kinglet/tasks'
          : ''),
    );
  }

  /** Writes integers of 64 bits, which networks compute with 32 bits. */
  private writeWhole(values: BigInt64Array): void {
    for (let i = 0; i < this.count; i++) {
      const x = Number(values[i]);
      if ((x | 0) !== x) {
        throw new KletError(
          'BAD_ARGUMENT',
          `input "${this.info.name}" holds ${values[i]} at index ${i} of ${this.count}; ` +
            'kinglet computes int64 with 32 bits: values from -2147483648 to 2147483647',
        );
      }
      this.view[i] = x;
    }
  }

  /** Returns the real values in a new array. */
  readReal(): Float32Array {
    const out = new Float32Array(this.count);
    this.copyReal(out);
    return out;
  }

  /** Returns the raw values in a new array. */
  readRaw(): RawArray {
    return this.info.dtype === 'int64' ? BigInt64Array.from(this.view as Int32Array, BigInt) : this.view.slice();
  }

  /**
   * Fills the caller's array with raw values if it is of the model's own type, with real numbers if
   * it holds floats.
   */
  readInto(out: TypedArray): void {
    if (typeOf(out) === 'BigInt64Array') {
      for (let i = 0; i < this.count; i++) (out as BigInt64Array)[i] = BigInt(this.view[i]!);
    } else if (isRaw(this.info.dtype, out)) {
      (out as Int32Array).set(this.view);
    } else {
      this.copyReal(out as Float32Array);
    }
  }

  /** Checks an array for `readInto`. @throws KletError `TYPE_MISMATCH` or `SHAPE_MISMATCH` */
  checkTarget(out: unknown): void {
    if (!isTyped(out) || !(isRaw(this.info.dtype, out) || isReal(out))) {
      throw new KletError(
        'TYPE_MISMATCH',
        `output "${this.info.name}" is written into ${this.accepted()}, not ${describeValue(out)}`,
      );
    }
    this.checkCount(out);
  }

  /** A view of the tensor's bytes in memory. */
  bytes(): Uint8Array {
    return this.raw;
  }

  private checkCount(values: TypedArray): void {
    const length = lengthOf(values);
    if (length !== this.count) throw this.wrongCount(length, false);
  }

  private wrongCount(length: number, nested: boolean): KletError {
    const { name, shape } = this.info;
    return new KletError(
      'SHAPE_MISMATCH',
      `${this.side} "${name}" has the shape [${shape.join(', ')}], that is ${this.count} values; ` +
        `the array has ${length}${nested ? ' arrays, flatten it with array.flat(Infinity)' : ''}`,
    );
  }

  private notANumber(x: unknown, index: number): KletError {
    return new KletError(
      'NOT_A_NUMBER',
      `input "${this.info.name}" holds ${
        typeof x === 'number' ? 'NaN' : describeValue(x)
      } at index ${index} of ${this.count}; every value must be a number`,
    );
  }

  private refuseNaN(values: ArrayLike<number>, at = 0): void {
    for (let i = 0; i < values.length; i++) if (values[i] !== values[i]) throw this.notANumber(NaN, at + i);
  }

  private refuseWrittenNaN(): void {
    if (!this.core.exports.allNumbers(this.view.byteOffset, this.count)) this.refuseNaN(this.view);
  }

  /**
   * clamp(round_half_even(f32(x) · f32(1 / scale)) + zeroPoint) in float32, computed by the utility
   * instance block by block.
   */
  private quantize(values: Float32Array | Float64Array): void {
    const { floats, quantized } = this;
    const { dtype, scale, zeroPoint } = this.info;
    for (let at = 0; at < this.count; at += quantized.length) {
      const count = Math.min(quantized.length, this.count - at);
      if (count === this.count) floats.set(values);
      else floats.set(values.subarray(at, at + count));
      if (!this.utility.exports.quantizeInput(RESERVED, count, 1 / scale!, zeroPoint!, dtype === 'uint8')) {
        this.refuseNaN(floats.subarray(0, count), at);
      }
      this.raw.set(count === quantized.length ? quantized : quantized.subarray(0, count), at);
    }
  }

  private copyReal(out: Float32Array): void {
    const { scale, zeroPoint } = this.info;
    const { view, raw } = this;
    if (scale === undefined) {
      out.set(view);
      return;
    }
    if (this.count < MANY || raw.length > this.count) {
      for (let i = 0; i < this.count; i++) out[i] = scale * (view[i]! - zeroPoint!);
      return;
    }
    // engines look up one type of array faster than they compute with whatever type the view has
    const table = (this.table ??= this.tabulate());
    for (let i = 0; i < raw.length; i++) out[i] = table[raw[i]!]!;
  }

  /** Real values of all codes of one byte, in the order of the bytes. */
  private tabulate(): Float64Array {
    const { dtype, scale, zeroPoint } = this.info;
    const codes = new views[dtype](256);
    for (let i = 0; i < 256; i++) codes[i] = i;
    return Float64Array.from(codes, (code) => scale! * (code - zeroPoint!));
  }

  private accepted(): string {
    const { dtype, scale } = this.info;
    const raw = dtype === 'int64' ? 'BigInt64Array or Int32Array' : views[dtype].name;
    return dtype !== 'float32' && scale !== undefined
      ? `${raw} (raw values) or Float32Array (real numbers)`
      : `a ${raw}`;
  }
}

/**
 * Makes the ports of a side. @throws KletError `CORRUPT` if the offset of a tensor is misaligned.
 */
export function portsOf(
  tensors: ArenaTensor[],
  core: Core,
  utility: Core,
  arena: number,
  side: 'input' | 'output',
): Port[] {
  return tensors.map(({ offset, ...info }) => new Port(info, core, utility, arena + offset, side));
}

export function rawBytes(info: TensorInfo): number {
  return info.shape.reduce((a, b) => a * b, 1) * ioBytes[info.dtype][0];
}

/** Names of the arrays that hold raw values. */
const rawTypes: Record<IoType, readonly string[]> = {
  float32: ['Float32Array'],
  int8: ['Int8Array'],
  uint8: ['Uint8Array', 'Uint8ClampedArray'],
  bool: ['Uint8Array', 'Uint8ClampedArray'],
  int16: ['Int16Array'],
  int32: ['Int32Array'],
  int64: ['BigInt64Array', 'Int32Array'],
};

function isRaw(dtype: IoType, values: TypedArray): boolean {
  return rawTypes[dtype].includes(typeOf(values)!);
}

function isQuantizedType(dtype: IoType): boolean {
  return dtype === 'int8' || dtype === 'uint8' || dtype === 'int16';
}

/** int16 steps of real numbers: f32(x / scale), halves away from zero. */
function quantizeWide(values: ArrayLike<number>, scale: number, steps: Int32Array | RawArray): void {
  for (let i = 0; i < values.length; i++) {
    const x = Math.fround(Math.fround(values[i]!) / Math.fround(scale));
    steps[i] = Math.max(-32768, Math.min(32767, Math.sign(x) * Math.floor(Math.abs(x) + 0.5)));
  }
}

function isReal(values: TypedArray): values is Float32Array | Float64Array {
  const type = typeOf(values);
  return type === 'Float32Array' || type === 'Float64Array';
}
