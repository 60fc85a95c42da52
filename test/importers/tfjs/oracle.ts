import '@tensorflow/tfjs-backend-cpu';
import { io, tensor, type DataType, type NamedTensorMap } from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { expect } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { tfjs } from '../../../src/importers/tfjs/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { tfModel, writeTfjs, type TfGraph } from './writer';

/** Values of an input: real numbers around 0, whole numbers, or 0 and 1. */
function valuesOf(shape: readonly number[], dtype: string, random: Random, range: readonly [number, number]) {
  const count = shape.reduce((a, b) => a * b, 1);
  if (dtype === 'DT_BOOL') return Array.from({ length: count }, () => Number(random.between(0, 1) > 0.5));
  if (dtype !== 'DT_FLOAT') return Array.from({ length: count }, () => random.int(range[0], range[1]));
  return Array.from({ length: count }, () => Math.fround(random.between(range[0], range[1])));
}

function arrayOf(dtype: string) {
  if (dtype === 'DT_BOOL') return Uint8Array;
  return dtype === 'DT_FLOAT' ? Float32Array : Int32Array;
}

/** Expects that a graph gives what TensorFlow.js gives, for random inputs in a range. */
export async function expectOracle(graph: TfGraph, range: readonly [number, number] = [-3, 3]): Promise<void> {
  const random = new Random(1);
  const types: Record<string, DataType> = { DT_FLOAT: 'float32', DT_BOOL: 'bool' };
  const inputs = Object.entries(graph.inputs).map(([name, { shape = [], dtype = 'DT_FLOAT' }]) => ({
    name,
    shape: shape.map((size) => (size < 0 ? 1 : size)),
    dtype,
  })).map((input) => ({ ...input, values: valuesOf(input.shape, input.dtype, random, range) }));

  const { json, files } = writeTfjs(graph);
  const imported = tfjs.import(json, { name: 'network', files });
  const model = loadSync(compile(imported));
  const given = Object.fromEntries(inputs.map(({ name, values, dtype }) => [name, arrayOf(dtype).from(values)]));
  const result = model.predict(given, { output: 'raw' }) as unknown;
  const outputs = imported.outputs.length === 1
    ? { [imported.outputs[0]!.name]: result as ArrayLike<number> }
    : (result as Record<string, ArrayLike<number>>);

  const tensors = inputs.map(({ name, shape, dtype, values }) => {
    return [name, tensor(values, shape, types[dtype] ?? 'int32')] as const;
  });
  const wanted = await runOracle(graph, Object.fromEntries(tensors));
  Object.keys(graph.outputs).forEach((name, i) => {
    const values = wanted[i]!;
    const found = Array.from(outputs[name]!, Number);
    expect(imported.outputs[i]!.shape, name).toEqual(values.shape);
    const largest = Math.max(1, ...values.data.filter(Number.isFinite).map(Math.abs));
    values.data.forEach((value, at) => {
      if (Number.isFinite(value)) expect(Math.abs(found[at]! - value) / largest, `${name}[${at}]`).toBeLessThan(2e-5);
      else expect(found[at], `${name}[${at}]`).toBe(value);
    });
  });
}

async function runOracle(graph: TfGraph, inputs: NamedTensorMap): Promise<{ shape: number[]; data: number[] }[]> {
  const { model, data } = tfModel(graph);
  const oracle =
    await loadGraphModel(io.fromMemory({
      modelTopology: model.modelTopology,
      format: 'graph-model',
      signature: model.signature,
      weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights),
      weightData: new Uint8Array(data).buffer,
    }));
  const outputs = await oracle.executeAsync(inputs, Object.values(graph.outputs));
  const results = [outputs].flat().map((output) => ({ shape: output.shape, data: Array.from(output.dataSync()) }));
  oracle.dispose();
  return results;
}
