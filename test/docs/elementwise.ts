import { add, C, clamp, even, f, type Fields, fold, max, min, quantize, range, requantize, sizeOf, boundsOf, walk,
  wholeRange, type Records } from './fields';

// Element-wise operations, softmax and normalization, as docs/format/elementwise.md specifies them:
// see runner.ts.

function binary(r: Fields): void {
  const a = r.source('BINARY_A');
  const b = r.source('BINARY_B');
  const target = r.target('BINARY_TARGET');
  const kind = r.int('BINARY_KIND');
  const s = boundsOf(r, 'BINARY');
  const integer = r.dtype === C.DTYPE_I32 ? integers : quantized;
  const compute = r.floats ? floats : integer;
  const values = [...walk(r, 'BINARY_DIMENSIONS', 'BINARY_A_STRIDES', 'BINARY_B_STRIDES')].map(([i, j]) =>
    compute(a.get(i), b.get(j))
  );
  values.forEach((value, i) => target.set(i, value));

  function floats(p: number, q: number): number {
    const d = f(p - q);
    const value = [f(p + q), d, f(p * q), f(p / q), min(p, q), max(p, q), f(d * d), p >= 0 ? p : f(p * q)][kind]!;
    return clamp(value, r.float('BINARY_MIN'), r.float('BINARY_MAX'));
  }
  function integers(p: number, q: number): number {
    return [p + q, p - q, Math.imul(p, q), 0, min(p, q), max(p, q)][kind]! | 0;
  }
  function quantized(p: number, q: number): number {
    const da = p - r.int('BINARY_A_ZERO');
    const db = q - r.int('BINARY_B_ZERO');
    const scale = r.float('BINARY_SCALE');
    const second = r.float('BINARY_NEGATIVE_SCALE');
    const out = r.float('BINARY_OUT_SCALE');
    switch (kind) {
      case C.BINARY_ADD:
      case C.BINARY_SUB:
        return clamp(
          ((Math.imul(r.int('BINARY_A_FACTOR'), p) + Math.imul(r.int('BINARY_B_FACTOR'), q) + r.int('BINARY_BIAS')) |
            0) >> r.int('BINARY_SHIFT'),
          s.min - s.zeroPoint,
          s.max - s.zeroPoint,
        ) + s.zeroPoint;
      case C.BINARY_MUL:
        return requantize(da * db, scale, s);
      case C.BINARY_DIV:
        return quantize(f(f(f(scale * da) / f(second * db)) / out), s);
      case C.BINARY_MINIMUM:
        return clamp(min(p, q), s.min, s.max);
      case C.BINARY_MAXIMUM:
        return clamp(max(p, q), s.min, s.max);
      case C.BINARY_PRELU:
        return da >= 0 ? requantize(da, scale, s) : requantize(da * db, second, s);
      default: {
        const d = f(f(scale * da) - f(second * db));
        return quantize(f(f(d * d) / out), s);
      }
    }
  }
}

function unary(r: Fields): void {
  const source = r.source('UNARY_SOURCE');
  const target = r.target('UNARY_TARGET');
  const count = r.int('UNARY_COUNT');
  if (!r.floats) {
    const bytes = r.source('UNARY_SOURCE', C.DTYPE_U8);
    const table = r.table('UNARY_TABLE', C.DTYPE_U8!);
    for (let i = 0; i < count; i++) target.set(i, table.get(bytes.get(i)));
    return;
  }
  const compute = functions[r.int('UNARY_KIND')]!;
  const alpha = r.float('UNARY_ALPHA');
  for (let i = 0; i < count; i++) target.set(i, compute(source.get(i), alpha));
}

/** In the order of KIND; the caller rounds to f32. */
const functions: ((x: number, alpha: number) => number)[] = [(x) => max(x, 0), (x) => min(max(x, 0), 6),
  (x) => min(max(x, -1), 1), (x) => min(max(x, 0), 1), (x, alpha) => (x >= 0 ? x : x * alpha),
  (x) => f(x * min(max(f(x + 3), 0), 6)) * f(1 / 6), (x) => 1 / (1 + Math.exp(-x)), Math.tanh,
  (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)), (x) => x / 2 * (1 + erf(x / Math.SQRT2)),
  (x) => x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))), Math.exp, Math.log, Math.sqrt,
  (x) => 1 / f(Math.sqrt(x)), Math.abs, (x) => -x, (x) => x * x, Math.floor, Math.ceil, even, Math.sin, Math.cos];

/** erf by its series (Abramowitz and Stegun 7.1.6), exact to double precision for |x| < 6. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}

function softmax(r: Fields): void {
  const source = r.source('SOFTMAX_SOURCE');
  const target = r.target('SOFTMAX_TARGET');
  const table = r.table('SOFTMAX_TABLE', C.DTYPE_F32!);
  const depth = r.int('SOFTMAX_DEPTH');
  const scale = r.float('SOFTMAX_SCALE');
  const out = r.float('SOFTMAX_OUT_SCALE');
  const zeroPoint = r.int('SOFTMAX_TARGET_ZERO');
  const logs = r.opcode === C.OP_LOG_SOFTMAX;
  for (let row = 0; row < r.int('SOFTMAX_ROWS'); row++) {
    const values = range(depth).map((i) => source.get(row * depth + i));
    const m = fold(values, -Infinity, max);
    const exponent = (x: number): number => (logs ? f(x - m) : f(f(x - m) * scale));
    const powers = values.map((x) => (r.floats ? f(Math.exp(exponent(x))) : table.get(m - x)));
    const sum = fold(powers, 0, add);
    const L = f(Math.log(sum));
    values.forEach((x, i) => {
      let y: number;
      if (r.floats) y = logs ? f(f(x - m) - L) : f(powers[i]! * f(1 / sum));
      else if (logs) y = quantize(f(f(f(scale * (x - m)) - L) / out), wholeRange(zeroPoint));
      else {
        const p = f(powers[i]! * f(1 / f(sum * out)));
        y = even(p < 127 - zeroPoint ? p : 127 - zeroPoint) + zeroPoint;
      }
      target.set(row * depth + i, y);
    });
  }
}

function normalize(r: Fields): void {
  const source = r.source('L2_NORMALIZE_SOURCE');
  const target = r.target('L2_NORMALIZE_TARGET');
  const depth = r.int('L2_NORMALIZE_DEPTH');
  const epsilon = r.float('L2_NORMALIZE_EPSILON');
  const za = r.int('L2_NORMALIZE_SOURCE_ZERO');
  const zo = r.int('L2_NORMALIZE_TARGET_ZERO');
  for (let row = 0; row < r.int('L2_NORMALIZE_ROWS'); row++) {
    const values = range(depth).map((i) => source.get(row * depth + i));
    if (r.floats) {
      const S = fold(values, 0, (p, x) => f(p + f(x * x)), add);
      const factor = f(1 / f(Math.sqrt(S < epsilon ? epsilon : S)));
      values.forEach((x, i) => target.set(row * depth + i, f(x * factor)));
    } else {
      const S = values.reduce((sum, q) => sum + (q - za) ** 2, 0);
      const factor = f(1 / (Math.sqrt(Math.max(S, epsilon)) * r.float('L2_NORMALIZE_OUT_SCALE')));
      values.forEach((q, i) => target.set(row * depth + i, quantize(f((q - za) * factor), wholeRange(zo))));
    }
  }
}

function quantizing(r: Fields): void {
  const source = r.source('QUANTIZE_SOURCE');
  const target = r.target('QUANTIZE_TARGET', C.DTYPE_I8);
  const scale = r.float('QUANTIZE_SCALE');
  const zeroPoint = r.int('QUANTIZE_ZERO');
  for (let i = 0; i < r.int('QUANTIZE_COUNT'); i++) {
    target.set(i, quantize(f(source.get(i) * scale), wholeRange(zeroPoint)));
  }
}

function dequantizing(r: Fields): void {
  const source = r.source('QUANTIZE_SOURCE');
  const target = r.target('QUANTIZE_TARGET', C.DTYPE_F32);
  const scale = r.float('QUANTIZE_SCALE');
  const zeroPoint = r.int('QUANTIZE_ZERO');
  for (let i = 0; i < r.int('QUANTIZE_COUNT'); i++) target.set(i, f(scale * (source.get(i) - zeroPoint)));
}

function cast(r: Fields): void {
  const to = r.int('CAST_TO');
  const source = r.source('CAST_SOURCE');
  const target = r.target('CAST_TARGET', to);
  const bytes = (dtype: number): boolean => sizeOf(dtype) === 1;
  const limits = new Map([[C.DTYPE_I8, [-128, 127]], [C.DTYPE_U8, [0, 255]], [C.DTYPE_I32, [-2147483648, 2147483647]]])
    .get(to) as [number, number] | undefined;
  for (let i = 0; i < r.int('CAST_COUNT'); i++) {
    const x = source.get(i);
    if (r.dtype !== to && bytes(r.dtype) && bytes(to)) target.set(i, x ^ 0x80);
    else if (r.floats && limits) target.set(i, Number.isNaN(x) ? 0 : clamp(Math.trunc(x), ...limits));
    else target.set(i, x);
  }
}

/** The records of this file, by opcode. */
export const elementwise: Records = {
  OP_BINARY: binary,
  OP_UNARY: unary,
  OP_SOFTMAX: softmax,
  OP_LOG_SOFTMAX: softmax,
  OP_L2_NORMALIZE: normalize,
  OP_QUANTIZE: quantizing,
  OP_DEQUANTIZE: dequantizing,
  OP_CAST: cast,
};
