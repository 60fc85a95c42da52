import { expect } from 'vitest';
import type { AnyNode, Graph } from '../../src/graph/graph';
import { importTflite } from '../../src/importers/tflite';
import { writeTflite, type TfliteNetwork, type TfliteOperator, type TfliteTensor } from '../tflite/writer';

// Short ways to write the small networks that the importer's tests read.

export const float = (name: string, shape: number[], data?: number[]): TfliteTensor => ({
  name,
  shape,
  type: 'FLOAT32',
  ...(data && { data }),
});
export const ints = (name: string, data: number[], shape = [data.length]): TfliteTensor => ({
  name,
  shape,
  type: 'INT32',
  data,
});
export const int8 = (
  name: string,
  shape: number[],
  scale: number | number[],
  zeroPoint: number,
  data?: number[],
  axis = 0,
): TfliteTensor => ({ name, shape, type: 'INT8', quantization: { scale, zeroPoint, axis }, ...(data && { data }) });
export const count = (shape: number[]) => shape.reduce((a, b) => a * b, 1);
export const ramp = (shape: number[]) => Array.from({ length: count(shape) }, (_, i) => (i % 15) - 7);

/** A network of operators from its first tensor to its last. */
export function network(
  tensors: TfliteTensor[],
  operators: TfliteOperator[],
  rest: Partial<TfliteNetwork> = {},
): Uint8Array {
  return writeTflite({ tensors, operators, inputs: [0], outputs: [tensors.length - 1], ...rest });
}

/**
 * One operator from x (the first tensor) to y (the last), with all tensors between as further
 * inputs.
 */
export function single(
  kind: string,
  x: TfliteTensor,
  y: TfliteTensor,
  options?: Record<string, unknown>,
  constants: TfliteTensor[] = [],
): Graph {
  const inputs = [x, ...constants].map((t) => t.name);
  return importTflite(network([x, ...constants, y], [{
    kind,
    inputs,
    outputs: [y.name],
    ...(options && { options }),
  }]));
}

export function only(graph: Graph): AnyNode {
  expect(graph.nodes).toHaveLength(1);
  return graph.nodes[0]!;
}
