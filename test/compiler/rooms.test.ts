import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { operators } from '../../src/ops/index';

// The rooms and the direction of their imports: graph ← ops ← compiler, importers → graph,
// compiler → runtime → format. Imports of types count as well as imports of values.

const root = path.resolve(import.meta.dirname, '../..');

const importForms = [/^\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'/gm, /^\s*import\s*'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'\s*\)/gm];

/**
 * All sources below a folder with their imports, which are project paths without extension, or
 * package names.
 */
function importsOf(folder: string): { file: string; imports: string[] }[] {
  const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts')
  ).map((name) => path.join(folder, name));
  return files.map((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const imports = importForms.flatMap((form) => [...text.matchAll(form)]).map((match) => {
      const target = match[1]!;
      return target.startsWith('.')
        ? path.relative(root, path.resolve(root, path.dirname(file), target)).split(path.sep).join('/').replace(
          /\.(js|ts)$/,
          '',
        )
        : target;
    });
    return { file: file.split(path.sep).join('/'), imports };
  });
}

/** Imports of a room that none of the patterns allows. */
function strangers(folder: string, allowed: RegExp[], except: RegExp[] = []): string[] {
  return importsOf(folder).filter(({ file }) => !except.some((pattern) => pattern.test(file))).flatMap((
    { file, imports },
  ) =>
    imports.filter((target) => !allowed.some((pattern) => pattern.test(target))).map((target) =>
      `${file} imports ${target}`
    )
  );
}

const errors = /^src\/(errors|arguments)$/;
const layout = /^assembly\/layout$/;
/** What files may take, and the defaults. */
const limits = /^src\/limits$/;
const format = /^src\/format\//;
/** Packages from npm and modules of Node. */
const packages = /^(?!src\/|assembly\/|build\/)/;

describe('the rooms', () => {
  test('are found, with their imports', () => {
    expect(importsOf('src').length).toBeGreaterThan(50);
    expect(importsOf('assembly').flatMap(({ imports }) => imports).length).toBeGreaterThan(50);
    expect(importsOf('src/runtime').flatMap(({ imports }) => imports)).toContain('@assemblyscript/loader');
  });

  test('assembly/layout.ts imports nothing', () => {
    expect(importsOf('assembly').find(({ file }) => file === 'assembly/layout.ts')!.imports).toEqual([]);
  });

  test('kernels import kernels and the layout, neither operators nor records', () => {
    expect(strangers('assembly/kernels', [/^assembly\/kernels\//, layout])).toEqual([]);
  });

  test('operators of the core import kernels, records, threads and each other', () => {
    expect(strangers('assembly/ops', [/^assembly\/(kernels|ops)\//, /^assembly\/(record|threads)$/, layout]))
      .toEqual([]);
  });

  test('the extra module imports kernels, threads, records with what describes them, and the layout', () => {
    const records = /^assembly\/(record|threads|ops\/(checks|walk|window))$/;
    expect(strangers('assembly/extra', [/^assembly\/(kernels|extra)\//, records, layout])).toEqual([]);
  });

  test('the loop over the plan imports operators, not kernels', () => {
    expect(importsOf('assembly').find(({ file }) => file === 'assembly/run.ts')!.imports.filter((target) =>
      target.startsWith('assembly/kernels')
    )).toEqual([]);
  });

  test('the core imports nothing from outside', () => {
    expect(strangers('assembly', [/^assembly\//])).toEqual([]);
  });

  test('the format imports only bytes, the layout, limits and errors', () => {
    expect(strangers('src/format', [format, layout, errors, limits])).toEqual([]);
  });

  test('the runtime imports the format, errors, the layout, the loader and the inlined cores', () => {
    expect(strangers('src/runtime', [/^src\/runtime\//, format, errors, layout, limits, /^@assemblyscript\/loader$/,
      /^build\/(core|extra)$/])).toEqual([]);
  });

  test('the plain-JavaScript core imports the layout and the descriptions of records', () => {
    // core.ts also has the type of the core that it implements
    expect(strangers('src/js', [/^src\/js\//, layout, /^build\/records(\.extra)?$/, /^src\/runtime\/core$/]))
      .toEqual([]);
    const users = importsOf('src/js').filter(({ imports }) => imports.includes('src/runtime/core'));
    expect(users.map(({ file }) => file)).toEqual(['src/js/core.ts']);
  });

  test('the runtime has no circular imports, not even of types', () => {
    const imports = new Map(importsOf('src/runtime').map(({ file, imports }) => [file.replace(/\.ts$/, ''), imports]));
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file);
      if (at >= 0) circles.push([...path.slice(at), file].join(' -> '));
      else imports.get(file)?.forEach((target) => visit(target, [...path, file]));
    };
    for (const file of imports.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('only one file of the runtime uses WebAssembly', () => {
    const naming = importsOf('src/runtime').map(({ file }) => file).filter((file) =>
      /\bWebAssembly\.(?!Module\b)|\bnew WebAssembly\b/
        .test(readFileSync(path.join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''))
    );
    expect(naming).toEqual(['src/runtime/core.ts']);
  });

  test('the entries for devices reach only the runtime and the format', () => {
    const byFile = new Map(importsOf('src').map(({ file, imports }) => [file.replace(/\.ts$/, ''), imports]));
    for (const entry of ['src/index', 'src/browser', 'src/edge', 'src/slim']) {
      const reached = new Set<string>();
      const visit = (file: string): void => {
        if (reached.has(file)) return;
        reached.add(file);
        byFile.get(file)?.forEach(visit);
      };
      visit(entry);
      expect([...reached].filter((file) => /^src\/(graph|ops|compiler|importers|cli|tasks|audio)\//.test(file)), entry)
        .toEqual([]);
    }
  });

  test('the graph imports only errors', () => {
    expect(strangers('src/graph', [/^src\/graph\//, errors])).toEqual([]);
  });

  test('operators import the graph, the layout and the alignment of sections, not the compiler', () => {
    expect(strangers('src/ops', [/^src\/(ops|graph)\//, errors, layout, /^src\/format\/klet$/])).toEqual([]);
  });

  test('operators import shared modules, not each other', () => {
    const names = Object.keys(operators);
    const files = importsOf('src/ops').filter(({ file }) => names.includes(path.basename(file, '.ts')));
    expect(files.length).toBeGreaterThan(30);
    for (const { file, imports } of files) {
      expect(imports.filter((target) => /^src\/ops\/[^/]+$/.test(target)), file).not
        .toContainEqual(expect.stringMatching(new RegExp(`/(${names.join('|')})$`)));
    }
  });

  test('importers import the graph and their format, neither kernels nor the .klet format', () => {
    // what evaluates constants and compares quantizations
    const ops = /^src\/ops\/(index|nodes|shared\/(functions|quantized|rounding|shapes))$/;
    const parsers = /^(flatbuffers(\/js\/flexbuffers\.js)?|fflate|jsfive|@bufbuild\/protobuf(\/codegenv2)?)$/;
    expect(strangers('src/importers', [/^src\/(importers|graph)\//, errors, ops, parsers])).toEqual([]);
  });

  test('importers import src/importers/shared but not each other, and shared imports none of them', () => {
    const formats = readdirSync(path.join(root, 'src/importers'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory() && entry.name !== 'shared'
    ).map(({ name }) => name);
    expect(formats).toContain('tflite');
    const outside = /^(?!src\/importers\/)/;
    for (const folder of ['shared', ...formats]) {
      expect(strangers(`src/importers/${folder}`, [new RegExp(`^src/importers/(shared|${folder})/`), outside]), folder)
        .toEqual([]);
    }
  });

  test('the registry of importers imports only their entries', () => {
    expect(importsOf('src/importers').find(({ file }) => file === 'src/importers/index.ts')!.imports.filter((target) =>
      !/^src\/importers\/(shared\/importer|\w+\/index)$/.test(target)
    )).toEqual([]);
  });

  test('no file of the compiler names an operator', () => {
    const names = new Set(Object.keys(operators));
    const named = importsOf('src/compiler').flatMap(({ file }) => {
      const text = readFileSync(path.join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const strings = [...text.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1/g)].map((match) => match[2]!);
      return strings.filter((string) => names.has(string)).map((string) => `${file} names '${string}'`);
    });
    expect(named, 'give src/ops/operator.ts a field for it, or src/ops/nodes.ts a builder').toEqual([]);
  });

  test('the compiler imports no foreign format, except in its public entry', () => {
    expect(strangers('src/compiler', [/^ml-matrix$/, /^src\/(compiler|graph|ops|format|runtime)\//, errors, layout,
      limits], [/^src\/compiler\/index\.ts$/])).toEqual([]);
  });

  test('evaluation imports decoders, the compiler, the graph and the runtime', () => {
    expect(strangers('src/evaluation', [/^simple-statistics$/, /^src\/(evaluation|decoding|graph|runtime)\//, errors,
      /^src\/format\/(meta|task)$/, /^src\/compiler\/(compile|runtime)$/])).toEqual([]);
  });

  test('search imports the compiler, evaluation, the graph and the runtime', () => {
    expect(strangers('src/search', [/^simple-statistics$/, /^src\/(search|compiler|evaluation|graph|runtime)\//,
      errors])).toEqual([]);
    expect(importsOf('src/search').flatMap(({ imports }) => imports)).not.toContain('src/compiler/index');
  });

  test('the printers of C and of scripts import the format, the runtime and the layout', () => {
    expect(strangers('src/tiny', [/^src\/(tiny|js)\//, format, layout])).toEqual([]);
    expect(strangers('src/script', [/^src\/(script|runtime)\//, /^build\/tiny$/, format, errors, layout, limits]))
      .toEqual([]);
    expect(strangers('src/c', [/^src\/(c|runtime)\//, format, errors, layout, limits])).toEqual([]);
  });

  test('decoders of outputs import the format and errors', () => {
    expect(strangers('src/decoding', [/^src\/decoding\//, errors, format])).toEqual([]);
  });

  test('tasks of images import decoders, the format and packages, and those of sound also the entry of audio', () => {
    const room = [/^src\/(tasks|decoding)\//, /^src\/audio\/checks$/, errors, format, packages];
    const sound = /^src\/tasks\/sound\//;
    expect(strangers('src/tasks', room, [sound])).toEqual([]);
    expect(strangers('src/tasks/sound', [...room, /^src\/audio\/index$/])).toEqual([]);
    const ofImages = importsOf('src/tasks').filter(({ file }) => !sound.test(file));
    expect(ofImages.flatMap(({ imports }) => imports).filter((target) => sound.test(target))).toEqual([]);
  });

  test('audio imports the format, and its worklet also the runtime', () => {
    expect(strangers('src/audio', [/^src\/audio\//, errors, format], [/^src\/audio\/worklet\.ts$/])).toEqual([]);
    expect(importsOf('src/audio').find(({ file }) => file === 'src/audio/worklet.ts')!.imports.filter((target) =>
      !/^src\/(audio\/|(errors|limits)$)/.test(target)
    )).toEqual(['src/runtime/cores', 'src/runtime/engine', 'src/runtime/types', 'src/runtime/unpack']);
  });

  test('learning imports the format, the types of the runtime, and the decoder of the plain core', () => {
    expect(strangers('src/learn', [/^src\/learn\//, errors, format, layout, /^src\/runtime\/types$/,
      /^src\/js\/decode$/])).toEqual([]);
  });

  test('the monitor imports errors, the counts and the JSON of the format, and types', () => {
    const types = /^src\/(runtime\/types|format\/meta)$/;
    expect(strangers('src/monitor', [/^src\/monitor\//, errors, /^src\/format\/(snapshot|json)$/, types])).toEqual([]);
  });

  test('the entries for programs of other libraries use the public API and the reader of files', () => {
    const runtime = /^src\/(index|browser|plain|plainExtra|readPath)$/;
    const types = /^src\/compiler\/index$/;
    const switching = /^src\/switching\//;
    // a message and a comment show an import of kinglet/compiler
    const example = /^kinglet\/compiler$/;
    expect(strangers('src/switching', [switching, errors, runtime, types, example, /^src\/runtime\/read$/]))
      .toEqual([]);
    expect(strangers('src/ort', [/^src\/ort\//, switching, errors, example, /^src\/(index|runtime\/read)$/]))
      .toEqual([]);
    expect(strangers('src/tfjs', [/^src\/tfjs\//, switching, errors, example, /^src\/(index|tasks\/source)$/]))
      .toEqual([]);
    const valuesFromCompiler = importsOf('src/switching').filter(({ imports }) =>
      imports.some((one) => types.test(one))
    ).filter(({ file }) => !/^import type .*compiler\/index/m.test(readFileSync(path.join(root, file), 'utf8')));
    expect(valuesFromCompiler).toEqual([]);
  });

  test('the playground uses the public API', () => {
    // the snippets that it shows
    const snippets = /^kinglet(\/\w+)*$/;
    expect(strangers('examples/playground', [/^examples\/playground\//, /^examples\/page$/,
      /^src\/(browser|(compiler|audio|tasks|tasks\/sound)\/index|format\/debugInfo)$/,
      /^(@dagrejs\/dagre|fflate|papaparse)$/, snippets])).toEqual([]);
  });

  test('the command line uses the public API', () => {
    expect(strangers('src/cli', [/^src\/(cli|tasks)\//, /^src\/(index|errors|exports)$/,
      /^src\/(compiler|audio)\/index$/, format, limits, packages])).toEqual([]);
  });
});
