import { DTYPE_F32, DTYPE_U8, ELEMENTWISE_A, ELEMENTWISE_AND, ELEMENTWISE_A_STRIDES, ELEMENTWISE_B,
  ELEMENTWISE_B_STRIDES, ELEMENTWISE_C, ELEMENTWISE_C_STRIDES, ELEMENTWISE_DIMENSIONS, ELEMENTWISE_EQUAL,
  ELEMENTWISE_FLOOR_DIV, ELEMENTWISE_KIND, ELEMENTWISE_LESS, ELEMENTWISE_LESS_EQUAL, ELEMENTWISE_NOT_EQUAL,
  ELEMENTWISE_OR, ELEMENTWISE_POW, ELEMENTWISE_SELECT, ELEMENTWISE_TARGET, MAX_RANK } from '../../../assembly/layout';
import { f32, product32, truncate } from '../arithmetic';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';
import { walk } from '../walk';
import { power } from './doubles';

const LAST = (MAX_RANK - 1) * 4;

function holds(kind: number, x: number, y: number): boolean {
  switch (kind) {
    case ELEMENTWISE_EQUAL:
      return x === y;
    case ELEMENTWISE_NOT_EQUAL:
      return x !== y;
    case ELEMENTWISE_LESS:
      return x < y;
    case ELEMENTWISE_LESS_EQUAL:
      return x <= y;
    case ELEMENTWISE_AND:
      return x !== 0 && y !== 0;
    case ELEMENTWISE_OR:
      return x !== 0 || y !== 0;
  }
  return (x !== 0) !== (y !== 0);
}

/** x^y for integers, modulo 2^32; 0 for negative powers of numbers other than ±1. */
function integerPower(x: number, y: number): number {
  if (y < 0) {
    if (x === -1) return 1 - (y & 1) * 2;
    return x === 1 ? 1 : 0;
  }
  let result = 1;
  for (; y > 0; y >>= 1) {
    if ((y & 1) !== 0) result = product32(result, x);
    x = product32(x, x);
  }
  return result;
}

/** Division rounds down. A quotient by 0 is 0, and so is its remainder. */
function ofInts(kind: number, x: number, y: number): number {
  if (kind === ELEMENTWISE_POW) return integerPower(x, y);
  if (y === 0) return 0;
  const remainder = x % y;
  const between = remainder !== 0 && remainder < 0 !== y < 0;
  if (kind === ELEMENTWISE_FLOOR_DIV) return truncate(x / y) - (between ? 1 : 0);
  return between ? remainder + y : remainder;
}

function ofFloats(kind: number, x: number, y: number): number {
  if (kind === ELEMENTWISE_POW) return power(x, y);
  if (kind === ELEMENTWISE_FLOOR_DIV) return Math.floor(f32(x / y));
  const remainder = x % y;
  return remainder !== 0 && remainder < 0 !== y < 0 ? remainder + y : remainder;
}

export function runElementwise(r: number, m: Memory): void {
  const kind = int(r, m, ELEMENTWISE_KIND);
  const dtype = dtypeOf(r, m);
  const shift = shiftOf(dtype);
  const floats = dtype === DTYPE_F32;
  const selects = kind === ELEMENTWISE_SELECT;
  const computes = kind >= ELEMENTWISE_FLOOR_DIV;
  const n = int(r, m, ELEMENTWISE_DIMENSIONS + LAST);
  const stepA = int(r, m, ELEMENTWISE_A_STRIDES + LAST);
  const stepB = int(r, m, ELEMENTWISE_B_STRIDES + LAST);
  const stepC = int(r, m, ELEMENTWISE_C_STRIDES + LAST);
  // a selection moves bits, and floats might lose some of NaN
  const words = shift === 2 ? 'i32' : 'u8';
  const a = selects ? sectionOf(r, m, ELEMENTWISE_A)[words] : viewOf(sectionOf(r, m, ELEMENTWISE_A), dtype);
  const b = selects ? sectionOf(r, m, ELEMENTWISE_B)[words] : viewOf(sectionOf(r, m, ELEMENTWISE_B), dtype);
  const c = sectionOf(r, m, ELEMENTWISE_C).u8;
  const type = computes ? dtype : DTYPE_U8;
  const out = selects ? m.arena[words] : viewOf(m.arena, type);
  const baseA = offsetOf(r, m, ELEMENTWISE_A) >> shift;
  const baseB = offsetOf(r, m, ELEMENTWISE_B) >> shift;
  const baseC = offsetOf(r, m, ELEMENTWISE_C);
  let to = int(r, m, ELEMENTWISE_TARGET) >> (selects ? shift : shiftOf(type));
  walk(
    r,
    m,
    ELEMENTWISE_DIMENSIONS,
    ELEMENTWISE_A_STRIDES,
    ELEMENTWISE_B_STRIDES,
    ELEMENTWISE_C_STRIDES,
    function(fromA, fromB, fromC) {
      for (let i = 0; i < n; i++) {
        const x = a[baseA + fromA + i * stepA]!;
        const y = b[baseB + fromB + i * stepB]!;
        let v: number;
        if (selects) v = c[baseC + fromC + i * stepC] !== 0 ? x : y;
        else if (!computes) v = holds(kind, x, y) ? 1 : 0;
        else v = floats ? ofFloats(kind, x, y) : ofInts(kind, x, y);
        out[to++] = v;
      }
    },
  );
}
