import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Buffer } from '../../src/ops/emitter';
import { compile, GraphBuilder, readKlet } from '../../src/compiler/index';
import { findOverlap, planMemory } from '../../src/compiler/memory';
import { Random } from '../helpers/random';
import { randomGraph, type NetworkType } from '../helpers/randomGraph';
import { checkGraph, property } from '../ops/suite';

interface Life {
  bytes: number;
  first: number;
  length: number;
  /** Index of a buffer whose memory this one may reuse. */
  reuses: number | null;
}

const lives = fc.array(
  fc.record<Life>({
    bytes: fc.oneof(fc.nat(4), fc.nat(300)),
    first: fc.integer({ min: -1, max: 12 }),
    length: fc.nat(6),
    reuses: fc.option(fc.nat(30)),
  }),
  { maxLength: 30 },
);

function buffersOf(list: Life[]): Buffer[] {
  const buffers = list.map((life, i): Buffer => ({
    name: `b${i}`,
    bytes: life.bytes,
    first: life.first,
    last: life.first + life.length,
    offset: -1,
  }));
  list.forEach(({ reuses }, i) => {
    const other = reuses === null ? undefined : buffers[reuses % list.length];
    // like the emitter, only for equal sizes
    if (other && other !== buffers[i] && other.bytes === buffers[i]!.bytes) buffers[i]!.reuses = other;
  });
  return buffers;
}

const buffer = (name: string, bytes: number, first: number, last: number, reuses?: Buffer): Buffer => ({
  name,
  bytes,
  first,
  last,
  offset: -1,
  ...(reuses && { reuses }),
});

/** The largest number of bytes alive at the same time, a lower bound for any plan. */
function lowerBound(buffers: readonly Buffer[]): number {
  let worst = 0;
  for (let moment = -1; moment <= 20; moment++) {
    worst = Math.max(
      worst,
      buffers.filter((b) => b.first <= moment && moment <= b.last && !(b.first === moment && b.reuses?.last === moment))
        .reduce((sum, b) => sum + b.bytes, 0),
    );
  }
  return worst;
}

describe('the memory plan', () => {
  test('never overlaps two buffers that are alive at the same time', () => {
    property(lives, 2000, (list) => {
      const buffers = buffersOf(list);
      const bytes = planMemory(buffers);
      const placed = buffers.filter((b) => b.bytes > 0);
      const overlap = findOverlap(placed);
      if (overlap) throw new Error(`${overlap[0].name} and ${overlap[1].name} overlap`);
      for (const b of placed) {
        if (b.offset < 0 || b.offset % 16 !== 0 || b.offset + b.bytes > bytes) {
          throw new Error(`${b.name} lies at ${b.offset} of ${bytes}`);
        }
      }
    });
  });

  test('needs at most twice the lower bound, and often exactly the bound', () => {
    let tight = 0;
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(seed);
      const buffers = Array.from(
        { length: 12 },
        (_, i) => buffer(`b${i}`, random.int(1, 20) * 16, i - 1, i + random.int(0, 2)),
      );
      const bytes = planMemory(buffers);
      const least = lowerBound(buffers);
      expect(bytes).toBeLessThanOrEqual(2 * least);
      if (bytes === least) tight++;
    }
    expect(tight).toBeGreaterThan(100);
  });

  test('writes in place only if the record is the last reader of the reused buffer', () => {
    const a = buffer('a', 100, -1, 2);
    const b = buffer('b', 100, 2, 4, a);
    const c = buffer('c', 100, 4, 5, b);
    expect(planMemory([a, b, c])).toBe(112);
    expect([a.offset, b.offset, c.offset]).toEqual([0, 0, 0]);
    const p = buffer('p', 100, -1, 3);
    const q = buffer('q', 100, 2, 4, p);
    expect(planMemory([p, q])).toBe(224);
    expect(findOverlap([p, q])).toBeUndefined();
  });

  test('lets only one buffer reuse the memory of another', () => {
    const a = buffer('a', 64, -1, 1);
    const heirs = [buffer('b', 64, 1, 3, a), buffer('c', 64, 1, 3, a)];
    planMemory([a, ...heirs]);
    expect(findOverlap([a, ...heirs])).toBeUndefined();
  });

  test('leaves out unused buffers', () => {
    const never = buffer('never', 1000, Infinity, -Infinity);
    expect(planMemory([never, buffer('empty', 0, 0, 5), buffer('a', 10, 0, 1)])).toBe(16);
  });

  test('lets a buffer take over the memory of another part by part', () => {
    // each step reads 16 bytes of the input and writes 16 bytes of the output
    const parts = (first: (step: number) => number, last: (step: number) => number): Buffer['parts'] =>
      Array.from(
        { length: 8 },
        (_, step) => ({ from: step * 16, to: step * 16 + 16, first: first(step), last: last(step) }),
      );
    const x = { ...buffer('x', 128, -1, 7), parts: parts(() => -1, (step) => step)! };
    const y = { ...buffer('y', 128, 0, 9), parts: parts((step) => step, () => 9)! };
    expect(planMemory([x, y])).toBe(144);
    expect(findOverlap([x, y])).toBeUndefined();
    expect(findOverlap([{ ...x, offset: 0 }, { ...y, offset: 0 }])).toBeDefined();
  });

  test('never overlaps parts of buffers that are in use at the same time', () => {
    property(fc.array(fc.tuple(lives, fc.nat()), { maxLength: 4 }), 300, (lists) => {
      const buffers = lists.flatMap(([list, seed]) => {
        const random = new Random(seed);
        return buffersOf(list.filter(({ bytes }) => bytes > 0)).map((b): Buffer => {
          const cut = random.int(0, b.bytes);
          const middle = random.int(b.first, b.last);
          return {
            ...b,
            parts: [{ from: 0, to: cut, first: b.first, last: middle }, {
              from: cut,
              to: b.bytes,
              first: middle,
              last: b.last,
            }].filter(({ from, to }) => from < to),
          };
        });
      });
      const bytes = planMemory(buffers, 1e4);
      const overlap = findOverlap(buffers);
      if (overlap) throw new Error(`${overlap[0].name} and ${overlap[1].name} overlap`);
      for (const b of buffers) {
        if (b.offset < 0 || b.offset % 16 !== 0 || b.offset + b.bytes > bytes) {
          throw new Error(`${b.name} lies at ${b.offset} of ${bytes}`);
        }
      }
    });
  });

  test('the overlap check finds an overlap', () => {
    const a = { ...buffer('a', 10, 0, 2), offset: 0 };
    const b = { ...buffer('b', 10, 2, 3), offset: 9 };
    expect(findOverlap([a, b])).toEqual([a, b]);
    expect(findOverlap([a, { ...b, first: 3 }])).toBeUndefined();
    expect(findOverlap([a, { ...b, offset: 10 }])).toBeUndefined();
  });
});

describe('networks of random operators', () => {
  const types: NetworkType[] = ['int8', 'uint8', 'float32'];
  for (const type of types) {
    test(`give the reference's results at every output, with shared memory (${type})`, () => {
      for (let seed = 1; seed <= 120; seed++) {
        const random = new Random(seed * 7919);
        const graph = randomGraph(random, random.int(3, 24), type);
        try {
          checkGraph(graph, seed);
        } catch (error) {
          throw new Error(`network ${seed} (${graph.nodes.map((n) => n.op).join(', ')})`, { cause: error });
        }
      }
    });
  }

  test('do not overwrite a view that is still to be read', () => {
    for (const type of ['int8', 'float32'] as const) {
      for (const order of [[0, 1], [1, 0]] as const) {
        for (const piece of [0, 1]) {
          const steps = type === 'int8' ? { quantization: { scale: [0.5], zeroPoint: [3], axis: 0 } } : {};
          const b = new GraphBuilder('views');
          const whole = b.node('unary', [b.input('x', [9], type, steps.quantization)], { kind: 'relu' }, steps);
          const part = b.nodeWithOutputs(
            'split',
            [whole],
            { axis: 0 },
            piece === 0 ? [[1], [8]] : [[8], [1]],
            steps,
          )[piece]!;
          const operands = [whole, part];
          checkGraph(
            b.finish([b.node('binary', order.map((i) => operands[i]!), { kind: 'sub', activation: 'none' }, steps)]),
            5,
          );
        }
      }
    }
  });

  test('do not share memory between buffers that are alive at the same time', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed * 104729);
      const { debugInfo, arenaBytes } = readKlet(compile(randomGraph(random, 20, random.pick(types))));
      const buffers = debugInfo!.arena.map(([name, offset, bytes, first, last]) => ({
        name,
        offset,
        bytes,
        first,
        last,
      }));
      for (const a of buffers) {
        expect(a.offset + a.bytes).toBeLessThanOrEqual(arenaBytes);
        for (const b of buffers) {
          if (a === b || a.bytes === 0 || b.bytes === 0 || a.first > b.last || b.first > a.last) continue;
          const apart = a.offset >= b.offset + b.bytes || b.offset >= a.offset + a.bytes;
          const inPlace = a.offset === b.offset && a.bytes === b.bytes && (a.last === b.first || b.last === a.first);
          if (!apart && !inPlace) throw new Error(`network ${seed}: "${a.name}" and "${b.name}" overlap`);
        }
      }
    }
  });
});
