import { BINARY_A, BINARY_ADD, BINARY_A_FACTOR, BINARY_A_STRIDES, BINARY_A_ZERO, BINARY_B, BINARY_BIAS, BINARY_B_FACTOR,
  BINARY_B_STRIDES, BINARY_B_ZERO, BINARY_DIMENSIONS, BINARY_DIV, BINARY_KIND, BINARY_MAX, BINARY_MAXIMUM, BINARY_MIN,
  BINARY_MINIMUM, BINARY_MUL, BINARY_NEGATIVE_SCALE, BINARY_OUT_SCALE, BINARY_PRELU, BINARY_SCALE, BINARY_SHIFT,
  BINARY_SUB, BINARY_TARGET, BINARY_TARGET_ZERO, DTYPE_I32, DTYPE_I8, MAX_RANK } from '../../assembly/layout';
import { clamp, EVEN, f32, product32, quantize } from './arithmetic';
import { greater, lesser } from './fold';
import { isFloat } from './floats';
import { dtypeOf, float, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from './memory';
import { walk } from './walk';

const LAST = (MAX_RANK - 1) * 4;

type Of = (a: number, b: number) => number;

/** Of floats, or of i32 modulo 2^32 */
function functionOf(kind: number, floats: boolean): Of {
  switch (kind) {
    case BINARY_ADD:
      return function(a, b) {
        return a + b;
      };
    case BINARY_SUB:
      return function(a, b) {
        return a - b;
      };
    case BINARY_MUL:
      if (!floats) return product32;
      return function(a, b) {
        return a * b;
      };
    case BINARY_DIV:
      return function(a, b) {
        return a / b;
      };
    case BINARY_MINIMUM:
      return lesser;
    case BINARY_MAXIMUM:
      return greater;
    case BINARY_PRELU:
      return function(a, b) {
        return a >= 0 ? a : a * b;
      };
  }
  return function(a, b) {
    const difference = f32(a - b);
    return difference * difference;
  };
}

/** Of i8, except for sums */
function functionOfBytes(r: number, m: Memory, kind: number, low: number, top: number): Of {
  if (kind === BINARY_MINIMUM || kind === BINARY_MAXIMUM) return functionOf(kind, false);
  const zero = int(r, m, BINARY_TARGET_ZERO);
  const zeroA = int(r, m, BINARY_A_ZERO);
  const zeroB = int(r, m, BINARY_B_ZERO);
  const scale = float(r, m, BINARY_SCALE);
  const negative = float(r, m, BINARY_NEGATIVE_SCALE);
  const outScale = float(r, m, BINARY_OUT_SCALE);
  if (kind === BINARY_MUL) {
    return function(a, b) {
      return clamp(f32(f32((a - zeroA) * (b - zeroB)) * scale), low - zero, top - zero) + EVEN - EVEN + zero;
    };
  }
  if (kind === BINARY_PRELU) {
    return function(a, b) {
      const x = a - zeroA;
      const y = x >= 0 ? f32(x * scale) : f32(f32(x * (b - zeroB)) * negative);
      return clamp(y, low - zero, top - zero) + EVEN - EVEN + zero;
    };
  }
  const real = functionOf(kind, true);
  return function(a, b) {
    const y = f32(real(f32(scale * (a - zeroA)), f32(negative * (b - zeroB))));
    return quantize(f32(y / outScale), low - zero, top - zero) + zero;
  };
}

export function runBinary(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const kind = int(r, m, BINARY_KIND);
  const n = int(r, m, BINARY_DIMENSIONS + LAST);
  const stepA = int(r, m, BINARY_A_STRIDES + LAST);
  const stepB = int(r, m, BINARY_B_STRIDES + LAST);
  const shift = shiftOf(dtype);
  const a = viewOf(sectionOf(r, m, BINARY_A), dtype);
  const b = viewOf(sectionOf(r, m, BINARY_B), dtype);
  const out = viewOf(m.arena, dtype);
  const baseA = offsetOf(r, m, BINARY_A) >> shift;
  const baseB = offsetOf(r, m, BINARY_B) >> shift;
  const floats = isFloat(r, m);
  let low = floats ? float(r, m, BINARY_MIN) : int(r, m, BINARY_MIN);
  let top = floats ? float(r, m, BINARY_MAX) : int(r, m, BINARY_MAX);
  if (dtype === DTYPE_I32) {
    low = -Infinity;
    top = Infinity;
  }
  let to = int(r, m, BINARY_TARGET) >> shift;
  const compute = dtype === DTYPE_I8 ? functionOfBytes(r, m, kind, low, top) : functionOf(kind, floats);
  const adds = dtype === DTYPE_I8 && (kind === BINARY_ADD || kind === BINARY_SUB);
  const factorA = int(r, m, BINARY_A_FACTOR);
  const factorB = int(r, m, BINARY_B_FACTOR);
  const bias = int(r, m, BINARY_BIAS);
  const places = int(r, m, BINARY_SHIFT);
  const zero = int(r, m, BINARY_TARGET_ZERO);
  walk(r, m, BINARY_DIMENSIONS, BINARY_A_STRIDES, BINARY_B_STRIDES, -1, function(fromA, fromB) {
    let p = baseA + fromA;
    let q = baseB + fromB;
    for (let i = 0; i < n; i++, p += stepA, q += stepB) {
      let v = adds ? ((factorA * a[p]! + factorB * b[q]! + bias) >> places) + zero : compute(a[p]!, b[q]!);
      // a number that rounds to −0 is not below 0
      if (floats) v = f32(v);
      if (v < low) v = low;
      if (v > top) v = top;
      out[to++] = v;
    }
  });
}
