import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toC } from '../../src/c/index';
import { hasGcc } from '../helpers/gcc';

// The example of docs/c.md, with the commands of that page.

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe.skipIf(!hasGcc)('examples/c', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kinglet-example-'));
    mkdirSync(path.join(folder, 'firmware'));
    const { files } = toC(new Uint8Array(readFileSync(path.join(root, 'models/digits/digits.klet'))));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, 'firmware', name), text);
    for (const name of ['main.c', 'seven.pgm']) cpSync(path.join(root, 'examples/c', name), path.join(folder, name));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (command: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    return stdout;
  };

  test('is built by the command on the page, and recognizes its image', () => {
    const line = /^gcc -std=c99 .*-lm$/m.exec(read('docs/c.md'))![0];
    run('gcc', '-Wall', '-Wextra', '-Werror', ...line.split(' ').slice(1));
    expect(run('./digit', 'seven.pgm')).toBe('7 with 93 %\n');
  });

  test('refuses an image of another size', () => {
    writeFileSync(path.join(folder, 'small.pgm'), 'P2\n1 1\n255\n0\n');
    const { status, stderr } = spawnSync('./digit', ['small.pgm'], { cwd: folder, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('28 x 28');
  });

  test('places constants and memory in the sections that macros name', () => {
    const sections = ['-DKINGLET_CONST=__attribute__((section(".flash2")))',
      '-DKINGLET_ARENA=__attribute__((section(".ccm")))'];
    run('gcc', '-std=c99', '-Wall', '-Wextra', '-Werror', ...sections, '-c', 'firmware/digits.c', '-o', 'digits.o');
    const found = run('objdump', '-h', 'digits.o');
    expect(found).toMatch(/\.flash2/);
    expect(found).toMatch(/\.ccm/);
  });

  test('is refused with optimizations that change results', () => {
    const { status, stderr } = spawnSync('gcc', ['-ffast-math', '-c', 'firmware/digits.c', '-o', 'digits.o'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain('compile without -ffast-math');
  });
});
