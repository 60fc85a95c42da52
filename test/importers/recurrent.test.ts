import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, type Graph, type Tensor } from '../../src/compiler/index';
import type { GateFunction } from '../../src/graph/operators';
import type { Constant } from '../../src/importers/shared/constants';
import { emitKerasRecurrent, kerasFunction, type KerasRecurrent } from '../../src/importers/shared/kerasRecurrent';
import { emitOnnxRecurrent, onnxFunctions } from '../../src/importers/shared/onnxRecurrent';
import { OperatorImport } from '../../src/importers/shared/operatorImport';
import { UniqueNames } from '../../src/importers/shared/uniqueNames';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { gateOf } from '../reference/recurrence';
import { onnxRecurrent, type OnnxCase } from './onnxLoops';

// The recurrent layers of ONNX and Keras, as nodes of a graph.

/** Runs what `emit` adds to a graph, and returns its outputs by name. */
function run(
  inputs: Tensor[],
  outputs: Tensor[],
  values: Record<string, Float32Array | Int32Array>,
  emit: (operator: OperatorImport) => void,
): { results: Record<string, Float32Array>; ops: string[] } {
  const operator = new OperatorImport('recurrent', {}, [], outputs.map((tensor) => () => tensor), new UniqueNames());
  emit(operator);
  const graph: Graph = { name: 'recurrent', inputs, outputs, nodes: operator.nodes };
  const found = loadSync(compile(graph, { debugInfo: false })).predict(values);
  const results = outputs.length === 1 ? { [outputs[0]!.name]: found as Float32Array } : found;
  return { results: results, ops: operator.nodes.map(({ op }) => op) };
}

function close(found: Float32Array, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5 + 1e-4 * Math.abs(expected[i]!));
  });
}

const tensor = (name: string, shape: number[], dtype: Tensor['dtype'] = 'float32'): Tensor => ({ name, shape, dtype });

/** The elements of [a][b][…] as [b][a][…]. */
function swapped(values: Float32Array, [a, b]: [number, number]): Float32Array {
  const rest = values.length / a / b;
  return values.map((_, i) => {
    const inner = i % rest;
    const row = (i - inner) / rest;
    return values[((row % a) * b + Math.floor(row / a)) * rest + inner]!;
  });
}

const names = ['Affine', 'Relu', 'LeakyRelu', 'Tanh', 'ScaledTanh', 'Sigmoid', 'HardSigmoid', 'Elu', 'Softsign',
  'Softplus'];
const specs = fc.record({
  cell: fc.constantFrom('lstm' as const, 'gru' as const, 'rnn' as const),
  direction: fc.constantFrom('forward' as const, 'reverse' as const, 'bidirectional' as const),
  layout: fc.constantFrom(0 as const, 1 as const),
  T: fc.integer({ min: 1, max: 5 }),
  B: fc.integer({ min: 1, max: 3 }),
  I: fc.integer({ min: 1, max: 5 }),
  N: fc.integer({ min: 1, max: 9 }),
  named: fc.option(fc.array(fc.constantFrom(...names), { minLength: 6, maxLength: 6 }), { nil: undefined }),
  hard: fc.boolean(),
  hasBias: fc.boolean(),
  hasPeephole: fc.boolean(),
  lengths: fc.constantFrom('none', 'none', 'constant', 'input'),
  start: fc.constantFrom('none', 'constant', 'input'),
  clip: fc.constantFrom(0, 0, 0.6),
  inputForget: fc.constantFrom(false, false, true),
  linearBeforeReset: fc.boolean(),
  finals: fc.boolean(),
  seed: fc.nat(),
});

/** The attribute of the activations, for D directions; hard gates with tanh are those of Keras. */
function namesOf(spec: { cell: 'lstm' | 'gru' | 'rnn'; named: string[] | undefined; hard: boolean }, D: number) {
  const count = { lstm: 3, gru: 2, rnn: 1 }[spec.cell];
  if (spec.named) return spec.named.slice(0, D * count);
  if (!spec.hard || spec.cell === 'rnn') return [];
  return Array.from({ length: D }, () => ['HardSigmoid', 'Tanh', 'Tanh'].slice(0, count)).flat();
}

test('ONNX: LSTM, GRU and RNN equal plain loops over their specification', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(specs, (spec) => {
      const { cell, T, B, I, N, layout } = spec;
      const random = new Random(spec.seed);
      const D = spec.direction === 'bidirectional' ? 2 : 1;
      const G = { lstm: 4, gru: 3, rnn: 1 }[cell];
      const numbers = (count: number): Float32Array =>
        Float32Array.from({ length: count }, () => random.between(-0.7, 0.7));
      const functions = onnxFunctions(cell, D, namesOf(spec, D), [0.3, 0.25], [0.4]);
      const count = functions.length / D;
      const o: OnnxCase = {
        ...spec,
        x: numbers(T * B * I),
        w: numbers(D * G * N * I),
        r: numbers(D * G * N * N),
        b: spec.hasBias ? numbers(D * 2 * G * N) : undefined,
        p: spec.hasPeephole && cell === 'lstm' ? numbers(D * 3 * N) : undefined,
        lengths: spec.lengths === 'none' ? undefined : Array.from({ length: B }, () => random.int(0, T)),
        h0: spec.start === 'none' ? undefined : numbers(D * B * N),
        c0: spec.start === 'none' || cell !== 'lstm' ? undefined : numbers(D * B * N),
        functions: Array.from({ length: D }, (_, d) => functions.slice(d * count, (d + 1) * count).map(gateOf)),
      };
      const expected = onnxRecurrent(o);
      const inputs: Tensor[] = [];
      const values: Record<string, Float32Array | Int32Array> = {};
      const given = (
        name: string,
        shape: number[],
        data: Float32Array | Int32Array | undefined,
        isInput: boolean,
      ): Tensor | null => {
        if (!data) return null;
        const made = tensor(name, shape, data instanceof Int32Array ? 'int32' : 'float32');
        if (!isInput) return { ...made, data };
        inputs.push(made);
        values[name] = data;
        return made;
      };
      const state = (name: string, data: Float32Array | undefined): Tensor | null =>
        given(
          name,
          layout === 1 ? [B, D, N] : [D, B, N],
          data && layout === 1 ? swapped(data, [D, B]) : data,
          spec.start === 'input',
        );
      const x = given('x', layout === 1 ? [B, T, I] : [T, B, I], layout === 1 ? swapped(o.x, [T, B]) : o.x, true)!;
      const lengths = o.lengths && Int32Array.from(o.lengths);
      const layer = {
        ...spec,
        x,
        w: { ...tensor('w', [D, G * N, I]), data: o.w },
        r: { ...tensor('r', [D, G * N, N]), data: o.r },
        b: o.b ? { ...tensor('b', [D, 2 * G * N]), data: o.b } : null,
        p: o.p ? { ...tensor('p', [D, 3 * N]), data: o.p } : null,
        lengths: given('lengths', [B], lengths, spec.lengths === 'input'),
        initialHidden: state('h0', o.h0),
        initialCell: state('c0', o.c0),
        functions,
      };
      const states = layout === 1 ? [B, D, N] : [D, B, N];
      const y = tensor('y', layout === 1 ? [B, T, D, N] : [T, D, B, N]);
      const outputs = [y, ...(spec.finals ? [tensor('h', states)] : []),
        ...(spec.finals && cell === 'lstm' ? [tensor('c', states)] : [])];
      const { results, ops } = run(inputs, outputs, values, (operator) => {
        emitOnnxRecurrent(operator, layer, { y, hidden: outputs[1] ?? null, cell: outputs[2] ?? null });
      });
      seen.add(ops.find((op) => ['lstm', 'gru', 'rnn', 'recurrence'].includes(op))!);
      // [B][T][D][N] of layout 1 as [T][D][B][N]
      const order = layout === 1 ? swapped(results.y!, [B, T * D]) : results.y!;
      close(order, expected.y);
      for (const name of ['h', 'c'] as const) {
        if (results[name]) close(layout === 1 ? swapped(results[name], [B, D]) : results[name], expected[name]);
      }
    }),
    { seed: 20261121, numRuns: 300 },
  );
  expect([...seen].sort()).toEqual(['gru', 'lstm', 'recurrence', 'rnn']);
});

describe('ONNX activations', () => {
  test('have the defaults of their operators, and take parameters in order', () => {
    expect(onnxFunctions('lstm', 1)).toEqual([{ kind: 'logistic' }, { kind: 'tanh' }, { kind: 'tanh' }]);
    expect(onnxFunctions('gru', 2).map(({ kind }) => kind)).toEqual(['logistic', 'tanh', 'logistic', 'tanh']);
    expect(onnxFunctions('lstm', 1, ['HardSigmoid', 'leakyrelu', 'ScaledTanh'], [0.1, 0.2], [0.3])).toEqual([{
      kind: 'hardSigmoid',
      alpha: 0.1,
      beta: 0.3,
    }, { kind: 'leakyRelu', alpha: 0.2 }, { kind: 'tanh', alpha: 1, beta: 1 }]);
  });
  test('are refused by name and number', () => {
    expect(() => onnxFunctions('rnn', 1, ['Swish'])).toThrow(/the activation Swish/);
    expect(() => onnxFunctions('lstm', 1, ['Tanh'])).toThrow(/1 activations; 3 are possible/);
  });
});

// ── Keras ─────────────────────────────────────────────────────────────────────────────────────────────────

const T = 5;
const B = 2;
const I = 3;
const N = 4;

interface Keras {
  cell: 'lstm' | 'gru' | 'rnn';
  resetAfter: boolean;
  gate: GateFunction;
  goBackwards: boolean;
  hasStart: boolean;
}

function kerasLayer(keras: Keras, x: Tensor, seed: number): KerasRecurrent & { h0?: Float32Array; c0?: Float32Array } {
  const random = new Random(seed);
  const G = { lstm: 4, gru: 3, rnn: 1 }[keras.cell];
  const hasTwo = keras.cell === 'gru' && keras.resetAfter;
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.between(-0.7, 0.7));
  const constant = (name: string, shape: number[]): Constant => ({
    ...tensor(name, shape),
    data: numbers(shape.reduce((a, b) => a * b, 1)),
  });
  const starts = keras.hasStart
    ? [constant('h0', [B, N]), ...(keras.cell === 'lstm' ? [constant('c0', [B, N])] : [])]
    : [];
  return {
    cell: keras.cell,
    x,
    kernel: constant('kernel', [I, G * N]),
    recurrentKernel: constant('recurrent', [N, G * N]),
    bias: constant('bias', hasTwo ? [2, G * N] : [G * N]),
    activation: { kind: 'tanh' },
    recurrentActivation: keras.gate,
    resetAfter: keras.resetAfter,
    goBackwards: keras.goBackwards,
    returnSequences: true,
    initialState: starts,
  };
}

/** A layer of Keras in plain loops: the steps as they are computed, and the last states. */
function kerasLoops(layer: KerasRecurrent, x: Float32Array): { steps: number[][][]; h: number[][]; c: number[][] } {
  const { cell, kernel, recurrentKernel, bias, activation, recurrentActivation, resetAfter, initialState } = layer;
  const [act, gate] = [gateOf(activation), gateOf(recurrentActivation)];
  const width = kernel.shape[1]!;
  const two = bias!.shape.length === 2;
  const result = { steps: [] as number[][][], h: [] as number[][], c: [] as number[][] };
  for (let b = 0; b < B; b++) {
    const start = (i: number): number[] =>
      Array.from({ length: N }, (_, n) => Number(initialState?.[i]?.data?.[b * N + n] ?? 0));
    let h = start(0);
    let c = start(1);
    const own: number[][] = [];
    for (let step = 0; step < T; step++) {
      const t = layer.goBackwards ? T - 1 - step : step;
      const row = x.subarray((b * T + t) * I, (b * T + t + 1) * I);
      const times = (weights: Constant, values: ArrayLike<number>, column: number): number =>
        Array.from(values).reduce((sum, v, k) => sum + v * weights.data[k * width + column]!, 0);
      const wx = (g: number, n: number): number => times(kernel, row, g * N + n) + bias!.data[g * N + n]!;
      const uh = (g: number, n: number, of = h): number =>
        times(recurrentKernel, of, g * N + n) + (two ? bias!.data[width + g * N + n]! : 0);
      const all = (of: (n: number) => number): number[] => Array.from({ length: N }, (_, n) => of(n));
      if (cell === 'rnn') h = all((n) => act(wx(0, n) + uh(0, n)));
      else if (cell === 'gru') {
        const z = all((n) => gate(wx(0, n) + uh(0, n)));
        const r = all((n) => gate(wx(1, n) + uh(1, n)));
        const reset = h.map((v, n) => r[n]! * v);
        const hh = all((n) => act(wx(2, n) + (resetAfter ? r[n]! * uh(2, n) : uh(2, n, reset))));
        h = all((n) => z[n]! * h[n]! + (1 - z[n]!) * hh[n]!);
      } else {
        const next = all((n) =>
          gate(wx(1, n) + uh(1, n)) * c[n]! + gate(wx(0, n) + uh(0, n)) * act(wx(2, n) + uh(2, n))
        );
        const o = all((n) => gate(wx(3, n) + uh(3, n)));
        c = next;
        h = all((n) => o[n]! * act(c[n]!));
      }
      own.push(h);
    }
    result.steps.push(own);
    result.h.push(h);
    result.c.push(c);
  }
  return result;
}

const samples = (): Float32Array => new Random(9).fill(new Float32Array(B * T * I));
const cells = [{ cell: 'lstm', resetAfter: false }, { cell: 'gru', resetAfter: true }, {
  cell: 'gru',
  resetAfter: false,
}, { cell: 'rnn', resetAfter: false }] as const;
const gates = [kerasFunction('sigmoid', 3), kerasFunction('hard_sigmoid', 2), kerasFunction('hard_sigmoid', 3)];

describe.each(cells)('Keras: $cell (reset_after: $resetAfter)', ({ cell, resetAfter }) => {
  const variants = gates.flatMap((gate) =>
    [false, true].flatMap((goBackwards) => [false, true].map((hasStart) => ({ gate, goBackwards, hasStart })))
  );
  test.each(variants)('with $gate.kind $gate.alpha, backwards: $goBackwards, state: $hasStart', (variant) => {
    const x = tensor('x', [B, T, I]);
    const layer = kerasLayer({ cell, resetAfter, ...variant }, x, 3);
    const values = samples();
    const expected = kerasLoops(layer, values);
    const states = [tensor('h', [B, N]), ...(cell === 'lstm' ? [tensor('c', [B, N])] : [])];
    for (const returnSequences of [true, false]) {
      const y = tensor('y', returnSequences ? [B, T, N] : [B, N]);
      for (const own of [[], states]) {
        const { results, ops } = run([x], [y, ...own], { x: values }, (operator) => {
          emitKerasRecurrent(operator, { ...layer, returnSequences }, { output: y, states: own });
        });
        expect(ops).toContain(cell);
        close(results.y!, returnSequences ? expected.steps.flat(2) : expected.h.flat());
        if (own.length > 0) close(results.h!, expected.h.flat());
        if (own.length > 1) close(results.c!, expected.c.flat());
      }
    }
  });

  test('in the order of time, whatever the direction', () => {
    const x = tensor('x', [B, T, I]);
    const layer = kerasLayer({ cell, resetAfter, gate: gates[0]!, hasStart: false, goBackwards: true }, x, 4);
    const values = samples();
    const y = tensor('y', [B, T, N]);
    const { results } = run([x], [y], { x: values }, (operator) => {
      emitKerasRecurrent(operator, { ...layer, inTimeOrder: true }, { output: y });
    });
    close(results.y!, kerasLoops(layer, values).steps.flatMap((steps) => steps.toReversed()).flat());
  });
});

test('Keras activations that are not functions of one number are refused', () => {
  expect(() => kerasFunction('softmax', 3)).toThrow(/the activation softmax/);
});
