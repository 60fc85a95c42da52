import { consumers, producers } from '../../graph/edit';
import { elementCount, innermost, type AnyNode, type Graph, type Node, type Tensor } from '../../graph/graph';
import { outputAxis } from './integerProducts';
import { alongSource, beforeMovements } from './movedDimension';
import type { StoredIntegers } from './storedIntegers';

const layers = new Set<AnyNode['op']>(['conv2d', 'depthwiseConv2d', 'transposeConv2d', 'fullyConnected']);

/** x · factor + offset of each channel; a list of one number is for all channels. */
interface Affine {
  x: Tensor;
  constant: Tensor;
  isFactor: boolean;
  /** From the constant's values to factors or offsets. */
  of(value: number): number;
}

/** The function that a node is, if one of its operands is a constant. */
function affineOf({ attributes: { kind, activation }, inputs: [a, b] }: Node<'binary'>): Affine | undefined {
  if (activation !== 'none' || Boolean(a!.data) === Boolean(b!.data)) return undefined;
  const [x, constant] = b!.data ? [a!, b!] : [b!, a!];
  const isOrdered = constant === b;
  switch (kind) {
    case 'add':
      return { x, constant, isFactor: false, of: (value) => value };
    case 'mul':
      return { x, constant, isFactor: true, of: (value) => value };
    case 'sub':
      return isOrdered ? { x, constant, isFactor: false, of: (value) => -value } : undefined;
    case 'div':
      return isOrdered ? { x, constant, isFactor: true, of: (value) => 1 / value } : undefined;
    default:
      return undefined;
  }
}

/**
 * Folds constants that are added to each channel of a layer, or multiplied with it, into its bias
 * and its weights: batch normalizations, and biases that are nodes of their own. Reshapes and
 * transposes may come between. Weights that are not float32 are not multiplied.
 *
 * @param stored - the integers behind dequantized weights, whose scales are multiplied
 */
export function foldAffine(graph: Graph, stored = new Map<Tensor, StoredIntegers>()): void {
  const made = producers(graph);
  const read = consumers(graph);
  const gone = new Set<AnyNode>();
  for (const node of graph.nodes) {
    const affine = node.op === 'binary' ? affineOf(node) : undefined;
    const [y] = node.outputs;
    if (!affine || y!.dtype !== 'float32' || read.get(affine.x)?.length !== 1) continue;
    if (affine.x.shape.join() !== y!.shape.join()) continue;
    const { source, by } = beforeMovements(affine.x, made, read);
    const layer = made.get(source);
    if (!layer || !layers.has(layer.op) || read.get(source)!.length !== 1) continue;
    if ((layer.attributes as { activation?: string }).activation !== 'none') continue;
    const found = alongSource(affine.constant, affine.x, by);
    if (!found || (found.axis !== undefined && found.axis !== source.shape.length - 1)) continue;
    const channels = innermost(source.shape);
    const values = Float64Array.from(
      { length: channels },
      (_, c) => affine.of(found.values[found.axis === undefined ? 0 : c]!),
    );
    if (!(affine.isFactor ? scale(layer, values, stored) : shift(layer, values, affine.constant.name))) continue;
    const last = by[0] ?? layer;
    last.outputs = [y!];
    last.name = y!.name;
    made.set(y!, last);
    gone.add(node);
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}

/** Adds to the bias. @returns whether the layer has a bias to add to, or none */
function shift(layer: AnyNode, offsets: Float64Array, name: string): boolean {
  const [x, w, bias] = layer.inputs;
  if (bias && (bias.dtype !== 'float32' || !bias.data)) return false;
  layer.inputs = [x!, w!, {
    name: bias?.name ?? `${name} (bias)`,
    shape: [offsets.length],
    dtype: 'float32',
    data: Float32Array.from(offsets, (offset, c) => offset + (bias ? bias.data![c]! : 0)),
  }];
  return true;
}

/** Multiplies weights and bias. @returns whether they are float32 constants */
function scale(layer: AnyNode, factors: Float64Array, stored: Map<Tensor, StoredIntegers>): boolean {
  const [x, w, bias] = layer.inputs;
  const isReal = (tensor: Tensor): boolean => tensor.dtype === 'float32' && tensor.data !== undefined;
  const isFinite = factors.every((factor) => Number.isFinite(factor));
  if (!isReal(w!) || (bias && !isReal(bias)) || !isFinite) return false;
  // the last dimension of depthwise weights counts channels, the first of others
  const run = layer.op === 'depthwiseConv2d' ? 1 : elementCount(w!.shape) / factors.length;
  const scaled = (tensor: Tensor, each: number): Tensor => ({
    ...tensor,
    data: Float32Array.from(tensor.data!, (value, i) => value * factors[Math.floor(i / each) % factors.length]!),
  });
  const weights = scaled(w!, run);
  const integers = stored.get(w!);
  const known = integers && scaledChannels(integers, factors, outputAxis(layer)!);
  if (known) stored.set(weights, known);
  layer.inputs = [x!, weights, bias ? scaled(bias, 1) : null];
  return true;
}

/** Integers whose scales along `axis` are multiplied by positive factors. */
function scaledChannels(integers: StoredIntegers, factors: Float64Array, axis: number): StoredIntegers | undefined {
  const { scale, zeroPoint, axis: along } = integers.quantization;
  const isPlain = scale.length === 1 || along === axis;
  if (!isPlain || factors.some((factor) => factor <= 0)) return undefined;
  const at = (list: readonly number[], c: number): number => list[list.length === 1 ? 0 : c]!;
  const scales = Array.from(factors, (factor, c) => at(scale, c) * factor);
  const zeroPoints = scales.map((_, c) => at(zeroPoint, c));
  return { ...integers, quantization: { scale: scales, zeroPoint: zeroPoints, axis } };
}
