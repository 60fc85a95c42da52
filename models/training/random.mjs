/**
 * Seeded random numbers. They use integer arithmetic only, so a seed gives the same sequence on
 * every machine.
 */

/** @returns a function that returns the next number, uniform in [0, 1) with 32 random bits */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    // a Weyl sequence, mixed by two multiply-xorshift rounds
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** Shuffles an array in place (Fisher-Yates). */
export function shuffle(items, random) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items;
}

/** A number uniform in [low, high). */
export function between(random, low, high) {
  return low + (high - low) * random();
}

/** A number from roughly a standard normal distribution: a sum of twelve uniforms. */
export function normal(random) {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}
