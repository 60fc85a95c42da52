import { describe, expect, test } from 'vitest';
import { compare, compile, GraphBuilder, importTflite, quantize, type ActivationBits, type Graph,
  type Tensor } from '../../../src/compiler/index';
import { loadSync } from '../../../src/index';
import { Random } from '../../helpers/random';
import { hasShared, sharedBytes } from '../../helpers/shared';
import { checkGraph } from '../../ops/suite';

const still = { stride: [1, 1] as [number, number], dilation: [1, 1] as [number, number], activation: 'none' as const };

/** Two convolutions, a mover and a softmax. */
function network(): Graph {
  const random = new Random(4);
  const b = new GraphBuilder('small');
  const floats = (shape: number[], size: number): Tensor => {
    const data = new Float32Array(shape.reduce((a, c) => a * c, 1)).map(() => random.between(-size, size));
    return b.constant(data, shape);
  };
  const x = b.input('x', [1, 6, 6, 3]);
  const first = b.node('conv2d', [x, floats([8, 3, 3, 3], 0.3), floats([8], 0.3)], {
    ...still,
    padding: [1, 1, 1, 1],
    groups: 1,
    activation: 'relu6',
  }, { name: 'first' });
  const second = b.node('depthwiseConv2d', [first, floats([1, 3, 3, 8], 0.4), floats([8], 2)], {
    ...still,
    padding: [1, 1, 1, 1],
  }, { name: 'second' });
  const sum = b.node('binary', [second, first], { kind: 'add', activation: 'none' }, { name: 'sum' });
  const flat = b.node('reshape', [sum], {}, { shape: [1, 288], name: 'flat' });
  const scores = b.node('fullyConnected', [flat, floats([5, 288], 0.1), null], { activation: 'none' }, {
    name: 'scores',
  });
  return b.finish([b.node('softmax', [scores], { beta: 1 }, { name: 'shares' })]);
}

const random = new Random(8);
const samples = Array.from({ length: 40 }, () => new Float32Array(108).map(() => random.between(-2, 2)));
const quantized = (activationBits: ActivationBits | Record<string, ActivationBits>, floatIo = false): Graph =>
  quantize(network(), { samples, activationBits, floatIo });
const sqnr = (graph: Graph): number => compare(network(), graph, samples).outputs[0]!.sqnr!;
const typesOf = (graph: Graph): Record<string, string> =>
  Object.fromEntries(graph.nodes.map(({ name, outputs }) => [name, outputs[0]!.dtype]));

describe('activations of 16 bits', () => {
  test('are int16 in all nodes, with biases of 64 bits, and lose far less than int8', () => {
    const graph = quantized(16);
    expect(typesOf(graph)).toEqual({
      first: 'int16',
      second: 'int16',
      sum: 'int16',
      flat: 'int16',
      scores: 'int16',
      shares: 'int16',
    });
    expect(graph.inputs[0]!.dtype).toBe('int16');
    expect(graph.nodes[0]!.inputs.slice(1).map((tensor) => tensor!.dtype)).toEqual(['int8', 'int64']);
    expect(graph.outputs[0]!.quantization).toEqual({ scale: [1 / 32768], zeroPoint: [0], axis: 0 });
    expect(sqnr(graph)).toBeGreaterThan(sqnr(quantized(8)) + 6);
  });

  test('give the same bits in every flavor, which equal the reference', () => {
    checkGraph(quantized(16), 3);
    checkGraph(quantized({ second: 16, sum: 16 }), 3);
  });

  test('are in the named nodes alone, and in those that move their values', () => {
    const graph = quantized({ second: 16, sum: 16 }, true);
    expect(typesOf(graph)).toMatchObject({
      first: 'int8',
      second: 'int16',
      sum: 'int16',
      flat: 'int16',
      scores: 'int8',
      shares: 'int8',
    });
    const model = loadSync(compile(graph));
    expect([model.inputs[0]!.dtype, model.outputs[0]!.dtype]).toEqual(['float32', 'float32']);
    expect(sqnr(graph)).toBeGreaterThan(40);
  });

  test('are refused for unknown nodes, float operators and other numbers', () => {
    expect(() => quantized({ thrid: 16 })).toThrow(/activationBits.*names "thrid", but "small" has no node/);
    expect(() => quantized(12 as 8)).toThrow(/activationBits.*is 8 or 16, not 12/);
    expect(() => quantized({ sum: 4 as 8 })).toThrow(/not 4 for "sum"/);
  });

  test('leave recurrent layers in int8, and are refused for them by name', () => {
    const b = new GraphBuilder('sequence');
    const weights = (rows: number, columns: number): Tensor =>
      b.constant(new Float32Array(rows * columns).map((_, i) => Math.sin(i) / 2), [rows, columns]);
    const x = b.input('x', [1, 6, 4]);
    const along = { timeMajor: false, reverse: false, activation: 'tanh' as const, cellClip: 0, projectionClip: 0 };
    const lstm = b.node('lstm', [x, weights(12, 4), weights(12, 3), b.constant(new Float32Array(12), [12])], along, {
      name: 'memory',
    });
    const graph = b.finish([b.node('unary', [lstm], { kind: 'relu' }, { name: 'out' })]);
    const frames = Array.from({ length: 4 }, () => new Float32Array(24).map(() => random.between(-1, 1)));
    const wide = quantize(graph, { samples: frames, activationBits: 16 });
    expect(typesOf(wide)).toMatchObject({ memory: 'int8', out: 'int16' });
    expect(loadSync(compile(wide)).predict(frames[0]!)).toHaveLength(18);
    expect(() => quantize(graph, { samples: frames, activationBits: { memory: 16 } }))
      .toThrow(/names "memory", but lstm has no int16 form/);
  });
});

describe.skipIf(!hasShared)('a real network', () => {
  test('keeps more than 40 dB with int16 activations', () => {
    const graph = importTflite(sharedBytes('models', 'ic_resnet8_f32.tflite'));
    const [x] = graph.inputs as [Tensor];
    const noise = Array.from(
      { length: 24 },
      () => new Float32Array(x.shape.reduce((a, c) => a * c, 1)).map(() => random.between(0, 255)),
    );
    const wide = quantize(graph, { samples: noise, activationBits: 16 });
    expect(compare(graph, wide, noise).outputs[0]!.sqnr).toBeGreaterThan(40);
  });
});

test('nodes that 8 bits would ruin are int16 if they are asked to be', () => {
  const b = new GraphBuilder('classes');
  const make = new Random(21);
  const weights = b.constant(new Float32Array(32000).map(() => make.between(-0.1, 0.1)), [1000, 32]);
  const logits = b.node('fullyConnected', [b.input('x', [1, 32]), weights, null], { activation: 'none' });
  const graph = b.finish([b.node('softmax', [logits], { beta: 1 }, { name: 'shares' })]);
  const inputs = Array.from({ length: 40 }, () => new Float32Array(32).map(() => make.between(-1, 1)));
  const typeOf = (activationBits: ActivationBits): string =>
    quantize(graph, { samples: inputs, activationBits, rounding: 'nearest' }).outputs[0]!.dtype;
  expect([typeOf(8), typeOf(16)]).toEqual(['float32', 'int16']);
});
