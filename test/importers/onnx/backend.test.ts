import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { KletError, loadSync } from '../../../src/index';
import type { Graph } from '../../../src/graph/graph';
import { onnx } from '../../../src/importers/onnx/index';
import { ModelProtoSchema, TensorProtoSchema, type ModelProto } from '../../../src/importers/onnx/onnx_pb';
import { decodeTensor } from '../../../src/importers/onnx/tensors';
import type { Constant } from '../../../src/importers/shared/constants';

// ONNX's own tests of operators, one network each. ONNX_TEST_DATA names their folder, which Debian
// has in the package libonnx-testdata (…/backend/test/data).

const root = process.env.ONNX_TEST_DATA ?? '';
const suites = ['node', 'pytorch-converted', 'pytorch-operator', 'simple'];
const folders = suites.flatMap((suite) => {
  const folder = path.join(root, suite);
  return root !== '' && existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
});

/** Training, random numbers, and bfloat16 values that are stored as integers. */
const others = /training|bernoulli|BFLOAT16/;

interface Case {
  model: Uint8Array;
  proto: ModelProto;
  inputs: Map<string, Constant>;
  outputs: Constant[];
}

/** The first case of a test; undefined if it has sequences, strings or other types than tensors. */
function caseOf(folder: string): Case | undefined {
  const read = (...names: string[]): Uint8Array => new Uint8Array(readFileSync(path.join(folder, ...names)));
  const model = read('model.onnx');
  const proto = fromBinary(ModelProtoSchema, model);
  const { input, output, initializer } = proto.graph!;
  if ([...input, ...output].some(({ type }) => type?.value.case !== 'tensorType')) return undefined;
  const data = readdirSync(path.join(folder, 'test_data_set_0'));
  const tensor = (name: string): Constant =>
    decodeTensor(fromBinary(TensorProtoSchema, read('test_data_set_0', name)), {}, name);
  const count = data.filter((name) => name.startsWith('input_')).length;
  const constants = new Set(initializer.map(({ name }) => name));
  const all = input.map(({ name }) => name);
  const names = count === all.length ? all : all.filter((name) => !constants.has(name));
  try {
    return {
      model,
      proto,
      inputs: new Map(names.slice(0, count).map((name, i) => [name, tensor(`input_${i}.pb`)])),
      outputs: output.map((_, i) => tensor(`output_${i}.pb`)),
    };
  } catch {
    return undefined;
  }
}

/** Imports with some of the inputs as constants, and runs. */
function run({ model, inputs }: Case, constants: readonly string[]): [Graph, ArrayLike<number>[]] {
  const isConstant = (name: string): boolean => constants.includes(name);
  const given = [...inputs];
  const graph = onnx.import(model, {
    constants: Object.fromEntries(given.filter(([name]) =>
      isConstant(name)
    ).map(([name, { data, shape }]) => [name, { data, shape }])),
    shapes: Object.fromEntries(given.filter(([name]) => !isConstant(name)).map(([name, { shape }]) => [name, shape])),
  });
  const values = graph.inputs.map(({ name, dtype }) => {
    const { data } = inputs.get(name)!;
    return [name, dtype === 'int64' ? BigInt64Array.from(Array.from(data, BigInt)) : data];
  });
  const result = loadSync(compile(graph)).predict(Object.fromEntries(values) as never, { output: 'raw' });
  const byName = result as unknown as Record<string, ArrayLike<number>>;
  return [graph,
    graph.outputs.map(({ name }) => (graph.outputs.length === 1 ? result as ArrayLike<number> : byName[name]!))];
}

/** What is wrong with an output, by the tolerances of ONNX's own runner; empty if nothing is. */
function difference(found: ArrayLike<number>, wanted: Constant): string {
  // results of open length are filled up with −1
  const rest = Array.from(found, Number).slice(wanted.data.length);
  if (found.length < wanted.data.length || rest.some((value) => value !== -1)) {
    return `${found.length} values, not ${wanted.data.length}`;
  }
  const at = wanted.data.findIndex((value, i) => {
    const own = Number(found[i]);
    return !(own === value || (Number.isNaN(own) && Number.isNaN(value)) ||
      Math.abs(own - value) <= 1e-5 + 1e-3 * Math.abs(value));
  });
  return at < 0 ? '' : `${Number(found[at])}, not ${wanted.data[at]!}, at ${at}`;
}

type Outcome = 'passes' | 'refused' | `wrong: ${string}`;

function outcomeOf(example: Case): Outcome {
  const names = [...example.inputs.keys()];
  // shapes, weights and axes are constants where an operator asks for them
  for (const constants of [[], names.slice(1), names]) {
    try {
      const [, results] = run(example, constants);
      const wrong = results.map((found, i) => difference(found, example.outputs[i]!)).filter((text) => text !== '');
      return wrong.length > 0 ? `wrong: ${wrong.join('; ')}` : 'passes';
    } catch (error) {
      if (!(error instanceof KletError)) throw error;
    }
  }
  return 'refused';
}

test.skipIf(folders.length === 0)("ONNX's tests of its operators pass or are refused", () => {
  const outcomes = folders.filter((folder) => !others.test(folder)).flatMap((folder) => {
    const example = caseOf(folder);
    return example ? [[path.basename(folder), outcomeOf(example)] as const] : [];
  });
  expect(outcomes.filter(([, outcome]) => outcome.startsWith('wrong'))).toEqual([]);
  expect(outcomes.filter(([, outcome]) => outcome === 'passes').length).toBeGreaterThanOrEqual(860);
});
