/**
 * Running averages of variables: what training with a falling rate ends at is steadier than its
 * last step.
 */
export class Averages {
  #values;
  #memory;
  #steps = 0;

  /** @param memory the part of the average that each step leaves; less in the first steps */
  constructor(variables, memory = 0.997) {
    this.#values = new Map(variables.map((variable) => [variable, variable.dataSync().slice()]));
    this.#memory = memory;
  }

  /** Takes in what the variables are now. */
  follow() {
    const memory = Math.min(this.#memory, (1 + this.#steps) / (10 + this.#steps));
    this.#steps++;
    for (const [variable, average] of this.#values) {
      variable.dataSync().forEach((value, i) => {
        average[i] += (1 - memory) * (value - average[i]);
      });
    }
  }

  /** f32, as the variable lies. */
  of(variable) {
    return this.#values.get(variable);
  }
}
