import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { KletError } from '../../../src/errors';
import type { Graph } from '../../../src/graph/graph';
import { tfjs } from '../../../src/importers/tfjs/index';
import type { ImportOptions } from '../../../src/importers/index';
import { loadSync } from '../../../src/index';
import { expectOracle } from './oracle';
import { attribute as a, tfModel, toJson, writeTfjs, type TfGraph } from './writer';

function imported(graph: TfGraph, options: ImportOptions = {}): Graph {
  const { json, files } = writeTfjs(graph);
  return tfjs.import(json, { name: 'network', files, ...options });
}

function run(graph: Graph, inputs: Record<string, number[]>): number[] {
  const given = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, Float32Array.from(values)]));
  return Array.from(loadSync(compile(graph)).predict(given) as Float32Array);
}

/** y = x + w, with a constant w [2]. */
const addition: TfGraph = {
  inputs: { x: { shape: [-1, 2] } },
  constants: { w: { shape: [2], data: [10, 20] } },
  nodes: [{ name: 'sum', op: 'AddV2', inputs: ['x', 'w'] }],
  outputs: { 'y:0': 'sum:0' },
};

/** The model of `addition` with other weights in other files. */
function withWeights(weight: object, files: Record<string, Uint8Array>, paths = Object.keys(files)): Graph {
  const { model } = tfModel(addition);
  const json = toJson({ ...model, weightsManifest: [{ paths, weights: [{ name: 'w', shape: [2], ...weight }] }] });
  return tfjs.import(json, { name: 'network', files });
}

const bytesOf = (array: Uint16Array | Uint8Array | Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(array.buffer.slice(0) as ArrayBuffer);

describe('the interface', () => {
  test('has the names of the signature, without the number of a first output', () => {
    const graph = imported(addition);
    expect(graph.inputs).toMatchObject([{ name: 'x', shape: [1, 2], dtype: 'float32' }]);
    expect(graph.outputs).toMatchObject([{ name: 'y', shape: [1, 2] }]);
  });

  test('keeps its names if inner nodes have them too', () => {
    const graph = imported({
      ...addition,
      nodes: [{ name: 'y', op: 'Neg', inputs: ['x'] }, { name: 'sum', op: 'AddV2', inputs: ['y', 'w'] }],
    });
    expect(graph.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(run(graph, { x: [1, 2] })).toEqual([9, 18]);
  });

  test('is that of the placeholders and of the last nodes without a signature', () => {
    const { model, data } = tfModel(addition);
    const json = toJson({ ...model, signature: undefined });
    const graph = tfjs.import(json, { files: { 'group1-shard1of1.bin': data } });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['sum']);
  });

  test('comes from the metadata of old files', () => {
    const { model: { signature, ...model }, data } = tfModel(addition);
    const json = toJson({ ...model, userDefinedMetadata: { signature } });
    expect(tfjs.import(json, { files: { 'group1-shard1of1.bin': data } }).outputs[0]!.name).toBe('y');
  });

  test('asks for open sizes other than the batch', () => {
    const graph = { ...addition, inputs: { x: { shape: [-1, -1, 2] } } };
    expect(() => imported(graph)).toThrow(/leaves sizes of its inputs open(.|\n)*--shape x=1,224,2(.|\n)*"x" \[1, dim/);
    expect(imported(graph, { shapes: { x: [1, 3, 2] } }).outputs[0]!.shape).toEqual([1, 3, 2]);
    expect(() => imported(graph, { shapes: { x: [1, 3, 3] } })).toThrow(/\[1, 3, 3\] does not fit/);
  });

  test('has inputs that no output needs', () => {
    const graph = imported({ ...addition, inputs: { ...addition.inputs, z: { shape: [3], dtype: 'DT_INT64' } } });
    expect(graph.inputs).toMatchObject([{ name: 'x' }, { name: 'z', shape: [3], dtype: 'int32' }]);
    expect(() => compile(graph)).not.toThrow();
  });

  test('lacks inputs whose values are given', () => {
    const graph: TfGraph = {
      ...addition,
      inputs: { x: { shape: [1, 2] }, z: { shape: [] } },
      nodes: [{ name: 'scaled', op: 'Mul', inputs: ['x', 'z'] }, { name: 'sum', op: 'AddV2', inputs: ['scaled', 'w'] }],
    };
    const fixed = imported(graph, { constants: { z: { shape: [], data: [3] } } });
    expect(fixed.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(run(fixed, { x: [1, 2] })).toEqual([13, 26]);
    expect(() => imported(graph, { constants: { q: { shape: [], data: [3] } } })).toThrow(/no input "q"/);
  });
});

describe('weights', () => {
  test.each<[string, object, Uint8Array, number[]]>([['uint8 in steps', {
    dtype: 'float32',
    quantization: { dtype: 'uint8', scale: 0.5, min: -1 },
  }, Uint8Array.of(4, 255), [1, 126.5]], ['uint16 in steps', {
    dtype: 'float32',
    quantization: { dtype: 'uint16', scale: 0.25, min: 2 },
  }, bytesOf(Uint16Array.of(4, 1000)), [3, 252]], ['float16', { dtype: 'float32', quantization: { dtype: 'float16' } },
    bytesOf(Uint16Array.of(0x3c00, 0xc100)), [1, -2.5]], ['float32', { dtype: 'float32' },
    bytesOf(Float32Array.of(3, -4)), [3, -4]], ['int32, with real numbers', { dtype: 'int32' },
    bytesOf(Int32Array.of(3, -4)), [3, -4]]])('%s', (_, weight, bytes, wanted) => {
      expect(run(withWeights(weight, { 'w.bin': bytes }), { x: [0, 0] })).toEqual(wanted);
    });

  test('of several shards, in other folders, with a byte order mark', () => {
    const { model, data } = tfModel(addition);
    const weightsManifest = [{ ...model.weightsManifest[0], paths: ['shards/a', 'shards\\b'] }];
    const json = new Uint8Array([0xef, 0xbb, 0xbf, ...toJson({ ...model, weightsManifest })]);
    expect(tfjs.recognizes(json)).toBe(true);
    const files = { a: data.subarray(0, 3), 'model/b': data.subarray(3) };
    expect(run(tfjs.import(json, { files }), { x: [1, 2] })).toEqual([11, 22]);
  });

  test('behind strings, which no operator reads', () => {
    const { model, data } = tfModel(addition);
    const [group] = model.weightsManifest;
    const strings = Uint8Array.of(2, 0, 0, 0, 65, 66, 1, 0, 0, 0, 67);
    const json = toJson({
      ...model,
      weightsManifest: [{ ...group, weights: [{ name: 's', shape: [2], dtype: 'string' }, ...group!.weights] }],
    });
    const files = { 'group1-shard1of1.bin': Uint8Array.of(...strings, ...data) };
    expect(run(tfjs.import(json, { files }), { x: [1, 2] })).toEqual([11, 22]);
  });

  test('are named by the importer', () => {
    const { json } = writeTfjs(addition);
    expect(tfjs.companions!(json)).toEqual(['group1-shard1of1.bin']);
  });

  test.each<[string, () => unknown, string, RegExp]>([['files that were not given',
    () => withWeights({ dtype: 'float32' }, {}, ['a/b.bin', 'c']), 'BAD_ARGUMENT',
    /files "a\/b.bin", "c", which were not given/], ['a file that is too short',
    () => withWeights({ dtype: 'float32' }, { 'w.bin': new Uint8Array(7) }), 'CORRUPT',
    /the weight "w" ends at byte 8 of "w.bin", which has 7 bytes/], ['an unknown type',
    () => withWeights({ dtype: 'float8' }, { 'w.bin': new Uint8Array(8) }), 'CORRUPT', /unknown type "float8"/], [
    'an unknown stored type',
    () =>
      withWeights({ dtype: 'float32', quantization: { dtype: 'int4', scale: 1, min: 0 } }, {
        'w.bin': new Uint8Array(8),
      }),
    'CORRUPT',
    /unknown type "int4"/,
  ], ['a scale that is no number',
    () =>
      withWeights({ dtype: 'float32', quantization: { dtype: 'uint8', scale: 'x', min: 0 } }, {
        'w.bin': new Uint8Array(8),
      }), 'CORRUPT', /the scale "x"/], ['strings that are read',
    () => withWeights({ dtype: 'string' }, { 'w.bin': new Uint8Array(8) }), 'UNSUPPORTED_TYPE', /"w" \(string\)/], [
    'a size that is no number',
    () => withWeights({ dtype: 'float32', shape: [{}] as never }, { 'w.bin': new Uint8Array(8) }),
    'CORRUPT',
    /"w" has Object as size 0 of its shape/,
  ], ['a type that is named like a property of objects',
    () =>
      withWeights({ dtype: 'constructor', quantization: { dtype: 'uint8', scale: 1, min: 0 } }, {
        'w.bin': new Uint8Array(8),
      }), 'UNSUPPORTED_TYPE', /"w" \(constructor\)/], ['a shape that does not fit',
    () => withWeights({ dtype: 'float32', shape: [-2] }, { 'w.bin': new Uint8Array(8) }), 'CORRUPT',
    /"w" has -2 as size 0/]])('%s are an error', (_, attempt, code, message) => {
      expect(attempt)
        .toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error);
    });
});

describe('control flow', () => {
  /** A branch on a constant: −x if it is true, and x + w otherwise. */
  const branches = (condition: number, merge = 'joined'): TfGraph => ({
    ...addition,
    constants: { ...addition.constants, c: { shape: [], data: [condition], dtype: 'bool' } },
    nodes: [{ name: 'switch', op: 'Switch', inputs: ['x', 'c'] }, { name: 'no', op: 'AddV2', inputs: ['switch', 'w'] },
      { name: 'yes', op: 'Neg', inputs: ['switch:1', '^w'] }, { name: 'joined', op: 'Merge', inputs: ['no', 'yes'] }],
    outputs: { y: merge },
  });

  test.each([[0, [11, 22]], [1, [-1, -2]]])('Switch and Merge on the constant %d', (condition, wanted) => {
    expect(run(imported(branches(condition)), { x: [1, 2] })).toEqual(wanted);
  });

  test('an output in a branch that is not taken is an error', () => {
    expect(() => imported(branches(1, 'no'))).toThrow(/"y" is in a branch that is not taken/);
  });

  test('a condition that is computed is refused', () => {
    const graph = branches(0);
    const nodes = [{ name: 'large', op: 'Greater', inputs: ['x', 'w'] }, ...graph.nodes.slice(1), {
      name: 'switch',
      op: 'Switch',
      inputs: ['x', 'large'],
    }];
    expect(() => imported({ ...graph, nodes }))
      .toThrow(/Switch with a condition that are computed|Switch with a condition/);
  });

  const functionOf = (name: string, op: string) => ({
    signature: { name, inputArg: [{ name: 'v' }], outputArg: [{ name: 'result' }] },
    nodeDef: [{ name: 'inner', op, input: ['v'] }],
    ret: { result: 'inner:y:0' },
  });

  test.each([[0, [1, 4]], [1, [-1, -2]]])('StatelessIf on the constant %d', async (condition, wanted) => {
    const graph: TfGraph = {
      inputs: { x: { shape: [1, 2] } },
      constants: { c: { shape: [], data: [condition], dtype: 'bool' } },
      nodes: [{
        name: 'if',
        op: 'StatelessIf',
        inputs: ['c', 'x'],
        attributes: { then_branch: a.func('yes'), else_branch: a.func('no') },
      }],
      outputs: { y: 'if:0' },
      functions: [functionOf('yes', 'Neg'), functionOf('no', 'Square')],
    };
    expect(run(imported(graph), { x: [1, 2] })).toEqual(wanted);
    await expectOracle(graph);
  });

  test('a function that calls itself is an error', () => {
    const call = {
      ...functionOf('f', 'PartitionedCall'),
      nodeDef: [{ name: 'inner', op: 'PartitionedCall', input: ['v'], attr: { f: a.func('f') } }],
    };
    const nodes = [{ name: 'sum', op: 'PartitionedCall', inputs: ['x'], attributes: { f: a.func('f') } }];
    expect(() => imported({ ...addition, nodes, functions: [call] })).toThrow(/"f" calls itself/);
  });
});

describe('what is refused', () => {
  test('operators that are unknown, all at once, with their names', () => {
    const nodes = [{ name: 'first', op: 'Strange', inputs: ['x'] }, {
      name: 'second',
      op: 'Odd',
      inputs: ['first', 'w'],
    }, { name: 'third', op: 'Strange', inputs: ['x'] }, { name: 'sum', op: 'AddN', inputs: ['second', 'third'] }];
    expect(() => imported({ ...addition, nodes }))
      .toThrow(/operators that kinglet lacks(.|\n)*\n {2}Odd \(1\): "second"\n {2}Strange \(2\): "first", "third"/);
  });

  test('operators at the end of a network, which can end before them', () => {
    const nodes = [{ name: 'double', op: 'AddV2', inputs: ['x', 'x'] }, {
      name: 'sum',
      op: 'Strange',
      inputs: ['double', 'w'],
    }];
    expect(() => imported({ ...addition, nodes })).toThrow(/Strange(.|\n)*can end before them with --outputs "double"/);
    const graph = imported({ ...addition, nodes }, { outputs: ['double'] });
    expect(graph.outputs.map(({ name }) => name)).toEqual(['double']);
    expect(run(graph, { x: [1, 2] })).toEqual([2, 4]);
    expect(() => imported(addition, { outputs: ['z'] })).toThrow(/no node computes a value "z"; the outputs(.*)"y"/);
  });

  test('loops of TensorFlow 1', () => {
    const nodes = [{ name: 'enter', op: 'Enter', inputs: ['x'] }, {
      name: 'merge',
      op: 'Merge',
      inputs: ['enter', 'next'],
    }, { name: 'body', op: 'AddV2', inputs: ['merge', 'w'] }, { name: 'next', op: 'NextIteration', inputs: ['body'] }, {
      name: 'sum',
      op: 'Exit',
      inputs: ['merge'],
    }];
    expect(() => imported({ ...addition, nodes })).toThrow(/Enter \(1\)(.|\n)*NextIteration \(1\)(.|\n)*Exit \(1\)/);
  });

  test('nodes that read each other', () => {
    const nodes = [{ name: 'sum', op: 'AddV2', inputs: ['other', 'w'] }, { name: 'other', op: 'Neg', inputs: ['sum'] }];
    expect(() => imported({ ...addition, nodes })).toThrow(/read each other in a circle: "sum", "other"/);
  });

  test.each<[string, TfGraph, RegExp]>([['a node that is missing', {
    ...addition,
    nodes: [{ name: 'sum', op: 'Neg', inputs: ['lost'] }],
  }, /reads "lost"/], ['an output that is missing', { ...addition, outputs: { y: 'lost' } },
    /the signature reads "lost"/], ['an output that a node lacks', { ...addition, outputs: { y: 'sum:3' } },
    /"sum:3" is an output that/], ['a constant without values', {
    ...addition,
    nodes: [{ name: 'k', op: 'Const' }, { name: 'sum', op: 'AddV2', inputs: ['x', 'k'] }],
  }, /"k" is not among the weights/], ['an input that is missing', {
    ...addition,
    nodes: [{ name: 'sum', op: 'Neg', inputs: [] }],
  }, /the Neg "sum" lacks inputs/], ['an attribute of another form', {
    ...addition,
    nodes: [{ name: 'sum', op: 'LeakyRelu', inputs: ['x'], attributes: { alpha: { f: 'much' } } }],
  }, /the attribute alpha of "sum" is malformed/]])('%s', (_, graph, message) => {
    expect(() => imported(graph)).toThrow(expect.objectContaining({ code: 'CORRUPT' }) as Error);
    expect(() => imported(graph)).toThrow(message);
  });

  test('a constant that is too large', () => {
    const constants = {
      ...addition.constants,
      sizes: { shape: [2], data: [2 ** 30, 2 ** 20], dtype: 'int32' as const },
      value: { shape: [], data: [1] },
    };
    const nodes = [{ name: 'sum', op: 'Fill', inputs: ['sizes', 'value'] }];
    expect(() => imported({ ...addition, constants, nodes })).toThrow(/Fill with a result \[1073741824, 1048576\]/);
  });

  test('a file that is cut', () => {
    const { json } = writeTfjs(addition);
    expect(() => tfjs.import(json.subarray(0, json.length - 9), { name: 'cut' }))
      .toThrow(/cut: the file is no complete/);
  });

  test('a long chain is no problem', () => {
    const nodes = Array.from(
      { length: 5000 },
      (_, i) => ({ name: i === 0 ? 'sum' : `n${i}`, op: 'Identity', inputs: [i === 4999 ? 'x' : `n${i + 1}`] }),
    );
    expect(imported({ ...addition, nodes }).outputs[0]!.name).toBe('y');
  });
});

test('texts of attributes are base64, numbers of characters, or the text itself', () => {
  for (const s of [btoa('SAME'), [...'SAME'].map((c) => c.charCodeAt(0)), 'SAME']) {
    const graph = imported({
      inputs: { x: { shape: [1, 3, 3, 1] } },
      nodes: [{
        name: 'sum',
        op: 'MaxPool',
        inputs: ['x'],
        attributes: { padding: { s }, ksize: a.ints(1, 2, 2, 1), strides: a.ints(1, 1, 1, 1) },
      }],
      outputs: { y: 'sum' },
    });
    expect(graph.outputs[0]!.shape).toEqual([1, 3, 3, 1]);
  }
});

test('images with channels first become images with channels last', () => {
  const nhwc = a.text('NCHW');
  const graph = imported({
    inputs: { x: { shape: [1, 2, 3, 3] } },
    constants: { w: { shape: [1, 1, 2, 2], data: [1, 2, 3, 4] }, b: { shape: [2], data: [10, 20] } },
    nodes: [{
      name: 'conv',
      op: 'Conv2D',
      inputs: ['x', 'w'],
      attributes: { data_format: nhwc, padding: a.text('VALID'), strides: a.ints(1, 1, 1, 1) },
    }, { name: 'biased', op: 'BiasAdd', inputs: ['conv', 'b'], attributes: { data_format: nhwc } }],
    outputs: { y: 'biased' },
  });
  expect(graph.outputs[0]!.shape).toEqual([1, 2, 3, 3]);
  const x = Array.from({ length: 18 }, (_, i) => i);
  const wanted = [0, 1].flatMap((co) =>
    Array.from({ length: 9 }, (_, i) => x[i]! * [1, 2][co]! + x[9 + i]! * [3, 4][co]! + [10, 20][co]!)
  );
  expect(run(graph, { x })).toEqual(wanted);
});

test('a convolution in blocks becomes a dilated one', () => {
  const amounts = (...data: number[]) => ({ shape: [2, 2], data, dtype: 'int32' as const });
  const graph = imported({
    inputs: { x: { shape: [1, 8, 8, 1] } },
    constants: {
      w: { shape: [3, 3, 1, 1], data: [1, 2, 3, 4, 5, 6, 7, 8, 9] },
      blocks: { shape: [2], data: [2, 2], dtype: 'int32' },
      around: amounts(2, 2, 2, 2),
      none: amounts(0, 0, 0, 0),
    },
    nodes: [{ name: 'in', op: 'SpaceToBatchND', inputs: ['x', 'blocks', 'around'] }, {
      name: 'conv',
      op: 'Conv2D',
      inputs: ['in', 'w'],
      attributes: { padding: a.text('VALID'), strides: a.ints(1, 1, 1, 1) },
    }, { name: 'out', op: 'BatchToSpaceND', inputs: ['conv', 'blocks', 'none'] }],
    outputs: { y: 'out' },
  });
  expect(graph.nodes).toMatchObject([{ op: 'conv2d', attributes: { dilation: [2, 2], padding: [2, 2, 2, 2] } }]);
});

test('Select with one condition for each item chooses items', () => {
  const graph = imported({
    inputs: { x: { shape: [3, 2] } },
    constants: { c: { shape: [3], data: [1, 0, 1], dtype: 'bool' }, w: { shape: [3, 2], data: [9, 9, 9, 9, 9, 9] } },
    nodes: [{ name: 'chosen', op: 'Select', inputs: ['c', 'x', 'w'] }],
    outputs: { y: 'chosen' },
  });
  expect(run(graph, { x: [1, 2, 3, 4, 5, 6] })).toEqual([1, 2, 9, 9, 5, 6]);
});

test('an output that is an input or a constant is a copy', () => {
  const graph = imported({
    inputs: { x: { shape: [2] } },
    constants: { w: { shape: [2], data: [1, 2] } },
    nodes: [{ name: 'same', op: 'Identity', inputs: ['x'] }],
    outputs: { a: 'same', b: 'w', c: 'same' },
  });
  expect(graph.outputs.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  const result = loadSync(compile(graph)).predict({ x: Float32Array.of(5, 6) }) as unknown;
  expect(result).toMatchObject({ a: Float32Array.of(5, 6), b: Float32Array.of(1, 2), c: Float32Array.of(5, 6) });
});

test('errors are KletErrors', () => {
  expect(() => tfjs.import(toJson({ modelTopology: 5 }), { name: 'odd' })).toThrow(KletError);
  expect(() => tfjs.import(toJson({ modelTopology: {} }), { name: 'odd' })).toThrow(/neither nodes nor layers/);
});
