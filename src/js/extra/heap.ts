// A binary heap of indices of numbers. Its root has the largest one, and of equal ones the lowest
// index.

/** Whether index i comes before index j. */
function precedes(numbers: ArrayLike<number>, i: number, j: number): boolean {
  const a = numbers[i]!;
  const b = numbers[j]!;
  return a > b || (a === b && i < j);
}

/** Moves the entry at `at` of a heap of n entries down until it precedes its children. */
export function sift(heap: Int32Array, n: number, at: number, numbers: ArrayLike<number>): void {
  const entry = heap[at]!;
  let child = 2 * at + 1;
  while (child < n) {
    if (child + 1 < n && precedes(numbers, heap[child + 1]!, heap[child]!)) child++;
    if (precedes(numbers, entry, heap[child]!)) break;
    heap[at] = heap[child]!;
    at = child;
    child = 2 * at + 1;
  }
  heap[at] = entry;
}

/** Orders n entries as a heap. */
export function heapify(heap: Int32Array, n: number, numbers: ArrayLike<number>): void {
  for (let at = (n >> 1) - 1; at >= 0; at--) sift(heap, n, at, numbers);
}

/** Removes the root of a heap of n entries. */
export function pop(heap: Int32Array, n: number, numbers: ArrayLike<number>): void {
  heap[0] = heap[n - 1]!;
  sift(heap, n - 1, 0, numbers);
}
