/**
 * Batches of digits for training and pruning: distortion, labels and the count of correct answers.
 */
import { distort } from './augment.mjs';
import { CLASSES, PIXELS, imageOf } from './data.mjs';

const SMOOTHING = 0.05; // of labels

/** @returns f32 [indices][28][28], each digit with a new random distortion */
export function distorted(set, indices, random, strength) {
  const images = new Float32Array(indices.length * PIXELS);
  indices.forEach((index, i) =>
    distort(imageOf(set, index), images.subarray(i * PIXELS, (i + 1) * PIXELS), random, strength)
  );
  return images;
}

/** @returns smoothed labels, f32 [indices][10] */
export function smoothed(set, indices) {
  const labels = new Float32Array(indices.length * CLASSES).fill(SMOOTHING / CLASSES);
  indices.forEach((index, i) => {
    labels[i * CLASSES + set.labels[index]] += 1 - SMOOTHING;
  });
  return labels;
}

/** @param scores [count][10] */
export function countRight(set, scores) {
  let right = 0;
  for (let i = 0; i < set.count; i++) {
    const row = scores.subarray(i * CLASSES, (i + 1) * CLASSES);
    if (row.indexOf(Math.max(...row)) === set.labels[i]) right++;
  }
  return right;
}
