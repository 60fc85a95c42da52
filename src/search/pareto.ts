// Points are vectors of which each number is better the smaller it is.

export type Point = readonly number[];

/** Whether a is at least as good as b in everything, and better in something. */
export function dominates(a: Point, b: Point): boolean {
  return a.every((value, i) => value <= b[i]!) && a.some((value, i) => value < b[i]!);
}

/**
 * The points that no other dominates, from the least first number on. Of equal points, the first
 * counts.
 *
 * @returns indices of the points
 */
export function frontOf(points: readonly Point[]): number[] {
  const isSame = (a: Point, b: Point): boolean => a.every((value, i) => value === b[i]);
  const front = points.flatMap((point, i) => {
    const isBeaten = points.some((other) => dominates(other, point));
    return isBeaten || points.slice(0, i).some((other) => isSame(other, point)) ? [] : [i];
  });
  return front.sort((i, j) => inOrder(points[i]!, points[j]!));
}

/** Compares by the first numbers, and if they are equal by the next. */
function inOrder(a: Point, b: Point): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/**
 * The rank of each point: 0 for points that no other dominates, 1 for those that only points of
 * rank 0 dominate, and so on (nondominated sorting: Deb et al., "A Fast and Elitist Multiobjective
 * Genetic Algorithm: NSGA-II", 2002).
 */
export function nondominatedRanks(points: readonly Point[]): number[] {
  const ranks = points.map(() => -1);
  let left = points.map((_, i) => i);
  for (let rank = 0; left.length > 0; rank++) {
    const front = left.filter((i) => !left.some((j) => dominates(points[j]!, points[i]!)));
    for (const i of front) ranks[i] = rank;
    left = left.filter((i) => ranks[i] === -1);
  }
  return ranks;
}

/**
 * The volume that points dominate below a reference point, by slices along the last dimension
 * (While et al., "A Faster Algorithm for Calculating Hypervolume", 2006).
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const last = reference.length - 1;
  const inside = points.filter((point) => point.every((value, i) => value < reference[i]!));
  if (inside.length === 0) return 0;
  if (last === 0) return reference[0]! - Math.min(...inside.map(([value]) => value!));
  const sorted = [...inside].sort((a, b) => a[last]! - b[last]!);
  return sorted.reduce((sum, point, i) => {
    const top = sorted[i + 1]?.[last] ?? reference[last]!;
    // values may be infinite, such as decibels without any error
    if (top === point[last]) return sum;
    return sum +
      (top - point[last]!) *
        hypervolume(sorted.slice(0, i + 1).map((other) => other.slice(0, last)), reference.slice(0, last));
  }, 0);
}

/**
 * Orders points of one front such that each next one adds most to the hypervolume of those before
 * it: the greedy choice of a subset of a front (Guerreiro et al., 2016), as in MOTPE.
 *
 * @returns indices of the points
 */
export function byContribution(points: readonly Point[]): number[] {
  const left = new Set(points.keys());
  const reference = points[0]?.map((_, i) => beyond(points.map((point) => point[i]!))) ?? [];
  const chosen: number[] = [];
  while (left.size > 0) {
    const taken = chosen.map((i) => points[i]!);
    let best = Math.min(...left);
    let largest = -Infinity;
    for (const i of left) {
      const volume = hypervolume([...taken, points[i]!], reference);
      if (volume > largest) [best, largest] = [i, volume];
    }
    chosen.push(best);
    left.delete(best);
  }
  return chosen;
}

/** A little more than the largest value, so that the worst points have a volume, too. */
function beyond(values: readonly number[]): number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return high + 0.1 * (high - low || Math.abs(high) || 1);
}
