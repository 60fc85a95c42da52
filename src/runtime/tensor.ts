import { KletError } from '../errors';
import { ioBytes, type ArenaTensor, type IoType, type TensorInfo } from '../format/klet';
import { describeValue } from './read';

/** Arrays that hold raw values of a type. */
export type RawArray = Float32Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array | BigInt64Array;
/** What goes in: raw values in the model's own type, or real numbers that are quantized on the way. */
export type InputArray = RawArray | Float64Array | readonly number[];

const views = {
  float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array, int64: Int32Array, bool: Uint8Array,
} as const;

const MAGIC = 12582912;

/** One input or output: its place in the core's memory and the conversions at the border. */
export class Port {
  readonly count: number;
  private readonly view: Float32Array | Int8Array | Uint8Array | Int32Array;
  private readonly low: number;
  private readonly high: number;
  private readonly inverse: number;

  constructor(readonly info: TensorInfo, memory: Uint8Array, address: number, private readonly side: 'input' | 'output') {
    this.count = info.shape.reduce((a, b) => a * b, 1);
    this.view = new views[info.dtype](memory.buffer as ArrayBuffer, address, this.count);
    this.low = info.dtype === 'int8' ? -128 : 0;
    this.high = info.dtype === 'int8' ? 127 : 255;
    this.inverse = Math.fround(1 / (info.scale ?? 1));
  }

  /**
   * Copies values in: raw when the array is of the model's own type, else as real numbers.
   *
   * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH` or `NOT_A_NUMBER`
   */
  write(values: InputArray): void {
    this.checkCount(values);
    const { dtype, scale } = this.info;
    if (isRaw(dtype, values)) {
      if (values instanceof BigInt64Array) for (let i = 0; i < this.count; i++) this.view[i] = Number(values[i]);
      else this.view.set(values);
      if (dtype === 'float32') this.refuseNaN(values as ArrayLike<number>);
    } else if (isReal(values) && (dtype === 'float32' || (scale !== undefined && (dtype === 'int8' || dtype === 'uint8')))) {
      const { low, high, inverse } = this;
      if (dtype === 'float32' || Array.isArray(values)) this.refuseNaN(values);
      if (dtype === 'float32') this.view.set(values);
      else if (quantizeInto(values, this.view as Int8Array, this.count, inverse, this.info.zeroPoint!, low, high) >= 0) this.refuseNaN(values);
    } else {
      throw new KletError('TYPE_MISMATCH', `input "${this.info.name}" takes ${this.accepted()}, not ${describeValue(values)}`
        + (dtype === 'float32' ? '; convert pixels to real numbers the way the network was trained (model.meta.preprocessing)' : ''));
    }
  }

  /** A new array with the real values. */
  readReal(): Float32Array {
    const out = new Float32Array(this.count);
    this.copyReal(out);
    return out;
  }

  /** A new array with the model's own values. */
  readRaw(): RawArray {
    return this.info.dtype === 'int64' ? BigInt64Array.from(this.view as Int32Array, BigInt) : this.view.slice();
  }

  /** Fills an array of the caller's: raw when it is of the model's own type, real numbers when it holds floats. */
  readInto(out: RawArray | Float64Array): void {
    this.checkCount(out);
    if (isRaw(this.info.dtype, out)) {
      if (out instanceof BigInt64Array) for (let i = 0; i < this.count; i++) out[i] = BigInt(this.view[i]!);
      else out.set(this.view);
    } else if (isReal(out)) {
      this.copyReal(out as unknown as Float32Array);
    } else {
      throw new KletError('TYPE_MISMATCH', `output "${this.info.name}" is written into ${this.accepted()}, not ${describeValue(out)}`);
    }
  }

  /** The tensor's bytes as they lie in memory, for comparing exactly. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset, this.view.byteLength);
  }

  private checkCount(values: InputArray): void {
    const length = (values as { length?: unknown } | null)?.length;
    if (typeof length !== 'number') throw new KletError('TYPE_MISMATCH', `${this.side} "${this.info.name}" takes ${this.accepted()}, not ${describeValue(values)}`);
    if (length !== this.count) {
      throw new KletError('SHAPE_MISMATCH', `${this.side} "${this.info.name}" has the shape [${this.info.shape.join(', ')}], that is ${this.count} values; the array has ${length}`);
    }
  }

  private refuseNaN(values: ArrayLike<number>): void {
    for (let i = 0; i < this.count; i++) {
      const x = values[i]!;
      if (x !== x || typeof x !== 'number') {
        throw new KletError('NOT_A_NUMBER', `input "${this.info.name}" holds ${typeof x === 'number' ? 'NaN' : describeValue(x)} at index ${i} of ${this.count}; every value must be a number`);
      }
    }
  }

  private copyReal(out: Float32Array): void {
    const { scale, zeroPoint } = this.info, { view } = this;
    if (scale === undefined) {
      out.set(view);
      return;
    }
    for (let i = 0; i < this.count; i++) out[i] = scale * (view[i]! - zeroPoint!);
  }

  private accepted(): string {
    const { dtype, scale } = this.info;
    const raw = { float32: 'Float32Array', int8: 'Int8Array', uint8: 'Uint8Array', int32: 'Int32Array', int64: 'BigInt64Array or Int32Array', bool: 'Uint8Array' }[dtype];
    return dtype !== 'float32' && scale !== undefined ? `${raw} (raw values) or Float32Array (real numbers)` : `a ${raw}`;
  }
}

/**
 * clamp(round_half_even(x / scale) + zero) in float32, as the core quantizes. A function of its own, so that engines see few kinds of arrays.
 *
 * @returns index of the first value that is not a number, or −1
 */
function quantizeInto(values: ArrayLike<number>, view: Int8Array | Uint8Array, count: number, inverse: number, zero: number, low: number, high: number): number {
  const f = Math.fround, least = low - zero, most = high - zero;
  for (let i = 0; i < count; i++) {
    const x = f(f(values[i]!) * inverse);
    if (x !== x) return i;
    view[i] = f(f((x < least ? least : x > most ? most : x) + MAGIC) - MAGIC) + zero;
  }
  return -1;
}

/** Where an input or output lies must hold its elements aligned. */
export function portsOf(tensors: ArenaTensor[], memory: Uint8Array, arena: number, side: 'input' | 'output'): Port[] {
  return tensors.map(({ offset, ...info }) => new Port(info, memory, arena + offset, side));
}

export function rawBytes(info: TensorInfo): number {
  return info.shape.reduce((a, b) => a * b, 1) * ioBytes[info.dtype][0];
}

function isRaw(dtype: IoType, values: unknown): values is RawArray {
  switch (dtype) {
    case 'float32': return values instanceof Float32Array;
    case 'int8': return values instanceof Int8Array;
    case 'uint8': case 'bool': return values instanceof Uint8Array || values instanceof Uint8ClampedArray;
    case 'int32': return values instanceof Int32Array;
    case 'int64': return values instanceof BigInt64Array || values instanceof Int32Array;
  }
}

function isReal(values: unknown): values is ArrayLike<number> {
  return values instanceof Float32Array || values instanceof Float64Array || Array.isArray(values);
}
