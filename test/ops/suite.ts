import fc from 'fast-check';
import { compile } from '../../src/compiler/index';
import { type AnyNode, type DType, type Graph, type Node, type Quantization as TensorQuantization, type Tensor,
  type TensorData } from '../../src/graph/graph';
import type { Attributes, FusedActivation, OperatorName } from '../../src/graph/operators';
import { loadSync, type Model } from '../../src/index';
import * as L from '../../assembly/layout';
import { toC } from '../../src/c/index';
import { printers } from '../../src/c/operators/index';
import { readKlet } from '../../src/format/klet';
import { dotVariants, loadOn, type DotVariant } from '../helpers/dotEngines';
import { flavors, threadedFlavors } from '../helpers/flavors';
import { recordCase } from '../helpers/cases';
import { bytesOfArray, CompiledC, hasGcc } from '../helpers/gcc';
import { Random } from '../helpers/random';
import { loadInShares } from '../helpers/shares';
import { loadScript, loadTiny, predictTiny } from '../helpers/tiny';
import { runReference } from '../reference/index';
import { allocate } from '../reference/support';

// The body of every operator test compiles a graph of one node, loads it in each flavor and runs
// it. Integers must equal the reference, floats may differ by the declared tolerance, and all
// flavors must agree bit for bit, also when several threads share the work.

/**
 * The largest difference from the reference. A float may have the relative or the absolute one;
 * integers must be equal unless `units` is set.
 */
export interface Tolerance {
  relative: number;
  absolute: number;
  /** Quantization units that an integer may differ by; `checkGraph` counts the integers that do. */
  units?: number;
}
export const exact: Tolerance = { relative: 0, absolute: 0 };

// ── tensors ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Per-tensor quantization. `zeroPoint` is the int8 one; uint8 adds 128, and that of int16 is 0, so
 * that one spec serves all.
 */
export interface Quantization {
  scale: number;
  zeroPoint: number;
}

/** The element types that networks compute on. */
export type NumberType = 'float32' | 'int8' | 'uint8' | 'int16';

export function tensor(name: string, shape: number[], dtype: DType, quantization?: Quantization): Tensor {
  if (!isQuantizedType(dtype) || !quantization) return { name, shape, dtype };
  const { scale, zeroPoint } = quantization;
  const offset = dtype === 'uint8' ? 128 : 0;
  return {
    name,
    shape,
    dtype,
    quantization: { scale: [scale], zeroPoint: [dtype === 'int16' ? 0 : zeroPoint + offset], axis: 0 },
  };
}

export function isQuantizedType(dtype: DType): boolean {
  return dtype === 'int8' || dtype === 'uint8' || dtype === 'int16';
}

/** A constant with random values. */
export function constant(
  random: Random,
  name: string,
  shape: number[],
  dtype: DType,
  quantization?: Quantization | TensorQuantization,
): Tensor {
  const made = quantization && 'axis' in quantization
    ? { name, shape, dtype, quantization }
    : tensor(name, shape, dtype, quantization);
  return { ...made, data: random.fill(allocate(made)) };
}

/** A graph of one node. Inputs without data are inputs of the graph. */
export function single<K extends OperatorName>(
  op: K,
  inputs: (Tensor | null)[],
  attributes: Attributes[K],
  ...outputs: Tensor[]
): Graph {
  const node: Node<K> = { op, name: op, inputs, outputs, attributes };
  return {
    name: op,
    inputs: [...new Set(inputs.filter((t): t is Tensor => t !== null && !t.data))],
    outputs,
    nodes: [node as AnyNode],
  };
}

export function randomInputs(graph: Graph, seed: number): Record<string, TensorData> {
  const random = new Random(seed);
  return Object.fromEntries(graph.inputs.map((t) => [t.name, random.fill(allocate(t))]));
}

// ── running and comparing ─────────────────────────────────────────────────────────────────────────────────

/**
 * The raw values of all outputs, in order, computed from the initial state. Runs twice, and throws
 * if the second run differs from the first.
 */
export function predictAll(model: Model, graph: Graph, inputs: Record<string, TensorData>): TensorData[] {
  const once = (): TensorData[] => {
    model.reset();
    const raw = model.predict(inputs, { output: 'raw' });
    // the compiler renames an output that is also an input
    return model.outputs.map(({ name }) => {
      const values = model.outputs.length === 1 ? raw : raw[name]!;
      return values instanceof BigInt64Array ? Int32Array.from(values, Number) : values as TensorData;
    });
  };
  const first = once();
  once().forEach((values, i) =>
    compare(`second run of "${graph.outputs[i]!.name}"`, graph.outputs[i]!.shape, first[i]!, values, exact)
  );
  return first;
}

/**
 * Throws if two arrays differ by more than the tolerance, and names the first such element. NaN
 * equals NaN.
 * @returns the number of elements that differ
 */
export function compare(
  what: string,
  shape: readonly number[],
  expected: TensorData,
  found: TensorData,
  tolerance: Tolerance,
): number {
  if (expected.constructor !== found.constructor || expected.length !== found.length) {
    const describe = (array: TensorData): string => `${array.constructor.name}(${array.length})`;
    throw new Error(`${what}: expected ${describe(expected)}, found ${describe(found)}`);
  }
  const isFloat = expected instanceof Float32Array;
  let different = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = expected[i]!;
    const b = found[i]!;
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const difference = Math.abs(a - b);
    different++;
    const allowed = isFloat ? Math.max(tolerance.absolute, tolerance.relative * Math.abs(a)) : tolerance.units ?? 0;
    if (difference <= allowed) continue;
    const at = position(i, shape).join(', ');
    throw new Error(`${what}: element [${at}] of [${shape.join(', ')}]: expected ${a}, found ${b}`);
  }
  return different;
}

function position(index: number, shape: readonly number[]): number[] {
  return [...shape].reverse().map((size) => {
    const at = index % size;
    index = (index - at) / size;
    return at;
  }).reverse();
}

/** The opcodes of a file's records, in order. */
export function opcodesOf(klet: Uint8Array): number[] {
  const { plan } = readKlet(klet);
  const view = new DataView(plan.buffer, plan.byteOffset, plan.byteLength);
  const opcodes: number[] = [];
  for (let at = 0; at < plan.length; at += view.getUint32(at + L.RECORD_SIZE, true)) {
    opcodes.push(plan[at + L.RECORD_OPCODE]!);
  }
  return opcodes;
}

/** Opcodes whose kernels take relaxed dot products. */
const dotted = new Set([L.OP_CONV2D, L.OP_DEPTHWISE_CONV2D, L.OP_HYBRID_CONV2D, L.OP_NIBBLE_PRODUCT, L.OP_RECURRENT,
  L.OP_SPARSE_RECURRENT, L.OP_SVDF]);

const hasDots = (klet: Uint8Array): boolean => opcodesOf(klet).some((opcode) => dotted.has(opcode));

/** Throws if the relaxed core gives other bits on an engine. */
function checkDots(
  engine: DotVariant,
  graph: Graph,
  klet: Uint8Array,
  inputs: Record<string, TensorData>,
  expected: readonly TensorData[],
): void {
  const model = loadOn(engine, klet);
  predictAll(model, graph, inputs).forEach((values, i) => {
    const { name, shape } = graph.outputs[i]!;
    compare(`"${name}" (relaxed on ${engine})`, shape, expected[i]!, values, exact);
  });
  model.dispose();
}

/** One network in so many is also printed as C. Its compilation takes long. */
const C_SHARE = 48;

/** Throws if the network as C gives other bits, unless it has operators without a C form. */
function checkC(klet: Uint8Array, inputs: Record<string, TensorData>, expected: readonly TensorData[]): void {
  if (!opcodesOf(klet).every((opcode) => printers[opcode])) return;
  const { meta } = readKlet(klet);
  using compiled = new CompiledC([{ program: toC(klet), meta }], ['-O1', '-fsanitize=undefined',
    '-fno-sanitize-recover=all']);
  const [found] = compiled.run([meta.inputs.map(({ name }) => bytesOfArray(inputs[name]!))]);
  meta.outputs.forEach(({ name, shape }, i) => {
    const Type = expected[i]!.constructor as new(buffer: ArrayBufferLike) => TensorData;
    compare(`"${name}" (C against scalar)`, shape, expected[i]!, new Type(found![i]!.buffer), exact);
  });
}

/**
 * Whether to check the builds of the core alone, in a second version of Node: networks as C, in
 * plain JavaScript and on emulated engines were checked in the first.
 */
const buildsAlone = process.env.KINGLET_BUILDS_ALONE === '1';

/** Throws if the network gives other bits on emulated engines, as C or in plain JavaScript. */
function checkElsewhere(
  graph: Graph,
  klet: Uint8Array,
  seed: number,
  inputs: Record<string, TensorData>,
  expected: readonly TensorData[],
): void {
  if (hasDots(klet)) checkDots(dotVariants[(seed >>> 0) % dotVariants.length]!, graph, klet, inputs, expected);
  if (hasGcc && (seed >>> 0) % C_SHARE === 0) checkC(klet, inputs, expected);
  const tiny = loadTiny(klet);
  for (const model of tiny ? [tiny, ...(seed % 16 === 0 ? [loadScript(klet, 'inside')] : [])] : []) {
    predictTiny(model, inputs).forEach((values, i) =>
      compare(`"${graph.outputs[i]!.name}" (kinglet/tiny)`, graph.outputs[i]!.shape, expected[i]!, values, exact)
    );
  }
}

/**
 * Compiles the graph, loads it in each flavor, predicts, and compares with the reference and
 * between flavors.
 * @returns the number of values that differ from the reference
 */
export function checkGraph(
  graph: Graph,
  seed: number,
  tolerance: Tolerance = exact,
  inputs = randomInputs(graph, seed),
): number {
  return checkFile(graph, compile(graph, { debugInfo: false }), seed, tolerance, inputs);
}

/** The same for a file that was made of the graph. */
export function checkFile(
  graph: Graph,
  klet: Uint8Array,
  seed: number,
  tolerance: Tolerance = exact,
  inputs = randomInputs(graph, seed),
): number {
  const expected = runReference(graph, inputs);
  const results = flavors.map((flavor) => {
    const model = loadSync(klet, { flavor });
    const values = predictAll(model, graph, inputs);
    model.dispose();
    return values;
  });
  const flavor = threadedFlavors[(seed >>> 0) % threadedFlavors.length]!;
  for (const order of [[1, 0], [0, 2, 1]]) {
    const model = loadInShares(klet, flavor, order);
    predictAll(model, graph, inputs).forEach((values, i) =>
      compare(
        `"${graph.outputs[i]!.name}" (${order.length} threads in ${flavor})`,
        graph.outputs[i]!.shape,
        results[0]![i]!,
        values,
        exact,
      )
    );
    model.dispose();
  }
  if (!buildsAlone) checkElsewhere(graph, klet, seed, inputs, results[0]!);
  const different = graph.outputs.reduce((different, t, i) => {
    const [first, ...others] = results.map((values) => values[i]!);
    others.forEach((values, f) =>
      compare(`"${t.name}" (${flavors[f + 1]} against ${flavors[0]})`, t.shape, first!, values, exact)
    );
    return different + compare(`"${t.name}"`, t.shape, expected.get(t.name)!, first!, tolerance);
  }, 0);
  recordCase(klet, inputs, results[0]!);
  return different;
}

// ── arbitraries ───────────────────────────────────────────────────────────────────────────────────────────

export const seeds = fc.noShrink(fc.nat());
/** Float and integer types, integers more often. */
export const types = fc.constantFrom<NumberType>('int8', 'int8', 'uint8', 'int16', 'float32');
export const activations = fc.constantFrom<FusedActivation>('none', 'none', 'relu', 'relu6', 'reluN1To1', 'relu0To1');
/** Powers of two produce ties in rounding; the others do not. */
export const scales = fc.oneof(
  fc.integer({ min: -7, max: 1 }).map((e) => 2 ** e),
  fc.integer({ min: 20, max: 4000 }).map((n) => Math.fround(n / 1999)),
);
export const zeroPoints = fc.oneof(fc.constantFrom(-128, 127, 0), fc.integer({ min: -128, max: 127 }));
export const quantizations: fc.Arbitrary<Quantization> = fc.record({ scale: scales, zeroPoint: zeroPoints });
/** Numbers of channels around the 8 of a panel. */
export const channels = fc.oneof(fc.constantFrom(1, 7, 8, 9, 15, 16, 17), fc.integer({ min: 1, max: 20 }));
export const size = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
export const shapes = (maxRank: number, maxSize = 5, minRank = 1): fc.Arbitrary<number[]> =>
  fc.array(size(maxSize), { minLength: minRank, maxLength: maxRank });

/** Checks a property of `numRuns` random specs, the same ones in each run. */
export function property<S>(spec: fc.Arbitrary<S>, numRuns: number, check: (spec: S) => void): void {
  fc.assert(fc.property(spec, check), { seed: 20261121, numRuns });
}

/**
 * The output scale for which accumulators of `count` products fill the range of int8; a power of
 * two if `ties` is set. `products` is the scale of the products.
 */
export function fittingScale(products: number, count: number, ties: boolean): number {
  const estimate = products * Math.sqrt(count) * 90;
  return ties ? 2 ** Math.round(Math.log2(estimate)) : Math.fround(estimate);
}

export { Random };
