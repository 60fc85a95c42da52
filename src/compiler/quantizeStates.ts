import type { AnyNode, Graph, Quantization, State, Tensor } from '../graph/graph';
import type { QuantizationRule } from '../ops/operator';

// Post-training quantization of states: a state has the scale of its next value, so that the update
// is exact, unless its initial value is outside that range.

export type Range = [low: number, high: number];

/** The tensor that determines the scale of `tensor`; operators that only move values pass it on. */
function originOf(
  tensor: Tensor,
  producers: Map<Tensor, AnyNode>,
  ruleOf: (node: AnyNode) => QuantizationRule,
): Tensor {
  for (let origin = tensor;;) {
    const node = producers.get(origin);
    const source = node?.inputs[0];
    if (!node || !source || source.data || ruleOf(node) !== 'same') return origin;
    origin = source;
  }
}

/**
 * Gives each float32 state the range of its next value, widened to include its initial value.
 *
 * @returns the quantization of states whose next value has a fixed one
 */
export function rangeStates(
  graph: Graph,
  ranges: Map<string, Range>,
  ruleOf: (node: AnyNode) => QuantizationRule,
): Map<Tensor, Quantization> {
  const producers =
    new Map(graph.nodes.flatMap((node) => node.outputs.map((tensor): [Tensor, AnyNode] => [tensor, node])));
  const fixed = new Map<Tensor, Quantization>();
  for (const { value, next, initial } of graph.states ?? []) {
    if (value.dtype !== 'float32') continue;
    const origin = originOf(next, producers, ruleOf);
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
): State[] {
  return states.map((state) => {
    const value = twin(state.value);
    const { quantization } = value;
    if (value.dtype !== 'int8' || !quantization) return state;
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
