import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quadrants } from '../cli/cli';
import { docsPages, fencesOf, readPage, root, type Fence } from './page';

// The snippets of the pages and of doc comments, and a folder to run them in.

export interface Snippet extends Fence {
  file: string;
}

const pages = ['README.md', ...docsPages()];

/** The fenced blocks of all pages. */
export function pageSnippets(): Snippet[] {
  return pages.flatMap((file) => fencesOf(readPage(file)).map((fence) => ({ ...fence, file })));
}

/** The examples in doc comments of the sources. */
export function commentSnippets(): Snippet[] {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts')
  ).map((name) => `src/${name.replaceAll('\\', '/')}`).sort();
  return sources.flatMap((file) =>
    [...readPage(file).matchAll(/@example\s+([\s\S]*?)\*\//g)].flatMap((match) => {
      const line = readPage(file).slice(0, match.index).split('\n').length;
      const text = match[1]!.replace(/^[ \t]*\* ?/gm, '');
      return fencesOf(text).map((fence) => ({ ...fence, file, line: line + fence.line }));
    })
  );
}

/** An excerpt of a source: its first line names the file. */
export function excerptFile({ code }: Snippet): string | undefined {
  const file = /^\/\/ ((?:src|assembly|test)\/\S+)\n/.exec(code)?.[1];
  return file && existsSync(path.join(root, file)) ? file : undefined;
}

/**
 * What a snippet may use without making it: kinglet's exports, and things that a page or an earlier
 * snippet would have.
 */
const imports: Record<string, string[]> = {
  kinglet: ['load', 'loadSync', 'KletError'],
  'kinglet/compiler': ['compile', 'quantize', 'toStream', 'GraphBuilder', 'importTflite', 'readKlet'],
  'kinglet/tasks': ['imageToInput', 'topK'],
};
const things: [name: string, code: string, needs?: string][] = [['model',
  "const model = await load('models/digits/digits.klet');", 'load'], ['canvas',
  'const canvas = { width: 3, height: 3 };'], ['context',
  'const context = { getImageData: (x, y, width, height) => ({ width, height, data: new Uint8ClampedArray(width * height * 4) }) };']];

/** A module that runs a snippet; `console.log(x); // y` and `x; // y` must tell the truth. */
export function moduleOf({ code, file }: Snippet): string {
  const uses = (name: string): boolean => new RegExp(`(?<![.\\w])${name}\\b`).test(code);
  const makes = (name: string): boolean =>
    new RegExp(`(const|let|var|function|class|import) [^;=]*\\b${name}\\b`).test(code);
  const fixtures = file.startsWith('src/') ? things.filter(([name]) => uses(name) && !makes(name)) : [];
  const needed = new Set(fixtures.map(([, , needs]) => needs));
  const preamble = file.startsWith('src/') ?
    Object.entries(imports).flatMap(([from, names]) => {
      const missing = names.filter((name) => (uses(name) || needed.has(name)) && !makes(name));
      return missing.length > 0 ? [`import { ${missing.join(', ')} } from '${from}';`] : [];
    }) :
    [];
  let told = 0;
  const body = code.split('\n').map((line) => {
    const [, indent, printed, expression, comment] =
      /^(\s*)(?:console\.log\((.+)\)|((?!const |let |import |await |return |for |if |try |\/\/)[^/]+)); +\/\/ (.+)$/
        .exec(line) ?? [];
    if (comment === undefined) return line;
    told++;
    return printed !== undefined
      ? `${indent}console.log(...__told([${printed}], ${JSON.stringify(comment)}));`
      : `${indent}__is(${expression}, ${JSON.stringify(comment)});`;
  }).join('\n');
  return `${helper}process.on('exit', () => __assert.equal(__count, ${told}, 'comments that were reached'));\n${
    preamble.join('\n')
  }\n${fixtures.map(([, made]) => made).join('\n')}\n${body}`;
}

/**
 * In front of every module: compares a value with what the comment behind it says, if that is a
 * value.
 */
const helper = `
import __assert from 'node:assert';
import __util from 'node:util';
let __count = 0;
const __tidy = (text) => text.replace(/\\s+/g, '');
/** What console.log prints must be what the comment says. */
function __told(values, comment) {
  __count++;
  __assert.equal(__tidy(__util.format(...values)), __tidy(comment));
  return values;
}
/** The value of an expression, where the comment is one. */
function __is(value, comment) {
  __count++;
  let expected;
  try { expected = (0, eval)('(' + comment.replace(/;$/, '') + ')'); } catch { return; }
  __assert.deepStrictEqual(ArrayBuffer.isView(value) ? Array.from(value) : value, expected);
}
`;

export interface Workshop {
  folder: string;
  /** Runs a module's text, or the command line. */
  runModule(text: string): Promise<Result>;
  kinglet(...args: string[]): Promise<Result>;
  remove(): void;
}

export interface Result {
  code: number;
  out: string;
  err: string;
}

/**
 * A project that has kinglet installed, the models folder, and a network to convert. Needs dist/.
 */
export function openWorkshop(): Workshop {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-docs-'));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules/kinglet'), 'junction');
  symlinkSync(path.join(root, 'models'), path.join(folder, 'models'), 'junction');
  writeFileSync(path.join(folder, 'network.tflite'), quadrants('uint8'));
  let count = 0;
  const node = (args: string[]): Promise<Result> =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        args,
        { cwd: folder, timeout: 30_000, env: { ...process.env, NO_COLOR: '1' } },
        (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
      );
    });
  return {
    folder,
    runModule(text) {
      const name = `snippet-${count++}.mjs`;
      writeFileSync(path.join(folder, name), text);
      return node([name]);
    },
    kinglet: (...args) => node([path.join(root, 'dist/cli.js'), ...args]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
