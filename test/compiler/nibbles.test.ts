import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, GraphBuilder, readKlet, repack, type Graph } from '../../src/compiler/index';
import { FLAG_NIBBLES, SECTION_NIBBLES, sectionSizes } from '../../src/format/klet';
import { expandNibbles, packNibbles } from '../../src/format/nibbles';
import { loadSync } from '../../src/index';
import { expand } from '../docs/coding';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { refuses } from '../robustness/refusal';
import { reseal, viewOf, withSection } from '../robustness/seal';

// Weights of four bits in the file: the NIBBLES section.

/** Runs of bytes that fit four bits, and of bytes that do not, of any length. */
const bytes = fc.array(
  fc.oneof(
    fc.array(fc.integer({ min: -8, max: 7 }), { maxLength: 200 }),
    fc.array(fc.integer({ min: -128, max: 127 }), { maxLength: 50 }),
    fc.constantFrom([-9], [8], [-8], [7]),
  ),
  { maxLength: 12 },
).map((runs) => Uint8Array.from(runs.flat()));

describe('the NIBBLES section', () => {
  test('expands to the bytes that were packed, and so says docs/format', () => {
    fc.assert(fc.property(bytes, (weights) => {
      const section = packNibbles(weights);
      expect(expandNibbles(section)).toEqual(weights);
      expect(expand(section)).toEqual(weights);
    }));
  });

  test('halves numbers from −8 to 7', () => {
    const weights = Uint8Array.from({ length: 3200 }, (_, i) => i % 16 - 8);
    expect(packNibbles(weights)).toHaveLength(1600 + 16);
    weights[1000] = 8;
    expect(packNibbles(weights)).toHaveLength(1600 + 24 + 16);
  });

  test('is refused if it is malformed, whatever its numbers claim', () => {
    fc.assert(fc.property(
      bytes,
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, -1, 2 ** 31, 2 ** 32 - 1, 64)), { minLength: 1, maxLength: 4 }),
      (weights, changes) => {
        const section = packNibbles(weights);
        const view = viewOf(section);
        for (const [at, value] of changes) view.setUint32(at % (section.length >> 2) * 4, value, true);
        const expanded = expandNibbles(section);
        if (expanded) expect(expanded.length).toBe(view.getUint32(0, true));
      },
    ));
    const section = packNibbles(new Uint8Array(64));
    for (let length = 0; length < section.length; length++) {
      expect(expandNibbles(section.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
    expect(expandNibbles(Uint8Array.of(...section, 0))).toBeUndefined();
  });
});

/** A network of every kind of layer with int8 weights up to `most`. */
function network(most: number): Graph {
  const random = new Random(14);
  const b = new GraphBuilder('net');
  const q = (scale: number, zeroPoint = 0): { scale: number[]; zeroPoint: number[]; axis: number } => ({
    scale: [scale],
    zeroPoint: [zeroPoint],
    axis: 0,
  });
  const weights = (...shape: number[]): ReturnType<GraphBuilder['constant']> =>
    b.constant(
      Int8Array.from({ length: shape.reduce((p, n) => p * n, 1) }, () => random.int(-most - 1, most)),
      shape,
      q(0.3 / most),
    );
  const window = {
    stride: [1, 1] as [number, number],
    dilation: [1, 1] as [number, number],
    padding: [1, 1, 1, 1] as [number, number, number, number],
    activation: 'none' as const,
  };
  const to = { quantization: q(1 / 16, 3) };
  const x = b.input('x', [1, 6, 6, 8], 'int8', q(1 / 16, 3));
  const c = b.node('conv2d', [x, weights(24, 3, 3, 8)], { ...window, groups: 1 }, to);
  const d = b.node('depthwiseConv2d', [c, weights(1, 3, 3, 24)], window, to);
  const flat = b.node('reshape', [d], {}, { ...to, shape: [1, 864] });
  const f = b.node('fullyConnected', [flat, weights(40, 864)], { activation: 'none' }, to);
  return b.finish([f]);
}

describe('a network with weights of four bits', () => {
  const file = compile(network(7));
  const input = new Random(3).fill(new Int8Array(288));

  test('takes half of the file', () => {
    const eight = compile(network(127));
    const unpacked = compile(network(7), { weightLayout: 'dense' });
    for (const four of [file, unpacked]) {
      const sizes = Object.fromEntries(sectionSizes(four));
      expect(viewOf(four).getUint32(12, true)).toBe(FLAG_NIBBLES);
      expect(sizes.NIBBLES).toBeLessThan(0.52 * Object.fromEntries(sectionSizes(eight)).WEIGHTS!);
    }
    expect(readKlet(unpacked).weights.length).toBe(readKlet(eight).weights.length);
    expect(readKlet(file).weights.length).toBeLessThan(0.55 * readKlet(eight).weights.length);
  });

  test('gives the same answers from every form of the file, in every flavor', () => {
    const compact = compile(network(7), { compact: true });
    expect(readKlet(compact).coded).toBe(true);
    const unpacked = compile(network(7), { weightLayout: 'dense', compact: true });
    const files = [file, unpacked, compact, repack(file, {}), repack(file, { compact: true }), repack(compact, {})];
    const [expected, ...answers] = files.flatMap((form) =>
      flavors.map((flavor) => loadSync(form, { flavor }).predict(input, { output: 'raw' }))
    );
    for (const answer of answers) expect(answer).toEqual(expected);
    expect(repack(file, {})).toEqual(file);
  });

  test('is refused if its section is damaged', () => {
    for (const at of [0, 4, 8, 12]) {
      const damaged = withSection(file, SECTION_NIBBLES, (section) => {
        viewOf(section).setUint32(at, 2 ** 31 + 5, true);
        return section;
      });
      // the first number is that of the expanded bytes
      if (at === 0) refuses(() => loadSync(damaged), 'OUT_OF_MEMORY', /the model needs 2147\d{6} bytes/);
      else refuses(() => loadSync(damaged), 'CORRUPT', /its NIBBLES section cannot be expanded/);
    }
    const larger = withSection(file, SECTION_NIBBLES, (section) => {
      viewOf(section).setUint32(0, viewOf(section).getUint32(0, true) + 4, true);
      return section;
    });
    refuses(() => loadSync(larger), 'CORRUPT', /its NIBBLES section cannot be expanded/);
  });

  test('is refused with its weights twice', () => {
    const plain = compile(network(127));
    const twice = plain.slice();
    const golden = new Map(sectionSizes(plain)).size - 1;
    viewOf(twice).setUint32(32 + 16 * golden, SECTION_NIBBLES, true);
    refuses(() => loadSync(reseal(twice)), 'CORRUPT', /it has its weights twice/);
  });
});
