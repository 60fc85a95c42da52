import { checkChoice, checkOptions, isArrayOf, isString, show, type Options } from '../../arguments';
import { KletError } from '../../errors';
import { cloneGraph, tensorsOf } from '../../graph/edit';
import type { AnyNode, Graph } from '../../graph/graph';
import { checkGiven, checkGraph, checkSamples } from '../check';
import { dropDead } from '../passes/dropDead';
import { floatWeights } from '../passes/floatWeights';
import { fuseActivation } from '../passes/fuseActivation';
import { activationBitsOf, type ActivationBits } from './activationBits';
import type { CalibrationMethod } from './calibration';
import { choose, type Situation } from './choose';
import { equalized } from './equalized';
import { fitWeights } from './fit';
import { givenSamples } from './keptSamples';
import { observe, type Observations, type Samples } from './observe';
import { planQuantization } from './plan';
import { relevantRanges } from './relevant';
import { rewrite } from './rewrite';
import { ruleOf } from './rules';
import { checkFinite, checkInputs } from './safeguards';
import type { Sequence } from './stagedRun';
import type { Range } from './steps';
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
  /** Names of the nodes that stay in float32. */
  keep?: readonly string[];
  /** Called after each sample of each stage. */
  onProgress?(stage: string, done: number): void;
}

const quantizeOptions = {
  samples: 'object',
  floatIo: 'boolean',
  calibration: 'string',
  weightBits: 'any',
  activationBits: 'any',
  equalize: 'boolean',
  rounding: 'string',
  keep: 'object',
  onProgress: 'function',
} satisfies Options<QuantizeOptions>;

const methods = { auto: true, minMax: true, percentile: true, mse: true, entropy: true } satisfies Record<
  CalibrationMethod | 'auto',
  true
>;
const roundings = { fitted: true, nearest: true };

/**
 * Post-training quantization of a float32 network to int8: activations per tensor (asymmetric),
 * weights per output channel (symmetric), biases int32 (Jacob et al., "Quantization and Training of
 * Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).
 *
 * Nodes that int8 would ruin stay in float32.
 *
 * @returns a new graph; the given one is not changed
 * @throws KletError `BAD_ARGUMENT` without samples, or with samples that are all zero or infinite;
 *   `UNSUPPORTED_TYPE` for a network that is not float32
 * @example
 * ```js
 * const b = new GraphBuilder('sum'), x = b.input('x', [1, 2]);
 * const w = b.constant(new Float32Array([1, 1]), [1, 2]);
 * const graph = b.finish([b.node('fullyConnected', [x, w, null], { activation: 'none' })]);
 * const samples = [[0, 1], [1, 1], [0.5, 0.2]].map((sample) => new Float32Array(sample));
 * const int8 = quantize(graph, { samples });
 * console.log(int8.inputs[0].dtype); // int8
 * ```
 */
export function quantize(graph: Graph, options: QuantizeOptions): Graph {
  return quantizeFitted(prepare(graph, options), options);
}

/** The int8 network of a calibrated one, with its weights fitted unless `rounding` is `nearest`. */
export function quantizeFitted(prepared: Prepared, options: Pick<QuantizeOptions, 'rounding' | 'onProgress'>): Graph {
  const nearest = quantizePrepared(prepared);
  if (options.rounding === 'nearest') return nearest;
  const fitted = fitWeights(prepared.graph, nearest, prepared.samples, {
    bits: (node) => prepared.bitsOf(node),
    onProgress: (done) => options.onProgress?.('fitting', done),
  });
  checkGraph(fitted, 'fitWeights');
  return fitted;
}

/** A calibrated network, from which int8 networks can be made in several variants. */
export interface Prepared {
  /** The float32 network, with fused activations. */
  graph: Graph;
  /** Samples for later stages: all, or some if there are many. */
  samples: readonly Sequence[];
  observations: Observations;
  /** The range of each float32 tensor, by name. */
  ranges: Map<string, Range>;
  /** The nodes that stay in float32, by name, with the reason. */
  kept: Map<string, string>;
  bitsOf: (node: AnyNode) => WeightBits;
  /** Bits of a node's activations, if they are given. */
  activationBitsOf(node: AnyNode): ActivationBits | undefined;
  floatIo: boolean;
}

/** Runs the samples and chooses the ranges. */
export function prepare(graph: Graph, options: QuantizeOptions): Prepared {
  checkGiven(graph, 'quantize()');
  checkOptions(options, quantizeOptions, 'quantize()');
  checkSamples(options.samples, 'quantize()');
  const { samples, calibration: method = 'auto', rounding = 'fitted', floatIo = false } = options;
  checkChoice(method, methods, 'calibration', 'quantize()');
  checkChoice(rounding, roundings, 'rounding', 'quantize()');
  const work = cloneGraph(graph);
  floatWeights(work);
  const foreign = tensorsOf(work).find((tensor) => tensor.dtype === 'int8' || tensor.dtype === 'uint8');
  if (foreign) {
    throw new KletError(
      'UNSUPPORTED_TYPE',
      `"${graph.name}" is already quantized ("${foreign.name}" is ${foreign.dtype}); quantize() takes float32 networks`,
    );
  }
  dropDead(work);
  fuseActivation(work);
  checkGraph(work, 'fuseActivation');
  const asked = askedNodes(work, options.keep ?? []);
  const bitsOf = weightBitsOf(work, options.weightBits ?? 8);
  const wideBitsOf = activationBitsOf(work, options.activationBits ?? 8);
  const given = givenSamples(work, samples);
  const onSample = (done: number): void => options.onProgress?.('calibrating', done);
  const seen = observe(work, given.all, onSample);
  checkInputs(work, seen);
  const isFinite = [...seen.tensors.values()].every(({ notFinite }) => !notFinite);
  const network = (options.equalize ?? true) && isFinite ? equalized(work, given.some, { kept: asked, bitsOf }) : work;
  const observations = network === work ? seen : observe(network, given.all, onSample);
  const relevant = relevantRanges(network, observations);
  const situation: Situation = { graph: network, observations, relevant, samples: given.some };
  checkFinite(situation, network.inputs);
  const { ranges, kept } = choose(situation, method, asked, wideBitsOf);
  checkFinite(situation, planQuantization(network, ranges, new Set(kept.keys()), wideBitsOf).chosen.keys());
  const bits = { bitsOf, activationBitsOf: wideBitsOf };
  return { graph: network, samples: given.some, observations, ranges, kept, ...bits, floatIo };
}

/** The int8 network; `changes` replace what was prepared. */
export function quantizePrepared(
  prepared: Prepared,
  changes: Partial<Pick<Prepared, 'kept' | 'bitsOf' | 'activationBitsOf' | 'floatIo'>> = {},
): Graph {
  const chosen = { ...prepared, ...changes };
  const { graph, observations: { cells, tensors }, ranges, kept, bitsOf, floatIo } = chosen;
  const whole = new Map([...tensors].map(([name, { range }]) => [name, range]));
  const plan = planQuantization(graph, ranges, new Set(kept.keys()), (node) => chosen.activationBitsOf(node), whole);
  const result = rewrite(graph, plan, { floatIo, cells, bitsOf });
  checkGraph(result, 'quantize()');
  return result;
}

/** The names of the nodes to keep, checked. */
function askedNodes(graph: Graph, names: unknown): Set<string> {
  if (!isArrayOf(names, isString)) {
    throw new KletError('BAD_ARGUMENT', `the option "keep" of quantize() takes names of nodes, not ${show(names)}`);
  }
  const known = new Set(graph.nodes.map(({ name }) => name));
  const given = new Set(names as string[]);
  const missing = [...given].find((name) => !known.has(name));
  if (missing !== undefined) {
    throw new KletError(
      'BAD_ARGUMENT',
      `quantize() cannot keep "${missing}" in float32: "${graph.name}" has no node of this name`,
    );
  }
  return given;
}

function weightBitsOf(graph: Graph, bits: WeightBits | Record<string, WeightBits>): (node: AnyNode) => WeightBits {
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
