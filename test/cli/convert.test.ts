import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, GraphBuilder, readKlet } from '../../src/compiler';
import { loadSync } from '../../src/index';
import { hasShared, shared } from '../helpers/shared';
import { corner, kinglet, quadrantNames, quadrants, temporaryFolder, unsupported } from './cli';

const files = temporaryFolder();
const source = files.write('quadrants.tflite', quadrants('uint8'));
const load = (name: string) => loadSync(new Uint8Array(files.read(name)));

describe('convert', () => {
  it('writes a file that loads and runs, and prints a summary', async () => {
    const { code, out, err } = await kinglet('convert', source, '-o', files.at('a.klet'));
    expect([code, err]).toEqual([0, '']);
    for (const text of ['quadrants.tflite', 'a.klet', 'fullyConnected', 'MACs', 'memory', 'verified', 'image',
      '[1, 4, 4, 1]', 'scores']) expect(out).toContain(text);
    expect(load('a.klet').predict(Uint8Array.of(9, 9, 0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toHaveLength(4);
  });

  it('names the output file after the input file by default', async () => {
    expect((await kinglet('convert', source)).code).toBe(0);
    expect(load('quadrants.klet').meta.name).toBe('quadrants');
  });

  it('recognizes the format by content, not by file name', async () => {
    expect((await kinglet('convert', files.write('network.dat', quadrants()), '-o', files.at('dat.klet'))).code)
      .toBe(0);
  });

  it('stores name, labels, preprocessing and provenance', async () => {
    const labels = files.write('labels.txt', `${quadrantNames.join('\r\n')}\r\n`);
    const preprocessing = { kind: 'image', channels: 1, scale: 1 / 255, offset: 0, invert: true };
    const { code, err } = await kinglet(
      'convert',
      source,
      '-o',
      files.at('meta.klet'),
      '--name',
      'Quadrants',
      '--labels',
      labels,
      '--preprocess',
      JSON.stringify(preprocessing),
    );
    expect([code, err]).toEqual([0, '']);
    const { meta } = load('meta.klet');
    expect(meta).toMatchObject({ name: 'Quadrants', labels: quadrantNames, preprocessing });
    expect(meta.provenance).toMatchObject({
      converter: expect.stringMatching(/^kinglet \d/) as string,
      format: 'tflite',
      source: 'quadrants.tflite',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  it('reads preprocessing from a JSON file', async () => {
    const json = files.write('preprocessing.json', '{"kind":"image","channels":1,"scale":2,"offset":[1]}');
    expect((await kinglet('convert', source, '-o', files.at('p.klet'), '--preprocess', json)).code).toBe(0);
    expect(load('p.klet').meta.preprocessing).toEqual({ kind: 'image', channels: 1, scale: 2, offset: [1] });
  });

  it('prunes with and without samples, and records it in the provenance', async () => {
    const folder = files.folder('samples');
    for (let i = 0; i < 6; i++) files.write(`samples/${i}.bin`, corner(i));
    for (const options of [['--prune', '0.3', '--prune-pattern', 'weights'], ['--prune', 'logits=0.3',
      '--prune-pattern', 'weights', '--samples', folder, '--samples', files.at('samples/0.bin')]])
    {
      const { code, out } = await kinglet('convert', source, '-o', files.at('pruned.klet'), ...options);
      expect(code).toBe(0);
      expect(out).toMatch(/pruned +29\.7 % of 64 weights in 1 layer; \d layers? faster/);
      // the copy of the first sample does not count, and two of six are held out
      expect(load('pruned.klet').meta.provenance).toMatchObject({
        pruned: { samples: options.includes('--samples') ? 4 : 0 },
      });
    }
  });

  it('prunes channels, and lists the layers that must keep theirs with the reason', async () => {
    const { code, out } = await kinglet(
      'convert',
      source,
      '-o',
      files.at('channels.klet'),
      '--prune',
      '0.5',
      '--prune-pattern',
      'channels',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/pruned +channels of 0 layers; 1 could not lose any\n/);
    expect(out)
      .toMatch(/keeps its channels +because.*\n─+\nlogits +softmax "scores" does not work on each channel alone\n/);
    expect(load('channels.klet').meta.provenance).toMatchObject({ pruned: { sparsity: 0.5, pattern: 'channels' } });
  });

  it('lists and draws the sensitivity of each layer, and spares the most sensitive layers', async () => {
    const chart = files.at('sensitivity.svg');
    const { code, out, err } = await kinglet(
      'convert',
      source,
      '-o',
      files.at('spared.klet'),
      '--prune',
      '0.5',
      '--prune-pattern',
      'weights',
      '--prune-spare',
      '1',
      '--sensitivity',
      chart,
      '--samples',
      files.at('samples/1.bin'),
    );
    expect(code).toBe(0);
    expect(err).toMatch(/^kinglet: warning: 1 sample says little about the accuracy/);
    expect(out).toMatch(/compared +with the original on 1 sample, which the compression used too/);
    expect(out).toMatch(/layer +weights +error.*\n.*\n *logits +64 +\d\.\d{3} +spared/);
    expect(files.read('sensitivity.svg').toString()).toMatch(/^<svg [\s\S]*>logits<[\s\S]*<\/svg>\n$/);
    expect(load('spared.klet').meta.provenance).toMatchObject({ pruned: { spared: ['logits'] } });
  });

  it('factors low-rank layers of float networks', async () => {
    const float = files.write('float.tflite', quadrants());
    // four linearly independent rows of sixteen numbers
    const { code, out } = await kinglet('convert', float, '-o', files.at('thin.klet'), '--low-rank', '0.1');
    expect(code).toBe(0);
    expect(out).toMatch(/pruned +0 layers factored by low rank/);
    expect(load('thin.klet').meta.provenance).toMatchObject({ lowRank: 0.1 });
    expect((await kinglet('convert', source, '--low-rank', '0.1')).err)
      .toMatch(/are uint8; lowRank\(\) takes float32 networks/);
  });

  it.runIf(hasShared)('clusters the weights to a few values', async () => {
    const convert = (name: string, ...options: string[]) =>
      kinglet(
        'convert',
        path.join(shared, 'models/kws_dscnn_int8.tflite'),
        '-o',
        files.at(name),
        '--compact',
        ...options,
      );
    const { code, out } = await convert('clustered.klet', '--cluster', '32');
    expect(code).toBe(0);
    expect(out)
      .toMatch(/clustered +22\.\d k weights in \d+ layers to at most 32 values; largest error of a layer [345]\.\d %/);
    expect(load('clustered.klet').meta.provenance).toMatchObject({ clustered: 32 });
    await convert('whole.klet');
    expect(files.read('clustered.klet').length).toBeLessThan(0.82 * files.read('whole.klet').length);
    expect((await kinglet('convert', source, '-o', files.at('few.klet'), '--cluster', '16')).out)
      .toMatch(/clustered +no layer, because none with enough weights has more values/);
  });

  it('refuses pruning options that are out of range or have no effect', async () => {
    const refused = async (...options: string[]): Promise<string> =>
      (await kinglet('convert', source, '-o', files.at('no.klet'), ...options)).err;
    expect(await refused('--prune', '1'))
      .toMatch(/It must be a fraction of at least 0 and less than 1, or LAYER=FRACTION/);
    expect(await refused('--prune', '0.5', '--prune', 'logits=0.5'))
      .toMatch(/one fraction for all layers, or LAYER=FRACTION for each/);
    expect(await refused('--prune', 'pixels=0.5'))
      .toMatch(/there is no layer "pixels" to prune; there are #1 "logits"/);
    expect(await refused('--prune-scope', 'global'))
      .toMatch(/--prune-scope needs --prune, which says how much to prune/);
    expect(await refused('--prune', '0.5', '--prune-spare', '2'))
      .toMatch(/give --prune a single fraction, and --samples/);
    expect(await refused('--prune', '0.5', '--samples', files.at('samples/none.bin'))).toMatch(/none\.bin/);
    expect(existsSync(files.at('no.klet'))).toBe(false);
  });

  it.each([[['--frames', '3'], '--frames needs --stream'], [['--time-axis', '0'], '--time-axis needs --stream'], [[
    '--samples',
    files.at('few.txt'),
  ], '--samples needs an option that changes weights'], [['--golden', '1000000'], 'It must be at most 100.']])(
    'refuses %j, which would have no effect or no end',
    async (options, text) => {
      const { code, err } = await kinglet('convert', source, '-o', files.at('refused.klet'), ...options);
      expect(code).toBe(1);
      expect(err).toContain(text);
      expect(existsSync(files.at('refused.klet'))).toBe(false);
    },
  );

  it('stores golden cases that the file reproduces', async () => {
    const { out } = await kinglet('convert', source, '-o', files.at('golden.klet'), '--golden', '3');
    expect(out).toContain('all flavors reproduce its 3 golden cases');
    expect(load('golden.klet').selfTest()).toBe(3);
  });

  it('writes the same bytes when run twice', async () => {
    for (const name of ['once.klet', 'twice.klet']) {
      await kinglet('convert', source, '-o', files.at(name), '--golden', '2');
    }
    expect(files.read('once.klet').equals(files.read('twice.klet'))).toBe(true);
  });

  it('leaves out names with --strip', async () => {
    const { code, out } = await kinglet('convert', source, '-o', files.at('stripped.klet'), '--strip');
    expect(code).toBe(0);
    expect(out).not.toContain('fullyConnected');
    expect(readKlet(files.read('stripped.klet')).debugInfo).toBeUndefined();
    expect(files.read('stripped.klet').length).toBeLessThan(files.read('a.klet').length);
  });

  it('overwrites the output and leaves no temporary file', async () => {
    const folder = files.folder('tidy');
    const output = path.join(folder, 'x.klet');
    for (let i = 0; i < 2; i++) expect((await kinglet('convert', source, '-o', output)).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['x.klet']);
  });

  it('warns if the number of labels differs from the number of classes', async () => {
    const { code, err } = await kinglet(
      'convert',
      source,
      '-o',
      files.at('few.klet'),
      '--labels',
      files.write('few.txt', 'a\nb\nc\n'),
    );
    expect(code).toBe(0);
    expect(err).toMatch(/^kinglet: warning: there are 3 labels, but "scores" has 4;/);
  });

  it('accepts a sufficient memory limit and refuses an insufficient one', async () => {
    expect((await kinglet('convert', source, '-o', files.at('m.klet'), '--max-memory', '64K')).code).toBe(0);
    const { code, err } = await kinglet('convert', source, '-o', files.at('never.klet'), '--max-memory', '1.5K');
    expect(code).toBe(1);
    expect(err).toMatch(/^kinglet: OUT_OF_MEMORY: .*limit is 1536/);
    expect(existsSync(files.at('never.klet'))).toBe(false);
  });

  it('lists every unsupported operator and writes nothing', async () => {
    const { code, out, err } = await kinglet(
      'convert',
      files.write('odd.tflite', unsupported()),
      '-o',
      files.at('odd.klet'),
    );
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^kinglet: UNSUPPORTED_OP: /);
    for (const text of ['Frobnicate (2): "a", "y"', 'Twiddle (1): "b"']) expect(err).toContain(text);
    expect(existsSync(files.at('odd.klet'))).toBe(false);
  });

  it.each<[string, string | Uint8Array, string]>([['HDF5 as text', '\ufffdHDF\r\n', 'HDF5 file'], ['a ZIP',
    'PK\x03\x04....', 'ZIP archive'], ['a photo', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'is an image'], [
    'a Git LFS pointer',
    'version https://git-lfs.github.com/spec/v1',
    'git lfs pull',
  ], ['JSON', '{"error": "not found"}', 'looks like JSON'], ['HTML', '<!DOCTYPE html>', 'HTML'], ['nothing', '',
    'is empty'], ['noise', 'noise noise', 'an unknown format'], ['a pickle', Uint8Array.of(0x80, 2, 0x8a), 'PyTorch']])(
      'names the format of a file that is not a network: %s',
      async (_, content, text) => {
        const { code, err } = await kinglet('convert', files.write('thing', content), '-o', files.at('thing.klet'));
        expect(code).toBe(1);
        expect(err).toMatch(/^kinglet: BAD_MAGIC: /);
        expect(err).toContain(text);
      },
    );

  it('takes a folder with a model.json for that file', async () => {
    const node = (name: string, op: string, input: string[], attr: object) => ({ name, op, input, attr });
    const float = { type: 'DT_FLOAT' };
    const nodes = [
      node('x', 'Placeholder', [], { dtype: float, shape: { shape: { dim: [{ size: '2' }, { size: '3' }] } } }),
      node('y', 'Neg', ['x'], { T: float }),
    ];
    const model = { format: 'graph-model', modelTopology: { node: nodes }, weightsManifest: [] };
    mkdirSync(files.at('web'));
    files.write('web/model.json', JSON.stringify(model));
    const { code } = await kinglet('convert', files.at('web'), '-o', files.at('web.klet'));
    expect(code).toBe(0);
    expect((await kinglet('inspect', files.at('web'))).out).toContain('[2, 3]');
  });

  it.each([[['--preprocess', '{"kind":'], 'BAD_ARGUMENT: --preprocess is not JSON'], [['--preprocess',
    '{"kind":"sound"}'], 'BAD_ARGUMENT: preprocessing has the kind "sound"'], [['--preprocess',
    '{"kind":"image","channels":3,"scale":1,"offset":0}'], 'SHAPE_MISMATCH: input "image"'], [['--labels',
    'missing.txt'], 'FETCH_FAILED: cannot read "missing.txt"'], [['-o', files.at('no/such/folder/x.klet')],
    'BAD_ARGUMENT: cannot write'], [['-o', files.at('.')], 'it is a directory'], [['-o', source],
    'is the input file']])('refuses %j', async (options, text) => {
      const { code, err } = await kinglet('convert', source, '-o', files.at('refused.klet'), ...options);
      expect(code).toBe(1);
      expect(err).toContain(text);
      expect(existsSync(files.at('refused.klet'))).toBe(false);
    });

  describe('of a .klet file', () => {
    const again = (...options: string[]) =>
      kinglet('convert', files.at('first.klet'), '-o', files.at('second.klet'), ...options);

    it('changes labels, preprocessing and name, and keeps the answers', async () => {
      await kinglet('convert', source, '-o', files.at('first.klet'), '--golden', '2');
      const labels = files.write('labels.txt', quadrantNames.join('\n'));
      const preprocessing = { kind: 'image', channels: 1, scale: 2, offset: 0 };
      const { code, out, err } = await again(
        '--labels',
        labels,
        '--preprocess',
        JSON.stringify(preprocessing),
        '--name',
        'Q',
      );
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/read .*first\.klet[\s\S]*wrote .*second\.klet[\s\S]*reproduce its 2 golden cases/);
      const { meta } = load('second.klet');
      expect(meta).toMatchObject({ name: 'Q', labels: quadrantNames, preprocessing });
      expect(meta.provenance).toEqual(load('first.klet').meta.provenance);
    });

    it('makes it compact, strips it and stores golden cases', async () => {
      expect((await again('--compact', '--strip', '--golden', '1')).code).toBe(0);
      const { debugInfo } = readKlet(files.read('second.klet'));
      expect(debugInfo).toBeUndefined();
      expect(load('second.klet').selfTest()).toBe(1);
      expect(files.read('second.klet').length).toBeLessThan(files.read('first.klet').length);
    });

    it.each([['--prune', '0.5'], ['--cluster', '4'], ['--low-rank', '0.1'], ['--stream']])(
      'refuses %s, which needs the original network',
      async (...options) => {
        const { code, err } = await again(...options);
        expect(code).toBe(1);
        expect(err)
          .toMatch(new RegExp(`^kinglet: BAD_ARGUMENT: ${
            options[0]
          } changes the network, but ".*first\\.klet" holds a compiled one; `
            + 'convert the original network \\(quadrants\\.tflite\\) again\\. A \\.klet file takes --name, --labels'));
      },
    );

    it('refuses to change nothing, to overwrite its input, and a memory limit that is too low', async () => {
      expect((await again()).err)
        .toMatch(/is already a \.klet file, and no option changes it; it takes --name, --labels/);
      expect((await kinglet('convert', files.at('first.klet'), '--compact')).err).toMatch(/is the input file/);
      expect((await again('--compact', '--max-memory', '1.5K')).err).toMatch(/OUT_OF_MEMORY/);
    });
  });

  it.skipIf(!hasShared)('converts a keyword spotter to less than its .tflite (needs ../shared/models)', async () => {
    const { code, out } = await kinglet(
      'convert',
      path.join(shared, 'models/kws_dscnn_int8.tflite'),
      '-o',
      files.at('kws.klet'),
      '--golden',
      '1',
    );
    expect(code).toBe(0);
    expect(out).toContain('depthwiseConv2d');
    expect(files.read('kws.klet').length).toBeLessThan(53936);
  });
});

describe('convert --c', () => {
  const klet = path.resolve(import.meta.dirname, '../../models/digits/digits.klet');

  it('writes only the C files, and says what memory they need', async () => {
    const { code, out, err } = await kinglet('convert', source, '--c', files.at('c/deep'));
    expect([code, err]).toEqual([0, '']);
    expect(readdirSync(files.at('c/deep')).sort()).toEqual(['quadrants.c', 'quadrants.h']);
    expect(String(files.read('c/deep/quadrants.h'))).toContain('kinglet_quadrants_predict(const uint8_t *input');
    expect(out).toMatch(/C +.*quadrants\.c, .*quadrants\.h\n +\d.* of constants, \d.* of RAM: arena \d/);
    expect(out).not.toContain('wrote');
  });

  it('also writes the .klet file that -o names', async () => {
    const { code, out } = await kinglet(
      'convert',
      source,
      '--c',
      files.at('both'),
      '-o',
      files.at('both/x.klet'),
      '--golden',
      '2',
      '--name',
      'Both nets',
    );
    expect(code).toBe(0);
    expect(out).toContain('wrote');
    expect(readdirSync(files.at('both')).sort()).toEqual(['both_nets.c', 'both_nets.h', 'x.klet']);
    expect(String(files.read('both/both_nets.c'))).toContain('int kinglet_both_nets_self_test(void)');
  });

  it('takes a .klet file as it is, or with another name', async () => {
    expect((await kinglet('convert', klet, '--c', files.at('own'))).code).toBe(0);
    expect((await kinglet('convert', klet, '--c', files.at('own'), '--name', 'other')).code).toBe(0);
    expect(readdirSync(files.at('own')).sort()).toEqual(['digits.c', 'digits.h', 'other.c', 'other.h']);
  });

  it('refuses operators without a C form before it writes anything', async () => {
    const b = new GraphBuilder('extra');
    const x = b.input('x', [1, 4]);
    const y = b.node('cumsum', [x], { axis: 1, exclusive: false, reverse: false }, { name: 'running' });
    const extra = files.write('extra.klet', compile(b.finish([y])));
    const { code, err } = await kinglet(
      'convert',
      extra,
      '--c',
      files.at('none'),
      '-o',
      files.at('none.klet'),
      '--name',
      'n',
    );
    expect(code).toBe(1);
    expect(err).toContain('cumsum "running": no C form');
    expect([existsSync(files.at('none')), existsSync(files.at('none.klet'))]).toEqual([false, false]);
  });

  it('refuses standard output, and a folder that is a file', async () => {
    expect((await kinglet('convert', source, '--c', '-')).err).toContain('--c takes a folder');
    const { code, err } = await kinglet('convert', source, '--c', files.write('file', 'x'));
    expect(code).toBe(1);
    expect(err).toContain('cannot make the folder');
  });
});

describe('convert --script', () => {
  const klet = path.resolve(import.meta.dirname, '../../models/digits/digits.klet');

  it('writes one script with the weights inside, and says what it needs', async () => {
    const { code, out, err } = await kinglet('convert', klet, '--script', files.at('digits.js'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/script +.*digits\.js\n +variable digits; \d.* of code, \d.* of data, \d.* of arena in RAM/);
    expect(String(files.read('digits.js'))).toMatch(/^\/\/ digits.*, by kinglet\nvar digits=/);
  });

  it('writes the weights apart, and a .klet file that -o names', async () => {
    const { code } = await kinglet(
      'convert',
      klet,
      '--script',
      files.at('apart.js'),
      '--weights',
      files.at('apart.bin'),
      '-o',
      files.at('apart.klet'),
      '--name',
      'other',
    );
    expect(code).toBe(0);
    expect(files.read('apart.bin').length).toBeGreaterThan(20_000);
    expect(files.read('apart.js').length).toBeLessThan(16_000);
    expect(loadSync(files.read('apart.klet')).meta.name).toBe('other');
  });

  it('refuses float32 networks before it writes anything', async () => {
    const b = new GraphBuilder('floats');
    const x = b.input('x', [1, 4]);
    const float = files.write('float.klet', compile(b.finish([b.node('softmax', [x], { beta: 1 }, { name: 'y' })])));
    const { code, err } = await kinglet('convert', float, '--script', files.at('no.js'), '--name', 'n');
    expect(code).toBe(1);
    expect(err).toContain('y (softmax, float32)');
    expect(existsSync(files.at('no.js'))).toBe(false);
  });

  it('refuses standard output, one file for both, and weights without a script', async () => {
    expect((await kinglet('convert', klet, '--script', '-')).err).toContain('cannot go to standard output');
    expect((await kinglet('convert', klet, '--weights', files.at('w'))).err).toContain('--weights needs --script');
    const same = await kinglet('convert', klet, '--script', files.at('w'), '--weights', files.at('w'));
    expect(same.err).toContain('name the same file');
  });
});
