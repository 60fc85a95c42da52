import type { Tensor } from '../../graph/graph';

// Packs constants in the order in which kernels read them. The letters are those of docs/kernels.
// There are N outputs of K inputs each. A panel is 8 outputs, a quad is 4 inputs that are packed
// together.

type Values = NonNullable<Tensor['data']>;
type LaneArray = Int16Array | Int32Array | Float32Array | Float64Array;
type LaneType = Int16ArrayConstructor | Int32ArrayConstructor | Float32ArrayConstructor | Float64ArrayConstructor;

/** Outputs of one panel, and lanes of a vector of biases or scales. */
const PANEL = 8;
/** Inputs of one quad. */
const QUAD = 4;

/**
 * int8 weights by panels and quads: i8 [groups·N][K] → [groups][⌈N/8⌉][⌈K/4⌉][8][4]. Padding is
 * filled with the zero point, so that it contributes nothing.
 */
export function packInt8(values: Int8Array, K: number, outputs: number, groups: number, zeroPoint = 0): Int8Array {
  const N = outputs / groups;
  const panels = Math.ceil(N / PANEL);
  const quads = Math.ceil(K / QUAD);
  const packed = new Int8Array(groups * panels * quads * PANEL * QUAD).fill(zeroPoint);
  for (let c = 0; c < outputs; c++) {
    const group = Math.floor(c / N);
    const n = c % N;
    const base = (group * panels + Math.floor(n / PANEL)) * quads * PANEL * QUAD + (n % PANEL) * QUAD;
    for (let k = 0; k < K; k++) packed[base + (k >> 2) * PANEL * QUAD + (k & 3)] = values[c * K + k]!;
  }
  return packed;
}

/**
 * 4-bit weights by panels and quads, two to a byte: i8 [groups·N][K] → u8
 * [groups][⌈N/8⌉][2·⌈K/8⌉][4][4]. Byte [c][i] of a quad has weight i of channel c in its low bits
 * and of channel c + 4 in its high bits, both plus 8 and minus the zero point.
 */
export function packInt4(values: Int8Array, K: number, outputs: number, groups: number, zeroPoint = 0): Uint8Array {
  const N = outputs / groups;
  const panels = Math.ceil(N / PANEL);
  const quads = 2 * Math.ceil(K / (2 * QUAD));
  const packed = new Uint8Array(groups * panels * quads * PANEL * QUAD / 2).fill(0x88);
  for (let c = 0; c < outputs; c++) {
    const n = c % N;
    const panel = Math.floor(c / N) * panels + Math.floor(n / PANEL);
    const base = panel * quads * PANEL * QUAD / 2 + (n & 3) * QUAD;
    const shift = n & 4;
    for (let k = 0; k < K; k++) {
      // the nibble is 8, the padding, so that the exclusive or with w is w + 8
      packed[base + (k >> 2) * PANEL * QUAD / 2 + (k & 3)]! ^= (values[c * K + k]! - zeroPoint & 15) << shift;
    }
  }
  return packed;
}

/** float32 weights by panels: f32 [groups·N][K] → [groups][⌈N/8⌉][K][8], padded with 0. */
export function packFloat32(values: Float32Array, K: number, outputs: number, groups: number): Float32Array {
  const N = outputs / groups;
  const panels = Math.ceil(N / PANEL);
  const packed = new Float32Array(groups * panels * K * PANEL);
  for (let c = 0; c < outputs; c++) {
    const group = Math.floor(c / N);
    const n = c % N;
    const base = (group * panels + Math.floor(n / PANEL)) * K * PANEL + (n % PANEL);
    for (let k = 0; k < K; k++) packed[base + k * PANEL] = values[c * K + k]!;
  }
  return packed;
}

/** Packs weights: int8 by panels and quads, with four bits if `packs`, and float32 by panels. */
export function packMatrix(values: Values, K: number, outputs: number, groups: number, packs = false): ArrayBufferView {
  if (packs) return packInt4(values as Int8Array, K, outputs, groups);
  return values instanceof Int8Array
    ? packInt8(values, K, outputs, groups)
    : packFloat32(values as Float32Array, K, outputs, groups);
}

/** Packs one number per output: [groups·N] → [groups][⌈N/8⌉·8], padded with 0. */
export function packLanes(type: LaneType, values: ArrayLike<number>, groups = 1): LaneArray {
  const N = values.length / groups;
  const lanes = Math.ceil(N / PANEL) * PANEL;
  const packed = new type(groups * lanes);
  for (let c = 0; c < values.length; c++) packed[Math.floor(c / N) * lanes + (c % N)] = values[c]!;
  return packed;
}

/** Depthwise weights, channels last and columns before rows: [C][kh][kw] → [kw][kh][C]. */
export function packTaps<A extends Int8Array | Float32Array>(values: A, kh: number, kw: number): A {
  const C = values.length / (kh * kw);
  const packed = values.slice() as A;
  for (let c = 0; c < C; c++) {
    for (let y = 0; y < kh; y++) {
      for (let x = 0; x < kw; x++) packed[(x * kh + y) * C + c] = values[(c * kh + y) * kw + x]!;
    }
  }
  return packed;
}

/**
 * int8 depthwise weights by panels of 8 channels: i8 [C][kh][kw] → [⌈C/8⌉][kw·kh][8], padded with
 * the zero point.
 */
export function packTapsInt8(values: Int8Array, kh: number, kw: number, zeroPoint: number): Int8Array {
  const taps = kh * kw;
  const C = values.length / taps;
  const ordered = packTaps(values, kh, kw);
  const packed = new Int8Array(Math.ceil(C / PANEL) * taps * PANEL).fill(zeroPoint);
  for (let c = 0; c < C; c++) {
    for (let t = 0; t < taps; t++) {
      packed[(Math.floor(c / PANEL) * taps + t) * PANEL + (c % PANEL)] = ordered[t * C + c]!;
    }
  }
  return packed;
}

/** [rows][columns] → [columns][rows] */
export function transposed<A extends Int8Array | Float32Array>(values: A, rows: number, columns: number): A {
  const out = values.slice() as A;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c]!;
  return out;
}

/** Σ (w − zero point) over each row of weights [N][K]. */
export function rowSums(values: ArrayLike<number>, K: number, zeroPoint = 0): Int32Array {
  const sums = new Int32Array(values.length / K);
  for (let i = 0; i < values.length; i++) sums[Math.floor(i / K)]! += values[i]! - zeroPoint;
  return sums;
}

/**
 * bias − z·Σ (w − zero point) for each output, where z is the zero point of the activations. With
 * this bias, kernels can multiply activations as they are stored: Σ (x − z)·w + bias = Σ x·w +
 * (bias − z·Σ w).
 */
export function foldZeroPoint(sums: Int32Array, activationZeroPoint: number, bias?: ArrayLike<number>): Int32Array {
  return sums.map((sum, n) => (bias?.[n] ?? 0) - activationZeroPoint * sum);
}
