import { loadCompiled } from '../runtime';
import { checkOptions, type Options } from '../../arguments';
import { KletError } from '../../errors';
import type { Graph } from '../../graph/graph';
import { checkGiven, checkSamples } from '../check';
import { compile } from '../compile';
import type { Sample } from './calibration';
import { prunableLayers, weightedLayers } from './layers';
import { prune, type PruneOptions } from './prune';

export interface LayerSensitivity {
  name: string;
  weights: number;
  /**
   * Relative error of the network's outputs if only this layer is pruned: 0 means unchanged, 1 is
   * the error of outputs that are all zero.
   */
  error: number;
}

/** Options of `sensitivity`. */
export interface SensitivityOptions extends Pick<PruneOptions, 'pattern' | 'onProgress'> {
  /** Fraction of a layer's weights to remove, 0 ≤ sparsity < 1. */
  sparsity: number;
  /** Inputs that are typical for the network. */
  samples: Iterable<Sample>;
}

const sensitivityOptions = {
  sparsity: 'number',
  samples: 'object',
  pattern: 'string',
  onProgress: 'function',
} satisfies Options<SensitivityOptions>;

/**
 * Prunes one layer at a time, by magnitude, and compares the outputs for the samples with those of
 * the unpruned network.
 *
 * @returns the layers in the network's order; with `channels` only those that can lose channels
 * @throws KletError `BAD_ARGUMENT` without samples
 */
export function sensitivity(graph: Graph, options: SensitivityOptions): LayerSensitivity[] {
  checkGiven(graph, 'sensitivity()');
  checkOptions(options, sensitivityOptions, 'sensitivity()');
  checkSamples(options.samples, 'sensitivity()');
  const { sparsity, pattern, onProgress } = options;
  const samples = [...options.samples];
  const layers = pattern === 'channels' ? weightedLayers(graph) : prunableLayers(graph);
  const before = answers(graph, samples);
  if (samples.length === 0) {
    throw new KletError('BAD_ARGUMENT', 'sensitivity() needs samples: inputs that are typical for the network');
  }
  return layers.flatMap(({ name, N, K }, i) => {
    onProgress?.(i, layers.length, name);
    const pruned = prune(graph, { sparsity: { [name]: sparsity }, ...(pattern && { pattern }) });
    if (pruned.layers.length === 0) return [];
    const after = answers(pruned.graph, samples);
    let distance = 0;
    let size = 0;
    before.forEach((values, at) =>
      values.forEach((value, j) => {
        distance += (value - after[at]![j]!) ** 2;
        size += value ** 2;
      })
    );
    return [{ name, weights: N * K, error: size > 0 ? Math.sqrt(distance / size) : 0 }];
  });
}

/** All outputs for all samples, as real values. */
function answers(graph: Graph, samples: readonly Sample[]): Float32Array[] {
  const model = loadCompiled(compile(graph, { debugInfo: false }));
  const all = samples.flatMap((sample) => {
    model.reset();
    const real = model.predict(sample);
    return model.outputs.length === 1
      ? [Float32Array.from(real as unknown as Float32Array)]
      : model.outputs.map(({ name }) => Float32Array.from(real[name]!));
  });
  model.dispose();
  return all;
}
