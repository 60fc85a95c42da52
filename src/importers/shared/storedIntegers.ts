import { elementCount, type AnyNode, type Quantization, type Tensor } from '../../graph/graph';
import type { Constant } from './constants';
import { fold } from './fold';
import { reshapedDimension } from './movedDimension';

/** Integers of a file, from which a constant of the network was dequantized. */
export type StoredIntegers = Constant & { quantization: Quantization };

/** What an import knows about quantized values, besides the graph. */
export class QuantizedValues {
  /** Constants that were dequantized, with their integers. */
  readonly stored = new Map<Tensor, StoredIntegers>();
  /** Integers that were computed as whole float32 numbers, with those. */
  readonly whole = new Map<Tensor, Tensor>();
  /** Whole numbers that were quantized by the range of `x`. */
  readonly dynamic = new Map<Tensor, { x: Tensor; scale: Tensor; zero: Tensor }>();
  /**
   * Whole numbers without their zero point: the steps of `x`, which is quantized, or float and
   * quantized by its own range.
   */
  readonly steps = new Map<Tensor, { x: Tensor; scale: Tensor }>();
}

const movements = new Set<AnyNode['op']>(['reshape', 'transpose', 'slice', 'broadcastTo']);

/**
 * The integers behind the result of a node that moves a dequantized constant, or multiplies it by a
 * number. Undefined if their scales cannot follow, and for other nodes.
 */
export function movedIntegers(node: AnyNode, stored: ReadonlyMap<Tensor, StoredIntegers>): StoredIntegers | undefined {
  const integers = node.inputs[0] && stored.get(node.inputs[0]);
  if (!integers) return undefined;
  if (node.op === 'binary' && node.attributes.kind === 'mul') return scaledIntegers(integers, node.inputs[1]!);
  if (!movements.has(node.op)) return undefined;
  const { shape } = node.outputs[0]!;
  const axis = integers.quantization.scale.length === 1 ? 0 : axisAfter(node, integers.quantization.axis);
  if (axis === undefined) return undefined;
  const { name, dtype } = integers;
  const moved = { ...node, inputs: [integers], outputs: [{ name, shape, dtype }] } as AnyNode;
  const data = fold(moved)?.[0];
  return data && { name, shape: [...shape], dtype, data, quantization: { ...integers.quantization, axis } };
}

/** Integers times a positive number have other scales. */
function scaledIntegers(integers: StoredIntegers, { data }: Tensor): StoredIntegers | undefined {
  const [factor] = data ?? [];
  if (data?.length !== 1 || !(factor! > 0)) return undefined;
  const { quantization } = integers;
  return { ...integers, quantization: { ...quantization, scale: quantization.scale.map((s) => s * factor!) } };
}

function axisAfter(node: AnyNode, axis: number): number | undefined {
  const from = node.inputs[0]!.shape;
  const to = node.outputs[0]!.shape;
  switch (node.op) {
    case 'reshape':
      return reshapedDimension(from, to, axis);
    case 'transpose':
      return node.attributes.perm.indexOf(axis);
    case 'slice':
      return from[axis] === to[axis] && node.attributes.stride[axis]! > 0 ? axis : undefined;
    default:
      return undefined;
  }
}

/** The real numbers that integers stand for, in float32. */
export function realNumbers({ shape, data, quantization }: StoredIntegers): Float32Array {
  const { scale, zeroPoint, axis } = quantization;
  const inner = scale.length === 1 ? data.length : elementCount(shape.slice(axis + 1));
  const real = new Float32Array(data.length);
  for (let from = 0, channel = 0; from < data.length; from += inner, channel++) {
    const s = scale[channel % scale.length]!;
    const z = zeroPoint[channel % scale.length]!;
    for (let i = from; i < from + inner; i++) real[i] = s * (data[i]! - z);
  }
  return real;
}
