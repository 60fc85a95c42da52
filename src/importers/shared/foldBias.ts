import { consumers, producers } from '../../graph/edit';
import { innermost, type Graph } from '../../graph/graph';
import { alongSource, beforeMovements } from './movedDimension';

const layers = new Set(['conv2d', 'depthwiseConv2d', 'transposeConv2d', 'fullyConnected']);

/** A constant that is added to each channel of a layer without a bias becomes its bias. */
export function foldBias(graph: Graph): void {
  const made = producers(graph);
  const read = consumers(graph);
  const gone = new Set<unknown>();
  for (const node of graph.nodes) {
    if (node.op !== 'binary' || node.attributes.kind !== 'add' || node.attributes.activation !== 'none') continue;
    const y = node.outputs[0]!;
    const [x, offset] = node.inputs[1]!.data ? node.inputs : [...node.inputs].reverse();
    if (!offset!.data || x!.data || y.dtype !== 'float32' || read.get(x!)!.length !== 1) continue;
    if (x!.shape.join() !== y.shape.join()) continue;
    const { source, by } = beforeMovements(x!, made, read);
    const layer = made.get(source);
    if (!layer || !layers.has(layer.op) || layer.inputs[2] || read.get(source)!.length !== 1) continue;
    const found = alongSource(offset!, x!, by);
    const channels = innermost(source.shape);
    if (!found || (found.axis !== undefined && found.axis !== source.shape.length - 1)) continue;
    const data = Float32Array.from({ length: channels }, (_, c) => found.values[found.axis === undefined ? 0 : c]!);
    layer.inputs = [...layer.inputs.slice(0, 2), {
      name: `${offset!.name} (bias)`,
      shape: [channels],
      dtype: 'float32',
      data,
    }];
    const last = by[0] ?? layer;
    last.outputs = [y];
    last.name = y.name;
    made.set(y, last);
    gone.add(node);
  }
  graph.nodes = graph.nodes.filter((node) => !gone.has(node));
}
