/**
 * Running averages of variables. They are more stable than the values after the last training step.
 */
export class Averages {
  #values;
  #memory;
  #steps = 0;

  /** @param memory decay of the average per step; smaller in the first steps */
  constructor(variables, memory = 0.997) {
    this.#values = new Map(variables.map((variable) => [variable, variable.dataSync().slice()]));
    this.#memory = memory;
  }

  /** Updates the averages with the current values. */
  follow() {
    const memory = Math.min(this.#memory, (1 + this.#steps) / (10 + this.#steps));
    this.#steps++;
    for (const [variable, average] of this.#values) {
      variable.dataSync().forEach((value, i) => {
        average[i] += (1 - memory) * (value - average[i]);
      });
    }
  }

  /** The average of a variable, f32 in its layout. */
  of(variable) {
    return this.#values.get(variable);
  }

  /** Sets every variable to its average. */
  assign(tf) {
    for (const [variable, average] of this.#values) {
      tf.tidy(() => variable.assign(tf.tensor(average, variable.shape)));
    }
  }
}
