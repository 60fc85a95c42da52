/**
 * Training with the steps of int8: values are rounded on the way forward, and gradients pass as if
 * they had not been.
 */

/**
 * Rounds weights to whole multiples of a step, symmetric about zero, as `quantize` does: the
 * largest of each group of outputs is `levels` steps.
 *
 * @param weights f32 [inputs][outputs]
 * @param groups sets of outputs, one behind the other, that share a step: as many as outputs (the
 *   default, as in convolutions and fully connected layers), or one a gate in recurrent layers
 * @param levels 127 for all of int8; fewer are coarser, and code shorter in a compact file
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

/** The range of an activation, followed from batch to batch; it always holds zero. */
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

  /** Values in 255 steps over the range, zero on a step; what lies outside is cut off. */
  round(values) {
    const step = Math.max(this.high - this.low, 1e-8) / 255;
    const steps = 1 / step;
    const zero = Math.round(-this.low * steps);
    const out = new Float32Array(values.length);
    // floor(v + ½) of what is not negative
    for (let i = 0; i < values.length; i++) {
      out[i] = ((Math.min(255, Math.max(0, values[i] * steps + zero)) + 0.5 | 0) - zero) * step;
    }
    return out;
  }
}

/**
 * An activation in the steps of its range. Gradients pass where the value lies inside of it.
 *
 * @param range followed if `follows`, as it should be in training
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
 * The weights of a layer in training: a variable, of which the network sees what the mask leaves,
 * rounded.
 *
 * What the mask hides gets no gradient: Adam would move it as fast as all else, and each new mask
 * would be another network. It keeps its value, so while masks are renewed a weight that went early
 * comes back when others have become smaller.
 */
export class PrunedWeights {
  /**
   * @param variable [...inputs][outputs]; a depthwise filter is [KH][KW][C][1]
   * @param options { pattern, groups, levels } of masksOf and roundWeights; without a pattern all
   *   weights stay
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
   * What the network sees, f32. @param values of the variable, or an average of what they have been
   */
  data(values = this.variable.dataSync()) {
    return roundWeights(values.map((w, i) => w * this.mask[i]), this.outputs, this.groups, this.levels);
  }

  /** The same as a tensor that hands its gradient to the variable. */
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
