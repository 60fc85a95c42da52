import { graphlib, layout as placeNodes } from '@dagrejs/dagre';
import { bytesText, countText, h, s } from './dom';
import type { DrawnNode, Layer, Variant } from './messages';

// The network as a drawing: nodes in layers, from the input on the left to the output on the right.

const HEIGHT = 46;
const LETTER = 7.4;
/** Networks with more nodes are listed instead, because nobody reads a drawing of them. */
const MOST = 400;

/** An edge that the library has placed. */
interface Line {
  points: { x: number; y: number }[];
}

/** A node that the library has placed, by its centre. */
interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A node, with a text for its weights. */
type Box = Pick<DrawnNode, 'name' | 'op' | 'from'> & { shape: string; weights: string | undefined };

function lines({ op, shape, weights }: Box): [string, string] {
  return [op, weights === undefined ? shape : `${shape}, ${weights}`];
}

function layout(nodes: readonly Box[]): graphlib.Graph {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 34, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  nodes.forEach((node, i) => {
    const width = Math.max(...lines(node).map((line) => line.length)) * LETTER + 24;
    graph.setNode(String(i), { width, height: HEIGHT });
    for (const from of node.from) if (from >= 0) graph.setEdge(String(from), String(i));
  });
  placeNodes(graph);
  return graph;
}

function box(node: Box, { x, y, width, height }: Placed): SVGElement {
  const [first, second] = lines(node);
  const left = x - width / 2;
  const top = y - height / 2;
  return s(
    'g',
    { class: node.weights === undefined ? 'node' : 'node weighted' },
    s('title', {}, `${node.op} ${node.name}`),
    s('rect', { x: left, y: top, width, height, rx: 10 }),
    s('text', { x: left + 12, y: top + 19, class: 'op' }, first),
    s('text', { x: left + 12, y: top + 36 }, second),
  );
}

function path(points: readonly { x: number; y: number }[]): string {
  return points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
}

function ofGraph({ weights, ...node }: DrawnNode): Box {
  return { ...node, weights: weights > 0 ? `${countText(weights)} weights` : undefined };
}

function ofPlan({ name, op, shape, weights }: Layer, i: number): Box {
  return { name, op, shape: shape.join('×'), weights: weights > 0 ? bytesText(weights) : undefined, from: [i - 1] };
}

/** Draws a graph, or the layers of a plan where there is no graph. */
export function graphView(given: readonly DrawnNode[], { layers }: Variant): HTMLElement {
  const nodes = given.length > 0 ? given.map(ofGraph) : layers.map(ofPlan);
  if (nodes.length === 0) return h('p', { class: 'soft' }, 'The file has no names of its operators to draw.');
  if (nodes.length > MOST) {
    return h('p', { class: 'soft' }, `The network has ${nodes.length} nodes, too many for a drawing.`);
  }
  const graph = layout(nodes);
  const { width, height } = graph.graph() as { width: number; height: number };
  const edges = graph.edges().map((edge) => s('path', { class: 'edge', d: path((graph.edge(edge) as Line).points) }));
  const boxes = nodes.map((node, i) => box(node, graph.node(String(i)) as Placed));
  const label = `Drawing of ${nodes.length} nodes: ${nodes.map(({ op }) => op).join(', ')}`;
  const svg = s(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label },
    ...edges,
    ...boxes,
  );
  const scroll = h('div', { class: 'scroll graph', tabindex: 0, role: 'region', 'aria-label': 'Graph of the network' });
  scroll.append(svg);
  return scroll;
}
