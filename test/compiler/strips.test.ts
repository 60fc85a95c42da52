import { describe, expect, test } from 'vitest';
import { emitGraph } from '../../src/compiler/emitGraph';
import { compile, GraphBuilder, readKlet, type Graph } from '../../src/compiler/index';
import { lowerStrips } from '../../src/compiler/lower';
import { findOverlap, planMemory } from '../../src/compiler/memory';
import { rowGraphOf, rowsOf, type RowGraph } from '../../src/compiler/strips/rowGraph';
import { scheduleOf, type Segment } from '../../src/compiler/strips/schedule';
import { layersOf } from '../../src/format/debugInfo';
import { writeKlet } from '../../src/format/writeKlet';
import { loadSync } from '../../src/index';
import type { Padding, Pair } from '../../src/graph/operators';
import { Emitter } from '../../src/ops/emitter';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { randomGraph } from '../helpers/randomGraph';
import { randomImages } from '../helpers/randomImages';
import { checkFile, compare, exact, predictAll, randomInputs } from '../ops/suite';

/** Random consecutive nodes that can run in strips, with strips of random heights. */
function randomSegments(random: Random, rows: RowGraph): Segment[] {
  const segments: Segment[] = [];
  for (let from = 0; from < rows.nodes.length;) {
    const to = from + random.int(1, 8);
    const last = rows.nodes[to - 1]?.output;
    const segment = last && { from, to, height: random.int(1, Math.max(1, rowsOf(last) - 1)) };
    if (segment && scheduleOf(rows, segment)) {
      segments.push(segment);
      from = to;
    } else from++;
  }
  return segments;
}

function inStrips(graph: Graph, random: Random): Uint8Array | undefined {
  const rows = rowGraphOf(graph);
  const segments = randomSegments(random, rows);
  if (segments.length === 0) return undefined;
  const emit = new Emitter();
  emitGraph(graph, emit, { rows, segments });
  planMemory(emit.buffers);
  const overlap = findOverlap(emit.buffers);
  if (overlap) throw new Error(`${overlap[0].name} and ${overlap[1].name} overlap`);
  return writeKlet(lowerStrips(graph, {}, { rows, segments }, 0).parts);
}

/** Chains of wide layers, as in an inverted residual. */
function bottleneck(): Graph {
  const random = new Random(3);
  const b = new GraphBuilder('bottleneck');
  const steps = { quantization: { scale: [0.05], zeroPoint: [-3], axis: 0 } };
  const weights = (shape: number[]): ReturnType<typeof b.constant> =>
    b.constant(Int8Array.from({ length: shape.reduce((p, n) => p * n) }, () => random.int(-127, 127)), shape, {
      scale: [0.01],
      zeroPoint: [0],
      axis: 0,
    });
  const attributes = { stride: [1, 1] as Pair, dilation: [1, 1] as Pair, activation: 'relu6' as const };
  const none: Padding = [0, 0, 0, 0];
  const x = b.input('x', [1, 64, 32, 8], 'int8', steps.quantization);
  const wide = b.node('conv2d', [x, weights([48, 1, 1, 8]), null], { ...attributes, padding: none, groups: 1 }, {
    ...steps,
    name: 'expand',
  });
  const filtered = b.node('depthwiseConv2d', [wide, weights([1, 3, 3, 48]), null], {
    ...attributes,
    padding: [1, 1, 1, 1],
  }, { ...steps, name: 'depthwise' });
  const narrow = b.node(
    'conv2d',
    [filtered, weights([8, 1, 1, 48]), null],
    { ...attributes, padding: none, groups: 1 },
    { ...steps, name: 'project' },
  );
  return b.finish([b.node('binary', [x, narrow], { kind: 'add', activation: 'none' }, { ...steps, name: 'sum' })]);
}

describe('strips of rows', () => {
  test('give the bits of the reference on every build (int8)', () => {
    let tried = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed * 6151);
      const graph = randomImages(random, random.int(2, 10), 'int8');
      const file = inStrips(graph, random);
      if (!file) continue;
      tried++;
      try {
        checkFile(graph, file, seed);
      } catch (error) {
        throw new Error(`network ${seed} (${graph.nodes.map((n) => n.op).join(', ')})`, { cause: error });
      }
    }
    expect(tried).toBeGreaterThan(120);
  });

  test('give the bits that the network has without them, on every build (float32)', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed * 7877);
      const graph = randomImages(random, random.int(2, 10), 'float32');
      const file = inStrips(graph, random);
      if (!file) continue;
      const inputs = randomInputs(graph, seed);
      const whole = compile(graph, { strips: false });
      for (const flavor of flavors) {
        const [found, expected] = [file, whole].map((klet) => predictAll(loadSync(klet, { flavor }), graph, inputs));
        graph.outputs.forEach(({ name, shape }, i) => {
          compare(`network ${seed}, "${name}" in ${flavor}`, shape, expected![i]!, found![i]!, exact);
        });
      }
    }
  });

  test('change no answer of networks of random operators', () => {
    for (const type of ['int8', 'uint8', 'float32'] as const) {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new Random(seed * 9473);
        const graph = randomGraph(random, random.int(3, 24), type);
        checkFile(graph, compile(graph, { strips: true }), seed);
      }
    }
  });

  test('make the arena of wide layers smaller, and DEBUG says by how much', () => {
    const graph = bottleneck();
    const whole = readKlet(compile(graph));
    const { arenaBytes, debugInfo } = readKlet(compile(graph, { strips: true }));
    expect(whole.debugInfo!.strips).toBeUndefined();
    expect(arenaBytes).toBeLessThan(whole.arenaBytes / 3);
    expect(debugInfo!.strips!.wholeArena).toBe(whole.arenaBytes);
    const [[first, end, strips]] = debugInfo!.strips!.segments as [[number, number, number]];
    expect([first, end]).toEqual([0, debugInfo!.records.length]);
    expect(strips).toBeGreaterThan(1);
    const layers = layersOf(debugInfo!).filter(({ op }) => op !== 'copy');
    const wholeLayers = layersOf(whole.debugInfo!);
    expect(layers.map(({ name, op, shape, macs }) => ({ name, op, shape, macs })))
      .toEqual(wholeLayers.map(({ name, op, shape, macs }) => ({ name, op, shape, macs })));
    expect(layers.map(({ weights }) => weights)).toEqual(wholeLayers.map(({ weights }) => weights));
    expect(layers.flatMap(({ indices }) => indices).length).toBeGreaterThan(2 * layers.length);
  });

  test('are used as far as maxMemory requires', () => {
    const graph = bottleneck();
    const total = (options: Parameters<typeof compile>[1]): number => {
      const model = loadSync(compile(graph, options), { flavor: 'scalar' });
      const { memory } = model;
      model.dispose();
      return memory.total;
    };
    const whole = total({});
    const page = 65536;
    expect(total({ maxMemory: whole })).toBe(whole);
    expect(total({ maxMemory: whole - page })).toBeLessThanOrEqual(whole - page);
    expect(readKlet(compile(graph, { maxMemory: whole - page })).debugInfo!.strips).toBeDefined();
    expect(() => compile(graph, { maxMemory: whole - page, strips: false }))
      .toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
    expect(() => compile(graph, { maxMemory: page - 1 })).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
  });

  test('store the weights of a layer once', () => {
    const graph = bottleneck();
    expect(readKlet(compile(graph, { strips: true })).weights.length).toBe(readKlet(compile(graph)).weights.length);
  });

  test('reproduce golden cases, and need no debug info', () => {
    const graph = bottleneck();
    const golden = [randomInputs(graph, 1)];
    const model = loadSync(compile(graph, { strips: true, golden, debugInfo: false, compact: true }));
    expect(model.selfTest()).toBe(1);
    model.dispose();
  });
});

describe('a schedule', () => {
  test('keeps the rows that a later strip reads, and computes each row once', () => {
    const rows = rowGraphOf(bottleneck());
    const schedule = scheduleOf(rows, { from: 0, to: 4, height: 16 })!;
    const [wide, filtered] = rows.nodes.map((node) => schedule.computed.get(node!.output)!);
    expect(wide).toEqual({ isWhole: false, ends: [17, 33, 49, 64], starts: [0, 15, 31, 47] });
    expect(filtered).toEqual({ isWhole: false, ends: [16, 32, 48, 64], starts: [0, 16, 32, 48] });
    expect([...schedule.read.values()]).toEqual([[0, 16, 32, 48]]);
  });

  test('refuses segments with a node that needs whole images', () => {
    const b = new GraphBuilder('turned');
    const x = b.input('x', [1, 8, 4, 2]);
    const turned = b.node('transpose', [x], { perm: [0, 2, 1, 3] }, { name: 'turned' });
    const rows = rowGraphOf(b.finish([b.node('unary', [turned], { kind: 'relu' }, { name: 'y' })]));
    expect(scheduleOf(rows, { from: 0, to: 2, height: 2 })).toBeUndefined();
    expect(scheduleOf(rows, { from: 1, to: 2, height: 2 })).toBeDefined();
  });
});
