/**
 * Index of the largest (or smallest) of n elements T, `stride` elements apart. Of equal elements
 * the first wins. NaN never replaces another element, because comparisons with it are false.
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
