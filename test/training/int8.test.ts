import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { floatNetwork, noise, parameters, toGraph, training, type Layer, type Network, type Stored } from './library';

// From what training has learned to int8 graphs.

const { initialActivation, initialScales, largestWeight, roundActivations, roundWeights } = training;

const pixel = { scale: 1 / 255, zeroPoint: -128 };

/**
 * Random weights rounded to `bits`, and their scales. `perOutput` is the dimension of the outputs.
 */
function rounded(shape: number[], bits: number, seed: number, groups = shape[0]!): { weights: Stored; scales: Stored } {
  const outputs = shape[0]!;
  const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
  const layout = { outputs, groups, largest: largestWeight(bits) };
  const values = noise(inputs, outputs, seed).map((v) => v / Math.sqrt(inputs));
  const scales = initialScales(values, layout);
  const own = roundWeights(values, scales, layout);
  // [inputs][outputs] → [outputs][inputs]
  const data = own.map((_, i) => own[(i % inputs) * outputs + Math.floor(i / inputs)]!);
  return { weights: { shape, data }, scales: { shape: [groups], data: scales } };
}

function withWeights(layer: Omit<Layer, 'weights'>, shape: number[], bits: number, seed: number): Layer {
  const { weights, scales } = rounded(shape, bits, seed);
  const bias = { shape: [shape[0]!], data: noise(shape[0]!, 1, seed + 1).map((v) => v / 4) };
  return { ...layer, weights, weightScales: scales, bias };
}

/** A convolution, a depthwise one, a mean, a fully connected layer and a softmax, as digits has. */
function imageNetwork(bits: number[], seed: number): Network {
  const window = { stride: [1, 1], dilation: [1, 1], padding: [1, 1, 1, 1], activation: 'relu6' };
  const depthwise = withWeights(
    { name: 'depthwise', op: 'depthwiseConv2d', attributes: window },
    [6, 3, 3],
    bits[1]!,
    seed + 10,
  );
  const taps = depthwise.weights!;
  return {
    name: 'image',
    input: { name: 'x', shape: [1, 8, 8, 2], quantization: pixel },
    output: { name: 'y', shape: [1, 5] },
    layers: [
      withWeights({ name: 'conv', op: 'conv2d', attributes: { ...window, groups: 1 } }, [6, 3, 3, 2], bits[0]!, seed),
      {
        ...depthwise,
        weights: { shape: [1, 3, 3, 6], data: taps.data.map((_, i) => taps.data[(i % 6) * 9 + Math.floor(i / 6)]!) },
      },
      { name: 'pool', op: 'reduce', attributes: { kind: 'mean', axes: [1, 2] } },
      withWeights(
        { name: 'dense', op: 'fullyConnected', attributes: { activation: 'none' } },
        [5, 6],
        bits[2]!,
        seed + 20,
      ),
      { name: 'softmax', op: 'softmax', attributes: { beta: 1 } },
    ],
  };
}

/**
 * What training sees: every layer in float32, and its output rounded. Layers without a quantization
 * get one from their output.
 */
function fakeQuantized(network: Network, input: Float32Array): Float32Array {
  let x: Stored = { shape: network.input.shape, data: roundActivations(input, network.input.quantization!) };
  for (const layer of network.layers) {
    const { shape, data } = floatNetwork.operators[layer.op]!(x, layer);
    layer.quantization ??= layer.op === 'softmax' ? { scale: 1 / 256, zeroPoint: -128 } : initialActivation(data);
    x = { shape, data: roundActivations(data, layer.quantization) };
  }
  return x.data;
}

describe('the int8 graph of a network with learned scales', () => {
  const bits = fc.constantFrom(4, 7, 8);

  test('has weights of the learned bits and scales, layer by layer', () => {
    const network = imageNetwork([4, 7, 8], 1);
    fakeQuantized(network, noise(64, 2, 2).map(Math.abs));
    const graph = toGraph(network);
    expect(graph.inputs[0]!.quantization).toEqual({ scale: [pixel.scale], zeroPoint: [-128], axis: 0 });
    [['conv', 7], ['depthwise', 63], ['dense', 127]].forEach(([name, largest]) => {
      const node = graph.nodes.find((candidate) => candidate.name.startsWith(name as string))!;
      const layer = network.layers.find((candidate) => candidate.name === name)!;
      const { data, dtype, quantization } = node.inputs[1]!;
      const magnitudes = Array.from(data!, Math.abs);
      expect(dtype).toBe('int8');
      expect(Math.max(...magnitudes), String(name)).toBe(largest);
      expect(quantization!.scale).toEqual([...layer.weightScales!.data]);
      expect(node.inputs[2]!.dtype).toBe('int32');
      expect(node.outputs[0]!.quantization!.scale).toEqual([layer.quantization!.scale]);
    });
  });

  test('computes what training has seen, up to a step of each layer', () => {
    fc.assert(
      fc.property(fc.tuple(bits, bits, bits), fc.integer({ min: 1, max: 1e6 }), (own, seed) => {
        const network = imageNetwork(own, seed);
        const image = noise(64, 2, seed + 3).map(Math.abs);
        const expected = fakeQuantized(network, image); // also chooses the scales of activations
        // the logits, because softmax would hide differences
        const logits: Network = { ...network, layers: network.layers.slice(0, -1) };
        const wanted = fakeQuantized(logits, image);
        const { scale } = logits.layers.at(-1).quantization!;
        const values = loadSync(compile(toGraph(logits))).predict(image) as Float32Array;
        values.forEach((value, i) => {
          expect(Math.abs(value - wanted[i]!)).toBeLessThan(scale * 2.01);
        });
        const scores = loadSync(compile(toGraph(network))).predict(image) as Float32Array;
        scores.forEach((score, i) => {
          expect(Math.abs(score - expected[i]!)).toBeLessThan(0.03);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('has one scale for each gate of a GRU, and its state in steps of 1/128', () => {
    const units = 4;
    const gates = (inputs: number, seed: number): { weights: Stored; scales: Stored } =>
      rounded([3 * units, inputs], 4, seed, 3);
    const [input, state] = [gates(6, 5), gates(units, 6)];
    const bias = (seed: number): Stored => ({ shape: [3 * units], data: noise(3 * units, 1, seed) });
    const gru: Layer = {
      name: 'gru',
      op: 'gru',
      attributes: { timeMajor: false, reverse: false, resetAfter: true },
      weights: input.weights,
      weightScales: input.scales,
      bias: bias(7),
      recurrentWeights: state.weights,
      recurrentWeightScales: state.scales,
      recurrentBias: bias(8),
    };
    const network: Network = {
      name: 'sequence',
      input: { name: 'x', shape: [1, 9, 6], quantization: { scale: 1 / 100, zeroPoint: 10 } },
      output: { name: 'h', shape: [1, 9, units] },
      layers: [gru],
    };
    const graph = toGraph(network);
    expect(graph.nodes[0]!.outputs[0]!.quantization).toEqual({ scale: [1 / 128], zeroPoint: [0], axis: 0 });
    expect(new Set(graph.nodes[0]!.inputs[1]!.quantization!.scale).size).toBe(3);
    const { quantization: _, ...floatInput } = network.input;
    const sequence = noise(9, 6, 9);
    const run = (own: Network): Float32Array => loadSync(compile(toGraph(own))).predict(sequence);
    const expected = run({ ...network, input: floatInput });
    run(network).forEach((value, i) => {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(3 / 128);
    });
  });

  test('refuses a bias that does not fit beside the products, and names it', () => {
    const network = imageNetwork([8, 8, 8], 3);
    fakeQuantized(network, noise(64, 2, 2).map(Math.abs));
    const { weightScales } = network.layers[0]!;
    weightScales!.data[2] = 1e-12;
    expect(() => toGraph(network)).toThrow(/conv\/bias\[2\].*scale of its weights must be larger/);
  });
});

test('a network with learned scales is the same after saving and loading', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'training-'));
  try {
    const network = imageNetwork([4, 4, 4], 5);
    fakeQuantized(network, noise(64, 2, 2).map(Math.abs));
    floatNetwork.saveFloatNetwork(path.join(folder, 'net'), network);
    const bytes = (own: Network): Uint8Array => compile(toGraph(own));
    expect(bytes(floatNetwork.loadFloatNetwork(path.join(folder, 'net')))).toEqual(bytes(network));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('parameters of a training', () => {
  const defaults = { bits: '4', rate: 0.001, out: undefined, compact: false };

  test('have the types of their defaults', () => {
    expect(parameters.parametersOf(defaults, ['--rate', '2e-3', '--bits', '7'])).toEqual({
      bits: '7',
      rate: 0.002,
      out: undefined,
      compact: false,
    });
    expect(parameters.parametersOf(defaults, ['--compact', '--out', 'x'])).toEqual({
      ...defaults,
      out: 'x',
      compact: true,
    });
    expect(() => parameters.parametersOf(defaults, ['--rate', 'fast'])).toThrow('--rate must be a number, not "fast"');
    expect(() => parameters.parametersOf(defaults, ['--speed', '1'])).toThrow(/speed/);
  });

  test('give layers their own bits', () => {
    const bits = parameters.bitsByLayer('4,stem:8', ['stem', 'dense']);
    expect([bits('stem'), bits('dense')]).toEqual([8, 4]);
    expect(() => parameters.bitsByLayer('4,steem:8', ['stem', 'dense'])).toThrow(/no layer "steem".*stem, dense/);
  });
});
