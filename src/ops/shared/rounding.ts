export const f32 = Math.fround;

/** Round half to even, as the core rounds. */
export function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** Round half away from zero, as C's round(). */
export function roundAway(x: number): number {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

export function clampInt8(q: number): number {
  return Math.max(-128, Math.min(127, q));
}
