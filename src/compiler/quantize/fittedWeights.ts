import { cloneGraph } from '../../graph/edit';
import type { AnyNode, Graph } from '../../graph/graph';
import { operatorOf } from '../../ops/index';
import type { LayerMatrix } from '../rows';
import { setBias, unitOf } from './fitLayer';

/** The weight matrices of a node. */
export function matricesOf(node: AnyNode | undefined): LayerMatrix[] {
  const matrices = node ? operatorOf(node.op).weights?.matrices?.(node) ?? [] : [];
  return matrices.map((matrix) => ({ ...matrix, node: node!, name: `${node!.name}${matrix.suffix}` }));
}

/**
 * A variant of a quantized network with the int8 weights and the biases of another one, where both
 * have int8 weights. Nodes have the same names.
 */
export function withWeightsOf(variant: Graph, fitted: Graph): Graph {
  const graph = cloneGraph(variant);
  const others = new Map(fitted.nodes.map((node) => [node.name, node]));
  for (const node of graph.nodes) {
    const from = matricesOf(others.get(node.name));
    const pairs = matricesOf(node).map((matrix, i) => ({ matrix, other: from[i] }));
    if (!pairs.every(({ matrix, other }) => other && isAlike(matrix, other))) continue;
    const biases = pairs.map(({ other }) => realBias(other!));
    for (const { matrix, other } of pairs) node.inputs[matrix.weightsAt] = other!.node.inputs[other!.weightsAt]!;
    pairs.forEach(({ matrix }, i) => {
      if (biases[i]) setBias(matrix, biases[i]);
    });
  }
  return graph;
}

/** The bias of an int8 layer in real numbers; undefined if it has none. */
function realBias({ node, biasAt, biasUnit: { activations, weightsAt } }: LayerMatrix): Float64Array | undefined {
  const { scale } = node.inputs[weightsAt]!.quantization!;
  const data = node.inputs[biasAt]?.data;
  const unit = activations.quantization!.scale[0]!;
  return data && Float64Array.from(data, (steps, n) => Number(steps) * unit * scale[scale.length === 1 ? 0 : n]!);
}

/** Whether the bias of one matrix fits the other: it is in the same unit, or has 64 bits. */
function isAlike(to: LayerMatrix, from: LayerMatrix): boolean {
  const types = [to, from].map(({ node, weightsAt }) => node.inputs[weightsAt]!.dtype);
  const isWide = to.biasUnit.activations.dtype === 'int16';
  return types.every((dtype) => dtype === 'int8') && (isWide || unitOf(to) === unitOf(from));
}
