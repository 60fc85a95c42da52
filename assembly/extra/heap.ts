// A binary heap of indices into an array of scores, T [n] of 4 bytes each. Its root has the largest
// score, and of equal scores the lowest index.

/** Whether index i comes before index j. */
@inline
function precedes<T>(scores: usize, i: i32, j: i32): bool {
  const a = load<T>(scores + (i << 2));
  const b = load<T>(scores + (j << 2));
  return a > b || (a == b && i < j);
}

/** Moves the entry at `at` of a heap down until it precedes its children. */
export function sift<T>(heap: usize, n: i32, at: i32, scores: usize): void {
  const entry = load<i32>(heap + (at << 2));
  let child = (at << 1) + 1;
  while (child < n) {
    const left = load<i32>(heap + (child << 2));
    if (child + 1 < n && precedes<T>(scores, load<i32>(heap + (child << 2), 4), left)) child++;
    const other = load<i32>(heap + (child << 2));
    if (precedes<T>(scores, entry, other)) break;
    store<i32>(heap + (at << 2), other);
    at = child;
    child = (at << 1) + 1;
  }
  store<i32>(heap + (at << 2), entry);
}

/** Orders n entries as a heap. */
export function heapify<T>(heap: usize, n: i32, scores: usize): void {
  for (let at = (n >> 1) - 1; at >= 0; at--) sift<T>(heap, n, at, scores);
}

/** Removes the root of a heap of n entries. */
export function pop<T>(heap: usize, n: i32, scores: usize): void {
  store<i32>(heap, load<i32>(heap + ((n - 1) << 2)));
  sift<T>(heap, n - 1, 0, scores);
}
