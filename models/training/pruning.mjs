import { masksOf, sparsityAt } from './masks.mjs';

/**
 * Prunes the weights of a network gradually to `final`, by updating all masks until they are final.
 */
export class Pruning {
  #weights;
  #final;
  #from;
  #until;
  #scope;
  /** Whether the masks are final. */
  settled = false;

  /**
   * @param weights PrunedWeights
   * @param final fraction pruned at the end, in all weights that have a pattern
   * @param from, until the part of training in which pruning happens, as in sparsityAt
   * @param scope as in masksOf; `global` combines all weights with the same pattern
   */
  constructor(weights, final, from, until, scope = 'layer') {
    this.#weights = [...weights];
    this.#final = final;
    this.#from = from;
    this.#until = until;
    this.#scope = scope;
  }

  /**
   * @param progress progress of training, 0..1 @returns whether the masks became final in this call
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

  /** Fraction of pruned weights among those with a pattern. */
  share() {
    const masks = this.#weights.filter(({ pattern }) => pattern).map(({ mask }) => mask);
    const sum = (of) => masks.reduce((total, mask) => total + of(mask), 0);
    return 1 - sum((mask) => mask.reduce((a, b) => a + b, 0)) / sum((mask) => mask.length);
  }
}
