import { C, clamp, f, F64, type Fields, range, type Records, walk } from './fields';
import { factor } from './recurrent';

// The records with int16 activations, as docs/format/wide.md specifies them: see runner.ts.

/** Calls `visit` for every image, output pixel, group and output of a convolution. */
function convolution(r: Fields): void {
  const G = r.ints('CONV2D', 'BATCH', 'IN_H', 'IN_W', 'IN_C', 'OUT_H', 'OUT_W', 'OUT_C', 'GROUPS', 'KERNEL_W');
  const P = r.ints('CONV2D', 'KERNEL_H', 'STRIDE_Y', 'STRIDE_X', 'DILATION_Y', 'DILATION_X', 'PAD_TOP', 'PAD_LEFT');
  const S = r.ints('CONV2D', 'BATCH_STRIDE', 'ROW_STRIDE', 'PIXEL_STRIDE', 'MIN', 'MAX');
  const [source, target] = [r.source('CONV2D_SOURCE'), r.target('CONV2D_TARGET')];
  const weights = r.table('CONV2D_WEIGHTS', C.DTYPE_I8!);
  const [bias, scale] = [r.table('CONV2D_BIAS', F64), r.table('CONV2D_SCALE', F64)];
  const [channels, N] = [G.IN_C / G.GROUPS, G.OUT_C / G.GROUPS];
  const panels = Math.ceil(N / 8);
  const K = P.KERNEL_H * G.KERNEL_W * channels;
  const chunk = 4 * r.int('WIDE_CONV2D_CHUNK');
  const inputs = (b: number, y: number, x: number, g: number): number[] =>
    range(K).map((k) => {
      const tap = Math.floor(k / channels);
      const iy = y * P.STRIDE_Y - P.PAD_TOP + Math.floor(tap / G.KERNEL_W) * P.DILATION_Y;
      const ix = x * P.STRIDE_X - P.PAD_LEFT + (tap % G.KERNEL_W) * P.DILATION_X;
      const isInside = iy >= 0 && iy < G.IN_H && ix >= 0 && ix < G.IN_W;
      return isInside ? source.get(((b * G.IN_H + iy) * G.IN_W + ix) * G.IN_C + g * channels + k % channels) : 0;
    });
  for (const [b, y, x, g] of everyIndex(G.BATCH, G.OUT_H, G.OUT_W, G.GROUPS) as [number, number, number, number][]) {
    const a = inputs(b, y, x, g);
    for (const n of range(N)) {
      const panel = (g * panels + Math.floor(n / 8)) * Math.ceil(K / 4);
      const lane = g * panels * 8 + n;
      let sum = bias.get(lane);
      for (let from = 0; from < K; from += chunk) {
        sum += a.slice(from, from + chunk).reduce((acc, v, i) => {
          const k = from + i;
          return (acc + v * weights.get((panel + (k >> 2)) * 32 + (n % 8) * 4 + k % 4)) | 0;
        }, 0);
      }
      const at = b * S.BATCH_STRIDE + y * S.ROW_STRIDE + x * S.PIXEL_STRIDE + g * N + n;
      target.set(at, clamp(Math.floor(sum * scale.get(lane) + 0.5), S.MIN, S.MAX));
    }
  }
}

function everyIndex(...sizes: number[]): number[][] {
  return sizes.reduce<number[][]>((heads, size) => heads.flatMap((head) => range(size).map((i) => [...head, i])), [[]]);
}

function depthwise(r: Fields): void {
  const G = r.ints('DEPTHWISE', 'BATCH', 'IN_H', 'IN_W', 'CHANNELS', 'OUT_H', 'OUT_W', 'KERNEL_H', 'KERNEL_W');
  const P = r.ints('DEPTHWISE', 'STRIDE_Y', 'STRIDE_X', 'DILATION_Y', 'DILATION_X', 'PAD_TOP', 'PAD_LEFT');
  const [source, target] = [r.source('DEPTHWISE_SOURCE'), r.target('DEPTHWISE_TARGET')];
  const weights = r.table('DEPTHWISE_WEIGHTS', C.DTYPE_I8!);
  const [bias, scale] = [r.table('DEPTHWISE_BIAS', F64), r.table('DEPTHWISE_SCALE', F64)];
  const taps = G.KERNEL_H * G.KERNEL_W;
  everyIndex(G.BATCH, G.OUT_H, G.OUT_W, G.CHANNELS).forEach(([b, y, x, c], at) => {
    const sum = range(taps).reduce((acc, t) => {
      const iy = y! * P.STRIDE_Y - P.PAD_TOP + (t % G.KERNEL_H) * P.DILATION_Y;
      const ix = x! * P.STRIDE_X - P.PAD_LEFT + Math.floor(t / G.KERNEL_H) * P.DILATION_X;
      if (iy < 0 || iy >= G.IN_H || ix < 0 || ix >= G.IN_W) return acc;
      const a = source.get(((b! * G.IN_H + iy) * G.IN_W + ix) * G.CHANNELS + c!);
      return (acc + a * weights.get((Math.floor(c! / 8) * taps + t) * 8 + c! % 8)) | 0;
    }, 0);
    const steps = Math.floor((bias.get(c!) + sum) * scale.get(c!) + 0.5);
    target.set(at, clamp(steps, r.int('DEPTHWISE_MIN'), r.int('DEPTHWISE_MAX')));
  });
}

function binary(r: Fields): void {
  const [a, b, target] = [r.source('BINARY_A'), r.source('BINARY_B'), r.target('BINARY_TARGET')];
  const F = r.ints(
    'WIDE_BINARY',
    'A_MULTIPLIER',
    'A_EXPONENT',
    'B_MULTIPLIER',
    'B_EXPONENT',
    'OUT_MULTIPLIER',
    'OUT_EXPONENT',
  );
  const ofSum = (x: number): number => factor(x, F.OUT_MULTIPLIER, F.OUT_EXPONENT);
  const ofA = (x: number): number => factor(x * 2 ** 15, F.A_MULTIPLIER, F.A_EXPONENT);
  const ofB = (x: number): number => factor(x * 2 ** 15, F.B_MULTIPLIER, F.B_EXPONENT);
  const functions: Record<number, (p: number, q: number) => number> = {
    [C.BINARY_ADD!]: (p, q) => ofSum(ofA(p) + ofB(q)),
    [C.BINARY_SUB!]: (p, q) => ofSum(ofA(p) - ofB(q)),
    [C.BINARY_MUL!]: (p, q) => ofSum(p * q),
    [C.BINARY_MINIMUM!]: Math.min,
    [C.BINARY_MAXIMUM!]: Math.max,
  };
  const compute = functions[r.int('BINARY_KIND')]!;
  let at = 0;
  for (const [i, j] of walk(r, 'BINARY_DIMENSIONS', 'BINARY_A_STRIDES', 'BINARY_B_STRIDES')) {
    target.set(at++, clamp(compute(a.get(i), b.get(j)), r.int('BINARY_MIN'), r.int('BINARY_MAX')));
  }
}

function convert(r: Fields): void {
  const to = r.int('WIDE_CONVERT_TO');
  const [source, target] = [r.source('WIDE_CONVERT_SOURCE'), r.target('WIDE_CONVERT_TARGET', to)];
  const R = r.ints('WIDE_CONVERT', 'COUNT', 'MULTIPLIER', 'EXPONENT', 'SOURCE_ZERO', 'TARGET_ZERO', 'MIN', 'MAX');
  const scale = r.float('WIDE_CONVERT_SCALE');
  const steps = (x: number): number => {
    const q = clamp(f(x / scale), -32768, 32767);
    return Number.isNaN(q) ? 0 : Math.sign(q) * Math.floor(Math.abs(q) + 0.5);
  };
  const integer = (q: number): number =>
    clamp(factor(q - R.SOURCE_ZERO, R.MULTIPLIER, R.EXPONENT) + R.TARGET_ZERO, R.MIN, R.MAX);
  for (const i of range(R.COUNT)) {
    const x = source.get(i);
    if (r.dtype === C.DTYPE_F32) target.set(i, steps(x));
    else target.set(i, to === C.DTYPE_F32 ? f(scale * x) : integer(x));
  }
}

/** The records of this file, by opcode. */
export const wide: Records = {
  OP_WIDE_CONV2D: convolution,
  OP_WIDE_DEPTHWISE_CONV2D: depthwise,
  OP_WIDE_BINARY: binary,
  OP_WIDE_CONVERT: convert,
};
