import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync,
  writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build, transformSync } from 'esbuild';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programNetworks, type ProgramNetwork } from '../switching/networks';
import { root } from './packed';

// Programs that were written for onnxruntime-web and TensorFlow.js, run with these libraries and
// with kinglet's entries. Only the imports differ. Needs dist/, which `npm test` builds.

const run = promisify(execFile);
const programs = path.join(root, 'test/switching/programs');
const originals = path.join(root, 'test/switching/node_modules');
const hasOrt = existsSync(path.join(originals, 'onnxruntime-web'));
const names = readdirSync(programs).map((file) => file.replace('.ts', ''));

/** The entry that replaces a library. */
const entries: Record<string, string> = { 'onnxruntime-web': 'kinglet/ort', '@tensorflow/tfjs': 'kinglet/tfjs' };
/** The line that lets an entry convert files of the library. */
const settings: Record<string, string> = {
  'kinglet/ort': "import { env as __env } from 'kinglet/ort';\n__env.compiler = () => import('kinglet/compiler');\n",
  'kinglet/tfjs': "import { setCompiler as __set } from 'kinglet/tfjs';\n__set(() => import('kinglet/compiler'));\n",
};
const importLine = /^import .* from '(onnxruntime-web|@tensorflow\/tfjs)';$/m;

const sourceOf = (name: string): string => readFileSync(path.join(programs, `${name}.ts`), 'utf8');
const libraryOf = (name: string): string => importLine.exec(sourceOf(name))![1]!;
/** The program with another library. */
const switched = (name: string): string =>
  sourceOf(name).replace(importLine, (line, library: string) => line.replace(library, entries[library]!));

/** Makes `@tensorflow/tfjs`, the package that joins the others, and lets tensors have methods. */
async function joinTensorflow(target: string): Promise<void> {
  mkdirSync(target);
  const chained = '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
  const parts = ['core', 'layers', 'converter'].map((part) => `export * from '@tensorflow/tfjs-${part}';\n`).join('');
  writeFileSync(path.join(target, 'package.json'), '{ "type": "module", "main": "index.js", "types": "index.d.ts" }');
  writeFileSync(path.join(target, 'index.d.ts'), `import '${chained}';\n${parts}`);
  await build({
    stdin: { contents: `import '@tensorflow/tfjs-backend-cpu';\nimport '${chained}';\n${parts}`, resolveDir: root },
    outfile: path.join(target, 'index.js'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
}

let folder: string;
let server: Server;
let address: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kinglet-switching-'));
  const modules = path.join(folder, 'node_modules');
  mkdirSync(path.join(modules, '@tensorflow'), { recursive: true });
  symlinkSync(root, path.join(modules, 'kinglet'), 'junction');
  if (hasOrt) symlinkSync(path.join(originals, 'onnxruntime-web'), path.join(modules, 'onnxruntime-web'), 'junction');
  for (const part of ['core', 'layers', 'converter']) {
    const link = path.join(modules, '@tensorflow', `tfjs-${part}`);
    symlinkSync(path.join(root, 'node_modules/@tensorflow', `tfjs-${part}`), link, 'junction');
  }
  await joinTensorflow(path.join(modules, '@tensorflow/tfjs'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
  server = createServer((request, response) => {
    const file = path.join(folder, 'networks', request.url!);
    if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Writes the files of a network and returns where programs find one of them. */
function placed(name: string, { files, klet }: ProgramNetwork): (file: string) => string {
  const place = path.join(folder, 'networks', name);
  mkdirSync(place, { recursive: true });
  const all = { ...files, 'model.klet': klet };
  for (const [file, bytes] of Object.entries(all)) writeFileSync(path.join(place, file), bytes);
  return (file) => (libraryOf(name) === 'onnxruntime-web' ? path.join(place, file) : `${address}/${name}/${file}`);
}

/** Runs a program and returns what it prints. */
async function outputOf(name: string, variant: string, source: string, network: string): Promise<unknown> {
  const file = path.join(folder, `${name}.${variant}.js`);
  writeFileSync(file, transformSync(source, { loader: 'ts', format: 'esm', target: 'es2022' }).code);
  const { stdout } = await run(process.execPath, [file, network], { cwd: folder });
  return JSON.parse(stdout.trim().split('\n').at(-1)) as unknown;
}

const TOLERANCE = 1e-4;

/** Expects the same values, and numbers that differ by rounding only. */
function expectSame(found: unknown, wanted: unknown, where = 'the output'): void {
  if (typeof wanted === 'number' && !Number.isInteger(wanted)) {
    expect(Math.abs((found as number) - wanted), where).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(wanted)));
  } else if (typeof wanted === 'object' && wanted !== null) {
    expect(Object.keys(found as object), where).toEqual(Object.keys(wanted));
    for (const [key, value] of Object.entries(wanted)) {
      expectSame((found as Record<string, unknown>)[key], value, `${where}.${key}`);
    }
  } else {
    expect(typeof found === 'number' ? Math.round(found * 1e4) / 1e4 : found, where).toBe(wanted);
  }
}

describe.each(names)('the program %s', (name) => {
  const describeWith = libraryOf(name) === 'onnxruntime-web' && !hasOrt ? describe.skip : describe;
  describeWith('[needs onnxruntime-web: npm ci --prefix test/switching]', () => {
    test('gives the same with kinglet, from a .klet file and from the original', async () => {
      const network = await programNetworks[name]!();
      const at = placed(name, network);
      const entry = entries[libraryOf(name)]!;
      const original = await outputOf(name, 'original', sourceOf(name), at(network.main));
      expect(JSON.stringify(original).length).toBeGreaterThan(100);
      expectSame(await outputOf(name, 'klet', switched(name), at('model.klet')), original);
      const foreign = await outputOf(name, 'foreign', settings[entry]! + switched(name), at(network.main));
      expectSame(foreign, original);
    });
  });
});

describe('the types of programs in TypeScript fit', () => {
  const check = (source: (name: string) => string): string[] => {
    const files = names.filter((name) => hasOrt || libraryOf(name) !== 'onnxruntime-web').map((name) => {
      const file = path.join(folder, `${name}.ts`);
      writeFileSync(file, source(name));
      return file;
    });
    const program = ts.createProgram(files, {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
      noEmit: true,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules/@types')],
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) =>
      `${path.basename(file?.fileName ?? '')}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    );
  };

  test('the libraries that they were written for', () => expect(check(sourceOf)).toEqual([]));
  test("kinglet's entries", () => expect(check(switched)).toEqual([]));
});
