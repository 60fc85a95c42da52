/** @param {number[]} sorted */
export const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

export const median = (values) => quantile([...values].sort((a, b) => a - b), 0.5);

export const geometricMean = (values) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Summarizes samples; `spread` is the interquartile range divided by the median. */
export function summarize(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = quantile(sorted, 0.5);
  return {
    median: middle,
    min: sorted[0],
    max: sorted.at(-1),
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / middle,
    samples: sorted.length,
  };
}

/** Shuffles a copy of the list by a seed (mulberry32, Fisher-Yates). */
export function shuffled(list, seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const result = [...list];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
