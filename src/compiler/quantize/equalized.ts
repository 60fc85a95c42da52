import type { AnyNode, Graph } from '../../graph/graph';
import { equalize } from './equalize';
import { observe, type Samples } from './observe';
import { planQuantization } from './plan';
import { rewrite } from './rewrite';
import { outputScore } from './score';
import { spread, type Sequence } from './stagedRun';
import { largestWeight, type WeightBits } from './weights';

/** Samples by which the networks before and after equalization are compared. */
const COMPARED = 64;

/** What is known of the int8 network before its ranges are. */
interface Choices {
  /** Names of the nodes that stay in float32. */
  kept: ReadonlySet<string>;
  bitsOf: (node: AnyNode) => WeightBits;
}

/**
 * Equalizes a network, unless its outputs are less exact for it when both are quantized by the
 * extremes of some samples and run on others. The others show whether too many values lie outside
 * of the ranges, which happens to more channels after equalization.
 */
export function equalized(graph: Graph, samples: readonly Sequence[], choices: Choices): Graph {
  const changed = equalize(graph, samples, (node) => largestWeight(choices.bitsOf(node)));
  if (changed === graph) return graph;
  const few = spread(samples, COMPARED);
  const seen = few.filter((_, i) => i % 2 === 0);
  const others = few.length > 1 ? few.filter((_, i) => i % 2 === 1) : few;
  const scoreOf = (network: Graph): number => outputScore(graph, trial(network, seen, choices), others);
  return scoreOf(changed) > scoreOf(graph) ? changed : graph;
}

function trial(graph: Graph, samples: readonly Sequence[], { kept, bitsOf }: Choices): Graph {
  const { tensors, cells } = observe(graph, samples as Samples);
  const ranges = new Map([...tensors].map(([name, { range }]) => [name, range]));
  return rewrite(graph, planQuantization(graph, ranges, kept), { floatIo: true, cells, bitsOf });
}
