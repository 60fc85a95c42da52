/**
 * The index of the first of the largest (or smallest) of a T [n], `stride` elements apart. Nothing
 * compares with NaN.
 */
export function argmax<T>(a: usize, n: i32, stride: i32, largest: bool): i32 {
  const step = <usize>stride * sizeof<T>();
  let best = load<T>(a);
  let index = 0;
  for (let i = 1; i < n; i++) {
    a += step;
    const x = load<T>(a);
    if (largest ? x > best : x < best) {
      best = x;
      index = i;
    }
  }
  return index;
}
