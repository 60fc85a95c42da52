import { importTflite, prune, type PruneOptions } from '../../src/compiler/index';
import { TfliteReader } from '../../src/importers/tflite/reader';

export interface Pruning {
  sparsity: number;
  pattern: NonNullable<PruneOptions['pattern']>;
  /** Do not prune layers of one row. */
  keepRows?: boolean;
}

/**
 * Sets the smallest weights of a file's layers to their zero point. The result is an ordinary
 * network that any engine runs.
 */
export function prunedTflite(tflite: Uint8Array, { sparsity, pattern, keepRows }: Pruning): Uint8Array {
  const graph = importTflite(tflite);
  const all = prune(graph, { sparsity, pattern }).layers.map(({ name }) => name);
  const rows = graph.nodes.filter(({ name, outputs: [y] }) =>
    all.includes(name) && y!.shape.slice(0, -1).every((size) => size === 1)
  ).map(({ name }) => name);
  const { graph: pruned, layers } = prune(graph, { sparsity, pattern, keep: keepRows ? rows : [] });
  const copy = tflite.slice();
  const model = new TfliteReader(copy).model();
  for (const { name } of layers) {
    const weights = pruned.nodes.find((node) => node.name === name)!.inputs[1]!;
    const { buffer } = model.subgraphs[0]!.tensors.find((tensor) => tensor.name === weights.name)!;
    // a view of the copy
    const bytes = model.buffers[buffer]!.data;
    if (bytes.length !== weights.data!.byteLength) {
      throw new Error(`"${weights.name}" has ${weights.data!.byteLength} bytes of weights, the file ${bytes.length}`);
    }
    bytes.set(new Uint8Array(weights.data!.buffer, weights.data!.byteOffset, weights.data!.byteLength));
  }
  return copy;
}
