import type { Command } from 'commander';
import { applyRecipe, cluster, compare, type ClusteredWeights, type Comparison, type Graph, type QuantizationReport,
  type QuantizeOptions, type Recipe } from '../compiler/index';
import { KletError, type Preprocessing } from '../index';
import { collect, positiveNumber } from './args';
import { addMediaOptions, mediaLimitsOf, type MediaOptions } from './mediaLimits';
import { addPruningOptions, drawSensitivity, pruned, type Pruned, type PruningOptions } from './pruning';
import { addQuantizationOptions, checkMaxLoss, lossText, quantized, type QuantizationOptions } from './quantization';
import { readRecipe } from './recipe';
import { findSamples, MOST_SAMPLES, splitSamples, type Inputs, type Samples } from './samples';

/** The options of `convert` that change weights. */
export interface CompressionOptions extends PruningOptions, QuantizationOptions, MediaOptions {
  cluster?: number;
  samples?: string[];
  recipe?: string;
  force?: boolean;
}

/** A network with changed weights. */
export interface Compressed {
  graph: Graph;
  /** The options that changed weights; empty if none did. */
  changes: string[];
  pruning?: string;
  clustered?: readonly ClusteredWeights[];
  /** Tables for the user. */
  report?: string;
  provenance: Record<string, unknown>;
  samples?: Samples;
  /** Before and after, if there are samples. */
  comparison?: Comparison;
  /** What `--int8` cost. */
  quantization?: QuantizationReport;
  /** What was lost beyond `--max-loss`. */
  loss?: string;
}

/** What `compress` tells while it works. */
export interface CompressionEvents {
  /** A stage begins, or has done so much of a total. */
  onProgress: (title: string, done?: number, total?: number) => void;
  /** How the first image or recording became the input. */
  note: (text: string) => void;
}

export function addCompressionOptions(command: Command): void {
  addQuantizationOptions(command);
  command.option(
    '--samples <path>',
    'typical inputs: images, .wav recordings, .npy or .npz arrays, raw tensors, or folders of them; quantization and '
      + 'pruning use three in four, and the network before and after is compared on the rest (repeatable)',
    collect,
  );
  command.option(
    '--cluster <n>',
    'replace the weights of each layer by the n values that fit them best (64: about 6 bits each with --compact)',
    positiveNumber,
  );
  addPruningOptions(command);
  addMediaOptions(command);
  command.option(
    '--recipe <file>',
    'repeat what kinglet search found: a .klet file that it wrote, or JSON; needs --samples',
  );
  command.option(
    '--force',
    'write the file even if the comparison finds that the network is ruined, or more is lost than --max-loss allows',
  );
}

/** The given options that change weights. */
export function weightChanges({ int8, prune, cluster: values, lowRank, recipe }: CompressionOptions): string[] {
  const changes = { '--int8': int8, '--prune': prune, '--cluster': values, '--low-rank': lowRank, '--recipe': recipe };
  return Object.entries(changes).filter(([, value]) => value !== undefined).map(([option]) => option);
}

/**
 * Changes the weights as the options say, and compares the network before and after on the samples.
 * Layers are factored and pruned as float32, then quantized, and then their int8 weights clustered.
 */
export async function compress(
  original: Graph,
  options: CompressionOptions,
  preprocessing: Preprocessing | undefined,
  { onProgress, note }: CompressionEvents,
): Promise<Compressed> {
  const changes = weightChanges(options);
  if (options.samples && changes.length === 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      '--samples needs an option that changes weights: --int8, --prune, --cluster, --low-rank or --recipe',
    );
  }
  const recipe = options.recipe === undefined ? undefined : recipeFor(options.recipe, changes, options.samples);
  const samples = options.samples && samplesFor(original, options, { preprocessing, note });
  if (recipe) return repeated(original, recipe, samples!, { options, onProgress });
  const result = await prunedFirst(original, options, samples, onProgress);
  const quantization = options.int8
    ? quantized(result.graph, options, { original, samples: samples!, onProgress })
    : undefined;
  const int8 = quantization?.graph ?? result.graph;
  const { graph, clustered } = options.cluster === undefined
    ? { graph: int8, clustered: undefined }
    : cluster(int8, options.cluster);
  // the report of the quantization compares with the network that it was given
  const isCompared = quantization && changes.length === 1;
  if (samples && !isCompared) onProgress('comparing with the original');
  const comparison = isCompared ? quantization.comparison : samples && compare(original, graph, samples.comparing);
  const loss = options.maxLoss && comparison && lossText(options.maxLoss, comparison);
  return {
    graph,
    changes,
    ...(result.summary !== undefined && { pruning: result.summary }),
    ...(clustered && { clustered }),
    ...(result.report !== undefined && { report: result.report }),
    provenance: {
      ...result.provenance,
      ...(quantization && { quantized: provenanceOf(options, samples!) }),
      ...(clustered && { clustered: options.cluster }),
    },
    ...(samples && { samples }),
    ...(comparison && { comparison }),
    ...(quantization && { quantization }),
    ...(loss !== undefined && { loss }),
  };
}

function recipeFor(file: string, changes: readonly string[], samples: readonly string[] | undefined): Recipe {
  const other = changes.find((change) => change !== '--recipe');
  if (other !== undefined) {
    throw new KletError('BAD_ARGUMENT', `--recipe says all that is done to the network; leave out ${other}`);
  }
  if (!samples) throw new KletError('BAD_ARGUMENT', '--recipe needs --samples, best the --data of the search');
  return readRecipe(file);
}

/** The network of a recipe. */
function repeated(
  original: Graph,
  recipe: Recipe,
  samples: Samples,
  { options, onProgress }: { options: CompressionOptions; onProgress: CompressionEvents['onProgress'] },
): Compressed {
  onProgress('following the recipe');
  const graph = applyRecipe(original, recipe, samples.fitting as unknown as QuantizeOptions['samples']);
  onProgress('comparing with the original');
  const comparison = compare(original, graph, samples.comparing);
  const loss = options.maxLoss && lossText(options.maxLoss, comparison);
  return {
    graph,
    changes: ['--recipe'],
    provenance: { recipe },
    samples,
    comparison,
    ...(loss !== undefined && { loss }),
  };
}

function samplesFor(
  graph: Graph,
  options: CompressionOptions,
  reading: { preprocessing: Preprocessing | undefined; note: (text: string) => void },
): Samples {
  const { samples: paths, maxSamples, maxLoss, prune, int8, recipe } = options;
  const limits = mediaLimitsOf(options);
  const found = findSamples(paths!, graph, { ...reading, limits }).spread(maxSamples ?? MOST_SAMPLES);
  if (maxLoss) checkMaxLoss(maxLoss, compare(graph, graph, found.spread(1)));
  return splitSamples(found, prune !== undefined || int8 === true || recipe !== undefined);
}

async function prunedFirst(
  original: Graph,
  options: CompressionOptions,
  samples: Samples | undefined,
  onProgress: (title: string) => void,
): Promise<Pruned> {
  // each of consecutive inputs is an input too
  const inputs = options.prune === undefined ? undefined : samples && inputsOf(samples);
  const result = pruned(original, options, inputs, onProgress);
  if (result.ranking) {
    const { name } = original;
    const { ranking } = result;
    await drawSensitivity(options.sensitivity!, { name, ranking, sparsity: options.prune as number });
  }
  return result;
}

function inputsOf({ fitting }: Samples): Inputs[] {
  return Array.from(fitting).flatMap((sample) => (Array.isArray(sample) ? sample : [sample]));
}

/** How the network was quantized, for META. */
function provenanceOf(options: CompressionOptions, { fitting }: Samples): object {
  const { calibration, equalize, floatIo, keep, rounding, weightBits, activationBits } = options;
  return {
    samples: fitting.length,
    ...(calibration && { calibration }),
    ...(rounding && { rounding }),
    ...(equalize === false && { equalize }),
    ...(weightBits && { weightBits: shortBits(weightBits) }),
    ...(activationBits && { activationBits: shortBits(activationBits) }),
    ...(keep && { keep }),
    ...(floatIo && { floatIo }),
  };
}

/** One number if all layers have the same bits; an empty name stands for all others. */
function shortBits(bits: Record<string, number>): number | Record<string, number> {
  return Object.keys(bits).length === 1 && bits[''] !== undefined ? bits[''] : bits;
}
