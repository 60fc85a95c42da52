const f = Math.fround;

/** ymin, xmin, ymax, xmax. */
export type Box = [number, number, number, number];

/** In float32; 0 for an empty box. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const area = ([top, left, bottom, right]: Box): number => f(f(bottom - top) * f(right - left));
  if (area(a) <= 0 || area(b) <= 0) return 0;
  const height = Math.max(f(Math.min(a[2], b[2]) - Math.max(a[0], b[0])), 0);
  const width = Math.max(f(Math.min(a[3], b[3]) - Math.max(a[1], b[1])), 0);
  const intersection = f(height * width);
  return f(intersection / f(f(area(a) + area(b)) - intersection));
}
