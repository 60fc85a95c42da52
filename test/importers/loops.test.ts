import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, importTflite } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { shared, sharedBytes } from '../helpers/shared';
import { refuses } from '../robustness/refusal';
import { Interpreter } from '../tflite/interpreter';
import { LoopNetwork, type LoopLayer } from '../tflite/kerasLoops';
import { writeTflite, type TfliteNetwork } from '../tflite/writer';

// Loops over time steps that Keras's recurrent layers become, against an interpreter that runs the
// loops.

/** Compares a network with its file, run twice with other inputs, so that no state may remain. */
function compareWithLoop(bytes: Uint8Array, tolerance: number, isLiteral = false): string[] {
  const graph = importTflite(bytes);
  const model = loadSync(compile(graph));
  const interpreter = new Interpreter(bytes, isLiteral);
  const random = new Random(11);
  for (let run = 0; run < 2; run++) {
    const inputs = graph.inputs.map(({ shape }) => ({
      shape,
      data: Array.from(Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(-2, 2))),
    }));
    const expected = interpreter.run(...inputs);
    const raw = model.predict(
      Object.fromEntries(model.inputs.map(({ name }, i) => [name, Float32Array.from(inputs[i]!.data)])),
      { output: 'raw' },
    ) as Float32Array | Record<string, Float32Array>;
    graph.outputs.forEach(({ name, shape }, i) => {
      const actual = raw instanceof Float32Array ? raw : raw[name]!;
      expect(shape).toEqual(expected[i]!.shape);
      expect(actual.some((value) => value !== 0)).toBe(true);
      expected[i]!.data.forEach((value, k) => expect(Math.abs(actual[k]! - value)).toBeLessThan(tolerance));
    });
  }
  return graph.nodes.map(({ op }) => op);
}

const base: LoopLayer = { cell: 'lstm', steps: 7, inputs: 5, cells: 8, sequences: true, lists: 'flex' };

function oneLayer(layer: LoopLayer): TfliteNetwork {
  const network = new LoopNetwork(3);
  const x = network.main.tensor('x', [1, layer.steps, layer.inputs]);
  return network.network([x], [network.layer(x, layer)]);
}

describe('a loop of Keras', () => {
  const variants: [title: string, layer: Partial<LoopLayer>][] = [['an LSTM', {}], ['an LSTM of int8 weights', {
    weights: 'int8',
  }], ['an LSTM with some int8 weights', { weights: 'mixed' }], ['an LSTM with products for each gate', {
    perGate: true,
    dropout: true,
  }], ['an LSTM with relu', { activation: 'RELU' }], ['an LSTM that goes backwards', { goBackwards: true }], [
    'an LSTM with a list of inputs',
    { inputList: true },
  ], ['a SimpleRNN', { cell: 'rnn' }], ['a SimpleRNN of int8 weights with relu', {
    cell: 'rnn',
    weights: 'int8',
    activation: 'RELU',
  }], ['a SimpleRNN with some int8 weights', { cell: 'rnn', weights: 'mixed' }], ['a GRU', {
    cell: 'gru',
    resetAfter: true,
  }], ['a GRU that resets before the product', { cell: 'gru' }], ['a GRU of int8 weights', {
    cell: 'gru',
    resetAfter: true,
    weights: 'int8',
  }], ['a GRU of int8 weights that resets before the product', { cell: 'gru', weights: 'int8' }]];

  const forms = (['flex', 'builtin'] as const).flatMap((lists) =>
    [true, false].map((sequences) => ({ lists, sequences }))
  );
  for (const { lists, sequences } of forms) {
    const outputs = `${sequences ? 'the outputs of all steps' : 'the last output'} in lists (${lists})`;
    test.each(variants)(`becomes %s with ${outputs}`, (_, changes) => {
      const layer = { ...base, lists, ...changes, sequences };
      const ops = compareWithLoop(writeTflite(oneLayer(layer)), 1e-5);
      expect(ops.filter((op) => op === layer.cell)).toEqual([layer.cell]);
    });

    test(`becomes one direction of a bidirectional layer with ${outputs}`, () => {
      const network = new LoopNetwork(4);
      const x = network.main.tensor('x', [1, base.steps, base.inputs]);
      const y = network.bidirectional(x, { ...base, lists, sequences });
      const ops = compareWithLoop(writeTflite(network.network([x], [y])), 1e-5);
      expect(ops.filter((op) => op === 'lstm')).toHaveLength(2);
    });
  }

  test('follows another', () => {
    const network = new LoopNetwork(5);
    const x = network.main.tensor('x', [1, base.steps, base.inputs]);
    const first = network.layer(x, base);
    const y = network.layer(first, { ...base, cell: 'rnn', inputs: base.cells, cells: 4, sequences: false });
    compareWithLoop(writeTflite(network.network([x], [y])), 1e-5);
  });

  test('may give the hidden state after the last step', () => {
    const network = oneLayer({ ...base, cell: 'rnn', cells: 6 });
    const loop = network.operators.find(({ kind }) => kind === 'WHILE')!;
    compareWithLoop(writeTflite({ ...network, outputs: [loop.outputs[3]!, ...network.outputs] }), 1e-5);
  });

  const cells: [cell: LoopLayer['cell'], changes: Partial<LoopLayer>][] = [['lstm', {}], ['lstm', { weights: 'int8' }],
    ['rnn', {}], ['gru', {}], ['gru', { resetAfter: true, weights: 'int8' }]];
  test.each(cells)('may start from states that are inputs: %s %j', (cell, changes) => {
    const network = oneLayer({ ...base, ...changes, cell });
    const loop = network.operators.find(({ kind }) => kind === 'WHILE')!;
    const names = cell === 'lstm' ? ['h0', 'c0'] : ['h0'];
    names.forEach((name, i) => (loop.inputs[3 + i] = name));
    network.tensors.push(...names.map((name) => ({ name, shape: [1, 8], type: 'FLOAT32' as const })));
    network.inputs.push(...names);
    compareWithLoop(writeTflite(network), 1e-5);
  });

  test('may start from constants, and from states that other operators compute', () => {
    const filled = oneLayer(base);
    filled.tensors.find(({ name }) => name === 'zero')!.data = [0.5];
    compareWithLoop(writeTflite(filled), 1e-5);
    const network = new LoopNetwork(6);
    const x = network.main.tensor('x', [1, base.steps, base.inputs]);
    const first = network.layer(x, { ...base, cell: 'gru' });
    const loop = network.main.operators.find(({ kind }) => kind === 'WHILE')!;
    // a decoder that starts from the last state of an encoder
    const second = network.layer(x, { ...base, cell: 'rnn' });
    network.main.operators.findLast(({ kind }) => kind === 'WHILE')!.inputs[3] = loop.outputs[3]!;
    const ops = compareWithLoop(writeTflite(network.network([x], [second, first])), 1e-5);
    expect(ops.filter((op) => op === 'gru' || op === 'rnn')).toHaveLength(2);
  });

  const files = ['Fall-DetectionModel__model5_1__784d37', 'deep-learning-realtime-har-i__model__495465',
    'Punch_DL__model__efd4f5'].map((name) => `${name}.tflite`);
  test.skipIf(!existsSync(path.join(shared, 'odd'))).each(files)('is recognized in %s', (file) => {
    compareWithLoop(sharedBytes('odd', file), 1e-5);
    // with the activations in 8 bits that the converted layers keep in float32
    compareWithLoop(sharedBytes('odd', file), 0.01, true);
  });
});

describe('an input of float64', () => {
  const network = (readers: TfliteNetwork['operators'], outputs: string[]): TfliteNetwork => ({
    tensors: [{ name: 'x', shape: [1, 3], type: 'FLOAT64' }, { name: 'y', shape: [1, 3], type: 'FLOAT32' }, {
      name: 'z',
      shape: [1, 3],
      type: 'FLOAT64',
    }],
    operators: readers,
    inputs: ['x'],
    outputs,
  });
  const cast = { kind: 'CUSTOM', customCode: 'FlexCast', inputs: ['x'], outputs: ['y'] };

  test('becomes float32 if it is only cast to float32', () => {
    const graph = importTflite(writeTflite(network([cast], ['y'])));
    expect(graph.inputs.map(({ dtype }) => dtype)).toEqual(['float32']);
    const model = loadSync(compile(graph));
    expect(model.predict(Float32Array.of(1, -2, 0.1), { output: 'raw' })).toEqual(Float32Array.of(1, -2, 0.1));
  });

  test('is refused if anything else reads it', () => {
    const abs = { kind: 'ABS', inputs: ['x'], outputs: ['z'] };
    refuses(() => importTflite(writeTflite(network([cast, abs], ['y', 'z']))), 'UNSUPPORTED_TYPE', /"x" \(float64\)/);
  });
});

describe('a loop is refused', () => {
  const refused = (network: TfliteNetwork, message: RegExp) =>
    refuses(() => importTflite(writeTflite(network)), 'UNSUPPORTED_OP', message);
  const operatorOf = (network: TfliteNetwork, kind: string, graph?: number) =>
    (graph === undefined ? network : network.others![graph]!).operators.find((o) => o.kind === kind)!;

  test('with a body that computes something else', () => {
    const network = oneLayer(base);
    operatorOf(network, 'TANH', 1).kind = 'SIN';
    refused(network, /WHILE with SIN "tanh" in its body; export the layer with unroll=True \(1\): "while"/);
  });

  test('with a bias of another size', () => {
    const network = oneLayer({ ...base, cell: 'gru' });
    const bias = network.others![1]!.tensors.find(({ name }) => name === 'bias')!;
    Object.assign(bias, { shape: [1], data: [0.5] });
    refused(network, /WHILE with FULLY_CONNECTED .* in its body, where a recurrent layer has a bias of 24 numbers/);
  });

  test('with a mask', () => {
    const network = oneLayer({ ...base, cell: 'rnn' });
    const body = network.others![1]!;
    const [state] = body.outputs.slice(3);
    body.tensors.push({ name: 'mask', shape: [1, 8], type: 'BOOL' }, {
      name: 'masked',
      shape: [1, 8],
      type: 'FLOAT32',
    });
    body.operators.push({ kind: 'SELECT_V2', inputs: ['mask', state!, 'h'], outputs: ['masked'] });
    body.outputs[3] = 'masked';
    refused(network, /WHILE with SELECT_V2 "masked" in its body, a mask; export/);
  });

  test('if it starts from a state of another shape', () => {
    const network = oneLayer(base);
    network.tensors.push({ name: 'start', shape: [2, 8], type: 'FLOAT32' });
    network.inputs.push('start');
    operatorOf(network, 'WHILE').inputs[3] = 'start';
    refused(network, /WHILE with a state of float32 \[2, 8\], not float32 \[1, 8\]/);
  });

  test('if its number of steps is not that of the sequence', () => {
    const network = oneLayer(base);
    network.others![0]!.tensors.find(({ data }) => data)!.data = [5];
    refused(network, /WHILE with 5 steps over a sequence of 7/);
  });

  test('if its number of steps is computed', () => {
    const network = oneLayer(base);
    const condition = network.others![0]!;
    operatorOf(network, 'LESS', 0).inputs[1] = condition.inputs[0]!;
    refused(network, /WHILE with a number of steps that is not constant/);
  });

  test('if its cell state is read', () => {
    const network = oneLayer(base);
    network.outputs.push(operatorOf(network, 'WHILE').outputs[4]!);
    refused(network, /WHILE with a result that is neither its hidden states nor the last of them/);
  });

  test('if its list has another number of elements', () => {
    const network = oneLayer(base);
    const reserve = network.operators.find(({ customCode }) => customCode === 'FlexTensorListReserve')!;
    network.tensors.find(({ name }) => name === reserve.inputs[1])!.data = [9];
    refused(network, /WHILE with a list of outputs that does not have 7 elements at first/);
  });

  test('if its list is not the list with one element replaced', () => {
    const network = oneLayer({ ...base, lists: 'builtin' });
    const { operators, tensors } = network.others![1]!;
    const tail = operators.findLast(({ kind }) => kind === 'SLICE')!;
    tensors.find(({ name }) => name === tail.inputs[2])!.data = [-1, -1, 1];
    refused(
      network,
      /WHILE with CONCATENATION .* in its body, where .* has one element of its list of outputs replaced/,
    );
  });

  test('beside a layer that keeps its state between runs', () => {
    const network = oneLayer(base);
    const constant = (name: string, shape: number[]) => ({
      name,
      shape,
      type: 'FLOAT32' as const,
      data: new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0.1),
    });
    network.tensors.push(constant('w', [3, 8]), constant('u', [3, 3]), constant('b', [3]), {
      name: 'state',
      shape: [1, 3],
      type: 'FLOAT32',
      isVariable: true,
    }, { name: 'z', shape: [1, 7, 3], type: 'FLOAT32' });
    network.operators.push({
      kind: 'UNIDIRECTIONAL_SEQUENCE_RNN',
      inputs: [network.outputs[0]!, 'w', 'u', 'b', 'state'],
      outputs: ['z'],
      options: { fusedActivationFunction: 'TANH', timeMajor: false },
    });
    refused({ ...network, outputs: ['z'] }, /WHILE beside layers or variables that keep their state between runs/);
  });
});
