import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { Graph, Quantization as TensorQuantization, Tensor } from '../../src/graph/graph';
import type { HybridMode } from '../../src/graph/operators';
import { compile } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { withSmallWeights } from '../helpers/smallWeights';
import { checkGraph, compare, exact, predictAll, property, randomInputs, size, quantizations, type Random,
  type Quantization, type Tolerance } from './suite';

// Shared by the suites of recurrent layers: random sequences and weights in the types that the
// layers compute on.

export type CellType = 'int8' | 'float32' | HybridMode;

export interface SequenceSpec {
  type: CellType;
  batch: number;
  time: number;
  inputs: number;
  hiddenSize: number;
  timeMajor: boolean;
  reverse: boolean;
  isSingleStep: boolean;
  x: Quantization;
  /**
   * The fraction of blocks that remain after pruning, for input weights and for recurrent weights.
   */
  densities: [number, number];
  seed: number;
}

const density = fc.constantFrom(1, 1, 0.4, 0.1, 0);

const sequencesOf = (type: CellType): fc.Arbitrary<SequenceSpec> =>
  fc.record({
    type: fc.constant(type),
    batch: fc.constantFrom(1, 1, 2, 3),
    time: fc.constantFrom(1, 2, 7),
    inputs: fc.oneof(fc.constantFrom(1, 3, 4, 15, 16, 17, 33), size(40)),
    hiddenSize: fc.oneof(fc.constantFrom(1, 7, 8, 9, 16, 17), size(24)),
    timeMajor: fc.boolean(),
    reverse: fc.boolean(),
    isSingleStep: fc.boolean(),
    x: quantizations,
    densities: fc.tuple(density, density),
    seed: fc.nat(),
  });

/**
 * Gate functions differ from the reference in their last bits, and states accumulate the
 * differences. Hybrid layers also quantize their states, so a small difference can become one
 * quantization unit.
 */
export function toleranceOf(type: CellType): Tolerance {
  if (type === 'int8') return exact;
  if (type === 'float32') return { relative: 1e-4, absolute: 2e-5 };
  return { relative: 5e-2, absolute: 5e-2 };
}

export const isFloat = (type: CellType): boolean => type !== 'int8';
export const hybridOf = (
  type: CellType,
): { hybrid?: HybridMode } => (type === 'symmetric' || type === 'asymmetric' ? { hybrid: type } : {});

const titles: Record<CellType, string> = {
  int8: 'equals the reference bit for bit in int8',
  float32: 'matches the reference in float32',
  symmetric: 'matches the reference with int8 weights and symmetrically quantized floats',
  asymmetric: 'matches the reference with int8 weights and asymmetrically quantized floats',
};

/** The test body of a recurrent layer: random layers of each type, two fifths of them in int8. */
export function recurrentSuite<S extends { sequence: SequenceSpec }>(
  op: string,
  cases: number,
  specs: (sequences: fc.Arbitrary<SequenceSpec>) => fc.Arbitrary<S>,
  check: (spec: S) => void,
): void {
  describe(op, () => {
    for (const type of Object.keys(titles) as CellType[]) {
      test(titles[type], () => property(specs(sequencesOf(type)), cases * (type === 'int8' ? 2 : 1) / 5, check));
    }
  });
}

export function sequence({ type, batch, time, inputs, timeMajor, isSingleStep, x }: SequenceSpec): Tensor {
  const steps = timeMajor ? [time, batch, inputs] : [batch, time, inputs];
  const shape = isSingleStep ? [batch, inputs] : steps;
  return isFloat(type)
    ? { name: 'x', shape, dtype: 'float32' }
    : { name: 'x', shape, dtype: 'int8', quantization: { scale: [x.scale], zeroPoint: [x.zeroPoint], axis: 0 } };
}

export const withWidth = (x: Tensor, width: number): number[] => [...x.shape.slice(0, -1), width];

/**
 * Compares the layer with the reference, in the weight layout that the compiler chooses. Compares
 * every layout of int8 weights with the dense one, bit for bit.
 */
export function checkSequence(graph: Graph, { type, seed }: SequenceSpec): void {
  checkGraph(graph, seed, toleranceOf(type));
  if (type !== 'float32') {
    checkLists(graph, seed);
    checkLists(withSmallWeights(graph), seed);
  }
}

export function checkLists(graph: Graph, seed: number): void {
  const inputs = randomInputs(graph, seed);
  const [t] = graph.outputs;
  const answers = (['dense', 'blocks', 'nibbles'] as const).flatMap((weightLayout) =>
    flavors.map((flavor) => {
      const model = loadSync(compile(graph, { debugInfo: false, weightLayout }), { flavor });
      const [values] = predictAll(model, graph, inputs);
      model.dispose();
      return { what: `${weightLayout} in ${flavor}`, values: values! };
    })
  );
  for (const { what, values } of answers) compare(what, t!.shape, answers[0]!.values, values, exact);
}

/** Sets random blocks of 8 rows by 4 inputs to zero. The fraction `density` of them is kept. */
export function pruneBlocks(random: Random, weights: Tensor, gates: number, density: number): Tensor {
  const [N, K] = weights.shape as [number, number];
  const rows = N / gates;
  const stays = new Map<string, boolean>();
  weights.data!.forEach((_, i, data) => {
    const n = Math.floor(i / K);
    const block = `${Math.floor(n / rows)}, ${Math.floor((n % rows) / 8)}, ${Math.floor((i % K) / 4)}`;
    if (!stays.has(block)) stays.set(block, random.next() < density);
    if (!stays.get(block)) data[i] = 0;
  });
  return weights;
}

/**
 * Weights of gates, scaled so that K products add up to a value that does not saturate the gate.
 * int8 weights have one scale per gate.
 */
export function weights(
  random: Random,
  name: string,
  gates: number,
  rows: number,
  K: number,
  type: CellType,
  inputScale: number,
): Tensor {
  const shape = [gates * rows, K];
  const reach = 3 / Math.sqrt(K);
  if (type === 'float32') {
    return {
      name,
      shape,
      dtype: 'float32',
      data: Float32Array.from({ length: gates * rows * K }, () => random.between(-reach, reach)),
    };
  }
  const scales = Array.from(
    { length: gates },
    () => Math.fround(reach * random.between(0.5, 1.5) / 127 / (type === 'int8' ? inputScale * 64 : 1)),
  );
  const quantization: TensorQuantization = {
    scale: Array.from({ length: gates * rows }, (_, i) => scales[Math.floor(i / rows)]!),
    zeroPoint: new Array<number>(gates * rows).fill(0),
    axis: 0,
  };
  return {
    name,
    shape,
    dtype: 'int8',
    quantization,
    data: Int8Array.from({ length: gates * rows * K }, () => random.int(-127, 127)),
  };
}

/** Biases: float32, or int32 in units of the accumulators. */
export function biases(random: Random, name: string, count: number, type: CellType, reach = 1000): Tensor {
  return isFloat(type) ?
    { name, shape: [count], dtype: 'float32', data: Float32Array.from({ length: count }, () => random.between(-1, 1)) }
    : {
      name,
      shape: [count],
      dtype: 'int32',
      data: Int32Array.from({ length: count }, () => random.int(-reach, reach)),
    };
}

/**
 * A vector per gate (peephole weights, norm weights): int16 with one scale per gate, or float32.
 */
export function gateVectors(random: Random, name: string, gates: number, rows: number, type: CellType): Tensor {
  const count = gates * rows;
  if (isFloat(type)) {
    return {
      name,
      shape: [count],
      dtype: 'float32',
      data: Float32Array.from({ length: count }, () => random.between(-1, 1)),
    };
  }
  const scales = Array.from({ length: gates }, () => Math.fround(random.between(0.5, 2) / 32767));
  return {
    name,
    shape: [count],
    dtype: 'int16',
    quantization: {
      scale: Array.from({ length: count }, (_, i) => scales[Math.floor(i / rows)]!),
      zeroPoint: new Array<number>(count).fill(0),
      axis: 0,
    },
    data: Int16Array.from({ length: count }, () => random.int(-32767, 32767)),
  };
}
