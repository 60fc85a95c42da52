import { describe, expect, test } from 'vitest';
import { compile, importTflite, toStream } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { refuses } from '../robustness/refusal';
import { writeTflite, type TfliteNetwork, type TfliteOperator, type TfliteTensor } from '../tflite/writer';

// A GRU as Keras exports it to .tflite, which has no GRU operator: unrolled into elementary
// operators.

const TIME = 6;
const WIDTH = 3;
const CELLS = 5;
const ROWS = 3 * CELLS;
const random = new Random(12);
const numbers = (count: number): number[] => Array.from({ length: count }, () => Math.fround(random.between(-1, 1)));
const kernel = numbers(ROWS * WIDTH);
const recurrent = numbers(ROWS * CELLS);
const bias = numbers(ROWS);
const recurrentBias = numbers(ROWS);

const float = (name: string, shape: number[], data?: number[]): TfliteTensor => ({
  name,
  shape,
  type: 'FLOAT32',
  ...(data && { data }),
});
const weights: TfliteTensor[] = [float('kernel', [ROWS, WIDTH], kernel), float('recurrent', [ROWS, CELLS], recurrent),
  float('bias', [ROWS], bias), float('recurrent bias', [ROWS], recurrentBias), float('one', [], [1]), {
  name: 'axis',
  shape: [],
  type: 'INT32',
  data: [1],
}];

/** One frame: h' = z·h + (1 − z)·tanh(Wx + b + r·(Uh + ub)) */
function step(x: string, h: string, y: string): { tensors: TfliteTensor[]; operators: TfliteOperator[] } {
  const tensors: TfliteTensor[] = [];
  const made = (what: string, width = CELLS): string => {
    tensors.push(float(`${y}/${what}`, [1, width]));
    return `${y}/${what}`;
  };
  const operators: TfliteOperator[] = [];
  const apply = (kind: string, inputs: string[], output: string): string => {
    operators.push({ kind, inputs, outputs: [output] });
    return output;
  };
  const parts = (what: string, from: string, w: string, b: string): string[] => {
    const outputs = ['z', 'r', 'g'].map((gate) => made(`${what}/${gate}`));
    operators.push({
      kind: 'SPLIT',
      inputs: ['axis', apply('FULLY_CONNECTED', [from, w, b], made(what, ROWS))],
      outputs,
      options: { numSplits: 3 },
    });
    return outputs;
  };
  const [xz, xr, xg] = parts('input', x, 'kernel', 'bias') as [string, string, string];
  const [hz, hr, hg] = parts('hidden', h, 'recurrent', 'recurrent bias') as [string, string, string];
  const gate = (a: string, b: string, what: string): string =>
    apply('LOGISTIC', [apply('ADD', [a, b], made(`${what}/sum`))], made(what));
  const z = gate(xz, hz, 'z');
  const r = gate(xr, hr, 'r');
  const g = apply('TANH', [apply('ADD', [xg, apply('MUL', [r, hg], made('reset'))], made('g/sum'))], made('g'));
  tensors.push(float(y, [1, CELLS]));
  apply('ADD', [apply('MUL', [z, h], made('kept')),
    apply('MUL', [apply('SUB', ['one', z], made('rest')), g], made('new'))], y);
  return { tensors, operators };
}

/** The whole sequence, with separate nodes for each frame. */
function unrolled(): TfliteNetwork {
  const names = Array.from({ length: TIME }, (_, t) => `x${t}`);
  const steps = names.map((x, t) => step(x, t === 0 ? 'zeros' : `h${t - 1}`, `h${t}`));
  return {
    tensors: [float('x', [1, TIME, WIDTH]), ...weights, float('zeros', [1, CELLS], numbers(CELLS).fill(0)),
      ...names.map((name) => float(name, [1, WIDTH])), ...steps.flatMap(({ tensors }) => tensors),
      float('y', [1, TIME, CELLS])],
    operators: [{ kind: 'UNPACK', inputs: ['x'], outputs: names, options: { num: TIME, axis: 1 } },
      ...steps.flatMap(({ operators }) => operators), {
      kind: 'PACK',
      inputs: names.map((_, t) => `h${t}`),
      outputs: ['y'],
      options: { valuesCount: TIME, axis: 1 },
    }],
    inputs: ['x'],
    outputs: ['y'],
  };
}

/** A stateful layer, which takes one frame per call and keeps h in a variable. */
function stateful(): TfliteNetwork {
  const { tensors, operators } = step('x', 'before', 'h');
  const handle: TfliteTensor = { name: 'handle', shape: [], type: 'RESOURCE' };
  const name: TfliteOperator = {
    kind: 'VAR_HANDLE',
    inputs: [],
    outputs: ['handle'],
    options: { container: '', sharedName: 'gru/h' },
  };
  const assign = (value: string): TfliteOperator => ({
    kind: 'ASSIGN_VARIABLE',
    inputs: ['handle', value],
    outputs: [],
  });
  return {
    tensors: [float('x', [1, WIDTH]), ...weights, handle, float('before', [1, CELLS]), ...tensors],
    inputs: ['x'],
    outputs: ['h'],
    operators: [{ kind: 'CALL_ONCE', inputs: [], outputs: [], options: { initSubgraphIndex: 1 } }, name, {
      kind: 'READ_VARIABLE',
      inputs: ['handle'],
      outputs: ['before'],
    }, ...operators, assign('h')],
    others: [{
      tensors: [handle, float('zeros', [1, CELLS], numbers(CELLS).fill(0))],
      operators: [name, assign('zeros')],
      inputs: [],
      outputs: [],
    }],
  };
}

/** The same in plain loops. */
function loops(x: ArrayLike<number>): number[] {
  const logistic = (v: number): number => 1 / (1 + Math.exp(-v));
  const product = (w: number[], b: number[], v: number[]): number[] =>
    b.map((sum, row) => v.reduce((s, a, k) => s + a * w[row * v.length + k]!, sum));
  let h = new Array<number>(CELLS).fill(0);
  return Array.from({ length: TIME }, (_, t) => {
    const wx = product(kernel, bias, Array.from(x).slice(t * WIDTH, (t + 1) * WIDTH));
    const uh = product(recurrent, recurrentBias, h);
    h = h.map((old, n) => {
      const z = logistic(wx[n]! + uh[n]!);
      const r = logistic(wx[CELLS + n]! + uh[CELLS + n]!);
      return z * old + (1 - z) * Math.tanh(wx[2 * CELLS + n]! + r * uh[2 * CELLS + n]!);
    });
    return h;
  }).flat();
}

describe('an unrolled GRU', () => {
  const sequence = Float32Array.from(numbers(TIME * WIDTH), (v) => 2 * v);
  const whole = importTflite(writeTflite(unrolled()));

  test.each(flavors)('equals plain loops, in %s', (flavor) => {
    const found = loadSync(compile(whole), { flavor }).predict(sequence);
    loops(sequence).forEach((expected, i) => {
      expect(Math.abs(found[i]! - expected), `element ${i}`).toBeLessThan(1e-6);
    });
  });

  test.each(flavors)(
    'gives the same bits with its state in a variable, frame by frame and after reset(), in %s',
    (flavor) => {
      const expected = [...loadSync(compile(whole), { flavor }).predict(sequence)];
      const model = loadSync(compile(importTflite(writeTflite(stateful()))), { flavor });
      const other = model.createState();
      for (let round = 0; round < 2; round++) {
        expect(Array.from({ length: TIME }, (_, t) => {
          other.predict(sequence.subarray(0, WIDTH));
          return [...model.predict(sequence.subarray(t * WIDTH, (t + 1) * WIDTH))];
        }).flat()).toEqual(expected);
        model.reset();
      }
      expect(model.memory.state).toBe(4 * CELLS);
    },
  );

  test('splits the sequence, so toStream refuses it', () => {
    refuses(() => toStream(whole, { axis: 1 }), 'UNSUPPORTED_OP', /split "x0.*splits the sequence/);
  });
});
