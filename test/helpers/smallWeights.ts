import type { Graph } from '../../src/compiler/index';

/**
 * The graph with the int8 and uint8 constants of its nodes divided by 16 around their zero points,
 * so that weights have four bits.
 */
export function withSmallWeights(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((tensor) => {
      const { data, quantization } = tensor ?? {};
      if (!(data instanceof Int8Array || data instanceof Uint8Array)) return tensor;
      const zero = quantization?.zeroPoint[0] ?? 0;
      const [low, high] = data instanceof Int8Array ? [-128, 127] : [0, 255];
      const small = data.map((value) => Math.max(low, Math.min(high, zero + (value - low - 128 >> 4))));
      return { ...tensor!, data: small };
    }),
  }));
  return { ...graph, nodes };
}
