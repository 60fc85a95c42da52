import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, KletError, quantize, type Graph,
  type Tensor } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { checkGraph } from '../../ops/suite';

/**
 * A small network with most operators that quantization must handle: convolutions, a residual sum,
 * pools, concatenation, functions by table, a softmax.
 */
function network(seed: number): Graph {
  const random = new Random(seed);
  const b = new GraphBuilder('small');
  const floats = (shape: number[], size: number): Tensor =>
    b.constant(
      Float32Array.from({ length: shape.reduce((a, c) => a * c, 1) }, () => random.between(-size, size)),
      shape,
    );
  const conv = (x: Tensor, out: number, kernel: number, activation: 'none' | 'relu6'): Tensor => {
    const half = kernel >> 1;
    return b.node('conv2d', [x, floats([out, kernel, kernel, x.shape[3]!], 1 / kernel), floats([out], 0.3)], {
      stride: [1, 1],
      dilation: [1, 1],
      padding: [half, half, half, half],
      groups: 1,
      activation,
    });
  };
  const x = b.input('x', [1, 8, 8, 3]);
  const first = conv(x, 8, 3, 'relu6');
  const depthwise = b.node('depthwiseConv2d', [first, floats([1, 3, 3, 8], 0.4), floats([8], 0.2)], {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [1, 1, 1, 1],
    activation: 'none',
  });
  const sum = b.node('binary', [first, conv(b.node('unary', [depthwise], { kind: 'relu' }), 8, 1, 'none')], {
    kind: 'add',
    activation: 'none',
  });
  const pooled = b.node('maxPool2d', [b.node('unary', [sum], { kind: 'hardSwish' })], {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    activation: 'none',
  });
  const joined = b.node('concat', [pooled, b.node('unary', [pooled], { kind: 'tanh' })], {
    axis: 3,
    activation: 'none',
  });
  const mean = b.node('reduce', [joined], { kind: 'mean', axes: [1, 2] }, { shape: [1, 16] });
  const scores = b.node('fullyConnected', [mean, floats([5, 16], 0.7), floats([5], 0.5)], { activation: 'none' }, {
    name: 'scores',
  });
  return b.finish([scores, b.node('softmax', [scores], { beta: 1 }, { name: 'shares' })]);
}

function images(seed: number, count: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Float32Array.from({ length: 8 * 8 * 3 }, () => random.between(-1, 1)));
}

function failure(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    return error as KletError;
  }
  throw new Error('nothing was thrown');
}

describe('quantize', () => {
  test('stays within a few quantization units of the float network', () => {
    for (const seed of [1, 2, 3, 4]) {
      const graph = network(seed);
      const float = loadSync(compile(graph));
      const int8 = loadSync(compile(quantize(graph, { samples: images(seed, 60) })));
      const differences: number[] = [];
      for (const image of images(seed + 100, 40)) {
        const a = float.predict(image);
        const b = int8.predict(image);
        int8.outputs.forEach(({ name, scale }) => {
          a[name]!.forEach((v, i) => differences.push(Math.abs(v - b[name]![i]!) / scale!));
        });
      }
      expect(Math.max(...differences)).toBeLessThan(12);
      expect(Math.sqrt(differences.reduce((sum, d) => sum + d * d, 0) / differences.length)).toBeLessThan(3);
    }
  });

  test('gives int8 networks that every flavor runs like the reference', () => {
    for (const seed of [5, 6]) {
      for (const floatIo of [false, true]) {
        checkGraph(quantize(network(seed), { samples: images(seed, 10), floatIo }), seed);
      }
    }
  });

  test('quantizes activations by their range, weights symmetrically per output channel, biases to int32', () => {
    const graph = quantize(network(7), { samples: images(7, 10) });
    expect(graph.inputs[0]).toMatchObject({ dtype: 'int8' });
    for (const node of graph.nodes.filter((n) =>
      n.op === 'conv2d' || n.op === 'depthwiseConv2d' || n.op === 'fullyConnected'
    )) {
      const [, w, bias] = node.inputs;
      const axis = node.op === 'depthwiseConv2d' ? 3 : 0;
      expect(w).toMatchObject({ dtype: 'int8', quantization: { axis } });
      expect(w!.quantization!.scale).toHaveLength(w!.shape[axis]!);
      expect(w!.quantization!.zeroPoint.every((z) => z === 0)).toBe(true);
      expect(Math.min(...(w!.data as Int8Array))).toBeGreaterThanOrEqual(-127);
      expect(bias).toMatchObject({ dtype: 'int32' });
    }
    expect(graph.outputs[1]!.quantization).toMatchObject({ scale: [1 / 256], zeroPoint: [-128] });
  });

  test('represents zero exactly, and gives a constant activation a valid scale', () => {
    const b = new GraphBuilder('still');
    const x = b.input('x', [4]);
    const graph = b.finish([b.node('binary', [x, b.input('zero', [4])], { kind: 'mul', activation: 'none' })]);
    const model =
      loadSync(compile(quantize(graph, { samples: [{ x: Float32Array.of(3, 4, 5, 6), zero: new Float32Array(4) }] })));
    expect(model.predict({ x: Float32Array.of(3, 4, 5, 6), zero: new Float32Array(4) })).toEqual(new Float32Array(4));
    expect(model.predict({ x: new Float32Array(4), zero: new Float32Array(4) })).toEqual(new Float32Array(4));
  });

  test('keeps the bias of an output whose weights are all zero', () => {
    const b = new GraphBuilder('gone');
    const x = b.input('x', [1, 4]);
    const y = b.node('fullyConnected', [x, b.constant(Float32Array.of(0, 0, 0, 0, 1, -1, 0.5, 0), [2, 4]),
      b.constant(Float32Array.of(3, -1), [2])], { activation: 'none' });
    const samples = [Float32Array.of(1, 0, 1, 0), Float32Array.of(0, 1, 0, 1)];
    const [first] = loadSync(compile(quantize(b.finish([y]), { samples }))).predict(samples[0]!) as Float32Array;
    expect(Math.abs(first! - 3)).toBeLessThan(0.05);
  });

  test.each([1e-3, 1e-6, 1e-9, 1e-20])(
    'keeps a bias that would overflow int32 because the weights are as small as %s',
    (size) => {
      const b = new GraphBuilder('small weights');
      const random = new Random(5);
      const x = b.input('x', [1, 5, 5, 6]);
      const small = (shape: number[]): Tensor =>
        b.constant(
          Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => random.between(-size, size)),
          shape,
        );
      const bias = b.constant(Float32Array.of(100, -40, 0, 3e-7, -1, 7), [6]);
      const window = {
        stride: [1, 1] as [number, number],
        dilation: [1, 1] as [number, number],
        padding: [0, 0, 0, 0] as [number, number, number, number],
        activation: 'none' as const,
      };
      const graph = b.finish([b.node('conv2d', [x, small([6, 3, 3, 6]), bias], { ...window, groups: 1 }),
        b.node('depthwiseConv2d', [x, small([1, 3, 3, 6]), bias], window)]);
      const samples = Array.from({ length: 10 }, () => random.fill(new Float32Array(150)));
      const int8 = quantize(graph, { samples });
      const float = loadSync(compile(graph));
      const found = loadSync(compile(int8));
      for (const sample of samples) {
        const real = float.predict(sample);
        const near = found.predict(sample);
        found.outputs.forEach(({ name, scale }) =>
          real[name]!.forEach((v, i) => expect(Math.abs(v - near[name]![i]!)).toBeLessThan(scale! * 1.01))
        );
      }
      checkGraph(int8, 1);
    },
  );

  test('can keep inputs and outputs in float, and does not change the given graph', () => {
    const graph = network(8);
    const before = JSON.stringify(graph);
    const result = quantize(graph, { samples: images(8, 5), floatIo: true });
    expect(JSON.stringify(graph)).toBe(before);
    expect([...result.inputs, ...result.outputs].map((t) => [t.name, t.dtype])).toEqual([['x', 'float32'], ['scores',
      'float32'], ['shares', 'float32']]);
  });

  test('keeps integers, such as the int32 output of argmax', () => {
    const b = new GraphBuilder('index');
    const x = b.input('x', [3, 4]);
    const graph = b.finish([
      b.node('argmax', [b.node('unary', [x], { kind: 'relu' })], { axis: 1, kind: 'max' }, {
        shape: [3],
        dtype: 'int32',
      }),
    ]);
    const sample = new Random(3).fill(new Float32Array(12));
    const model = loadSync(compile(quantize(graph, { samples: [sample] })));
    expect(model.predict(sample, { output: 'raw' }))
      .toEqual(loadSync(compile(graph)).predict(sample, { output: 'raw' }));
  });

  test('converts before and after operators that stay in float32', () => {
    const b = new GraphBuilder('mixed');
    const x = b.input('x', [3, 4]);
    const relu = b.node('unary', [x], { kind: 'relu' });
    const whole = b.node('cast', [b.node('cast', [relu], {}, { dtype: 'int32' })], {}, { dtype: 'float32' });
    const graph = b.finish([b.node('binary', [whole, relu], { kind: 'add', activation: 'none' }, { name: 'sum' })]);
    const sample = Float32Array.from({ length: 12 }, (_, i) => i * 0.4 - 1);
    const int8 = quantize(graph, { samples: [sample] });
    expect(int8.nodes.map((n) => n.op)).toEqual(['unary', 'dequantize', 'cast', 'cast', 'quantize', 'binary']);
    const found = loadSync(compile(int8)).predict(sample);
    loadSync(compile(graph)).predict(sample).forEach((v, i) => expect(Math.abs(v - found[i]!)).toBeLessThan(0.1));
  });

  describe('of a graph with states', () => {
    const along = (seed: number, count: number): Float32Array[] =>
      images(seed, count).map((values) => values.slice(0, 6));
    /** The largest difference of each output over a sequence, in quantization units. */
    function differences(graph: Graph, int8: Graph, sequence: Float32Array[]): number[] {
      const a = loadSync(compile(graph));
      const b = loadSync(compile(int8));
      const record = (
        values: object,
      ): Record<string,
        Float32Array> => (values instanceof Float32Array
          ? { [a.outputs[0]!.name]: values }
          : values as Record<string, Float32Array>);
      const largest = b.outputs.map(() => 0);
      for (const frame of sequence) {
        const [expected, found] = [record(a.predict(frame)), record(b.predict(frame))];
        b.outputs.forEach(({ name, scale }, i) =>
          expected[name]!.forEach((v, j) => {
            largest[i] = Math.max(largest[i]!, Math.abs(v - found[name]![j]!) / (scale ?? 1));
          })
        );
      }
      return largest;
    }

    test('a window of past values has the scale of its contents, so nothing is converted', () => {
      const b = new GraphBuilder('window');
      const random = new Random(4);
      const x = b.input('x', [1, 6]);
      const past = b.state('past', [3, 6], new Float32Array(18));
      const window = b.node('concat', [past, x], { axis: 0, activation: 'none' });
      b.assign(past, b.node('slice', [window], { begin: [1, 0], stride: [1, 1] }, { shape: [3, 6] }));
      const flat = b.node('reshape', [window], {}, { shape: [1, 24] });
      const graph = b.finish([
        b.node('fullyConnected', [flat, b.constant(
          Float32Array.from({ length: 96 }, () => random.between(-1, 1)),
          [4, 24],
        ), null], { activation: 'none' }),
      ]);
      const int8 = quantize(graph, { samples: [along(1, 40)] });
      expect(int8.nodes.map(({ op }) => op)).toEqual(['concat', 'slice', 'reshape', 'fullyConnected']);
      expect(int8.states).toMatchObject([{
        value: { dtype: 'int8' },
        next: { quantization: int8.states![0]!.value.quantization },
      }]);
      expect(loadSync(compile(int8)).memory.state).toBe(18);
      expect(Math.max(...differences(graph, int8, along(1, 40)))).toBeLessThan(3);
    });

    test('the states of a layer in float32 stay in float32, also through reshapes', () => {
      const b = new GraphBuilder('stepwise');
      const random = new Random(9);
      const floats = (shape: number[]): Tensor =>
        b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q, 1) }, () => random.between(-1, 1)), shape);
      const x = b.input('x', [1, 6]);
      const dense = b.node('fullyConnected', [x, floats([5, 6]), floats([5])], { activation: 'none' });
      const [h, c] = ['h', 'c'].map((name) => b.state(name, [4], new Float32Array(4))) as [Tensor, Tensor];
      const row = (tensor: Tensor): Tensor => b.node('reshape', [tensor], {}, { shape: [1, 4] });
      const [y, nextH, nextC] = b.nodeWithOutputs('lstm', [b.node('reshape', [dense], {}, { shape: [1, 1, 5] }),
        floats([16, 5]), floats([16, 4]), floats([16]), null, null, null, null, row(h), row(c)], {
        timeMajor: false,
        reverse: false,
        activation: 'tanh',
        cellClip: 0,
        projectionClip: 0,
      }, [[], [], []]);
      b.assign(h, b.node('reshape', [nextH!], {}, { shape: [4] }));
      b.assign(c, b.node('reshape', [nextC!], {}, { shape: [4] }));
      const flat = b.node('reshape', [y!], {}, { shape: [1, 4] });
      // h is also read in int8
      const both = b.node('concat', [flat, row(h)], { axis: 1, activation: 'none' });
      const graph = b.finish([b.node('fullyConnected', [both, floats([3, 8]), null], { activation: 'none' })]);
      const int8 = quantize(graph, { samples: [along(3, 40)] });
      expect(int8.states!.map(({ value, next }) => [value.dtype, next.dtype])).toEqual([['float32', 'float32'], [
        'float32',
        'float32',
      ]]);
      expect(int8.nodes.filter(({ op }) => op === 'fullyConnected').map(({ inputs }) => inputs[0]!.dtype)).toEqual([
        'int8',
        'int8',
      ]);
      // the weights and the inputs of the layer alone have errors, which do not add up
      expect(Math.max(...differences(graph, int8, along(3, 40)))).toBeLessThan(4);
    });

    test('the range of a running mean comes from running the samples in order', () => {
      const b = new GraphBuilder('mean');
      const x = b.input('x', [1, 6]);
      const mean = b.state('mean', [1, 6], new Float32Array(6).fill(0.25));
      const scaled = (tensor: Tensor, by: number): Tensor =>
        b.node('binary', [tensor, b.constant(Float32Array.of(by), [1])], { kind: 'mul', activation: 'none' });
      const next = b.node('binary', [scaled(mean, 0.75), x], { kind: 'add', activation: 'none' });
      b.assign(mean, next);
      const graph = b.finish([next]);
      const int8 = quantize(graph, { samples: [along(3, 60)] });
      const alone = quantize(graph, { samples: along(3, 60) });
      expect(differences(graph, int8, along(3, 60))[0]).toBeLessThan(8);
      expect(alone.outputs[0]!.quantization!.scale[0]).toBeLessThan(int8.outputs[0]!.quantization!.scale[0]! * 0.8);
    });

    test('values assigned to a state are rescaled to its scale, and the results stay close', () => {
      const b = new GraphBuilder('kinds');
      const x = b.input('x', [1, 6]);
      const of = (name: string, fill: number): Tensor => b.state(name, [1, 6], new Float32Array(6).fill(fill));
      const shares = of('shares', 0.5);
      const whole = of('whole', 1);
      const fixed = of('fixed', -2);
      const old = of('old', 0);
      const same = of('same', 0.75);
      const count = b.state('count', [1], Int32Array.of(7));
      b.assign(shares, b.node('softmax', [x], { beta: 1 }));
      b.assign(
        whole,
        b.node(
          'cast',
          [b.node(
            'cast',
            [b.node('binary', [x, b.constant(Float32Array.of(9), [1])], { kind: 'mul', activation: 'none' })],
            {},
            { dtype: 'int32' },
          )],
          {},
          { dtype: 'float32' },
        ),
      );
      b.assign(fixed, b.constant(new Float32Array(6).fill(3), [1, 6]));
      b.assign(old, b.node('reshape', [x], {}, { shape: [1, 6] }));
      const older = of('older', 40);
      b.assign(older, old);
      b.assign(
        count,
        b.node('binary', [count, b.constant(Int32Array.of(1), [1])], { kind: 'add', activation: 'none' }, {
          dtype: 'int32',
        }),
      );
      const outputs = [shares, whole, fixed, older, same].map((state) => b.node('unary', [state], { kind: 'relu' }));
      const graph = b.finish([...outputs, b.node('reshape', [count], {}, { shape: [1, 1], dtype: 'int32' })]);
      for (const floatIo of [false, true]) {
        const int8 = quantize(graph, { samples: [along(6, 20)], floatIo });
        expect(int8.states!.map(({ value }) => value.dtype)).toEqual(['int8', 'int8', 'int8', 'int8', 'int8', 'int32',
          'int8']);
        expect(int8.states![0]!.value.quantization).toEqual({ scale: [1 / 256], zeroPoint: [-128], axis: 0 });
        // rounding to integers may differ by one
        const unit = floatIo ? 1 : 1 / int8.outputs[1]!.quantization!.scale[0]!;
        const limits = [2, unit * 1.1, 2, 2, 2, 0.5];
        differences(graph, int8, along(6, 20)).forEach((steps, i) =>
          expect(steps, graph.outputs[i]!.name).toBeLessThan(limits[i]!)
        );
      }
    });
  });

  test('takes the real weights of layers whose weights are int8 already', () => {
    const b = new GraphBuilder('hybrid');
    const random = new Random(12);
    const weights = b.constant(Int8Array.from({ length: 32 }, () => random.int(-127, 127)), [4, 8], {
      scale: [0.01, 0.02, 0.03, 0.002],
      zeroPoint: [0, 0, 0, 0],
      axis: 0,
    });
    const x = b.input('x', [1, 8]);
    const graph = b.finish([b.node('fullyConnected', [x, weights, null], { activation: 'none', hybrid: 'symmetric' })]);
    const samples = Array.from({ length: 40 }, () => Float32Array.from({ length: 8 }, () => random.between(-1, 1)));
    const int8 = quantize(graph, { samples });
    expect(int8.nodes[0]!.attributes).not.toHaveProperty('hybrid');
    expect(int8.inputs[0]).toMatchObject({ dtype: 'int8' });
    expect(compare(graph, int8, samples).outputs[0]!.sqnr).toBeGreaterThan(35);
  });

  test('refuses what is no input in an array, a generator and another iterable', () => {
    const wrong: unknown[] = [null, undefined, 7, 0n, 'text', { x: null }, { x: 7 }, new DataView(new ArrayBuffer(8)), [
      null,
      0n,
    ], [null, { x: null }], new Map()];
    function* generated(sample: unknown): Generator {
      yield sample;
    }
    for (const sample of wrong) {
      for (const samples of [[sample], generated(sample), new Set([sample])]) {
        const error = failure(() => quantize(network(9), { samples: samples as never }));
        expect(error).toBeInstanceOf(KletError);
      }
    }
  });

  test('copies the samples of a generator, which may use the same array again', () => {
    // plain arrays, which JavaScript may pass
    const own = images(9, 3).map((image) => Array.from(image) as unknown as Float32Array);
    function* generated(): Generator<Float32Array> {
      const array: number[] = [];
      for (const image of own) yield Object.assign(array, image);
    }
    const fileOf = (samples: Iterable<Float32Array>): Uint8Array => compile(quantize(network(9), { samples }));
    expect(fileOf(generated())).toEqual(fileOf(own));
  });

  test('refuses an empty list of samples and a quantized network', () => {
    expect(failure(() => quantize(network(9), { samples: [] }))).toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/samples/) as string,
    });
    const error = failure(() => quantize(quantize(network(9), { samples: images(9, 3) }), { samples: images(9, 3) }));
    expect(error).toMatchObject({
      code: 'UNSUPPORTED_TYPE',
      message: expect.stringMatching(/is already quantized/) as string,
    });
  });
});
