import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import type { Trial } from '../../src/compiler/index';
import { corner, floats, quadrants } from '../cli/cli';
import { root } from './packed';

// `kinglet search` with workers, which only the bundled command line has. Needs dist/.

const folder = mkdtempSync(path.join(tmpdir(), 'kinglet-search-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => path.join(folder, name);
writeFileSync(at('net.tflite'), quadrants('float'));
mkdirSync(at('samples'));
for (let i = 0; i < 24; i++) {
  writeFileSync(at(`samples/${i}.bin`), floats(...Array.from(corner(i), (pixel) => pixel / 255)));
}
writeFileSync(
  at('labels.json'),
  JSON.stringify(Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`${i}.bin`, i % 4]))),
);

const options = ['search', 'net.tflite', '--data', 'samples', '--test', 'samples,labels.json', '--budget', '5pt'];
const cli = path.join(root, 'dist/cli.js');

async function search(...argv: string[]): Promise<{ best: { recipe: object }; trials: Trial[] }> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [cli, ...options, '--json', ...argv], { cwd: folder });
  return JSON.parse(stdout) as { best: { recipe: object }; trials: Trial[] };
}

describe('kinglet search with workers', () => {
  test('runs the same trials as in one thread, and writes the same file', async () => {
    const one = await search('--trials', '8', '--jobs', '1', '-o', 'one.klet');
    const two = await search('--trials', '8', '--jobs', '2', '-o', 'two.klet');
    expect(two.trials).toEqual(one.trials);
    expect(two.best.recipe).toEqual(one.best.recipe);
    expect(readFileSync(at('two.klet')).equals(readFileSync(at('one.klet')))).toBe(true);
  });

  test.skipIf(process.platform === 'win32')('stops at Ctrl-C, also while workers run trials', async () => {
    const argv = [cli, ...options, '--trials', '100000', '--jobs', '2', '-o', 'stopped.klet'];
    const child = spawn(process.execPath, argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (text: Buffer) => {
      err += text.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const hasTrials = (): boolean => {
      try {
        return readFileSync(at('stopped.jsonl'), 'utf8').split('\n').length > 4;
      } catch {
        return false;
      }
    };
    while (!hasTrials()) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(err).toContain('the same command goes on where it stopped');
  });
});
