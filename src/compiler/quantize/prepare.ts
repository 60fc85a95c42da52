import { checkChoice, checkOptions } from '../../arguments';
import { KletError } from '../../errors';
import { cloneGraph, tensorsOf } from '../../graph/edit';
import type { AnyNode, Graph } from '../../graph/graph';
import { checkGiven, checkGraph, checkSamples } from '../check';
import { dropDead } from '../passes/dropDead';
import { floatWeights } from '../passes/floatWeights';
import { fuseActivation } from '../passes/fuseActivation';
import { activationBitsOf, type ActivationBits } from './activationBits';
import { choose, plainlyKept, widestRanges, type Situation } from './choose';
import { isClippingBetter } from './clipping';
import { equalized } from './equalized';
import { fitWeights } from './fit';
import { givenSamples } from './keptSamples';
import { observe, type Observations } from './observe';
import { askedNodes, methods, quantizeOptions, roundings, weightBitsOf, type QuantizeOptions } from './options';
import { planQuantization } from './plan';
import { relevantRanges } from './relevant';
import { rewrite } from './rewrite';
import { checkFinite, checkInputs } from './safeguards';
import { spread, type Sequence } from './stagedRun';
import type { Range } from './steps';
import type { WeightBits } from './weights';

/** Samples on which ranges are compared. */
const COMPARED = 64;

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
  /** Whether further nodes may stay in float32. */
  auto: boolean;
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
  const count = Array.isArray(samples) ? samples.length : undefined;
  const onSample = (done: number): void => options.onProgress?.('calibrating', done, count);
  const seen = observe(work, given.all, onSample);
  checkInputs(work, seen);
  const first = { graph: work, observations: seen, relevant: relevantRanges(work, seen) };
  const isFinite = [...seen.tensors.values()].every(({ notFinite }) => !notFinite);
  const network = (options.equalize ?? true) && isFinite
    ? equalized(work, given.some, { kept: new Set(plainlyKept(first, asked.names, wideBitsOf).keys()), bitsOf })
    : work;
  const observations = network === work ? seen : observe(network, given.all, onSample);
  const relevant = network === work ? first.relevant : relevantRanges(network, observations);
  const situation: Situation = { graph: network, observations, relevant, samples: given.some };
  checkFinite(situation, network.inputs);
  const { ranges, kept } = choose(situation, method, asked.names, wideBitsOf);
  checkFinite(situation, planQuantization(network, ranges, new Set(kept.keys()), wideBitsOf).chosen.keys());
  const bits = { bitsOf, activationBitsOf: wideBitsOf };
  const clipped = {
    graph: network,
    samples: given.some,
    observations,
    ranges,
    kept,
    ...bits,
    floatIo,
    auto: asked.auto,
  };
  if (method !== 'auto') return clipped;
  const whole = { ...clipped, ranges: widestRanges(situation) };
  const graphs = { clipped: quantizePrepared(clipped), whole: quantizePrepared(whole) };
  return isClippingBetter(network, graphs, spread(given.some, COMPARED)) ? clipped : whole;
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

/** The int8 network of a calibrated one, with its weights fitted unless `rounding` is `nearest`. */
export function quantizeFitted(prepared: Prepared, options: Pick<QuantizeOptions, 'rounding' | 'onProgress'>): Graph {
  const nearest = quantizePrepared(prepared);
  if (options.rounding === 'nearest') return nearest;
  const fitted = fitWeights(prepared.graph, nearest, prepared.samples, {
    bits: (node) => prepared.bitsOf(node),
    onProgress: (done, total) => options.onProgress?.('fitting', done, total),
  });
  checkGraph(fitted, 'fitWeights');
  return fitted;
}
