import { checkObject, checkOptions, isArrayOf, isString, show, type Options } from '../../arguments';
import { KletError } from '../../errors';
import { cloneGraph } from '../../graph/edit';
import type { Graph } from '../../graph/graph';
import { checkGiven, checkGraph, checkSamples } from '../check';
import { inputRows, type Sample } from './calibration';
import { removeChannels } from './channels';
import { prunableLayers, realWeights, replaceWeights, shiftBias, weightedLayers, type PrunableLayer } from './layers';
import { curvature, momentsOf, refit } from './refit';
import { cheapestMask, depthOf, unitCosts, type PrunePattern, type UnitPattern } from './units';

export interface PruneOptions {
  /**
   * Fraction of the weights to remove, 0 ≤ sparsity < 1: one for all layers, or by layer name.
   * Pairs are kept in groups of four, and a non-empty output keeps at least four. Layers with few
   * inputs may therefore end up less sparse than requested.
   */
  sparsity: number | Record<string, number>;
  /**
   * Which weights are removed together. The default has fast kernels: pairs, but blocks in layers
   * of one row and in recurrent layers. `channels` removes whole output channels and the inputs of
   * the following layers that read them, so the network gets smaller and faster without sparse
   * kernels.
   */
  pattern?: PrunePattern;
  /**
   * `layer` (default) prunes each layer to `sparsity`; `global` prunes layers more whose weights
   * are small relative to the rest of the layer.
   */
  scope?: 'layer' | 'global';
  /**
   * Typical inputs, as `predict` takes them; about 50 are enough. With samples, weights are chosen
   * by their effect on the outputs of the layer, and the remaining weights are refitted. Without
   * samples, and in recurrent matrices whose inputs are not visible in a run, the smallest weights
   * are removed.
   */
  samples?: Iterable<Sample>;
  /** Names of layers that are not pruned. */
  keep?: readonly string[];
  /** Called before each layer. */
  onProgress?: (done: number, total: number, name: string) => void;
}

export interface PrunedLayer {
  name: string;
  pattern: PrunePattern;
  weights: number;
  /** Fraction of the weights that are now zero; with `channels`, the fraction that was removed. */
  sparsity: number;
}

/** A layer that keeps all its channels, and the reason. */
export interface KeptLayer {
  name: string;
  reason: string;
}

const pruneOptions = {
  sparsity: 'any',
  pattern: 'string',
  scope: 'string',
  samples: 'object',
  keep: 'object',
  onProgress: 'function',
} satisfies Options<PruneOptions>;

const patterns = { weights: true, blocks: true, pairs: true, channels: true } satisfies Record<PrunePattern, true>;

/** Checks the options whose values are more restricted than their basic types. */
function checkChoices({ sparsity, pattern, scope, samples, keep }: PruneOptions): void {
  const wrong = (name: string, expected: string, found: unknown): KletError =>
    new KletError('BAD_ARGUMENT', `the option "${name}" of prune() is ${expected}, not ${show(found)}`);
  if (typeof sparsity !== 'number') checkObject(sparsity, 'the option "sparsity" of prune(), if it is not a number,');
  if (pattern !== undefined && !Object.hasOwn(patterns, pattern)) {
    throw wrong('pattern', `one of ${Object.keys(patterns).join(', ')}`, pattern);
  }
  if (scope !== undefined && scope !== 'layer' && scope !== 'global') throw wrong('scope', 'layer or global', scope);
  if (samples !== undefined) checkSamples(samples, 'prune()');
  if (keep !== undefined && !isArrayOf(keep, isString)) {
    throw wrong('keep', 'an array of names of layers', keep);
  }
}

/** Upper limit of a layer's sparsity with the scope `global`. */
const MAX_SPARSITY = 0.95;
/** An error lists at most this many layers. */
const LISTED = 8;

/**
 * Prunes the weights of convolutions, fully connected and recurrent layers of float32 or quantized
 * networks; scales do not change. The two matrices of a recurrent layer `name` count as separate
 * layers, `name/input` and `name/recurrent`.
 *
 * @returns a new graph, the sparsity of each layer, and with the pattern `channels` the layers that
 *   cannot lose channels; the given graph does not change
 * @throws KletError `BAD_ARGUMENT` for a sparsity outside 0 to 1, an unknown layer, or the pattern
 *   `channels` with the scope `global`
 */
export function prune(graph: Graph, options: PruneOptions): { graph: Graph; layers: PrunedLayer[]; kept: KeptLayer[] } {
  checkGiven(graph, 'prune()');
  checkOptions(options, pruneOptions, 'prune()');
  checkChoices(options);
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
      'channels need the scope "layer", because the importance of channels cannot be compared between layers',
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

/**
 * The names by which `PruneOptions` selects layers, in the network's order.
 *
 * @param pattern of the pruning; channels can be removed from other layers than weights
 */
export function prunableLayerNames(graph: Graph, pattern?: PrunePattern): string[] {
  checkGiven(graph, 'prunableLayerNames()');
  const layers = pattern === 'channels' ? weightedLayers(graph) : prunableLayers(graph);
  return layers.map(({ name }) => name);
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

/** The layers that the options select, with their sparsities. */
function pick(all: PrunableLayer[], { sparsity, keep = [] }: PruneOptions): Omit<Choice, 'pattern'>[] {
  const named = typeof sparsity === 'number' ? undefined : sparsity;
  const kept = new Set(keep);
  for (const name of [...Object.keys(named ?? {}), ...keep]) {
    if (!all.some((layer) => layer.name === name)) {
      throw new KletError('BAD_ARGUMENT', `there is no layer "${name}" to prune; there are ${listText(all)}`);
    }
  }
  const choices = all.filter(({ name }) => !kept.has(name) && (named === undefined || name in named)).map((layer) => ({
    layer,
    sparsity: named?.[layer.name] ?? sparsity as number,
  }));
  const wrong = choices.find(({ sparsity: part }) => !(typeof part === 'number' && part >= 0 && part < 1));
  if (wrong) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the sparsity must be at least 0 and less than 1; it is ${show(wrong.sparsity)}`,
    );
  }
  return choices;
}

function listText(layers: readonly PrunableLayer[]): string {
  const names = layers.slice(0, LISTED).map(({ name }) => `"${name}"`).join(', ');
  const others = layers.length - LISTED;
  return others > 0 ? `${names} and ${others} others, which prunableLayerNames() lists` : names;
}

/**
 * Distributes the same total number of removed weights over the layers. The score of a weight is
 * its cost relative to the weights that its layer has left by then (LAMP: J. Lee et al.,
 * arXiv:2010.07611).
 */
function spread(choices: Choice[]): Choice[] {
  const layers = choices.map(({ layer, pattern }) => {
    const costs = unitCosts(layer, realWeights(layer), pattern).sort();
    return { scores: scoresOf(costs), size: layer.N * layer.K / costs.length };
  });
  // a unit of several weights counts as that many weights, each with an equal part of its cost
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

/** For ascending costs, each cost divided by the sum of itself and all larger costs. */
function scoresOf(costs: Float64Array): Float64Array {
  let above = 0;
  return costs.map((_, i) => {
    const cost = costs[costs.length - 1 - i]!;
    above += cost;
    return cost / (above || 1);
  }).reverse();
}
