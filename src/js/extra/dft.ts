import { DFT_BINS, DFT_COMPONENTS, DFT_COUNT, DFT_INNER, DFT_INVERSE, DFT_LENGTH, DFT_OUTER, DFT_SOURCE, DFT_TABLE,
  DFT_TARGET } from '../../../assembly/layout';
import { int, offsetOf, sectionOf, type Memory } from '../memory';

/** Two sequences of complex numbers: real part, imaginary part. */
let first = new Float64Array(0);
let second = new Float64Array(0);

export function prepareDft(r: number, m: Memory): void {
  const n = 2 * int(r, m, DFT_LENGTH);
  if (first.length >= n) return;
  first = new Float64Array(n);
  second = new Float64Array(n);
}

/** A factor of n > 1: 4 if possible, otherwise the smallest one, which is prime. */
function factorOf(n: number): number {
  if ((n & 3) === 0) return 4;
  if ((n & 1) === 0) return 2;
  for (let factor = 3; factor * factor <= n; factor += 2) if (n % factor === 0) return factor;
  return n;
}

/**
 * A step for any factor: out[q + s·(f·p + k)] = w_L^(p·k) · Σ_j a[q + s·(p + m·j)] · w_f^(j·k) for
 * p < m = L / f, k < f, q < s, with L·s = n.
 */
function anyFactor(
  a: Float64Array,
  out: Float64Array,
  n: number,
  f: number,
  m: number,
  s: number,
  w: Float32Array,
  roots: number,
): void {
  for (let p = 0; p < m; p++) {
    for (let k = 0; k < f; k++) {
      const step = n / f * k;
      for (let q = 0; q < s; q++) {
        let from = 2 * (q + s * p);
        let re = 0;
        let im = 0;
        let turn = p * k * s;
        for (let j = 0; j < f; j++) {
          const c = w[roots + 2 * turn]!;
          const d = w[roots + 2 * turn + 1]!;
          const x = a[from]!;
          const y = a[from + 1]!;
          re += x * c - y * d;
          im += x * d + y * c;
          from += 2 * m * s;
          turn += step;
          if (turn >= n) turn -= n;
        }
        const to = 2 * (q + s * (f * p + k));
        out[to] = re;
        out[to + 1] = im;
      }
    }
  }
}

/** The step for the factor 4, whose own roots are 1, −i, −1 and i. */
function four(a: Float64Array, out: Float64Array, m: number, s: number, w: Float32Array, roots: number): void {
  const stride = 2 * m * s;

  /** Stores (re, im) · the root at `turn`. */
  function storeTurned(to: number, re: number, im: number, turn: number): void {
    const c = w[roots + 2 * turn]!;
    const d = w[roots + 2 * turn + 1]!;
    out[to] = re * c - im * d;
    out[to + 1] = re * d + im * c;
  }

  for (let p = 0; p < m; p++) {
    const turn = p * s;
    for (let q = 0; q < s; q++) {
      const from = 2 * (q + s * p);
      const to = 2 * (q + s * 4 * p);
      const evenRe = a[from]! + a[from + 2 * stride]!;
      const evenIm = a[from + 1]! + a[from + 2 * stride + 1]!;
      const evenLessRe = a[from]! - a[from + 2 * stride]!;
      const evenLessIm = a[from + 1]! - a[from + 2 * stride + 1]!;
      const oddRe = a[from + stride]! + a[from + 3 * stride]!;
      const oddIm = a[from + stride + 1]! + a[from + 3 * stride + 1]!;
      const oddLessRe = a[from + stride]! - a[from + 3 * stride]!;
      const oddLessIm = a[from + stride + 1]! - a[from + 3 * stride + 1]!;
      out[to] = evenRe + oddRe;
      out[to + 1] = evenIm + oddIm;
      storeTurned(to + 2 * s, evenLessRe + oddLessIm, evenLessIm - oddLessRe, turn);
      storeTurned(to + 4 * s, evenRe - oddRe, evenIm - oddIm, 2 * turn);
      storeTurned(to + 6 * s, evenLessRe - oddLessIm, evenLessIm + oddLessRe, 3 * turn);
    }
  }
}

/** The transform of n points in `first`, by Stockham's algorithm; it overwrites both sequences. */
function transform(n: number, w: Float32Array, roots: number): Float64Array {
  let a = first;
  let b = second;
  let s = 1;
  for (let rest = n; rest > 1;) {
    const factor = factorOf(rest);
    rest /= factor;
    if (factor === 4) four(a, b, rest, s, w, roots);
    else anyFactor(a, b, n, factor, rest, s, w, roots);
    s *= factor;
    const result = b;
    b = a;
    a = result;
  }
  return a;
}

export function runDft(r: number, m: Memory): void {
  const count = int(r, m, DFT_COUNT);
  const inner = int(r, m, DFT_INNER);
  const n = int(r, m, DFT_LENGTH);
  const bins = int(r, m, DFT_BINS);
  const components = int(r, m, DFT_COMPONENTS);
  // the inverse is the transform with real and imaginary parts exchanged before and after, divided
  // by n
  const inverse = int(r, m, DFT_INVERSE) !== 0;
  const divisor = inverse ? n : 1;
  const re = inverse ? 1 : 0;
  const a = sectionOf(r, m, DFT_SOURCE).f32;
  const out = m.arena.f32;
  for (let outer = 0; outer < int(r, m, DFT_OUTER); outer++) {
    for (let i = 0; i < inner; i++) {
      for (let j = 0; j < 2 * n; j++) first[j] = 0;
      for (let j = 0; j < count && j < n; j++) {
        const from = (offsetOf(r, m, DFT_SOURCE) >> 2) + ((outer * count + j) * inner + i) * components;
        first[2 * j + re] = a[from]!;
        if (components === 2) first[2 * j + 1 - re] = a[from + 1]!;
      }
      const found = transform(n, m.weights.f32, int(r, m, DFT_TABLE) >> 2);
      for (let k = 0; k < bins; k++) {
        const to = (int(r, m, DFT_TARGET) >> 2) + 2 * ((outer * bins + k) * inner + i);
        out[to] = found[2 * k + re]! / divisor;
        out[to + 1] = found[2 * k + 1 - re]! / divisor;
      }
    }
  }
}
