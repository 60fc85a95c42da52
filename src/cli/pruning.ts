import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { lowRank, prune, sensitivity, type Graph, type KeptLayer, type LayerSensitivity, type PrunedLayer,
  type PrunePattern } from '../compiler/index';
import { KletError, type Preprocessing, type InputArray, type TensorInfo } from '../index';
import { collect, positiveNumber } from './args';
import { writeAtomically } from './files';
import { readInputs } from './inputs';
import { sensitivityChart } from './sensitivityChart';
import { countText, percentText, plural, shortName, table } from './text';

const NAME_WIDTH = 24;

/** What `convert` is told about pruning. */
export interface PruningOptions {
  prune?: number | Record<string, number>;
  prunePattern?: PrunePattern;
  pruneScope?: 'layer' | 'global';
  pruneKeep?: string[];
  pruneSpare?: number;
  sensitivity?: string;
  samples?: string[];
  lowRank?: number;
}

export function addPruningOptions(command: Command): Command {
  return command.option(
    '--prune <part>',
    'remove so much of the weights: 0.8, or NAME=0.8 for one layer (several times)',
    parsePart,
  ).addOption(new Option(
    '--prune-pattern <pattern>',
    'what goes together (default: pairs; blocks in layers of one row and in recurrent layers); channels: whole outputs, for a smaller network',
  ).choices(['weights', 'pairs', 'blocks', 'channels'] satisfies PrunePattern[]))
    .addOption(new Option('--prune-scope <scope>', 'the same part of each layer, or more where weights are small')
      .choices(['layer', 'global'])).option(
      '--prune-keep <name>',
      'a layer that keeps all its weights; several times',
      collect,
    ).option(
      '--prune-spare <n>',
      'leave the n layers alone whose pruning changes the answers to the samples most',
      positiveNumber,
    ).option('--sensitivity <file>', 'show how much each layer matters to the samples, and draw it: an SVG picture')
    .option(
      '--samples <path>',
      'inputs, or folders of them, by which to choose what goes and to fit what stays; several times',
      collect,
    ).option(
      '--low-rank <error>',
      'split layers of float weights in two thinner ones where that takes less, at this error of the weights (0.1: a tenth)',
      parseError,
    );
}

function parseError(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('It must be from 0 to below 1.');
  return value;
}

function parsePart(text: string, before?: number | Record<string, number>): number | Record<string, number> {
  const [, name, part] = /^(?:(.+)=)?([\d.]+)$/.exec(text) ?? [];
  const value = Number(part);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('It must be a part from 0 to below 1, or NAME=PART.');
  if (before !== undefined && (name === undefined || typeof before === 'number')) {
    throw new InvalidArgumentError('It is given for all layers, or by name for each.');
  }
  return name === undefined ? value : { ...before, [name]: value };
}

/** The network as the options want it, and what to tell of it. */
export function pruned(
  given: Graph,
  options: PruningOptions,
  preprocessing: Preprocessing | undefined,
  onProgress: (title: string) => void,
): { graph: Graph; summary?: string; report?: string; provenance?: Record<string, unknown> } {
  const { prune: sparsity, prunePattern: pattern, pruneScope: scope, pruneKeep: keep = [], pruneSpare: spare,
    sensitivity: chart, samples: paths } = options;
  const factored = options.lowRank === undefined ? undefined : lowRank(given, options.lowRank);
  const graph = factored?.graph ?? given;
  const thinner = factored &&
    `${plural(factored.layers.length, 'layer')} split in two by low rank, ${
      countText(sumOf(factored.layers, 'before'))
    } weights to ${countText(sumOf(factored.layers, 'after'))}`;
  const asFactored = options.lowRank === undefined ? {} : { lowRank: options.lowRank };
  if (sparsity === undefined) {
    const stray = Object.entries({
      '--prune-pattern': pattern,
      '--prune-scope': scope,
      '--prune-keep': keep[0],
      '--prune-spare': spare,
      '--sensitivity': chart,
      '--samples': paths,
    }).find(([, value]) => value !== undefined);
    if (stray) throw new KletError('BAD_ARGUMENT', `${stray[0]} says how to prune, and --prune, how much, is missing`);
    return thinner === undefined ? { graph } : { graph, summary: thinner, provenance: asFactored };
  }
  const samples = paths && readSamples(paths, graph, preprocessing);
  const common = { ...(pattern && { pattern }) };
  const told = (what: string) => ({
    onProgress: (done: number, total: number, name: string) => onProgress(`${what} ${done + 1} of ${total}, ${name}`),
  });
  let ranking: LayerSensitivity[] = [];
  if (spare !== undefined || chart !== undefined) {
    if (!samples || typeof sparsity !== 'number') {
      throw new KletError(
        'BAD_ARGUMENT',
        `${
          spare === undefined ? '--sensitivity' : '--prune-spare'
        } compares layers pruned alike by their effect on samples: give --prune one number, and --samples`,
      );
    }
    ranking = sensitivity(graph, { sparsity, samples, ...common, ...told('trying layer') });
  }
  const spared = [...ranking].sort((a, b) => b.error - a.error).slice(0, spare ?? 0).map(({ name }) => name);
  if (chart !== undefined) {
    writeAtomically(
      chart,
      new TextEncoder()
        .encode(sensitivityChart(
          `${graph.name}: error of the outputs with ${percentText(sparsity as number, 1)} of one layer pruned`,
          ranking,
        )),
    );
  }
  const result = prune(graph, {
    sparsity,
    ...common,
    ...(scope && { scope }),
    keep: [...keep, ...spared],
    ...(samples && { samples }),
    ...told('pruning layer'),
  });
  return {
    graph: result.graph,
    summary: [thinner, summaryText(result, pattern)].filter(Boolean).join('; '),
    ...((chart !== undefined || result.kept.length > 0) &&
      {
        report: [chart !== undefined && rankingTable(ranking, spared), result.kept.length > 0 && keptTable(result.kept)]
          .filter(Boolean).join('\n'),
      }),
    provenance: {
      ...asFactored,
      pruned: {
        sparsity,
        ...(scope && { scope }),
        ...common,
        ...(spared.length > 0 && { spared }),
        samples: samples?.length ?? 0,
      },
    },
  };
}

function sumOf<K extends string>(entries: readonly Record<K, number>[], key: K): number {
  return entries.reduce((sum, entry) => sum + entry[key], 0);
}

function rankingTable(ranking: readonly LayerSensitivity[], spared: readonly string[]): string {
  const right = 'right' as const;
  return table(
    [{ head: 'layer' }, { head: 'weights', align: right }, { head: 'error', align: right }, { head: '' }],
    [...ranking].sort((a, b) => b.error - a.error).map((
      { name, weights, error },
    ) => [name, countText(weights), error.toFixed(3), spared.includes(name) ? 'spared' : '']),
  );
}

function keptTable(kept: readonly KeptLayer[]): string {
  return table(
    [{ head: 'keeps its channels' }, { head: 'because' }],
    kept.map(({ name, reason }) => [shortName(name, NAME_WIDTH), reason.replace(/"(.*)"/, (_, other: string) =>
      `"${shortName(other, NAME_WIDTH)}"`)]
    ),
  );
}

function summaryText(
  { layers, kept }: { layers: readonly PrunedLayer[]; kept: readonly KeptLayer[] },
  pattern: PrunePattern | undefined,
): string {
  if (pattern === 'channels') return `channels of ${plural(layers.length, 'layer')}; ${kept.length} could not lose any`;
  const all = layers.reduce((sum, { weights }) => sum + weights, 0);
  const gone = layers.reduce((sum, { weights, sparsity }) => sum + weights * sparsity, 0);
  return `${percentText(gone, all)} of ${countText(all)} weights in ${plural(layers.length, 'layer')}`;
}

function readSamples(
  paths: readonly string[],
  graph: Graph,
  preprocessing: Preprocessing | undefined,
): Record<string, InputArray>[] {
  const files = paths.flatMap((
    path,
  ) => (isFolder(path)
    ? readdirSync(path).sort().map((name) => join(path, name)).filter((file) => !isFolder(file))
    : [path])
  );
  const ports = graph.inputs.map(({ name, dtype, shape, quantization }): TensorInfo => ({
    name,
    dtype: dtype as TensorInfo['dtype'],
    shape,
    ...(quantization && { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! }),
  }));
  return files.map((file) => readInputs([file], ports, { preprocessing, raw: ports.length > 1 }));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
