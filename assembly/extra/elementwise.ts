import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, ELEMENTWISE_A, ELEMENTWISE_AND, ELEMENTWISE_A_STRIDES, ELEMENTWISE_B,
  ELEMENTWISE_BYTES, ELEMENTWISE_B_STRIDES, ELEMENTWISE_C, ELEMENTWISE_C_STRIDES, ELEMENTWISE_DIMENSIONS,
  ELEMENTWISE_EQUAL, ELEMENTWISE_FLOOR_DIV, ELEMENTWISE_FLOOR_MOD, ELEMENTWISE_KIND, ELEMENTWISE_LESS,
  ELEMENTWISE_LESS_EQUAL, ELEMENTWISE_NOT_EQUAL, ELEMENTWISE_OR, ELEMENTWISE_POW, ELEMENTWISE_SELECT,
  ELEMENTWISE_TARGET, ELEMENTWISE_XOR, FAULT_ATTRIBUTE, MAX_RANK } from '../layout';
import { bytesOf, checkCounts, checkRange, checkRecord, countWork, dtypeOf, fail, int, needScratch, numbersOf, scratch,
  source, sourceOf, targetOf, toF64 } from '../record';

// A function of two or three tensors, element by element, with broadcasting. The rows are walked in
// order; a row is the innermost dimension.

// Scratch: the position in the outer dimensions, i32 [MAX_RANK]

const LAST = (MAX_RANK - 1) << 2;
/** Cost of one element, in multiply-adds. */
const WORK = 32;

/** Elements from the first one read to the last one, inclusive. */
function extentOf(r: usize, strides: usize): f64 {
  let extent: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) {
    checkRange(r, strides + at, 0, 1 << 30);
    extent += (toF64(r, ELEMENTWISE_DIMENSIONS + at) - 1) * toF64(r, strides + at);
  }
  return extent;
}

/** The element types that a function supports, as bits 1 << DTYPE. */
function typesOf(kind: i32): i32 {
  if (kind >= ELEMENTWISE_FLOOR_DIV) return (1 << DTYPE_F32) | (1 << DTYPE_I32);
  if (kind >= ELEMENTWISE_AND) return 1 << DTYPE_U8;
  return (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8);
}

/** Whether the function gives truth values. */
function isPredicate(kind: i32): bool {
  return kind >= ELEMENTWISE_EQUAL && kind <= ELEMENTWISE_XOR;
}

export function describeElementwise(r: usize): void {
  const kind = int(r, ELEMENTWISE_KIND);
  if (!checkRecord(r, ELEMENTWISE_BYTES, typesOf(kind))) return;
  checkRange(r, ELEMENTWISE_KIND, ELEMENTWISE_SELECT, ELEMENTWISE_POW);
  checkCounts(r, ELEMENTWISE_DIMENSIONS, MAX_RANK);
  const size = bytesOf(dtypeOf(r));
  let count: f64 = 1;
  for (let at = 0; at <= LAST; at += 4) count *= toF64(r, ELEMENTWISE_DIMENSIONS + at);
  source(r, ELEMENTWISE_A, extentOf(r, ELEMENTWISE_A_STRIDES) * size, <u32>size);
  source(r, ELEMENTWISE_B, extentOf(r, ELEMENTWISE_B_STRIDES) * size, <u32>size);
  if (kind == ELEMENTWISE_SELECT) sourceOf(0, r, ELEMENTWISE_C, extentOf(r, ELEMENTWISE_C_STRIDES), 1);
  else if (int(r, ELEMENTWISE_C) != 0) fail(FAULT_ATTRIBUTE);
  const bytes = isPredicate(kind) ? 1 : size;
  targetOf(isPredicate(kind) ? 0 : numbersOf(r), r, ELEMENTWISE_TARGET, count * bytes, <u32>bytes);
  countWork(count * WORK);
  needScratch(MAX_RANK << 2);
}

@inline
function selectRow<T>(r: usize, c: usize, a: usize, b: usize, out: usize): void {
  const n = int(r, ELEMENTWISE_DIMENSIONS + LAST);
  const stepA = int(r, ELEMENTWISE_A_STRIDES + LAST) * sizeof<T>();
  const stepB = int(r, ELEMENTWISE_B_STRIDES + LAST) * sizeof<T>();
  const stepC = int(r, ELEMENTWISE_C_STRIDES + LAST);
  for (let i = 0; i < n; i++) {
    store<T>(out, load<u8>(c) ? load<T>(a) : load<T>(b));
    a += stepA;
    b += stepB;
    c += stepC;
    out += sizeof<T>();
  }
}

function holds<T>(kind: i32, x: T, y: T): bool {
  switch (kind) {
    case ELEMENTWISE_EQUAL:
      return x == y;
    case ELEMENTWISE_NOT_EQUAL:
      return x != y;
    case ELEMENTWISE_LESS:
      return x < y;
    case ELEMENTWISE_LESS_EQUAL:
      return x <= y;
    case ELEMENTWISE_AND:
      return x != 0 && y != 0;
    case ELEMENTWISE_OR:
      return x != 0 || y != 0;
    default:
      return (x != 0) != (y != 0);
  }
}

function predicateRow<T>(r: usize, a: usize, b: usize, out: usize): void {
  const kind = int(r, ELEMENTWISE_KIND);
  const n = int(r, ELEMENTWISE_DIMENSIONS + LAST);
  const stepA = int(r, ELEMENTWISE_A_STRIDES + LAST) * sizeof<T>();
  const stepB = int(r, ELEMENTWISE_B_STRIDES + LAST) * sizeof<T>();
  for (let i = 0; i < n; i++) {
    store<u8>(out + i, holds<T>(kind, load<T>(a), load<T>(b)) ? 1 : 0);
    a += stepA;
    b += stepB;
  }
}

/** x^y for integers, modulo 2^32; 0 for negative powers of numbers other than ±1. */
function integerPower(x: i32, y: i32): i32 {
  if (y < 0) {
    if (x == -1) return 1 - ((y & 1) << 1);
    return x == 1 ? 1 : 0;
  }
  let power = 1;
  for (; y > 0; y >>= 1) {
    if (y & 1) power *= x;
    x *= x;
  }
  return power;
}

/** Division rounds down. A quotient by 0 is 0, and so is its remainder. */
function integerArithmetic(kind: i32, x: i32, y: i32): i32 {
  if (kind == ELEMENTWISE_POW) return integerPower(x, y);
  if (y == 0) return 0;
  // −2^31 / −1 does not trap, but wraps
  if (y == -1) return kind == ELEMENTWISE_FLOOR_DIV ? 0 - x : 0;
  const remainder = x % y;
  const isBetween = remainder != 0 && (remainder ^ y) < 0;
  if (kind == ELEMENTWISE_FLOOR_DIV) return x / y - (isBetween ? 1 : 0);
  return isBetween ? remainder + y : remainder;
}

function floatArithmetic(kind: i32, x: f32, y: f32): f32 {
  if (kind == ELEMENTWISE_POW) return NativeMathf.pow(x, y);
  if (kind == ELEMENTWISE_FLOOR_DIV) return floor<f32>(x / y);
  const remainder = NativeMathf.mod(x, y);
  return remainder != 0 && (remainder < 0) != (y < 0) ? remainder + y : remainder;
}

function arithmeticRow<T>(r: usize, a: usize, b: usize, out: usize): void {
  const kind = int(r, ELEMENTWISE_KIND);
  const n = int(r, ELEMENTWISE_DIMENSIONS + LAST);
  const stepA = int(r, ELEMENTWISE_A_STRIDES + LAST) << 2;
  const stepB = int(r, ELEMENTWISE_B_STRIDES + LAST) << 2;
  for (let i = 0; i < n; i++) {
    if (isFloat<T>()) store<f32>(out, floatArithmetic(kind, load<f32>(a), load<f32>(b)));
    else store<i32>(out, integerArithmetic(kind, load<i32>(a), load<i32>(b)));
    a += stepA;
    b += stepB;
    out += 4;
  }
}

function row(r: usize, a: usize, b: usize, c: usize, out: usize): void {
  const kind = int(r, ELEMENTWISE_KIND);
  const dtype = dtypeOf(r);
  if (kind == ELEMENTWISE_SELECT) {
    if (bytesOf(dtype) == 4) selectRow<u32>(r, c, a, b, out);
    else selectRow<u8>(r, c, a, b, out);
  } else if (kind >= ELEMENTWISE_FLOOR_DIV) {
    if (dtype == DTYPE_F32) arithmeticRow<f32>(r, a, b, out);
    else arithmeticRow<i32>(r, a, b, out);
  } else {
    switch (dtype) {
      case DTYPE_F32:
        predicateRow<f32>(r, a, b, out);
        break;
      case DTYPE_I32:
        predicateRow<i32>(r, a, b, out);
        break;
      case DTYPE_I8:
        predicateRow<i8>(r, a, b, out);
        break;
      default:
        predicateRow<u8>(r, a, b, out);
    }
  }
}

/** Bytes between a row and the next one in the dimension `at`, or back to its first row. */
function moved(r: usize, strides: usize, at: i32, size: i32, wraps: bool): i32 {
  const stride = int(r, strides + at) * size;
  return wraps ? -stride * (int(r, ELEMENTWISE_DIMENSIONS + at) - 1) : stride;
}

export function runElementwise(r: usize): void {
  const kind = int(r, ELEMENTWISE_KIND);
  const size = <i32>bytesOf(dtypeOf(r));
  const bytes = (isPredicate(kind) ? 1 : size) * int(r, ELEMENTWISE_DIMENSIONS + LAST);
  const position = scratch();
  let a = <usize>int(r, ELEMENTWISE_A);
  let b = <usize>int(r, ELEMENTWISE_B);
  let c = <usize>int(r, ELEMENTWISE_C);
  let out = <usize>int(r, ELEMENTWISE_TARGET);
  memory.fill(position, 0, MAX_RANK << 2);
  while (true) {
    row(r, a, b, c, out);
    out += bytes;
    let at = LAST - 4;
    for (; at >= 0; at -= 4) {
      const next = load<i32>(position + at) + 1;
      const wraps = next == int(r, ELEMENTWISE_DIMENSIONS + at);
      store<i32>(position + at, wraps ? 0 : next);
      a += moved(r, ELEMENTWISE_A_STRIDES, at, size, wraps);
      b += moved(r, ELEMENTWISE_B_STRIDES, at, size, wraps);
      c += moved(r, ELEMENTWISE_C_STRIDES, at, 1, wraps);
      if (!wraps) break;
    }
    if (at < 0) return;
  }
}
