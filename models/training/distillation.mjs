/**
 * Loss for learning from labels and from a larger network's probabilities (Hinton et al.,
 * "Distilling the Knowledge in a Neural Network", arXiv:1503.02531): the weighted sum over rows of
 *
 *     (1 − share) · H(labels, softmax(logits)) +
 *     share · T² · H(softmax(teacher / T), softmax(logits / T))
 *
 * with H the cross entropy and T the temperature.
 *
 * @param labels, teacher, logits [M][N]; the teacher's are logits too
 * @param options share of the teacher, temperature, weights (a number or [M][1]; by default that of
 *   the mean)
 * @returns scalar
 */
export function distillation(
  tf,
  labels,
  teacher,
  logits,
  { share = 0.7, temperature = 2, weights = 1 / logits.shape[0] } = {},
) {
  return tf.customGrad((logits, save) => {
    const rows = typeof weights === 'number' ? tf.scalar(weights) : weights;
    const soft = tf.softmax(tf.mul(teacher, 1 / temperature));
    const hard = tf.softmax(logits);
    const warm = tf.softmax(tf.mul(logits, 1 / temperature));
    const entropy = (p, q) => tf.mul(p, tf.log(tf.add(q, 1e-9)));
    const sums = tf.add(
      tf.mul(entropy(labels, hard), 1 - share),
      tf.mul(entropy(soft, warm), share * temperature ** 2),
    );
    save([soft, hard, warm, labels, rows]);
    return {
      value: tf.neg(tf.sum(tf.mul(sums, rows))),
      gradFunc: (dy, [soft, hard, warm, labels, rows]) => {
        const error = tf.add(tf.mul(tf.sub(hard, labels), 1 - share), tf.mul(tf.sub(warm, soft), share * temperature));
        return tf.mul(tf.mul(error, rows), dy);
      },
    };
  })(logits);
}
