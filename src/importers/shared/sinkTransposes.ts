import { elementCount, resultsOf, type AnyNode, type Graph, type Node, type Tensor } from '../../graph/graph';
import { consumers } from '../../graph/edit';
import { broadcastShape } from '../../graph/broadcast';
import { stridesOf } from '../../ops/shared/shapes';
import { strided } from './fold';
import type { UniqueNames } from './uniqueNames';

/** A tensor that is `source` with its dimensions in another order: dimension i is `perm[i]`. */
interface Transposed {
  source: Tensor;
  perm: readonly number[];
}

/**
 * Moves transposes toward the outputs of a graph, past operators that work in any order of
 * dimensions, so that those which undo each other meet and disappear. Networks whose images are
 * [N][C][H][W] become [N][H][W][C] inside in this way. Transposes that remain are emitted where an
 * operator needs their order.
 */
export function sinkTransposes(graph: Graph, names: UniqueNames): void {
  const sinking = new Sinking(graph, names);
  for (const node of graph.nodes) sinking.visit(node);
  for (const tensor of new Set(resultsOf(graph))) sinking.finish(tensor);
  graph.nodes = sinking.nodes;
}

class Sinking {
  readonly nodes: AnyNode[] = [];
  /** Tensors that have not been emitted, because they are another tensor in other order. */
  private readonly transposed = new Map<Tensor, Transposed>();
  /** Transposes that have been emitted, by source and order. */
  private readonly emitted = new Map<Tensor, Map<string, Tensor>>();
  private readonly readers: Map<Tensor, (AnyNode | undefined)[]>;

  constructor(graph: Graph, private readonly names: UniqueNames) {
    this.readers = consumers(graph);
  }

  visit(node: AnyNode): void {
    if (node.op === 'transpose') {
      this.set(node.outputs[0]!, this.compose(node.inputs[0]!, node.attributes.perm));
      return;
    }
    const isMoved = node.inputs.some((x) => x && this.transposed.has(x));
    const rule = isMoved ? (rules[node.op] as Rule<AnyNode['op']> | undefined) : undefined;
    if (rule?.(node, this)) return;
    this.emit(node, node.inputs.map((x) => x && this.materialize(x)));
  }

  /** Emits a result of the graph that has not been emitted, under its own name. */
  finish(tensor: Tensor): void {
    const at = this.transposed.get(tensor);
    if (!at) return;
    this.emitOrder(at, tensor);
    this.transposed.delete(tensor);
  }

  emit(node: AnyNode, inputs: (Tensor | null)[], outputs = node.outputs, attributes: object = node.attributes): void {
    this.nodes.push({ ...node, inputs, outputs, attributes } as AnyNode);
  }

  /** Emits a node whose results, in the order of `perm`, are those of `node`. */
  emitPermuted(
    node: AnyNode,
    inputs: (Tensor | null)[],
    perm: readonly number[],
    attributes: object = node.attributes,
  ): void {
    const outputs = node.outputs.map((tensor) => {
      if (isIdentity(perm)) return tensor;
      const made = this.like(tensor, permuted(tensor.shape, inverse(perm)));
      this.set(tensor, { source: made, perm });
      return made;
    });
    this.emit(node, inputs, outputs, attributes);
  }

  set(tensor: Tensor, at: Transposed): void {
    this.transposed.set(tensor, at);
  }

  orderOf(tensor: Tensor): Transposed | undefined {
    return this.transposed.get(tensor);
  }

  readersOf(tensor: Tensor): (AnyNode | undefined)[] {
    return this.readers.get(tensor) ?? [];
  }

  /** `tensor` with its dimensions in the order of `perm`. */
  compose(tensor: Tensor, perm: readonly number[]): Transposed {
    const at = this.transposed.get(tensor);
    return at ? { source: at.source, perm: perm.map((d) => at.perm[d]!) } : { source: tensor, perm };
  }

  materialize(tensor: Tensor): Tensor {
    const at = this.transposed.get(tensor);
    return at ? this.inOrder(at) : tensor;
  }

  /** A tensor with its dimensions in the order of `perm`, emitted. */
  reordered(tensor: Tensor, perm: readonly number[]): Tensor {
    if (tensor.data) return this.permutedConstant(tensor, perm);
    return this.inOrder(this.compose(tensor, perm));
  }

  reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
    if (tensor.data) return { ...this.like(tensor, shape), data: tensor.data };
    const made = this.like(tensor, shape);
    this.emitReshape(tensor, made);
    return made;
  }

  emitReshape(from: Tensor, to: Tensor): void {
    this.nodes.push({ op: 'reshape', name: to.name, inputs: [from], outputs: [to], attributes: {} });
  }

  like(tensor: Tensor, shape: readonly number[]): Tensor {
    const { data: _, ...form } = tensor;
    return { ...form, name: this.names.take(`${tensor.name}/order`), shape: [...shape] };
  }

  permutedConstant(tensor: Tensor, perm: readonly number[]): Tensor {
    if (isIdentity(perm)) return tensor;
    const shape = permuted(tensor.shape, perm);
    const strides = stridesOf(tensor.shape);
    return { ...this.like(tensor, shape), data: strided(tensor.data!, shape, perm.map((d) => strides[d]!)) };
  }

  private inOrder(at: Transposed): Tensor {
    const { source, perm } = at;
    if (isIdentity(perm)) return source;
    const known = this.emitted.get(source) ?? new Map<string, Tensor>();
    this.emitted.set(source, known);
    const key = perm.join();
    const made = known.get(key) ?? this.like(source, permuted(source.shape, perm));
    if (!known.has(key)) this.emitOrder(at, made);
    known.set(key, made);
    return made;
  }

  /** Emits `to` as a transpose, or as a reshape if only dimensions of one element move. */
  private emitOrder({ source, perm }: Transposed, to: Tensor): void {
    const moved = perm.filter((d) => source.shape[d] !== 1);
    if (moved.every((d, i) => i === 0 || d > moved[i - 1]!)) this.emitReshape(source, to);
    else {
      const attributes = { perm: [...perm] };
      this.nodes.push({ op: 'transpose', name: to.name, inputs: [source], outputs: [to], attributes });
    }
  }
}

/**
 * Emits a node in the order of its inputs' sources.
 *
 * @returns whether it did; otherwise the node is emitted with its inputs transposed
 */
type Rule<K extends AnyNode['op']> = (node: Node<K>, sinking: Sinking) => boolean;

/** For an operator of one input that keeps its shape and whose attributes name no dimension. */
function elementwise(node: AnyNode, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!);
  if (!at) return false;
  sinking.emitPermuted(node, [at.source, ...node.inputs.slice(1)], at.perm);
  return true;
}

/** The order that most elements of the operands of this rank have. */
function commonOrder(operands: readonly (Tensor | null)[], rank: number, sinking: Sinking): readonly number[] {
  const votes = new Map<string, { perm: readonly number[]; elements: number }>();
  const identity = Array.from({ length: rank }, (_, i) => i);
  for (const tensor of operands) {
    if (!tensor || tensor.data || tensor.shape.length !== rank) continue;
    const perm = sinking.orderOf(tensor)?.perm ?? identity;
    const vote = votes.get(perm.join()) ?? { perm, elements: 0 };
    // of two orders with as many elements, the one that is not the file's comes from an operator
    vote.elements += elementCount(tensor.shape) * (isIdentity(perm) ? 1 : 1.5);
    votes.set(perm.join(), vote);
  }
  return [...votes.values()].sort((a, b) => b.elements - a.elements)[0]?.perm ?? identity;
}

/** An operand in the order whose dimensions `perm` would put in the file's order. */
function inSourceOrder(tensor: Tensor, perm: readonly number[], sinking: Sinking): Tensor {
  const lead = perm.length - tensor.shape.length;
  if (elementCount(tensor.shape) === 1) {
    return tensor.shape.length === 0 ? tensor : sinking.reshaped(sinking.materialize(tensor), []);
  }
  const whole = lead === 0
    ? tensor
    : sinking.reshaped(sinking.materialize(tensor), [...new Array<number>(lead).fill(1), ...tensor.shape]);
  return sinking.reordered(whole, inverse(perm));
}

function broadcasting(node: AnyNode, sinking: Sinking): boolean {
  const operands = node.inputs as Tensor[];
  const rank = node.outputs[0]!.shape.length;
  const perm = commonOrder(operands, rank, sinking);
  if (isIdentity(perm)) return false;
  const inputs = operands.map((x) => inSourceOrder(x, perm, sinking));
  // an operand of one element has lost its dimensions
  const shape = inputs.map((x) => x.shape).reduce((a, b) => broadcastShape(a, b)!);
  if (shape.length !== rank) return false;
  sinking.emitPermuted(node, inputs, perm);
  return true;
}

function concat(node: Node<'concat'>, sinking: Sinking): boolean {
  const perm = commonOrder(node.inputs, node.outputs[0]!.shape.length, sinking);
  const inputs = node.inputs.map((x) => sinking.reordered(x!, inverse(perm)));
  sinking.emitPermuted(node, inputs, perm, { ...node.attributes, axis: perm[node.attributes.axis]! });
  return true;
}

/** For an operator of one input with an `axis`, which keeps the rank. */
function alongAxis(node: AnyNode, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!);
  if (!at) return false;
  const { axis } = node.attributes as { axis: number };
  sinking.emitPermuted(node, [at.source, ...node.inputs.slice(1)], at.perm, {
    ...node.attributes,
    axis: at.perm[axis]!,
  });
  return true;
}

function lastAxis(node: AnyNode, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!);
  return at?.perm.at(-1) === at!.perm.length - 1 && elementwise(node, sinking);
}

function slice(node: Node<'slice'>, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!)!;
  const back = inverse(at.perm);
  const { begin, stride } = node.attributes;
  const attributes = { begin: permuted(begin, back), stride: permuted(stride, back) };
  sinking.emitPermuted(node, [at.source], at.perm, attributes);
  return true;
}

function pad(node: Node<'pad'>, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!)!;
  const back = inverse(at.perm);
  const { before, after, ...rest } = node.attributes;
  const attributes = { ...rest, before: permuted(before, back), after: permuted(after, back) };
  sinking.emitPermuted(node, [at.source], at.perm, attributes);
  return true;
}

function resample(node: Node<'resample'>, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!)!;
  const axes = node.attributes.axes.map((axis) => at.perm[axis]!);
  sinking.emitPermuted(node, [at.source], at.perm, { ...node.attributes, axes });
  return true;
}

/** Reductions keep the rank or drop the reduced dimensions. */
function reducing(node: AnyNode, axes: readonly number[], sinking: Sinking, attributes: (axes: number[]) => object) {
  const at = sinking.orderOf(node.inputs[0]!);
  if (!at) return false;
  const reduced = axes.map((axis) => at.perm[axis]!).sort((a, b) => a - b);
  const keeps = node.outputs[0]!.shape.length === at.perm.length;
  const kept = at.perm.filter((d) => !reduced.includes(d));
  const rank = [...kept].sort((a, b) => a - b);
  const perm = keeps ? at.perm : kept.map((d) => rank.indexOf(d));
  sinking.emitPermuted(node, [at.source], perm, attributes(reduced));
  return true;
}

function reduce(node: Node<'reduce'>, sinking: Sinking): boolean {
  const { axes, kind } = node.attributes;
  return reducing(node, axes, sinking, (reduced) => ({ kind, axes: reduced }));
}

function argmax(node: Node<'argmax'>, sinking: Sinking): boolean {
  const { axis, kind } = node.attributes;
  return reducing(node, [axis], sinking, ([reduced]) => ({ kind, axis: reduced }));
}

/** The factors of two shapes: ranges of dimensions with as many elements, from front to back. */
function factors(from: readonly number[], to: readonly number[]): { from: number[]; to: number[] }[] | undefined {
  const groups: { from: number[]; to: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    const group = { from: [] as number[], to: [] as number[] };
    let a = 1;
    let b = 1;
    do {
      if ((a <= b && i < from.length) || j >= to.length) {
        if (i >= from.length) return undefined;
        a *= from[i]!;
        group.from.push(i++);
      } else {
        b *= to[j]!;
        group.to.push(j++);
      }
    } while (a !== b || group.from.length === 0);
    // dimensions of one element join the group before them
    while (j < to.length && to[j] === 1) group.to.push(j++);
    while (i < from.length && from[i] === 1) group.from.push(i++);
    groups.push(group);
  }
  return groups;
}

/**
 * A reshape that splits dimensions, or joins neighbors which are neighbors in the source too, moves
 * before the transpose. If fully connected layers read its result, their weights are reordered
 * instead.
 */
function reshape(node: Node<'reshape'>, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!)!;
  const { shape } = node.outputs[0]!;
  const moved = reshapeSource(at, node.inputs[0]!.shape, shape);
  if (moved) {
    const source = sinking.like(node.outputs[0]!, moved.shape);
    sinking.emitReshape(at.source, source);
    sinking.set(node.outputs[0]!, { source, perm: moved.perm });
    return true;
  }
  return reorderWeights(node, at, sinking) || regroup(node, at, sinking);
}

/**
 * Joins dimensions of an image that are not neighbors in the source, as the shuffle of channels
 * does. Only those are brought together, and the rest of the order stays.
 */
function regroup(node: Node<'reshape'>, { perm }: Transposed, sinking: Sinking): boolean {
  const from = node.inputs[0]!.shape;
  const { shape } = node.outputs[0]!;
  const groups = factors(from, shape);
  if (!groups || shape.length < 4) return false;
  const place = ({ from: dimensions }: { from: number[] }): number =>
    Math.max(...dimensions.filter((d) => from[d] !== 1).map((d) => perm[d]!), -1);
  const order = [...groups].sort((a, b) => place(a) - place(b));
  const together = order.flatMap((group) => group.from);
  const ordered = sinking.reordered(node.inputs[0]!, together);
  const moved = reshapeSource({ source: ordered, perm: inverse(together) }, from, shape);
  if (!moved || isIdentity(moved.perm)) return false;
  const joined = sinking.like(node.outputs[0]!, moved.shape);
  sinking.emitReshape(ordered, joined);
  sinking.set(node.outputs[0]!, { source: joined, perm: moved.perm });
  return true;
}

function reshapeSource(
  { source, perm }: Transposed,
  from: readonly number[],
  to: readonly number[],
): { shape: number[]; perm: number[] } | undefined {
  const groups = factors(from, to);
  if (!groups) return undefined;
  // the groups in the order of the source; the dimensions of each must be neighbors there
  const real = (d: number): boolean => source.shape[d] !== 1;
  const realDimensions = source.shape.flatMap((_, d) => (real(d) ? [d] : []));
  const placed = groups.map((group) => {
    const places = group.from.map((i) => perm[i]!).filter(real).map((d) => realDimensions.indexOf(d));
    const together = places.every((place, i) => i === 0 || place === places[i - 1]! + 1);
    return { group, place: places[0] ?? -1, together };
  });
  if (!placed.every(({ together }) => together)) return undefined;
  const order = [...placed].sort((a, b) => a.place - b.place).flatMap(({ group }) => group.to);
  return { shape: order.map((d) => to[d]!), perm: to.map((_, d) => order.indexOf(d)) };
}

/** A reshape to rows [M][K] of layers whose weights take the order of the source. */
function reorderWeights(node: Node<'reshape'>, { source, perm }: Transposed, sinking: Sinking): boolean {
  const y = node.outputs[0]!;
  const from = node.inputs[0]!.shape;
  const readers = sinking.readersOf(y);
  const [rows, K] = y.shape;
  const isRows = y.shape.length === 2 && perm[0] === 0 && from[0] === rows;
  const areLayers = readers.every((reader) =>
    reader?.op === 'fullyConnected' && reader.inputs[0] === y && reader.inputs[1]?.data &&
    (reader.inputs[1].quantization?.axis ?? 0) === 0
  );
  if (!isRows || !areLayers || readers.length === 0) return false;
  const rest = from.slice(1);
  const order = inverse(perm).slice(1).map((d) => d - 1);
  for (const reader of readers) {
    const weights = reader!.inputs[1]!;
    const outputs = weights.shape[0]!;
    const strides = [K!, ...stridesOf(rest)];
    const data = strided(weights.data!, [outputs, ...permuted(rest, order)], [strides[0]!, ...order.map((d) =>
      strides[d + 1]!
    )]);
    reader!.inputs[1] = { ...sinking.like(weights, weights.shape), data };
  }
  sinking.emitReshape(source, y);
  return true;
}

/** Products of matrices read their operands with the last two dimensions in either order. */
function batchMatmul(node: Node<'batchMatmul'>, sinking: Sinking): boolean {
  const attributes = { ...node.attributes };
  const inputs = node.inputs.map((x, i) => {
    const at = sinking.orderOf(x!);
    const rank = x!.shape.length;
    const isSwapped = at?.perm.every((d, k) => d === (k < rank - 2 ? k : 2 * rank - 3 - k)) ?? false;
    if (!at || !isSwapped) return sinking.materialize(x!);
    if (i === 0) attributes.transposeA = !attributes.transposeA;
    else attributes.transposeB = !attributes.transposeB;
    return at.source;
  });
  sinking.emit(node, inputs, node.outputs, attributes);
  return true;
}

/** A list of indices takes slices of one dimension. */
function gather(node: Node<'gather'>, sinking: Sinking): boolean {
  const at = sinking.orderOf(node.inputs[0]!);
  const indices = node.inputs[1]!;
  const { axis, batchDims } = node.attributes;
  if (!at || batchDims > 0 || indices.shape.length !== 1) return false;
  const attributes = { batchDims, axis: at.perm[axis]! };
  sinking.emitPermuted(node, [at.source, sinking.materialize(indices)], at.perm, attributes);
  return true;
}

const rules: { [K in AnyNode['op']]?: Rule<K> } = {
  unary: (node, sinking) => elementwise(node, sinking),
  cast: (node, sinking) => elementwise(node, sinking),
  quantize: (node, sinking) => elementwise(node, sinking),
  // a result is transposed while its elements are small
  dequantize: (node, sinking) => sinking.readersOf(node.outputs[0]!).some(Boolean) && elementwise(node, sinking),
  binary: (node, sinking) => broadcasting(node, sinking),
  arithmetic: (node, sinking) => broadcasting(node, sinking),
  compare: (node, sinking) => broadcasting(node, sinking),
  logic: (node, sinking) => broadcasting(node, sinking),
  select: (node, sinking) => broadcasting(node, sinking),
  prelu: (node, sinking) => broadcasting(node, sinking),
  cumsum: (node, sinking) => alongAxis(node, sinking),
  split: (node, sinking) => alongAxis(node, sinking),
  softmax: (node, sinking) => lastAxis(node, sinking),
  logSoftmax: (node, sinking) => lastAxis(node, sinking),
  l2Normalize: (node, sinking) => lastAxis(node, sinking),
  concat,
  slice,
  pad,
  resample,
  reduce,
  argmax,
  reshape,
  batchMatmul,
  gather,
};

function permuted(values: readonly number[], perm: readonly number[]): number[] {
  return perm.map((d) => values[d]!);
}

/** The order that undoes another. */
export function inverse(perm: readonly number[]): number[] {
  return perm.map((_, d) => perm.indexOf(d));
}

function isIdentity(perm: readonly number[]): boolean {
  return perm.every((d, i) => d === i);
}
