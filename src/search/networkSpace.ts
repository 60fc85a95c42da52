import { lowRank } from '../compiler/prune/lowRank';
import { prune } from '../compiler/prune/prune';
import type { WeightBits } from '../compiler/quantize/weights';
import type { Graph } from '../graph/graph';
import { layersOf, type Layer } from './layers';
import type { LayerPruning, Recipe } from './recipe';
import type { Parameter, ParameterValue, ParameterValues, SearchSpace } from './space';

// The space of the recipes for a network, and the recipe of a point in it.

/** What is varied. */
export type SearchDimension = 'bits' | 'sparsity' | 'pattern' | 'channels' | 'lowRank' | 'activationBits' | 'keep'
  | 'cluster';

export const dimensions = {
  bits: true,
  sparsity: true,
  pattern: true,
  channels: true,
  lowRank: true,
  activationBits: true,
  keep: true,
  cluster: true,
} satisfies Record<SearchDimension, true>;

/** What is varied if nothing is said. */
export const usualDimensions: readonly SearchDimension[] = ['bits', 'sparsity', 'pattern', 'channels', 'lowRank'];

/** A layer has parameters of its own if it holds this part of all weights; at most so many do. */
const OWN_SHARE = 0.04;
const MOST_OWN = 8;

const WEIGHT_BITS: readonly WeightBits[] = [8, 7, 4];
const FLOAT = 'float';
const DENSE = 'dense';
const CHANNEL_PARTS = [0.125, 0.25, 0.375, 0.5];
const LOW_RANK_ERRORS = [0.05, 0.1, 0.2, 0.3];
/** What is removed. */
const [NOTHING, WEIGHTS, CHANNELS, BOTH] = ['nothing', 'weights', 'channels', 'both'] as const;
const CLUSTERS = [0, 64, 32, 16];
const SPARSITY = { min: 0.1, max: 0.8, step: 0.05 };

/** The layers that are not in a group of their own. */
const OTHERS = 'other layers';

/** A group of layers with the same parameters. */
export interface Group {
  name: string;
  layers: readonly Layer[];
}

/** The space of a network. */
export interface NetworkSpace {
  space: SearchSpace;
  /** The layers with parameters of their own, the largest first, and the others together. */
  groups: readonly Group[];
  isFloat: boolean;
}

/** @param isFloat whether the network is float32, so that it can be quantized */
export function networkSpace(graph: Graph, included: readonly SearchDimension[], isFloat: boolean): NetworkSpace {
  const has = (dimension: SearchDimension): boolean => included.includes(dimension);
  const groups = groupsOf(layersOf(graph));
  const space: Record<string, Parameter> = {};
  if (isFloat) {
    const choices = [...(has('bits') ? WEIGHT_BITS : [8]), ...(has('keep') ? [FLOAT] : [])];
    if (choices.length > 1) { for (const { name } of groups) space[`bits ${name}`] = { choices }; }
    if (has('activationBits')) space['activation bits'] = { choices: [8, 16] };
    if (has('cluster')) space.cluster = { choices: CLUSTERS };
  }
  const errors = has('lowRank') ? distinctErrors(graph) : [];
  if (errors.length > 0) space['low rank'] = { choices: [0, ...errors] };
  const prunable = groups.filter(({ name, layers }) => name !== OTHERS && layers.every(({ isPrunable }) => isPrunable));
  const canPrune = has('sparsity') && prunable.length > 0;
  const canThin = has('channels') && losesChannels(graph);
  // few networks bear that weights are removed everywhere, so it is one choice whether to do it
  if (canPrune || canThin) {
    const ways = [...(canPrune ? [WEIGHTS] : []), ...(canThin ? [CHANNELS] : []),
      ...(canPrune && canThin ? [BOTH] : [])];
    space.remove = { choices: [NOTHING, ...ways] };
  }
  if (canThin) space.channels = { choices: CHANNEL_PARTS, when: { remove: [CHANNELS, BOTH] } };
  if (canPrune) {
    const patterns = has('pattern') ? ['weights', 'pairs'] : ['pairs'];
    for (const { name } of prunable) {
      space[`pattern ${name}`] = { choices: [DENSE, ...patterns], when: { remove: [WEIGHTS, BOTH] } };
      space[`sparsity ${name}`] = { ...SPARSITY, when: { [`pattern ${name}`]: patterns } };
    }
  }
  return { space, groups, isFloat };
}

function groupsOf(layers: readonly Layer[]): Group[] {
  const all = layers.reduce((sum, { weights }) => sum + weights, 0);
  const own = [...layers].sort((a, b) => b.weights - a.weights).slice(0, MOST_OWN).filter(({ weights }) =>
    weights >= OWN_SHARE * all
  );
  const others = layers.filter((layer) => !own.includes(layer));
  const alone = own.map((layer) => ({ name: layer.short, layers: [layer] }));
  return others.length > 0 ? [...alone, { name: OTHERS, layers: others }] : alone;
}

/** The errors at which `lowRank` gives different networks. */
function distinctErrors(graph: Graph): number[] {
  const hasIntegers = graph.nodes.some(({ inputs }) =>
    inputs.some((tensor) => tensor?.data && tensor.dtype === 'int8')
  );
  if (hasIntegers) return [];
  const known = new Set([JSON.stringify([])]);
  return LOW_RANK_ERRORS.filter((error) => {
    const factored = JSON.stringify(lowRank(graph, error).layers);
    return !known.has(factored) && known.add(factored);
  });
}

function losesChannels(graph: Graph): boolean {
  return prune(graph, { sparsity: CHANNEL_PARTS[0]!, pattern: 'channels' }).layers.some(({ sparsity }) => sparsity > 0);
}

/** The recipe of a point. */
export function recipeOf(values: ParameterValues, { groups, isFloat }: NetworkSpace): Recipe {
  const valueOf = (name: string): ParameterValue | undefined => values[name];
  const pruned = groups.flatMap(({ name }): [string, LayerPruning][] => {
    const pattern = valueOf(`pattern ${name}`);
    if (pattern === undefined || pattern === DENSE) return [];
    return [[name, { sparsity: valueOf(`sparsity ${name}`) as number, pattern: pattern as 'weights' | 'pairs' }]];
  });
  const [factored, channels, clusters] = ['low rank', 'channels', 'cluster'].map((name) => valueOf(name) as number);
  return {
    ...(factored ? { lowRank: factored } : {}),
    ...(channels ? { channels } : {}),
    ...(pruned.length > 0 && { prune: Object.fromEntries(pruned) }),
    ...(isFloat && { int8: int8Of(values, groups) }),
    ...(clusters ? { cluster: clusters } : {}),
  };
}

function int8Of(values: ParameterValues, groups: readonly Group[]): NonNullable<Recipe['int8']> {
  const chosen = groups.flatMap(({ name, layers }) =>
    layers.map(({ short }) => ({ short, bits: (values[`bits ${name}`] ?? 8) as WeightBits | typeof FLOAT }))
  );
  const keep = chosen.filter(({ bits }) => bits === FLOAT).map(({ short }) => short);
  const counts = WEIGHT_BITS.map((bits) => chosen.filter((layer) => layer.bits === bits).length);
  // the most frequent bits are those of all layers, so that the recipe is short
  const common = WEIGHT_BITS[counts.indexOf(Math.max(...counts))]!;
  const own = chosen.filter(({ bits }) => bits !== FLOAT && bits !== common).map(({ short, bits }) => [short, bits]);
  const activationBits = values['activation bits'];
  return {
    bits: common,
    ...(own.length > 0 && { layers: Object.fromEntries(own) as Record<string, WeightBits> }),
    ...(activationBits === 16 && { activationBits }),
    ...(keep.length > 0 && { keep }),
  };
}
