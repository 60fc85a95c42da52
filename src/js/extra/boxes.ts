import { f32 } from '../arithmetic';

// Boxes of four floats: ymin, xmin, ymax, xmax.

function area(a: Float32Array, at: number): number {
  return f32(f32(a[at + 2]! - a[at]!) * f32(a[at + 3]! - a[at + 1]!));
}

/** The length that the boxes at i and j have in common along an axis. */
function common(a: Float32Array, i: number, j: number): number {
  return Math.max(f32(Math.min(a[i + 2]!, a[j + 2]!) - Math.max(a[i]!, a[j]!)), 0);
}

/** Intersection over union of the boxes at i and j; 0 for an empty box. */
export function overlap(a: Float32Array, i: number, j: number): number {
  const areaI = area(a, i);
  const areaJ = area(a, j);
  if (areaI <= 0 || areaJ <= 0) return 0;
  const intersection = f32(common(a, i, j) * common(a, i + 1, j + 1));
  return f32(intersection / f32(f32(areaI + areaJ) - intersection));
}
