import { checkObject, checkOptions, checkWhole, isArrayOf, isString, show, type Options } from '../arguments';
import { checkGiven, checkSamples, isSequence } from '../compiler/check';
import { cluster } from '../compiler/cluster';
import { lowRank } from '../compiler/prune/lowRank';
import { prune } from '../compiler/prune/prune';
import type { PrunePattern } from '../compiler/prune/units';
import type { ActivationBits } from '../compiler/quantize/activationBits';
import type { QuantizeOptions } from '../compiler/quantize/options';
import { quantize } from '../compiler/quantize/quantize';
import type { WeightBits } from '../compiler/quantize/weights';
import { KletError } from '../errors';
import type { Graph } from '../graph/graph';
import { layerNamed, layersOf, originalName, quantizableNodes } from './layers';

/** How a layer is pruned. */
export interface LayerPruning {
  /** Fraction of the weights that are removed, 0 ≤ sparsity < 1. */
  sparsity: number;
  /** Default: as for `prune`. */
  pattern?: Exclude<PrunePattern, 'channels'>;
}

/**
 * What is done to a network to make it smaller, in this order. Layers are named as in the network,
 * or by the first part of a name that converters joined with ";".
 */
export interface Recipe {
  /** Factor layers into two smaller ones, with this relative error of the weights (`lowRank`). */
  lowRank?: number;
  /** Remove this fraction of the channels of each layer that can lose some (`prune`). */
  channels?: number;
  /** Remove weights of layers (`prune`). */
  prune?: Record<string, LayerPruning>;
  /** Quantize the network (`quantize`). */
  int8?: {
    /** Bits of the weights (default 8). */
    bits?: WeightBits;
    /** Bits of the weights of some layers. */
    layers?: Record<string, WeightBits>;
    activationBits?: ActivationBits;
    /** Layers that stay float32. */
    keep?: readonly string[];
  };
  /** Limit the quantized weights of each layer to so many values (`cluster`). */
  cluster?: number;
}

const recipeOptions = {
  lowRank: 'any',
  channels: 'number',
  prune: 'object',
  int8: 'object',
  cluster: 'any',
} satisfies Options<Recipe>;

const int8Options = { bits: 'any', layers: 'object', activationBits: 'any', keep: 'object' } satisfies Options<
  NonNullable<Recipe['int8']>
>;

const pruningOptions = { sparsity: 'number', pattern: 'string' } satisfies Options<LayerPruning>;

/** Pruning reads at most so many samples, because more do not make it better. */
const PRUNING_SAMPLES = 64;

/** How carefully a recipe is applied. */
interface Care {
  /** Without fitting weights and ranges: enough to know how large the network becomes. */
  isDraft?: boolean;
}

/**
 * Makes a network smaller as a recipe says.
 *
 * @param samples typical inputs, as for `quantize`. Pruning uses at most 64 of them, spread over
 *   all.
 * @returns a new graph; the given one does not change
 * @throws KletError `BAD_ARGUMENT` for a recipe that does not fit the network, and as `lowRank`,
 *   `prune`, `quantize` and `cluster`
 * @example
 * ```js
 * const b = new GraphBuilder('scores'), x = b.input('x', [1, 64]);
 * const w = b.constant(Float32Array.from({ length: 640 }, (_, i) => Math.sin(i)), [10, 64]);
 * const y = b.node('fullyConnected', [x, w, null], { activation: 'none' }, { name: 'scores' });
 * const graph = b.finish([y]);
 * const wave = (n) => Float32Array.from({ length: 64 }, (_, i) => Math.cos(i * n));
 * const samples = Array.from({ length: 9 }, (_, n) => wave(n));
 * const recipe = { prune: { scores: { sparsity: 0.5, pattern: 'weights' } }, int8: { bits: 4 } };
 * const small = applyRecipe(graph, recipe, samples);
 * console.log(small.inputs[0].dtype, compile(small).length < compile(graph).length); // int8 true
 * ```
 */
export function applyRecipe(graph: Graph, recipe: Recipe, samples: QuantizeOptions['samples']): Graph {
  checkGiven(graph, 'applyRecipe()');
  checkRecipe(recipe);
  checkSamples(samples, 'applyRecipe()');
  return applied(graph, recipe, [...samples]);
}

type SampleOf<T> = T extends Iterable<infer S> ? S : never;
/** An input, or consecutive ones. */
export type RecipeSample = SampleOf<QuantizeOptions['samples']>;

/** The network of a checked recipe. */
export function applied(
  graph: Graph,
  recipe: Recipe,
  samples: readonly RecipeSample[],
  { isDraft = false }: Care = {},
): Graph {
  const layers = layersOf(graph);
  const nameOf = (reference: string): string => layerNamed(reference, layers);
  let work = graph;
  if (recipe.lowRank !== undefined) work = lowRank(work, recipe.lowRank).graph;
  const shown = isDraft ? undefined : pruningSamples(samples);
  const seen = shown && { samples: shown };
  if (recipe.channels !== undefined) {
    work = prune(work, { sparsity: recipe.channels, pattern: 'channels', ...seen }).graph;
  }
  const pruned = Object.entries(recipe.prune ?? {}).map(([name, pruning]) => ({ name: nameOf(name), ...pruning }));
  // prune() takes one pattern, so layers with the same are pruned together
  for (const pattern of new Set(pruned.map((layer) => layer.pattern))) {
    const together = pruned.filter((layer) => layer.pattern === pattern);
    const sparsity = Object.fromEntries(together.map((layer) => [layer.name, layer.sparsity]));
    work = prune(work, { sparsity, ...(pattern && { pattern }), ...seen }).graph;
  }
  if (recipe.int8) work = quantized(work, recipe.int8, nameOf, samples, isDraft);
  if (recipe.cluster !== undefined) work = cluster(work, recipe.cluster).graph;
  return work;
}

/** Samples that a draft runs, to know which tensors become int8. */
const DRAFT_SAMPLES = 4;

function quantized(
  graph: Graph,
  { bits = 8, layers = {}, activationBits, keep = [] }: NonNullable<Recipe['int8']>,
  nameOf: (reference: string) => string,
  samples: readonly RecipeSample[],
  isDraft: boolean,
): Graph {
  const own = new Map(Object.entries(layers).map(([name, value]) => [nameOf(name), value]));
  const kept = new Set(keep.map(nameOf));
  const nodes = quantizableNodes(graph);
  const weightBits = Object.fromEntries(nodes.map((node) => [node.name, own.get(originalName(node)) ?? bits]));
  const int8 = quantize(graph, {
    samples: isDraft ? spread(samples, DRAFT_SAMPLES) : samples,
    ...(nodes.length > 0 && { weightBits }),
    ...(activationBits !== undefined && { activationBits }),
    keep: graph.nodes.filter((node) => kept.has(originalName(node))).map(({ name }) => name),
    ...(isDraft && { rounding: 'nearest', calibration: 'minMax', equalize: false }),
  });
  // the counts of the samples would be a part of the size that is searched for
  delete int8.reference;
  return int8;
}

function pruningSamples(samples: readonly RecipeSample[]): Exclude<RecipeSample, readonly unknown[]>[] {
  // each of consecutive inputs is an input too
  const single = samples.flatMap((sample) => (isSequence(sample) ? [...sample] : [sample]));
  return spread(single, PRUNING_SAMPLES);
}

/** At most `count` elements, spread evenly. */
export function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor(i * list.length / count)]!);
}

/** @throws KletError `BAD_ARGUMENT` */
export function checkRecipe(recipe: unknown): asserts recipe is Recipe {
  checkObject(recipe, 'the recipe of applyRecipe()');
  checkOptions(recipe, recipeOptions, 'a recipe');
  const { channels, cluster: values, int8, prune: pruning } = recipe as Recipe;
  if (channels !== undefined && !(channels >= 0 && channels < 1)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `a recipe removes a fraction of the channels from 0 to 1, not ${show(channels)}`,
    );
  }
  if (values !== undefined) checkWhole(values, '"cluster" of a recipe', 2, 255);
  for (const [name, layer] of Object.entries(pruning ?? {})) {
    checkObject(layer, `"prune" of a recipe for "${name}"`);
    checkOptions(layer, pruningOptions, `"prune" of a recipe for "${name}"`);
    if ((layer as LayerPruning).pattern as unknown === 'channels' || (layer as LayerPruning).sparsity === undefined) {
      throw new KletError(
        'BAD_ARGUMENT',
        `"prune" of a recipe for "${name}" needs a sparsity, and no pattern "channels"`,
      );
    }
  }
  if (int8 === undefined) return;
  checkOptions(int8, int8Options, '"int8" of a recipe');
  const { bits, layers = {}, keep } = int8;
  checkObject(layers, 'the "layers" of a recipe');
  const wrong = [bits, ...Object.values(layers)].find((value) => value !== undefined && ![8, 7, 4].includes(value));
  if (wrong !== undefined) {
    throw new KletError('BAD_ARGUMENT', `the weights of a recipe have 8, 7 or 4 bits, not ${show(wrong)}`);
  }
  if (keep !== undefined && !isArrayOf(keep, isString)) {
    throw new KletError('BAD_ARGUMENT', `a recipe keeps layers by name, an array of texts, not ${show(keep)}`);
  }
}
