/**
 * Which weights stay, and when the others go.
 *
 * Weights lie as TensorFlow has them, [inputs][outputs] with the outputs last: a convolution's
 * filter pixels and input channels are all inputs, and each channel of a depthwise convolution is
 * an output.
 */
import { GraphBuilder, prune } from '../../dist/compiler.js';

/**
 * The masks that leave the largest weights, in the units that kinglet prunes by: it is `prune` that
 * chooses, so what is trained for is what there are kernels for.
 *
 * @param matrices { weights: f32 [inputs][outputs], outputs }
 * @param pattern `weights`, `pairs` (2 along the inputs of one output) or `blocks` (4 along the
 *   inputs of 8 outputs)
 * @param sparsity the share of weights that goes, 0 to below 1
 * @param scope `layer`: of each matrix; `global`: of all together, more where others of their
 *   matrix are larger by far
 * @returns f32 [inputs][outputs] of each, 1 where a weight stays and 0 where it goes
 */
export function masksOf(matrices, pattern, sparsity, scope = 'layer') {
  const builder = new GraphBuilder('masks');
  const nodes = matrices.map(({ weights, outputs }, i) => {
    const inputs = weights.length / outputs;
    // never 0, so that the zeros of the result are what was pruned
    const rows = Float32Array.from(
      weights,
      (_, j) => weights[(j % inputs) * outputs + Math.floor(j / inputs)] || 1e-30,
    );
    const x = builder.input(`x${i}`, [1, inputs], 'float32');
    return builder.node('fullyConnected', [x, builder.constant(rows, [outputs, inputs])], { activation: 'none' }, {
      name: `y${i}`,
    });
  });
  const { graph } = prune(builder.finish(nodes), { sparsity, pattern, scope });
  return matrices.map(({ weights, outputs }, i) => {
    const kept = graph.nodes[i].inputs[1].data;
    const inputs = weights.length / outputs;
    return Float32Array.from(weights, (_, j) => (kept[(j % outputs) * inputs + Math.floor(j / outputs)] === 0 ? 0 : 1));
  });
}

/**
 * The share of weights that are gone at `progress`: fast at first, while there are many to spare,
 * slower towards the end (Zhu & Gupta, "To prune, or not to prune", arXiv:1710.01878).
 *
 * @param progress of training, 0..1
 * @param final what is gone in the end
 * @param from, until the stretch of training over which they go; after it the masks are to be left
 *   as they are
 */
export function sparsityAt(progress, final, from, until) {
  const left = 1 - Math.min(1, Math.max(0, (progress - from) / (until - from)));
  return final * (1 - left ** 3);
}
