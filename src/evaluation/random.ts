/**
 * Seeded whole numbers from 0 to limit − 1: sfc32 of PractRand (Doty-Humphrey), whose state is 128
 * bits.
 */
export function randomBelow(seed: number): (limit: number) => number {
  let [a, b, c, counter] = [seed | 0, (seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) next();
  return (limit) => Math.floor(next() / 2 ** 32 * limit);
}

/** Draws a resample: how often each of the examples occurs in it. */
export function drawCounts(counts: Uint32Array, below: (limit: number) => number): void {
  counts.fill(0);
  for (let i = 0; i < counts.length; i++) counts[below(counts.length)]!++;
}
