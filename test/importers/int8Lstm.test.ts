import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite/index';
import { loadSync } from '../../src/index';
import { Random } from '../helpers/random';
import { writeTflite, type TfliteTensor } from '../tflite/writer';

const TIME = 6;
const INPUTS = 5;
const CELLS = 8;
const X = { scale: 1 / 64, zeroPoint: 3 };
const CELL_SCALE = 2 ** -12;

interface Layer {
  /**
   * Zero points of the output and the state, and of the hidden values as the converter writes them.
   */
  zeroPoint: number;
  hiddenZeroPoint: number;
  batch: number;
}

/** An int8 LSTM as Keras converts it, with the weights of its gates as real numbers. */
function layer({ zeroPoint, hiddenZeroPoint, batch }: Layer) {
  const random = new Random(7);
  const gates = ['i', 'f', 'g', 'o'].map((name) => ({
    name,
    scale: random.between(0.002, 0.003),
    w: Int8Array.from({ length: CELLS * INPUTS }, () => random.int(-127, 127)),
    u: Int8Array.from({ length: CELLS * CELLS }, () => random.int(-127, 127)),
    bias: Int32Array.from({ length: CELLS }, () => random.int(-5000, 5000)),
  }));
  const step = 1 / 128;
  const tensors: TfliteTensor[] = [{ name: 'x', shape: [batch, TIME, INPUTS], type: 'INT8', quantization: X }, {
    name: 'y',
    shape: [batch, TIME, CELLS],
    type: 'INT8',
    quantization: { scale: step, zeroPoint },
  }, { name: 'h', shape: [batch, CELLS], type: 'INT8', quantization: { scale: step, zeroPoint }, isVariable: true }, {
    name: 'c',
    shape: [batch, CELLS],
    type: 'INT16',
    quantization: { scale: CELL_SCALE },
    isVariable: true,
  },
    ...gates.flatMap((
      { name, scale, w, u, bias },
    ): TfliteTensor[] => [{ name: `w${name}`, shape: [CELLS, INPUTS], type: 'INT8', data: w, quantization: { scale } },
      { name: `u${name}`, shape: [CELLS, CELLS], type: 'INT8', data: u, quantization: { scale } }, {
      name: `b${name}`,
      shape: [CELLS],
      type: 'INT32',
      data: bias,
      quantization: { scale: scale * X.scale },
    }]),
    ...[0, 1, 2, 3].map((i): TfliteTensor => ({
      name: `gate${i}`,
      shape: [],
      type: 'INT16',
      quantization: { scale: 2 ** -12 },
    })), { name: 'hidden', shape: [], type: 'INT8', quantization: { scale: step, zeroPoint: hiddenZeroPoint } }];
  const named = (letter: string): string[] => gates.map(({ name }) => letter + name);
  const file = writeTflite({
    tensors,
    inputs: ['x'],
    outputs: ['y'],
    operators: [{
      kind: 'UNIDIRECTIONAL_SEQUENCE_LSTM',
      inputs: ['x', ...named('w'), ...named('u'), null, null, null, ...named('b'), null, null, 'h', 'c', null, null,
        null, null],
      outputs: ['y'],
      intermediates: ['gate0', 'gate1', 'gate2', 'gate3', 'hidden'],
      options: { fusedActivationFunction: 'TANH', cellClip: 0, projClip: 0, timeMajor: false },
    }],
  });
  return { gates, step, file };
}

type Gates = ReturnType<typeof layer>['gates'];

/**
 * The layer's outputs for one sequence in real numbers. The only trace of int8 is the range of h,
 * since an int8 state saturates.
 */
function realOutputs(gates: Gates, x: number[], [min, max]: [number, number]): number[] {
  const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
  let h = new Array<number>(CELLS).fill(0);
  let c = new Array<number>(CELLS).fill(0);
  const outputs: number[] = [];
  for (let t = 0; t < TIME; t++) {
    const [i, f, g, o] = gates.map(({ scale, w, u, bias }) =>
      Array.from({ length: CELLS }, (_, n) => {
        let sum = bias[n]! * scale * X.scale;
        for (let k = 0; k < INPUTS; k++) sum += w[n * INPUTS + k]! * scale * x[t * INPUTS + k]!;
        for (let k = 0; k < CELLS; k++) sum += u[n * CELLS + k]! * scale * h[k]!;
        return sum;
      })
    ) as [number[], number[], number[], number[]];
    c = c.map((v, n) => sigmoid(f[n]!) * v + sigmoid(i[n]!) * Math.tanh(g[n]!));
    h = c.map((v, n) => Math.max(min, Math.min(max, sigmoid(o[n]!) * Math.tanh(v))));
    outputs.push(...h);
  }
  return outputs;
}

function largestError({ gates, step, file }: ReturnType<typeof layer>, { zeroPoint, batch }: Layer): number {
  const random = new Random(11);
  const raw = Int8Array.from({ length: batch * TIME * INPUTS }, () => random.int(-128, 127));
  const model = loadSync(compile(importTflite(file)));
  const found = model.predict(raw, { output: 'raw' }) as Int8Array;
  const real = Array.from(raw, (q) => (q - X.zeroPoint) * X.scale);
  const length = TIME * INPUTS;
  const range: [number, number] = [(-128 - zeroPoint) * step, (127 - zeroPoint) * step];
  const expected = Array.from(
    { length: batch },
    (_, b) => realOutputs(gates, real.slice(b * length, (b + 1) * length), range),
  ).flat();
  return Math.max(...expected.map((v, at) => Math.abs(v / step - (found[at]! - zeroPoint))));
}

describe('an int8 LSTM of a .tflite file', () => {
  const zeroPoints = [-90, -4, -1, 0, 40];
  it.each(zeroPoints.flatMap((zeroPoint) => [1, 3].map((batch) => ({ zeroPoint, batch }))))(
    'stays close to real numbers with the zero point $zeroPoint and batch $batch',
    ({ zeroPoint, batch }) => {
      const spec = { zeroPoint, hiddenZeroPoint: zeroPoint, batch };
      const error = largestError(layer(spec), spec);
      expect(error).toBeLessThan(0.6);
    },
  );
  it('computes the same when an older converter negated the zero point of its hidden values', () => {
    const spec = { zeroPoint: 40, hiddenZeroPoint: -40, batch: 1 };
    expect(largestError(layer(spec), spec)).toBeLessThan(0.6);
  });
  it('is refused when the hidden values and the output have unrelated zero points', () => {
    const { file } = layer({ zeroPoint: 40, hiddenZeroPoint: 5, batch: 1 });
    expect(() => importTflite(file))
      .toThrow(/hidden values with the zero point 5 and an output with the zero point 40/);
  });
});
