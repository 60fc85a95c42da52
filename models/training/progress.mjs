/** The course of a training: its learning rate, and how its figures are printed. */

/**
 * The learning rate: a linear warm-up, then half a cosine down to zero. `progress` and `warmup` are
 * fractions of training.
 */
export function rateAt(progress, peak, warmup) {
  if (progress < warmup) return peak * (progress + 0.01) / (warmup + 0.01);
  return peak * 0.5 * (1 + Math.cos(Math.PI * (progress - warmup) / (1 - warmup)));
}

export function percent(right, count) {
  return `${((100 * right) / count).toFixed(2)} % (${count - right} wrong of ${count})`;
}
