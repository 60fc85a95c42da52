import { DTYPE_F32, TOP_K_COUNT, TOP_K_INDICES, TOP_K_INNER, TOP_K_K, TOP_K_OUTER, TOP_K_SMALLEST, TOP_K_SOURCE,
  TOP_K_VALUES } from '../../../assembly/layout';
import { dtypeOf, grown, int, type Memory, offsetOf, sectionOf, shiftOf, viewOf } from '../memory';
import { heapify, pop } from './heap';

/** The elements as integers that order them, and the heap. */
let keys = new Int32Array(0);
let heap = new Int32Array(0);

export function prepareTopK(r: number, m: Memory): void {
  const count = int(r, m, TOP_K_COUNT);
  if (keys.length >= count) return;
  const n = grown(keys.length, count);
  keys = new Int32Array(n);
  heap = new Int32Array(n);
}

/** An integer that orders an element. Zeros are equal, and NaN is above all numbers. */
function keyOf(x: number, bits: number): number {
  if (x !== x) return 2147483647;
  if (x === 0) return 0;
  return bits < 0 ? bits ^ 2147483647 : bits;
}

export function runTopK(r: number, m: Memory): void {
  const dtype = dtypeOf(r, m);
  const shift = shiftOf(dtype);
  const n = int(r, m, TOP_K_COUNT);
  const k = int(r, m, TOP_K_K);
  const inner = int(r, m, TOP_K_INNER);
  const flip = -int(r, m, TOP_K_SMALLEST);
  const section = sectionOf(r, m, TOP_K_SOURCE);
  const a = viewOf(section, dtype);
  const words = shift === 2 ? section.i32 : section.u8;
  const values = shift === 2 ? m.arena.i32 : m.arena.u8;
  const from = offsetOf(r, m, TOP_K_SOURCE) >> shift;
  const to = int(r, m, TOP_K_VALUES) >> shift;
  const indices = int(r, m, TOP_K_INDICES) >> 2;
  for (let outer = 0; outer < int(r, m, TOP_K_OUTER); outer++) {
    for (let i = 0; i < inner; i++) {
      const line = from + outer * n * inner + i;
      for (let j = 0; j < n; j++) {
        const x = a[line + j * inner]!;
        keys[j] = (dtype === DTYPE_F32 ? keyOf(x, words[line + j * inner]!) : x) ^ flip;
        heap[j] = j;
      }
      heapify(heap, n, keys);
      for (let place = 0; place < k; place++) {
        const best = heap[0]!;
        const at = (outer * k + place) * inner + i;
        values[to + at] = words[line + best * inner]!;
        m.arena.i32[indices + at] = best;
        pop(heap, n - place, keys);
      }
    }
  }
}
