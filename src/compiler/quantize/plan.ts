import { consumers, producers } from '../../graph/edit';
import { entriesOf, type AnyNode, type Graph, type Quantization, type Tensor } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { QuantizationRule } from '../../ops/operator';
import type { ActivationBits, BitsOf } from './activationBits';
import { ruleOf, type RuleOf } from './rules';
import { floatStates, rangeStates } from './states';
import { activationQuantization, rangeOf as rangeOfValues, wideQuantization, type Range } from './steps';

/** What becomes of each node and tensor of a float32 network. */
export interface QuantizationPlan {
  rules: RuleOf;
  /** The quantization of the tensors that become int8 or int16; all others stay as they are. */
  chosen: Map<Tensor, Quantization>;
  /** Those of them that become int16. */
  wide: ReadonlySet<Tensor>;
  /** The nodes that compute on int16. */
  wideNodes: ReadonlySet<AnyNode>;
  /** The range of a float32 tensor or constant, should a node need it in int8. */
  rangeOf(tensor: Tensor): Range;
  /** The same for int16. */
  wideRangeOf(tensor: Tensor): Range;
}

/**
 * Plans the types of all tensors.
 *
 * @param ranges of the tensors by name
 * @param kept names of the nodes that stay in float32
 * @param bitsOf bits of the activations of a node; undefined for the default
 * @param wideRanges of the tensors by name, should they be int16; steps of int16 are so small that
 *   cutting values off never pays
 */
export function planQuantization(
  graph: Graph,
  ranges: ReadonlyMap<string, Range>,
  kept: ReadonlySet<string>,
  bitsOf: BitsOf = () => undefined,
  wideRanges: ReadonlyMap<string, Range> = ranges,
): QuantizationPlan {
  const wished = new Map(ranges);
  const byName = (node: AnyNode): ReturnType<RuleOf> => (kept.has(node.name) ? 'float' : ruleOf(node));
  const states = floatStates(graph, byName);
  const movers = new Set(states.movers);
  const withStates: RuleOf = (node) => (movers.has(node) ? 'float' : byName(node));
  for (const node of floatMovers(graph, withStates, kept)) movers.add(node);
  const rules: RuleOf = (node) => (movers.has(node) ? 'float' : byName(node));
  const chosen = rangeStates(graph, wished, rules);
  for (const value of states.values) chosen.delete(value);
  const wide = new Set<Tensor>();
  const wideNodes = new Set<AnyNode>();
  const rangeOf = (tensor: Tensor): Range => wished.get(tensor.name) ?? rangeOfValues(tensor.data ?? []);
  const wideRangeOf = (tensor: Tensor): Range => wideRanges.get(tensor.name) ?? rangeOf(tensor);
  const readers = consumers(graph);
  for (const tensor of entriesOf(graph)) {
    const isKept = readers.get(tensor)?.every((node) => node && (kept.has(node.name) || movers.has(node)));
    if (tensor.dtype !== 'float32' || chosen.has(tensor) || states.values.has(tensor) || isKept) continue;
    const isWide = graph.inputs.includes(tensor) &&
      readers.get(tensor)?.some((node) => node && rules(node) !== 'float' && bitsOf(node) === 16);
    if (isWide) wide.add(tensor);
    chosen.set(tensor, isWide ? wideQuantization(wideRangeOf(tensor)) : activationQuantization(rangeOf(tensor)));
  }
  for (const node of graph.nodes) {
    const rule = rules(node);
    const source = node.inputs[0];
    if (rule === 'float') continue;
    const isMoved = rule === 'same' && source !== null && source !== undefined;
    const bits = bitsOf(node) ?? (isMoved && wide.has(source) ? 16 : 8);
    if (bits === 16) wideNodes.add(node);
    for (const tensor of node.outputs) {
      if (tensor.dtype !== 'float32') continue;
      if (bits === 16) wide.add(tensor);
      const moved = isMoved && wide.has(source) === (bits === 16) ? chosen.get(source) : undefined;
      chosen.set(tensor, moved ?? quantizationBy(rule, bits, bits === 16 ? wideRangeOf(tensor) : rangeOf(tensor)));
    }
  }
  return { rules, chosen, wide, wideNodes, rangeOf, wideRangeOf };
}

/** The quantization of a result by its rule or its range. */
function quantizationBy(rule: QuantizationRule, bits: ActivationBits, range: Range): Quantization {
  if (typeof rule !== 'object') return bits === 16 ? wideQuantization(range) : activationQuantization(range);
  const { scale, zeroPoint } = rule;
  if (bits === 8) return { scale: [scale], zeroPoint: [zeroPoint], axis: 0 };
  // the same range, whose end is 2^15 steps
  return { scale: [scale * Math.max(128 - zeroPoint, 128 + zeroPoint) / 32768], zeroPoint: [0], axis: 0 };
}

/**
 * The nodes that only move values of float32 operators, to others or to outputs, and those that
 * move inputs to kept nodes.
 */
function floatMovers(graph: Graph, rules: RuleOf, kept: ReadonlySet<string>): Set<AnyNode> {
  const readers = consumers(graph);
  const isFloat = new Map<AnyNode, boolean>();
  const found = new Set<AnyNode>();
  const made = producers(graph);
  // from the end, so that the readers of a node are known
  for (const node of graph.nodes.toReversed()) {
    const isMover = rules(node) === 'same';
    const all = isMover &&
      node.outputs.every((tensor) => readers.get(tensor)?.every((reader) => !reader || isFloat.get(reader)));
    isFloat.set(node, all || rules(node) === 'float');
    if (all) found.add(node);
  }
  const inputs = new Set(graph.inputs);
  const leadsToKept = (node: AnyNode | undefined): boolean =>
    !!node &&
    (kept.has(node.name) || (isFloat.get(node)! && rules(node) === 'same' && node.outputs.every((tensor) =>
      readers.get(tensor)?.every(leadsToKept)
    )));
  const comesFromFloat = ({ inputs: [source] }: AnyNode): boolean => {
    if (!source) return false;
    if (inputs.has(source)) return readers.get(source)!.every(leadsToKept);
    const producer = made.get(source);
    return !!producer && (found.has(producer) ? comesFromFloat(producer) : rules(producer) === 'float');
  };
  return new Set([...found].filter((node) => !operatorOf(node.op).readsStoredIntegers && comesFromFloat(node)));
}
