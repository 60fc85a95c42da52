/**
 * Selection and schedule of pruned weights.
 *
 * Weights are in TensorFlow's layout, [inputs][outputs]: the inputs of a convolution are its taps
 * and input channels, and each channel of a depthwise convolution is an output.
 */
import { GraphBuilder, prune } from '../../dist/compiler.js';

/**
 * Masks that keep the largest weights. `prune` itself chooses them, so that training matches the
 * patterns that the kernels support.
 *
 * @param matrices { weights: f32 [inputs][outputs], outputs }
 * @param pattern `weights`, `pairs` (2 along the inputs of one output) or `blocks` (4 along the
 *   inputs of 8 outputs)
 * @param sparsity fraction of weights to prune, 0 ≤ sparsity < 1
 * @param scope `layer`: the fraction of each matrix; `global`: of all matrices together
 * @returns f32 [inputs][outputs] for each matrix: 1 keeps a weight, 0 prunes it
 */
export function masksOf(matrices, pattern, sparsity, scope = 'layer') {
  const builder = new GraphBuilder('masks');
  const nodes = matrices.map(({ weights, outputs }, i) => {
    const inputs = weights.length / outputs;
    // never 0, so that every zero of the result was pruned
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
 * Fraction of pruned weights at `progress`. It rises fast at first and slowly towards the end (Zhu
 * & Gupta, "To prune, or not to prune", arXiv:1710.01878).
 *
 * @param progress progress of training, 0..1
 * @param final fraction pruned at the end
 * @param from, until the part of training in which pruning happens; the masks stay fixed afterwards
 */
export function sparsityAt(progress, final, from, until) {
  if (progress >= until) return final;
  const left = 1 - Math.max(0, (progress - from) / (until - from));
  return final * (1 - left ** 3);
}
