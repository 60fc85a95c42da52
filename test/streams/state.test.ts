import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, type Graph } from '../../src/compiler/index';
import { loadSync, type Model } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { refuses } from '../robustness/refusal';

// Streams of one model. Each continues from its own state, independently of the others.

/** A float lstm that takes one frame per call, and the same network over a whole sequence. */
function network(time: number, seed = 1): Graph {
  const b = new GraphBuilder('cells');
  const random = new Random(seed);
  const x = b.input('x', [1, time, 3]);
  const constant = (...shape: number[]): ReturnType<GraphBuilder['constant']> =>
    b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => random.between(-1, 1)), shape);
  const y = b.node('lstm', [x, constant(20, 3), constant(20, 5), constant(20)], {
    timeMajor: false,
    reverse: false,
    activation: 'tanh',
    cellClip: 0,
    projectionClip: 0,
  });
  return b.finish([
    b.node('gru', [y, constant(12, 5), constant(12, 4), constant(12), constant(12)], {
      timeMajor: false,
      reverse: false,
      resetAfter: true,
    }, { name: 'y' }),
  ]);
}

const step = compile(network(1));
const frames = (random: Random, count: number): Float32Array[] =>
  Array.from({ length: count }, () => Float32Array.from({ length: 3 }, () => random.between(-2, 2)));
const whole = (given: Float32Array[]): Float32Array => {
  const model = loadSync(compile(network(given.length)));
  return model.predict(Float32Array.from(given.flatMap((frame) => [...frame])));
};

describe('a stream', () => {
  test.each(flavors)('gives for single frames the outputs of the whole sequence, in %s', (flavor) => {
    const random = new Random(3);
    const model = loadSync(step, { flavor });
    for (const count of [1, 2, 40]) {
      const given = frames(random, count);
      const stream = model.createState();
      expect(given.flatMap((frame) => [...stream.predict(frame)])).toEqual([...whole(given)]);
    }
  });

  test('starts in the same state as every other stream', () => {
    const model = loadSync(step);
    expect(model.createState().save()).toEqual(new Uint8Array(model.memory.state));
  });

  test('is independent of other streams and of predict(), in any order of calls', () => {
    const model = loadSync(step);
    const sequences = fc.array(
      fc.tuple(
        fc.nat({ max: 3 }),
        fc.constantFrom('predict', 'predict', 'predict', 'predictInto', 'reset', 'clone', 'save', 'model'),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(sequences, fc.noShrink(fc.nat()), (calls, seed) => {
        const random = new Random(seed);
        const streams = Array.from({ length: 4 }, () => model.createState());
        const pasts: Float32Array[][] = streams.map(() => []);
        for (const [i, call] of calls) {
          const frame = frames(random, 1)[0]!;
          const expected = (past: Float32Array[]): number[] => [...whole([...past, frame])].slice(-4);
          if (call === 'reset') {
            streams[i]!.reset();
            pasts[i] = [];
          } else if (call === 'clone') {
            streams[i] = streams[i]!.clone();
          } else if (call === 'save') {
            const j = random.int(0, 3);
            streams[j]!.restore(streams[i]!.save());
            pasts[j] = [...pasts[i]!];
          } else if (call === 'model') {
            expect([...model.predict(frame)]).toEqual(expected([]));
          } else {
            const out = new Float32Array(4);
            if (call === 'predict') out.set(streams[i]!.predict(frame));
            else streams[i]!.predictInto(frame, out);
            expect([...out]).toEqual(expected(pasts[i]!));
            pasts[i]!.push(frame);
          }
        }
      }),
      { seed: 20261122, numRuns: 15 },
    );
  });

  test('takes only the memory of its state', () => {
    const model = loadSync(step);
    const before = model.memory.total;
    const streams = Array.from({ length: 1000 }, () => model.createState());
    const held = streams.map((stream) =>
      Object.values(stream as unknown as Record<string, unknown>).filter((value): value is Uint8Array =>
        value instanceof Uint8Array
      )
    );
    expect(new Set(held.map((arrays) => arrays.reduce((sum, array) => sum + array.buffer.byteLength, 0))))
      .toEqual(new Set([model.memory.state]));
    expect(model.memory.state).toBe((5 + 5 + 4) * 4);
    expect(model.memory.total).toBe(before);
    const frame = new Float32Array([1, 0, -1]);
    const [first] = streams.map((stream) => stream.predict(frame));
    for (const stream of streams) expect(stream.save()).toEqual(streams[0]!.save());
    expect(first).toEqual(model.predict(frame));
  });

  test('keeps its state when it refuses a frame', () => {
    const stream = loadSync(step).createState();
    const frame = new Float32Array(3).fill(0.5);
    stream.predict(frame);
    const before = stream.save();
    refuses(() => stream.predict(new Float32Array(2)), 'SHAPE_MISMATCH');
    refuses(() => stream.predict(new Float32Array([0, NaN, 0])), 'NOT_A_NUMBER');
    expect(stream.save()).toEqual(before);
  });

  test('refuses a foreign state, and calls after its model is disposed', () => {
    const model = loadSync(step);
    const stream = model.createState();
    refuses(() => stream.restore(new Uint8Array(3)), 'SHAPE_MISMATCH', /\d+ bytes/, /another model/);
    refuses(() => stream.restore([] as unknown as Uint8Array), 'TYPE_MISMATCH', /Uint8Array/);
    model.dispose();
    for (const call of [() => stream.predict(new Float32Array(3)), () => stream.reset(), () => stream.clone(),
      () => stream.save(), () => stream.restore(new Uint8Array(0)), () => model.createState()])
    {
      refuses(call, 'DISPOSED');
    }
  });

  test('of a network without state is empty', () => {
    const b = new GraphBuilder('twice');
    const x = b.input('x', [2]);
    const model: Model = loadSync(compile(b.finish([b.node('binary', [x, x], { kind: 'add', activation: 'none' })])));
    const stream = model.createState();
    expect(stream.bytes).toBe(0);
    expect([...stream.predict([1, 2])]).toEqual([2, 4]);
  });
});

describe('states of a graph', () => {
  /** Counts, stores the last two inputs, and outputs all three. */
  function counter(): Graph {
    const b = new GraphBuilder('counter');
    const x = b.input('x', [2]);
    const count = b.state('count', [2], Float32Array.of(10, 20));
    const last = b.state('last', [2], new Float32Array(2));
    const before = b.state('before', [2], new Float32Array(2));
    const next = b.node('binary', [count, x], { kind: 'add', activation: 'none' });
    b.assign(count, next);
    b.assign(last, x);
    b.assign(before, last);
    const view = b.node('reshape', [before], {}, { shape: [1, 2], name: 'before last' });
    return b.finish([next, b.node('reshape', [last], {}, { shape: [2, 1], name: 'last one' }), view]);
  }

  test('keep their old values during a run and are updated at its end, even with views of them', () => {
    for (const flavor of flavors) {
      const stream = loadSync(compile(counter()), { flavor }).createState();
      const seen = [[1, 2], [3, 4], [5, 6]].map((x) => stream.predict(x) as unknown as Record<string, Float32Array>);
      expect(seen.map((outputs) => Object.values(outputs).map((values) => [...values]))).toEqual([[[11, 22], [0, 0], [0,
        0]], [[14, 26], [1, 2], [0, 0]], [[19, 32], [3, 4], [1, 2]]]);
    }
  });

  test('of a model continue from one predict() or predictInto() to the next, until reset()', () => {
    const x = [1, 2];
    const first = [11, 22];
    const second = [12, 24];
    for (const flavor of flavors) {
      const model = loadSync(compile(counter()), { flavor });
      const count = new Float32Array(2);
      const next = (): number[] => [...(model.predict(x) as unknown as Record<string, Float32Array>).binary!];
      expect([next(), next()]).toEqual([first, second]);
      model.predictInto(x, { binary: count });
      expect([...count]).toEqual([13, 26]);
      model.reset();
      expect([next(), next()]).toEqual([first, second]);
    }
  });

  test('of a model and of its streams are independent', () => {
    const model = loadSync(compile(counter()));
    const count = (from: { predict(x: number[]): unknown }): number =>
      (from.predict([1, 0]) as Record<string, Float32Array>).binary![0]!;
    const streams = [model.createState(), model.createState()] as const;
    expect([model, streams[0], model, streams[1], streams[0], model].map(count)).toEqual([11, 11, 12, 11, 12, 13]);
    streams[0].reset();
    expect([streams[0], model].map(count)).toEqual([11, 14]);
    model.reset();
    expect([streams[0], streams[1], model].map(count)).toEqual([12, 12, 11]);
  });

  test('do not affect the self test and profiles, and are not affected by them', () => {
    const model = loadSync(compile(counter(), { golden: [[1, 2], [3, 4]] }));
    const count = (): number => (model.predict([1, 2]) as unknown as Record<string, Float32Array>).binary![0]!;
    expect(count()).toBe(11);
    expect(model.selfTest()).toBe(2);
    model.profile({ inputs: [5, 5], runs: 3 });
    expect(count()).toBe(12);
    expect(model.selfTest()).toBe(2);
  });

  test('are unchanged when an input is refused, and are disposed with the model', () => {
    const model = loadSync(compile(counter()));
    const count = (): number => (model.predict([1, 2]) as unknown as Record<string, Float32Array>).binary![0]!;
    count();
    refuses(() => model.predict([NaN, 1]), 'NOT_A_NUMBER');
    expect(count()).toBe(12);
    model.dispose();
    refuses(() => {
      model.reset();
    }, 'DISPOSED');
  });

  test('of a layer over a whole sequence are reset at every predict()', () => {
    const model = loadSync(step);
    const frame = new Float32Array([1, 0, -1]);
    const first = model.predict(frame).slice();
    expect(model.predict(frame)).toEqual(first);
    model.reset();
    expect(model.predict(frame)).toEqual(first);
  });

  test('can swap their values', () => {
    const b = new GraphBuilder('swap');
    const x = b.input('x', [1]);
    const p = b.state('p', [1], Float32Array.of(1));
    const q = b.state('q', [1], Float32Array.of(2));
    b.assign(p, q);
    b.assign(q, p);
    const stream = loadSync(compile(b.finish([b.node('concat', [p, q, x], { axis: 0, activation: 'none' })])))
      .createState();
    expect([0, 0, 0].map(() => [...stream.predict([9])])).toEqual([[1, 2, 9], [2, 1, 9], [1, 2, 9]]);
  });
});
