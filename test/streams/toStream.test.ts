import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, toStream, type Graph, type Quantization, type Tensor } from '../../src/compiler/index';
import { loadSync, type RawArray } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { refuses } from '../robustness/refusal';

// Every layer that can be streamed gives, over the calls, its outputs for the whole sequence.

const TIME = 12;
const WIDTH = 3;
const steps: Quantization = { scale: [0.05], zeroPoint: [7], axis: 0 };
const unit: Quantization = { scale: [1 / 128], zeroPoint: [0], axis: 0 };
type Build = (
  b: GraphBuilder,
  x: Tensor,
  constant: (...shape: number[]) => Tensor,
  bias: (n: number) => Tensor,
  q: (quantization: Quantization) => { quantization?: Quantization },
) => Tensor;

function network(build: Build, int8: boolean, time = TIME): Graph {
  const b = new GraphBuilder('net');
  const random = new Random(5);
  const x = b.input('x', [1, time, WIDTH], int8 ? 'int8' : 'float32', int8 ? steps : undefined);
  const count = (shape: number[]): number => shape.reduce((p, v) => p * v, 1);
  const constant = (
    ...shape: number[]
  ): Tensor => (int8
    ? b.constant(random.fill(new Int8Array(count(shape))), shape, { scale: [0.01], zeroPoint: [0], axis: 0 })
    : b.constant(Float32Array.from({ length: count(shape) }, () => random.between(-1, 1)), shape));
  const bias = (
    n: number,
  ): Tensor => (int8
    ? b.constant(Int32Array.from({ length: n }, () => random.int(-500, 500)), [n])
    : b.constant(Float32Array.from({ length: n }, () => random.between(-1, 1)), [n]));
  return b.finish([build(b, x, constant, bias, (quantization) => (int8 ? { quantization } : {}))]);
}

const along = { timeMajor: false, reverse: false };
const conv = {
  stride: [1, 1] as [number, number],
  dilation: [1, 1] as [number, number],
  groups: 1,
  activation: 'relu' as const,
};
const image = (b: GraphBuilder, x: Tensor, q: Parameters<Build>[4]): Tensor =>
  b.node('reshape', [x], {}, { shape: [1, 1, x.shape[1]!, x.shape[2]!], ...q(x.quantization ?? steps) });
const kinds: Record<string, Build> = {
  lstm: (b, x, c, bias, q) =>
    b.node(
      'lstm',
      [x, c(20, 3), c(20, 5), bias(20)],
      { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 },
      q(unit),
    ),
  gru: (b, x, c, bias, q) =>
    b.node('gru', [x, c(15, 3), c(15, 5), bias(15), bias(15)], { ...along, resetAfter: true }, q(unit)),
  'gru that resets first': (b, x, c, bias, q) =>
    b.node('gru', [x, c(15, 3), c(15, 5), bias(15), bias(15)], { ...along, resetAfter: false }, q(unit)),
  svdf: (b, x, c, bias, q) => {
    const isInt8 = x.dtype === 'int8';
    const time: Tensor = isInt8
      ? {
        name: 'time',
        shape: [6, 4],
        dtype: 'int16',
        quantization: unit,
        data: Int16Array.from({ length: 24 }, (_, i) => 1201 * i % 701 - 350),
      }
      : c(6, 4);
    return b.node('svdf', [x, c(6, 3), time, bias(3)], {
      ...along,
      rank: 2,
      activation: 'relu',
      ...(isInt8 && { stateScale: 2 ** -9 }),
    }, q(steps));
  },
  'rows picked from a table': (b, x, c, bias, q) => {
    const rows = b.node('gather', [c(3, 4),
      b.node('argmax', [x], { axis: 2, kind: 'max' }, { dtype: 'int32', shape: x.shape.slice(0, 2) })], {
      axis: 0,
      batchDims: 0,
    }, q({ scale: [0.01], zeroPoint: [0], axis: 0 }));
    return b.node('rnn', [rows, c(5, 4), c(5, 5), bias(5)], { ...along, activation: 'tanh' }, q(unit));
  },
  rnn: (b, x, c, bias, q) => b.node('rnn', [x, c(5, 3), c(5, 5), bias(5)], { ...along, activation: 'tanh' }, q(unit)),
  'causal convolution': (b, x, c, bias, q) =>
    b.node('conv2d', [image(b, x, q), c(4, 1, 3, 3), bias(4)], { ...conv, padding: [0, 2, 0, 0] }, q(steps)),
  'dilated causal convolution': (b, x, c, bias, q) =>
    b.node(
      'conv2d',
      [image(b, x, q), c(4, 1, 3, 3), bias(4)],
      { ...conv, dilation: [1, 2], padding: [0, 4, 0, 0] },
      q(steps),
    ),
  'padding before a depthwise convolution': (b, x, c, bias, q) =>
    b.node(
      'depthwiseConv2d',
      [image(b, b.node('pad', [x], { before: [0, 1, 0], after: [0, 0, 0], mode: 'constant', value: 0 }, q(steps)), q),
        c(1, 1, 2, 3), bias(3)],
      { ...conv, padding: [0, 0, 0, 0] },
      q(steps),
    ),
  'dense layer, transposition and softmax': (b, x, c, bias, q) => {
    const rows = b.node('reshape', [x], {}, { shape: [x.shape[1]!, WIDTH], ...q(steps) });
    const dense = b.node('fullyConnected', [rows, c(4, 3), bias(4)], { activation: 'none' }, q(steps));
    const turned = b.node(
      'transpose',
      [b.node('softmax', [dense], { beta: 1 }, q({ scale: [1 / 256], zeroPoint: [-128], axis: 0 }))],
      { perm: [1, 0] },
      q({ scale: [1 / 256], zeroPoint: [-128], axis: 0 }),
    );
    return b.node('transpose', [turned], { perm: [1, 0] }, q({ scale: [1 / 256], zeroPoint: [-128], axis: 0 }));
  },
  'prelu, tanh, split, concat and maximum of single frames': (b, x, c, _, q) => {
    const y = b.node('unary', [b.node('prelu', [x, c(1, 1, 3)], {}, q(steps))], { kind: 'tanh' }, q(unit));
    const shape = [1, x.shape[1]!];
    const [one, two] = b.nodeWithOutputs('split', [y], { axis: 2 }, [[...shape, 1], [...shape, 2]], q(unit));
    const joined = b.node('concat', [two!, one!], { axis: 2, activation: 'none' }, q(unit));
    return b.node('reduce', [joined], { kind: 'max', axes: [2] }, { shape, ...q(unit) });
  },
  'pad, reshape and slice of other dimensions': (b, x, _, __, q) => {
    const sides = { before: [0, 0, 1], after: [0, 0, 0], mode: 'constant' as const, value: 1 };
    const padded = b.node('pad', [x], sides, q(steps));
    const begin = { begin: [0, 0, 1], stride: [1, 1, 1] };
    const y = b.node('slice', [padded], begin, { shape: [1, x.shape[1]!, 2], ...q(steps) });
    return b.node('reshape', [y], {}, { shape: [1, x.shape[1]!, 2, 1], ...q(steps) });
  },
  'stack of a convolution, an lstm and a sum': (b, x, c, bias, q) => {
    const y = b.node('conv2d', [image(b, x, q), c(3, 1, 2, 3), bias(3)], { ...conv, padding: [0, 1, 0, 0] }, q(steps));
    const flat = b.node('reshape', [y], {}, { shape: [1, x.shape[1]!, 3], ...q(steps) });
    const sum = b.node('binary', [flat, x], { kind: 'add', activation: 'none' }, q(steps));
    return b.node('lstm', [sum, c(12, 3), c(12, 3), bias(12)], {
      ...along,
      activation: 'tanh',
      cellClip: 0,
      projectionClip: 0,
    }, q(unit));
  },
};

function run(klet: Uint8Array, calls: RawArray[], flavor: (typeof flavors)[number]): number[] {
  const stream = loadSync(klet, { flavor }).createState();
  return calls.flatMap((call) => Array.from(stream.predict(call, { output: 'raw' }) as Int8Array));
}

describe('in streaming form', () => {
  for (const [name, build] of Object.entries(kinds)) {
    test.each([['int8', true], ['float32', false]] as const)(
      `${name} in %s gives the bits of the whole sequence`,
      (_, int8) => {
        const graph = network(build, int8);
        const random = new Random(9);
        const whole = random.fill(int8 ? new Int8Array(TIME * WIDTH) : new Float32Array(TIME * WIDTH));
        for (const frames of [1, 2, 3]) {
          const klet = compile(toStream(graph, { frames }));
          const calls = Array.from({ length: TIME / frames }, (_, i) =>
            whole.slice(i * frames * WIDTH, (i + 1) * frames * WIDTH));
          for (const flavor of flavors) {
            expect(run(klet, calls, flavor)).toEqual(run(compile(graph), [whole], flavor));
          }
        }
      },
    );
  }

  test.each(['averagePool2d', 'maxPool2d'] as const)('%s streams if its windows fill the frames of a call', (op) => {
    const b = new GraphBuilder('pooled');
    const x = b.input('x', [1, TIME, 1, WIDTH]);
    const windows = { kernel: [2, 1] as [number, number], stride: [2, 1] as [number, number] };
    const y = b.node(op, [x], { ...windows, padding: [0, 0, 0, 0], activation: 'none' });
    const graph = b.finish([y]);
    const whole = new Random(7).fill(new Float32Array(TIME * WIDTH));
    for (const frames of [2, 4, 6]) {
      const calls = Array.from(
        { length: TIME / frames },
        (_, i) => whole.slice(i * frames * WIDTH, (i + 1) * frames * WIDTH),
      );
      const streamed = run(compile(toStream(graph, { axis: 1, frames })), calls, 'simd');
      expect(streamed).toEqual(run(compile(graph), [whole], 'simd'));
    }
    refuses(() => toStream(graph, { axis: 1, frames: 3 }), 'UNSUPPORTED_OP', /do not fill the 3 frames/);
  });

  test('a slice of the last frame gives the newest frame of each call', () => {
    const build: Build = (b, x, c, bias, q) => {
      const h = b.node('gru', [x, c(15, 3), c(15, 5), bias(15), bias(15)], { ...along, resetAfter: true }, q(unit));
      return b.node('slice', [h], { begin: [0, x.shape[1]! - 1, 0], stride: [1, 1, 1] }, {
        shape: [1, 1, 5],
        ...q(unit),
      });
    };
    const whole = new Random(4).fill(new Int8Array(TIME * WIDTH));
    const stream = loadSync(compile(toStream(network(build, true)))).createState();
    for (let t = 1; t <= TIME; t++) {
      const soFar = loadSync(compile(network(build, true, t))).predict(whole.slice(0, t * WIDTH), { output: 'raw' });
      expect(stream.predict(whole.slice((t - 1) * WIDTH, t * WIDTH), { output: 'raw' })).toEqual(soFar);
    }
  });

  test('predict() continues the sequence, and reset() starts a new one', () => {
    const graph = network(kinds['stack of a convolution, an lstm and a sum']!, true);
    const whole = new Random(6).fill(new Int8Array(TIME * WIDTH));
    const model = loadSync(compile(toStream(graph)));
    const expected = run(compile(graph), [whole], 'simd');
    const frame = (t: number): Int8Array => whole.slice(t * WIDTH, (t + 1) * WIDTH);
    const other = model.createState();
    for (let round = 0; round < 2; round++) {
      model.reset();
      expect(Array.from({ length: TIME }, (_, t) => {
        other.predict(frame(TIME - 1 - t));
        return [...model.predict(frame(t), { output: 'raw' }) as Int8Array];
      }).flat()).toEqual(expected);
    }
  });

  test('a uint8 network stores uint8 frames, initially the zero point', () => {
    const b = new GraphBuilder('uint8');
    const quantization: Quantization = { scale: [0.05], zeroPoint: [130], axis: 0 };
    const x = b.input('x', [1, TIME, 1, WIDTH], 'uint8', quantization);
    const random = new Random(8);
    const w = b.constant(random.fill(new Uint8Array(4 * 3 * WIDTH)), [4, 3, 1, WIDTH], {
      scale: [0.01],
      zeroPoint: [120],
      axis: 0,
    });
    const graph = b.finish([
      b.node('conv2d', [x, w, null], { ...conv, padding: [2, 0, 0, 0] }, { name: 'y', quantization }),
    ]);
    const whole = random.fill(new Uint8Array(TIME * WIDTH));
    const calls = Array.from({ length: TIME }, (_, t) => whole.slice(t * WIDTH, (t + 1) * WIDTH));
    for (const flavor of flavors) {
      expect(run(compile(toStream(graph)), calls, flavor)).toEqual(run(compile(graph), [whole], flavor));
    }
  });

  test('layers that keep their state from sequence to sequence keep it in streaming form too', () => {
    const graph = { ...network(kinds.lstm!, true), carries: true };
    const sequences = [1, 2, 3].map((seed) => new Random(seed).fill(new Int8Array(TIME * WIDTH)));
    const whole = loadSync(compile(graph));
    const stream = loadSync(compile(toStream(graph, { frames: 3 })));
    for (const sequence of sequences) {
      const pieces = Array.from(
        { length: TIME / 3 },
        (
          _,
          i,
        ) => [...stream.predict(sequence.slice(i * 3 * WIDTH, (i + 1) * 3 * WIDTH), { output: 'raw' }) as Int8Array],
      ).flat();
      expect(pieces).toEqual([...whole.predict(sequence, { output: 'raw' }) as Int8Array]);
    }
  });

  test('states of a graph, which are updated once per sequence, are refused by name', () => {
    const b = new GraphBuilder('counted');
    const x = b.input('x', [1, TIME, 1]);
    const count = b.state('calls', [1], new Float32Array(1));
    b.assign(
      count,
      b.node('binary', [count, b.constant(Float32Array.of(1), [1])], { kind: 'add', activation: 'none' }),
    );
    const graph = b.finish([b.node('binary', [x, count], { kind: 'add', activation: 'none' })]);
    refuses(() => toStream(graph), 'UNSUPPORTED_OP', /state "calls" changes once per sequence/);
    expect(loadSync(compile(toStream(graph, { frames: TIME }))).memory.state).toBe(4);
  });

  test('operators that need the whole sequence are refused in one error, by name', () => {
    const build: Build = (b, x, c, bias, q) => {
      const back = b.node('rnn', [x, c(5, 3), c(5, 5), bias(5)], { ...along, reverse: true, activation: 'tanh' }, {
        name: 'backwards',
        ...q(unit),
      });
      const mean = b.node('reduce', [x], { kind: 'mean', axes: [1] }, {
        name: 'average',
        shape: [1, 1, 3],
        ...q(steps),
      });
      return b.node('concat', [back,
        b.node('pad', [mean], { before: [0, 0, 0], after: [0, TIME - 1, 2], mode: 'constant', value: 0 }, q(steps))], {
        axis: 0,
        activation: 'none',
      }, q(unit));
    };
    refuses(
      () => toStream(network(build, false)),
      'UNSUPPORTED_OP',
      /rnn "backwards".*backwards/,
      /reduce "average".*over time/,
    );
    const ahead: Build = (b, x, c, bias, q) =>
      b.node('conv2d', [image(b, x, q), c(4, 1, 3, 3), bias(4)], { ...conv, padding: [0, 1, 0, 1] }, {
        name: 'centered',
        ...q(steps),
      });
    refuses(() => toStream(network(ahead, false), { axis: 1 }), 'UNSUPPORTED_OP', /conv2d "centered".*looks ahead/);
    refuses(() => toStream(network(kinds.lstm!, false), { axis: 5 }), 'BAD_ARGUMENT', /dimension 5/);
    refuses(() => toStream(network(kinds.lstm!, false), { frames: 0 }), 'BAD_ARGUMENT', /frames/);
  });
});
