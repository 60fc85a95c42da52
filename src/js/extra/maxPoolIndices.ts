import { MAX_POOL_INDICES_BATCH, MAX_POOL_INDICES_CHANNELS, MAX_POOL_INDICES_IN_H, MAX_POOL_INDICES_IN_W,
  MAX_POOL_INDICES_KERNEL_H, MAX_POOL_INDICES_KERNEL_W, MAX_POOL_INDICES_OUT_H, MAX_POOL_INDICES_OUT_W,
  MAX_POOL_INDICES_PAD_LEFT, MAX_POOL_INDICES_PAD_TOP, MAX_POOL_INDICES_SOURCE, MAX_POOL_INDICES_STRIDE_X,
  MAX_POOL_INDICES_STRIDE_Y, MAX_POOL_INDICES_TARGET } from '../../../assembly/layout';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from '../memory';

export function runMaxPoolIndices(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const C = int(r, m, MAX_POOL_INDICES_CHANNELS);
  const inH = int(r, m, MAX_POOL_INDICES_IN_H);
  const inW = int(r, m, MAX_POOL_INDICES_IN_W);
  const a = viewOf(sectionOf(r, m, MAX_POOL_INDICES_SOURCE), dtype);
  let image = offsetOf(r, m, MAX_POOL_INDICES_SOURCE) >> shiftOf(dtype);
  let to = int(r, m, MAX_POOL_INDICES_TARGET) >> 2;
  for (let b = 0; b < int(r, m, MAX_POOL_INDICES_BATCH); b++, image += inH * inW * C) {
    for (let y = 0; y < int(r, m, MAX_POOL_INDICES_OUT_H); y++) {
      const iy = y * int(r, m, MAX_POOL_INDICES_STRIDE_Y) - int(r, m, MAX_POOL_INDICES_PAD_TOP);
      const top = Math.max(iy, 0);
      const bottom = Math.min(iy + int(r, m, MAX_POOL_INDICES_KERNEL_H), inH);
      for (let x = 0; x < int(r, m, MAX_POOL_INDICES_OUT_W); x++) {
        const ix = x * int(r, m, MAX_POOL_INDICES_STRIDE_X) - int(r, m, MAX_POOL_INDICES_PAD_LEFT);
        const left = Math.max(ix, 0);
        const right = Math.min(ix + int(r, m, MAX_POOL_INDICES_KERNEL_W), inW);
        for (let c = 0; c < C; c++) {
          let best = top * inW + left;
          let most = a[image + best * C + c]!;
          for (let row = top; row < bottom; row++) {
            for (let place = row * inW + left; place < row * inW + right; place++) {
              const value = a[image + place * C + c]!;
              if (value > most) {
                most = value;
                best = place;
              }
            }
          }
          m.arena.i32[to++] = best;
        }
      }
    }
  }
}
