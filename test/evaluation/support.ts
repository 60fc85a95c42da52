import { GraphBuilder, type Graph } from '../../src/compiler/index';

/**
 * Numbers from 0 to 1 of a linear congruential generator (Numerical Recipes), which the reference
 * values of other programs were computed with.
 */
export function numbers(seed: number): () => number {
  let x = seed;
  return () => {
    x = Number((1664525n * BigInt(x) + 1013904223n) % 4294967296n);
    return x / 4294967296;
  };
}

export function list(count: number, seed: number): number[] {
  const next = numbers(seed);
  return Array.from({ length: count }, next);
}

/** A network whose output is its input. */
export function identity(shape: number[], name = 'y'): Graph {
  const b = new GraphBuilder('identity');
  const one = b.constant(Float32Array.of(1), [1]);
  const x = b.input('x', shape);
  return b.finish([b.node('binary', [x, one], { kind: 'mul', activation: 'none' }, { name })]);
}
