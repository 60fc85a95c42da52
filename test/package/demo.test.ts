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

  test('reports wrong arguments without a stack trace, and says what was found', async () => {
    const cases = [['missing.png', /^there is no file .*missing\.png$/], ['models',
      /models is a folder; name the images in it$/], ['package.json', /package\.json is not a PNG or JPEG image$/], [
      '--pagee',
      /^Unknown option '--pagee'\.\n\nnpm run demo \[-- IMAGE…\]/,
    ]] as const;
    for (const [argument, message] of cases) {
      const { stderr, code } = await demo([argument]);
      expect(code).toBe(1);
      expect(stderr.trim()).toMatch(message);
      expect(stderr).not.toContain('    at ');
    }
  });
});
