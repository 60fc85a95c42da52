import { f32 } from './arithmetic';

// Reductions of n adjacent floats, in the order of assembly/kernels/fold.ts: element i of the
// complete groups of four goes into partial result i mod 4. The result is (p₀ ∘ p₂) ∘ (p₁ ∘ p₃),
// and the remaining elements follow one by one.

/** @param combine the sum, the maximum or the minimum, of which `first` is the neutral element */
export function fold(
  n: number,
  first: number,
  combine: (a: number, b: number) => number,
  get: (i: number) => number,
): number {
  const partial = [first, first, first, first];
  const end = n - n % 4;
  for (let i = 0; i < end; i++) partial[i & 3] = combine(partial[i & 3]!, get(i));
  let result = combine(combine(partial[0]!, partial[2]!), combine(partial[1]!, partial[3]!));
  for (let i = end; i < n; i++) result = combine(result, get(i));
  return result;
}

export function add(a: number, b: number): number {
  return f32(a + b);
}

/** a < b ? b : a, also for NaN */
export function greater(a: number, b: number): number {
  return a < b ? b : a;
}

/** b < a ? b : a, also for NaN */
export function lesser(a: number, b: number): number {
  return b < a ? b : a;
}

/** Σ a, a f32 [n] from `at` on */
export function sumOf(a: Float32Array, at: number, n: number): number {
  return fold(n, 0, add, function(i) {
    return a[at + i]!;
  });
}

/** Σ a², a f32 [n] from `at` on */
export function squaresOf(a: Float32Array, at: number, n: number): number {
  return fold(n, 0, add, function(i) {
    return f32(a[at + i]! * a[at + i]!);
  });
}
