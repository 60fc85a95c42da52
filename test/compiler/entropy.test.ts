import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { encodeSection, encodeWeights } from '../../src/compiler/entropy';
import type { CodedRun } from '../../src/ops/emitter';
import { compile, GraphBuilder } from '../../src/compiler/index';
import { codedRoom, readKlet, sectionSizes } from '../../src/format/klet';
import { loadSync } from '../../src/index';
import { decodeSection, MOST_EXPANSION } from '../../src/format/rans';
import { unpack } from '../docs/coding';
import { compileCore, type CompiledCore } from '../../src/runtime/core';
import { mapMemory } from '../../src/runtime/memory';
import { everyCore } from '../../src/everyCore';
import { flavors } from '../helpers/flavors';

const WEIGHTS = L.RESERVED;
const FRESH = 0xa5;
const cores = new Map<string, CompiledCore>();

function coreOf(flavor: (typeof flavors)[number]): CompiledCore {
  if (!cores.has(flavor)) cores.set(flavor, compileCore(everyCore[flavor]!(), flavor));
  return cores.get(flavor)!;
}

/** Decodes in place, in the memory layout of a model, without spare bytes between the sections. */
function decode(
  flavor: (typeof flavors)[number],
  coded: Uint8Array,
  bytes: number,
): { fault: number; weights: Uint8Array } {
  const { lead, bytes: roomBytes } = codedRoom(coded);
  const section = WEIGHTS + lead;
  const room = (Math.max(section + coded.length + 64, WEIGHTS + bytes) + 63) & ~63;
  const { exports, memory } = coreOf(flavor).start(Math.max(room + roomBytes, WEIGHTS + bytes) + L.SLACK);
  const view = new DataView(memory.buffer);
  memory.fill(FRESH, WEIGHTS);
  view.setUint32(L.MAP + L.MAP_WEIGHTS, WEIGHTS, true);
  view.setUint32(L.MAP + L.MAP_WEIGHTS_BYTES, bytes, true);
  memory.set(coded, section);
  return { fault: exports.decode(section, coded.length, room), weights: memory.slice(WEIGHTS, WEIGHTS + bytes) };
}

interface Drawn {
  weights: Uint8Array;
  runs: CodedRun[];
}

/** The distributions that bytes are drawn from, and a seed. */
const source = fc.tuple(
  fc.constantFrom('constant', 'few', 'bell', 'skewed', 'noise'),
  fc.integer({ min: 1, max: 2 ** 31 - 1 }),
);
const run = fc.record({
  lanes: fc.constantFrom(L.CODED_BYTES, L.CODED_PLANES, L.CODED_CHANNELS),
  quads: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(1023, 1024, 1025, 2500)),
  panels: fc.integer({ min: 1, max: 5 }),
  source,
});

/** Draws a byte from each distribution, given the seed and random `u` and `next()` in [0, 1]. */
const byteOf: Record<string, (seed: number, u: number, next: () => number) => number> = {
  constant: (seed) => seed,
  few: (seed, u) => seed + Math.floor(u * 3),
  bell: (_seed, u, next) => (next() + next() + u - 1.5) * 60,
  skewed: (_seed, u) => u < 0.999 ? 0 : 7,
  noise: (_seed, u) => u * 256,
};

function draw(specs: { lanes: number; quads: number; panels: number; source: [string, number] }[]): Drawn {
  const runs: CodedRun[] = [];
  let offset = 0;
  const bytes: number[] = [];
  for (const { lanes: least, quads, panels, source: [shape, seed] } of specs) {
    const lanes = least === L.CODED_CHANNELS ? least * panels : least;
    runs.push({ offset, quads, lanes });
    let s = seed;
    const next = (): number => (s = Math.imul(s, 48271) % 2147483647 || 1, Math.abs(s) / 2147483647);
    for (let i = 0; i < quads * 4 * lanes; i++) {
      const u = next();
      bytes.push(byteOf[shape]!(seed, u, next) & 255);
    }
    offset += quads * 4 * lanes;
  }
  return { weights: Uint8Array.from(bytes), runs };
}

describe('entropy-coded weights', () => {
  test.each(flavors)('decode in place to the same bytes (%s)', (flavor) => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 6 }), (specs) => {
        const { weights, runs } = draw(specs);
        const coded = encodeWeights(weights, runs);
        const { fault, weights: back } = decode(flavor, coded, weights.length);
        expect(fault).toBe(L.FAULT_NONE);
        expect(Buffer.compare(back, weights)).toBe(0);
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  test.each(flavors)('are padded with zeros if a file codes only the first of them (%s)', (flavor) => {
    const { weights, runs } = draw([{ lanes: L.CODED_BYTES, quads: 100, panels: 1, source: ['bell', 5] }]);
    const coded = encodeWeights(weights, runs);
    const whole = new Uint8Array(1000);
    new DataView(coded.buffer).setUint32(L.CODED_WEIGHTS_BYTES, whole.length, true);
    whole.set(weights);
    expect(decode(flavor, coded, whole.length)).toEqual({ fault: L.FAULT_NONE, weights: whole });
  });

  test('get enough memory for both sections, even if the file declares a wrong lead', () => {
    const { weights, runs } = draw([{ lanes: L.CODED_CHANNELS, quads: 1000, panels: 4, source: ['few', 5] }]);
    const coded = encodeWeights(weights, runs);
    for (const lead of [0, 64, weights.length]) {
      new DataView(coded.buffer).setUint32(L.CODED_LEAD, lead, true);
      const { map, coded: place } = mapMemory({
        plan: new Uint8Array(8),
        weights: coded,
        coded: true,
        arenaBytes: 0,
        scratchBytes: 0,
      });
      expect(place!.room).toBeGreaterThanOrEqual(Math.max(map[2]! + weights.length, place!.section + coded.length));
    }
  });

  test('take 1 % more than their entropy, plus the tables', () => {
    const { weights, runs } = draw([{ lanes: L.CODED_CHANNELS, quads: 250, panels: 5, source: ['bell', 5] }]);
    const counts = new Map<number, number>();
    for (const w of weights) counts.set(w, (counts.get(w) ?? 0) + 1);
    const entropy = [...counts.values()].reduce((bits, n) => bits - n * Math.log2(n / weights.length), 0) / 8;
    expect(encodeWeights(weights, runs).length).toBeLessThan(entropy * 1.01 + 400);
  });

  test('use a separate table for each kind of channel, so a mixture takes no more than its parts', () => {
    const wide = draw([{ lanes: L.CODED_CHANNELS, quads: 400, panels: 4, source: ['bell', 5] }]);
    const narrow = draw([{ lanes: L.CODED_CHANNELS, quads: 400, panels: 4, source: ['few', 9] }]);
    const both = draw([{ lanes: L.CODED_CHANNELS, quads: 400, panels: 4, source: ['bell', 5] }, {
      lanes: L.CODED_CHANNELS,
      quads: 400,
      panels: 4,
      source: ['few', 9],
    }]);
    const apart = encodeWeights(wide.weights, wide.runs).length + encodeWeights(narrow.weights, narrow.runs).length;
    expect(encodeWeights(both.weights, both.runs).length).toBeLessThan(apart + 50);
  });

  test.each(flavors)(
    'are refused or decoded within their section if they are damaged, without a trap (%s)',
    (flavor) => {
      const { weights, runs } = draw([{ lanes: L.CODED_CHANNELS, quads: 30, panels: 2, source: ['bell', 5] }, {
        lanes: L.CODED_PLANES,
        quads: 20,
        panels: 1,
        source: ['noise', 8],
      }, { lanes: L.CODED_BYTES, quads: 50, panels: 1, source: ['few', 8] }]);
      const coded = encodeWeights(weights, runs);
      let refused = 0;
      fc.assert(
        fc.property(fc.nat(coded.length * 8 - 1), fc.boolean(), (bit, cut) => {
          const bad = cut ? coded.slice(0, Math.max(L.CODED_HEADER, bit >> 3)) : coded.slice();
          if (!cut) bad[bit >> 3]! ^= 1 << (bit & 7);
          const tables = new DataView(bad.buffer).getUint32(L.CODED_TABLES, true);
          const count = new DataView(bad.buffer).getUint32(L.CODED_RUNS, true);
          const lead = new DataView(bad.buffer).getUint32(L.CODED_LEAD, true);
          const isRefusedByHost = tables > L.MAX_CODED_TABLES || count * L.CODED_RUN_BYTES > bad.length ||
            lead > weights.length;
          if (isRefusedByHost) return;
          const { fault, weights: back } = decode(flavor, bad, weights.length);
          if (fault !== L.FAULT_NONE) refused++;
          else expect(back.length).toBe(weights.length);
        }),
        { numRuns: 600, seed: 4 },
      );
      expect(refused).toBeGreaterThan(300);
    },
  );
});

describe('packed sections', () => {
  const bytes = fc.tuple(fc.integer({ min: 0, max: 300 }), source).map(([length, drawn]) =>
    draw([{ lanes: L.CODED_BYTES, quads: 100, panels: 1, source: drawn }]).weights.subarray(0, length)
  );

  test('decode to the same bytes in the runtime and in the second runner (test/docs)', () => {
    fc.assert(
      fc.property(bytes, (section) => {
        const packed = encodeSection(section);
        expect(decodeSection(packed)).toEqual(section);
        expect(unpack(packed)).toEqual(section);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  test('are refused or decode to the declared number of bytes if they are damaged', () => {
    const { weights } = draw([{ lanes: L.CODED_BYTES, quads: 100, panels: 1, source: ['bell', 5] }]);
    const packed = encodeSection(weights);
    let refused = 0;
    fc.assert(
      fc.property(fc.nat(packed.length * 8 - 1), fc.boolean(), (bit, cut) => {
        const bad = cut ? packed.slice(0, bit >> 3) : packed.slice();
        if (!cut) bad[bit >> 3]! ^= 1 << (bit & 7);
        const section = decodeSection(bad);
        if (section) expect(section.length).toBe(new DataView(bad.buffer).getUint32(0, true));
        else refused++;
      }),
      { numRuns: 2000, seed: 6 },
    );
    expect(refused).toBeGreaterThan(1900);
  });

  test('are used even if the weights stay uncoded', () => {
    const b = new GraphBuilder('no weights');
    let x = b.input('x', [1, 64]);
    for (let i = 0; i < 12; i++) x = b.node('unary', [x], { kind: i % 2 === 0 ? 'abs' : 'square' }, { name: `y${i}` });
    const file = compile(b.finish([x]), { compact: true, golden: [{ x: new Float32Array(64) }] });
    const { coded } = readKlet(file);
    expect(coded).toBeUndefined();
    expect(sectionSizes(file).map(([name]) => name)).toContain('PLAN coded');
    expect(loadSync(file).selfTest()).toBe(1);
  });

  test('are not used for nearly constant data, because that would let a file declare any length', () => {
    const zeros = new Uint8Array(1000);
    expect(encodeSection(zeros)).toBe(zeros);
    const packed = encodeSection(zeros.subarray(0, 400));
    new DataView(packed.buffer).setUint32(0, MOST_EXPANSION * packed.length + 1, true);
    expect(decodeSection(packed)).toBeUndefined();
  });
});
