import { consumers, producers } from '../../graph/edit';
import type { Graph } from '../../graph/graph';
import type { Padding } from '../../graph/operators';
import { operatorOf } from '../../ops/index';
import { sameQuantization } from '../../ops/shared/quantized';

/** Folds zero padding of an image into the padding of the convolution that reads it. */
export function foldPad(graph: Graph): void {
  const made = producers(graph);
  const read = consumers(graph);
  for (const node of graph.nodes) {
    if (!operatorOf(node.op).absorbsPadding) continue;
    const padded = node.inputs[0]!;
    const pad = made.get(padded);
    const zeros = pad && operatorOf(pad.op).asZeroPadding?.(pad);
    if (!zeros || read.get(padded)!.length !== 1) continue;
    const { before, after } = zeros;
    const x = pad.inputs[0]!;
    if (x.shape.length !== 4 || x.data || !sameQuantization(x, padded)) continue;
    if ([before[0], before[3], after[0], after[3]].some((n) => n !== 0)) continue;
    const attributes = node.attributes as { padding: Padding };
    const [top, left, bottom, right] = attributes.padding;
    node.attributes = {
      ...attributes,
      padding: [top + before[1]!, left + before[2]!, bottom + after[1]!, right + after[2]!],
    };
    node.inputs[0] = x;
  }
}
