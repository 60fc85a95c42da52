import type { Graph } from '../../graph/graph';
import type { QuantizeOptions } from './options';
import { quantizeKept } from './keepAuto';
import { prepare } from './prepare';

/**
 * Post-training quantization of a float32 network to int8: activations per tensor (asymmetric),
 * weights per output channel (symmetric), biases int32 (Jacob et al., "Quantization and Training of
 * Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
 *
 * Nodes that int8 would ruin stay in float32.
 *
 * @returns a new graph; the given one is not changed
 * @throws KletError `BAD_ARGUMENT` without samples, or with samples that are all zero or infinite;
 *   `UNSUPPORTED_TYPE` for a network that is not float32
 * @example
 * ```js
 * const b = new GraphBuilder('sum'), x = b.input('x', [1, 2]);
 * const w = b.constant(new Float32Array([1, 1]), [1, 2]);
 * const graph = b.finish([b.node('fullyConnected', [x, w, null], { activation: 'none' })]);
 * const samples = [[0, 1], [1, 1], [0.5, 0.2]].map((sample) => new Float32Array(sample));
 * const int8 = quantize(graph, { samples });
 * console.log(int8.inputs[0].dtype); // int8
 * ```
 */
export function quantize(graph: Graph, options: QuantizeOptions): Graph {
  return quantizeKept(prepare(graph, options), options).graph;
}
