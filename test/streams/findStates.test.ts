import { describe, expect, test } from 'vitest';
import { findStates, GraphBuilder, type Graph } from '../../src/compiler/index';

type Ports = Record<string, number[]>;

/** A network whose outputs are sums of inputs of their shapes. */
function network(inputs: Ports, outputs: Ports): Graph {
  const b = new GraphBuilder('net');
  const given = Object.entries(inputs).map(([name, shape]) => b.input(name, shape));
  return b.finish(Object.entries(outputs).map(([name, shape]) => {
    const x = given.find((tensor) => tensor.shape.join() === shape.join()) ?? b.constant(new Float32Array(1), [1]);
    return b.node('reshape', [x], {}, { shape: x.shape, name });
  }));
}

describe('findStates', () => {
  test.each<[string, Ports, Ports, Record<string, string>]>([['a name with the letter N, as in Silero VAD', {
    input: [1, 512],
    state: [2, 1, 128],
  }, { output: [1, 1], stateN: [2, 1, 128] }, { stateN: 'state' }], ['h and c of an lstm', {
    x: [1, 4],
    h0: [1, 8],
    c0: [1, 8],
  }, { y: [1, 2], hn: [1, 8], cn: [1, 8] }, { hn: 'h0', cn: 'c0' }], ['words before or behind a name', {
    audio: [1, 4],
    conv_cache_in: [2, 3],
    tra_cache: [2, 3],
    past_mel: [5],
  }, { enhanced: [1, 4], conv_cache_out: [2, 3], new_tra_cache: [2, 3], 'mel:0': [5] }, {
    conv_cache_out: 'conv_cache_in',
    new_tra_cache: 'tra_cache',
    'mel:0': 'past_mel',
  }], ['the only other shape, as in DTLN', { input_2: [1, 1, 257], input_3: [1, 2, 128, 2] }, {
    activation_2: [1, 1, 257],
    stack_2: [1, 2, 128, 2],
  }, { stack_2: 'input_3' }]])('finds %s', (_, inputs, outputs, pairs) => {
    expect(findStates(network(inputs, outputs))).toEqual(pairs);
  });

  test.each<[string, Ports, Ports]>([['an input and an output of one shape', { x: [1, 4] }, { y: [1, 4] }], [
    'two inputs of one shape and no names',
    { x: [1, 4], a: [8], b: [8] },
    { y: [1, 4], c: [8], d: [8] },
  ], ['an equal name with another shape', { x: [1, 4], state: [8] }, { y: [1, 4], stateN: [9] }], [
    'the name of an input alone',
    { input: [1, 4] },
    { output: [1, 4] },
  ]])('leaves %s alone', (_, inputs, outputs) => {
    expect(findStates(network(inputs, outputs))).toEqual({});
  });
});
