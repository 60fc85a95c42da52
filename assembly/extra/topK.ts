import { DTYPE_F32, DTYPE_I32, DTYPE_I8, DTYPE_U8, FAULT_ATTRIBUTE, TOP_K_BYTES, TOP_K_COUNT, TOP_K_INDICES,
  TOP_K_INNER, TOP_K_K, TOP_K_OUTER, TOP_K_SMALLEST, TOP_K_SOURCE, TOP_K_VALUES } from '../layout';
import { bytesOf, checkCounts, checkRange, checkRecord, countWork, dtypeOf, fail, int, needScratch, scratch, source,
  target, targetOf, toF64 } from '../record';
import { heapify, pop } from './heap';

// The largest elements of each line, by a heap of all its elements. They are compared as integers,
// their keys.

// Scratch: keys i32 [COUNT], heap i32 [COUNT]

/** Work of one step down a heap, in multiply-adds, for the 30 levels of the largest one. */
const STEPS: f64 = 120;

export function describeTopK(r: usize): void {
  const types = (1 << DTYPE_I8) | (1 << DTYPE_F32) | (1 << DTYPE_I32) | (1 << DTYPE_U8);
  if (!checkRecord(r, TOP_K_BYTES, types)) return;
  // OUTER, COUNT, INNER and K
  checkCounts(r, TOP_K_OUTER, 4);
  checkRange(r, TOP_K_SMALLEST, 0, 1);
  const size = bytesOf(dtypeOf(r));
  const count = toF64(r, TOP_K_COUNT);
  const k = toF64(r, TOP_K_K);
  const lines = toF64(r, TOP_K_OUTER) * toF64(r, TOP_K_INNER);
  if (k > count) fail(FAULT_ATTRIBUTE);
  source(r, TOP_K_SOURCE, lines * count * size, <u32>size);
  target(r, TOP_K_VALUES, lines * k * size, <u32>size);
  targetOf(0, r, TOP_K_INDICES, lines * k * 4, 4);
  countWork(lines * (count * 8 + k * STEPS));
  needScratch(count * 8);
}

/** An integer that orders an element. Zeros are equal, and NaN is above all numbers. */
function keyOf(at: usize, dtype: i32): i32 {
  if (dtype == DTYPE_I8) return load<i8>(at);
  if (dtype == DTYPE_U8) return load<u8>(at);
  const bits = load<i32>(at);
  if (dtype == DTYPE_I32) return bits;
  const x = load<f32>(at);
  if (x != x) return i32.MAX_VALUE;
  if (x == 0) return 0;
  return bits < 0 ? bits ^ i32.MAX_VALUE : bits;
}

export function runTopK(r: usize): void {
  const dtype = dtypeOf(r);
  const size = <i32>bytesOf(dtype);
  const n = int(r, TOP_K_COUNT);
  const k = int(r, TOP_K_K);
  const inner = int(r, TOP_K_INNER);
  const flip = -int(r, TOP_K_SMALLEST);
  const keys = scratch();
  const heap = keys + (n << 2);
  let from = <usize>int(r, TOP_K_SOURCE);
  let values = <usize>int(r, TOP_K_VALUES);
  let indices = <usize>int(r, TOP_K_INDICES);
  for (let outer = int(r, TOP_K_OUTER); outer > 0; outer--) {
    for (let i = 0; i < inner; i++) {
      for (let j = 0; j < n; j++) {
        store<i32>(keys + (j << 2), keyOf(from + (j * inner + i) * size, dtype) ^ flip);
        store<i32>(heap + (j << 2), j);
      }
      heapify<i32>(heap, n, keys);
      for (let place = 0; place < k; place++) {
        const best = load<i32>(heap);
        const to = place * inner + i;
        memory.copy(values + to * size, from + (best * inner + i) * size, size);
        store<i32>(indices + (to << 2), best);
        pop<i32>(heap, n - place, keys);
      }
    }
    from += n * inner * size;
    values += k * inner * size;
    indices += k * inner * 4;
  }
}
