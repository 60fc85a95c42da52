import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readKlet } from '../../src/compiler';
import { loadSync } from '../../src/index';
import { corner, kinglet, quadrants, temporaryFolder } from './cli';

// "-" as standard input and output. Standard input needs a process; it runs dist/, which `npm test`
// builds.

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
const files = temporaryFolder();
const source = files.write('quadrants.tflite', quadrants('uint8'));
const image = files.write('image.bin', corner(2));

function piped(input: Uint8Array, ...argv: string[]): { code: number | null; out: Buffer; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...argv], { input });
  return { code: status, out: stdout, err: stderr.toString() };
}

describe('standard output', () => {
  it('takes the converted file, and the summary goes to stderr', async () => {
    const { code, out, err, bytes } = await kinglet('convert', source, '-o', '-');
    expect([code, out]).toEqual([0, '']);
    expect(err).toMatch(/^read .*\nwrote +standard output, [\s\S]*verified/);
    await kinglet('convert', source, '-o', files.at('file.klet'));
    expect(Buffer.from(bytes!).equals(files.read('file.klet'))).toBe(true);
    expect(existsSync('-')).toBe(false);
  });

  it('gets nothing if compression ruined the network', async () => {
    const { code, out, err, bytes } = await kinglet(
      ...['convert', source, '-o', '-', '--prune', '0.95', '--prune-pattern', 'weights'],
      ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((
        i,
      ) => ['--samples', files.write(`${i}.bin`, corner(i % 4 === 1 ? i : 4 * i))]),
    );
    expect([code, out, bytes]).toEqual([2, '', undefined]);
    expect(err).toMatch(/^kinglet: the network is ruined, so nothing was written: /);
  });

  it('takes the raw output of a prediction', async () => {
    const { out, err, bytes } = await kinglet('run', source, '--input', image, '--raw', '--output', '-');
    expect(out).toBe('');
    expect(err).toMatch(/^wrote standard output: scores uint8 \[1, 4\], 4 bytes\n.* a prediction/);
    expect(bytes).toHaveLength(4);
    expect(bytes!.indexOf(Math.max(...bytes!))).toBe(2);
  });

  it('is used once', async () => {
    const { code, err } = await kinglet('run', source, '--input', image, '--output', '-', '--json');
    expect(code).toBe(1);
    expect(err).toMatch(/BAD_ARGUMENT: only one --output - or --json can use standard output/);
  });
});

describe('standard input', () => {
  it('is converted to standard output by default', () => {
    const { code, out, err } = piped(quadrants('uint8'), 'convert', '-');
    expect(code).toBe(0);
    expect(err).toMatch(/^read +standard input, /);
    expect(loadSync(new Uint8Array(out)).outputs).toHaveLength(1);
    expect(readKlet(out).meta).toMatchObject({ name: 'network', provenance: { source: 'standard input' } });
  });

  it('is a network to inspect or to run, or an input', () => {
    expect(piped(quadrants('uint8'), 'inspect', '-').out.toString())
      .toMatch(/^file +standard input, .*\nnetwork +network\n/);
    expect(piped(quadrants('uint8'), 'inspect', '-', '--check').out.toString()).toMatch(/^standard input converts: /);
    for (const [input, ...argv] of [[quadrants('uint8'), '-', '--input', image], [corner(2), source, '--input', '-'], [
      corner(2),
      source,
      '--input',
      'image=-',
    ]] as const) {
      const { code, out } = piped(input, 'run', ...argv, '--top', '1');
      expect(code).toBe(0);
      expect(out.toString()).toMatch(/scores: 4 classes\n.*\n.*\n1\. +2 /);
    }
  });

  it('is read once', () => {
    const { code, err } = piped(quadrants('uint8'), 'run', '-', '--input', '-');
    expect(code).toBe(1);
    expect(err).toMatch(/BAD_ARGUMENT: "-" reads standard input and can be given once/);
  });

  it('is named in errors', () => {
    expect(piped(Buffer.from('noise'), 'convert', '-').err).toMatch(/BAD_MAGIC: standard input has an unknown format/);
    expect(piped(Buffer.from('noise'), 'run', source, '--input', '-').err).toMatch(/standard input has 5 bytes/);
  });

  it('works in a chain of processes', () => {
    const first = execFileSync(process.execPath, [cli, 'convert', '-'], { input: quadrants('uint8'), stdio: 'pipe' });
    const second = piped(first, 'convert', '-', '--name', 'renamed');
    expect(readKlet(second.out).meta.name).toBe('renamed');
  });
});
