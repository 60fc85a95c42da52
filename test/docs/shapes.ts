import { add, away, C, clamp, f, type Fields, fold, max, min, range, requantize, walk, wholeRange,
  type Records } from './fields';

// Pooling, reductions and data movement, as docs/format/reduction.md and docs/format/movement.md
// specify them: see runner.ts.

function pool(r: Fields): void {
  const { KIND, BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, PAD_TOP, PAD_LEFT,
    ROUNDING_OFFSET } = r.ints(
      'POOL2D',
      'KIND',
      'BATCH',
      'IN_H',
      'IN_W',
      'CHANNELS',
      'OUT_H',
      'OUT_W',
      'KERNEL_H',
      'KERNEL_W',
      'STRIDE_Y',
      'STRIDE_X',
      'PAD_TOP',
      'PAD_LEFT',
      'ROUNDING_OFFSET',
    );
  const source = r.source('POOL2D_SOURCE');
  const target = r.target('POOL2D_TARGET');
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        const rows = range(KERNEL_H).map((k) => y * STRIDE_Y - PAD_TOP + k).filter((i) => i >= 0 && i < IN_H);
        const columns = range(KERNEL_W).map((k) => x * STRIDE_X - PAD_LEFT + k).filter((i) => i >= 0 && i < IN_W);
        for (let c = 0; c < CHANNELS; c++) {
          const window = rows.flatMap((iy) =>
            columns.map((ix) => source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c))
          );
          const n = window.length;
          let value: number;
          if (KIND === C.POOL2D_MAXIMUM!) value = window.reduce(max, -Infinity);
          else if (r.floats) value = f(window.reduce(add, 0) / n);
          else {
            const s = window.reduce((sum, q) => sum + q, n * ROUNDING_OFFSET);
            const half = Math.trunc(n / 2);
            value = Math.trunc((s > 0 ? s + half : s - half) / n) - ROUNDING_OFFSET;
          }
          target.set(at++, clamp(value, r.bound('POOL2D_MIN'), r.bound('POOL2D_MAX')));
        }
      }
    }
  }
}

function reduce(r: Fields): void {
  const { KIND, OUTER, COUNT, INNER, SOURCE_ZERO, TARGET_ZERO, ROUNDING } = r.ints(
    'REDUCE',
    'KIND',
    'OUTER',
    'COUNT',
    'INNER',
    'SOURCE_ZERO',
    'TARGET_ZERO',
    'ROUNDING',
  );
  const source = r.source('REDUCE_SOURCE');
  const target = r.target('REDUCE_TARGET');
  const scale = r.float('REDUCE_SCALE');
  const all = wholeRange(TARGET_ZERO);
  const combine = (values: number[]): number => {
    const join = (
      first: number,
      take: (p: number, x: number) => number,
    ): number => (INNER === 1 ? fold(values, first, take) : values.reduce(take, first));
    if (KIND === C.REDUCE_MAX) return join(-Infinity, max);
    if (KIND === C.REDUCE_MIN) return join(Infinity, min);
    if (r.floats) {
      if (KIND === C.REDUCE_PROD) return values.reduce((p, x) => f(p * x), 1);
      return KIND === C.REDUCE_MEAN ? f(join(0, add) / COUNT) : join(0, add);
    }
    if (KIND === C.REDUCE_PROD) {
      const factor = (x: bigint): bigint => fixedPoint(x, BigInt(r.int('REDUCE_MULTIPLIER')), r.int('REDUCE_EXPONENT'));
      const [first, ...rest] = values.map((q) => BigInt(q - SOURCE_ZERO));
      return clamp(Number(factor(rest.reduce((p, q) => factor(p * q), first!))) + TARGET_ZERO, -128, 127);
    }
    const S = values.reduce((sum, q) => sum + q - SOURCE_ZERO, 0);
    if (ROUNDING === C.ROUND_EVEN) return requantize(S, scale, all);
    if (ROUNDING === C.ROUND_AWAY) {
      return away(clamp(f(f(S) * scale), -128 - TARGET_ZERO, 127 - TARGET_ZERO)) + TARGET_ZERO;
    }
    return clamp(Math.trunc(S / COUNT) + TARGET_ZERO, -128, 127);
  };
  for (let o = 0; o < OUTER; o++) {
    for (let i = 0; i < INNER; i++) {
      target.set(o * INNER + i, combine(range(COUNT).map((j) => source.get((o * COUNT + j) * INNER + i))));
    }
  }
}

/** x·m·2^(e − 31) with two roundings. */
function fixedPoint(x: bigint, m: bigint, e: number): bigint {
  const i32 = (y: bigint): bigint => {
    if (y > 2147483647n) return 2147483647n;
    return y < -2147483648n ? -2147483648n : y;
  };
  const [left, right] = [BigInt(Math.max(e, 0)), BigInt(Math.max(-e, 0))];
  const product = i32(i32(x) << left) * m;
  const h = (product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n);
  const size = h < 0n ? -h : h;
  const quotient = right === 0n ? size : (size + (1n << (right - 1n))) >> right;
  return i32(h < 0n ? -quotient : quotient);
}

function argmax(r: Fields): void {
  const { KIND, OUTER, COUNT, INNER } = r.ints('ARGMAX', 'KIND', 'OUTER', 'COUNT', 'INNER');
  const source = r.source('ARGMAX_SOURCE');
  const target = r.target('ARGMAX_TARGET', C.DTYPE_I32);
  for (let o = 0; o < OUTER; o++) {
    for (let i = 0; i < INNER; i++) {
      const value = (j: number): number => source.get((o * COUNT + j) * INNER + i);
      const isBetter = (j: number, best: number): boolean =>
        KIND === C.ARGMAX_MAX ? value(j) > value(best) : value(j) < value(best);
      target.set(o * INNER + i, range(COUNT).reduce((best, j) => (isBetter(j, best) ? j : best)));
    }
  }
}

function resize(r: Fields): void {
  const { MODE, BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W } = r.ints(
    'RESIZE2D',
    'MODE',
    'BATCH',
    'IN_H',
    'IN_W',
    'CHANNELS',
    'OUT_H',
    'OUT_W',
  );
  const source = r.source('RESIZE2D_SOURCE');
  const target = r.target('RESIZE2D_TARGET');
  const words = C.RESIZE2D_ENTRY_BYTES! / 4;
  const entry = (name: string, i: number): [number, number, number] => {
    const numbers = r.table(name, C.DTYPE_I32!);
    const floats = r.table(name, C.DTYPE_F32!);
    return [numbers.get(i * words), numbers.get(i * words + 1), (r.floats ? floats : numbers).get(i * words + 2)];
  };
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        const [top, bottom, wy] = entry('RESIZE2D_ROWS', y);
        const [left, right, wx] = entry('RESIZE2D_COLUMNS', x);
        for (let c = 0; c < CHANNELS; c++) {
          const a = (iy: number, ix: number): number => source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c);
          const fixed = (iy: number): number => a(iy, left) * 2048 + (a(iy, right) - a(iy, left)) * wx;
          const real = (iy: number): number => f(a(iy, left) + f(f(a(iy, right) - a(iy, left)) * wx));
          let value: number;
          if (MODE === C.RESIZE2D_NEAREST) value = a(top, left);
          else if (r.floats) value = f(real(top) + f(f(real(bottom) - real(top)) * wy));
          else value = (fixed(top) * 2048 + (fixed(bottom) - fixed(top)) * wy + 2 ** 21) >> 22;
          target.set(at++, value);
        }
      }
    }
  }
}

function gather(r: Fields): void {
  const { OUTER, MIDDLE, COUNT, INDEX_COUNT, ROW_BYTES } = r.ints(
    'GATHER',
    'OUTER',
    'MIDDLE',
    'COUNT',
    'INDEX_COUNT',
    'ROW_BYTES',
  );
  const source = r.source('GATHER_SOURCE', C.DTYPE_I8);
  const indices = r.source('GATHER_INDICES', C.DTYPE_I32);
  const target = r.target('GATHER_TARGET', C.DTYPE_I8);
  for (let o = 0; o < OUTER; o++) {
    for (let m = 0; m < MIDDLE; m++) {
      for (let i = 0; i < INDEX_COUNT; i++) {
        const j = clamp(indices.get(o * INDEX_COUNT + i), 0, COUNT - 1);
        for (let byte = 0; byte < ROW_BYTES; byte++) {
          target.set(
            ((o * MIDDLE + m) * INDEX_COUNT + i) * ROW_BYTES + byte,
            source.get(((o * MIDDLE + m) * COUNT + j) * ROW_BYTES + byte),
          );
        }
      }
    }
  }
}

function copy(r: Fields): void {
  const dtype = r.int('COPY_ELEMENT_BYTES') === 1 ? C.DTYPE_U8! : C.DTYPE_I32!;
  const source = r.source('COPY_SOURCE', dtype);
  const target = r.target('COPY_TARGET', dtype);
  for (const [from, to] of walk(r, 'COPY_DIMENSIONS', 'COPY_SOURCE_STRIDES', 'COPY_TARGET_STRIDES')) {
    target.set(to, source.get(from));
  }
}

function fill(r: Fields): void {
  const target = r.target('FILL_TARGET', r.int('FILL_ELEMENT_BYTES') === 1 ? C.DTYPE_U8 : C.DTYPE_I32);
  for (let i = 0; i < r.int('FILL_COUNT'); i++) target.set(i, r.int('FILL_VALUE'));
}

/** The records of this file, by opcode. */
export const shapes: Records = {
  OP_POOL2D: pool,
  OP_REDUCE: reduce,
  OP_ARGMAX: argmax,
  OP_RESIZE2D: resize,
  OP_GATHER: gather,
  OP_COPY: copy,
  OP_FILL: fill,
};
