/**
 * AssemblyScript kernels, compiled when training starts. They replace passes over whole activations
 * that TensorFlow.js's WebAssembly backend does slowly or not at all.
 *
 * Letters: M = rows (batch × height × width), C = channels, always a multiple of 4 here. All
 * tensors are f32, row-major, addressed by byte. Every loop handles one vector of channels in all
 * rows.
 */

const VECTOR: usize = 16; // bytes

// @ts-ignore: decorator
@inline
function sum4(at: usize, value: v128): void {
  v128.store(at, f32x4.add(v128.load(at), value));
}

/**
 * out = relu6((x − mean) · inverse · gamma + beta), with mean and variance [C] over the rows.
 * x [M][C] → out [M][C], mean [C], variance [C], inverse [C] = 1 / sqrt(variance + epsilon)
 */
export function normalizeRelu6(
  x: usize,
  rows: i32,
  channels: i32,
  gamma: usize,
  beta: usize,
  epsilon: f32,
  out: usize,
  mean: usize,
  variance: usize,
  inverse: usize,
): void {
  const stride = <usize>channels * 4;
  const perRow = f32x4.splat(<f32>1 / <f32>rows);
  const zero = f32x4.splat(0);
  const six = f32x4.splat(6);
  for (let c: usize = 0; c < stride; c += VECTOR) {
    let total = zero;
    let from = x + c;
    for (let r = 0; r < rows; r++, from += stride) total = f32x4.add(total, v128.load(from));
    const m = f32x4.mul(total, perRow);

    let squares = zero;
    from = x + c;
    for (let r = 0; r < rows; r++, from += stride) {
      const d = f32x4.sub(v128.load(from), m);
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    const v = f32x4.mul(squares, perRow);
    const inv = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(v, f32x4.splat(epsilon))));
    v128.store(mean + c, m);
    v128.store(variance + c, v);
    v128.store(inverse + c, inv);

    const scale = f32x4.mul(inv, v128.load(gamma + c));
    const shift = v128.load(beta + c);
    from = x + c;
    let to = out + c;
    for (let r = 0; r < rows; r++, from += stride, to += stride) {
      const y = f32x4.add(f32x4.mul(f32x4.sub(v128.load(from), m), scale), shift);
      v128.store(to, f32x4.min(f32x4.max(y, zero), six));
    }
  }
}

/**
 * Gradients of normalizeRelu6. dy, x, out [M][C]; mean, inverse, gamma [C] → dx [M][C], dGamma
 * [C], dBeta [C]
 */
export function normalizeRelu6Gradients(
  dy: usize,
  x: usize,
  out: usize,
  rows: i32,
  channels: i32,
  mean: usize,
  inverse: usize,
  gamma: usize,
  dx: usize,
  dGamma: usize,
  dBeta: usize,
): void {
  const stride = <usize>channels * 4;
  const perRow = f32x4.splat(<f32>1 / <f32>rows);
  const zero = f32x4.splat(0);
  const six = f32x4.splat(6);
  for (let c: usize = 0; c < stride; c += VECTOR) {
    const m = v128.load(mean + c);
    const inv = v128.load(inverse + c);
    let along = zero;
    let total = zero;
    let at = c;
    for (let r = 0; r < rows; r++, at += stride) {
      const y = v128.load(out + at);
      const inside = v128.and(f32x4.gt(y, zero), f32x4.lt(y, six));
      const d = v128.and(v128.load(dy + at), inside);
      total = f32x4.add(total, d);
      along = f32x4.add(along, f32x4.mul(d, f32x4.sub(v128.load(x + at), m)));
    }
    along = f32x4.mul(along, inv);
    v128.store(dGamma + c, along);
    v128.store(dBeta + c, total);

    const offset = f32x4.mul(total, perRow);
    const slope = f32x4.mul(f32x4.mul(along, inv), perRow);
    const scale = f32x4.mul(inv, v128.load(gamma + c));
    at = c;
    for (let r = 0; r < rows; r++, at += stride) {
      const y = v128.load(out + at);
      const inside = v128.and(f32x4.gt(y, zero), f32x4.lt(y, six));
      const d = v128.and(v128.load(dy + at), inside);
      const normalized = f32x4.mul(f32x4.sub(v128.load(x + at), m), slope);
      v128.store(dx + at, f32x4.mul(scale, f32x4.sub(f32x4.sub(d, offset), normalized)));
    }
  }
}

/**
 * Gradients of a 3×3 depthwise convolution. x [N][H][W][C], w [3][3][C], dy [N][OH][OW][C] → adds
 * to dx [N][H][W][C] and dw [3][3][C].
 */
export function depthwiseGradients(
  x: usize,
  w: usize,
  dy: usize,
  batch: i32,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  channels: i32,
  stride: i32,
  padTop: i32,
  padLeft: i32,
  dx: usize,
  dw: usize,
): void {
  const pixel = <usize>channels * 4;
  for (let n = 0; n < batch; n++) {
    const image = <usize>(n * height * width) * pixel;
    const outImage = <usize>(n * outHeight * outWidth) * pixel;
    for (let ky = 0; ky < 3; ky++) {
      for (let kx = 0; kx < 3; kx++) {
        const tap = <usize>(ky * 3 + kx) * pixel;
        for (let c: usize = 0; c < pixel; c += VECTOR) {
          const weight = v128.load(w + tap + c);
          let total = f32x4.splat(0);
          for (let oy = 0; oy < outHeight; oy++) {
            const iy = oy * stride + ky - padTop;
            if (iy < 0 || iy >= height) continue;
            for (let ox = 0; ox < outWidth; ox++) {
              const ix = ox * stride + kx - padLeft;
              if (ix < 0 || ix >= width) continue;
              const at = image + <usize>(iy * width + ix) * pixel + c;
              const d = v128.load(dy + outImage + <usize>(oy * outWidth + ox) * pixel + c);
              total = f32x4.add(total, f32x4.mul(d, v128.load(x + at)));
              sum4(dx + at, f32x4.mul(d, weight));
            }
          }
          sum4(dw + tap + c, total);
        }
      }
    }
  }
}
