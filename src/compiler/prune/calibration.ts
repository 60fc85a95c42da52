import { loadCompiled } from '../runtime';
import { KletError } from '../../errors';
import { cloneGraph, tensorsOf } from '../../graph/edit';
import type { Graph } from '../../graph/graph';
import type { InputArray } from '../../runtime/types';
import { compile } from '../compile';
import { gatherRow } from '../rows';
import type { PrunableLayer } from './layers';

/** Inputs of one prediction, as `predict` takes them. */
export type Sample = InputArray | Record<string, InputArray>;

/**
 * Rows sampled per input channel (4), so that the covariance estimate is stable. The maximum per
 * sample is below.
 */
const ROWS_PER_PRODUCT = 4;
const MIN_ROWS = 1024;
const MAX_ROWS_PER_SAMPLE = 256;

/** Sampled input rows of a layer, real values [rows][K]. */
export interface Rows {
  count: number;
  values: Float32Array;
}

/**
 * Runs the samples up to the inputs of `layers`, which must be visible in a run, and picks rows.
 * For each layer and sample the pixels are always the same, whatever the weights are.
 */
export function inputRows(
  graph: Graph,
  layers: readonly PrunableLayer[],
  samples: readonly Sample[],
): Map<string, Rows> {
  if (samples.length === 0) {
    throw new KletError(
      'BAD_ARGUMENT',
      'pruning with samples needs at least one sample: inputs that are typical for the network',
    );
  }
  const watched = cloneGraph(graph);
  const byName = new Map(tensorsOf(watched).map((tensor) => [tensor.name, tensor]));
  const inputs = [...new Set(layers.map(({ seen }) => seen!))];
  watched.outputs = inputs.map((tensor) => byName.get(tensor.name)!);
  const model = loadCompiled(compile(watched, { debugInfo: false }));
  const rows = new Map<string, Rows>();
  const perSample = layers.map(({ K, pixels }) =>
    Math.min(pixels, MAX_ROWS_PER_SAMPLE, Math.ceil(Math.max(MIN_ROWS, ROWS_PER_PRODUCT * K) / samples.length))
  );
  layers.forEach(({ name, K }, i) =>
    rows.set(name, { count: 0, values: new Float32Array(perSample[i]! * samples.length * K) })
  );
  samples.forEach((sample, s) => {
    model.reset();
    const raw = model.predict(sample, { output: 'raw' });
    layers.forEach((layer, i) => {
      const index = inputs.indexOf(layer.seen!);
      const values = model.outputs.length === 1 ? raw : raw[model.outputs[index]!.name]!;
      const to = rows.get(layer.name)!;
      for (let r = 0; r < perSample[i]!; r++) {
        // spread over the image, and shifted from sample to sample
        const pixel = Math.floor((r + ((s * 0.618034) % 1)) * layer.pixels / perSample[i]!);
        gatherRow(layer, values as unknown as ArrayLike<number>, pixel, to.values, to.count++ * layer.K);
      }
    });
  });
  model.dispose();
  return rows;
}
