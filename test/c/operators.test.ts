import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as layout from '../../assembly/layout';
import { toC } from '../../src/c/index';
import { parts, partsFor } from '../../src/c/library/index';
import { compile, readKlet, type Graph, type WeightLayout } from '../../src/compiler/index';
import { writeKlet } from '../../src/format/klet';
import { loadSync } from '../../src/index';
import { cases, random } from '../docs/cases';
import { CompiledC, hasGcc, predictBytes, randomInputs, type Printed } from '../helpers/gcc';
import { single, tensor } from '../ops/suite';

// Each operator as C gives the bits of the core, in every form that the pages of the format have.

/** Forms of records that the cases of the pages do not have. */
const others: { title: string; graph: Graph; compact?: boolean; weightLayout?: WeightLayout }[] = [
  ...([['uint8', 'int32'], ['float32', 'int8']] as const).map(([from, to]) => ({
    title: `cast ${from} to ${to}`,
    graph: single('cast', [tensor('x', [29], from)], {}, tensor('y', [29], to)),
  })),
  {
    title: 'pad f32',
    graph: single('pad', [tensor('x', [2, 3], 'float32')], {
      before: [1, 0],
      after: [2, 3],
      mode: 'constant',
      value: 0.3,
    }, tensor('y', [5, 6], 'float32')),
  },
];

const isPrinted = (file: Uint8Array): boolean => readKlet(file).plan[layout.RECORD_OPCODE]! < layout.FIRST_EXTRA_OPCODE;

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
    expect(several).toEqual(['gate_matrix,product_sums']);
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
