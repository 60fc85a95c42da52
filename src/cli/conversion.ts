import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { importerOf, readKlet, type ClusteredWeights, type CompileOptions, type DebugInfo, type ForeignMeta,
  type PrunePattern } from '../compiler/index';
import { layersOf } from '../format/debugInfo';
import type { Model, TensorInfo } from '../index';
import { comparedText, comparisonTable, comparisonWarning, ruinText } from './comparison';
import type { Compressed, CompressionOptions } from './compression';
import { goldenCases, memoryText, operatorCounts, portsTable, preprocessingText, stripsText,
  totalMacs } from './describe';
import { pathText, STANDARD } from './files';
import type { Io } from './io';
import { readPreprocessing, readTask } from './meta';
import { storedBytes, type ForeignOptions } from './network';
import type { Printed, PrintOptions } from './printed';
import type { Progress } from './progress';
import { quantizationTables, quantizedText } from './quantizationText';
import { countOf } from './tensors';
import { bytesText, countText, facts, messageText, percentText, plural } from './text';
import { version } from './version';

// One conversion, and what `convert` says of it.

export interface ConvertOptions extends CompressionOptions, ForeignOptions, PrintOptions {
  output?: string;
  name?: string;
  labels?: string;
  preprocess?: string;
  task?: string;
  golden: number;
  strip?: boolean;
  compact?: boolean;
  maxMemory?: number;
  lessMemory?: boolean;
  stream?: boolean;
  frames?: number;
  timeAxis?: number;
  report?: string;
  json?: boolean;
}

/** One run of the command. */
export interface Job {
  input: string;
  /** The file to write, or the folder if the network is only printed as C. */
  output: string;
  /** Whether a `.klet` file is written. */
  isKlet: boolean;
  source: Uint8Array;
  options: ConvertOptions;
  labels: string[] | undefined;
  /** Labels and preprocessing that the foreign file contains. */
  foreign: ForeignMeta;
  progress: Progress;
}

export type NewMeta = NonNullable<CompileOptions['meta']>;

/** What a command knows of a network beside its graph. */
export interface GivenMeta {
  source: Uint8Array;
  input: string;
  name: string | undefined;
  /** The value of `--preprocess`. */
  preprocess: string | undefined;
  /** The value of `--task`. */
  task?: string | undefined;
  labels: readonly string[] | undefined;
  /** Labels and preprocessing that the foreign file contains. */
  foreign: ForeignMeta;
}

/** The entries for the META section of a foreign network. */
export function metaOf(
  { source, input, name, preprocess, task, labels, foreign }: GivenMeta,
  inputs: readonly TensorInfo[],
): NewMeta {
  return {
    ...foreign,
    ...(name !== undefined && { name }),
    ...(labels && { labels: [...labels] }),
    ...(preprocess !== undefined && { preprocessing: readPreprocessing(preprocess, inputs) }),
    ...(task !== undefined && { task: readTask(task) }),
    provenance: {
      converter: `kinglet ${version}`,
      format: importerOf(source)!.name,
      source: pathText(basename(input), 'standard input'),
      sha256: createHash('sha256').update(source).digest('hex'),
    },
  };
}

/** Warns of what a change of the weights may have cost. */
export function warnAboutChanges({ changes, samples, comparison, loss }: Compressed, io: Io): void {
  if (changes.length === 0) return;
  const warn = (text: string): void => {
    io.err(`kinglet: warning: ${messageText(text)}\n`);
  };
  if (!comparison || !samples) {
    const verb = changes.length === 1 ? 'changes' : 'change';
    warn(`${changes.join(' and ')} ${verb} the answers of the network, and without samples nothing was compared; `
      + 'pass typical inputs with --samples');
    return;
  }
  if (comparison.verdict === 'ruined') warn(`written because of --force, although ${ruinText(comparison)}`);
  else if (loss !== undefined) warn(`written because of --force, although ${loss}`);
  const warning = comparisonWarning(comparison);
  if (warning !== undefined) warn(warning);
}

/** The message about a network that lost too much: the result of the comparison, and advice. */
export function refusalText({ output }: Job, compressed: Compressed): string {
  const { changes, samples, comparison, quantization, loss } = compressed;
  const less: Record<string, string> = {
    '--int8': '--keep for the layers with the largest errors, or more samples',
    '--prune': 'a smaller --prune, or training while pruning',
    '--cluster': 'a larger --cluster',
    '--low-rank': 'a smaller --low-rank',
    '--recipe': 'the samples of the search',
  };
  const isRuined = comparison!.verdict === 'ruined';
  const target = output === STANDARD ? 'nothing was written' : `"${output}" was not written`;
  const reason = isRuined ? `the network is ruined, so ${target}: ${ruinText(comparison!)}` : `${target}: ${loss!}`;
  const pages = changes.map((change) => (change === '--int8' ? 'docs/quantization.md' : 'docs/pruning.md'));
  const tables = quantization ? `\n${quantizationTables(quantization)}` : '';
  return `kinglet: ${reason}\n\n${comparisonTable(comparison!)}${tables}\n`
    + `compared ${comparedText(samples!)}\n`
    + `try ${changes.map((change) => less[change]).join(', or ')} (${[...new Set(pages)].join(', ')}); `
    + 'if the new answers are as good as the old ones, --force writes the file\n';
}

/** Warns if the labels fit no output. */
export function warnAboutLabels(labels: number, outputs: readonly TensorInfo[], io: Io): void {
  if (outputs.some(({ shape }) => shape.at(-1) === labels || countOf(shape) === labels)) return;
  const classes = outputs.map(({ name, shape }) => `"${name}" has ${shape.at(-1) ?? 1}`).join(', ');
  const counts = `there are ${plural(labels, 'label')}, but ${classes}`;
  io.err(`kinglet: warning: ${counts}; "kinglet run" shows labels only if the numbers agree\n`);
}

/**
 * Number of layers that run on lists of their remaining weights. Pruning of channels removes
 * weights without leaving lists, so nothing is reported.
 */
function listedText(debugInfo: DebugInfo | undefined, pattern: PrunePattern | undefined): string | undefined {
  if (pattern === 'channels') return undefined;
  return debugInfo
    ? `${plural(layersOf(debugInfo).filter(({ layout }) => layout && layout !== 'nibbles').length, 'layer')} faster`
    : 'layers made faster where that pays';
}

function clusteredText(clustered: readonly ClusteredWeights[]): string {
  if (clustered.length === 0) return 'no layer, because none with enough weights has more values';
  const most = Math.max(...clustered.map(({ after }) => after));
  const weights = clustered.reduce((sum, entry) => sum + entry.weights, 0);
  const error = percentText(Math.max(...clustered.map((entry) => entry.error)), 1);
  const layers = plural(clustered.length, 'layer');
  return `${countText(weights)} weights in ${layers} to at most ${most} values; largest error of a layer ${error}`;
}

/** Metadata from the foreign file, unless options replace it. */
function metadataText({ foreign: { labels, preprocessing }, labels: given, options }: Job): string | undefined {
  const texts = [labels && !given && plural(labels.length, 'label'),
    preprocessing && options.preprocess === undefined && `images: ${preprocessingText(preprocessing)}`];
  const known = texts.filter((text) => typeof text === 'string');
  return known.length > 0 ? `from the file: ${known.join(', ')}` : undefined;
}

/** The result of a conversion. */
export function summary(
  job: Job,
  klet: Uint8Array,
  model: Model,
  compressed: Compressed | undefined,
  programs: Record<string, Printed>,
): string {
  const { input, output, isKlet, source, options } = job;
  const bytes = storedBytes(source, input);
  const parts = readKlet(klet);
  const { debugInfo } = parts;
  const count = goldenCases(parts);
  const { pruning, quantization, clustered, comparison, report } = compressed ?? {};
  const lines = facts({
    read: `${pathText(input, 'standard input')}, ${bytesText(bytes)}`,
    wrote: isKlet
      ? `${pathText(output, 'standard output')}, ${bytesText(klet.length)} (${percentText(klet.length, bytes)})`
      : undefined,
    ...Object
      .fromEntries(Object.entries(programs).map(([language, { files, memory }]) => [language, `${
        files.map(({ path }) => path).join(', ')
      }\n${memory}`])),
    metadata: metadataText(job),
    operators: debugInfo && `${layersOf(debugInfo).length}: ${operatorCounts(debugInfo)}`,
    strips: debugInfo && stripsText(debugInfo, parts.arenaBytes),
    MACs: debugInfo && `${countText(totalMacs(debugInfo))} a prediction`,
    pruned: pruning && [pruning, listedText(debugInfo, options.prunePattern)].filter(Boolean).join('; '),
    quantized: quantization && quantizedText(quantization),
    clustered: clustered && clusteredText(clustered),
    compared: compressed && comparedFact(compressed),
    memory: memoryText(model.memory),
    verified: count > 0 ? `all flavors reproduce its ${plural(count, 'golden case')}` : 'loads and runs in all flavors',
  });
  const tables = [comparison && comparisonTable(comparison), quantization && quantizationTables(quantization), report];
  return [lines, portsTable(model.inputs, model.outputs), ...tables].filter((part) => part !== undefined).join('\n');
}

function comparedFact({ changes, samples }: Compressed): string | undefined {
  if (samples) return comparedText(samples);
  return changes.length > 0 ? 'not compared with the original: no --samples' : undefined;
}
