import { describe, expect, test } from 'vitest';
import { compile, importModel } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { onnx } from '../../../src/importers/onnx/index';
import { onnxTypes, writeOnnx, type OnnxGraph } from './writer';

/** y = relu(conv(x)), then an operator that nobody has. */
const image: OnnxGraph = {
  nodes: [{ op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] }, { op: 'Relu', inputs: ['c'], outputs: ['r'] }, {
    op: 'Frobnicate',
    inputs: ['r'],
    outputs: ['f'],
  }, { op: 'Neg', inputs: ['f'], outputs: ['y'] }],
  inputs: [{ name: 'x', shape: ['batch', 2, 3, 4] }],
  outputs: [{ name: 'y' }],
  constants: [{ name: 'w', shape: [3, 2, 1, 1], data: [1, 2, -3, 4, 5, -6] }],
};

const input = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));

/** The convolution of `image` with its relu, [3][3][4]. */
function reference(x: Float32Array): number[] {
  const [w] = image.constants!.map(({ data }) => data);
  return Array.from({ length: 36 }, (_, i) => {
    const [channel, pixel] = [Math.floor(i / 12), i % 12];
    return Math.max(0, w![channel * 2]! * x[pixel]! + w![channel * 2 + 1]! * x[12 + pixel]!);
  });
}

describe('the outputs of an ONNX network', () => {
  test('end it before operators that kinglet lacks', () => {
    const graph = onnx.import(writeOnnx(image), { outputs: ['r', 'x'] });
    expect(graph.outputs.map(({ name, shape }) => [name, shape])).toEqual([['r', [1, 3, 3, 4]], ['x', [1, 2, 3, 4]]]);
    const { r } = loadSync(compile(graph)).predict({ x: input }, { output: 'raw' });
    reference(input).forEach((value, i) => expect(r![i]).toBeCloseTo(value, 5));
  });

  test('are suggested where an operator is unsupported', () => {
    expect(() => onnx.import(writeOnnx(image))).toThrow(/Frobnicate \(1\): "f"\n {2}.*--outputs "r"$/);
  });

  test('must exist', () => {
    expect(() => onnx.import(writeOnnx(image), { outputs: ['q'] }))
      .toThrow('no node computes a value "q"; the outputs of the file are "y"');
  });
});

describe('the layout of images', () => {
  test('is that of the file, or has the channels last', () => {
    const outputs = ['r'];
    const graph = onnx.import(writeOnnx(image), { outputs, layout: 'nhwc' });
    expect([...graph.inputs, ...graph.outputs].map(({ shape }) => shape)).toEqual([[1, 3, 4, 2], [1, 3, 4, 3]]);
    expect(graph.nodes.filter(({ op }) => op === 'transpose')).toEqual([]);
    const moved = input.map((_, i) => input[(i % 2) * 12 + Math.floor(i / 2)]!);
    const result = loadSync(compile(graph)).predict(moved, { output: 'raw' });
    reference(input).forEach((value, i) => {
      expect(result[(i % 12) * 3 + Math.floor(i / 12)]).toBeCloseTo(value, 5);
    });
  });
});

describe('constants in place of inputs', () => {
  const branches: OnnxGraph = {
    nodes: [{ op: 'Equal', inputs: ['rate', 'sixteen'], outputs: ['is'] }, {
      op: 'If',
      inputs: ['is'],
      outputs: ['y'],
      attributes: {
        then_branch: {
          graph: { nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['a'] }], inputs: [], outputs: [{ name: 'a' }] },
        },
        else_branch: {
          graph: { nodes: [{ op: 'Frobnicate', inputs: ['x'], outputs: ['b'] }], inputs: [], outputs: [{ name: 'b' }] },
        },
      },
    }],
    inputs: [{ name: 'x', shape: [2] }, { name: 'rate', shape: [], type: onnxTypes.int64 }],
    outputs: [{ name: 'y' }],
    constants: [{ name: 'sixteen', shape: [], data: [16_000], type: onnxTypes.int64 }],
  };

  test('choose a branch', async () => {
    const graph = await importModel(writeOnnx(branches), { constants: { rate: { data: [16_000] } } });
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(loadSync(compile(graph)).predict([1, -2], { output: 'raw' })).toEqual(Float32Array.of(-1, 2));
  });

  test('are asked for', () => {
    expect(() => onnx.import(writeOnnx(branches))).toThrow('If with a condition computed at run time');
    expect(() => onnx.import(writeOnnx(branches), { constants: { speed: { data: [1] } } }))
      .toThrow('there is no input "speed" to make constant; the inputs are "x", "rate"');
  });

  test.each<[string, object, string]>([['no data', { rate: {} }, 'must be numbers, not undefined'], ['text', {
    rate: { data: ['16000'] },
  }, 'must be numbers'], ['a shape of other elements', { rate: { data: [1], shape: [2] } }, 'must be sizes of 1']])(
    'with %s are refused',
    (_, constants, message) => {
      expect(() => onnx.import(writeOnnx(branches), { constants: constants as never })).toThrow(message);
    },
  );
});

describe('several files', () => {
  const weights = {
    name: 'w',
    dims: [2n],
    dataType: onnxTypes.float,
    dataLocation: 1,
    externalData: [{ key: 'location', value: 'net.data' }, { key: 'offset', value: '4' }],
  };
  const bytes = writeOnnx({
    nodes: [{ op: 'Constant', inputs: [], outputs: ['w'], attributes: { value: weights } }, {
      op: 'Mul',
      inputs: ['x', 'w'],
      outputs: ['y'],
    }],
    inputs: [{ name: 'x', shape: [2] }],
    outputs: [{ name: 'y' }],
  });
  const data = new Uint8Array(Float32Array.of(9, 2, 3).buffer);

  test('give external data', async () => {
    expect(onnx.companions!(bytes)).toEqual(['net.data']);
    const graph = await importModel({ 'net.onnx': bytes, 'folder/net.data': data });
    expect(loadSync(compile(graph)).predict([5, 7], { output: 'raw' })).toEqual(Float32Array.of(10, 21));
  });

  test('that are missing are named', async () => {
    await expect(importModel(bytes)).rejects.toThrow('the data of "w" is in the file "net.data"');
    await expect(importModel({ 'net.onnx': bytes, 'net.data': data.subarray(0, 8) })).rejects
      .toThrow('tensor "w" has 2 elements (8 bytes) but its buffer holds 4');
  });

  test('have one network among them', async () => {
    await expect(importModel({ a: bytes, b: bytes })).rejects.toThrow('several of the files are networks: "a", "b"');
    await expect(importModel({ data })).rejects.toThrow('none of the files is a network: "data"');
    await expect(importModel(data)).rejects.toThrow('the file is no network that kinglet imports');
  });
});

describe('open sizes', () => {
  const bytes = writeOnnx({
    nodes: [{ op: 'Add', inputs: ['x', 'y'], outputs: ['z'] }],
    inputs: [{ name: 'x', shape: ['batch', 'frames', 2] }, { name: 'y', shape: ['frames', 'batch'] }],
    outputs: [{ name: 'z' }],
  });

  test('are named all at once', () => {
    expect(() => onnx.import(bytes))
      .toThrow('--shape x=1,224,2 --shape y=1,1 or the option "shapes":\n  "x" [1, frames, 2]');
  });

  test('with one name have one size', () => {
    const graph = onnx.import(bytes, { shapes: { x: [1, 2, 2] } });
    expect(graph.inputs.map(({ shape }) => shape)).toEqual([[1, 2, 2], [2, 1]]);
  });

  test('are given by their names', () => {
    const shapes = (sizes: Record<string, number>, given?: Record<string, number[]>): unknown =>
      onnx.import(bytes, { sizes, ...(given && { shapes: given }) }).inputs.map(({ shape }) => shape);
    expect(shapes({ frames: 3 })).toEqual([[1, 3, 2], [3, 1]]);
    expect(shapes({ frames: 2, batch: 2 })).toEqual([[2, 2, 2], [2, 2]]);
    expect(shapes({ frames: 3 }, { y: [5, 1] })).toEqual([[1, 5, 2], [5, 1]]);
    expect(() => shapes({ rows: 3 }))
      .toThrow('the file leaves no size "rows" of its inputs open; those are "batch", "frames"');
    expect(() => shapes({ frames: 0 })).toThrow('the size "frames" must be a whole number from 1 to');
  });
});
