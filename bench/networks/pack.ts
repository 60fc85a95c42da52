import type { Graph, Tensor, ConstantData } from '../../src/graph/graph';

// A graph as one file, for the page that builds it from another library's operators:
// ┌──────────────┬──────┬─────────────────────────────┐
// │ u32: n bytes │ JSON │ constants, each at 4·offset │
// └──────────────┴──────┴─────────────────────────────┘

interface PackedTensor extends Omit<Tensor, 'data'> {
  offset?: number;
  count?: number;
}

/** Serializes a network of float32 and int32 tensors. */
export function packGraph(graph: Graph): Uint8Array<ArrayBuffer> {
  const tensors: PackedTensor[] = [];
  const chunks: ConstantData[] = [];
  const index = new Map<Tensor, number>();
  let words = 0;
  const place = (tensor: Tensor): number => {
    const known = index.get(tensor);
    if (known !== undefined) return known;
    const { data, ...rest } = tensor;
    if (data && data.BYTES_PER_ELEMENT !== 4) throw new Error(`the constant "${tensor.name}" is ${tensor.dtype}`);
    tensors.push({ ...rest, ...(data && { offset: words, count: data.length }) });
    if (data) chunks.push(data);
    words += data?.length ?? 0;
    index.set(tensor, tensors.length - 1);
    return tensors.length - 1;
  };
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((t) => t && place(t)),
    outputs: node.outputs.map(place),
  }));
  const text = JSON.stringify({
    name: graph.name,
    inputs: graph.inputs.map(place),
    outputs: graph.outputs.map(place),
    nodes,
    tensors,
  });
  const json = new TextEncoder().encode(text.padEnd(text.length + 4));
  const jsonBytes = json.length & ~3;
  const bytes = new Uint8Array(4 + jsonBytes + 4 * words);
  new Uint32Array(bytes.buffer, 0, 1)[0] = jsonBytes;
  bytes.set(json.subarray(0, jsonBytes), 4);
  let at = 4 + jsonBytes;
  for (const chunk of chunks) {
    bytes.set(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), at);
    at += chunk.byteLength;
  }
  return bytes;
}

export function unpackGraph(bytes: Uint8Array): Graph {
  const { buffer } = bytes.slice();
  const jsonBytes = new Uint32Array(buffer, 0, 1)[0]!;
  const { tensors, nodes, inputs, outputs, ...rest } = JSON
    .parse(new TextDecoder().decode(new Uint8Array(buffer, 4, jsonBytes))) as { tensors: PackedTensor[];
      nodes: { inputs: (number | null)[]; outputs: number[] }[]; inputs: number[]; outputs: number[]; name: string };
  const all = tensors.map(({ offset, count, ...tensor }): Tensor => {
    if (offset === undefined) return tensor;
    const type = tensor.dtype === 'float32' ? Float32Array : Int32Array;
    return { ...tensor, data: new type(buffer, 4 + jsonBytes + 4 * offset, count) };
  });
  const find = (i: number): Tensor => all[i]!;
  return {
    ...rest,
    inputs: inputs.map(find),
    outputs: outputs.map(find),
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((i) => (i === null ? null : find(i))),
      outputs: node.outputs.map(find),
    })) as Graph['nodes'],
  };
}
