import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadSync } from '../../src/index';
import { SampleList, splitSamples, type Inputs } from '../../src/cli/samples';
import { corner, kinglet, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const source = files.write('quadrants.tflite', quadrants('uint8'));
const folder = files.folder('samples');
for (let i = 0; i < 60; i++) files.write(`samples/${String(i).padStart(2, '0')}.bin`, corner(i));

const convert = (name: string, ...options: string[]) => kinglet('convert', source, '-o', files.at(name), ...options);

describe('splitSamples', () => {
  const entry = (i: number) => ({
    where: `${i}.bin`,
    read: () => ({ x: Int32Array.of(i) }),
    content: () => new Uint8Array(Int32Array.of(i % 1000).buffer),
  });
  const samples = (...numbers: number[]): SampleList => new SampleList(numbers.map(entry));
  const first = (count: number): SampleList => samples(...Array.from({ length: count }, (_, i) => i));
  const numbers = (list: SampleList): number[] => Array.from(list, (sample) => Number((sample as Inputs).x![0]));

  it('holds out one sample in four, spread over the list', () => {
    const { fitting, comparing, isHeldOut } = splitSamples(first(10), true);
    expect(numbers(comparing)).toEqual([1, 5, 9]);
    expect(numbers(fitting)).toEqual([0, 2, 3, 4, 6, 7, 8]);
    expect(isHeldOut).toBe(true);
  });

  it('holds out one of two samples, and none if there is only one', () => {
    expect(numbers(splitSamples(first(2), true).fitting)).toEqual([0]);
    const { fitting, comparing, isHeldOut } = splitSamples(first(1), true);
    expect([numbers(fitting), numbers(comparing), isHeldOut]).toEqual([[0], [0], false]);
  });

  it('compares on all samples if nothing is fitted to them', () => {
    expect(numbers(splitSamples(first(5), false).comparing)).toEqual([0, 1, 2, 3, 4]);
    expect(splitSamples(first(5), false).isHeldOut).toBe(true);
  });

  it('removes duplicates, so that no sample is in both parts', () => {
    const { fitting, comparing } = splitSamples(samples(0, 1, 2, 3, 1000, 1001, 1002, 1003), true);
    expect([...numbers(fitting), ...numbers(comparing)].sort()).toEqual([0, 1, 2, 3]);
  });

  it('fits to at most 256 samples, and compares on others, spread over the list', () => {
    const { fitting, comparing } = splitSamples(first(900), true);
    expect(fitting.length).toBe(256);
    expect(comparing.length).toBe(512);
    const used = new Set(numbers(fitting));
    expect(numbers(comparing).some((number) => used.has(number))).toBe(false);
    expect(Math.max(...numbers(fitting))).toBeGreaterThan(890);
  });
});

describe('convert compares the network before and after', () => {
  it('on held-out samples, and prints the result as a table', async () => {
    const { code, out, err } = await convert(
      'mild.klet',
      '--prune',
      '0.1',
      '--prune-pattern',
      'weights',
      '--samples',
      folder,
    );
    expect([code, err]).toEqual([0, '']);
    expect(out)
      .toContain('compared   with the original on 15 samples that the compression did not see; it used 45 others');
    expect(out)
      .toMatch(/output +same best class +SQNR +largest error\n─+\nscores +15 of 15 +100\.0 % +#{20} +no error +0\n/);
  });

  it('refuses to write a ruined network, with exit code 2 and advice', async () => {
    const { code, out, err } = await convert(
      'bad.klet',
      '--prune',
      '0.95',
      '--prune-pattern',
      'weights',
      '--samples',
      folder,
    );
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^kinglet: the network is ruined, so ".*bad\.klet" was not written: "scores" has the same /);
    expect(err).toMatch(/ best class for \d+ of 15 samples; at least 80 % is required\n/);
    expect(err).toMatch(/output +same best class/);
    expect(err).toContain('try a smaller --prune, or training while pruning (docs/pruning.md)');
    expect(err).toContain('--force writes the file');
    expect(existsSync(files.at('bad.klet'))).toBe(false);
  });

  it('leaves an existing file as it was', async () => {
    const kept = files.write('kept.klet', 'as it was');
    expect((await kinglet(
      'convert',
      source,
      '-o',
      kept,
      '--prune',
      '0.95',
      '--prune-pattern',
      'weights',
      '--samples',
      folder,
    )).code).toBe(2);
    expect(files.read('kept.klet').toString()).toBe('as it was');
  });

  it('writes it nevertheless with --force, and says why', async () => {
    const { code, err } = await convert(
      'forced.klet',
      '--prune',
      '0.95',
      '--prune-pattern',
      'weights',
      '--samples',
      folder,
      '--force',
    );
    expect(code).toBe(0);
    expect(err).toMatch(/^kinglet: warning: written because of --force, although "scores" has the same best class for/);
    expect(loadSync(new Uint8Array(files.read('forced.klet'))).outputs).toHaveLength(1);
  });

  it('warns if there are no samples', async () => {
    for (const options of [['--prune', '0.5'], ['--cluster', '2']]) {
      const { code, out, err } = await convert('blind.klet', ...options);
      expect(code).toBe(0);
      expect(err)
        .toBe(`kinglet: warning: ${
          options[0]
        } changes the answers of the network, and without samples nothing was compared; `
          + 'pass typical inputs with --samples\n');
      expect(out).toContain('compared   not compared with the original: no --samples');
    }
  });

  it('compares on all samples if the change uses none', async () => {
    const { out } = await convert('few.klet', '--cluster', '2', '--samples', folder);
    expect(out).toMatch(/compared +with the original on 60 samples\n/);
    expect(out).toMatch(/scores +60 of 60 +100\.0 %/);
  });

  it('warns if too few samples keep their best class, but too few were compared to be sure', async () => {
    // fitted to the first image, and compared on the second, which is of another class
    const two = ['--samples', files.at('samples/00.bin'), '--samples', files.at('samples/01.bin')];
    const { code, err } = await convert('two.klet', '--prune', '0.95', '--prune-pattern', 'weights', ...two);
    expect(code).toBe(0);
    expect(err).toMatch(/^kinglet: warning: fewer than 80 % of the samples keep their best class; 1 sample is too few/);
  });

  it('prints no comparison if the conversion changes no weights', async () => {
    const { out, err } = await convert('plain.klet');
    expect(err).toBe('');
    expect(out).not.toMatch(/compared|best class/);
  });
});
