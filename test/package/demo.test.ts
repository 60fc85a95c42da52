import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { root } from './packed';

// examples/digits/demo.mjs, the program behind `npm run demo`.

async function demo(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ stdout: string; stderr: string; code: number }> {
  const child = promisify(execFile)(process.execPath, [path.join(root, 'examples/digits/demo.mjs'), ...args], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '', ...env },
  });
  return child.then(
    (result) => ({ ...result, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

describe('the demo in a terminal', () => {
  test('reads every sample, and prints ASCII art of at most 80 columns without a terminal', async () => {
    const { stdout, code } = await demo([]);
    expect(code).toBe(0);
    expect(stdout).toContain('10 samples in models/digits/samples, 10 read correctly.');
    expect(stdout).toMatch(/One prediction takes [\d.]+ ms/);
    expect(stdout).toContain('npm run demo -- --page');
    expect(stdout).not.toContain('\x1b');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('draws half blocks if the terminal supports them', async () => {
    const { stdout } = await demo([], { FORCE_COLOR: '1', LC_ALL: 'C.UTF-8' });
    expect(stdout).toContain('▀');
    const lines = stripVTControlCharacters(stdout).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("reads the user's image", async () => {
    const { stdout } = await demo(['models/digits/samples/7.png']);
    expect(stdout).toMatch(/^ {2}7 #+ +\d+\.\d %$/m);
  });

  test('reports an unreadable image without a stack trace', async () => {
    for (const file of ['missing.png', 'package.json']) {
      const { stderr, code } = await demo([file]);
      expect(code).toBe(1);
      expect(stderr).toContain(file);
      expect(stderr).not.toContain('    at ');
    }
  });
});
