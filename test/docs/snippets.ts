import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync,
  writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PNG } from 'pngjs';
import { corner, quadrants } from '../cli/cli';
import { foreignNetworks } from './foreignNetworks';
import { docsPages, fencesOf, readPage, root, type Fence } from './page';

// The snippets of the pages and doc comments, and a temporary project to run them in.

export interface Snippet extends Fence {
  file: string;
}

const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', ...docsPages()];

/** The fenced blocks of all pages. */
export function pageSnippets(): Snippet[] {
  return pages.flatMap((file) => fencesOf(readPage(file)).map((fence) => ({ ...fence, file })));
}

/** The examples in the doc comments of src/. */
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

/** The source file of an excerpt, which its first line names. */
export function excerptFile({ code }: Snippet): string | undefined {
  const file = /^\/\/ ((?:src|assembly|test)\/\S+)\n/.exec(code)?.[1];
  return file && existsSync(path.join(root, file)) ? file : undefined;
}

/**
 * Names that a doc comment may use without defining them: exports of kinglet, and values that a
 * page or an earlier snippet would define.
 */
const imports: Record<string, string[]> = {
  kinglet: ['load', 'loadSync', 'KletError'],
  'kinglet/compiler': ['compare', 'compile', 'quantize', 'quantizationReport', 'toStream', 'GraphBuilder',
    'importModel', 'importTflite', 'findStates', 'readKlet', 'repack', 'toC', 'toScript', 'wireStates', 'evaluate',
    'evaluatePair', 'applyRecipe', 'imagePreprocessing', 'ssdAnchors', 'search', 'Study', 'averagePrecisions',
    'calibrationError', 'classReport', 'mcNemar', 'rocAuc', 'wilson', 'createKeys', 'sign', 'verify'],
  'kinglet/tasks': ['classify', 'compareEmbeddings', 'embed', 'Gallery', 'imageToInput', 'topK'],
};
const fixtureValues: [name: string, code: string, needs?: string][] = [['model',
  "const model = await load('models/digits/digits.klet');", 'load'], ['bytes',
  "const bytes = (await import('node:fs')).readFileSync('open.onnx');"], ['canvas',
  'const canvas = { width: 3, height: 3 };'], ['context',
  'const context = { getImageData: (x, y, width, height) => ' +
  '({ width, height, data: new Uint8ClampedArray(width * height * 4) }) };']];

/** A module that runs a snippet and checks `console.log(x); // y` and `x; // y`. */
export function moduleOf({ code, file }: Snippet): string {
  const uses = (name: string): boolean => new RegExp(`(?<![.\\w])${name}\\b`).test(code);
  const defines = (name: string): boolean =>
    new RegExp(`(const|let|var|function|class|import) [^;=]*\\b${name}\\b`).test(code);
  const fixtures = file.startsWith('src/') ? fixtureValues.filter(([name]) => uses(name) && !defines(name)) : [];
  const needed = new Set(fixtures.map(([, , needs]) => needs));
  const preamble = file.startsWith('src/') ?
    Object.entries(imports).flatMap(([from, names]) => {
      const missing = names.filter((name) => (uses(name) || needed.has(name)) && !defines(name));
      return missing.length > 0 ? [`import { ${missing.join(', ')} } from '${from}';`] : [];
    }) :
    [];
  let checks = 0;
  const body = code.split('\n').map((line) => {
    const [, indent, printed, expression, comment] =
      /^(\s*)(?:console\.log\((.+)\)|((?!const |let |import |await |return |for |if |try |\/\/)[^/]+)); +\/\/ (.+)$/
        .exec(line) ?? [];
    if (comment === undefined) return line;
    checks++;
    return printed !== undefined
      ? `${indent}console.log(...__prints([${printed}], ${JSON.stringify(comment)}));`
      : `${indent}__is(${expression}, ${JSON.stringify(comment)});`;
  }).join('\n');
  return `${helper}process.on('exit', () => __assert.equal(__count, ${checks}, 'comments that were reached'));\n${
    preamble.join('\n')
  }\n${fixtures.map(([, made]) => made).join('\n')}\n${body}`;
}

/**
 * The code at the start of every module. It compares a printed or computed value with the comment
 * after it.
 */
const helper = `
import __assert from 'node:assert';
import __util from 'node:util';
let __count = 0;
const __tidy = (text) => text.replace(/\\s+/g, '');
/** The printed text must equal the comment. */
function __prints(values, comment) {
  __count++;
  __assert.equal(__tidy(__util.format(...values)), __tidy(comment));
  return values;
}
/** The value of the expression must equal the comment, if the comment is an expression. */
function __is(value, comment) {
  __count++;
  let expected;
  try { expected = (0, eval)('(' + comment.replace(/;$/, '') + ')'); } catch { return; }
  __assert.deepStrictEqual(ArrayBuffer.isView(value) ? Array.from(value) : value, expected);
}
`;

export interface Workshop {
  folder: string;
  /** Runs the text of a module. */
  runModule(text: string): Promise<Result>;
  /** Runs the command line. */
  kinglet(...args: string[]): Promise<Result>;
  remove(): void;
}

export interface Result {
  code: number;
  out: string;
  err: string;
}

/** A square gray image. */
function grayPng(pixels: Uint8Array, size: number): Buffer {
  const image = new PNG({ width: size, height: size });
  pixels.forEach((value, i) => image.data.set([value, value, value, 255], 4 * i));
  return PNG.sync.write(image);
}

/**
 * A project with kinglet installed, the models folder, networks to convert, and samples for two of
 * them. Needs dist/.
 */
export function openWorkshop(): Workshop {
  const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-docs-'));
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules/kinglet'), 'junction');
  symlinkSync(path.join(root, 'models'), path.join(folder, 'models'), 'junction');
  writeFileSync(path.join(folder, 'network.tflite'), quadrants('uint8'));
  writeFileSync(path.join(folder, 'float.tflite'), quadrants('float'));
  for (const [name, bytes] of Object.entries(foreignNetworks())) writeFileSync(path.join(folder, name), bytes);
  mkdirSync(path.join(folder, 'samples'));
  const samples = Array.from({ length: 40 }, (_, i) => [`${i}.bin`, corner(i), i % 4] as const);
  for (const [name, bytes] of samples) writeFileSync(path.join(folder, 'samples', name), bytes);
  mkdirSync(path.join(folder, 'images'));
  samples.forEach(([, bytes], i) => writeFileSync(path.join(folder, `images/${i}.png`), grayPng(bytes, 4)));
  mkdirSync(path.join(folder, 'test'));
  const test = samples.slice(0, 24).map(([, , label], i) => [`${i}.png`, corner(i + 100), label] as const);
  for (const [name, bytes] of test) writeFileSync(path.join(folder, 'test', name), grayPng(bytes, 4));
  const answers = Object.fromEntries(test.map(([name, , label]) => [name, label]));
  writeFileSync(path.join(folder, 'test/labels.json'), JSON.stringify(answers));
  const labels = Object.fromEntries(samples.map(([name, , label]) => [name, label]));
  writeFileSync(path.join(folder, 'labels.json'), JSON.stringify(labels));
  copyFileSync(path.join(root, 'models/digits/digits.klet'), path.join(folder, 'digits.klet'));
  for (const name of ['old.pem', 'new.pem']) {
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(path.join(folder, name), key);
  }
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
