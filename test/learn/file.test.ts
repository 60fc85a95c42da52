import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, createKeys, GraphBuilder, importTflite, sign } from '../../src/compiler/index';
import { readKlet } from '../../src/format/klet';
import { elementCount, type Graph, type Tensor } from '../../src/graph/graph';
import { KletError, load, loadSync, type RawArray } from '../../src/index';
import { layersOf, upTo, withClassifier, type Layer } from '../../src/learn/file';
import { load as loadPlain } from '../../src/plain';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { randomGraph } from '../helpers/randomGraph';
import { hasShared, sharedBytes } from '../helpers/shared';

const models = path.resolve(import.meta.dirname, '../../models');
const shipped = (name: string): Uint8Array => new Uint8Array(readFileSync(path.join(models, name)));
const digits = shipped('digits/digits.klet');

/** Random values of the types of a network's inputs. */
function inputsFor(graph: Graph, random: Random): Record<string, RawArray> {
  return Object.fromEntries(graph.inputs.map(({ name, shape, dtype }): [string, RawArray] => {
    const count = elementCount(shape);
    if (dtype === 'float32') return [name, Float32Array.from({ length: count }, () => random.next() * 4 - 2)];
    const bytes = Uint8Array.from({ length: count }, () => random.int(0, 255));
    return [name, dtype === 'uint8' ? bytes : new Int8Array(bytes.buffer)];
  }));
}

/** Three recurrent layers and a softmax. */
function recurrent(op: 'lstm' | 'gru' | 'svdf'): Graph {
  const random = new Random(5);
  const b = new GraphBuilder('memory');
  const constant = (...shape: number[]): Tensor =>
    b.constant(Float32Array.from({ length: elementCount(shape) }, () => random.between(-1, 1)), shape);
  const along = { timeMajor: false, reverse: false };
  const layer = (x: Tensor, name: string): Tensor => {
    const width = x.shape.at(-1);
    if (op === 'lstm') {
      const attributes = { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 } as const;
      return b.node(op, [x, constant(20, width), constant(20, 5), constant(20)], attributes, { name });
    }
    if (op === 'gru') {
      const operands = [x, constant(15, width), constant(15, 5), constant(15), constant(15)];
      return b.node(op, operands, { ...along, resetAfter: true }, { name });
    }
    const attributes = { ...along, rank: 1, activation: 'none' } as const;
    return b.node(op, [x, constant(5, width), constant(5, 4), constant(5)], attributes, { name });
  };
  const second = layer(layer(b.input('x', [1, 1, 3]), 'first'), 'second');
  const third = layer(second, 'third');
  return b.finish([b.node('softmax', [third], { beta: 1 }, { name: 'scores' })]);
}

/** The output of a node, as the compiler half computes it. */
function expected(graph: Graph, layer: string, inputs: Record<string, RawArray>): RawArray {
  const node = graph.nodes.find(({ name }) => name === layer)!;
  return loadSync(compile({ ...graph, outputs: [node.outputs[0]!] })).predict(inputs, { output: 'raw' });
}

function embedding(file: Uint8Array, layer: string, inputs: Record<string, RawArray>): RawArray {
  const model = loadSync(upTo(file, layer));
  return model.predict(Object.fromEntries(model.inputs.map(({ name }) => [name, inputs[name]!])), { output: 'raw' });
}

/** The bytes of an array. uint8 networks compute in int8, with q − 128. */
function bytesOf(values: RawArray): number[] {
  const bytes = Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return values instanceof Uint8Array ? bytes.map((byte) => byte ^ 128) : bytes;
}

describe('upTo', () => {
  test('gives the tensor that the compiler half computes, for every layer of random networks', () => {
    let compared = 0;
    const flags = fc.record({ compact: fc.boolean(), strips: fc.boolean() });
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom('int8', 'uint8', 'float32'), flags, (seed, type, options) => {
        const random = new Random(seed);
        const graph = randomGraph(random, 10, type);
        const file = compile(graph, options);
        const inputs = inputsFor(graph, random);
        for (const { name, shape } of layersOf(file)) {
          const node = graph.nodes.find((each) => each.name === name);
          // passes of the compiler add nodes and fold activations into the node before
          const isFolded = node &&
            graph.nodes.some(({ op, inputs: [x] }) => ['unary', 'pad'].includes(op) && x === node.outputs[0]);
          if (!node || isFolded) continue;
          expect(shape).toEqual(node.outputs[0]!.shape);
          expect(bytesOf(embedding(file, name, inputs)), name).toEqual(bytesOf(expected(graph, name, inputs)));
          compared++;
        }
      }),
      { numRuns: 60, seed: 3 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  test.skipIf(!hasShared)('cuts the public networks after the layer before the classifier', () => {
    const cases = [['kws_dscnn_int8', 64], ['ic_resnet8_f32', 64], ['mobilenet_v1_025_128_uint8', 256]] as const;
    for (const [name, width] of cases) {
      const graph = importTflite(sharedBytes('models', `${name}.tflite`));
      const inputs = inputsFor(graph, new Random(5));
      const files = [compile(graph), compile(graph, { compact: true })];
      const layer = layersOf(files[0]!).findLast(({ op, shape }) => op !== 'reshape' && shape.at(-1) === width)!;
      const want = bytesOf(expected(graph, layer.name, inputs));
      for (const file of files) expect(bytesOf(embedding(file, layer.name, inputs)), name).toEqual(want);
      // without the classifier, whose weights are the last ones
      const { weights } = readKlet(files[0]!);
      const head = layersOf(files[0]!).at(-1).shape.at(-1) * width;
      expect(weights.length - readKlet(upTo(files[0]!, layer.name)).weights.length, name).toBeGreaterThanOrEqual(head);
    }
  });

  test.each(['lstm', 'gru', 'svdf'] as const)('keeps the state of a %s from one prediction to the next', (op) => {
    const graph = { ...recurrent(op), carries: true };
    const whole = loadSync(compile({ ...graph, outputs: [graph.nodes[1]!.outputs[0]!] }));
    const file = upTo(compile(graph), 'second');
    const [model, plain] = [loadSync(file), loadSync(file, { flavor: 'js' })];
    const random = new Random(8);
    for (let frame = 0; frame < 6; frame++) {
      const input = Float32Array.from({ length: 3 }, () => random.between(-1, 1));
      const want = whole.predict(input);
      expect(model.predict(input)).toEqual(want);
      expect(plain.predict(input)).toEqual(want);
    }
    // a state that is kept, not one that begins anew
    model.reset();
    expect(model.predict(new Float32Array(3))).not.toEqual(whole.predict(new Float32Array(3)));
  });

  test('keeps the weights of the first layers only', () => {
    const sizes = layersOf(digits).filter(({ op }) => op === 'conv2d').map(({ name }) => upTo(digits, name).length);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(sizes[0]).toBeLessThan(digits.length / 8);
  });

  test('reads packed weights of four bits, and files that upTo wrote', async () => {
    const file = shipped('digits/digits-4bit.klet');
    const cut = upTo(file, 'pool');
    expect(layersOf(cut).map(({ name }) => name)).toEqual(layersOf(file).map(({ name }) => name).slice(0, 10));
    const again = await load(upTo(cut, 'block2/pointwise'));
    const first = await load(upTo(file, 'block2/pointwise'));
    const image = Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 6);
    expect(again.predict(image)).toEqual(first.predict(image));
  });

  test('keeps name, inputs and preprocessing, and drops what belongs to the whole network', () => {
    const { meta, golden } = readKlet(upTo(digits, 'pool'));
    const whole = readKlet(digits).meta;
    expect(meta).toMatchObject({ name: 'digits', inputs: whole.inputs, preprocessing: whole.preprocessing });
    expect(meta.provenance).toEqual({ ...whole.provenance, embedding: 'pool' });
    expect([meta.labels, meta.accuracy, golden]).toEqual([undefined, undefined, undefined]);
  });

  test('leaves out the signature, so that a page that demands one refuses the embedder', async () => {
    const keys = await createKeys();
    const cut = upTo(await sign(digits, keys.privateKey), 'pool');
    await expect(load(cut, { publicKey: keys.publicKey })).rejects.toThrow(/not signed/);
    const signed = await sign(cut, keys.privateKey);
    await expect(load(signed, { publicKey: keys.publicKey })).resolves.toHaveProperty('outputs');
  });

  test('names the layers if there is no such layer, and says what else is wrong', () => {
    const code = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (error instanceof KletError) return `${error.code} ${error.message}`;
      }
      return 'no error';
    };
    expect(code(() => upTo(digits, 'pol'))).toMatch(/^BAD_ARGUMENT .*"pol"; its layers are stem, .*, pool, dense/);
    const b = new GraphBuilder('sum');
    const x = b.input('x', [1, 4]);
    const total = b.state('total', [1, 4], new Float32Array(4));
    const sum = b.node('binary', [x, total], { kind: 'add', activation: 'none' }, { name: 'sum' });
    b.assign(total, b.node('unary', [sum], { kind: 'abs' }, { name: 'size' }));
    expect(code(() => upTo(compile(b.finish([b.node('softmax', [sum], { beta: 1 })])), 'sum')))
      .toMatch(/^UNSUPPORTED_OP "sum" keeps the state "total", which later layers may update/);
    expect(code(() => upTo('digits.klet' as never, 'pool'))).toMatch(/^BAD_ARGUMENT upTo\(\) takes the bytes/);
    expect(code(() => upTo(new Uint8Array(100), 'pool'))).toMatch(/^BAD_MAGIC/);
    const nameless = compile(randomGraph(new Random(1), 4, 'int8'), { debugInfo: false });
    expect(code(() => layersOf(nameless))).toMatch(/^BAD_ARGUMENT .*debugInfo: true/);
    const newer = digits.slice();
    newer[4] = 2;
    expect(code(() => layersOf(newer))).toMatch(/^BAD_VERSION/);
  });

  test('refuses damaged files, or gives one that loads', () => {
    fc.assert(
      fc.property(fc.nat(digits.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = digits.slice();
        damaged[at]! ^= change;
        try {
          loadSync(upTo(damaged, 'pool'));
        } catch (error) {
          expect(error).toBeInstanceOf(KletError);
        }
      }),
      { numRuns: 400, seed: 1, examples: [[8, 1], [40, 255], [44, 3]] },
    );
  });
});

describe('withClassifier', () => {
  const labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'];

  function randomClassifier(layer: Layer, random: Random, shift = 0): Parameters<typeof withClassifier>[1] {
    const width = elementCount(layer.shape);
    return {
      labels,
      weights: Float32Array.from({ length: labels.length * width }, () => random.next() / width - 0.5 / width),
      mean: Float64Array.from({ length: width }, () => random.int(-2, 2)),
      bias: Float64Array.from(labels, () => shift + random.next()),
      range: [shift - 30, shift + 30],
    };
  }

  /** Probabilities in 64 bits. */
  function plainProbabilities(
    { weights, mean, bias }: Parameters<typeof withClassifier>[1],
    x: ArrayLike<number>,
  ): number[] {
    const scores = Array.from(bias, (start, c) => {
      let sum = start;
      for (let k = 0; k < x.length; k++) sum += weights[c * x.length + k]! * (x[k]! - mean[k]!);
      return sum;
    });
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    return scores.map((score) => Math.exp(score) / total);
  }

  test.each(['int8', 'float32'] as const)('computes softmax(W·x + b) after %s layers, in every flavor', (type) => {
    let compared = 0;
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const graph = randomGraph(random, 6, type);
      const file = compile(graph, { compact: seed % 2 === 0 });
      const inputs = inputsFor(graph, random);
      for (const layer of layersOf(file)) {
        const cut = upTo(file, layer.name);
        const x = embedding(file, layer.name, inputs) as Int8Array;
        if (!Array.from(x).every(Number.isFinite)) continue;
        // softmax is the same for scores that all are far from 0
        const classifier = randomClassifier(layer, random, [0, 80, -80][seed % 3]);
        const joined = withClassifier(cut, classifier);
        const want = plainProbabilities(classifier, x);
        const answers = flavors.map((flavor) => {
          const model = loadSync(joined, { flavor });
          return model.predict(Object.fromEntries(model.inputs.map(({ name }) => [name, inputs[name]!])));
        });
        const scores = answers[0]!.probabilities!;
        // the scores are quantized to 60/255, and the weights to 1/127 of the largest
        const tolerance = layer.dtype === 'int8' ? 0.2 : 1e-4;
        want.forEach((p, c) => expect(Math.abs(scores[c]! - p), `${seed} ${layer.name}`).toBeLessThan(tolerance));
        for (const answer of answers) expect(answer).toEqual(answers[0]);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(20);
  });

  test('loads without WebAssembly, has labels, layers and metadata, and can be cut again', async () => {
    const cut = upTo(digits, 'pool');
    const classifier = randomClassifier({ name: 'pool', op: 'reduce', shape: [1, 96], dtype: 'int8' }, new Random(2));
    const file = withClassifier(cut, classifier, { name: 'letters', license: 'MIT' });
    const model = await loadPlain(file);
    expect(model.info.flavor).toBe('js');
    expect(model.meta).toMatchObject({ name: 'letters', labels, license: 'MIT', preprocessing: { kind: 'image' } });
    expect(model.outputs).toEqual([{
      name: 'probabilities',
      dtype: 'int8',
      shape: [1, 11],
      scale: 1 / 256,
      zeroPoint: -128,
    }, { name: 'embedding', dtype: 'int8', shape: [1, 96] }]);
    expect((await load(file)).profile({ runs: 1 }).slice(-2).map(({ name, op }) => [name, op])).toEqual([['head',
      'fullyConnected'], ['probabilities', 'softmax']]);
    const image = new Float32Array(784).fill(0.3);
    expect(loadSync(upTo(file, 'pool')).predict(image)).toEqual(loadSync(cut).predict(image));
  });

  test('refuses files that are no embedder, and other widths', () => {
    const classifier = randomClassifier({ name: '', op: '', shape: [96], dtype: 'int8' }, new Random(2));
    expect(() => withClassifier(digits, classifier)).toThrow(/takes the file that upTo\(\) returned/);
    expect(() => withClassifier(upTo(digits, 'stem'), classifier)).toThrow(/takes the file that upTo\(\) returned/);
  });
});
