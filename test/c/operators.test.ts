import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as layout from '../../assembly/layout';
import { toC } from '../../src/c/index';
import { parts, partsFor } from '../../src/c/library/index';
import { printers } from '../../src/c/operators/index';
import { recordOffsets } from '../../src/format/records';
import { compile, readKlet, type Graph, type Tensor, type WeightLayout } from '../../src/compiler/index';
import { writeKlet } from '../../src/format/writeKlet';
import { loadSync } from '../../src/index';
import { cases, random } from '../docs/cases';
import { CompiledC, hasGcc, predictBytes, randomInputs, type Printed } from '../helpers/gcc';
import { constant, single, tensor } from '../ops/suite';

// Each operator as C gives the bits of the core, in every form that the pages of the format have.

const int16 = (name: string, shape: number[], scale = 0.01): Tensor =>
  tensor(name, shape, 'int16', { scale, zeroPoint: 0 });
const weights = (shape: number[]): Tensor => constant(random, 'w', shape, 'int8', { scale: 0.02, zeroPoint: 0 });
const window = {
  stride: [2, 1] as [number, number],
  dilation: [1, 2] as [number, number],
  padding: [1, 2, 1, 0] as [number, number, number, number],
  activation: 'none' as const,
};

/** Forms of records that the cases of the pages do not have. */
const others: { title: string; graph: Graph; compact?: boolean; weightLayout?: WeightLayout }[] = [{
  title: 'conv2d i16',
  graph: single(
    'conv2d',
    [int16('x', [2, 5, 6, 6]), weights([10, 3, 3, 3]), null],
    { ...window, groups: 2 },
    int16('y', [2, 3, 4, 10], 0.3),
  ),
}, {
  title: 'fullyConnected i16, more products than fit in an int32',
  graph: single(
    'fullyConnected',
    [int16('x', [3, 3000]), weights([5, 3000]), null],
    { activation: 'relu' },
    int16('y', [3, 5], 2),
  ),
}, {
  title: 'depthwiseConv2d i16',
  graph: single(
    'depthwiseConv2d',
    [int16('x', [2, 5, 6, 11]), weights([1, 3, 3, 11]), null],
    window,
    int16('y', [2, 3, 4, 11], 0.1),
  ),
},
  ...(['add', 'sub', 'mul', 'minimum', 'maximum'] as const).map((kind) => ({
    title: `binary ${kind} i16`,
    graph: single(
      'binary',
      [int16('x', [3, 1, 7]), int16('z', [2, 1], 0.02)],
      { kind, activation: 'relu6' },
      int16('y', [3, 2, 7], 0.015),
    ),
  })),
  ...([['float32', 'int16'], ['int16', 'int16'], ['int16', 'int8'], ['int8', 'int16']] as const).map(([from, to]) => ({
    title: `quantize ${from} to ${to}`,
    graph: single(
      'quantize',
      [tensor('x', [29], from, { scale: 0.01, zeroPoint: 3 })],
      {},
      tensor('y', [29], to, { scale: 0.013, zeroPoint: -5 }),
    ),
  })), { title: 'dequantize i16', graph: single('dequantize', [int16('x', [29])], {}, tensor('y', [29], 'float32')) },
  ...([['uint8', 'int32'], ['float32', 'int8']] as const).map(([from, to]) => ({
    title: `cast ${from} to ${to}`,
    graph: single('cast', [tensor('x', [29], from)], {}, tensor('y', [29], to)),
  })), {
  title: 'pad f32',
  graph: single('pad', [tensor('x', [2, 3], 'float32')], {
    before: [1, 0],
    after: [2, 3],
    mode: 'constant',
    value: 0.3,
  }, tensor('y', [5, 6], 'float32')),
}];

function isPrinted(file: Uint8Array): boolean {
  const { plan } = readKlet(file);
  return recordOffsets(plan).every((at) => printers[plan[at + layout.RECORD_OPCODE]!]);
}

/** A record of argmax with a type that the compiler never writes, but the format has. */
function argmaxOf(dtype: 'int8' | 'float32', code: number): Uint8Array<ArrayBuffer> {
  const graph = single(
    'argmax',
    [tensor('x', [2, 5, 3], dtype)],
    { axis: 1, kind: 'max' },
    tensor('y', [2, 3], 'int32'),
  );
  const parts = readKlet(compile(graph));
  const plan = parts.plan.slice();
  plan[layout.RECORD_DTYPE] = code;
  return writeKlet({ ...parts, plan }) as Uint8Array<ArrayBuffer>;
}

const files = [
  ...[...cases, ...others].map(({ title, graph, compact = false, weightLayout }) => ({
    title,
    file: compile(graph, { compact, ...(weightLayout && { weightLayout }) }) as Uint8Array<ArrayBuffer>,
  })),
  { title: 'argmax u8', file: argmaxOf('int8', layout.DTYPE_U8) },
  { title: 'argmax i32', file: argmaxOf('float32', layout.DTYPE_I32) },
].filter(({ file }) => isPrinted(file)).map((own, which) => ({ ...own, which }));

describe.skipIf(!hasGcc)('a network printed as C gives the bits of the core', () => {
  let compiled: CompiledC;
  beforeAll(() => {
    const printed = files.map(({ file, which }): Printed => ({
      program: toC(file, { name: `case${which}` }),
      meta: readKlet(file).meta,
    }));
    compiled = new CompiledC(printed, ['-O1']);
  }, 300_000);
  afterAll(() => compiled[Symbol.dispose]());

  test.each(files)('$title', ({ file, which }) => {
    const model = loadSync(file, { flavor: 'scalar' });
    const inputs = Array.from({ length: 3 }, () => randomInputs(file, random));
    const found = compiled.run(inputs.map(({ bytes }) => bytes), { which });
    inputs.forEach(({ record }, i) => {
      model.reset();
      expect(found[i]).toEqual(predictBytes(model, record));
    });
    model.dispose();
  });
});

describe('the library of C', () => {
  const folder = path.resolve(import.meta.dirname, '../../src/c/library');
  const words = new Set(parts.flatMap(({ names }) => names));

  test('consists of parts that each define one name, or types that belong together', () => {
    const paragraphs = readdirSync(folder).filter((name) => name.endsWith('.c')).flatMap((name) =>
      readFileSync(path.join(folder, name), 'utf8').trim().split('\n\n')
    );
    const isComment = (text: string): boolean => /^\/\*((?!\*\/)[\s\S])*\*\/$/.test(text);
    const unnamed = paragraphs.filter((text) => !isComment(text) && !parts.some((part) => part.text === text));
    expect(unnamed).toEqual([]);
    const several = parts.filter(({ names }) => names.length !== 1).map(({ names }) => names.join());
    expect(several).toEqual(['gate_matrix,product_sums', 'binary_i16,binary_function_i16']);
    expect(words.size).toBe(parts.flatMap(({ names }) => names).length);
  });

  test('defines each name before its use', () => {
    const seen = new Set<string>();
    const early = parts.flatMap((part) => {
      for (const name of part.names) seen.add(name);
      return [...part.words].filter((word) => words.has(word) && !seen.has(word)).map((word) =>
        `${part.names[0]} uses ${word}`
      );
    });
    expect(early).toEqual([]);
  });

  test('is complete: the cases need every part', () => {
    const used =
      new Set(files.flatMap(({ file }) =>
        Object.values(toC(file, { name: 'case' }).files).flatMap((text) => text.match(/\b[A-Za-z_]\w*\b/g) ?? [])
      ));
    expect([...words].filter((name) => !used.has(name))).toEqual([]);
  });

  test('gives a part with all that it needs, once and in order', () => {
    const names = partsFor(['run_softmax_i8']).flatMap((part) => part.names);
    expect(names).toContain('sum_powers_i8');
    expect(names.indexOf('row_function')).toBeLessThan(names.indexOf('run_softmax_i8'));
    expect(new Set(names).size).toBe(names.length);
    expect(partsFor([])).toEqual([]);
  });
});
