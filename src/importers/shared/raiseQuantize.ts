import { consumers, producers } from '../../graph/edit';
import type { AnyNode, Graph, Tensor } from '../../graph/graph';
import { quantizeNode } from '../../ops/nodes';
import { isActivation, activationRange, sameQuantization } from '../../ops/shared/quantized';
import { f32, roundEven } from '../../ops/shared/rounding';
import type { UniqueNames } from './uniqueNames';

/**
 * Moves quantize nodes toward the inputs, past operators that move or compare values. Because
 * quantization is monotone, the result is the same bit for bit. An operator that computes then
 * stands directly before its quantize node, and everything after it works on integers.
 */
export function raiseQuantize(graph: Graph, names: UniqueNames): void {
  mergeEqual(graph);
  const made = producers(graph);
  const read = consumers(graph);
  // the nodes in the place of each node of the graph
  const places = graph.nodes.map((node) => [node]);
  const placeOf = new Map(places.map((place) => [place[0]!, place]));
  const queue = graph.nodes.filter(({ op }) => op === 'quantize').reverse();
  for (let quantize = queue.pop(); quantize; quantize = queue.pop()) {
    const x = quantize.inputs[0]!;
    const y = quantize.outputs[0]!;
    const before = made.get(x);
    if (x.dtype !== 'float32' || !before || read.get(x)!.length !== 1) continue;
    const moved = pastQuantize(before, y);
    if (!moved) continue;
    const quantizes = moved.operands.map(({ name, shape }, i) => {
      const { dtype, quantization } = y;
      const to: Tensor = {
        name: names.take(`${name}/quantize`),
        shape: [...shape],
        dtype,
        ...(quantization && { quantization }),
      };
      return quantizeNode(moved.operands[i]!, to);
    });
    const after = moved.node(quantizes.map(({ outputs }) => outputs[0]!));
    if (!after) Object.assign(quantizes[0]!, { name: y.name, outputs: [y] });
    const nodes = after ? [...quantizes, after] : quantizes;
    const own = placeOf.get(quantize)!;
    own.splice(own.indexOf(quantize), 1);
    const place = placeOf.get(before)!;
    place.splice(place.indexOf(before), 1, ...nodes);
    for (const node of nodes) {
      placeOf.set(node, place);
      made.set(node.outputs[0]!, node);
    }
    moved.operands.forEach((operand, i) => {
      read.set(operand, read.get(operand)!.map((reader) => (reader === before ? quantizes[i] : reader)));
      if (after) read.set(quantizes[i]!.outputs[0]!, [after]);
    });
    queue.push(...quantizes);
  }
  graph.nodes = places.flat();
}

/** Quantize nodes of one tensor that do the same become one. */
function mergeEqual(graph: Graph): void {
  const known = new Map<Tensor, Tensor[]>();
  const same = new Map<Tensor, Tensor>();
  graph.nodes = graph.nodes.filter((node) => {
    node.inputs = node.inputs.map((x) => (x && same.get(x)) ?? x);
    if (node.op !== 'quantize' || graph.outputs.includes(node.outputs[0]!)) return true;
    const [x] = node.inputs as [Tensor];
    const [y] = node.outputs as [Tensor];
    const all = known.get(x) ?? [];
    known.set(x, all);
    const first = all.find((q) => q.dtype === y.dtype && sameQuantization(q, y));
    if (first) same.set(y, first);
    else all.push(y);
    return !first;
  });
}

interface Raised {
  /** The tensors to quantize instead. */
  operands: Tensor[];
  /**
   * The operator on the quantized operands, or undefined if it changes nothing in the range of the
   * result.
   */
  node(operands: Tensor[]): AnyNode | undefined;
}

/** Operators whose only operand with values is the first one. */
const movements = new Set<AnyNode['op']>(['reshape', 'transpose', 'slice', 'gather', 'broadcastTo', 'maxPool2d',
  'depthToSpace', 'spaceToDepth', 'pad']);

/** The operator behind the quantization of its operands, if that is the same. */
function pastQuantize(before: AnyNode, y: Tensor): Raised | undefined {
  const [x] = before.inputs as [Tensor];
  const on = (operands: Tensor[], change: object = {}): AnyNode => ({
    ...before,
    ...change,
    inputs: [...operands, ...before.inputs.slice(operands.length)],
    outputs: [y],
    name: y.name,
  });
  switch (before.op) {
    case 'unary': {
      const { kind } = before.attributes;
      if (!isActivation(kind)) return undefined;
      const [low, high] = activationRange(kind).map((bound) => step(bound, y)) as [number, number];
      const [lowest, highest] = rangeOf(y);
      const isWhole = low <= lowest && high >= highest;
      return { operands: [x], node: (operands) => (isWhole ? undefined : on(operands)) };
    }
    case 'binary': {
      const { kind, activation } = before.attributes;
      const [value, bound] = before.inputs[1]!.data ? before.inputs : [...before.inputs].reverse();
      const compares = kind === 'minimum' || kind === 'maximum';
      if (!compares || activation !== 'none' || bound!.data?.length !== 1) return undefined;
      if (value!.shape.join() !== before.outputs[0]!.shape.join()) return undefined;
      const limit = step(bound!.data[0]!, y);
      const [lowest, highest] = rangeOf(y);
      const changes = kind === 'minimum' ? limit < highest : limit > lowest;
      const q = Math.max(lowest, Math.min(highest, limit));
      const data = y.dtype === 'uint8' ? Uint8Array.of(q) : Int8Array.of(q);
      const constant: Tensor = { ...bound!, dtype: y.dtype, data, quantization: y.quantization! };
      return {
        operands: [value!],
        node: ([operand]) => (changes ? { ...on([]), inputs: [operand!, constant] } : undefined),
      };
    }
    case 'concat':
      return before.attributes.activation === 'none' ? { operands: before.inputs as Tensor[], node: on } : undefined;
    case 'resize2d':
    case 'resample':
      return before.attributes.mode === 'nearest' && !('roi' in before.attributes)
        ? { operands: [x], node: on }
        : undefined;
    case 'reduce': {
      const { kind } = before.attributes;
      return kind === 'max' || kind === 'min' ? { operands: [x], node: on } : undefined;
    }
    default:
      return movements.has(before.op) ? { operands: [x], node: on } : undefined;
  }
}

/** The quantized value of a real number, beyond the range too. */
function step(value: number, { quantization }: Tensor): number {
  if (!Number.isFinite(value)) return value;
  return roundEven(f32(f32(value) / f32(quantization!.scale[0]!))) + quantization!.zeroPoint[0]!;
}

function rangeOf({ dtype }: Tensor): [number, number] {
  return dtype === 'uint8' ? [0, 255] : [-128, 127];
}
