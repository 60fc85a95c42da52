import type { AnyNode, Graph, Quantization, State, Tensor } from '../../graph/graph';
import { cellStates } from '../../ops/shared/cellStates';
import type { RuleOf } from './rules';
import type { Range } from './steps';

// Post-training quantization of states: a state has the scale of its next value, so that the update
// is exact, unless its initial value is outside that range. A state of a recurrent layer that stays
// in float32 stays in float32 too, because the error of each step would add up in it.

function producersOf(graph: Graph): Map<Tensor, AnyNode> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((tensor): [Tensor, AnyNode] => [tensor, node])));
}

/**
 * The tensor that determines the scale of `tensor`, and the nodes between, which only move values.
 */
function originOf(
  tensor: Tensor,
  producers: Map<Tensor, AnyNode>,
  ruleOf: RuleOf,
): { origin: Tensor; movers: AnyNode[] } {
  const movers: AnyNode[] = [];
  for (let origin = tensor;;) {
    const node = producers.get(origin);
    const source = node?.inputs[0];
    if (!node || !source || source.data || ruleOf(node) !== 'same') return { origin, movers };
    movers.push(node);
    origin = source;
  }
}

/** The states that stay in float32, and the nodes that only move their values. */
export interface FloatStates {
  values: Set<Tensor>;
  movers: Set<AnyNode>;
}

/** Finds the states that recurrent layers read which stay in float32, also through reshapes. */
export function floatStates(graph: Graph, ruleOf: RuleOf): FloatStates {
  const producers = producersOf(graph);
  const found: FloatStates = { values: new Set(), movers: new Set() };
  const states = new Map((graph.states ?? []).map((state) => [state.value, state]));
  for (const node of graph.nodes) {
    if (ruleOf(node) !== 'float') continue;
    for (const { input } of cellStates(node)) {
      const operand = node.inputs[input];
      const { origin, movers } = operand ? originOf(operand, producers, ruleOf) : { movers: [] };
      const state = origin && states.get(origin);
      if (state?.value.dtype !== 'float32') continue;
      found.values.add(state.value);
      for (const mover of movers) found.movers.add(mover);
      const later = originOf(state.next, producers, ruleOf);
      const producer = producers.get(later.origin);
      if (producer && ruleOf(producer) === 'float') { for (const mover of later.movers) found.movers.add(mover); }
    }
  }
  return found;
}

/**
 * Gives each float32 state the range of its next value, widened to include its initial value.
 *
 * @returns the quantization of states whose next value has a fixed one
 */
export function rangeStates(graph: Graph, ranges: Map<string, Range>, ruleOf: RuleOf): Map<Tensor, Quantization> {
  const producers = producersOf(graph);
  const fixed = new Map<Tensor, Quantization>();
  for (const { value, next, initial } of graph.states ?? []) {
    if (value.dtype !== 'float32') continue;
    const { origin } = originOf(next, producers, ruleOf);
    const producer = producers.get(origin);
    const rule = producer && ruleOf(producer);
    const range: Range = [0, 0];
    const first = initial as Float32Array;
    const later = [next, origin].flatMap(({ name, data }) =>
      ranges.get(name) ?? [...(data as Float32Array | undefined) ?? []]
    );
    for (const v of [...first, ...later]) {
      range[0] = Math.min(range[0], v);
      range[1] = Math.max(range[1], v);
    }
    ranges.set(value.name, range);
    if (typeof rule === 'object' &&
      first.every((v) => v >= rule.scale * (-128 - rule.zeroPoint) && v <= rule.scale * (128 - rule.zeroPoint)))
    {
      fixed.set(value, { scale: [rule.scale], zeroPoint: [rule.zeroPoint], axis: 0 });
    }
  }
  return fixed;
}

/** The states of the int8 graph; adds a node where the next value has another scale. */
export function quantizedStates(
  states: readonly State[],
  twin: (tensor: Tensor) => Tensor,
  steps: (values: Float32Array, quantization: Quantization) => Int8Array,
  add: (from: Tensor, to: Tensor) => void,
  asFloat: (tensor: Tensor) => Tensor,
): State[] {
  return states.map((state) => {
    const value = twin(state.value);
    const { quantization } = value;
    if (value.dtype !== 'int8' || !quantization) return { ...state, next: asFloat(state.next) };
    const initial = steps(state.initial as Float32Array, quantization);
    if (state.next === state.value) return { value, next: value, initial };
    if (state.next.data) {
      return {
        value,
        next: {
          ...state.next,
          dtype: 'int8',
          quantization,
          data: steps(state.next.data as Float32Array, quantization),
        },
        initial,
      };
    }
    const next = twin(state.next);
    const same = next.quantization?.scale[0] === quantization.scale[0] &&
      next.quantization?.zeroPoint[0] === quantization.zeroPoint[0];
    if (next.dtype === 'int8' && same) return { value, next, initial };
    const made: Tensor = { ...next, name: `${next.name} (as ${value.name})`, dtype: 'int8', quantization };
    add(next, made);
    return { value, next: made, initial };
  });
}
