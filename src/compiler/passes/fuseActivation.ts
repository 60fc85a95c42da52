import { consumers, producers } from '../../graph/edit';
import type { FusedActivation } from '../../graph/operators';
import type { Graph } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import { sameQuantization } from '../../ops/shared/quantized';

/**
 * Fuses a relu into the operator before it, if that can clamp its own output. In integers only if
 * both have the same quantization, because only then the result is the same bit for bit.
 */
export function fuseActivation(graph: Graph): void {
  const made = producers(graph);
  const read = consumers(graph);
  const gone = new Set<unknown>();
  for (const node of graph.nodes) {
    const activation = operatorOf(node.op).asActivation?.(node);
    if (!activation) continue;
    const x = node.inputs[0]!;
    const y = node.outputs[0]!;
    const before = made.get(x);
    if (!before || !operatorOf(before.op).fusesActivation || read.get(x)!.length !== 1) continue;
    const attributes = before.attributes as { activation: FusedActivation };
    if (attributes.activation !== 'none') continue;
    if (!['float32', 'int8', 'int16'].includes(y.dtype) || x.dtype !== y.dtype || !sameQuantization(x, y)) continue;
    before.attributes = { ...attributes, activation };
    before.outputs[0] = y;
    made.set(y, before);
    gone.add(node);
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}
