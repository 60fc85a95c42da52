import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as layout from '../../assembly/layout';
import { printers } from '../../src/c/operators/index';
import { compile, readKlet } from '../../src/compiler/index';
import type { OperatorName } from '../../src/graph/operators';
import { customMappings, mappings } from '../../src/importers/tflite/operators';
import { lists } from '../../src/importers/tflite/operators/loops';
import { shapeRules } from '../../src/importers/tflite/shapes';
import { operators } from '../../src/ops/index';
import * as sharedForms from '../../src/ops/shared/stream';
import { elementwise } from '../docs/elementwise';
import { readFormat, readPage, root, tableRows } from '../docs/page';
import { products } from '../docs/products';
import { recurrent } from '../docs/recurrent';
import { extra } from '../docs/extra';
import { shapes } from '../docs/shapes';
import { wide } from '../docs/wide';
import { reference } from '../reference/index';
import { everyOperator } from '../robustness/sample';

// Every place where an operator, or a record, has to be named. What is missing is listed with the
// file to edit, in the order of docs/adding-an-operator.md.

// ── operators ─────────────────────────────────────────────────────────────────────────────────────────────

/** All sources below a folder, as one text. */
function sourcesOf(folder: string): string {
  const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts')).map((file) => readPage(path.join(folder, file))).join('\n');
}

const vocabulary = readPage('src/graph/operators.ts');
const importers = sourcesOf('src/importers');
const streamTests = sourcesOf('test/streams');
const pruneTests = readPage('test/compiler/prune/channels.test.ts');
const listed = new Set(tableRows(readPage('docs/operators.md')).flatMap(([names]) => names!.split(', ')));
const sampled = new Set(everyOperator().nodes.map(({ op }) => op));

test.each(Object.keys(operators) as OperatorName[])('%s is in every place that an operator belongs in', (name) => {
  const { stream, isChannelwise } = operators[name];
  const quoted = `'${name}'`;
  const file = `src/ops/${name}.ts`;
  const source = existsSync(path.join(root, file)) ? readPage(file) : '';
  const missing: string[] = [];
  const need = (isThere: boolean, what: string): void => {
    if (!isThere) missing.push(what);
  };
  need(
    new RegExp(`\\*/\\n  ${name}: `).test(vocabulary),
    'src/graph/operators.ts: a doc comment with operands, shapes and meaning',
  );
  need(source !== '', `${file}: the operator, alone in a file of its name`);
  need(typeof reference[name] === 'function', `test/reference/${name}.ts: the function ${name}, in plain loops`);
  need(existsSync(path.join(root, `test/ops/${name}.test.ts`)), `test/ops/${name}.test.ts: its tests`);
  need(
    sampled.has(name) || !/\bL\.OP_/.test(source),
    'test/robustness/sample.ts: a node of it, because it has a record',
  );
  need(
    stream === 'none' || Object.values<unknown>(sharedForms).includes(stream) || streamTests.includes(quoted),
    'test/streams/toStream.test.ts: a network with it, because it has a streaming form of its own',
  );
  need(
    typeof isChannelwise === 'boolean' || pruneTests.includes(quoted),
    'test/compiler/prune/channels.test.ts: a network with it, because some of its nodes work channel by channel',
  );
  need(importers.includes(quoted), 'src/importers/…/operators: a mapping that emits it');
  need(listed.has(name), 'docs/operators.md: its row in the table of operators');
  expect(missing, missing.join('\n')).toEqual([]);
});

// ── records ───────────────────────────────────────────────────────────────────────────────────────────────

const opcodes = Object.entries<number>(layout).filter(([name]) => name.startsWith('OP_'));
const runner = { ...elementwise, ...products, ...recurrent, ...shapes, ...extra, ...wide };

describe('the record', () => {
  const { plan } = readKlet(compile(everyOperator()));
  const emitted = new Set<number>();
  const view = new DataView(plan.buffer, plan.byteOffset);
  for (let at = 0; at < plan.length; at += view.getUint32(at + layout.RECORD_SIZE, true)) emitted.add(plan[at]!);
  const pages = readFormat();
  const malformed = [readPage('test/robustness/records.test.ts'), sourcesOf('test/ops')].join('\n');

  test.each(opcodes)('%s is in every place that a record belongs in', (name, code) => {
    const word = new RegExp(`\\b${name}\\b`);
    const missing: string[] = [];
    const need = (isThere: boolean, what: string): void => {
      if (!isThere) missing.push(what);
    };
    const isExtra = code >= layout.FIRST_EXTRA_OPCODE;
    const walks = isExtra
      ? ['assembly/extra/describe.ts', 'assembly/extra/index.ts']
      : ['assembly/describe.ts', 'assembly/run.ts'];
    for (const walk of walks) need(readPage(walk).includes(`case ${name}:`), `${walk}: a case in its switch`);
    const table = isExtra ? 'src/js/extra/index.ts' : 'src/js/operators.ts';
    need(readPage(table).includes(`[L.${name}]: run`), `${table}: a line in its table`);
    need(emitted.has(code), 'test/robustness/sample.ts: a node that becomes this record');
    need(
      new RegExp(`\\brecordOf\\(L\\.${name}\\b`).test(malformed),
      `${isExtra ? 'test/ops/NAME.test.ts' : 'test/robustness/records.test.ts'}: malformed records, one for each field`,
    );
    need(
      word.test(pages),
      `docs/format/${isExtra ? 'extra' : 'plan'}.md: its row in the table of opcodes, and a section on its fields`,
    );
    need(
      isExtra || code in printers,
      'src/c/operators/…: what prints it as C, with functions in src/c/library/ and a form in test/c/operators.test.ts',
    );
    need(name in runner, 'test/docs/…: a function that runs it by the page alone, in the file of its family');
    expect(missing, missing.join('\n')).toEqual([]);
  });
});

// ── TensorFlow Lite ───────────────────────────────────────────────────────────────────────────────────────

/** Operators that bench/oracle does not compare with TensorFlow Lite, with the reason. */
const noOracle: Record<string, string> = {
  DENSIFY: 'it leaves no record: the importer unpacks the weights',
  FILL: 'it leaves no record: the importer makes the constant',
  RANGE: 'it leaves no record: the importer makes the constant',
  ZEROS_LIKE: 'it leaves no record: the importer makes the constant',
  EMBEDDING_LOOKUP: 'TensorFlow Lite for the web is built without it; GATHER has the same record',
  READ_VARIABLE: 'TensorFlow Lite for the web keeps no variables from call to call',
  MaxUnpooling2D: 'TensorFlow Lite for the web is built without it; test/strangers.test.ts has a network',
  MaxPoolingWithArgmax2D: 'TensorFlow Lite for the web is built without it; test/strangers.test.ts has a network',
  FlexCast: 'TensorFlow Lite for the web is built without Flex operators; CAST is the same',
  ...Object
    .fromEntries(['WHILE', ...lists.map(([name]) => name)].map((
      name,
    ) => [name, 'test/importers/loops.test.ts runs the loops'])),
};

/** Operators whose output must have its shape in the file, with the reason. */
const noShapeRule: Record<string, string> = {
  ...Object
    .fromEntries(['LSTM', 'RNN', 'SVDF', 'UNIDIRECTIONAL_SEQUENCE_LSTM', 'UNIDIRECTIONAL_SEQUENCE_RNN',
      'BIDIRECTIONAL_SEQUENCE_LSTM', 'BIDIRECTIONAL_SEQUENCE_RNN'].map((
        name,
      ) => [name, 'the sizes of its state are in the file'])),
  DENSIFY: 'its operand is a constant, with its shape in the file',
  EMBEDDING_LOOKUP: 'its indices have their shape in the file',
  RANGE: 'its result is a constant',
  READ_VARIABLE: 'variables have their shape in the file',
};

test.each(Object.keys(mappings))('%s has a rule for shapes that the file leaves open', (name) => {
  expect(
    shapeRules.has(name) || name in noShapeRule,
    `src/importers/tflite/shapes.ts: the shapes of the outputs of ${name}`,
  ).toBe(true);
});

test.each([...Object.keys(mappings), ...customMappings.keys()])(
  '%s is compared with TensorFlow Lite itself',
  (name) => {
    const cases = ['cases', 'detection', 'indexing', 'predicates', 'recurrent', 'reductions', 'spectrum', 'volumes']
      .map((file) => readPage(`bench/oracle/${file}.ts`)).join('\n');
    const has = new RegExp(`\\b${name}\\b`).test(cases);
    expect(has || name in noOracle, `bench/oracle/cases.ts: a recipe for ${name}, or the reason for none here`)
      .toBe(true);
  },
);
