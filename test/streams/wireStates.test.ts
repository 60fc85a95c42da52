import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, wireStates, type Graph, type Tensor } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { refuses } from '../robustness/refusal';

const T = 6;
const N = 4;

/**
 * Frames of 3 numbers through a gru and an lstm. With states, h, c and z [1][N] are inputs, and hn,
 * cn and zn outputs.
 */
function network(time: number, hasStates: boolean): Graph {
  const b = new GraphBuilder('streamed');
  const random = new Random(5);
  const constant = (...shape: number[]): Tensor =>
    b.constant(Float32Array.from({ length: shape.reduce((p, q) => p * q) }, () => random.between(-1, 1)), shape);
  const x = b.input('x', [1, time, 3]);
  const [z, h, c] = hasStates ? ['z', 'h', 'c'].map((name) => b.input(name, [1, N])) : [null, null, null];
  const along = { timeMajor: false, reverse: false };
  const [mid, zn] = b.nodeWithOutputs(
    'gru',
    [x, constant(3 * N, 3), constant(3 * N, N), constant(3 * N), null, z!],
    { ...along, resetAfter: true },
    [[], []],
    { name: 'mid' },
  );
  const [y, hn, cn] = b.nodeWithOutputs(
    'lstm',
    [mid!, constant(4 * N, N), constant(4 * N, N), constant(4 * N), null, null, null, null, h!, c!],
    { ...along, activation: 'tanh', cellClip: 0, projectionClip: 0 },
    [[], [], []],
    { name: 'y' },
  );
  Object.assign(zn!, { name: 'zn' });
  Object.assign(hn!, { name: 'hn' });
  Object.assign(cn!, { name: 'cn' });
  return b.finish(hasStates ? [y!, zn!, hn!, cn!] : [y!]);
}

const names = { zn: 'z', hn: 'h', cn: 'c' };
const frames = Array.from(
  { length: T },
  (_, t) => Float32Array.from({ length: 3 }, () => new Random(t + 1).between(-2, 2)),
);
const sequence = Float32Array.from(frames.flatMap((frame) => [...frame]));

describe('wireStates', () => {
  test.each(flavors)('gives a network whose streams compute the whole sequence, in %s', (flavor) => {
    const whole = loadSync(compile(network(T, false)), { flavor }).predict(sequence);
    const model = loadSync(compile(wireStates(network(1, true), names)), { flavor });
    expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
    const streams = [model.createState(), model.createState()];
    for (const stream of streams) expect(frames.flatMap((frame) => [...stream.predict(frame)])).toEqual([...whole]);
    expect(frames.flatMap((frame) => [...model.predict(frame)])).toEqual([...whole]);
    expect(model.memory.state).toBe(3 * N * 4);
  });

  test('equals the wiring by hand', () => {
    const byHand = loadSync(compile(network(1, true)));
    const stream = loadSync(compile(wireStates(network(1, true), names))).createState();
    let state: Record<string, Float32Array> = {
      z: new Float32Array(N),
      h: new Float32Array(N),
      c: new Float32Array(N),
    };
    for (const x of frames) {
      const out = byHand.predict({ x, ...state }) as Record<string, Float32Array>;
      expect([...stream.predict(x)]).toEqual([...out.y!]);
      state = { z: out.zn!.slice(), h: out.hn!.slice(), c: out.cn!.slice() };
    }
  });

  test('begins with the initial values that are given', () => {
    const initial = { h: Float32Array.of(0.5, -0.5, 1, 0), c: Float32Array.of(1, 2, 3, 4) };
    const x = frames[0]!;
    const given = loadSync(compile(network(1, true))).predict({ x, z: new Float32Array(N), ...initial });
    const model = loadSync(compile(wireStates(network(1, true), names, { initial })));
    expect(model.predict(x)).toEqual((given as Record<string, Float32Array>).y);
  });

  test('leaves layers without states at the start of their sequence', () => {
    const b = new GraphBuilder('within a frame');
    const constant = (...shape: number[]): Tensor =>
      b.constant(new Float32Array(shape.reduce((p, q) => p * q)).fill(0.5), shape);
    const x = b.input('x', [1, 3, 1]);
    const state = b.input('state', [1, 3, 2]);
    const inner = b.node('rnn', [x, constant(2, 1), constant(2, 2)], {
      timeMajor: false,
      reverse: true,
      activation: 'tanh',
    });
    const sum = b.node('binary', [inner, state], { kind: 'add', activation: 'none' }, { name: 'sum' });
    const double = b.node('binary', [sum, sum], { kind: 'add', activation: 'none' }, { name: 'double' });
    const graph = b.finish([double, sum]);
    const frame = Float32Array.of(1, 2, 3);
    const stream = loadSync(compile(wireStates(graph, { sum: 'state' }))).createState();
    const first = [...stream.predict(frame)];
    expect([...stream.predict(frame)]).toEqual(first.map((v) => Math.fround(2 * v)));
  });

  test('refuses names, shapes and initial values that do not fit', () => {
    const graph = network(1, true);
    const wire = (outputs: Record<string, string>, initial?: Record<string, Float32Array>) => () =>
      wireStates(graph, outputs, initial && { initial });
    refuses(wire({ h: 'h' }), 'BAD_ARGUMENT', /"streamed" has no output "h" left; it has y, zn, hn, cn/);
    refuses(wire({ hn: 'state' }), 'BAD_ARGUMENT', /"streamed" has no input "state" left; it has x, z, h, c/);
    refuses(wire({ hn: 'h', cn: 'h' }), 'BAD_ARGUMENT', /no input "h" left/);
    refuses(
      wire({ hn: 'x' }),
      'INVALID_GRAPH',
      /the output "hn" is float32 \[1, 4\] and cannot become the input "x", which is float32 \[1, 1, 3\]/,
    );
    refuses(wire(names, { q: new Float32Array(4) }), 'BAD_ARGUMENT', /the initial value "q" is of no state/);
    refuses(
      wire(names, { h: new Float32Array(3) }),
      'BAD_ARGUMENT',
      /the initial value of "h" must be a Float32Array of 4 elements/,
    );
    refuses(wire({ y: 'x', ...names }), 'INVALID_GRAPH', /cannot become/);
  });

  test('refuses a layer that keeps a state of its own', () => {
    const b = new GraphBuilder('svdf');
    const x = b.input('x', [1, 1]);
    const state = b.input('state', [1, 1]);
    const weight = (): Tensor => b.constant(Float32Array.of(1), [1, 1]);
    const y = b.node('svdf', [x, weight(), weight(), null], {
      timeMajor: false,
      reverse: false,
      rank: 1,
      activation: 'none',
    });
    const sum = b.node('binary', [y, state], { kind: 'add', activation: 'none' }, { name: 'sum' });
    refuses(() => wireStates(b.finish([y, sum]), { sum: 'state' }), 'UNSUPPORTED_OP', /svdf .* keep its own state/);
  });
});
