import { DFT_BINS, DFT_BYTES, DFT_COMPONENTS, DFT_COUNT, DFT_INNER, DFT_INVERSE, DFT_LENGTH, DFT_MOST, DFT_OUTER,
  DFT_SOURCE, DFT_TABLE, DFT_TARGET, DTYPE_F32 } from '../layout';
import { checkCounts, checkRange, checkRecord, countWork, int, needScratch, scratch, source, table, target,
  toF64 } from '../record';

// Scratch: two sequences of complex numbers, f64 [LENGTH][2] each

/** Bytes of a complex number in the scratch. */
const POINT = 16;

export function describeDft(r: usize): void {
  if (!checkRecord(r, DFT_BYTES, 1 << DTYPE_F32)) return;
  // OUTER, COUNT, INNER, LENGTH and BINS
  checkCounts(r, DFT_OUTER, 5);
  checkRange(r, DFT_LENGTH, 1, DFT_MOST);
  checkRange(r, DFT_BINS, 1, int(r, DFT_LENGTH));
  checkRange(r, DFT_COMPONENTS, 1, 2);
  checkRange(r, DFT_INVERSE, 0, 1);
  const lines = toF64(r, DFT_OUTER) * toF64(r, DFT_INNER);
  const length = toF64(r, DFT_LENGTH);
  source(r, DFT_SOURCE, lines * toF64(r, DFT_COUNT) * toF64(r, DFT_COMPONENTS) * 4, 4);
  target(r, DFT_TARGET, lines * toF64(r, DFT_BINS) * 8, 4);
  table(r, DFT_TABLE, length * 8, 4);
  countWork(lines * length * factors(int(r, DFT_LENGTH)) * 4);
  needScratch(length * 2 * POINT);
}

/** A factor of n > 1: 4 if possible, otherwise the smallest one, which is prime. */
function factorOf(n: i32): i32 {
  if ((n & 3) == 0) return 4;
  if ((n & 1) == 0) return 2;
  // n < 2^24, so that the square does not overflow
  for (let factor = 3; factor * factor <= n; factor += 2) {
    if (n % factor == 0) return factor;
  }
  return n;
}

/** The sum of the factors of n, to which the work of a transform of n points is proportional. */
function factors(n: i32): f64 {
  let sum: f64 = 1;
  // a malformed n has no factors
  while (n > 1 && n <= DFT_MOST) {
    const factor = factorOf(n);
    sum += <f64>factor;
    n /= factor;
  }
  return sum;
}

/**
 * A step for any factor r: out[q + s·(r·p + k)] = w_L^(p·k) · Σ_j a[q + s·(p + m·j)] · w_r^(j·k)
 * for p < m = L / r, k < r, q < s, with L·s = n.
 */
function anyFactor(a: usize, out: usize, n: i32, r: i32, m: i32, s: i32, roots: usize): void {
  const stride = <usize>(m * s) * POINT;
  for (let p = 0; p < m; p++) {
    for (let k = 0; k < r; k++) {
      const step = n / r * k;
      for (let q = 0; q < s; q++) {
        let from = a + <usize>(q + s * p) * POINT;
        let re: f64 = 0;
        let im: f64 = 0;
        let turn = p * k * s;
        for (let j = 0; j < r; j++) {
          const root = roots + (<usize>turn << 3);
          const c = <f64>load<f32>(root);
          const d = <f64>load<f32>(root, 4);
          const x = load<f64>(from);
          const y = load<f64>(from, 8);
          re += x * c - y * d;
          im += x * d + y * c;
          from += stride;
          turn += step;
          if (turn >= n) turn -= n;
        }
        const to = out + <usize>(q + s * (r * p + k)) * POINT;
        store<f64>(to, re);
        store<f64>(to, im, 8);
      }
    }
  }
}

/** Stores (re, im) · the root at `turn`. */
// @ts-ignore decorator
@inline
function storeTurned(to: usize, re: f64, im: f64, roots: usize, turn: i32): void {
  const root = roots + (<usize>turn << 3);
  const c = <f64>load<f32>(root);
  const d = <f64>load<f32>(root, 4);
  store<f64>(to, re * c - im * d);
  store<f64>(to, re * d + im * c, 8);
}

/** The step for the factor 4, whose own roots are 1, −i, −1 and i. */
function four(a: usize, out: usize, m: i32, s: i32, roots: usize): void {
  const stride = <usize>(m * s) * POINT;
  const row = <usize>s * POINT;
  for (let p = 0; p < m; p++) {
    const turn = p * s;
    let from = a + <usize>(s * p) * POINT;
    let to = out + <usize>(s * 4 * p) * POINT;
    for (let q = 0; q < s; q++) {
      const second = from + stride;
      const third = second + stride;
      const fourth = third + stride;
      const evenRe = load<f64>(from) + load<f64>(third);
      const evenIm = load<f64>(from, 8) + load<f64>(third, 8);
      const evenLessRe = load<f64>(from) - load<f64>(third);
      const evenLessIm = load<f64>(from, 8) - load<f64>(third, 8);
      const oddRe = load<f64>(second) + load<f64>(fourth);
      const oddIm = load<f64>(second, 8) + load<f64>(fourth, 8);
      const oddLessRe = load<f64>(second) - load<f64>(fourth);
      const oddLessIm = load<f64>(second, 8) - load<f64>(fourth, 8);
      store<f64>(to, evenRe + oddRe);
      store<f64>(to, evenIm + oddIm, 8);
      storeTurned(to + row, evenLessRe + oddLessIm, evenLessIm - oddLessRe, roots, turn);
      storeTurned(to + 2 * row, evenRe - oddRe, evenIm - oddIm, roots, 2 * turn);
      storeTurned(to + 3 * row, evenLessRe - oddLessIm, evenLessIm + oddLessRe, roots, 3 * turn);
      from += POINT;
      to += POINT;
    }
  }
}

/**
 * The transform of n points at a, by Stockham's algorithm, which has one step for each factor of n.
 *
 * @param b n points that are overwritten as well
 * @returns a or b, which holds the result
 */
function transform(a: usize, b: usize, n: i32, roots: usize): usize {
  let s = 1;
  for (let rest = n; rest > 1;) {
    const r = factorOf(rest);
    rest /= r;
    if (r == 4) four(a, b, rest, s, roots);
    else anyFactor(a, b, n, r, rest, s, roots);
    s *= r;
    const result = b;
    b = a;
    a = result;
  }
  return a;
}

export function runDft(r: usize): void {
  const count = int(r, DFT_COUNT);
  const inner = int(r, DFT_INNER);
  const n = int(r, DFT_LENGTH);
  const bins = int(r, DFT_BINS);
  const isComplex = int(r, DFT_COMPONENTS) == 2;
  const step = <usize>(inner * int(r, DFT_COMPONENTS)) << 2;
  const roots = <usize>int(r, DFT_TABLE);
  // the inverse is the transform with real and imaginary parts exchanged before and after, divided
  // by n
  const inverse = int(r, DFT_INVERSE) != 0;
  const divisor: f64 = inverse ? <f64>n : 1;
  const re = inverse ? <usize>8 : 0;
  const im = 8 - re;
  const a = scratch();
  const b = a + <usize>n * POINT;
  const given = min(count, n);
  let line = <usize>int(r, DFT_SOURCE);
  let result = <usize>int(r, DFT_TARGET);
  for (let outer = int(r, DFT_OUTER); outer > 0; outer--) {
    for (let i = 0; i < inner; i++) {
      let from = line + (<usize>i << (isComplex ? 3 : 2));
      memory.fill(a, 0, <usize>n * POINT);
      for (let j = 0; j < given; j++) {
        const point = a + <usize>j * POINT;
        store<f64>(point + re, <f64>load<f32>(from));
        if (isComplex) store<f64>(point + im, <f64>load<f32>(from, 4));
        from += step;
      }
      let found = transform(a, b, n, roots);
      let to = result + (<usize>i << 3);
      for (let k = 0; k < bins; k++) {
        store<f32>(to, <f32>(load<f64>(found + re) / divisor));
        store<f32>(to, <f32>(load<f64>(found + im) / divisor), 4);
        found += POINT;
        to += <usize>inner << 3;
      }
    }
    line += step * count;
    result += <usize>(bins * inner) << 3;
  }
}
