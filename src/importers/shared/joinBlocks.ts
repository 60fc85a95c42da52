import { consumers, producers } from '../../graph/edit';
import type { AnyNode, Graph, Node, Tensor } from '../../graph/graph';
import type { OperatorName, Padding, Pair } from '../../graph/operators';

type Convolution = Node<'conv2d'> | Node<'depthwiseConv2d'>;

/** Walks along tensors that have one use. */
interface Uses {
  /** The node that computes the tensor, if it is of this kind and the tensor has no other use. */
  before<K extends OperatorName>(tensor: Tensor, op: K): Node<K> | undefined;
  /** The only node that reads the tensor, if it is of this kind. */
  after<K extends OperatorName>(tensor: Tensor, op: K): Node<K> | undefined;
}

/** Blocks of pixels, and the pixels that are added before and after (or removed). */
interface Blocks {
  tensor: Tensor;
  block: Pair;
  before: Pair;
  after: Pair;
}

/**
 * Replaces spatial blocks that become batch items, a convolution and the inverse by a dilated
 * convolution, which computes the same sums. Older converters write dilated convolutions in this
 * way.
 */
export function joinBlocks(graph: Graph): void {
  const made = producers(graph);
  const read = consumers(graph);
  const of = <K extends OperatorName>(node: AnyNode | undefined, op: K): Node<K> | undefined =>
    node?.op === op ? node as Node<K> : undefined;
  const isOnly = (tensor: Tensor): boolean => read.get(tensor)?.length === 1;
  const uses: Uses = {
    before: (tensor, op) => (isOnly(tensor) ? of(made.get(tensor), op) : undefined),
    after: (tensor, op) => (isOnly(tensor) ? of(read.get(tensor)![0], op) : undefined),
  };
  const gone = new Set<AnyNode>();
  for (const node of graph.nodes) {
    if (node.op !== 'conv2d' && node.op !== 'depthwiseConv2d') continue;
    const from = blocksBefore(uses, node.inputs[0]!);
    const to = from && blocksAfter(uses, node.outputs[0]!, from.block);
    if (!to || !isSimple(node) || isFasterInBlocks(node)) continue;
    const padding = dilatedPadding(node, from, to);
    if (!padding || !isSame(from.tensor, node.inputs[0]!) || !isSame(to.tensor, node.outputs[0]!)) continue;
    // the node moves to the place of the last one, by which all of its operands are computed
    gone.add(node);
    const last = made.get(to.tensor)!;
    Object.assign(last, {
      ...node,
      inputs: [from.tensor, ...node.inputs.slice(1)],
      outputs: [to.tensor],
      attributes: { ...node.attributes, dilation: from.block, padding },
    });
  }
  if (gone.size > 0) dropUnread(graph, gone);
}

/** Whether the form fits: no stride, no dilation, and no quantization of each batch item. */
function isSimple({ attributes: { stride, dilation, hybrid } }: Convolution): boolean {
  return [...stride, ...dilation].every((n) => n === 1) && hybrid === undefined;
}

/**
 * Whether the blocks stay. Bytes are moved fast, and the core's kernels of adjacent int8 taps are
 * faster than those of dilated ones, so that only convolutions in float32 gain time.
 */
function isFasterInBlocks({ inputs: [x] }: Convolution): boolean {
  return x?.dtype !== 'float32';
}

function isSame(a: Tensor, b: Tensor): boolean {
  const text = ({ dtype, quantization: q }: Tensor): string => JSON.stringify([dtype, q?.scale, q?.zeroPoint]);
  return text(a) === text(b);
}

/** The image whose blocks are the batch items of this one. */
function blocksBefore(uses: Uses, items: Tensor): Blocks | undefined {
  const moved = uses.before(items, 'reshape')?.inputs[0];
  const transpose = moved && uses.before(moved, 'transpose');
  if (transpose?.attributes.perm.join() !== '2,4,0,1,3,5') return undefined;
  const [split] = transpose.inputs as [Tensor];
  const [n, h, bh, w, bw, c] = split.shape as [number, number, number, number, number, number];
  const image = uses.before(split, 'reshape')?.inputs[0];
  const isBlocks = image?.shape.join() === [n, h * bh, w * bw, c].join() &&
    items.shape.join() === [bh * bw * n, h, w, c].join();
  if (!isBlocks) return undefined;
  const pad = uses.before(image, 'pad');
  const block: Pair = [bh, bw];
  if (pad?.attributes.mode !== 'constant' || pad.attributes.value !== 0) {
    return { tensor: image, block, before: [0, 0], after: [0, 0] };
  }
  const { before, after } = pad.attributes;
  if ([before[0], before[3], after[0], after[3]].some((amount) => amount !== 0)) return undefined;
  return { tensor: pad.inputs[0]!, block, before: [before[1]!, before[2]!], after: [after[1]!, after[2]!] };
}

/** The image that these batch items are the blocks of. */
function blocksAfter(uses: Uses, items: Tensor, block: Pair): Blocks | undefined {
  const split = uses.after(items, 'reshape')?.outputs[0];
  const transpose = split && uses.after(split, 'transpose');
  if (transpose?.attributes.perm.join() !== '2,3,0,4,1,5') return undefined;
  const [bh, bw, n, h, w, c] = split!.shape as [number, number, number, number, number, number];
  const image = uses.after(transpose.outputs[0]!, 'reshape')?.outputs[0];
  const isBlocks = bh === block[0] && bw === block[1] && items.shape.join() === [bh * bw * n, h, w, c].join() &&
    image?.shape.join() === [n, h * bh, w * bw, c].join();
  if (!isBlocks) return undefined;
  const slice = uses.after(image, 'slice');
  const whole: Blocks = { tensor: image, block, before: [0, 0], after: [0, 0] };
  if (!slice) return whole;
  const { begin, stride } = slice.attributes;
  const [cropped] = slice.outputs as [Tensor];
  const isCrop = stride.every((step) => step === 1) && begin[0] === 0 && begin[3] === 0 && cropped.shape[0] === n &&
    cropped.shape[3] === c;
  if (!isCrop) return whole;
  const end = (axis: 1 | 2): number => image.shape[axis]! - begin[axis]! - cropped.shape[axis]!;
  return { tensor: cropped, block, before: [begin[1]!, begin[2]!], after: [end(1), end(2)] };
}

/** The padding of the dilated convolution; undefined if it would be negative. */
function dilatedPadding(node: Convolution, from: Blocks, to: Blocks): Padding | undefined {
  const [top, left, bottom, right] = node.attributes.padding;
  const along = (amount: number, side: 'before' | 'after', d: 0 | 1): number =>
    from[side][d] + amount * from.block[d] - to[side][d];
  const padding: Padding = [along(top, 'before', 0), along(left, 'before', 1), along(bottom, 'after', 0),
    along(right, 'after', 1)];
  return padding.every((n) => n >= 0) ? padding : undefined;
}

/** Removes these nodes, and those that only computed what they read. */
function dropUnread(graph: Graph, gone: Set<AnyNode>): void {
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
  const moves = new Set<string>(['pad', 'reshape', 'transpose']);
  for (;;) {
    const read = consumers(graph);
    const left = graph.nodes.filter((node) => !moves.has(node.op) || node.outputs.some((tensor) => read.has(tensor)));
    if (left.length === graph.nodes.length) return;
    graph.nodes = left;
  }
}
