import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pack, root, type Packed } from './packed';

// The package as npm would publish it, in a user's project. It needs dist/, which `npm test`
// builds.

let packed: Packed;
beforeAll(() => {
  packed = pack();
});
afterAll(() => packed?.remove());

const tool = (name: string, file: string): string => path.join(root, 'node_modules', name, file);

describe('the packed package', () => {
  // npm removes what it considers invalid from a package.json, and only warns
  test('can be published as it is', () => {
    const { status, stderr } = spawnSync('npm', ['publish', '--dry-run', '--ignore-scripts', '--offline',
      '--loglevel=warn'], { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
    expect(status, stderr).toBe(0);
    expect(stderr.split('\n').filter((line) => line && !line.includes('requires you to be logged in'))).toEqual([]);
  });

  test('passes publint', async () => {
    const { messages } = await publint({
      pkgDir: path.join(packed.project, 'node_modules/kinglet'),
      pack: false,
      strict: true,
    });
    expect(messages).toEqual([]);
  });

  test('has types that attw resolves in every mode', async () => {
    const { problems } = await checkPackage(createPackageFromTarballData(readFileSync(packed.tarball)), {
      entrypoints: ['.', 'slim', 'js', 'tiny', 'compiler', 'tasks', 'tasks/sound', 'audio', 'learn', 'learn/file',
        'monitor', 'ort', 'tfjs'],
    }) as { problems: { kind: string; entrypoint?: string; resolutionKind?: string }[] };
    // resolution before Node 12 ignores the exports map
    const wrong = problems.filter(({ resolutionKind }) => resolutionKind !== 'node10');
    expect(wrong).toEqual([]);
  });

  test('lists the packages whose code is in its bundles, with their licences', () => {
    const text = readFileSync(path.join(packed.project, 'node_modules/kinglet/dist/THIRD-PARTY.txt'), 'utf8');
    for (const name of ['@assemblyscript/loader', '@bufbuild/protobuf', 'echarts', 'zrender', 'fflate', 'flatbuffers',
      'jsfive'])
    {
      const { version } = JSON.parse(readFileSync(tool(name, 'package.json'), 'utf8')) as { version: string };
      expect(text).toContain(`\n\n${name} ${version}\n`);
    }
    expect(text.match(/Permission is hereby granted/g)!.length).toBeGreaterThan(1);
    expect(text).not.toMatch(/undefined|GPL-/);
  });

  test('contains every file of its exports and bin, and the models, but no sources', () => {
    const folder = path.join(packed.project, 'node_modules/kinglet');
    expect(filesIn([packed.json.exports, packed.json.bin]).filter((file) => !existsSync(path.join(folder, file))))
      .toEqual([]);
    // the models are the project's, and the package has all files that the README uses
    for (const file of ['digits/digits.klet', 'digits/samples/7.png', 'spoken-digits/spoken-digits.klet']) {
      expect(
        readFileSync(path.join(folder, 'models', file)).equals(readFileSync(path.join(root, 'models', file))),
        file,
      ).toBe(true);
    }
    expect(readdirSync(path.join(folder, 'models'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.\w+$/.test(name) && !name.endsWith('README.md')
    )).toHaveLength(3);
    for (const inside of ['src', 'assembly', 'test', 'node_modules', 'build']) {
      expect(existsSync(path.join(folder, inside)), inside).toBe(false);
    }
  });
});

test('contains all files that its README links to', () => {
  const folder = path.join(packed.project, 'node_modules/kinglet');
  const links = Array.from(
    readFileSync(path.join(folder, 'README.md'), 'utf8').matchAll(/\]\(([^)\s#]+)[^)]*\)/g),
    ([, target]) => target!,
  );
  const relative = links.filter((target) => !/^[a-z]+:/.test(target));
  expect(relative.length).toBeGreaterThan(5);
  expect(relative.filter((target) => !existsSync(path.join(folder, target)))).toEqual([]);
});

/** The files named in a part of package.json. */
function filesIn(value: unknown): string[] {
  return typeof value === 'string' ? [value] : Object.values(value as object).flatMap(filesIn);
}

describe("a user's project", () => {
  test('imports every entry and predicts', () => {
    expect(JSON.parse(packed.run(process.execPath, ['predict.mjs']))).toEqual([['simd', {
      index: 1,
      label: '1',
      score: 8,
    }], ['scalar', { index: 1, label: '1', score: 8 }], [2, 8, 6, 4, 2, 8, 6, 4], [60, true]]);
  });

  test.skipIf(process.platform === 'win32')('runs the command line through the link that npm makes', () => {
    const bin = path.join(packed.project, 'node_modules/kinglet', packed.json.bin.kinglet!);
    const link = path.join(packed.project, 'node_modules/.bin/kinglet');
    chmodSync(bin, 0o755);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.relative(path.dirname(link), bin), link);
    expect(packed.run(link, ['--version'])).toContain(packed.json.version);
    expect(packed.run(link, ['inspect', 'node_modules/kinglet/models/digits/digits.klet'])).toContain('image');
  });

  for (const [resolution, module] of [['bundler', 'esnext'], ['nodenext', 'nodenext']] as const) {
    test(`type-checks with moduleResolution ${resolution}, the package's types included`, () => {
      let complaints = '';
      try {
        packed.run(process.execPath, [tool('typescript', 'bin/tsc'), '--project', '.', '--module', module,
          '--moduleResolution', resolution]);
      } catch (error) {
        complaints = (error as { stdout: string }).stdout;
      }
      expect(complaints).toBe('');
    });
  }

  test('bundles for a page into one file that runs without Node modules', async () => {
    const outfile = path.join(packed.project, 'bundle.mjs');
    const { warnings } = await build({
      entryPoints: [path.join(packed.project, 'page.mjs')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    });
    expect(warnings).toEqual([]);
    expect(readFileSync(outfile, 'utf8')).not.toMatch(/["']node:/);
    const page = await import(pathToFileURL(outfile).href) as { selfTest(bytes: Uint8Array): number };
    expect(page.selfTest(readFileSync(path.join(packed.project, 'node_modules/kinglet/models/digits/digits.klet'))))
      .toBeGreaterThan(0);
  });
});
