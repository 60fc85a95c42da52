import { CONV2D_BATCH_STRIDE, CONV2D_DILATION_X, CONV2D_DILATION_Y, CONV2D_GROUPS, CONV2D_IN_C, CONV2D_IN_H,
  CONV2D_IN_W, CONV2D_KERNEL_H, CONV2D_KERNEL_W, CONV2D_OUT_C, CONV2D_OUT_H, CONV2D_OUT_W, CONV2D_PAD_LEFT,
  CONV2D_PAD_TOP, CONV2D_PIXEL_STRIDE, CONV2D_ROW_STRIDE, CONV2D_STRIDE_X,
  CONV2D_STRIDE_Y } from '../../assembly/layout';
import { int, type Memory } from './memory';
import type { gather } from './product';

/** K: inputs of one output of a convolution */
export function inputsOf(r: number, m: Memory): number {
  return int(r, m, CONV2D_KERNEL_H) * int(r, m, CONV2D_KERNEL_W) * int(r, m, CONV2D_IN_C) / int(r, m, CONV2D_GROUPS);
}

/** Panels of 8 outputs of one group of a convolution */
export function panelsOf(r: number, m: Memory): number {
  return Math.ceil(int(r, m, CONV2D_OUT_C) / int(r, m, CONV2D_GROUPS) / 8);
}

/**
 * Gathers the window of every output pixel and group.
 *
 * @param base the first element of the first image in `source`
 * @param images their number
 * @param zero the value of pixels outside the image
 * @param take lists the inputs at positions k to k + n of a window, as `gather` does
 * @param finish computes the outputs of a group from the listed inputs. `to` is the first of them
 *   in the target, in elements
 */
export function convolve(
  r: number,
  m: Memory,
  source: Int8Array | Int16Array,
  base: number,
  images: number,
  zero: number,
  take: typeof gather,
  finish: (count: number, group: number, to: number) => void,
): void {
  const inH = int(r, m, CONV2D_IN_H);
  const inW = int(r, m, CONV2D_IN_W);
  const inC = int(r, m, CONV2D_IN_C);
  const outH = int(r, m, CONV2D_OUT_H);
  const outW = int(r, m, CONV2D_OUT_W);
  const kernelH = int(r, m, CONV2D_KERNEL_H);
  const kernelW = int(r, m, CONV2D_KERNEL_W);
  const strideY = int(r, m, CONV2D_STRIDE_Y);
  const strideX = int(r, m, CONV2D_STRIDE_X);
  const dilationY = int(r, m, CONV2D_DILATION_Y);
  const dilationX = int(r, m, CONV2D_DILATION_X);
  const padTop = int(r, m, CONV2D_PAD_TOP);
  const padLeft = int(r, m, CONV2D_PAD_LEFT);
  const groups = int(r, m, CONV2D_GROUPS);
  const N = int(r, m, CONV2D_OUT_C) / groups;
  const C = inC / groups;
  // the taps of a kernel row are adjacent
  const whole = groups === 1 && (dilationX === 1 || kernelW === 1);
  for (let b = 0; b < images; b++) {
    for (let y = 0; y < outH; y++) {
      let to = b * int(r, m, CONV2D_BATCH_STRIDE) + y * int(r, m, CONV2D_ROW_STRIDE);
      for (let x = 0; x < outW; x++) {
        const left = x * strideX - padLeft;
        for (let group = 0; group < groups; group++) {
          let count = 0;
          for (let ky = 0; ky < kernelH; ky++) {
            const iy = y * strideY - padTop + ky * dilationY;
            if (iy < 0 || iy >= inH) continue;
            const row = base + (b * inH + iy) * inW * inC + group * C;
            const k = ky * kernelW * C;
            if (whole) {
              const first = left < 0 ? -left : 0;
              const last = inW - left < kernelW ? inW - left : kernelW;
              if (first < last) {
                count = take(source, row + (left + first) * C, (last - first) * C, zero, k + first * C, count);
              }
            } else {
              for (let kx = 0; kx < kernelW; kx++) {
                const ix = left + kx * dilationX;
                if (ix >= 0 && ix < inW) count = take(source, row + ix * inC, C, zero, k + kx * C, count);
              }
            }
          }
          finish(count, group, to + group * N);
        }
        to += int(r, m, CONV2D_PIXEL_STRIDE);
      }
    }
  }
}
