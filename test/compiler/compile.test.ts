import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, KletError, readKlet, type Graph, type Tensor } from '../../src/compiler/index';
import type { AnyNode } from '../../src/graph/graph';
import { MAX_DEPTH } from '../../src/format/json';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { randomGraph } from '../helpers/randomGraph';
import { constant, single, tensor } from '../ops/suite';

function failure(graph: Graph, options?: Parameters<typeof compile>[1]): KletError {
  try {
    compile(graph, options);
  } catch (error) {
    expect(error).toBeInstanceOf(KletError);
    return error as KletError;
  }
  throw new Error(`"${graph.name}" compiles`);
}

const random = new Random(1);
const conv = { stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1, activation: 'none' } as const;
const x4 = tensor('x', [1, 4, 4, 3], 'float32');
const int8 = { scale: 0.5, zeroPoint: 3 };
const floats = (name: string, shape: number[]): Tensor => constant(random, name, shape, 'float32');
const out = (shape: number[], dtype: Tensor['dtype'] = 'float32'): Tensor => tensor('y', shape, dtype, int8);

describe('compile', () => {
  test('lists all unsupported operators in one error, each with its name and the reason', () => {
    const b = new GraphBuilder('odd');
    const x = b.input('x', [1, 4, 4, 3]);
    const i = b.input('i', [4], 'int32');
    const w = b.input('w', [2, 1, 1, 3]);
    const outputs = [
      b.node('conv2d', [x, w, null], { ...conv, stride: [1, 1], dilation: [1, 1], padding: [0, 0, 0, 0] }, {
        name: 'learned',
      }),
      b.node('softmax', [i], { beta: 1 }, { name: 'whole numbers' }),
      b.node('binary', [i, b.input('j', [4])], { kind: 'add', activation: 'none' }, { name: 'mixed' }),
      b.node('binary', [i, i], { kind: 'div', activation: 'none' }, { name: 'integer division' }),
      b.node('binary', [i, i], { kind: 'add', activation: 'relu' }, { name: 'integer relu' }),
      b.node('unary', [x], { kind: 'relu' }, { name: 'fine' }),
      b.node('cast', [x], {}, { name: 'truth', dtype: 'bool' }),
      b.node('slice', [b.input('deep', [2, 3, 2, 3, 2, 3, 2, 3])], {
        begin: new Array<number>(8).fill(0),
        stride: new Array<number>(8).fill(1),
      }, { name: 'seven dimensions', shape: [1, 2, 1, 2, 1, 2, 1, 2] }),
      b.node('transpose', [b.input('deeper', [2, 2, 2, 2, 2, 2, 2, 2])], { perm: [7, 6, 5, 4, 3, 2, 1, 0] }, {
        name: 'eight dimensions',
      }),
    ];
    const error = failure(b.finish(outputs));
    expect(error.code).toBe('UNSUPPORTED_OP');
    expect(error.message).toContain('"odd" has 7 operators');
    for (const name of ['learned', 'whole numbers', 'mixed', 'integer division', 'integer relu', 'truth',
      'eight dimensions']) expect(error.message).toContain(`"${name}"`);
    expect(error.message).not.toContain('"fine"');
    expect(error.message.split('\n')).toHaveLength(8);
  });

  test('refuses longer sums than a record has', () => {
    const K = 2 ** 22 + 1;
    const sums = single('batchMatmul', [tensor('a', [1, K], 'float32'), tensor('b', [K, 1], 'float32')], {
      transposeA: false,
      transposeB: false,
    }, out([1, 1]));
    expect(failure(sums).message).toMatch(/each output sums 4194305 products; at most 4194304 are possible/);
  });

  // contradictory graphs, and the words that the message must contain
  const impossible: [title: string, graph: () => Graph, about: RegExp][] = [['a tensor that nothing computes',
    () => ({ ...single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 3])), inputs: [] }),
    /reads "x", which nothing before it computes/], ['an output that nothing computes',
    () => ({ name: 'g', inputs: [x4], nodes: [], outputs: [out([1])] }), /output "y" is computed by nothing/], [
    'nodes in the wrong order',
    () => {
      const b = new GraphBuilder('g');
      const graph = b.finish([
        b.node('unary', [b.node('unary', [b.input('x', [3])], { kind: 'relu' })], { kind: 'tanh' }),
      ]);
      return { ...graph, nodes: [...graph.nodes].reverse() };
    },
    /nothing before it computes/,
  ], ['a tensor computed twice', () => {
    const graph = single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 3]));
    return { ...graph, nodes: [...graph.nodes, ...graph.nodes] };
  }, /"y" is computed twice/], ['two inputs of one name',
    () => single('binary', [x4, { ...x4 }], { kind: 'add', activation: 'none' }, out([1, 4, 4, 3])),
    /two .*inputs.*"x"/], ['two outputs of one name', () => {
    const b = new GraphBuilder('g');
    const x = b.input('x', [3]);
    const [p, q] = [b.node('unary', [x], { kind: 'relu' }), b.node('unary', [x], { kind: 'abs' })];
    q.name = p.name;
    return b.finish([p, q]);
  }, /two .*outputs.*"unary"/], ['a dimension of 0',
    () => single('unary', [tensor('x', [0, 3], 'float32')], { kind: 'relu' }, out([0, 3])),
    /"x" has the shape \[0, 3\]/], ['a broken dimension',
    () => single('unary', [tensor('x', [1.5], 'float32')], { kind: 'relu' }, out([1.5])), /"x" has the shape/], [
    'an output of another shape',
    () => single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 4])),
    /gives \[1, 4, 4, 3\].*declared as \[1, 4, 4, 4\]/,
  ], ['a constant with too few elements',
    () =>
      single(
        'binary',
        [x4, { ...floats('c', [3]), shape: [4] }],
        { kind: 'add', activation: 'none' },
        out([1, 4, 4, 3]),
      ), /constant "c" has 3 elements/], ['shapes that do not broadcast',
    () => single('binary', [x4, floats('c', [2])], { kind: 'add', activation: 'none' }, out([1, 4, 4, 3])),
    /\[1, 4, 4, 3\] and \[2\] do not broadcast/], ['a slope that does not broadcast to its input',
    () => single('prelu', [x4, floats('c', [2, 1, 1, 3])], {}, out([1, 4, 4, 3])), /"prelu".*\[2, 1, 1, 3\]/], [
    'conv2d weights for another number of channels',
    () =>
      single('conv2d', [x4, floats('w', [2, 1, 1, 4]), null], {
        ...conv,
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
      }, out([1, 4, 4, 2])),
    /"conv2d".*channels/,
  ], ['conv2d groups that do not divide',
    () =>
      single('conv2d', [x4, floats('w', [4, 1, 1, 1]), null], {
        ...conv,
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
        groups: 3,
      }, out([1, 4, 4, 4])), /"conv2d".*groups/], ['conv2d with a bias of another length',
    () =>
      single('conv2d', [x4, floats('w', [2, 1, 1, 3]), floats('b', [3])], {
        ...conv,
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
      }, out([1, 4, 4, 2])), /"conv2d".*bias/], ['conv2d with a kernel larger than the image',
    () =>
      single('conv2d', [x4, floats('w', [2, 5, 5, 3]), null], {
        ...conv,
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
      }, out([1, 0, 0, 2])), /shape \[1, 0, 0, 2\]/], ['conv2d of three dimensions',
    () =>
      single('conv2d', [tensor('x', [4, 4, 3], 'float32'), floats('w', [2, 1, 1, 3]), null], {
        ...conv,
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
      }, out([4, 4, 3, 2])), /"conv2d".*\[4, 4, 3\]/], ['a stride of 0',
    () =>
      single(
        'maxPool2d',
        [x4],
        { kernel: [2, 2], stride: [0, 1], padding: [0, 0, 0, 0], activation: 'none' },
        out([1, 3, 3, 3]),
      ), /"maxPool2d".*stride/], ['a pool whose window sees padding only',
    () =>
      single(
        'maxPool2d',
        [x4],
        { kernel: [2, 2], stride: [1, 1], padding: [2, 0, 0, 0], activation: 'none' },
        out([1, 5, 3, 3]),
      ), /"maxPool2d".*padding/], ['depthwise weights for another number of channels',
    () =>
      single('depthwiseConv2d', [x4, floats('w', [1, 2, 2, 4]), null], {
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0, 0, 0],
        activation: 'none',
      }, out([1, 3, 3, 4])), /"depthwiseConv2d".*channels/], ['transposed weights for another number of channels',
    () =>
      single('transposeConv2d', [x4, floats('w', [2, 2, 2, 4]), null], {
        stride: [1, 1],
        dilation: [1, 1],
        groups: 1,
        padding: [0, 0, 0, 0],
        activation: 'none',
      }, out([1, 5, 5, 2])), /"transposeConv2d".*channels/], ['a transposed convolution to another number of channels',
    () =>
      single('transposeConv2d', [x4, floats('w', [2, 2, 2, 3]), null], {
        stride: [1, 1],
        dilation: [1, 1],
        groups: 1,
        padding: [0, 0, 0, 0],
        activation: 'none',
      }, out([1, 5, 5, 3])), /"transposeConv2d"/], ['a fully connected layer of another depth',
    () =>
      single(
        'fullyConnected',
        [tensor('x', [2, 5], 'float32'), floats('w', [3, 4]), null],
        { activation: 'none' },
        out([2, 3]),
      ), /"fullyConnected".*5.*4/], ['matrices of different depth',
    () =>
      single('batchMatmul', [tensor('a', [2, 5], 'float32'), tensor('b', [4, 3], 'float32')], {
        transposeA: false,
        transposeB: false,
      }, out([2, 3])), /"batchMatmul".*\[2, 5\].*\[4, 3\]/], ['matrices whose batches do not broadcast',
    () =>
      single('batchMatmul', [tensor('a', [2, 2, 5], 'float32'), tensor('b', [3, 5, 3], 'float32')], {
        transposeA: false,
        transposeB: false,
      }, out([2, 2, 3])), /"batchMatmul".*\[2, 2, 5\].*\[3, 5, 3\]/], ['parts of different shape',
    () =>
      single('concat', [tensor('a', [2, 5], 'float32'), tensor('b', [3, 5], 'float32')], {
        axis: 1,
        activation: 'none',
      }, out([2, 10])), /"concat".*\[2, 5\].*\[3, 5\]/], ['an axis that does not exist',
    () => single('concat', [tensor('a', [2, 5], 'float32')], { axis: 2, activation: 'none' }, out([2, 5])),
    /"concat".*axis 2/], ['pieces that do not add up to the input',
    () =>
      single(
        'split',
        [tensor('x', [6], 'float32')],
        { axis: 0 },
        tensor('p', [2], 'float32'),
        tensor('q', [3], 'float32'),
      ), /"split"/], ['a slice beyond the end',
    () => single('slice', [tensor('x', [6], 'float32')], { begin: [3], stride: [1] }, out([4])),
    /"slice".*dimension 0/], ['a slice before the beginning',
    () => single('slice', [tensor('x', [6], 'float32')], { begin: [2], stride: [-1] }, out([4])),
    /"slice".*dimension 0/], ['another number of elements',
    () => single('reshape', [tensor('x', [6], 'float32')], {}, out([4])), /"reshape".*6.*4/], [
    'a permutation that repeats a dimension',
    () => single('transpose', [tensor('x', [2, 2], 'float32')], { perm: [0, 0] }, out([2, 2])),
    /"transpose".*\[0, 0\]/,
  ], ['a broadcast to a smaller shape', () => single('broadcastTo', [tensor('x', [2, 3], 'float32')], {}, out([3])),
    /"broadcastTo".*\[2, 3\].*\[3\]/], ['a mirror larger than the image',
    () =>
      single('pad', [tensor('x', [3], 'float32')], { before: [3], after: [0], mode: 'reflect', value: 0 }, out([6])),
    /"pad": it mirrors more/], ['a pad that cuts',
    () =>
      single('pad', [tensor('x', [3], 'float32')], { before: [-1], after: [0], mode: 'constant', value: 0 }, out([2])),
    /"pad"/], ['channels that blocks do not divide',
    () => single('depthToSpace', [x4], { blockSize: 2 }, out([1, 8, 8, 0.75])), /"depthToSpace"/], [
    'an image that blocks do not divide',
    () => single('spaceToDepth', [x4], { blockSize: 3 }, out([1, 4 / 3, 4 / 3, 27])),
    /"spaceToDepth"/,
  ], ['an argmax over no axis', () => single('argmax', [x4], { axis: 4, kind: 'max' }, out([1, 4, 4, 3], 'int32')),
    /"argmax".*axis 4/], ['a reduction over no axis',
    () => single('reduce', [x4], { kind: 'max', axes: [4] }, out([1, 4, 4, 3])), /"reduce".*axes/], [
    'a resize that changes the number of channels',
    () =>
      single('resize2d', [x4], { mode: 'nearest', alignCorners: false, halfPixelCenters: false }, out([1, 8, 8, 4])),
    /"resize2d"/,
  ], ['a missing input', () => single('binary', [x4, null], { kind: 'add', activation: 'none' }, out([1, 4, 4, 3])),
    /lacks its input 1/], ['no output at all', () => ({ name: 'g', inputs: [x4], nodes: [], outputs: [] }),
    /no outputs/]];
  for (const [title, graph, about] of impossible) {
    test(`refuses ${title}`, () => {
      const error = failure(graph());
      expect(error.code).toBe('INVALID_GRAPH');
      expect(error.message).toMatch(about);
    });
  }

  test('refuses quantized tensors without a scale, or with scales per channel where one scale is needed', () => {
    const missing = single('unary', [tensor('x', [3], 'int8')], { kind: 'tanh' }, out([3], 'int8'));
    expect(failure(missing)).toMatchObject({ code: 'UNSUPPORTED_TYPE' });
    const many: Tensor = {
      name: 'x',
      shape: [2, 2],
      dtype: 'int8',
      quantization: { scale: [1, 2], zeroPoint: [0, 0], axis: 1 },
    };
    const error = failure(single('unary', [many], { kind: 'tanh' }, out([2, 2], 'int8')));
    expect(error.code).toBe('UNSUPPORTED_TYPE');
    expect(error.message).toMatch(/"x" \(int8\) needs one scale and zero point, it has 2/);
  });

  test('refuses an operator that does not exist', () => {
    const graph = single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 3]));
    (graph.nodes[0] as { op: string }).op = 'teleport';
    expect(failure(graph)).toMatchObject({
      code: 'UNSUPPORTED_OP',
      message: expect.stringContaining('teleport') as string,
    });
  });

  test('refuses networks that need more memory than the limit, and names the parts that need it', () => {
    const graph = single('unary', [tensor('x', [100_000], 'float32')], { kind: 'relu' }, out([100_000]));
    expect(failure(graph, { maxMemory: 100_000 })).toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/400000 arena/) as string,
    });
  });

  test('refuses networks whose tensors a plan cannot reach', () => {
    const b = new GraphBuilder('large');
    const x = b.input('x', [1]);
    const large = [0, 1].map(() => b.node('broadcastTo', [x], {}, { shape: [2 ** 28 + 1] }));
    const ends = large.map((t) => b.node('reduce', [t], { kind: 'max', axes: [0] }, { shape: [1] }));
    expect(() => compile(b.finish(ends)))
      .toThrow(/"large" needs 2147\d+ bytes for its tensors, and a plan reaches 2147483648 \(2 GiB\)/);
  });

  test('does not change the graph, and produces the same bytes each time', () => {
    for (let seed = 1; seed < 20; seed++) {
      const graph = randomGraph(new Random(seed), 15, seed % 2 ? 'uint8' : 'float32');
      const before = JSON.stringify(graph);
      const bytes = compile(graph);
      expect(JSON.stringify(graph)).toBe(before);
      expect(compile(graph)).toEqual(bytes);
    }
  });

  test('writes the given metadata into META, and debug info by default', () => {
    const graph = single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 3]));
    const { meta, debugInfo } =
      readKlet(compile(graph, { meta: { name: 'näme', labels: ['a', '日本'], extra: { deep: [1] } } }));
    expect(meta).toMatchObject({ name: 'näme', labels: ['a', '日本'], extra: { deep: [1] } });
    expect(meta.inputs).toMatchObject([{ name: 'x', dtype: 'float32', shape: [1, 4, 4, 3] }]);
    expect(debugInfo!.records).toMatchObject([{ name: 'unary', shape: [1, 4, 4, 3] }]);
    expect(readKlet(compile(graph, { debugInfo: false })).debugInfo).toBeUndefined();
  });

  test('refuses metadata that no file may hold', () => {
    const graph = single('unary', [x4], { kind: 'relu' }, out([1, 4, 4, 3]));
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    loadSync(compile(graph, { meta: { extra: nested(MAX_DEPTH - 1) } }));
    expect(() => compile(graph, { meta: { extra: nested(MAX_DEPTH) } }))
      .toThrow(expect.objectContaining({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(/nested/) as string,
      }) as Error);
  });

  test('stores equal constants once', () => {
    const b = new GraphBuilder('shared');
    const x = b.input('x', [1, 64]);
    const weights = random.fill(new Float32Array(64 * 64));
    const layer = (input: Tensor): Tensor =>
      b.node('fullyConnected', [input, b.constant(weights.slice(), [64, 64]), null], { activation: 'none' });
    expect(readKlet(compile(b.finish([layer(layer(layer(x)))]))).weights.length).toBeLessThan(64 * 64 * 4 + 1024);
  });

  test('stores golden vectors, which every flavor reproduces', () => {
    const graph = randomGraph(new Random(5), 12, 'int8');
    const golden = [1, 2, 3].map((seed) =>
      Object.fromEntries(graph.inputs.map((t) => [t.name, new Random(seed).fill(new Int8Array(t.shape.reduce((a, b) =>
        a * b, 1)))]
      ))
    );
    const klet = compile(graph, { golden });
    for (const flavor of flavors) expect(loadSync(klet, { flavor }).selfTest()).toBe(3);
  });

  test('compiles a network without operators', () => {
    const x = tensor('x', [2, 3], 'int8', int8);
    const model = loadSync(compile({ name: 'nothing', inputs: [x], outputs: [x], nodes: [] as AnyNode[] }));
    expect(model.predict(Int8Array.of(1, 2, 3, 4, 5, 6), { output: 'raw' })).toEqual(Int8Array.of(1, 2, 3, 4, 5, 6));
  });
});
