/**
 * Quantization-aware training: the network sees weights and activations rounded as the int8 network
 * rounds them, and learns their scales (`scales.mjs`).
 */
import { activationGradients, initialActivation, initialScales, largestWeight, roundActivations, roundWeights,
  weightGradients } from './scales.mjs';

/**
 * The weights of a layer in training: a variable, which the network sees masked and rounded.
 *
 * Masked weights get no gradient. Otherwise Adam would move them as fast as all others, and each
 * new mask would change the network. They keep their values, so a weight that was masked early
 * returns when others become smaller.
 */
export class QuantizedWeights {
  /**
   * @param variable [...inputs][outputs]; a depthwise filter is [KH][KW][C][1]
   * @param options
   *   - bits of a weight, 2 to 8 (default 8)
   *   - groups number of consecutive groups of outputs with a scale each: one per output (default),
   *     for convolutions and fully connected layers, or one per gate of recurrent layers
   *   - pattern as in masksOf; without one nothing is pruned
   */
  constructor(tf, variable, { bits = 8, groups, pattern } = {}) {
    const { shape } = variable;
    this.tf = tf;
    this.variable = variable;
    this.pattern = pattern;
    this.outputs = shape.length === 4 && shape[3] === 1 ? shape[2] : shape[shape.length - 1];
    this.layout = { outputs: this.outputs, groups: groups ?? this.outputs, largest: largestWeight(bits) };
    this.mask = new Float32Array(variable.size).fill(1);
    this.logScales = tf.variable(tf.log(tf.tensor1d(initialScales(variable.dataSync(), this.layout))));
  }

  /** What an optimizer trains: the weights and the logarithms of their scales. */
  get variables() {
    return [this.variable, this.logScales];
  }

  /** The scales, f32 [groups]. */
  scales() {
    return this.logScales.dataSync().map(Math.exp);
  }

  /** The masked and rounded weights, f32 in the layout of the variable. */
  data() {
    return roundWeights(this.#masked(), this.scales(), this.layout);
  }

  /** The same as a tensor whose gradients go to the variables. */
  tensor() {
    const { tf, variable, layout, mask } = this;
    return tf.customGrad((_weights, _logScales, save) => {
      save([]);
      const masked = this.#masked();
      const scales = this.scales();
      const gradFunc = (dy) => {
        const gradients = weightGradients(masked, scales, layout, dy.dataSync());
        const kept = gradients.weights.map((d, i) => d * mask[i]);
        return [tf.tensor(kept, variable.shape), tf.tensor1d(gradients.logScales)];
      };
      return { value: tf.tensor(roundWeights(masked, scales, layout), variable.shape), gradFunc };
    })(variable, this.logScales);
  }

  #masked() {
    return this.variable.dataSync().map((w, i) => w * this.mask[i]);
  }
}

/**
 * An activation in training, which the network sees rounded to int8. The first batch decides its
 * zero point and the scale to start from; training learns the scale.
 */
export class QuantizedActivations {
  #quantization;

  /**
   * @param fixed { scale, zeroPoint } that is known and not learned, as for images and for the
   *   outputs of recurrent layers
   */
  constructor(tf, fixed = undefined) {
    this.tf = tf;
    this.logScale = tf.variable(tf.scalar(0));
    this.variables = fixed ? [] : [this.logScale];
    this.#quantization = fixed;
  }

  /**
   * @returns { scale, zeroPoint } of the int8 tensor
   * @throws Error before the first batch
   */
  quantization() {
    if (!this.#quantization) throw new Error('the zero point of an activation is known after the first batch');
    const { scale, zeroPoint } = this.#quantization;
    const isLearned = this.variables.length > 0;
    return { scale: Math.fround(isLearned ? Math.exp(this.logScale.dataSync()[0]) : scale), zeroPoint };
  }

  /** x, of any shape, rounded. Gradients pass where it is not clamped. */
  round(x) {
    const { tf } = this;
    if (!this.#quantization) {
      this.#quantization = initialActivation(x.dataSync());
      this.logScale.assign(tf.scalar(Math.log(this.#quantization.scale)));
    }
    return tf.customGrad((x, _logScale, save) => {
      save([]);
      const values = x.dataSync();
      const quantization = this.quantization();
      const gradFunc = (dy) => {
        const gradients = activationGradients(values, quantization, dy.dataSync());
        return [tf.tensor(gradients.values, x.shape), tf.scalar(gradients.logScale)];
      };
      return { value: tf.tensor(roundActivations(values, quantization), x.shape), gradFunc };
    })(x, this.logScale);
  }
}
