import { checkSnapshot } from './check';
import type { Counts, Snapshot } from '../format/snapshot';
import { mergeCounts, sorted, total } from './counts';

/** How far two distributions are apart. */
export interface Distance {
  /**
   * Population stability index, Σ (p − q)·ln(p / q) over the bins. Below 0.1 is usually called
   * stable, above 0.25 a shift (Siddiqi, Credit Risk Scorecards, 2006).
   */
  psi: number;
  /**
   * Kolmogorov–Smirnov statistic, the largest difference of the cumulative shares, at the ends of
   * the bins. It is from 0 to 1, and at most that of the values themselves.
   */
  ks: number;
}

export interface Drift {
  /** Values and means of each input that both snapshots have. */
  inputs: Record<string, { values: Distance; means: Distance }>;
  classes: Distance;
  confidence: Distance;
}

/** Share that an empty bin counts as, so that PSI stays finite. */
const LEAST_SHARE = 1e-4;

/** The distance of two histograms with the same bins. NaN if one of them is empty. */
export function distanceOf(reference: Counts, current: Counts): Distance {
  const [n, m] = [total(reference), total(current)];
  if (n === 0 || m === 0) return { psi: NaN, ks: NaN };
  let [psi, ks, ahead] = [0, 0, 0];
  for (const [bin] of sorted(mergeCounts(reference, current))) {
    const [p, q] = [(reference[bin] ?? 0) / n, (current[bin] ?? 0) / m];
    const [some, other] = [Math.max(p, LEAST_SHARE), Math.max(q, LEAST_SHARE)];
    psi += (other - some) * Math.log(other / some);
    ahead += q - p;
    ks = Math.max(ks, Math.abs(ahead));
  }
  return { psi, ks };
}

/** How far a snapshot is from one of a time when all was well, or of the calibration samples. */
export function drift(reference: Snapshot, current: Snapshot): Drift {
  checkSnapshot(reference, 'the reference');
  checkSnapshot(current, 'what is compared with the reference');
  const names = Object.keys(current.inputs).filter((name) => reference.inputs[name]);
  return {
    inputs: Object.fromEntries(names.map((name) => {
      const [from, to] = [reference.inputs[name]!, current.inputs[name]!];
      return [name, { values: distanceOf(from.bins, to.bins), means: distanceOf(from.means, to.means) }];
    })),
    classes: distanceOf(reference.classes, current.classes),
    confidence: distanceOf(reference.confidence, current.confidence),
  };
}
