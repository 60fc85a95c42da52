import { DTYPE_F32, DTYPE_I16, DTYPE_I32, DTYPE_U8, MAP, MAP_ARENA, MAP_PLAN, MAP_PLAN_BYTES, MAP_WEIGHTS,
  RECORD_DTYPE } from '../../assembly/layout';

// The memory of a model, as the operators see it. Every operator is a function of a record's
// address in the plan (`r`, in bytes) and of this memory. Its code is limited to what engines of
// ECMAScript 5 run fast: loops over typed arrays, without classes, spread and destructuring.

/** One section of memory, by element type. */
export interface Views {
  i8: Int8Array;
  u8: Uint8Array;
  i16: Int16Array;
  u16: Uint16Array;
  i32: Int32Array;
  f32: Float32Array;
  f64: Float64Array;
}

export interface Memory {
  plan: Int32Array;
  /** The plan's words as floats. */
  reals: Float32Array;
  arena: Views;
  weights: Views;
  /** What was computed at the first run, by the address of the record. */
  kept: Record<number, Int32Array>;
}

/** Views of the buffer from address `at` on, a multiple of 8. */
function viewsOf(buffer: ArrayBuffer, at: number): Views {
  return {
    i8: new Int8Array(buffer, at),
    u8: new Uint8Array(buffer, at),
    i16: new Int16Array(buffer, at),
    u16: new Uint16Array(buffer, at),
    i32: new Int32Array(buffer, at),
    f32: new Float32Array(buffer, at),
    f64: new Float64Array(buffer, at),
  };
}

/** The sections of a buffer by its memory map (assembly/layout.ts). */
export function memoryOf(buffer: ArrayBuffer): Memory {
  const map = new Uint32Array(buffer, MAP);
  const plan = map[MAP_PLAN >> 2]!;
  const words = map[MAP_PLAN_BYTES >> 2]! >> 2;
  return {
    plan: new Int32Array(buffer, plan, words),
    reals: new Float32Array(buffer, plan, words),
    arena: viewsOf(buffer, map[MAP_ARENA >> 2]!),
    weights: viewsOf(buffer, map[MAP_WEIGHTS >> 2]!),
    kept: {},
  };
}

export function int(r: number, m: Memory, field: number): number {
  return m.plan[(r + field) >> 2]!;
}

export function float(r: number, m: Memory, field: number): number {
  return m.reals[(r + field) >> 2]!;
}

export function dtypeOf(r: number, m: Memory): number {
  return (m.plan[r >> 2]! >> (8 * RECORD_DTYPE)) & 255;
}

/** The view of a section for a DTYPE_ */
export function viewOf(section: Views, dtype: number): Exclude<Views[keyof Views], Float64Array> {
  switch (dtype) {
    case DTYPE_F32:
      return section.f32;
    case DTYPE_I32:
      return section.i32;
    case DTYPE_U8:
      return section.u8;
    case DTYPE_I16:
      return section.i16;
  }
  return section.i8;
}

/** The binary logarithm of the bytes of an element */
export function shiftOf(dtype: number): number {
  if (dtype === DTYPE_I16) return 1;
  return dtype === DTYPE_F32 || dtype === DTYPE_I32 ? 2 : 0;
}

/** The section of a source: the weights if the top bit of its offset is set. */
export function sectionOf(r: number, m: Memory, field: number): Views {
  return m.plan[(r + field) >> 2]! < 0 ? m.weights : m.arena;
}

/** The offset of a source in its section, in bytes. */
export function offsetOf(r: number, m: Memory, field: number): number {
  return m.plan[(r + field) >> 2]! & 0x7fffffff;
}

// Working memory of the operators. It grows at load, when the records state what they need.

/** The position of each input in a panel of weights. */
export let positions = new Int32Array(0);
/** The inputs of a product that are not zero: their positions in a panel. */
export let offsets = new Int32Array(0);
/** Their values. */
export let values = new Int16Array(0);
/** Sums of products, whole panels of 8. */
export let sums = new Float64Array(0);

/** The new length of working memory, at least doubled so that many records make it grow rarely. */
export function grown(length: number, needed: number): number {
  return Math.max(needed, 2 * length);
}

/** Provides room for products of `inputs` inputs and `outputs` outputs. */
export function reserve(inputs: number, outputs: number): void {
  if (offsets.length < inputs + 8) {
    const length = grown(offsets.length, inputs + 8);
    offsets = new Int32Array(length);
    values = new Int16Array(length);
    positions = new Int32Array(length);
    for (let k = 0; k < positions.length; k++) positions[k] = (k >> 2) * 32 + (k & 3);
  }
  if (sums.length < outputs + 8) sums = new Float64Array(grown(sums.length, outputs + 8));
}

/** Quantized activations of hybrid layers. */
export let bytes = new Int8Array(0);

export function reserveBytes(count: number): void {
  if (bytes.length < count) bytes = new Int8Array(grown(bytes.length, count));
}
