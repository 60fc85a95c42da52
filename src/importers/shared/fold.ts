import { KletError } from '../../errors';
import { broadcastShape } from '../../graph/broadcast';
import { elementCount, type AnyNode, type ConstantData, type DType, type Node, type Tensor } from '../../graph/graph';
import type { ArithmeticKind, BinaryKind, CompareKind, LogicKind, ReduceKind } from '../../graph/operators';
import { functions, parametersOf } from '../../ops/shared/functions';
import { broadcastStrides, stridesOf } from '../../ops/shared/shapes';
import type { Constant } from './constants';

// Evaluates nodes on constants during an import, above all the sizes that exported networks
// compute from their shapes. What is not evaluated here is evaluated by the compiler.

type Values = ConstantData;
type Binary = (a: number, b: number) => number;

const binaries: Record<BinaryKind, Binary> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  squaredDifference: (a, b) => (a - b) ** 2,
};

const arithmetics: Record<ArithmeticKind, Binary> = {
  floorDiv: (a, b) => Math.floor(a / b),
  floorMod: (a, b) => a - b * Math.floor(a / b),
  pow: (a, b) => a ** b,
};

const comparisons: Record<CompareKind, (a: number, b: number) => boolean> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b,
};

const logics: Record<LogicKind, (a: boolean, b: boolean) => boolean> = {
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  xor: (a, b) => a !== b,
};

const reductions: Partial<Record<ReduceKind, { first: number; step: Binary }>> = {
  sum: { first: 0, step: (a, b) => a + b },
  mean: { first: 0, step: (a, b) => a + b },
  max: { first: -Infinity, step: (a, b) => Math.max(a, b) },
  min: { first: Infinity, step: (a, b) => Math.min(a, b) },
  prod: { first: 1, step: (a, b) => a * b },
};

/** Elements of the largest tensor that is evaluated here. The compiler limits the larger ones. */
const MOST_ELEMENTS = 2 ** 24;

/**
 * Zeros of an element type, as constants are stored.
 *
 * @throws KletError `OUT_OF_MEMORY` if there are more than MOST_ELEMENTS
 */
export function allocate(dtype: DType, count: number): Values {
  if (count > MOST_ELEMENTS) {
    throw new KletError(
      'OUT_OF_MEMORY',
      `an operator without inputs makes a constant of ${count} elements; at most ${MOST_ELEMENTS} are possible`,
    );
  }
  switch (dtype) {
    case 'float32':
      return new Float32Array(count);
    case 'int8':
      return new Int8Array(count);
    case 'uint8':
    case 'bool':
      return new Uint8Array(count);
    case 'int16':
      return new Int16Array(count);
    default:
      return new Int32Array(count);
  }
}

/** The values of a node's outputs, or undefined if they cannot be computed here. */
export function fold(node: AnyNode): Values[] | undefined {
  if (node.outputs.some(({ shape }) => elementCount(shape) > MOST_ELEMENTS)) return undefined;
  if (node.inputs.some((x) => x?.dtype.includes('int8') && x.quantization) && !movements.has(node.op)) return undefined;
  const evaluate = evaluators[node.op] as ((node: AnyNode) => Values | undefined) | undefined;
  if (node.op === 'split') return foldSplit(node);
  const values = evaluate?.(node);
  return values && [values];
}

const movements = new Set<AnyNode['op']>(['reshape', 'transpose', 'slice', 'split', 'concat', 'broadcastTo', 'gather']);

const evaluators: { [K in AnyNode['op']]?: (node: Node<K>) => Values | undefined } = {
  reshape: ({ inputs }) => constant(inputs[0]).data,
  transpose({ inputs, outputs, attributes }) {
    const x = constant(inputs[0]);
    const strides = stridesOf(x.shape);
    return strided(x.data, outputs[0]!.shape, attributes.perm.map((d) => strides[d]!));
  },
  broadcastTo: ({ inputs, outputs }) => broadcast(constant(inputs[0]), outputs[0]!.shape),
  slice({ inputs, outputs, attributes: { begin, stride } }) {
    const x = constant(inputs[0]);
    const steps = stridesOf(x.shape);
    const offset = begin.reduce((sum, b, i) => sum + b * steps[i]!, 0);
    return strided(x.data, outputs[0]!.shape, steps.map((s, i) => s * stride[i]!), offset);
  },
  concat({ inputs, outputs, attributes: { axis, activation } }) {
    if (activation !== 'none') return undefined;
    const y = outputs[0]!;
    const out = allocate(y.dtype, elementCount(y.shape));
    const outer = elementCount(y.shape.slice(0, axis));
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const part of inputs) {
        const { data, shape } = constant(part);
        const run = elementCount(shape.slice(axis));
        out.set(data.subarray(i * run, (i + 1) * run), at);
        at += run;
      }
    }
    return out;
  },
  gather({ inputs, outputs, attributes: { axis, batchDims } }) {
    const x = constant(inputs[0]);
    const indices = constant(inputs[1]).data;
    if (batchDims > 0) return undefined;
    const y = outputs[0]!;
    const out = allocate(y.dtype, elementCount(y.shape));
    const outer = elementCount(x.shape.slice(0, axis));
    const size = x.shape[axis]!;
    const run = elementCount(x.shape.slice(axis + 1));
    let at = 0;
    for (let i = 0; i < outer; i++) {
      for (const index of Array.from(indices)) {
        const from = (i * size + Math.max(0, Math.min(size - 1, index))) * run;
        out.set(x.data.subarray(from, from + run), at);
        at += run;
      }
    }
    return out;
  },
  cast({ inputs, outputs }) {
    const { dtype } = outputs[0]!;
    const x = constant(inputs[0]);
    const out = allocate(dtype, x.data.length);
    const isWhole = dtype !== 'float32';
    x.data.forEach((value, i) => {
      if (dtype === 'bool') out[i] = Number(value !== 0);
      else out[i] = isWhole ? saturate(Math.trunc(value), dtype) : value;
    });
    return out;
  },
  unary({ inputs, attributes }) {
    const x = constant(inputs[0]);
    const f = functions[attributes.kind];
    const parameters = parametersOf(attributes);
    return x.dtype === 'float32' ? Float32Array.from(x.data, (v) => f(v, parameters)) : undefined;
  },
  binary({ inputs, outputs, attributes: { kind, activation } }) {
    return activation === 'none' ? pairwise(inputs, outputs[0]!, binaries[kind]) : undefined;
  },
  arithmetic: ({ inputs, outputs, attributes }) => pairwise(inputs, outputs[0]!, arithmetics[attributes.kind]),
  compare({ inputs, outputs, attributes }) {
    const compare = comparisons[attributes.kind];
    return pairwise(inputs, outputs[0]!, (a, b) => Number(compare(a, b)));
  },
  logic({ inputs, outputs, attributes }) {
    const combine = logics[attributes.kind];
    return pairwise(inputs, outputs[0]!, (a, b) => Number(combine(a !== 0, b !== 0)));
  },
  select({ inputs, outputs }) {
    const y = outputs[0]!;
    const [a, b, condition] = inputs.map((x) => broadcast(constant(x), y.shape)) as [Values, Values, Values];
    const out = allocate(y.dtype, condition.length);
    condition.forEach((is, i) => (out[i] = is ? a[i]! : b[i]!));
    return out;
  },
  reduce({ inputs, outputs, attributes: { kind, axes } }) {
    const reduction = reductions[kind];
    if (!reduction) return undefined;
    const x = constant(inputs[0]);
    const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    const keptStrides = broadcastStrides(kept, x.shape);
    const target = new Float64Array(elementCount(kept)).fill(reduction.first);
    const order = Int32Array.from({ length: target.length }, (_, i) => i);
    const places = strided(order, x.shape, keptStrides);
    x.data.forEach((value, i) => {
      const at = places[i]!;
      target[at] = reduction.step(target[at]!, value);
    });
    const count = x.data.length / Math.max(1, target.length);
    const y = outputs[0]!;
    const out = allocate(y.dtype, target.length);
    target.forEach((sum, i) => (out[i] = kind === 'mean' ? sum / count : sum));
    return out;
  },
};

function foldSplit({ inputs, outputs, attributes: { axis } }: Node<'split'>): Values[] {
  const x = constant(inputs[0]);
  const steps = stridesOf(x.shape);
  let begin = 0;
  return outputs.map(({ shape }) => {
    const part = strided(x.data, shape, steps, begin * steps[axis]!);
    begin += shape[axis]!;
    return part;
  });
}

function constant(tensor: Tensor | null | undefined): Constant {
  return tensor as Constant;
}

function pairwise(operands: readonly (Tensor | null)[], y: Tensor, f: Binary): Values {
  const shape = broadcastShape(operands[0]!.shape, operands[1]!.shape)!;
  const [a, b] = operands.map((x) => broadcast(constant(x), shape)) as [Values, Values];
  const out = allocate(y.dtype, a.length);
  for (let i = 0; i < a.length; i++) out[i] = f(a[i]!, b[i]!);
  return out;
}

function broadcast(x: Constant, shape: readonly number[]): Values {
  if (x.data.length === elementCount(shape)) return x.data;
  return strided(x.data, shape, broadcastStrides(x.shape, shape));
}

/** Limits of integers when a float is converted, as the core has them for int32. */
function saturate(value: number, dtype: DType): number {
  if (dtype !== 'int32' && dtype !== 'int64') return value;
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
}

/** The elements at `offset` + Σ index × stride, for every index of `shape` in order. */
export function strided(data: Values, shape: readonly number[], strides: readonly number[], offset = 0): Values {
  const out = new (data.constructor as new(length: number) => Values)(elementCount(shape));
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[at]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      at += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      at -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return out;
}
