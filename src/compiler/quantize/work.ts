import { readKlet } from '../../format/klet';
import type { Graph } from '../../graph/graph';
import { compile } from '../compile';

/** Number of samples for measurements, fewer for large networks. */
export interface SampleLimits {
  least: number;
  most: number;
  /** Multiply-adds that all runs together may take. */
  work: number;
}

/** How many samples can be run so many times. */
export function affordableSamples(graph: Graph, runs: number, { least, most, work }: SampleLimits): number {
  const { debugInfo } = readKlet(compile(graph));
  const macs = debugInfo!.records.reduce((sum, record) => sum + record.macs, 0);
  const affordable = Math.floor(work / Math.max(1, runs * macs));
  return Math.max(least, Math.min(most, affordable));
}
