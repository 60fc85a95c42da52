import { RESERVED } from '../../assembly/layout';
import { describeValue, KletError } from '../errors';
import { ioBytes, type ArenaTensor, type IoType, type TensorInfo } from '../format/klet';
import type { Core } from './core';
import type { InputArray, RawArray } from './types';

const views = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: Int32Array,
  bool: Uint8Array,
} as const;

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
   * Copies values into the arena, unchanged if the array is of the model's own type, otherwise
   * quantized.
   *
   * @throws KletError `SHAPE_MISMATCH`, `TYPE_MISMATCH` or `NOT_A_NUMBER`
   */
  write(values: InputArray): void {
    this.checkCount(values);
    const { dtype, scale } = this.info;
    if (isRaw(dtype, values)) {
      if (values instanceof BigInt64Array) { for (let i = 0; i < this.count; i++) this.view[i] = Number(values[i]); }
      else this.view.set(values);
      if (dtype === 'float32') this.refuseWrittenNaN(values as ArrayLike<number>);
    } else if (isReal(values) && (dtype === 'float32' || (scale !== undefined && isQuantizedType(dtype)))) {
      // otherwise NaN would silently become an integer
      if (Array.isArray(values)) this.refuseNaN(values);
      if (dtype === 'float32') {
        this.view.set(values);
        this.refuseWrittenNaN(values);
      } else if (dtype === 'int16') {
        this.refuseNaN(values);
        quantizeWide(values, scale!, this.view);
      } else {
        this.quantize(values as unknown as Float32Array);
      }
    } else {
      throw new KletError(
        'TYPE_MISMATCH',
        `input "${this.info.name}" takes ${this.accepted()}, not ${describeValue(values)}` +
          (dtype === 'float32' || values instanceof Uint8Array || values instanceof Uint8ClampedArray
            ? '; convert pixels with imageToInput of kinglet/tasks'
            : ''),
      );
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
  readInto(out: RawArray | Float64Array): void {
    this.checkCount(out);
    if (isRaw(this.info.dtype, out)) {
      if (out instanceof BigInt64Array) { for (let i = 0; i < this.count; i++) out[i] = BigInt(this.view[i]!); }
      else out.set(this.view);
    } else if (isReal(out) && !Array.isArray(out)) {
      this.copyReal(out as unknown as Float32Array);
    } else {
      throw new KletError(
        'TYPE_MISMATCH',
        `output "${this.info.name}" is written into ${this.accepted()}, not ${describeValue(out)}`,
      );
    }
  }

  /** A view of the tensor's bytes in memory. */
  bytes(): Uint8Array {
    return this.raw;
  }

  private checkCount(values: InputArray): void {
    const length = (values as { length?: unknown } | null)?.length;
    if (typeof length !== 'number') {
      throw new KletError(
        'TYPE_MISMATCH',
        `${this.side} "${this.info.name}" takes ${this.accepted()}, not ${describeValue(values)}`,
      );
    }
    if (length !== this.count) {
      throw new KletError(
        'SHAPE_MISMATCH',
        `${this.side} "${this.info.name}" has the shape [${
          this.info.shape.join(', ')
        }], that is ${this.count} values; the array has ${length}${
          Array.isArray(values) && Array.isArray(values[0]) ? ' arrays, flatten it with array.flat(Infinity)' : ''
        }`,
      );
    }
  }

  private refuseNaN(values: ArrayLike<number>): void {
    for (let i = 0; i < this.count; i++) {
      const x = values[i]!;
      if (x !== x || typeof x !== 'number') {
        throw new KletError(
          'NOT_A_NUMBER',
          `input "${this.info.name}" holds ${
            typeof x === 'number' ? 'NaN' : describeValue(x)
          } at index ${i} of ${this.count}; every value must be a number`,
        );
      }
    }
  }

  private refuseWrittenNaN(values: ArrayLike<number>): void {
    if (!this.core.exports.allNumbers(this.view.byteOffset, this.count)) this.refuseNaN(values);
  }

  /**
   * clamp(round_half_even(f32(x) · f32(1 / scale)) + zeroPoint) in float32, computed by the utility
   * instance block by block.
   */
  private quantize(values: Float32Array | number[]): void {
    const { floats, quantized } = this;
    const { dtype, scale, zeroPoint } = this.info;
    for (let at = 0; at < this.count; at += quantized.length) {
      const count = Math.min(quantized.length, this.count - at);
      if (count === this.count) floats.set(values);
      else floats.set(Array.isArray(values) ? values.slice(at, at + count) : values.subarray(at, at + count));
      if (!this.utility.exports.quantizeInput(RESERVED, count, 1 / scale!, zeroPoint!, dtype === 'uint8')) {
        this.refuseNaN(values);
      }
      this.raw.set(count === quantized.length ? quantized : quantized.subarray(0, count), at);
    }
  }

  private copyReal(out: Float32Array): void {
    const { scale, zeroPoint } = this.info;
    const { view } = this;
    if (scale === undefined) {
      out.set(view);
      return;
    }
    for (let i = 0; i < this.count; i++) out[i] = scale * (view[i]! - zeroPoint!);
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

function isRaw(dtype: IoType, values: unknown): values is RawArray {
  switch (dtype) {
    case 'float32':
      return values instanceof Float32Array;
    case 'int8':
      return values instanceof Int8Array;
    case 'uint8':
    case 'bool':
      return values instanceof Uint8Array || values instanceof Uint8ClampedArray;
    case 'int16':
      return values instanceof Int16Array;
    case 'int32':
      return values instanceof Int32Array;
    case 'int64':
      return values instanceof BigInt64Array || values instanceof Int32Array;
  }
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

function isReal(values: unknown): values is ArrayLike<number> {
  return values instanceof Float32Array || values instanceof Float64Array || Array.isArray(values);
}
