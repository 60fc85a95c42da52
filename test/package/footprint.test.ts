import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseAst } from 'rollup/parseAst';
import { describe, expect, test } from 'vitest';
import { root } from './packed';

// What a page downloads. Needs dist/, which `npm test` builds.

/** Current sizes in bytes. Lower them when files shrink; justify an increase in the commit. */
const reached: Record<string, { raw?: number; gzip: number }> = {
  'dist/browser.js': { gzip: 57_749 },
  'dist/browser.trust.js': { gzip: 2_022 },
  'dist/browser.cache.js': { gzip: 3_778 },
  'dist/browser.plain.js': { gzip: 19_982 },
  'dist/browser.plain.extra.js': { gzip: 11_740 },
  'dist/slim.js': { gzip: 17_664 },
  'dist/js.js': { gzip: 35_188 },
  'dist/js.extra.js': { gzip: 11_728 },
  'dist/tiny.cjs': { raw: 25_927, gzip: 10_008 },
  'dist/edge.js': { gzip: 19_076 },
  'dist/thread.js': { gzip: 1_244 },
  'dist/audio.js': { gzip: 14_333 },
  'dist/tasks.js': { gzip: 15_501 },
  'dist/tasks.sound.js': { gzip: 5_509 },
  'dist/ort.browser.js': { gzip: 6_641 },
  'dist/tfjs.browser.js': { gzip: 16_217 },
  'dist/core.relaxed.wasm': { raw: 86_212, gzip: 34_433 },
  'dist/core.simd.wasm': { raw: 81_093, gzip: 32_641 },
  'dist/core.scalar.wasm': { raw: 52_663, gzip: 23_340 },
};
const ALLOWANCE = 1.03;
/** JavaScript and WebAssembly together, gzipped. */
const BUDGET = 60_000;

const bytesOf = (file: string): Buffer => readFileSync(path.join(root, file));
const gzipped = (file: string): number => gzipSync(bytesOf(file), { level: 9 }).length;

describe('the size of', () => {
  for (const [file, { raw, gzip }] of Object.entries(reached)) {
    test(`${file} has not grown`, () => {
      if (raw !== undefined) expect(bytesOf(file).length, 'bytes').toBeLessThanOrEqual(raw * ALLOWANCE);
      expect(gzipped(file), 'bytes gzipped').toBeLessThanOrEqual(gzip * ALLOWANCE);
    });
  }

  test(`all code for a page is under ${BUDGET / 1000} kB gzipped`, () => {
    expect(gzipped('dist/browser.js'), 'with its cores inside').toBeLessThan(BUDGET);
    expect(gzipped('dist/slim.js') + gzipped('dist/core.simd.wasm'), 'with the core apart').toBeLessThan(BUDGET);
    expect(gzipped('dist/worklet.js'), 'in an audio worklet').toBeLessThan(BUDGET);
  });

  test('the tasks of sound are under 12 kB gzipped', () => {
    expect(gzipped('dist/tasks.sound.js'), 'without kinglet/audio').toBeLessThanOrEqual(12_000);
  });

  test('the two files for learning are under 6 kB gzipped each', () => {
    expect(gzipped('dist/learn.js')).toBeLessThan(6000);
    expect(gzipped('dist/learn.file.js')).toBeLessThan(6000);
  });

  test('the monitor is under 4 kB gzipped', () => {
    expect(gzipped('dist/monitor.js')).toBeLessThan(4000);
  });
});

describe('the entry for browsers', () => {
  const files = ['browser.js', 'browser.trust.js', 'browser.cache.js', 'browser.plain.js', 'browser.plain.extra.js',
    'js.js', 'js.extra.js', 'slim.js', 'thread.js', 'audio.js', 'worklet.js', 'learn.js', 'learn.file.js',
    'monitor.js'];
  /** Code that pages fetch only where they need it. */
  const imported: Record<string, string[]> = {
    'dist/browser.js': ['./browser.plain.js', './browser.plain.extra.js', './browser.trust.js', './browser.cache.js'],
    'dist/slim.js': ['./browser.trust.js', './browser.cache.js'],
    'dist/browser.plain.extra.js': ['./browser.plain.js'],
    'dist/js.extra.js': ['./js.js'],
  };
  for (const file of files.map((name) => `dist/${name}`)) {
    test(`${file} is one module without eval that imports at most rare code, on demand`, () => {
      // a worklet's callback is named process
      const forbidden = ['eval', 'Function', 'require', 'Buffer', 'document',
        ...(file === 'dist/worklet.js' ? [] : ['process'])];
      const text = bytesOf(file).toString();
      const found: string[] = [];
      visit(parseAst(text), (node) => {
        const isImport = node.type === 'ImportDeclaration' || node.type === 'ImportExpression' ||
          (node.type.startsWith('Export') && node.source);
        const isPlainCore = imported[file]?.includes(String(node.source?.value)) &&
          (!/(browser|slim)\.js$/.test(file) || node.type === 'ImportExpression');
        if (isImport && !isPlainCore) found.push(`import at ${node.start}`);
        if (node.type === 'Identifier' && forbidden.includes(node.name!)) found.push(`${node.name} at ${node.start}`);
      });
      expect(found).toEqual([]);
      expect(text).not.toContain('node:');
    });
  }
});

test.each([['tasks.js', []], ['tasks.sound.js', ['./audio.js']]])('dist/%s imports %j', (name, expected) => {
  const text = bytesOf(`dist/${name}`).toString();
  expect([...text.matchAll(/\b(?:from|import)\s*\(?["']([^"']+)["']/g)].map(([, file]) => file)).toEqual(expected);
  expect(text).not.toContain('node:');
});

describe('an entry for programs of other libraries', () => {
  const runtimes = ['browser.js', 'edge.js', 'plain.js', 'browser.cjs'];
  const bundles = ['ort', 'tfjs'].flatMap((name) => runtimes.map((runtime) => [name, runtime] as const));
  test.each(bundles)('dist/%s.%s imports the runtime and nothing else', (name, runtime) => {
    const text = bytesOf(`dist/${name}.${runtime}`).toString();
    const imported = [...text.matchAll(/\b(?:from\s*|import\(|require\()["']([^"']+)["']/g)].map(([, file]) => file);
    // a message shows an import of kinglet/compiler
    expect(imported.filter((file) => file !== 'kinglet/compiler'))
      .toEqual(runtime === 'plain.js' ? ['./js.js', './js.extra.js'] : [`./${runtime}`]);
    expect(text).not.toContain('node:');
  });
});

interface SyntaxNode {
  type: string;
  start: number;
  name?: string;
  source?: { value?: unknown };
}

function visit(value: unknown, see: (node: SyntaxNode) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && 'start' in value) see(value as SyntaxNode);
  for (const child of Object.values(value)) visit(child, see);
}
