import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import type { Graph, Tensor } from '../../src/graph/graph';
import type { GateFunction, GateFunctionKind } from '../../src/graph/operators';
import { gateOf } from '../reference/recurrence';
import { faults, refused } from '../robustness/malformed';
import { recordOf } from '../robustness/plan';
import { refuses } from '../robustness/refusal';
import { biases, weights, withWidth } from './sequences';
import { checkGraph, property, Random, single, size } from './suite';

const kinds: GateFunctionKind[] = ['affine', 'relu', 'leakyRelu', 'thresholdedRelu', 'tanh', 'logistic', 'hardSigmoid',
  'elu', 'softsign', 'softplus'];
const functions = fc.record({
  kind: fc.constantFrom(...kinds),
  alpha: fc.option(fc.constantFrom(0.2, 0.5, 1), { nil: undefined }),
  beta: fc.option(fc.constantFrom(0.5, 0.3), { nil: undefined }),
}).map(({ kind, alpha, beta }): GateFunction => ({
  kind,
  ...(alpha !== undefined && { alpha }),
  ...(beta !== undefined && { beta }),
}));
/** An operand: absent, constant, or an input of the network. */
const operand = fc.constantFrom('none', 'constant', 'input');

const specs = fc.record({
  cell: fc.constantFrom('lstm' as const, 'gru' as const, 'rnn' as const),
  functions: fc.tuple(functions, functions, functions),
  batch: size(3),
  time: fc.constantFrom(1, 2, 6),
  inputs: size(9),
  N: fc.oneof(fc.constantFrom(1, 7, 8, 9, 16), size(12)),
  timeMajor: fc.boolean(),
  reverse: fc.boolean(),
  isSingleStep: fc.boolean(),
  clip: fc.constantFrom(0, 0, 0.75),
  coupled: fc.boolean(),
  resetAfter: fc.boolean(),
  parts: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  lengths: operand,
  starts: fc.tuple(operand, operand),
  finals: fc.nat({ max: 2 }),
  seed: fc.nat(),
});
const gatesOf = { lstm: 4, gru: 3, rnn: 1 };

type Spec = typeof specs extends fc.Arbitrary<infer S> ? S : never;

function layer(spec: Spec): Graph {
  const { cell, batch, time, inputs, N, timeMajor, parts, finals } = spec;
  const random = new Random(spec.seed);
  const steps = timeMajor ? [time, batch, inputs] : [batch, time, inputs];
  const x: Tensor = { name: 'x', shape: spec.isSingleStep ? [batch, inputs] : steps, dtype: 'float32' };
  const gates = gatesOf[cell];
  const state = (name: string, kind: string): Tensor | null => {
    if (kind === 'none') return null;
    const made = biases(random, name, batch * N, 'float32');
    const tensor: Tensor = { name, shape: [batch, N], dtype: 'float32' };
    return kind === 'input' ? tensor : { ...tensor, data: made.data! };
  };
  // unbounded functions of large numbers would grow from step to step
  const small = (tensor: Tensor): Tensor => ({ ...tensor, data: (tensor.data as Float32Array).map((v) => v * 0.3) });
  const lengths: Tensor = { name: 'lengths', shape: [batch], dtype: 'int32' };
  if (spec.lengths === 'constant') lengths.data = Int32Array.from({ length: batch }, () => random.int(-1, time + 1));
  const vector = (name: string, count: number): Tensor => small(biases(random, name, count, 'float32'));
  const operands = [x, small(weights(random, 'w', gates, N, inputs, 'float32', 1)),
    small(weights(random, 'u', gates, N, N, 'float32', 1)), parts[0] ? vector('b', gates * N) : null,
    parts[1] && cell === 'gru' ? vector('ub', gates * N) : null,
    parts[2] && cell === 'lstm' ? vector('p', 3 * N) : null, spec.lengths === 'none' ? null : lengths,
    state('h', spec.starts[0])];
  if (cell === 'lstm') operands.push(state('c', spec.starts[1]));
  const outputs = ['y', 'hn', 'cn'].slice(0, 1 + Math.min(finals, cell === 'lstm' ? 2 : 1)).map((name, i): Tensor => ({
    name,
    shape: i === 0 ? withWidth(x, N) : [batch, N],
    dtype: 'float32',
  }));
  return single('recurrence', operands, {
    timeMajor,
    reverse: spec.reverse,
    cell,
    functions: spec.functions.slice(0, { lstm: 3, gru: 2, rnn: 1 }[cell]),
    clip: spec.clip,
    coupled: spec.coupled,
    resetAfter: spec.resetAfter,
  }, ...outputs);
}

test('recurrence equals the reference with any functions, states and lengths', () => {
  property(specs, 300, (spec) => {
    const random = new Random(spec.seed + 1);
    const graph = layer(spec);
    const inputs = Object.fromEntries(graph.inputs.map(({ name, shape, dtype }) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, dtype === 'int32'
        ? Int32Array.from({ length }, () =>
          random.int(-1, spec.time + 1))
        : Float32Array.from({ length }, () => random.between(-1, 1))];
    }));
    checkGraph(graph, spec.seed, { relative: 1e-4, absolute: 1e-4 }, inputs);
  });
});

test('the functions have the values of their definitions', () => {
  const at = (fn: GateFunction, ...xs: number[]): number[] => xs.map(gateOf(fn));
  expect(at({ kind: 'hardSigmoid', alpha: 0.2, beta: 0.5 }, -3, -1, 0, 2, 3)).toEqual([0, 0.3, 0.5, 0.9, 1]);
  expect(at({ kind: 'affine', alpha: 2, beta: 1 }, -1, 3)).toEqual([-1, 7]);
  expect(at({ kind: 'thresholdedRelu' }, 0.5, 1, 1.5)).toEqual([0, 0, 1.5]);
  expect(at({ kind: 'leakyRelu', alpha: 0.5 }, -2, 2)).toEqual([-1, 2]);
  expect(at({ kind: 'softsign' }, -1, 3)).toEqual([-0.5, 0.75]);
  expect(at({ kind: 'tanh', alpha: 2, beta: 3 }, 0.5)[0]).toBeCloseTo(2 * Math.tanh(1.5));
  expect(at({ kind: 'elu' }, -1)[0]).toBeCloseTo(Math.exp(-1) - 1);
  expect(at({ kind: 'softplus' }, 0)[0]).toBeCloseTo(Math.LN2);
});

describe('a node is refused', () => {
  const spec = fc.sample(specs, { numRuns: 1, seed: 1 })[0]!;
  const lstm: Spec = { ...spec, cell: 'lstm', parts: [true, false, true], lengths: 'constant' };

  test('with a cell that does not exist', () => {
    const graph = layer(lstm);
    Object.assign(graph.nodes[0]!.attributes, { cell: 'ltsm' });
    refuses(() => compile(graph), 'INVALID_GRAPH', /there is no cell ltsm; lstm, gru and rnn are possible/);
  });
  test('with too few functions, or unknown ones', () => {
    const graph = layer(lstm);
    for (const wrong of [[{ kind: 'tanh' }], [{ kind: 'tanh' }, { kind: 'tanh' }, { kind: 'than' }]]) {
      Object.assign(graph.nodes[0]!.attributes, { functions: wrong });
      refuses(() => compile(graph), 'INVALID_GRAPH', /the functions of its lstm must be 3 of affine, .*, not tanh/);
    }
    Object.assign(graph.nodes[0]!.attributes, { functions: ['tanh', 'tanh', 'tanh'] });
    refuses(() => compile(graph), 'INVALID_GRAPH', /needs an array of functions as functions/);
  });
  test('with peephole weights of a gru', () => {
    const graph = layer({ ...lstm, cell: 'gru', finals: 0, starts: ['none', 'none'] });
    graph.nodes[0]!.inputs[5] = biases(new Random(1), 'p', 3 * lstm.N, 'float32');
    refuses(() => compile(graph), 'INVALID_GRAPH', /it has peephole weights, which only a cell lstm has/);
  });
  test('with computed weights', () => {
    const graph = layer(lstm);
    const w = graph.nodes[0]!.inputs[1]!;
    delete w.data;
    graph.inputs.push(w);
    refuses(() => compile(graph), 'UNSUPPORTED_OP', /its weights are computed by the network; they must be constant/);
  });
});

describe('its record is refused for', () => {
  const record = recordOf(L.OP_RECURRENCE);
  refused('a cell that does not exist', record, faults.attribute, [L.RECURRENCE_KIND, 4]);
  refused('no time steps', record, faults.attribute, [L.RECURRENCE_TIME, 0]);
  refused('a negative batch', record, faults.attribute, [L.RECURRENCE_BATCH, -1]);
  refused('no inputs', record, faults.attribute, [L.RECURRENCE_INPUTS, 0]);
  refused('too many cells', record, faults.attribute, [L.RECURRENCE_CELLS, 65537]);
  refused('a layout that is no truth value', record, faults.attribute, [L.RECURRENCE_TIME_MAJOR, 2]);
  refused('a direction that is no truth value', record, faults.attribute, [L.RECURRENCE_REVERSE, -1]);
  refused('lengths by no truth value', record, faults.attribute, [L.RECURRENCE_HAS_LENGTHS, 2]);
  refused('gates coupled by no truth value', record, faults.attribute, [L.RECURRENCE_COUPLED, 3]);
  refused('a negative clip', record, faults.attribute, [L.RECURRENCE_CLIP, -1, 'float']);
  refused('an infinite clip', record, faults.attribute, [L.RECURRENCE_CLIP, Infinity, 'float']);
  refused('an unknown function', record, faults.attribute, [L.RECURRENCE_FUNCTIONS + L.RECURRENCE_FUNCTION_BYTES,
    L.GATE_FUNCTIONS]);
  refused('a factor that is not a number', record, faults.attribute, [
    L.RECURRENCE_FUNCTIONS + 2 * L.RECURRENCE_FUNCTION_BYTES + 4,
    NaN,
    'float',
  ]);
  refused('an infinite addend', record, faults.attribute, [L.RECURRENCE_FUNCTIONS + 8, Infinity, 'float']);
  refused('a source beyond the arena', record, faults.arena, [L.RECURRENCE_SOURCE, 1 << 20]);
  refused('misaligned lengths', record, faults.misaligned, [L.RECURRENCE_LENGTHS, 2]);
  refused('a target beyond the arena', record, faults.arena, [L.RECURRENCE_TARGET, 1 << 20]);
  refused('a misaligned state', record, faults.misaligned, [L.RECURRENCE_HIDDEN, 2]);
  refused('a cell state beyond the arena', record, faults.arena, [L.RECURRENCE_CELL, 1 << 20]);
  refused('weights beyond their section', record, faults.weights, [L.RECURRENCE_INPUT_WEIGHTS, 1 << 24]);
  refused('misaligned recurrent weights', record, faults.misaligned, [L.RECURRENCE_HIDDEN_WEIGHTS, 4]);
  refused('biases beyond the weights', record, faults.weights, [L.RECURRENCE_INPUT_BIAS, 1 << 24]);
  refused('recurrent biases beyond the weights', record, faults.weights, [L.RECURRENCE_HIDDEN_BIAS, 1 << 24]);
  refused('peephole weights beyond the weights', record, faults.weights, [L.RECURRENCE_PEEPHOLE, 1 << 24]);
  refused('int8', record, faults.attribute, [L.RECORD_DTYPE, L.DTYPE_I8, 'byte']);
});
