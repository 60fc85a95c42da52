import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseAst } from 'rollup/parseAst';
import { transformWithEsbuild } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KletError, loadSync } from '../../src/index';
import { customMappings, mappings } from '../../src/importers/tflite/operators';
import { operators } from '../../src/ops/index';
import { resolvedOperators } from './foreignOperators';
import { anchorsOf, readPage, root, tableRows } from './page';
import { commentSnippets, excerptFile, moduleOf, openWorkshop, pageSnippets, type Snippet,
  type Workshop } from './snippets';

// The snippets, commands, links and tables of the pages and doc comments must be right. Needs
// dist/, which `npm test` builds.

const where = ({ file, line }: Snippet): string => `${file}:${line}`;
// test/browser/recipes.test.ts and test/fixtures/ run the snippets that show files
const isRunElsewhere = ({ file, title }: Snippet): boolean => file.startsWith('docs/recipes/') && title !== undefined;
const snippets = pageSnippets().filter((snippet) => !isRunElsewhere(snippet));
const comments = commentSnippets();
const code = [...snippets, ...comments].filter(({ language }) => /^(js|ts)$/.test(language));
const programs = code.filter((snippet) => !excerptFile(snippet));
const excerpts = code.filter((snippet) => excerptFile(snippet));
const scriptsInPages = snippets.filter(({ language }) => language === 'html');
const titled = (list: Snippet[]): (readonly [string, Snippet])[] => list.map((snippet) => [where(snippet), snippet]);

let workshop: Workshop;
beforeAll(() => {
  workshop = openWorkshop();
});
afterAll(() => workshop?.remove());

describe('snippets', () => {
  test('are found, and every language has a check', () => {
    expect([...programs, ...scriptsInPages].filter(({ file }) => file === 'README.md').length).toBeGreaterThan(5);
    expect(comments.length).toBeGreaterThan(3);
    expect(excerpts.length).toBeGreaterThan(8);
    // drawings, dumps and formulas have no language
    const languages = ['', 'js', 'ts', 'sh', 'text', 'html', 'c'];
    expect(snippets.filter(({ language }) => !languages.includes(language)).map(where)).toEqual([]);
  });

  test.each(titled(snippets.filter(({ language }) => language === 'c')))('%s is in examples/c/main.c', (_, snippet) => {
    expect(readPage('examples/c/main.c')).toContain(snippet.code);
  });

  test.each(titled(programs))('%s runs, and its comments show the right values', async (_, snippet) => {
    const module = moduleOf(snippet);
    const text = snippet.language === 'ts' ? (await transformWithEsbuild(module, 'snippet.ts')).code : module;
    const { code: status, err } = await workshop.runModule(text);
    expect(err).toBe('');
    expect(status).toBe(0);
  });

  test.each(titled(scriptsInPages))('%s parses, and its imports exist', (_, snippet) => {
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(snippet.code)!;
    const { body } = parseAst(script!);
    for (const statement of body) {
      if (statement.type !== 'ImportDeclaration') continue;
      const file = String(statement.source.value);
      expect(existsSync(path.join(workshop.folder, file)), file).toBe(true);
      const text = readFileSync(path.join(workshop.folder, file), 'utf8');
      for (const { local: { name } } of statement.specifiers) {
        expect(text).toMatch(new RegExp(`\\bas ${name}\\b|\\b${name} as\\b|export.*\\b${name}\\b`));
      }
    }
  });

  test.each(titled(excerpts))('%s equals the source file', (_, snippet) => {
    const file = excerptFile(snippet)!;
    const lines = snippet.code.trimEnd().split('\n').slice(1);
    const source = readPage(file);
    for (const part of lines.join('\n').split(/^\s*\/\/ …\n/m)) expect(source, file).toContain(part.trimEnd());
  });
});

describe('commands', () => {
  const shells = snippets.filter(({ language }) => language === 'sh');
  const commands = shells.flatMap((snippet) =>
    snippet.code.trim().split('\n').map((line) => ({ snippet, command: line.replace(/\s+#.*$/, '') }))
  );
  const kingletCommands = commands.filter(({ command }) => command.startsWith('npx kinglet ')).map((entry) =>
    [entry.command, entry] as const
  );
  const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };

  test('with npm name existing scripts', () => {
    for (const { snippet, command } of commands) {
      const script = /^npm (?:run )?(\S+)/.exec(command)?.[1];
      if (script && !['install', 'ci', 'pack'].includes(script)) {
        expect(Object.keys(scripts), where(snippet)).toContain(script);
      } else if (!script) {
        expect(command, where(snippet)).toMatch(/^npx kinglet /);
      }
    }
  });

  test.each(kingletCommands)('%s succeeds, and prints the output on the page', async (_, { snippet, command }) => {
    const { code: status, out, err } = await workshop.kinglet(...command.split(' ').slice(2));
    // a note for each image or recording says how it became the input
    expect(err.replace(/^kinglet: note: .*\n/gm, '')).toBe('');
    expect(status).toBe(0);
    // a text block directly after the command shows its output; "…" stands for lines that differ
    // from run to run
    const next = snippets.find(({ file, line }) => file === snippet.file && line > snippet.line);
    if (next?.language !== 'text' || snippet.code.trim().split('\n').length > 1) return;
    const shown = next.code.trimEnd().split('\n');
    const found = out.trimEnd().split('\n');
    const pattern = shown.map((line) => (line === '…' ? '(.*\\n)*?.*' : line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('\n');
    expect(found.join('\n')).toMatch(new RegExp(`^${pattern}$`));
  });
});

describe('links', () => {
  const pages = [...new Set(snippets.map(({ file }) => file))];
  test.each(pages)('of %s have a target', (file) => {
    const text = readPage(file);
    const folder = path.dirname(path.join(root, file));
    for (const [, target] of text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [page, anchor] = target!.split('#') as [string, string?];
      const linked = page === '' ? path.join(root, file) : path.join(folder, page);
      expect(existsSync(linked), target).toBe(true);
      if (anchor !== undefined) expect([...anchorsOf(readFileSync(linked, 'utf8'))], target).toContain(anchor);
    }
  });
});

describe('docs/errors.md', () => {
  const rows = tableRows(readPage('docs/errors.md'));

  test('lists every error code with the description in src/errors.ts', () => {
    const documented = tableRows(readPage('src/errors.ts').replaceAll(/^ \* /gm, '')).filter(([code]) =>
      code!.startsWith('`')
    );
    expect(documented.length).toBeGreaterThan(10);
    expect(rows.filter(([code, when]) => /^`[A-Z_]+`$/.test(code!) && when))
      .toEqual(expect.arrayContaining(documented));
    expect(readPage('src/errors.ts')).toContain(`'${documented[0]![0]!.slice(1, -1)}'`);
    expect(new KletError('CORRUPT', 'x').code).toBe('CORRUPT');
  });
});

describe('docs/operators.md', () => {
  const rows = tableRows(readPage('docs/operators.md'));

  test('lists exactly the operators of TensorFlow Lite that are imported', () => {
    const listed = rows.filter(([, from]) => /`[A-Z][A-Za-z0-9]*_\w+`|`[A-Z0-9]+`/.test(from ?? '')).flatMap((
      [, from],
    ) => [...from!.matchAll(/`([A-Za-z0-9_]+)`/g)].map(([, name]) => name!));
    expect(new Set(listed))
      .toEqual(new Set([...Object.keys(mappings), ...customMappings.keys(), ...resolvedOperators]));
    expect(listed.length).toBe(new Set(listed).size);
  });

  test('lists every operator of the graph', () => {
    const listed = new Set(rows.flatMap(([names]) => names!.split(', ')));
    expect(Object.keys(operators).filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe('the README', () => {
  const rows = tableRows(readPage('README.md'));
  const cell = (first: string): string | undefined => rows.find(([name]) => name === first)?.[1];

  test('states the sizes of the bundles within 5 %', () => {
    const gzipped = (file: string): number =>
      gzipSync(readFileSync(path.join(root, 'dist', file)), { level: 9 }).length;
    const near = (text: string | undefined, bytes: number): void => {
      const stated = Number(text?.replaceAll(',', '').replace(/ bytes$/, ''));
      expect(Math.abs(stated - bytes) / bytes, `the README says ${text}, the bundle has ${bytes}`).toBeLessThan(0.05);
    };
    near(cell('`kinglet` for browsers, the cores for engines with SIMD inside'), gzipped('browser.js'));
    near(cell('the core for engines without SIMD, fetched only there'), gzipped('core.scalar.wasm'));
    near(cell('`kinglet/slim` and the SIMD core'), gzipped('slim.js') + gzipped('core.simd.wasm'));
    near(cell('`kinglet/audio/worklet`, the runtime inside'), gzipped('worklet.js'));
    near(cell('`kinglet/tasks`, for images'), gzipped('tasks.js'));
    near(cell('`kinglet/tasks/sound`, which imports `kinglet/audio`'), gzipped('tasks.sound.js'));
    near(cell('`kinglet/learn`, learning on the device'), gzipped('learn.js'));
    near(cell('`kinglet/monitor`, watching a deployed model'), gzipped('monitor.js'));
    near(cell('`kinglet/learn/file`, cutting networks'), gzipped('learn.file.js'));
    near(cell('the extra module, fetched only for models with rare operators'), gzipped('extra.simd.wasm'));
    const switching = tableRows(readPage('docs/switching.md'));
    for (const entry of ['ort', 'tfjs']) {
      near(switching.find(([name]) => name === `\`kinglet/${entry}\``)?.[1], gzipped(`${entry}.browser.js`));
    }
    near(rows.find(([name, bytes]) => name === '`kinglet/audio`' && /^[\d,]+$/.test(bytes!))?.[1], gzipped('audio.js'));
  });

  test.each(['digits', 'spoken-digits'])('states the size, memory and accuracy of models/%s', (name) => {
    const bytes = new Uint8Array(readFileSync(path.join(root, `models/${name}/${name}.klet`)));
    const model = loadSync(bytes);
    const accuracy = model.meta.accuracy as { float: number; int8: number; on: string };
    const number = (text: string): number => Number(text.replace(/[^\d.]/g, ''));
    const row = rows.findIndex(([first]) => first!.startsWith(`[${name}](`));
    const [, file, memory, float, int8] = rows[row]!.map(number);
    expect([file, memory]).toEqual([bytes.length, model.memory.total]);
    expect(float! / 100).toBeCloseTo(accuracy.float, 5);
    expect(int8! / 100).toBeCloseTo(accuracy.int8, 5);
    // the accuracy on known speakers has a separate row
    const known = /\((?:of .*): float ([\d.]+), int8 ([\d.]+)\)/.exec(accuracy.on);
    expect(known !== null).toBe(name === 'spoken-digits');
    if (known) {
      expect(rows[row + 1]!.slice(3, 5).map((text) => number(text) / 100)).toEqual([Number(known[1]),
        Number(known[2])]);
    }
  });
});
