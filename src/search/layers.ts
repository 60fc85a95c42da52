import { KletError } from '../errors';
import type { AnyNode, Graph } from '../graph/graph';
import { prunableLayers, weightedLayers } from '../compiler/prune/layers';
import { ruleOf } from '../compiler/quantize/rules';

// The layers of a network that a recipe may name.

/** A layer with weights. */
export interface Layer {
  name: string;
  /** The name as recipes write it. */
  short: string;
  weights: number;
  /** Whether single weights can be removed. */
  isPrunable: boolean;
}

/** The ending of the first of two layers that `lowRank` makes of one. */
const FIRST_FACTOR = / \(low rank\)$/;

/** The layer that a node was before `lowRank`. */
export function originalName({ name }: AnyNode): string {
  return name.replace(FIRST_FACTOR, '');
}

/** Nodes whose weights `quantize` makes integers. */
export function quantizableNodes(graph: Graph): AnyNode[] {
  return graph.nodes.filter((node) => ruleOf(node) === 'weights');
}

/** The layers with weights, in the order of the network. */
export function layersOf(graph: Graph): Layer[] {
  const prunable = new Set(prunableLayers(graph).map(({ name }) => name));
  const nodes = [...new Set([...quantizableNodes(graph), ...weightedLayers(graph).map(({ node }) => node)])];
  const names = nodes.map(({ name }) => name);
  return nodes.map((node) => ({
    name: node.name,
    short: shortName(node.name, names),
    weights: Math.max(0, ...node.inputs.map((tensor) => tensor?.data?.length ?? 0)),
    isPrunable: prunable.has(node.name),
  })).filter(({ weights }) => weights > 0);
}

/** Converters join the names of fused operators with ";"; the first is enough if it is unique. */
function shortName(name: string, names: readonly string[]): string {
  const first = firstPart(name);
  return names.filter((other) => firstPart(other) === first).length > 1 ? name : first;
}

function firstPart(name: string): string {
  return name.split(';').find((part) => part !== '') ?? name;
}

/**
 * The full name of a layer that a recipe names.
 *
 * @throws KletError `BAD_ARGUMENT` if there is none
 */
export function layerNamed(reference: string, layers: readonly Layer[]): string {
  const found = layers.find(({ name, short }) => name === reference || short === reference);
  if (found) return found.name;
  const names = layers.slice(0, 8).map(({ short }) => `"${short}"`).join(', ');
  throw new KletError(
    'BAD_ARGUMENT',
    `the recipe names a layer "${reference}", which the network does not have; there are `
      + `${names || 'no layers'}${layers.length > 8 ? ' and others' : ''}`,
  );
}
