import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as layout from '../../assembly/layout';
import { compile } from '../../src/compiler/index';
import { crc32 } from '../../src/format/crc32';
import * as klet from '../../src/format/klet';
import { loadSync, type RawArray } from '../../src/index';
import { everyOperator } from '../robustness/sample';
import { cases, random } from './cases';
import { annotate } from './dump';
import { constantsOf, fencesOf, readFormat, readPage, root } from './page';
import { bytesOf, PageRunner } from './runner';
import { tinyKlet } from './tiny';

// The pages of docs/format/ must match the code: their constants, the example byte by byte, and the
// arithmetic, which a second runner written from the pages repeats.

const page = readFormat();
const stated = new Map(constantsOf(page));

describe('the constants of docs/format/', () => {
  const sections = Object.entries(klet).filter(([name]) => /^(SECTION|FLAG)_/.test(name));
  const real = new Map<string, unknown>([...Object.entries(layout), ...sections]);

  test('equal those of assembly/layout.ts and src/format/klet.ts, and none is missing', () => {
    const wrong = [...real].filter(([name, value]) => stated.get(name) !== value).map(([name, value]) =>
      `${name} is ${String(value)}, the pages say ${stated.get(name) ?? 'nothing'}`
    );
    expect(wrong).toEqual([]);
  });

  test('exist in the code', () => {
    expect([...stated.keys()].filter((name) => !real.has(name))).toEqual([]);
  });

  test('are each stated once', () => {
    const names = constantsOf(page).map(([name]) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test('belong to the version that the code writes', () => {
    expect(page).toContain(`format version ${klet.MAJOR}.${klet.MINOR}`);
  });

  test('include the right CRC-32 of "123456789"', () => {
    const claimed = /`123456789` give 0x([0-9A-F]{8})/.exec(page)?.[1];
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(parseInt(claimed!, 16));
  });
});

describe('docs/format/example.md', () => {
  const shown = fencesOf(readPage('docs/format/example.md')).flatMap(({ code }) => code.trimEnd().split('\n'));
  const real = annotate(tinyKlet());

  test('shows the bytes that the compiler writes for this network', () => {
    expect(shown).toEqual(real);
  });

  test('names every field of its record, at its offset', () => {
    const at = (line: string): number => parseInt(line.slice(0, 4), 16);
    const plan = at(real.find((line) => line.includes('RECORD_OPCODE'))!);
    const fields = real.flatMap((line) => {
      const name = /^.{55}([A-Z0-9_]+):/.exec(line)?.[1];
      return name ? [[name, at(line) - plan] as const] : [];
    });
    expect(fields.length).toBeGreaterThan(30);
    for (const [name, offset] of fields) expect((layout as Record<string, number>)[name], name).toBe(offset);
  });
});

// ── the arithmetic ────────────────────────────────────────────────────────────────────────────────────────

function asBytes(array: RawArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function fill(dtype: string, count: number): RawArray {
  const type = {
    float32: Float32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
    int16: Int16Array,
    int32: Int32Array,
  }[dtype]!;
  return random.fill(new type(count));
}

function valuesOf(dtype: string, bytes: Uint8Array): ArrayLike<number> {
  if (dtype === 'float32') return new Float32Array(bytes.slice().buffer);
  if (dtype === 'int16') return new Int16Array(bytes.slice().buffer);
  if (dtype === 'int32') return new Int32Array(bytes.slice().buffer);
  return new Int8Array(bytes);
}

/** The largest difference: relative for large floats, absolute otherwise. */
function largestDifference(dtype: string, expected: Uint8Array, found: Uint8Array): number {
  const b = valuesOf(dtype, found);
  const differences = Array.from(valuesOf(dtype, expected), (x, i) => {
    if (Object.is(x, b[i]) || x === b[i]) return 0;
    const difference = Math.abs(x - b[i]!) / (dtype === 'float32' ? Math.max(1, Math.abs(x)) : 1);
    return Number.isNaN(difference) ? Infinity : difference;
  });
  return Math.max(...differences);
}

describe('a runner written from docs/format/ agrees with the core', () => {
  test.each(cases)('on $title', ({ graph, compact = false, tolerance = 0, weightLayout }) => {
    const file = compile(graph, { compact, ...(weightLayout && { weightLayout }) }) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    expect(runner.scratch, 'bytes of scratch').toBe(model.memory.scratch);
    expect(klet.readKlet(file).coded ?? false).toBe(compact);
    expect(runner.total, 'bytes of memory').toBe(model.memory.total);
    for (let round = 0; round < 3; round++) {
      const inputs = Object
        .fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, fill(dtype, shape.reduce((a, b) => a * b))]));
      const expected = model.predict(inputs, { output: 'raw' });
      const [found] = runner.run(model.inputs.map(({ name }) => asBytes(inputs[name]!)));
      expect(largestDifference(model.outputs[0]!.dtype, asBytes(expected), found!)).toBeLessThanOrEqual(tolerance);
    }
  });

  test('on a network that has every record', () => {
    const file = compile(everyOperator()) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    const inputs = Object
      .fromEntries(model.inputs.map(({ name, dtype, shape }) => [name, fill(dtype, shape.reduce((a, b) => a * b))]));
    const expected = model.predict(inputs, { output: 'raw' });
    const found = runner.run(model.inputs.map(({ name }) => asBytes(inputs[name]!)));
    model.outputs.forEach(({ name, dtype }, i) => {
      expect(largestDifference(dtype, asBytes(expected[name]!), found[i]!), name)
        .toBeLessThanOrEqual(dtype === 'float32' ? 1e-5 : 0);
    });
  });

  test.each(['lstm i8', 'lstm f32'])('when each prediction continues the previous one, on %s', (title) => {
    const { graph, tolerance = 0 } = cases.find((known) => known.title.startsWith(title))!;
    const file = compile({ ...graph, carries: true }) as Uint8Array<ArrayBuffer>;
    const model = loadSync(file);
    const runner = new PageRunner(file);
    const [x] = model.inputs;
    const input = fill(x!.dtype, x!.shape.reduce((a, b) => a * b));
    const answers: string[] = [];
    for (let round = 0; round < 4; round++) {
      if (round === 2) {
        [model, runner].forEach((one) => {
          one.reset();
        });
      }
      const expected = asBytes(model.predict({ [x!.name]: input }, { output: 'raw' }));
      const [found] = runner.run([asBytes(input)]);
      expect(largestDifference(model.outputs[0]!.dtype, expected, found!)).toBeLessThanOrEqual(tolerance);
      answers.push(expected.join());
    }
    expect(answers[1]).not.toBe(answers[0]);
    expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  });

  test('on the file of docs/format/example.md', () => {
    const runner = new PageRunner(tinyKlet());
    const size = bytesOf(runner.inputs[0]!);
    expect(runner.run([runner.golden.slice(0, size)])[0]).toEqual(runner.golden.slice(size));
  });

  test('on the golden cases of models/digits', () => {
    const runner = new PageRunner(new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet'))));
    const [input, output] = [bytesOf(runner.inputs[0]!), bytesOf(runner.outputs[0]!)];
    expect(runner.golden.length).toBeGreaterThan(0);
    for (let at = 0; at < runner.golden.length; at += input + output) {
      expect(runner.run([runner.golden.slice(at, at + input)])[0])
        .toEqual(runner.golden.slice(at + input, at + input + output));
    }
  });

  test('and its cases use every opcode', () => {
    const all: Pick<(typeof cases)[number], 'graph' | 'weightLayout'>[] = [...cases, { graph: everyOperator() }];
    const used = new Set(all.flatMap(({ graph, weightLayout }) => {
      const { plan } = klet.readKlet(compile(graph, { ...(weightLayout && { weightLayout }) }));
      const codes: number[] = [];
      for (let at = 0; at < plan.length;
        at += new DataView(plan.buffer, plan.byteOffset).getUint32(at + layout.RECORD_SIZE, true))
      {
        codes.push(plan[at]!);
      }
      return codes;
    }));
    const opcodes = Object.entries(layout).filter(([name]) => name.startsWith('OP_'));
    expect(opcodes.filter(([, code]) => !used.has(code)).map(([name]) => name)).toEqual([]);
  });
});
