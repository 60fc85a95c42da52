import { POOL2D_AVERAGE, POOL2D_BATCH, POOL2D_CHANNELS, POOL2D_IN_H, POOL2D_IN_W, POOL2D_KERNEL_H, POOL2D_KERNEL_W,
  POOL2D_KIND, POOL2D_MAX, POOL2D_MIN, POOL2D_OUT_H, POOL2D_OUT_W, POOL2D_PAD_LEFT, POOL2D_PAD_TOP,
  POOL2D_ROUNDING_OFFSET, POOL2D_SOURCE, POOL2D_STRIDE_X, POOL2D_STRIDE_Y, POOL2D_TARGET } from '../../assembly/layout';
import { clamp, f32, truncate } from './arithmetic';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

export function runPool2d(r: number, m: Memory): void {
  const floats = isFloat(r, m);
  const averages = int(r, m, POOL2D_KIND) === POOL2D_AVERAGE;
  const inH = int(r, m, POOL2D_IN_H);
  const inW = int(r, m, POOL2D_IN_W);
  const C = int(r, m, POOL2D_CHANNELS);
  const kernelH = int(r, m, POOL2D_KERNEL_H);
  const kernelW = int(r, m, POOL2D_KERNEL_W);
  const offset = int(r, m, POOL2D_ROUNDING_OFFSET);
  const low = floats ? float(r, m, POOL2D_MIN) : int(r, m, POOL2D_MIN);
  const top = floats ? float(r, m, POOL2D_MAX) : int(r, m, POOL2D_MAX);
  const section = sectionOf(r, m, POOL2D_SOURCE);
  const a = floats ? section.f32 : section.i8;
  const out = floats ? m.arena.f32 : m.arena.i8;
  const shift = floats ? 2 : 0;
  const f = new Float32Array(1);
  let image = offsetOf(r, m, POOL2D_SOURCE) >> shift;
  let to = int(r, m, POOL2D_TARGET) >> shift;
  for (let b = 0; b < int(r, m, POOL2D_BATCH); b++) {
    for (let y = 0; y < int(r, m, POOL2D_OUT_H); y++) {
      const iy = y * int(r, m, POOL2D_STRIDE_Y) - int(r, m, POOL2D_PAD_TOP);
      const firstRow = Math.max(iy, 0);
      const lastRow = Math.min(iy + kernelH, inH);
      for (let x = 0; x < int(r, m, POOL2D_OUT_W); x++) {
        const ix = x * int(r, m, POOL2D_STRIDE_X) - int(r, m, POOL2D_PAD_LEFT);
        const first = Math.max(ix, 0);
        const last = Math.min(ix + kernelW, inW);
        const count = (lastRow - firstRow) * (last - first);
        const half = count >> 1;
        for (let c = 0; c < C; c++) {
          let v = averages ? 0 : -Infinity;
          if (averages && !floats) v = count * offset;
          f[0] = 0;
          for (let row = firstRow; row < lastRow; row++) {
            const end = image + (row * inW + last) * C + c;
            for (let p = image + (row * inW + first) * C + c; p < end; p += C) {
              if (!averages) { if (v < a[p]!) v = a[p]!; }
              else if (floats) f[0] += a[p]!;
              else v += a[p]!;
            }
          }
          if (averages) {
            if (floats) v = f32(f[0] / count);
            else v = truncate((v > 0 ? v + half : v - half) / count) - offset;
          }
          out[to++] = clamp(v, low, top);
        }
      }
    }
    image += inH * inW * C;
  }
}
