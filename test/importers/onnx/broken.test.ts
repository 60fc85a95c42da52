import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/index';
import { KletError } from '../../../src/errors';
import { onnx } from '../../../src/importers/onnx/index';
import { Random } from '../../helpers/random';
import { onnxTypes, writeOnnx, type OnnxGraph, type OnnxNode } from './writer';

// Files with errors give a KletError, or a graph that compiles or is refused, and end soon.

const list = (name: string, data: number[]) => ({ name, shape: [data.length], data, type: onnxTypes.int64 });

const body: OnnxGraph = {
  nodes: [{ op: 'Add', inputs: ['state', 'state'], outputs: ['next'] }, {
    op: 'Identity',
    inputs: ['going'],
    outputs: ['goes'],
  }],
  inputs: [{ name: 'round', shape: [], type: onnxTypes.int64 }, { name: 'going', shape: [], type: onnxTypes.bool }, {
    name: 'state',
  }],
  outputs: [{ name: 'goes' }, { name: 'next' }],
};

const network: OnnxGraph = {
  nodes: [{ op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['conv'], attributes: { pads: [1, 1, 1, 1], group: 1 } }, {
    op: 'BatchNormalization',
    inputs: ['conv', 'b', 'b', 'b', 'b'],
    outputs: ['norm'],
  }, { op: 'MaxPool', inputs: ['norm'], outputs: ['pool'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } }, {
    op: 'Resize',
    inputs: ['pool', '', 'scales'],
    outputs: ['large'],
    attributes: { mode: 'linear' },
  }, { op: 'Shape', inputs: ['large'], outputs: ['shape'] }, {
    op: 'Gather',
    inputs: ['shape', 'zero'],
    outputs: ['batch'],
  }, { op: 'Concat', inputs: ['batch', 'rest'], outputs: ['flat'], attributes: { axis: 0 } }, {
    op: 'Reshape',
    inputs: ['large', 'flat'],
    outputs: ['rows'],
  }, { op: 'Slice', inputs: ['rows', 'zero', 'eight', 'one'], outputs: ['part'] }, {
    op: 'Loop',
    inputs: ['three', '', 'part'],
    outputs: ['looped'],
    attributes: { body: { graph: body } },
  }, { op: 'QuantizeLinear', inputs: ['looped', 'scale', 'point'], outputs: ['q'] }, {
    op: 'DequantizeLinear',
    inputs: ['q', 'scale', 'point'],
    outputs: ['d'],
  }, { op: 'Gemm', inputs: ['d', 'g'], outputs: ['y'], attributes: { alpha: { float: 0.5 }, transB: 1 } }, {
    op: 'Softmax',
    inputs: ['y'],
    outputs: ['z'],
    attributes: { axis: -1 },
  }],
  inputs: [{ name: 'x', shape: ['n', 2, 6, 6] }],
  outputs: [{ name: 'z', shape: ['n', 3] }],
  constants: [{ name: 'w', shape: [4, 2, 3, 3], data: Array.from({ length: 72 }, (_, i) => i / 72) }, {
    name: 'b',
    shape: [4],
    data: [1, 2, 3, 4],
  }, { name: 'g', shape: [3, 8], data: Array.from({ length: 24 }, (_, i) => i / 24) }, {
    name: 'scales',
    shape: [4],
    data: [1, 1, 2, 2],
  }, { name: 'scale', shape: [], data: [0.5] }, { name: 'point', shape: [], data: [3], type: onnxTypes.uint8 }, {
    name: 'three',
    shape: [],
    data: [3],
    type: onnxTypes.int64,
  }, list('zero', [0]), list('one', [1]), list('eight', [8]), list('rest', [-1])],
};

const bytes = writeOnnx(network);

/** Imports and compiles; errors other than `KletError` fail the test. */
function survive(file: Uint8Array): 'converts' | 'refused' {
  try {
    compile(onnx.import(file, { name: 'net' }), { maxMemory: 2 ** 26 });
    return 'converts';
  } catch (error) {
    if (!(error instanceof KletError)) throw error;
    return 'refused';
  }
}

test('the file without errors converts', () => {
  expect(survive(bytes)).toBe('converts');
});

test('files with changed, missing or repeated bytes end in a KletError or a graph', () => {
  const random = new Random(31);
  const counts = { converts: 0, refused: 0 };
  for (let round = 0; round < 600; round++) {
    const file = bytes.slice();
    for (let n = random.int(1, 4); n > 0; n--) {
      const at = random.int(0, file.length - 1);
      const kind = random.int(0, 2);
      if (kind === 0) file[at] = random.int(0, 255);
      else if (kind === 1) file[at]! ^= 1 << random.int(0, 7);
      else file.copyWithin(at, random.int(0, file.length - 1), random.int(0, file.length - 1));
    }
    const cut = random.int(0, 9) === 0 ? file.subarray(0, random.int(0, file.length)) : file;
    counts[survive(cut)]++;
  }
  // both kinds were met
  expect(counts.refused).toBeGreaterThan(100);
  expect(counts.converts).toBeGreaterThan(20);
});

describe('networks with one error', () => {
  const with1 = (change: Partial<OnnxGraph>): Uint8Array => writeOnnx({ ...network, ...change });
  const node = (op: string, change: Partial<OnnxNode>): Uint8Array =>
    with1({ nodes: network.nodes.map((each) => (each.op === op ? { ...each, ...change } : each)) });
  const constant = (name: string, change: object): Uint8Array =>
    with1({ constants: network.constants!.map((each) => (each.name === name ? { ...each, ...change } : each)) });

  test.each<[string, Uint8Array, RegExp]>([['no graph', Uint8Array.of(8, 8, 0x12, 1, 0x78), /CORRUPT|has no graph/], [
    'an operator that reads a value of nobody',
    node('Softmax', { inputs: ['nobody'] }),
    /"nobody" is read before/,
  ], ['an operator without inputs', node('Softmax', { inputs: [] }), /Softmax "z" lacks its input 0/], [
    'an operator without an input that it must have',
    with1({
      nodes: [{ op: 'OneHot', inputs: ['rest', '', 'values'], outputs: ['z'] }],
      constants: [...network.constants!, list('values', [0, 1])],
    }),
    /the OneHot "z" lacks inputs or attributes/,
  ], ['an output that its operator does not have',
    with1({
      nodes: network.nodes.map((each) => (each.op === 'Softmax' ? { ...each, outputs: ['z', 'more'] } : each)),
      outputs: [{ name: 'more' }],
    }), /nothing in the file computes the output "more"/], ['an operator that reads its own result',
    node('Softmax', { inputs: ['z'] }), /"z" is read before/], ['a result of nobody',
    with1({ outputs: [{ name: 'nobody' }] }), /"nobody" is read before/], ['weights of fewer values',
    constant('w', { data: [1, 2, 3] }), /"w"/], ['weights of other channels', constant('w', { shape: [4, 3, 3, 2] }),
    /conv/i], ['a negative size', constant('w', { shape: [-4, 2, 3, 3] }), /"w" has the shape \[-4, 2, 3, 3\]/], [
    'a string',
    constant('rest', { type: onnxTypes.string, data: [] }),
    /string/,
  ], ['an unknown operator', node('Softmax', { op: 'Softmux' }), /Softmux \(1\): "z"/], ['an operator of a stranger',
    node('Softmax', { domain: 'ai.stranger' }), /ai\.stranger::Softmax \(1\): "z"/], [
    'an axis of a dimension that is not there',
    node('Softmax', { attributes: { axis: 7 } }),
    /the axis 7 of 2/,
  ], ['padding for other dimensions', node('Conv', { attributes: { pads: [1, 1] } }), /Conv with a kernel/], [
    'a stride of 0',
    node('MaxPool', { attributes: { kernel_shape: [2, 2], strides: [0, 1] } }),
    /MaxPool with a kernel/,
  ], ['a loop of a billion rounds', constant('three', { data: [1e9] }), /Loop with more than 256 rounds/], [
    'scales of 0',
    constant('scales', { data: [1, 1, 0, 2] }),
    /Resize/,
  ], ['a slice of other dimensions', constant('one', { data: [5] }), /Slice "part" has the axis 5/], [
    'an image of a billion pixels',
    with1({ inputs: [{ name: 'x', shape: [1, 2, 2 ** 20, 2 ** 20] }] }),
    /./,
  ]])('%s', (_, file, message) => {
    let error: unknown;
    try {
      compile(onnx.import(file, { name: 'net' }), { maxMemory: 2 ** 26 });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(KletError);
    expect((error as KletError).message).toMatch(message);
  });
});

test('subgraphs in subgraphs end', () => {
  let inner: OnnxGraph = {
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['r'] }],
    inputs: [],
    outputs: [{ name: 'r' }],
  };
  for (let depth = 0; depth < 9; depth++) {
    const attributes = { then_branch: { graph: inner }, else_branch: { graph: inner } };
    inner = {
      nodes: [{ op: 'If', inputs: ['yes'], outputs: ['r'], attributes }],
      inputs: [],
      outputs: [{ name: 'r' }],
    };
  }
  const file = writeOnnx({
    ...inner,
    inputs: [{ name: 'x', shape: [2] }],
    constants: [{ name: 'yes', shape: [], data: [1], type: onnxTypes.bool }],
  });
  expect(survive(file)).toBe('converts');
});

test('a long chain of operators takes time in proportion', () => {
  const nodes = Array.from({ length: 4000 }, (_, i) => ({ op: 'Neg', inputs: [`v${i}`], outputs: [`v${i + 1}`] }));
  const file = writeOnnx({ nodes, inputs: [{ name: 'v0', shape: [2] }], outputs: [{ name: 'v4000' }] });
  expect(onnx.import(file).nodes.length).toBe(4000);
});
