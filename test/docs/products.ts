import { away, C, clamp, f, type Fields, max, min, range, requantize, boundsOf, type Records } from './fields';

// Convolutions, fully connected layers and matrix products, dense and pruned, as
// docs/format/convolution.md specifies them: see runner.ts.

/** The weight of lane n and input k in panels of 4-bit weights for K inputs, from `panel` on. */
export function nibbleOf(
  bytes: { get: (i: number) => number },
  panel: number,
  K: number,
  n: number,
  k: number,
): number {
  const byte = bytes.get((panel * 2 * Math.ceil(K / 8) + (k >> 2)) * 16 + (n % 4) * 4 + (k % 4)) & 255;
  return (n % 8 < 4 ? byte % 16 : Math.floor(byte / 16)) - 8;
}

function nibbleProduct(r: Fields): void {
  const { ROWS, INPUTS, OUTPUTS } = r.ints('NIBBLE_PRODUCT', 'ROWS', 'INPUTS', 'OUTPUTS');
  const source = r.source('NIBBLE_PRODUCT_SOURCE');
  const target = r.target('NIBBLE_PRODUCT_TARGET');
  const weights = r.table('NIBBLE_PRODUCT_WEIGHTS', C.DTYPE_I8!);
  const bias = r.table('NIBBLE_PRODUCT_BIAS', C.DTYPE_I32!);
  const scale = r.table('NIBBLE_PRODUCT_SCALE', C.DTYPE_F32!);
  for (let m = 0; m < ROWS; m++) {
    for (let n = 0; n < OUTPUTS; n++) {
      const sum = range(INPUTS).reduce(
        (acc, k) => acc + source.get(m * INPUTS + k) * nibbleOf(weights, n >> 3, INPUTS, n, k),
        bias.get(n),
      );
      target.set(m * OUTPUTS + n, requantize(sum, scale.get(n), boundsOf(r, 'NIBBLE_PRODUCT')));
    }
  }
}

function convolution(r: Fields): void {
  const { BATCH, IN_H, IN_W, IN_C, OUT_H, OUT_W, OUT_C, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X,
    PAD_TOP, PAD_LEFT, GROUPS, PIXEL_STRIDE, ROW_STRIDE, BATCH_STRIDE } = r.ints(
      'CONV2D',
      'BATCH',
      'IN_H',
      'IN_W',
      'IN_C',
      'OUT_H',
      'OUT_W',
      'OUT_C',
      'KERNEL_H',
      'KERNEL_W',
      'STRIDE_Y',
      'STRIDE_X',
      'DILATION_Y',
      'DILATION_X',
      'PAD_TOP',
      'PAD_LEFT',
      'GROUPS',
      'PIXEL_STRIDE',
      'ROW_STRIDE',
      'BATCH_STRIDE',
    );
  const hybrid = r.opcode === C.OP_HYBRID_CONV2D;
  const floats = r.floats && !hybrid;
  const source = r.source('CONV2D_SOURCE');
  const target = r.target('CONV2D_TARGET');
  const weights = r.table('CONV2D_WEIGHTS', floats ? C.DTYPE_F32! : C.DTYPE_I8!);
  const bias = r.table('CONV2D_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!);
  const scale = r.table('CONV2D_SCALE', C.DTYPE_F32!);
  const sums = r.table('HYBRID_SUMS', C.DTYPE_I32!);
  const channels = IN_C / GROUPS;
  const N = OUT_C / GROUPS;
  const panels = Math.ceil(N / 8);
  const K = KERNEL_H * KERNEL_W * channels;
  const zw = floats || hybrid ? 0 : r.int('CONV2D_WEIGHTS_ZERO');
  const lists = r.opcode === C.OP_SPARSE_CONV2D
    ? listedWeights(r, 'CONV2D_WEIGHTS', 'SPARSE', OUT_C, K, zw)
    : undefined;
  const weight = (g: number, n: number, k: number): number => {
    if (lists) return lists[n * K + k]!;
    const panel = g * panels + Math.floor(n / 8);
    return weights
      .get(floats ? (panel * K + k) * 8 + (n % 8) : (panel * Math.ceil(K / 4) + (k >> 2)) * 32 + (n % 8) * 4 + (k % 4));
  };
  for (let b = 0; b < BATCH; b++) {
    const size = IN_H * IN_W * IN_C;
    let read = (i: number): number => source.get(b * size + i);
    let outside = floats ? 0 : r.int('CONV2D_SOURCE_ZERO');
    let s = 1;
    if (hybrid) {
      const numbers = range(size).map(read);
      const image = quantizeRow(numbers, r.int('HYBRID_MODE') === C.HYBRID_ASYMMETRIC!);
      read = (i) => image.q[i]!;
      outside = image.z;
      ({ s } = image);
    }
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        for (let g = 0; g < GROUPS; g++) {
          const a: number[] = [];
          for (let ky = 0; ky < KERNEL_H; ky++) {
            for (let kx = 0; kx < KERNEL_W; kx++) {
              const iy = y * STRIDE_Y - PAD_TOP + ky * DILATION_Y;
              const ix = x * STRIDE_X - PAD_LEFT + kx * DILATION_X;
              const inside = iy >= 0 && iy < IN_H && ix >= 0 && ix < IN_W;
              for (let c = 0; c < channels; c++) {
                a.push(inside ? read((iy * IN_W + ix) * IN_C + g * channels + c) : outside);
              }
            }
          }
          for (let n = 0; n < N; n++) {
            const lane = g * panels * 8 + n;
            const at = b * BATCH_STRIDE + y * ROW_STRIDE + x * PIXEL_STRIDE + g * N + n;
            if (floats) {
              target.set(
                at,
                clamp(
                  a.reduce((sum, v, k) => f(sum + f(v * weight(g, n, k))), bias.get(lane)),
                  r.float('CONV2D_MIN'),
                  r.float('CONV2D_MAX'),
                ),
              );
            } else if (hybrid) {
              const acc = (a.reduce((sum, v, k) => sum + v * weight(g, n, k), 0) - outside * sums.get(lane)) | 0;
              target.set(
                at,
                clamp(
                  f(f(f(acc) * f(s * scale.get(lane))) + bias.get(lane)),
                  r.float('CONV2D_MIN'),
                  r.float('CONV2D_MAX'),
                ),
              );
            } else {
              const acc = a.reduce((sum, v, k) => sum + v * (weight(g, n, k) - zw), bias.get(lane)) | 0;
              target.set(at, requantize(acc, scale.get(lane), boundsOf(r, 'CONV2D')));
            }
          }
        }
      }
    }
  }
}

/** Dense weights [N][K] from lists; `lists` is the prefix of the list fields. */
export function listedWeights(r: Fields, name: string, lists: string, N: number, K: number, zw: number): number[] {
  const weights = r.table(name, C.DTYPE_I8!);
  const distances = r.table(`${lists}_DELTAS`, C.DTYPE_U8!);
  const counts = r.table(`${lists}_COUNTS`, C.DTYPE_U8!);
  const pairs = lists === 'SPARSE' && r.int('SPARSE_PATTERN') === C.SPARSE_PAIRS;
  const [channels, depth, unit] = pairs ? [1, 2, 4] as const : [8, 4, 1] as const;
  const all = Array.from({ length: N * K }, () => zw);
  let entry = 0;
  for (let list = 0; list * channels < N; list++) {
    let position = 0;
    for (let left = (counts.get(2 * list) + 256 * counts.get(2 * list + 1)) * unit; left > 0; left--, entry++) {
      position += distances.get(entry);
      for (const row of range(channels)) {
        for (const j of range(depth)) {
          const n = list * channels + row;
          const k = position * depth + j;
          const w = weights.get((entry * channels + row) * depth + j);
          // padding may have the position of a weight, to which it adds nothing
          if (n < N && k < K) all[n * K + k]! += w - zw;
        }
      }
    }
  }
  return all;
}

/** Quantizes numbers over their own range, as HYBRID_CONV2D specifies. */
export function quantizeRow(numbers: number[], asymmetric: boolean): { q: number[]; s: number; z: number } {
  const lower = numbers.reduce(min, 0);
  const upper = numbers.reduce(max, 0);
  const width = f(upper - lower);
  let s = 1;
  let z = 0;
  if (width > 0 && width < Infinity) {
    if (asymmetric) {
      const step = (upper - lower) / 255;
      const fromLower = 128 + Math.abs(lower / step) < 127 + Math.abs(upper / step);
      const e = fromLower ? -128 - lower / step : 127 - upper / step;
      z = Math.max(-128, Math.min(127, Math.sign(e) * Math.floor(Math.abs(e) + 0.5)));
      s = f(step);
    } else {
      s = f(max(-lower, upper) / 127);
    }
  }
  return { q: numbers.map((x) => (Number.isNaN(x) ? z : away(clamp(f(z + f(x * f(1 / s))), -128, 127)))), s, z };
}

function depthwise(r: Fields): void {
  const { BATCH, IN_H, IN_W, CHANNELS, OUT_H, OUT_W, KERNEL_H, KERNEL_W, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X,
    PAD_TOP, PAD_LEFT } = r.ints(
      'DEPTHWISE',
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
      'DILATION_Y',
      'DILATION_X',
      'PAD_TOP',
      'PAD_LEFT',
    );
  const source = r.source('DEPTHWISE_SOURCE');
  const target = r.target('DEPTHWISE_TARGET');
  const weights = r.table('DEPTHWISE_WEIGHTS', r.dtype);
  const bias = r.table('DEPTHWISE_BIAS', r.floats ? C.DTYPE_F32! : C.DTYPE_I32!);
  const scale = r.table('DEPTHWISE_SCALE', C.DTYPE_F32!);
  const T = KERNEL_H * KERNEL_W;
  const outside = r.floats ? 0 : r.int('DEPTHWISE_SOURCE_ZERO');
  let at = 0;
  for (let b = 0; b < BATCH; b++) {
    for (let y = 0; y < OUT_H; y++) {
      for (let x = 0; x < OUT_W; x++) {
        for (let c = 0; c < CHANNELS; c++) {
          let s = bias.get(c);
          for (let t = 0; t < T; t++) {
            const iy = y * STRIDE_Y - PAD_TOP + (t % KERNEL_H) * DILATION_Y;
            const ix = x * STRIDE_X - PAD_LEFT + Math.floor(t / KERNEL_H) * DILATION_X;
            const inside = iy >= 0 && iy < IN_H && ix >= 0 && ix < IN_W;
            const a = inside ? source.get(((b * IN_H + iy) * IN_W + ix) * CHANNELS + c) : outside;
            if (r.floats) s = f(s + f(a * weights.get(t * CHANNELS + c)));
            else s = (s + a * (weights.get(((c >> 3) * T + t) * 8 + (c % 8)) - r.int('DEPTHWISE_WEIGHTS_ZERO'))) | 0;
          }
          target.set(
            at++,
            r.floats
              ? clamp(s, r.float('DEPTHWISE_MIN'), r.float('DEPTHWISE_MAX'))
              : requantize(s, scale.get(c), boundsOf(r, 'DEPTHWISE')),
          );
        }
      }
    }
  }
}

function matmul(r: Fields): void {
  const { BATCH, M, K, N, A_BATCH_STRIDE, B_BATCH_STRIDE, A_TRANSPOSED, B_TRANSPOSED, A_ZERO, B_ZERO } = r.ints(
    'BATCH_MATMUL',
    'BATCH',
    'M',
    'K',
    'N',
    'A_BATCH_STRIDE',
    'B_BATCH_STRIDE',
    'A_TRANSPOSED',
    'B_TRANSPOSED',
    'A_ZERO',
    'B_ZERO',
  );
  const a = r.source('BATCH_MATMUL_A');
  const b = r.source('BATCH_MATMUL_B');
  const target = r.target('BATCH_MATMUL_TARGET');
  for (let batch = 0; batch < BATCH; batch++) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let s = 0;
        for (let k = 0; k < K; k++) {
          const p = a.get(batch * A_BATCH_STRIDE + (A_TRANSPOSED ? k * M + m : m * K + k));
          const q = b.get(batch * B_BATCH_STRIDE + (B_TRANSPOSED ? n * K + k : k * N + n));
          s = r.floats ? f(s + f(p * q)) : s + (p - A_ZERO) * (q - B_ZERO);
        }
        target.set(
          (batch * M + m) * N + n,
          r.floats
            ? clamp(s, r.float('BATCH_MATMUL_MIN'), r.float('BATCH_MATMUL_MAX'))
            : requantize(s, r.float('BATCH_MATMUL_SCALE'), boundsOf(r, 'BATCH_MATMUL')),
        );
      }
    }
  }
}

/** The records of this file, by opcode. */
export const products: Records = {
  OP_CONV2D: convolution,
  OP_HYBRID_CONV2D: convolution,
  OP_SPARSE_CONV2D: convolution,
  OP_NIBBLE_PRODUCT: nibbleProduct,
  OP_DEPTHWISE_CONV2D: depthwise,
  OP_BATCH_MATMUL: matmul,
};
