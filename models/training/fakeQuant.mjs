/**
 * Quantization-aware training: the forward pass rounds values to int8 levels, and gradients pass
 * straight through.
 */

/**
 * Rounds weights to multiples of a scale, symmetric about zero, as `quantize` does. The largest
 * weight of each group of outputs is `levels` times the scale.
 *
 * @param weights f32 [inputs][outputs]
 * @param groups number of consecutive groups of outputs that share a scale: one per output (the
 *   default, for convolutions and fully connected layers), or one per gate in recurrent layers
 * @param levels 127 for full int8; fewer levels are coarser and compress better in a compact file
 * @returns f32 [inputs][outputs]
 */
export function roundWeights(weights, outputs, groups = outputs, levels = 127) {
  const largest = new Float64Array(groups);
  const groupOf = (i) => Math.floor(((i % outputs) * groups) / outputs);
  weights.forEach((w, i) => {
    largest[groupOf(i)] = Math.max(largest[groupOf(i)], Math.abs(w));
  });
  return weights.map((w, i) => {
    const step = Math.max(largest[groupOf(i)], 1e-8) / levels;
    return Math.round(w / step) * step;
  });
}

/** The range of an activation, tracked over batches. It always contains zero. */
export class Range {
  #momentum;
  #seen = false;
  low = 0;
  high = 0;

  constructor(momentum = 0.98) {
    this.#momentum = momentum;
  }

  follow(values) {
    let low = 0;
    let high = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] < low) low = values[i];
      else if (values[i] > high) high = values[i];
    }
    const part = this.#seen ? 1 - this.#momentum : 1;
    this.low += part * (low - this.low);
    this.high += part * (high - this.high);
    this.#seen = true;
  }

  /**
   * Rounds values to 256 levels over the range, of which one is zero, and clamps values outside the
   * range.
   */
  round(values) {
    const step = Math.max(this.high - this.low, 1e-8) / 255;
    const steps = 1 / step;
    const zero = Math.round(-this.low * steps);
    const out = new Float32Array(values.length);
    // rounds nonnegative values as floor(v + ½)
    for (let i = 0; i < values.length; i++) {
      out[i] = ((Math.min(255, Math.max(0, values[i] * steps + zero)) + 0.5 | 0) - zero) * step;
    }
    return out;
  }
}

/**
 * Rounds an activation to the levels of its range. Gradients pass where the value lies inside the
 * range.
 *
 * @param follows whether to update `range`, as in training
 */
export function fakeQuant(tf, x, range, follows = true) {
  return tf.customGrad((x, save) => {
    const values = x.dataSync();
    if (follows) range.follow(values);
    save([]);
    const { low, high } = range;
    const gradFunc = (dy) => {
      const dx = dy.dataSync().slice();
      for (let i = 0; i < dx.length; i++) if (values[i] < low || values[i] > high) dx[i] = 0;
      return tf.tensor(dx, x.shape);
    };
    return { value: tf.tensor(range.round(values), x.shape), gradFunc };
  })(x);
}

/**
 * The weights of a layer in training: a variable, which the network sees masked and rounded.
 *
 * Masked weights get no gradient. Otherwise Adam would move them as fast as all others, and each
 * new mask would change the network. They keep their values, so a weight that was masked early
 * returns when others become smaller.
 */
export class PrunedWeights {
  /**
   * @param variable [...inputs][outputs]; a depthwise filter is [KH][KW][C][1]
   * @param options { pattern, groups, levels } as in masksOf and roundWeights; without a pattern
   *   nothing is pruned
   */
  constructor(tf, variable, { pattern, groups, levels } = {}) {
    const { shape } = variable;
    this.tf = tf;
    this.variable = variable;
    this.pattern = pattern;
    this.outputs = shape.length === 4 && shape[3] === 1 ? shape[2] : shape[shape.length - 1];
    this.groups = groups ?? this.outputs;
    this.levels = levels ?? 127;
    this.mask = new Float32Array(variable.size).fill(1);
  }

  /**
   * The masked and rounded weights, f32. @param values the variable's values, or their running
   * average
   */
  data(values = this.variable.dataSync()) {
    return roundWeights(values.map((w, i) => w * this.mask[i]), this.outputs, this.groups, this.levels);
  }

  /** The same as a tensor whose gradient goes to the variable. */
  tensor() {
    const { tf, variable } = this;
    return tf.customGrad((_, save) => {
      save([]);
      const { mask } = this;
      return {
        value: tf.tensor(this.data(), variable.shape),
        gradFunc: (dy) => tf.mul(dy, tf.tensor(mask, variable.shape)),
      };
    })(variable);
  }
}
