import { masksOf, sparsityAt } from './masks.mjs';

/**
 * The weights of a network on their way to `final`: renews all masks step by step, until they are
 * settled.
 */
export class Pruning {
  #weights;
  #final;
  #from;
  #until;
  #scope;
  /** Masks are as they will be. */
  settled = false;

  /**
   * @param weights PrunedWeights
   * @param final the share that is gone in the end, of each that has a pattern
   * @param from, until the stretch of training over which they go, as in sparsityAt
   * @param scope as in masksOf; of all those with the same pattern together if `global`
   */
  constructor(weights, final, from, until, scope = 'layer') {
    this.#weights = [...weights];
    this.#final = final;
    this.#from = from;
    this.#until = until;
    this.#scope = scope;
  }

  /**
   * @param progress of training, 0..1 @returns whether masks are settled now and were not before
   */
  renew(progress) {
    if (this.settled) return false;
    const sparsity = sparsityAt(progress, this.#final, this.#from, this.#until);
    const patterns = new Set(this.#weights.map(({ pattern }) => pattern).filter(Boolean));
    for (const pattern of patterns) {
      const same = this.#weights.filter((weights) => weights.pattern === pattern);
      const masks = masksOf(
        same.map(({ variable, outputs }) => ({ weights: variable.dataSync(), outputs })),
        pattern,
        sparsity,
        this.#scope,
      );
      masks.forEach((mask, i) => {
        same[i].mask = mask;
      });
    }
    this.settled = progress >= this.#until;
    return this.settled;
  }

  /** The share of weights, of those with a pattern, that is gone. */
  share() {
    const masks = this.#weights.filter(({ pattern }) => pattern).map(({ mask }) => mask);
    const sum = (of) => masks.reduce((total, mask) => total + of(mask), 0);
    return 1 - sum((mask) => mask.reduce((a, b) => a + b, 0)) / sum((mask) => mask.length);
  }
}
