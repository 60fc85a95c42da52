import type { Command } from 'commander';
import { cluster, compare, type ClusteredWeights, type Comparison, type Graph } from '../compiler/index';
import { KletError, type Preprocessing } from '../index';
import { collect, positiveNumber } from './args';
import { addPruningOptions, drawSensitivity, pruned, type PruningOptions } from './pruning';
import { readSamples, splitSamples, type Samples } from './samples';

/** The options of `convert` that change weights. */
export interface CompressionOptions extends PruningOptions {
  cluster?: number;
  samples?: string[];
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
}

export function addCompressionOptions(command: Command): void {
  command.option(
    '--cluster <n>',
    'replace the weights of each layer by the n values that fit them best (64: about 6 bits each with --compact)',
    positiveNumber,
  );
  addPruningOptions(command);
  command.option(
    '--samples <path>',
    'typical inputs, or folders of them: pruning fits the weights to three in four, and the network before and after '
      + 'is compared on the rest (repeatable)',
    collect,
  );
  command.option('--force', 'write the file even if the comparison finds that the network is ruined');
}

/** The given options that change weights. */
export function weightChanges({ prune, cluster: values, lowRank }: CompressionOptions): string[] {
  const changes = { '--prune': prune, '--cluster': values, '--low-rank': lowRank };
  return Object.entries(changes).filter(([, value]) => value !== undefined).map(([option]) => option);
}

/**
 * Changes the weights as the options say, and compares the network before and after on the samples.
 *
 * @param onProgress called with the name of each stage as it begins
 */
export async function compress(
  original: Graph,
  options: CompressionOptions,
  preprocessing: Preprocessing | undefined,
  onProgress: (title: string) => void,
): Promise<Compressed> {
  const changes = weightChanges(options);
  if (options.samples && changes.length === 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      '--samples needs an option that changes weights: --prune, --cluster or --low-rank',
    );
  }
  const samples = options.samples &&
    splitSamples(readSamples(options.samples, original, preprocessing), options.prune !== undefined);
  const result = pruned(original, options, samples?.fitting, onProgress);
  const { graph: sparse, summary, report, provenance, ranking } = result;
  if (ranking) {
    const { name } = original;
    await drawSensitivity(options.sensitivity!, { name, ranking, sparsity: options.prune as number });
  }
  const { graph, clustered } = options.cluster === undefined
    ? { graph: sparse, clustered: undefined }
    : cluster(sparse, options.cluster);
  if (samples) onProgress('comparing with the original');
  const comparison = samples && compare(original, graph, samples.comparing);
  return {
    graph,
    changes,
    ...(summary !== undefined && { pruning: summary }),
    ...(clustered && { clustered }),
    ...(report !== undefined && { report }),
    provenance: { ...provenance, ...(clustered && { clustered: options.cluster }) },
    ...(samples && { samples }),
    ...(comparison && { comparison }),
  };
}
