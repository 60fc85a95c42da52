import type { DetectRules } from '../format/task';
import type { Candidate } from './candidates';

/** The time of non-maximum suppression grows with the product of candidates and detections. */
const MAX_CANDIDATES = 30_000;

/** Intersection over union of two boxes; 0 if both are empty. */
export function iouOf(a: readonly number[], b: readonly number[]): number {
  const width = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!);
  const height = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!);
  if (!(width > 0 && height > 0)) return 0;
  const common = width * height;
  const areas = (a[2]! - a[0]!) * (a[3]! - a[1]!) + (b[2]! - b[0]!) * (b[3]! - b[1]!);
  return common / (areas - common);
}

/**
 * Greedy non-maximum suppression: the best candidates, best first, of which none overlaps a better
 * one by more than `iou`. Equal scores keep their order.
 */
export function suppress<T extends Pick<Candidate, 'class' | 'score' | 'box'>>(
  candidates: readonly T[],
  { iou = 0.45, suppression = 'class', maxDetections = 100 }: DetectRules,
): T[] {
  const sorted = [...candidates].sort((a, b) => b.score - a.score).slice(0, MAX_CANDIDATES);
  const kept: T[] = [];
  for (const candidate of sorted) {
    if (kept.length === maxDetections) break;
    const overlaps = suppression !== 'none' &&
      kept.some((better) =>
        (suppression === 'all' || better.class === candidate.class) && iouOf(better.box, candidate.box) > iou
      );
    if (!overlaps) kept.push(candidate);
  }
  return kept;
}
