import { compile } from '../../../src/compiler/index';
import type { Graph } from '../../../src/graph/graph';
import { onnx } from '../../../src/importers/onnx/index';
import { loadSync } from '../../../src/index';
import { writeOnnx, type OnnxGraph } from './writer';

/** Imports a network that is written as an ONNX file. */
export function importOnnx(graph: OnnxGraph, version?: number): Graph {
  return onnx.import(writeOnnx(graph, version), { name: 'test' });
}

/** Runs a network once; the outputs as numbers, by name. */
export function runOnnx(
  graph: OnnxGraph,
  inputs: Record<string, readonly number[] | Float32Array | Uint8Array | Int8Array>,
  version?: number,
): Record<string, number[]> {
  return runGraph(importOnnx(graph, version), inputs);
}

export function runGraph(
  imported: Graph,
  inputs: Record<string, readonly number[] | Float32Array | Uint8Array | Int8Array>,
): Record<string, number[]> {
  const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array } as const;
  const given = Object.fromEntries(imported.inputs.map(({ name, dtype }) => {
    return [name, arrays[dtype as keyof typeof arrays].from(inputs[name]!)];
  }));
  const result = loadSync(compile(imported)).predict(given, { output: 'raw' });
  const all = imported.outputs.length === 1 ? { [imported.outputs[0]!.name]: result } : result;
  return Object
    .fromEntries(Object.entries(all).map(([name, values]) => [name, Array.from(values as ArrayLike<number>, Number)]));
}
