import type { Graph } from '../../graph/graph';
import { compare } from '../compare';
import type { Sequence } from './stagedRun';

/** The best SQNR that counts, in decibels. */
const MAX_SQNR = 100;

/**
 * How close a network is to the float network, to compare variants. It is the sum over the outputs
 * of the SQNR in decibels, or of the agreement in percent for integers.
 */
export function outputScore(float: Graph, variant: Graph, samples: readonly Sequence[]): number {
  const { outputs } = compare(float, variant, samples);
  return outputs.reduce((sum, { sqnr, agreement = 0 }) => sum + Math.min(MAX_SQNR, sqnr ?? 100 * agreement), 0);
}
