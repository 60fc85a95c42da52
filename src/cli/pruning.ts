import { InvalidArgumentError, Option, type Command } from 'commander';
import { lowRank, prunableLayerNames, prune, sensitivity, type Graph, type KeptLayer, type LayerSensitivity,
  type PrunedLayer, type PrunePattern } from '../compiler/index';
import { KletError } from '../index';
import { collect, positiveNumber } from './args';
import { writeAtomically } from './files';
import { LayerFinder } from './layers';
import type { Inputs } from './samples';
import { countText, percentText, plural, shortName, table } from './text';

const NAME_WIDTH = 24;

/** The options of `convert` for pruning. */
export interface PruningOptions {
  prune?: number | Record<string, number>;
  prunePattern?: PrunePattern;
  pruneScope?: 'layer' | 'global';
  pruneKeep?: string[];
  pruneSpare?: number;
  sensitivity?: string;
  lowRank?: number;
}

export function addPruningOptions(command: Command): void {
  command.option(
    '--prune <fraction>',
    'remove this fraction of the weights: 0.2, or LAYER=0.2 for some layers (repeatable); LAYER is a name, a pattern '
      + 'such as *conv*, or a number such as #2 (of kinglet inspect)',
    parseFraction,
  );
  const patterns = ['weights', 'pairs', 'blocks', 'channels'] satisfies PrunePattern[];
  const patternHelp = 'which weights are removed together (default: pairs; blocks in layers with one row and in '
    + 'recurrent layers); channels removes whole output channels, which makes the network smaller';
  command.addOption(new Option('--prune-pattern <pattern>', patternHelp).choices(patterns));
  const scopeHelp = 'remove the same fraction from each layer, or more where weights are small';
  command.addOption(new Option('--prune-scope <scope>', scopeHelp).choices(['layer', 'global']));
  command.option('--prune-keep <layer>', 'do not prune these layers (repeatable)', collect);
  command.option(
    '--prune-spare <n>',
    'do not prune the n layers whose pruning changes the outputs for the samples most',
    positiveNumber,
  );
  command.option('--sensitivity <file>', 'list how sensitive each layer is to pruning, and draw a chart (SVG)');
  command.option(
    '--low-rank <error>',
    'factor layers with float weights into two smaller layers where that saves weights, with this relative error '
      + 'of the weights (0.1 is 10 %)',
    parseError,
  );
}

function parseError(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('It must be at least 0 and less than 1.');
  return value;
}

function parseFraction(text: string, before?: number | Record<string, number>): number | Record<string, number> {
  const [, name, fraction] = /^(?:(.+)=)?([\d.]+)$/.exec(text) ?? [];
  const value = Number(fraction);
  if (!(value >= 0 && value < 1)) {
    throw new InvalidArgumentError('It must be a fraction of at least 0 and less than 1, or LAYER=FRACTION.');
  }
  if (before !== undefined && (name === undefined || typeof before === 'number')) {
    throw new InvalidArgumentError('Give one fraction for all layers, or LAYER=FRACTION for each.');
  }
  return name === undefined ? value : { ...before, [name]: value };
}

/** A pruned network. */
export interface Pruned {
  graph: Graph;
  /** For the user: a line, and tables. */
  summary?: string;
  report?: string;
  /** The error by layer, if `--sensitivity` asks for its chart. */
  ranking?: readonly LayerSensitivity[];
  provenance?: Record<string, unknown>;
}

/**
 * Factors and prunes the network as the options say.
 *
 * @param samples typical inputs, to choose and to fit the weights
 */
export function pruned(
  given: Graph,
  options: PruningOptions,
  samples: readonly Inputs[] | undefined,
  onProgress: (title: string) => void,
): Pruned {
  const { prunePattern: pattern, pruneScope: scope, pruneSpare: spare, sensitivity: chart } = options;
  const factored = options.lowRank === undefined ? undefined : lowRank(given, options.lowRank);
  const graph = factored?.graph ?? given;
  const factoredText = factored && lowRankText(factored.layers);
  const factoredBy = options.lowRank === undefined ? {} : { lowRank: options.lowRank };
  if (options.prune === undefined) {
    const stray = Object.entries({
      '--prune-pattern': pattern,
      '--prune-scope': scope,
      '--prune-keep': options.pruneKeep,
      '--prune-spare': spare,
      '--sensitivity': chart,
    }).find(([, value]) => value !== undefined);
    if (stray) throw new KletError('BAD_ARGUMENT', `${stray[0]} needs --prune, which says how much to prune`);
    return factoredText === undefined ? { graph } : { graph, summary: factoredText, provenance: factoredBy };
  }
  const layers = new LayerFinder({
    names: prunableLayerNames(graph, pattern),
    original: given,
    purpose: 'prune',
    lacks: 'has no weights that can be pruned',
  });
  const sparsity = sparsities(options.prune, layers);
  const keep = (options.pruneKeep ?? []).flatMap((reference) => layers.find(reference));
  const common = { ...(pattern && { pattern }) };
  const reporting = (what: string) => ({
    onProgress: (done: number, total: number, name: string) => onProgress(`${what} ${done + 1} of ${total}, ${name}`),
  });
  let ranking: LayerSensitivity[] = [];
  if (spare !== undefined || chart !== undefined) {
    if (!samples || typeof sparsity !== 'number') {
      const option = spare === undefined ? '--sensitivity' : '--prune-spare';
      throw new KletError(
        'BAD_ARGUMENT',
        `${option} prunes every layer by the same fraction and compares the errors on samples; `
          + 'give --prune a single fraction, and --samples',
      );
    }
    ranking = sensitivity(graph, { sparsity, samples, ...common, ...reporting('measuring layer') });
  }
  const spared = [...ranking].sort((a, b) => b.error - a.error).slice(0, spare ?? 0).map(({ name }) => name);
  const result = prune(graph, {
    sparsity,
    ...common,
    ...(scope && { scope }),
    keep: [...keep, ...spared],
    ...(samples && { samples }),
    ...reporting('pruning layer'),
  });
  const tables = [...(chart === undefined ? [] : [rankingTable(ranking, spared)]),
    ...(result.kept.length > 0 ? [keptTable(result.kept)] : [])];
  return {
    graph: result.graph,
    summary: [factoredText, summaryText(result, pattern)].filter(Boolean).join('; '),
    ...(tables.length > 0 && { report: tables.join('\n') }),
    ...(chart !== undefined && { ranking }),
    provenance: {
      ...factoredBy,
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

/** Writes the chart of `--sensitivity`, as SVG. */
export async function drawSensitivity(
  file: string,
  { name, ranking, sparsity }: { name: string; ranking: readonly LayerSensitivity[]; sparsity: number },
): Promise<void> {
  const { barChart, svgFile } = await import('./report/index');
  const chart = barChart({
    title: `${name}: error of the outputs with ${percentText(sparsity, 1)} of one layer pruned`,
    axis: `error of the outputs with ${percentText(sparsity, 1)} of one layer pruned`,
    bars: ranking.map((layer) => ({
      name: layer.name,
      value: layer.error,
      note: `${countText(layer.weights)} weights`,
    })),
    format: (error) => error.toFixed(3),
  });
  writeAtomically(file, new TextEncoder().encode(svgFile(chart)));
}

/** The fractions by name of layer; where references overlap, the last one counts. */
function sparsities(given: number | Record<string, number>, layers: LayerFinder): number | Record<string, number> {
  if (typeof given === 'number') return given;
  const pairs = Object.entries(given).flatMap(([reference, fraction]) =>
    layers.find(reference).map((name) => [name, fraction] as const)
  );
  return Object.fromEntries(pairs);
}

function sumOf<K extends string>(entries: readonly Record<K, number>[], key: K): number {
  return entries.reduce((sum, entry) => sum + entry[key], 0);
}

function lowRankText(layers: readonly { before: number; after: number }[]): string {
  const before = countText(sumOf(layers, 'before'));
  return `${plural(layers.length, 'layer')} factored by low rank: ${before} weights to ${
    countText(sumOf(layers, 'after'))
  }`;
}

function rankingTable(ranking: readonly LayerSensitivity[], spared: readonly string[]): string {
  const right = 'right' as const;
  return table(
    [{ head: 'layer' }, { head: 'weights', align: right }, { head: 'error', align: right }, { head: '' }],
    [...ranking].sort((a, b) => b.error - a.error).map(({ name, weights, error }) => {
      return [name, countText(weights), error.toFixed(3), spared.includes(name) ? 'spared' : ''];
    }),
  );
}

function keptTable(kept: readonly KeptLayer[]): string {
  return table(
    [{ head: 'keeps its channels' }, { head: 'because' }],
    kept.map(({ name, reason }) => {
      const shortened = reason.replace(/"(.*)"/, (_, other: string) => `"${shortName(other, NAME_WIDTH)}"`);
      return [shortName(name, NAME_WIDTH), shortened];
    }),
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
