import { isArrayOf, isString, show, type Options } from '../../arguments';
import { KletError } from '../../errors';
import type { AnyNode, Graph } from '../../graph/graph';
import type { ActivationBits } from './activationBits';
import type { CalibrationMethod } from './calibration';
import type { Samples } from './observe';
import { ruleOf } from './rules';
import type { WeightBits } from './weights';

export interface QuantizeOptions {
  /**
   * Typical inputs; the ranges of their activations determine the scales. A few hundred are usual.
   * A network with state is reset before each sample, so its samples should be arrays of
   * consecutive inputs.
   */
  samples: Samples;
  /** Keep inputs and outputs float32 (default false: int8 with scale and zero point). */
  floatIo?: boolean;
  /**
   * How the ranges of activations are chosen: by their extremes (`minMax`), without the 0.01 % of
   * the values at each end (`percentile`), by the least squared error (`mse`), by the least
   * Kullback-Leibler divergence (`entropy`), or, by default, for each tensor by the one of these
   * with which its readers see the least error (`auto`).
   */
  calibration?: CalibrationMethod | 'auto';
  /**
   * Bits of the weights, for all layers or by name of layer (default 8). Weights of 7 bits lie
   * within ±63, of 4 bits from −8 to 7. The file stores 4 bits in half a byte, 7 bits in a byte.
   */
  weightBits?: WeightBits | Record<string, WeightBits>;
  /**
   * Multiply channels that are small beside others of their tensor by factors, and divide them
   * again in the layers that read them, where that lowers the error (default true).
   */
  equalize?: boolean;
  /**
   * `fitted` (default) chooses weights and biases for which each layer computes what it computes in
   * the float32 network, with the inputs that it has in the int8 one; this takes some seconds.
   * `nearest` rounds each weight by itself.
   */
  rounding?: 'nearest' | 'fitted';
  /**
   * Bits of the activations, for all nodes or by name of node (default 8). Activations of 16 bits
   * are symmetric int16, with int8 weights and biases of 64 bits. Recurrent layers and states stay
   * int8. Nodes that are not named have 8 bits, or, if they only move values, those of their input.
   */
  activationBits?: ActivationBits | Record<string, ActivationBits>;
  /**
   * Names of the nodes that stay in float32, and `auto` for those that have to: with
   * `auto`, by itself or among the names, nodes are given 16-bit activations or kept in float32
   * until every output has an SQNR of 30 dB, or for class scores the best class of the float32
   * network for 99 % of the samples. Every fourth sample decides, and does not fit the weights.
   */
  keep?: 'auto' | readonly string[];
  /**
   * Called in each stage with the number of samples, layers or trials that are done, of so many if
   * that is known.
   */
  onProgress?(stage: string, done: number, total?: number): void;
}

/** Stands for the nodes that have to stay in float32. */
const AUTO = 'auto';

export const quantizeOptions = {
  samples: 'object',
  floatIo: 'boolean',
  calibration: 'string',
  weightBits: 'any',
  activationBits: 'any',
  equalize: 'boolean',
  rounding: 'string',
  keep: 'any',
  onProgress: 'function',
} satisfies Options<QuantizeOptions>;

export const methods = { auto: true, minMax: true, percentile: true, mse: true, entropy: true } satisfies Record<
  CalibrationMethod | 'auto',
  true
>;
export const roundings = { fitted: true, nearest: true };

/** The nodes to keep in float32, and whether others are to be found. */
export interface Asked {
  names: Set<string>;
  auto: boolean;
}

/** The option `keep`, checked. */
export function askedNodes(graph: Graph, keep: unknown): Asked {
  const names = keep === AUTO ? [AUTO] : keep;
  if (!isArrayOf(names, isString)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `the option "keep" of quantize() takes "auto" or an array of names of nodes, not ${show(keep)}`,
    );
  }
  const known = new Set(graph.nodes.map(({ name }) => name));
  const given = new Set(names as string[]);
  const auto = given.delete(AUTO);
  const missing = [...given].find((name) => !known.has(name));
  if (missing !== undefined) {
    throw new KletError(
      'BAD_ARGUMENT',
      `quantize() cannot keep "${missing}" in float32: "${graph.name}" has no node of this name`,
    );
  }
  return { names: given, auto };
}

/** Bits of the weights of a node as the option `weightBits` says. */
export function weightBitsOf(
  graph: Graph,
  bits: WeightBits | Record<string, WeightBits>,
): (node: AnyNode) => WeightBits {
  const byName = new Map(typeof bits === 'object' ? Object.entries(bits) : graph.nodes.map(({ name }) => [name, bits]));
  for (const [name, value] of byName) {
    if (![8, 7, 4].includes(value)) {
      throw new KletError(
        'BAD_ARGUMENT',
        `the option "weightBits" of quantize() is 8, 7 or 4, not ${show(value)}${
          typeof bits === 'object' ? ` for "${name}"` : ''
        }`,
      );
    }
    if (!graph.nodes.some((node) => node.name === name && ruleOf(node) === 'weights')) {
      if (typeof bits !== 'object') continue;
      throw new KletError(
        'BAD_ARGUMENT',
        `the option "weightBits" of quantize() names "${name}", but "${graph.name}" has no such layer with weights`,
      );
    }
  }
  return (node) => byName.get(node.name) ?? 8;
}
