// Boxes of four floats: ymin, xmin, ymax, xmax.

function area(box: usize): f32 {
  return (load<f32>(box, 8) - load<f32>(box)) * (load<f32>(box, 12) - load<f32>(box, 4));
}

/** The length that two boxes have in common along an axis. */
function common(a: usize, b: usize): f32 {
  return max<f32>(min<f32>(load<f32>(a, 8), load<f32>(b, 8)) - max<f32>(load<f32>(a), load<f32>(b)), 0);
}

/** Intersection over union; 0 for an empty box. */
export function overlap(a: usize, b: usize): f32 {
  const areaA = area(a);
  const areaB = area(b);
  if (areaA <= 0 || areaB <= 0) return 0;
  const intersection = common(a, b) * common(a + 4, b + 4);
  return intersection / (areaA + areaB - intersection);
}
