import { KletError } from '../../errors';
import { cloneGraph } from '../../graph/edit';
import type { Graph } from '../../graph/graph';
import { checkGraph } from '../check';
import { inputRows, type Sample } from './calibration';
import { removeChannels } from './channels';
import { prunableLayers, realWeights, replaceWeights, shiftBias, weightedLayers, type PrunableLayer } from './layers';
import { curvature, momentsOf, refit } from './refit';
import { cheapestMask, depthOf, unitCosts, type PrunePattern, type UnitPattern } from './units';

export interface PruneOptions {
  /**
   * Part of the weights that goes, 0 to below 1: of every layer, or of those named. Pairs stay in
   * fours, and an output that keeps any keeps four: of layers of few inputs less goes than that.
   */
  sparsity: number | Record<string, number>;
  /**
   * What goes together (default: pairs, and blocks in layers of one row and in recurrent layers,
   * which is what there are kernels for). `channels` removes whole output channels, with what
   * belongs to them in the layers after: the network gets smaller and faster by itself.
   */
  pattern?: PrunePattern;
  /**
   * `layer` (default) prunes each layer to `sparsity`; `global` prunes more where weights are small
   * for their layer.
   */
  scope?: 'layer' | 'global';
  /**
   * Inputs that stand for what the network will see, as `predict` takes them. With them, what goes
   * is chosen by its effect on the layer's sums, and what stays makes up for it. Without, and in
   * recurrent matrices whose inputs no run shows, the smallest weights go. Some 50 will do.
   */
  samples?: Iterable<Sample>;
  /** Layers by name that keep all their weights. */
  keep?: readonly string[];
  /** Called before each layer. */
  onProgress?: (done: number, total: number, name: string) => void;
}

export interface PrunedLayer {
  name: string;
  pattern: PrunePattern;
  weights: number;
  /** Part of them that is zero now; of `channels`, part that is gone. */
  sparsity: number;
}

/** A layer that keeps its channels, and why. */
export interface KeptLayer {
  name: string;
  reason: string;
}

/** No layer of a global choice loses more. */
const MAX_SPARSITY = 0.95;

/**
 * Prunes the weights of convolutions, fully connected and recurrent layers, in float32 networks and
 * in quantized ones (whose scales stay). The two matrices of a recurrent layer `name` are layers of
 * their own here, `name/input` and `name/recurrent`.
 *
 * @returns a new graph, what became of each layer, and with the pattern `channels` the layers that
 *   could not lose any; the given graph is not changed
 * @throws KletError `BAD_ARGUMENT` for a sparsity outside of 0 to 1, a layer that there is not, or
 *   a global choice of channels
 */
export function prune(graph: Graph, options: PruneOptions): { graph: Graph; layers: PrunedLayer[]; kept: KeptLayer[] } {
  const work = cloneGraph(graph);
  const samples = options.samples && [...options.samples];
  if (options.pattern === 'channels') return { graph: work, ...pruneChannels(work, options, samples) };
  const chosen = chooseLayers(work, options, options.pattern);
  const shown = chosen.flatMap(({ layer }) => (layer.seen ? [layer] : []));
  const before = samples && shown.length > 0 ? inputRows(work, shown, samples) : undefined;
  const layers = chosen.map(({ layer, sparsity, pattern }, i): PrunedLayer => {
    options.onProgress?.(i, chosen.length, layer.name);
    const weights = realWeights(layer);
    let mask: Uint8Array;
    if (samples && layer.seen) {
      const moments = momentsOf(layer, before!.get(layer.name)!, inputRows(work, [layer], samples).get(layer.name)!);
      mask = cheapestMask(
        layer,
        unitCosts(layer, weights, pattern, curvature(moments, depthOf(pattern))),
        sparsity,
        pattern,
      );
      const fitted = refit(layer, moments, weights, mask);
      replaceWeights(layer, fitted.weights, mask);
      shiftBias(layer, fitted.shift);
    } else {
      mask = cheapestMask(layer, unitCosts(layer, weights, pattern), sparsity, pattern);
      replaceWeights(layer, weights, mask);
    }
    return {
      name: layer.name,
      pattern,
      weights: mask.length,
      sparsity: mask.filter((stays) => stays === 0).length / mask.length,
    };
  });
  checkGraph(work, 'prune');
  return { graph: work, layers, kept: [] };
}

function pruneChannels(
  work: Graph,
  options: PruneOptions,
  samples: readonly Sample[] | undefined,
): { layers: PrunedLayer[]; kept: KeptLayer[] } {
  if (options.scope === 'global') {
    throw new KletError(
      'BAD_ARGUMENT',
      'channels are pruned to the same part of each layer; how much a channel matters does not compare between layers',
    );
  }
  const layers: PrunedLayer[] = [];
  const kept: KeptLayer[] = [];
  const choices = pick(weightedLayers(work), options);
  choices.forEach(({ layer: { node, name, N, K }, sparsity }, i) => {
    options.onProgress?.(i, choices.length, name);
    const result = removeChannels(work, node, sparsity, samples);
    if (typeof result === 'string') kept.push({ name, reason: result });
    else layers.push({ name, pattern: 'channels', weights: N * K, sparsity: result / N });
  });
  checkGraph(work, 'prune');
  return { layers, kept };
}

interface Choice {
  layer: PrunableLayer;
  sparsity: number;
  pattern: UnitPattern;
}

function chooseLayers(graph: Graph, options: PruneOptions, pattern: UnitPattern | undefined): Choice[] {
  const choices = pick(prunableLayers(graph), options).map((choice): Choice => ({
    ...choice,
    pattern: pattern ?? (choice.layer.pixels === 1 || !choice.layer.isOnlyProduct ? 'blocks' : 'pairs'),
  }));
  return options.scope === 'global' && typeof options.sparsity === 'number' ? spread(choices) : choices;
}

/** The layers that the options mean, and how much of each goes. */
function pick(all: PrunableLayer[], { sparsity, keep = [] }: PruneOptions): Omit<Choice, 'pattern'>[] {
  const named = typeof sparsity === 'number' ? undefined : sparsity;
  const kept = new Set(keep);
  for (const name of [...Object.keys(named ?? {}), ...keep]) {
    if (!all.some((layer) => layer.name === name)) {
      throw new KletError(
        'BAD_ARGUMENT',
        `there is no layer "${name}" to prune; there are ${all.map((layer) => `"${layer.name}"`).join(', ')}`,
      );
    }
  }
  const choices = all.filter(({ name }) => !kept.has(name) && (named === undefined || name in named)).map((layer) => ({
    layer,
    sparsity: named?.[layer.name] ?? sparsity as number,
  }));
  const wrong = choices.find(({ sparsity: part }) => !(part >= 0 && part < 1));
  if (wrong) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the part of the weights that goes must be from 0 to below 1; it is ${wrong.sparsity}`,
    );
  }
  return choices;
}

/**
 * The same number of weights in all, spread by what their removal costs of what a layer has left by
 * then (LAMP: J. Lee et al., arXiv:2010.07611).
 */
function spread(choices: Choice[]): Choice[] {
  const layers = choices.map(({ layer, pattern }) => {
    const costs = unitCosts(layer, realWeights(layer), pattern).sort();
    return { scores: scoresOf(costs), size: layer.N * layer.K / costs.length };
  });
  // units of several weights count for as many, and cost as much more
  const units = layers.flatMap(({ scores, size }) => Array.from(scores, (score) => ({ score: score / size, size })))
    .sort((a, b) => a.score - b.score);
  let left = choices.reduce((sum, { layer, sparsity }) => sum + layer.N * layer.K * sparsity, 0);
  const limit = units.find(({ size }) => (left -= size) < 0)?.score ?? Infinity;
  return choices.map((choice, i) => {
    const { scores, size } = layers[i]!;
    return {
      ...choice,
      sparsity: Math.min(MAX_SPARSITY, scores.filter((score) => score / size < limit).length / scores.length),
    };
  });
}

/** Of rising costs: each as a part of itself and those above. */
function scoresOf(costs: Float64Array): Float64Array {
  let above = 0;
  return costs.map((_, i) => {
    const cost = costs[costs.length - 1 - i]!;
    above += cost;
    return cost / (above || 1);
  }).reverse();
}
