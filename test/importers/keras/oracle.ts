import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import { tensor, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import { models, type LayersModel } from '@tensorflow/tfjs-layers';
import { compile } from '../../../src/compiler/index';
import type { Graph } from '../../../src/graph/graph';
import { importKeras } from '../../../src/importers/shared/keras/network';
import { NamedWeights, type NamedWeight } from '../../../src/importers/shared/keras/weights';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';

/** A weight by name, as constant. */
export function named(name: string, shape: readonly number[], data: Float32Array): NamedWeight {
  return { name, read: () => ({ name, shape: [...shape], dtype: 'float32', data }) };
}

/** Imports a model with weights by name. */
export function imported(model: object, weights: readonly NamedWeight[] = [], version = '2.15.0'): Graph {
  return importKeras({ model, version, weights: new NamedWeights(weights) }, { name: 'network' });
}

/** Runs a graph with float inputs, and returns its outputs in order. */
export function runGraph(graph: Graph, inputs: readonly ArrayLike<number>[]): Float32Array[] {
  const model = loadSync(compile(graph));
  const given = Object.fromEntries(graph.inputs.map(({ name }, i) => [name, inputs[i]!]));
  const result = model.predict(given as never) as unknown;
  return graph.outputs.map(({ name }) =>
    graph.outputs.length === 1 ? (result as Float32Array) : (result as Record<string, Float32Array>)[name]!
  );
}

/** Numbers between `low` and `high` for a shape. */
export function numbers(shape: readonly number[], seed: number, low = -1, high = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(low, high));
}

/** A model in TensorFlow.js with random weights. */
async function oracleOf(model: object): Promise<{ oracle: LayersModel; weights: NamedWeight[] }> {
  const oracle = await models.modelFromJSON({ modelTopology: model } as never);
  const weights: NamedWeight[] = [];
  const values: Tensor[] = [];
  oracle.weights.forEach((weight, i) => {
    const shape = weight.shape as number[];
    // variances are positive
    const data = numbers(shape, i + 1, /variance/.test(weight.name) ? 0.2 : -0.6, 0.8);
    values.push(tensor(data, shape));
    weights.push(named(weight.originalName, shape, data));
  });
  oracle.setWeights(values);
  return { oracle, weights };
}

/**
 * The largest difference between kinglet's results and those of TensorFlow.js on random inputs,
 * relative to the largest value. The shapes of the outputs are compared too.
 */
export async function difference(model: object, range: [number, number] = [-1, 1]): Promise<number> {
  const { oracle, weights } = await oracleOf(model);
  const graph = imported(model, weights);
  const inputs = graph.inputs.map(({ shape }, i) => numbers(shape, 100 + i, ...range));
  const found = runGraph(graph, inputs);
  const predicted = oracle.predict(inputs.map((data, i) => tensor(data, graph.inputs[i]!.shape))) as Tensor | Tensor[]
    | NamedTensorMap;
  const wanted = [predicted].flat() as Tensor[];
  if (wanted.length !== found.length) throw new Error(`${found.length} outputs instead of ${wanted.length}`);
  return Math.max(...wanted.map((expected, i) => {
    const { shape } = graph.outputs[i]!;
    if (expected.shape.join() !== shape.join()) {
      throw new Error(`[${shape.join()}] instead of [${expected.shape.join()}]`);
    }
    const values = Array.from(expected.dataSync());
    const largest = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-6);
    return values.reduce((max, v, j) => Math.max(max, Math.abs(v - found[i]![j]!)), 0) / largest;
  }));
}
