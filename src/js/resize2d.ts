import { RESIZE2D_BATCH, RESIZE2D_CHANNELS, RESIZE2D_COLUMNS, RESIZE2D_ENTRY_BYTES, RESIZE2D_IN_H, RESIZE2D_IN_W,
  RESIZE2D_MODE, RESIZE2D_NEAREST, RESIZE2D_OUT_H, RESIZE2D_OUT_W, RESIZE2D_ROWS, RESIZE2D_SOURCE,
  RESIZE2D_TARGET } from '../../assembly/layout';
import { f32 } from './arithmetic';
import { isFloat } from './floats';
import { dtypeOf, int, offsetOf, sectionOf, shiftOf, viewOf, type Memory } from './memory';

export function runResize2d(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const floats = isFloat(r, m);
  const nearest = int(r, m, RESIZE2D_MODE) === RESIZE2D_NEAREST;
  const C = int(r, m, RESIZE2D_CHANNELS);
  const inW = int(r, m, RESIZE2D_IN_W);
  const outH = int(r, m, RESIZE2D_OUT_H);
  const outW = int(r, m, RESIZE2D_OUT_W);
  const shift = shiftOf(dtype);
  const a = viewOf(sectionOf(r, m, RESIZE2D_SOURCE), dtype);
  const out = viewOf(m.arena, dtype);
  // entries: lower index, upper index, weight
  const table = m.weights.i32;
  const weights = floats ? m.weights.f32 : table;
  let image = offsetOf(r, m, RESIZE2D_SOURCE) >> shift;
  let to = int(r, m, RESIZE2D_TARGET) >> shift;
  for (let b = 0; b < int(r, m, RESIZE2D_BATCH); b++, image += int(r, m, RESIZE2D_IN_H) * inW * C) {
    for (let y = 0; y < outH; y++) {
      const row = (int(r, m, RESIZE2D_ROWS) + y * RESIZE2D_ENTRY_BYTES) >> 2;
      const top = image + table[row]! * inW * C;
      const bottom = image + table[row + 1]! * inW * C;
      const down = weights[row + 2]!;
      for (let x = 0; x < outW; x++) {
        const column = (int(r, m, RESIZE2D_COLUMNS) + x * RESIZE2D_ENTRY_BYTES) >> 2;
        const left = table[column]! * C;
        const right = table[column + 1]! * C;
        const across = weights[column + 2]!;
        for (let c = 0; c < C; c++) {
          const topLeft = a[top + left + c]!;
          let v = topLeft;
          if (!nearest) {
            const topRight = a[top + right + c]!;
            const bottomLeft = a[bottom + left + c]!;
            const bottomRight = a[bottom + right + c]!;
            if (floats) {
              const upper = f32(topLeft + f32(f32(topRight - topLeft) * across));
              const lower = f32(bottomLeft + f32(f32(bottomRight - bottomLeft) * across));
              v = upper + f32(f32(lower - upper) * down);
            } else {
              const upper = topLeft * 2048 + (topRight - topLeft) * across;
              const lower = bottomLeft * 2048 + (bottomRight - bottomLeft) * across;
              v = (upper * 2048 + (lower - upper) * down + 2097152) >> 22;
            }
          }
          out[to++] = v;
        }
      }
    }
  }
}
