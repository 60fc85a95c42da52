import { cloneGraph } from '../../graph/edit';
import type { AnyNode, Graph } from '../../graph/graph';
import { fitLayer, type LayerPair } from './fitLayer';
import { matricesOf } from './fittedWeights';
import { splitRows } from './layerRows';
import { outputScore } from './score';
import { samplesWithin, spread, StagedRun, type Sequence } from './stagedRun';
import { gridOf } from './weightGrid';
import type { WeightBits } from './weights';

// Rounding of weights to the samples. Layer by layer, weights and bias are chosen such that the
// quantized network, with the layers before already chosen, computes what the float network
// computes.

export interface FitOptions {
  /** Bits of the weights of a node (default 8). */
  bits?(node: AnyNode): WeightBits;
  onProgress?(done: number, total: number): void;
}

const MAX_SAMPLES = 256;
/** Samples that check the outputs of the network. */
const CHECKED = 64;

/**
 * Chooses weights and biases of a quantized network by samples. The network is not worse for it: a
 * layer keeps its weights unless rows of samples that were held out show a smaller error, and if
 * the outputs of the network have a larger error after all, the last layers get their weights back.
 *
 * @param float the float32 network
 * @param int8 the same network quantized; nodes have the same names
 * @param samples some hundreds are usual; with more, 256 are taken
 * @returns a new graph; the given ones are not changed
 */
export function fitWeights(float: Graph, int8: Graph, samples: readonly Sequence[], options: FitOptions = {}): Graph {
  const chosen = spread(samples, MAX_SAMPLES);
  const graph = cloneGraph(int8);
  const pairs = pairsOf(float, graph);
  const runs = { float: new StagedRun(float, chosen), int8: new StagedRun(graph, chosen) };
  const biases = new Map<string, Float64Array>();
  pairs.forEach((pair, i) => {
    options.onProgress?.(i, pairs.length + 1);
    const bytes = runs.float.largestLive() + runs.int8.largestLive();
    const count = samplesWithin(bytes, chosen.length);
    runs.float.advance(float.nodes.indexOf(pair.float.node), count);
    runs.int8.advance(graph.nodes.indexOf(pair.int8.node), count);
    const before = splitRows(pair.float, runs.float.valuesOf(pair.float.seen!));
    const now = splitRows(pair.int8, runs.int8.valuesOf(pair.int8.seen!));
    fitLayer(pair, { before, now }, gridOf(options.bits?.(pair.float.node) ?? 8), biases);
  });
  options.onProgress?.(pairs.length, pairs.length + 1);
  return bestPrefix(float, int8, graph, spread(samples, CHECKED));
}

/** The int8 matrices whose inputs a run shows, with their float counterparts. */
function pairsOf(float: Graph, int8: Graph): LayerPair[] {
  const nodes = new Map(float.nodes.map((node) => [node.name, node]));
  const shared = sharedWeights(float);
  return int8.nodes.flatMap((node) => {
    const originals = matricesOf(nodes.get(node.name));
    return matricesOf(node).flatMap((matrix, i): LayerPair[] => {
      const original = originals[i];
      const weights = original?.node.inputs[original.weightsAt];
      const isFit = weights && !shared.has(weights) && node.inputs[matrix.weightsAt]!.dtype === 'int8';
      return isFit && matrix.seen && original.seen ? [{ float: original, int8: matrix }] : [];
    });
  });
}

/** Weights of several nodes, which must stay equal to be stored once. */
function sharedWeights(graph: Graph): Set<unknown> {
  const seen = new Set<unknown>();
  const shared = new Set<unknown>();
  for (const node of graph.nodes) {
    for (const { weightsAt } of matricesOf(node)) {
      const weights = node.inputs[weightsAt];
      if (seen.has(weights)) shared.add(weights);
      seen.add(weights);
    }
  }
  return shared;
}

/**
 * The fitted network, or one in which only the first layers are fitted, whichever is closest to the
 * float network. Layers are fitted in order, so each of these networks is consistent.
 */
function bestPrefix(float: Graph, nearest: Graph, fitted: Graph, samples: readonly Sequence[]): Graph {
  const scoreOf = (graph: Graph): number => outputScore(float, graph, samples);
  const least = scoreOf(nearest);
  if (scoreOf(fitted) >= least) return fitted;
  const count = fitted.nodes.length;
  const tried = [0.75, 0.5, 0.25].map((part) => mixed(fitted, nearest, Math.ceil(count * part)));
  const scored = tried.map((graph) => ({ graph, score: scoreOf(graph) }));
  return scored.reduce((best, one) => (one.score > best.score ? one : best), { graph: nearest, score: least }).graph;
}

/** The first nodes of one graph with the operands of the rest from another one. */
function mixed(first: Graph, rest: Graph, count: number): Graph {
  const graph = cloneGraph(first);
  graph.nodes.forEach((node, i) => {
    if (i < count) return;
    node.inputs = node.inputs.map((tensor, operand) => {
      const other = rest.nodes[i]!.inputs[operand];
      return other?.data || !other ? other ?? null : tensor;
    }).slice(0, rest.nodes[i]!.inputs.length);
  });
  return graph;
}
