import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readKlet } from '../../src/compiler';
import { loadSync } from '../../src/index';
import { corner, kinglet, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const source = files.write('quadrants.tflite', quadrants());
const folder = files.folder('samples');
for (let i = 0; i < 60; i++) {
  const sample = Float32Array.from(corner(i), (value) => value / 255);
  files.write(`samples/${String(i).padStart(2, '0')}.bin`, new Uint8Array(sample.buffer));
}

const convert = (name: string, ...options: string[]) =>
  kinglet('convert', source, '-o', files.at(name), '--int8', ...options);
const load = (name: string) => loadSync(new Uint8Array(files.read(name)));

describe('convert --int8', () => {
  it('writes an int8 network, and says what it cost', async () => {
    const { code, out, err } = await convert('int8.klet', '--samples', folder);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/quantized +2 operators to int8, weights of 8 bits\n/);
    expect(out)
      .toContain('compared   with the original on 15 samples that the compression did not see; it used 45 others');
    expect(out).toMatch(/scores +15 of 15 +100\.0 %/);
    expect(out).toMatch(/error of the outputs if only this layer is int8, on 15 samples:\nlayer +operator +bits +SQNR/);
    const model = load('int8.klet');
    expect(model.inputs[0]!.dtype).toBe('int8');
    expect(model.meta.provenance).toMatchObject({ quantized: { samples: 45 } });
    // for drift() of a monitor
    expect(model.meta.reference).toMatchObject({ version: 1, predictions: 45, inputs: { image: { outside: 0 } } });
  });

  it('says what to give as samples, and why', async () => {
    const { code, err } = await convert('none.klet');
    expect(code).toBe(1);
    expect(err).toMatch(/--int8 needs --samples: an int8 activation has 256 steps/);
    expect(err).toContain('100 to 300 typical inputs for "image" (float32 [1, 4, 4, 1]): a folder of images');
    expect(err).toMatch(/\n {2}kinglet convert .*quadrants\.tflite --int8 --samples images\/\n/);
  });

  it('takes bits, layers to keep, and float inputs and outputs', async () => {
    const { code, out } = await convert(
      'kept.klet',
      '--samples',
      folder,
      '--weight-bits',
      '4',
      '--keep',
      'sc*',
      '--float-io',
      '--calibration',
      'mse',
      '--rounding',
      'nearest',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/quantized +1 operator to int8, weights of 4 bits; 1 operator in float32/);
    expect(out).toContain('in float32: scores (softmax, named by --keep)');
    const model = load('kept.klet');
    expect([model.inputs[0]!.dtype, model.outputs[0]!.dtype]).toEqual(['float32', 'float32']);
    expect(model.meta.provenance).toMatchObject({
      quantized: { weightBits: 4, keep: ['sc*'], floatIo: true, calibration: 'mse', rounding: 'nearest' },
    });
  });

  it('keeps what has to stay with --keep auto, and more by name', async () => {
    const { code, out, err } = await convert('auto.klet', '--samples', folder, '--keep', 'auto', '--keep', 'sc*');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('in float32: scores (softmax, named by --keep)');
    expect(out)
      .toMatch(/--keep auto: nothing, the outputs reach the goal without \(100\.0 % of the best classes on \d/);
    expect(load('auto.klet').meta.provenance).toMatchObject({ quantized: { keep: ['auto', 'sc*'] } });
    const { out: json } = await convert('auto.klet', '--samples', folder, '--keep', 'auto', '--json');
    expect(JSON.parse(json)).toMatchObject({ auto: { reached: true, layers: [] } });
  });

  it('takes bits by layer, by the name that tables show or by number', async () => {
    for (const layer of ['logits', '#0', 'log*']) {
      const { out, err } = await convert('bits.klet', '--samples', folder, '--weight-bits', `${layer}=7`);
      expect(err).toBe('');
      expect(out).toMatch(/quantized +2 operators to int8, weights of 7 bits/);
    }
    const { err } = await convert('bits.klet', '--samples', folder, '--weight-bits', 'scores=7');
    expect(err).toMatch(/there is no layer "scores" to quantize; there are .*"logits"/);
  });

  it('takes int16 activations, and leaves channels as they are', async () => {
    const { code, err } = await convert('wide.klet', '--samples', folder, '--activation-bits', '16', '--no-equalize');
    expect([code, err]).toEqual([0, '']);
    expect(load('wide.klet').meta.provenance).toMatchObject({ quantized: { activationBits: 16, equalize: false } });
  });

  it('writes a page without addresses, and JSON', async () => {
    const page = files.at('report.html');
    const { code, out } = await convert('reported.klet', '--samples', folder, '--report', page, '--json');
    expect(code).toBe(0);
    const html = files.read('report.html').toString();
    for (const text of ['quadrants in int8', '>Layers<', '>Ranges<', '>Size and time<', '<svg role="img"',
      '>logits<'])
    {
      expect(html).toContain(text);
    }
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    const found = JSON.parse(out) as Record<string, unknown>;
    expect(found).toMatchObject({
      written: true,
      output: files.at('reported.klet'),
      fileBytes: files.read('reported.klet').length,
      fitted: 45,
      compared: 15,
      comparison: { samples: 15, outputs: [{ name: 'scores', agreement: 1 }] },
    });
    expect(found.layers).toHaveLength(2);
    expect(found.tensors).toContainEqual(expect.objectContaining({ name: 'logits', dtype: 'int8' }));
  });

  it('writes nothing if more is lost than --max-loss allows, unless it is forced', async () => {
    const strict = ['--samples', folder, '--max-loss', '99dB'];
    const { code, out, err } = await convert('lost.klet', ...strict, '--report', files.at('lost.html'));
    expect([code, out]).toEqual([2, '']);
    expect(err)
      .toMatch(/^kinglet: ".*lost\.klet" was not written: "scores" has an SQNR of \d+\.\d dB; --max-loss asks/);
    expect(err).toContain('docs/quantization.md');
    expect(existsSync(files.at('lost.klet'))).toBe(false);
    expect(existsSync(files.at('lost.html'))).toBe(true);
    const forced = await convert('lost.klet', ...strict, '--force');
    expect(forced.code).toBe(0);
    expect(forced.err).toMatch(/^kinglet: warning: written because of --force, although "scores" has an SQNR/);
    expect((await convert('fine.klet', '--samples', folder, '--max-loss', '0.5')).code).toBe(0);
  });

  it('combines with pruning and clustering', async () => {
    const { code, out } = await convert(
      'all.klet',
      '--samples',
      folder,
      '--prune',
      '0.1',
      '--prune-pattern',
      'weights',
      '--cluster',
      '4',
      '--compact',
    );
    expect(code).toBe(0);
    for (const line of [/pruned +\d/, /quantized +2 operators/, /clustered +\d+ weights in 1 layer/]) {
      expect(out).toMatch(line);
    }
    const { meta } = readKlet(new Uint8Array(files.read('all.klet')));
    expect(Object.keys(meta.provenance as object))
      .toEqual(expect.arrayContaining(['pruned', 'quantized', 'clustered']));
  });

  it('limits the samples', async () => {
    const { out } = await convert('few.klet', '--samples', folder, '--max-samples', '20');
    expect(out).toContain('on 5 samples that the compression did not see; it used 15 others');
  });

  it('refuses options that need others', async () => {
    const messages = async (...options: string[]): Promise<string> =>
      (await kinglet('convert', source, ...options)).err;
    expect(await messages('--weight-bits', '4')).toMatch(/--weight-bits needs --int8/);
    expect(await messages('--report', 'x.html')).toMatch(/--report needs --int8/);
    expect(await messages('--max-loss', '1')).toMatch(/--max-loss needs --samples/);
    expect(await messages('--int8', '--max-loss', 'much')).toMatch(/must be points, such as 0\.5/);
    expect(await messages('--int8', '--weight-bits', '5')).toMatch(/must be 8, 7 or 4/);
    expect((await convert('x.klet', '--samples', folder, '--keep', 'lorem')).err).toMatch(/no layer "lorem" to keep/);
  });
});
