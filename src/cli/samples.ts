import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Graph } from '../compiler/index';
import type { InputArray, Preprocessing, TensorInfo } from '../index';
import { readInputs } from './inputs';
import { toBytes } from './tensors';

export type Sample = Record<string, InputArray>;

/** The files of `--samples`. */
export interface Samples {
  /** For choosing and fitting weights. */
  fitting: Sample[];
  /** For comparing the networks before and after. */
  comparing: Sample[];
  /** Whether the samples for comparing are held out, so that fitting does not see them. */
  isHeldOut: boolean;
}

/** One sample in four is held out: enough to see ruin, and most samples are left for fitting. */
const HELD_OUT_EVERY = 4;

/**
 * Splits the samples if weights are fitted to them. A folder often lists its files class by class,
 * so the held-out samples are spread over the list. A single sample serves both purposes.
 */
export function splitSamples(samples: readonly Sample[], isFitted: boolean): Samples {
  const distinct = withoutCopies(samples);
  if (!isFitted || distinct.length < 2) return { fitting: distinct, comparing: distinct, isHeldOut: !isFitted };
  const isHeldOut = (i: number): boolean => i % HELD_OUT_EVERY === 1;
  return {
    fitting: distinct.filter((_, i) => !isHeldOut(i)),
    comparing: distinct.filter((_, i) => isHeldOut(i)),
    isHeldOut: true,
  };
}

/** A copy of a sample in the other part would make the comparison look better than it is. */
function withoutCopies(samples: readonly Sample[]): Sample[] {
  const known = new Map(samples.map((sample) => [contentOf(sample), sample]));
  return [...known.values()];
}

function contentOf(sample: Sample): string {
  const hash = createHash('sha256');
  for (const array of Object.values(sample)) {
    hash.update(toBytes(ArrayBuffer.isView(array) ? array : Float64Array.from(array)));
  }
  return hash.digest('hex');
}

/** Reads files, and all files of folders, as inputs of the network. */
export function readSamples(
  paths: readonly string[],
  graph: Graph,
  preprocessing: Preprocessing | undefined,
): Sample[] {
  const files = paths.flatMap((path) => (isFolder(path) ? filesIn(path) : [path]));
  const ports = graph.inputs.map(({ name, dtype, shape, quantization }): TensorInfo => ({
    name,
    dtype: dtype as TensorInfo['dtype'],
    shape,
    ...(quantization && { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! }),
  }));
  return files.map((file) => readInputs([file], ports, { preprocessing, raw: ports.length > 1 }));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).sort().map((name) => join(folder, name)).filter((file) => !isFolder(file));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
