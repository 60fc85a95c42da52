import { loadSync } from '../runtime';
import { KletError } from '../../errors';
import type { Graph } from '../../graph/graph';
import { compile } from '../compile';
import type { Sample } from './calibration';
import { prunableLayers, weightedLayers } from './layers';
import { prune, type PruneOptions } from './prune';

export interface LayerSensitivity {
  name: string;
  weights: number;
  /**
   * How far the network's outputs go when this layer alone is pruned: 0 not at all, 1 as far as if
   * they were nothing.
   */
  error: number;
}

/**
 * Prunes one layer at a time, by size, and compares what the network answers to the samples with
 * what it answered before.
 *
 * @returns the layers in the network's order, of `channels` those that can lose some
 * @throws KletError `BAD_ARGUMENT` without samples
 */
export function sensitivity(
  graph: Graph,
  options: { sparsity: number; samples: Iterable<Sample> } & Pick<PruneOptions, 'pattern' | 'onProgress'>,
): LayerSensitivity[] {
  const { sparsity, pattern, onProgress } = options;
  const samples = [...options.samples];
  const layers = pattern === 'channels' ? weightedLayers(graph) : prunableLayers(graph);
  const before = answers(graph, samples);
  if (samples.length === 0) {
    throw new KletError('BAD_ARGUMENT', 'sensitivity() needs samples: inputs that stand for what the network will see');
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

/** All outputs of all samples, as real numbers. */
function answers(graph: Graph, samples: readonly Sample[]): Float32Array[] {
  const model = loadSync(compile(graph, { notes: false }));
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
