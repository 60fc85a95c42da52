import { KletError } from '../errors';
import { standardError, Z } from './intervals';
import { flagsOf, numbersOf } from './lists';
import type { Estimate, RocPoint } from './types';

// The area under the ROC curve, its interval, and the curve.

/** A curve is drawn with at most this number of points. */
const CURVE_POINTS = 200;
/** With fewer examples of a kind, their spread says nothing about the interval. */
const FEWEST = 5;

/**
 * The area under the ROC curve: the probability that an example of the class scores higher than
 * another example, where equal scores count one half. The interval is that of DeLong, DeLong and
 * Clarke-Pearson ("Comparing the areas under two or more correlated receiver operating
 * characteristic curves", 1988), with 95 % confidence. It needs five examples of each kind.
 *
 * @param scores one per example, higher for the class
 * @param isPositive for each example whether it belongs to the class: booleans, or 0 and 1
 * @throws KletError `BAD_ARGUMENT` if the lengths differ, if a score is not a number, or if all
 *   examples are of one kind
 * @example
 * ```js
 * console.log(rocAuc([0.1, 0.4, 0.35, 0.8], [false, false, true, true]).value); // 0.75
 * ```
 */
export function rocAuc(scores: ArrayLike<number>, isPositive: ArrayLike<boolean | number>): Estimate {
  const values = numbersOf(scores, 'scores');
  const positives = flagsOf(isPositive, 'isPositive');
  if (values.length !== positives.length) {
    throw new KletError('BAD_ARGUMENT', `there are ${values.length} scores for ${positives.length} examples`);
  }
  const area = areaOf(values, positives);
  if (!area) throw new KletError('BAD_ARGUMENT', 'rocAuc() needs examples of the class and others');
  return { value: area.value, ...areaInterval(area) };
}

/** The interval of an area, if there are enough examples for one. */
export function areaInterval(
  { value, influence }: { value: number; influence?: Float64Array | undefined },
): { low: number; high: number } | undefined {
  if (!influence) return undefined;
  const half = Z * standardError(influence);
  return { low: Math.max(0, value - half), high: Math.min(1, value + half) };
}

/** An area, and the influence of each example on it. */
export interface Area {
  value: number;
  /** Absent if there are too few examples of a kind to tell their spread. */
  influence?: Float64Array;
}

/**
 * The area by ranks, in n log n (Sun and Xu, "Fast implementation of DeLong's algorithm", 2014).
 *
 * @returns undefined if all examples are of one kind
 */
export function areaOf(scores: Float64Array, positives: Uint8Array): Area | undefined {
  const n = scores.length;
  const count = positives.reduce((a, b) => a + b, 0);
  const others = n - count;
  if (count === 0 || others === 0) return undefined;
  const influence = placements(scores, positives, count, others);
  const value = influence.reduce((sum, placement, i) => sum + (positives[i] ? placement : 0), 0) / count;
  if (Math.min(count, others) < FEWEST) return { value };
  for (let i = 0; i < n; i++) influence[i] = (influence[i]! - value) * n / (positives[i] ? count : others);
  return { value, influence };
}

/**
 * For each example the fraction of the examples of the other kind that it is ordered correctly
 * with.
 */
function placements(scores: Float64Array, positives: Uint8Array, count: number, others: number): Float64Array {
  const order = descending(scores).reverse();
  const placed = new Float64Array(scores.length);
  let positivesBelow = 0;
  let othersBelow = 0;
  for (let from = 0; from < order.length;) {
    let to = from;
    let tiedPositives = 0;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) tiedPositives += positives[order[to++]!]!;
    const tiedOthers = to - from - tiedPositives;
    for (let i = from; i < to; i++) {
      placed[order[i]!] = positives[order[i]!]
        ? (othersBelow + tiedOthers / 2) / others
        : (count - positivesBelow - tiedPositives / 2) / count;
    }
    positivesBelow += tiedPositives;
    othersBelow += tiedOthers;
    from = to;
  }
  return placed;
}

/** The examples by score, highest first. */
export function descending(scores: ArrayLike<number>): Uint32Array {
  return Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

/** The ROC curve, from (0, 0) to (1, 1), thinned to at most 200 points. */
export function curveOf(scores: Float64Array, positives: Uint8Array): RocPoint[] {
  const order = descending(scores);
  const count = positives.reduce((a, b) => a + b, 0);
  const others = scores.length - count;
  const points: RocPoint[] = [{ falsePositiveRate: 0, truePositiveRate: 0 }];
  let hits = 0;
  for (let i = 0; i < order.length; i++) {
    hits += positives[order[i]!]!;
    if (i + 1 < order.length && scores[order[i]!] === scores[order[i + 1]!]) continue;
    points.push({ falsePositiveRate: (i + 1 - hits) / others, truePositiveRate: hits / count });
  }
  const every = Math.ceil(points.length / CURVE_POINTS);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

/**
 * Average precision: the mean, over the examples of the class, of the precision among the examples
 * that score at least as high.
 *
 * @param order the examples by score, highest first
 * @param counts how often each example occurs
 */
export function averagePrecision(
  scores: Float64Array,
  positives: Uint8Array,
  order: Uint32Array,
  counts: Uint32Array,
): number {
  let hits = 0;
  let all = 0;
  let sum = 0;
  for (let i = 0; i < order.length;) {
    const score = scores[order[i]!]!;
    const before = hits;
    for (; i < order.length && scores[order[i]!] === score; i++) {
      all += counts[order[i]!]!;
      hits += counts[order[i]!]! * positives[order[i]!]!;
    }
    if (hits > before) sum += (hits - before) * hits / all;
  }
  return sum / hits;
}
