import { entriesOf, innermost, resultsOf, type AnyNode, type Graph, type Tensor } from '../../graph/graph';
import type { FusedActivation } from '../../graph/operators';
import { operatorOf } from '../../ops/index';
import { activationRange } from '../../ops/shared/quantized';
import type { LayerMatrix } from '../rows';

/**
 * Tensors whose channels can be multiplied by positive factors without changing what the network
 * computes: the layers that compute them multiply their weights and biases, and those that read
 * them divide their weights.
 */
export interface EqualizableGroup {
  /** Number of factors. Element i of the last dimension belongs to factor i mod `channels`. */
  channels: number;
  tensors: Tensor[];
  producers: LayerMatrix[];
  consumers: LayerMatrix[];
  /** Tensors that an activation bounds, and the magnitude of the bound. */
  bounds: Map<Tensor, number>;
}

/** Sets of tensors that must have the same factors. */
class Sets {
  private readonly parents = new Map<Tensor, Tensor>();
  private readonly refused = new Set<Tensor>();

  of(tensor: Tensor): Tensor {
    const parent = this.parents.get(tensor) ?? tensor;
    return parent === tensor ? tensor : this.of(parent);
  }

  join(a: Tensor, b: Tensor): void {
    const [from, to] = [this.of(a), this.of(b)];
    if (from === to) return;
    this.parents.set(from, to);
    if (this.refused.has(from)) this.refused.add(to);
  }

  refuse(tensor: Tensor): void {
    this.refused.add(this.of(tensor));
  }

  isRefused(tensor: Tensor): boolean {
    return this.refused.has(this.of(tensor));
  }
}

/** The groups of a float32 network that have layers before and after them. */
export function equalizableGroups(graph: Graph): EqualizableGroup[] {
  const sets = new Sets();
  const producers = new Map<Tensor, LayerMatrix>();
  const consumers = new Map<Tensor, LayerMatrix[]>();
  const bounds = new Map<Tensor, number>();
  const shared = sharedConstants(graph);
  for (const tensor of [...entriesOf(graph), ...resultsOf(graph)]) sets.refuse(tensor);
  const channelwise: AnyNode[] = [];
  for (const node of graph.nodes) {
    const variables = node.inputs.filter((tensor): tensor is Tensor => !!tensor && !tensor.data);
    const reader = readerOf(node, shared);
    const bound = boundOf(node);
    if (bound !== undefined) { for (const tensor of node.outputs) bounds.set(tensor, bound); }
    if (!reader && isHomogeneous(node)) {
      channelwise.push(node);
      for (const tensor of [...variables.slice(1), ...node.outputs]) sets.join(variables[0]!, tensor);
      continue;
    }
    variables.slice(reader ? 1 : 0).forEach((tensor) => sets.refuse(tensor));
    const [y] = node.outputs;
    if (reader) consumers.set(variables[0]!, [...consumers.get(variables[0]!) ?? [], reader]);
    if (reader?.isOnlyProduct && innermost(y!.shape) === reader.N) producers.set(y!, reader);
    else node.outputs.forEach((tensor) => sets.refuse(tensor));
  }
  const members = new Map<Tensor, Tensor[]>();
  for (const tensor of [...producers.keys(), ...channelwise.flatMap(({ outputs }) => outputs)]) {
    if (sets.isRefused(tensor) || tensor.dtype !== 'float32') continue;
    members.set(sets.of(tensor), [...members.get(sets.of(tensor)) ?? [], tensor]);
  }
  return [...members.values()].flatMap((tensors): EqualizableGroup[] => {
    const channels = Math.min(...tensors.map(({ shape }) => (shape.length > 0 ? innermost(shape) : 1)));
    const group = {
      channels,
      tensors,
      producers: tensors.flatMap((tensor) => producers.get(tensor) ?? []),
      consumers: tensors.flatMap((tensor) => consumers.get(tensor) ?? []),
      bounds:
        new Map(tensors.flatMap((tensor) => (bounds.has(tensor) ? [[tensor, bounds.get(tensor)!] as const] : []))),
    };
    const through = channelwise.filter(({ outputs: [y] }) => tensors.includes(y!));
    const isWhole = channels > 1 && tensors.every(({ shape }) => innermost(shape) % channels === 0) &&
      through.every((node) => keepsChannels(node, channels));
    return isWhole && group.producers.length > 0 && group.consumers.length > 0 ? [group] : [];
  });
}

/** The matrix by which a node multiplies its first input, if that is all that it does with it. */
function readerOf(node: AnyNode, shared: ReadonlySet<Tensor>): LayerMatrix | undefined {
  const [x, ...others] = node.inputs;
  const { weights } = operatorOf(node.op);
  const matrix = x && !x.data && weights?.matrices?.(node).find(({ seen, weightsAt }) => seen === x && weightsAt === 1);
  if (!matrix || others.includes(x)) return undefined;
  const operands = [node.inputs[matrix.weightsAt], node.inputs[matrix.biasAt]];
  if (operands.some((tensor) => tensor && (shared.has(tensor) || tensor.dtype !== 'float32'))) return undefined;
  return { ...matrix, node, name: `${node.name}${matrix.suffix}` };
}

/** Constants that several nodes read. */
function sharedConstants(graph: Graph): Set<Tensor> {
  const seen = new Set<Tensor>();
  const shared = new Set<Tensor>();
  for (const { inputs } of graph.nodes) {
    for (const tensor of inputs) {
      if (!tensor?.data) continue;
      if (seen.has(tensor)) shared.add(tensor);
      seen.add(tensor);
    }
  }
  return shared;
}

function isHomogeneous(node: AnyNode): boolean {
  const { isHomogeneous: answer = false } = operatorOf(node.op);
  return node.inputs.some((tensor) => tensor && !tensor.data) && (typeof answer === 'function' ? answer(node) : answer);
}

function keepsChannels(node: AnyNode, channels: number): boolean {
  const { isChannelwise } = operatorOf(node.op);
  return typeof isChannelwise === 'function' ? isChannelwise(node, channels) : isChannelwise;
}

/** The magnitude of the upper bound of a node's activation. */
function boundOf(node: AnyNode): number | undefined {
  const operator = operatorOf(node.op);
  const own = operator.fusesActivation ? (node.attributes as { activation?: FusedActivation }).activation : undefined;
  const [, high] = activationRange(operator.asActivation?.(node) ?? own ?? 'none');
  return Number.isFinite(high) ? high : undefined;
}
