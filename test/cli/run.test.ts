import path from 'node:path';
import { dump, parse } from 'npyjs';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { hasShared, shared } from '../helpers/shared';
import { floats, kinglet, largest, pair, quadrantNames, quadrants, temporaryFolder } from './cli';

const files = temporaryFolder();
const tflite = files.write('quadrants.tflite', quadrants('uint8'));
const floatNet = files.write('float.tflite', quadrants('float'));
const pairNet = files.write('pair.klet', pair());
const labels = files.write('labels.txt', quadrantNames.join('\n'));

/** A gray 8×8 image with one white quadrant. */
function imageFile(name: string, quadrant: number): string {
  const image = new PNG({ width: 8, height: 8 });
  for (let i = 0; i < 64; i++) image.data.fill((i >> 5) * 2 + ((i >> 2) & 1) === quadrant ? 255 : 0, i * 4, i * 4 + 3);
  for (let i = 0; i < 64; i++) image.data[i * 4 + 3] = 255;
  return files.write(name, PNG.sync.write(image));
}

const npy = (name: string, ...[array, shape, options]: Parameters<typeof dump>): string =>
  files.write(name, new Uint8Array(dump(array, shape, options)));
const json = async (
  ...argv: string[]
): Promise<
  { outputs: { name: string; values: number[]; top?: { label: string; index: number }[] }[]; flavor: string;
    medianMs: number }
> => {
  const { code, out, err } = await kinglet('run', ...argv, '--json');
  expect([code, err.replace(/^kinglet: note: .*\n$/, '')]).toEqual([0, '']);
  return JSON.parse(out) as Awaited<ReturnType<typeof json>>;
};

describe('run with an image', () => {
  it.each([0, 1, 2, 3])('lists the correct label first for quadrant %i', async (quadrant) => {
    const { code, out, err } = await kinglet(
      'run',
      tflite,
      '--input',
      imageFile('q.png', quadrant),
      '--labels',
      labels,
    );
    expect(code).toBe(0);
    expect(err).toMatch(/^kinglet: note: ".*q\.png" \(8×8\) stretched to 4×4, gray, bytes 0\.\.255: assumed, .*\n$/);
    expect(out).toContain('scores: 4 classes');
    expect(out).toMatch(new RegExp(`1\\. +${quadrantNames[quadrant]!} +${quadrant} +0\\.\\d{4} +#+`));
    expect(out).toMatch(/ms a prediction \(median of \d+, simd\)/);
  });

  it('uses the labels and preprocessing of the file', async () => {
    await kinglet(
      'convert',
      floatNet,
      '-o',
      files.at('inverted.klet'),
      '--labels',
      labels,
      '--preprocess',
      '{"kind":"image","channels":1,"scale":0.00392157,"offset":0,"invert":true}',
    );
    const { outputs } = await json(files.at('inverted.klet'), '--input', imageFile('dark.png', 2));
    // when inverted, the white quadrant is the dark one
    expect(outputs[0]!.top!.map(({ label }) => label).at(-1)).toBe('lower left');
  });

  it('lists class numbers without labels, and the number of classes in --top', async () => {
    const { out } = await kinglet('run', floatNet, '-i', imageFile('q.png', 3), '--top', '2');
    expect(out).toMatch(/1\. +3 +0\.\d{4}/);
    expect(out).not.toMatch(/^3\. /m);
  });

  it('refuses an image for an input of another shape', async () => {
    const { code, err } = await kinglet(
      'run',
      pairNet,
      '--input',
      imageFile('q.png', 0),
      '--input',
      imageFile('q.png', 0),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/^kinglet: SHAPE_MISMATCH: input "left" has the shape \[1, 4\], which is not one image/);
  });

  it('refuses a damaged image', async () => {
    expect((await kinglet('run', tflite, '--input', files.write('bad.png', '\x89PNG....'))).err).toContain('kinglet: ');
  });
});

describe('run with arrays', () => {
  const left = npy('left.npy', Float32Array.of(1, 2, 3, 4), [1, 4]);
  const right = npy('right.npy', Float32Array.of(10, 20, 30, 40), [4]);

  it('reads several inputs in order', async () => {
    const { outputs } = await json(pairNet, '--input', left, '--input', right);
    expect(outputs.map(({ name, values }) => [name, values])).toEqual([['sum', [11, 22, 33, 44]], ['product', [10, 40,
      90, 160]]]);
  });

  it('reads inputs by name, mixed with unnamed ones', async () => {
    expect((await json(pairNet, '--input', left, '--input', `left=${right}`)).outputs[0]!.values).toEqual([11, 22, 33,
      44]);
    expect((await json(pairNet, '--input', `right=${left}`, '--input', `left=${right}`)).outputs[1]!.values).toEqual([
      10,
      40,
      90,
      160,
    ]);
  });

  it('reads raw bytes', async () => {
    expect((await json(
      pairNet,
      '--input',
      files.write('l.bin', floats(1, 2, 3, 4)),
      '--input',
      files.write('r', floats(0, 0, 0, 1)),
    )).outputs[1]!.values).toEqual([0, 0, 0, 4]);
  });

  it('converts float64, float16 and integer arrays to float32', async () => {
    expect((await json(
      pairNet,
      '-i',
      npy('d.npy', Float64Array.of(1, 2, 3, 4), [4]),
      '-i',
      npy('i.npy', BigInt64Array.of(1n, 1n, 1n, 1n), [1, 4]),
    )).outputs[0]!.values).toEqual([2, 3, 4, 5]);
    const half = new Uint8Array(dump(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400), [4]));
    files.write('h.npy', Buffer.from(Buffer.from(half).toString('latin1').replace('<u2', '<f2'), 'latin1'));
    expect((await json(pairNet, '-i', files.at('h.npy'), '-i', left)).outputs[0]!.values).toEqual([2, 4, 6, 8]);
  });

  it('reads raw or real values for quantized inputs', async () => {
    const bytes = Array.from({ length: 16 }, (_, i) => (i < 2 ? 255 : 0));
    const fromRaw = await json(tflite, '-i', npy('raw.npy', Uint8Array.from(bytes), [1, 4, 4, 1]));
    const fromReal = await json(tflite, '-i', npy('real.npy', Float32Array.from(bytes, (v) => v / 255), [4, 4]));
    expect(fromReal.outputs[0]!.values).toEqual(fromRaw.outputs[0]!.values);
  });

  it('prints integers exactly', async () => {
    const x = npy('x.npy', Float32Array.of(0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0, 9), [3, 4]);
    const net = files.write('largest.klet', largest());
    const { out } = await kinglet('run', net, '-i', x);
    expect(out).toContain('index: int64 [3]\n  1, 0, 3\n  smallest 0, largest 3');
  });

  it.each<[string, () => string, RegExp]>([['the wrong shape', () => npy('e.npy', new Float32Array(4), [2, 2]),
    /SHAPE_MISMATCH: .* has the shape \[2, 2\]; input "left" takes \[1, 4\]/], ['the wrong size',
    () => npy('e.npy', new Float32Array(5), [5]), /SHAPE_MISMATCH/], ['complex numbers',
    () => npy('e.npy', new Float32Array(8), [4], { dtype: 'c8' }),
    /TYPE_MISMATCH: .* holds complex64; input "left" takes float32/], ['NaN',
    () => npy('e.npy', Float32Array.of(1, NaN, 1, 1), [4]), /NOT_A_NUMBER: input "left" holds NaN at index 1/], [
    'half a file',
    () => files.write('e.npy', new Uint8Array(dump(new Float32Array(4), [4])).subarray(0, 70)),
    /CORRUPT/,
  ], ['raw bytes of another size', () => files.write('e.bin', new Uint8Array(3)),
    /SHAPE_MISMATCH: e\.bin has 3 bytes .* expected 16, the raw bytes of "left" \(float32 \[1, 4\]\)/], [
    'a file that is not there',
    () => files.at('none.npy'),
    /FETCH_FAILED/,
  ]])('refuses an array with %s', async (_, make, expected) => {
    const { code, err } = await kinglet('run', pairNet, '-i', make(), '-i', right);
    expect(code).toBe(1);
    expect(err).toMatch(expected);
  });

  it('refuses integers of another type for a quantized input', async () => {
    expect((await kinglet('run', tflite, '-i', npy('i.npy', Int32Array.from({ length: 16 }, () => 1), [16]))).err)
      .toMatch(/TYPE_MISMATCH: .* holds int32; input "image" takes uint8 \(raw\) or floats/);
  });

  it('refuses an array in Fortran order', async () => {
    const fortran = Buffer.from(dump(new Float32Array(16), [4, 4])).toString('latin1').replace('False', 'True ');
    expect((await kinglet('run', tflite, '-i', files.write('f.npy', Buffer.from(fortran, 'latin1')))).err)
      .toContain('Fortran order');
  });

  it.each([[[],
    'MISSING_INPUT: the network takes "left" (float32 [1, 4]), "right" (float32 [1, 4]); give a file for each'], [['-i',
    left], 'give "right" too'], [['-i', left, '-i', left, '-i', left], 'got 3 inputs; the network takes 2'], [['-i',
    `left=${left}`, '-i', `left=${left}`], 'input "left" is given twice']])(
      'counts its inputs: %j',
      async (argv, text) => {
        const { code, err } = await kinglet('run', pairNet, ...argv);
        expect(code).toBe(1);
        expect(err).toContain(text);
      },
    );
});

describe('run --raw', () => {
  it('reads and writes raw tensor bytes, concatenated in order', async () => {
    const input = files.write('in.bin', Buffer.concat([floats(1, 2, 3, 4), floats(5, 6, 7, 8)]));
    const { code, out } = await kinglet('run', pairNet, '--raw', '--input', input, '--output', files.at('out.bin'));
    expect(code).toBe(0);
    expect(out).toContain('32 bytes');
    expect(files.read('out.bin')).toEqual(Buffer.concat([floats(6, 8, 10, 12), floats(5, 12, 21, 32)]));
  });

  it('writes the values of quantized types', async () => {
    const input = files.write('u8.bin', Uint8Array.from({ length: 16 }, (_, i) => (i >= 8 && i % 4 > 1 ? 255 : 0)));
    await kinglet('run', tflite, '--raw', '--input', input, '--output', files.at('scores.bin'));
    const scores = files.read('scores.bin');
    expect(scores).toHaveLength(4);
    expect(scores.indexOf(Math.max(...scores))).toBe(3);
  });

  it('writes int64 values of 8 bytes', async () => {
    await kinglet(
      'run',
      files.write('largest.klet', largest()),
      '--raw',
      '-i',
      files.write('x.bin', floats(0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0, 9)),
      '-o',
      files.at('index.bin'),
    );
    expect(new BigInt64Array(new Uint8Array(files.read('index.bin')).buffer)).toEqual(BigInt64Array.of(1n, 0n, 3n));
  });

  it('reads bytes that look like an image as raw bytes', async () => {
    const bytes = new Uint8Array(16);
    bytes.set([0x42, 0x4d]);
    expect((await kinglet('run', tflite, '--raw', '-i', files.write('bm.bmp', bytes))).code).toBe(0);
  });

  it('reports the expected number of bytes', async () => {
    const { code, err } = await kinglet(
      'run',
      pairNet,
      '--raw',
      '-i',
      files.write('short.bin', floats(1, 2, 3)),
      '-o',
      files.at('never.bin'),
    );
    expect(code).toBe(1);
    expect(err).toMatch(/SHAPE_MISMATCH: short\.bin has 12 bytes .* expected 32/);
  });

  it('computes the same outputs in every flavor', async () => {
    const input = files.write('noise.bin', Uint8Array.from({ length: 16 }, (_, i) => (i * 53) % 256));
    for (const flavor of ['simd', 'scalar']) {
      const { out } = await kinglet('run', tflite, '--raw', '-i', input, '-o', files.at(flavor), '--flavor', flavor);
      expect(out).toContain(`, ${flavor})`);
    }
    expect(files.read('simd').equals(files.read('scalar'))).toBe(true);
  });
});

describe('run --output', () => {
  const inputs = ['-i', files.write('a.bin', floats(1, 2, 3, 4)), '-i', files.write('b.bin', floats(1, 1, 1, 2))];
  const array = (name: string) => parse(new Uint8Array(files.read(name)).buffer);

  it('writes one .npy file per named output', async () => {
    const { code } = await kinglet(
      'run',
      pairNet,
      ...inputs,
      '-o',
      `product=${files.at('product.npy')}`,
      '-o',
      `sum=${files.at('sum.npy')}`,
    );
    expect(code).toBe(0);
    expect(array('product.npy')).toMatchObject({ data: Float32Array.of(1, 2, 3, 8), shape: [1, 4], dtype: 'f4' });
    expect(array('sum.npy').data).toEqual(Float32Array.of(2, 3, 4, 6));
  });

  it("writes real numbers without --raw, and the network's type with it", async () => {
    const input = files.write('zeros.bin', new Uint8Array(16));
    await kinglet('run', tflite, '-i', input, '-o', files.at('real.npy'));
    expect(array('real.npy')).toMatchObject({ dtype: 'f4', data: Float32Array.of(0.25, 0.25, 0.25, 0.25) });
    await kinglet('run', tflite, '--raw', '-i', input, '-o', files.at('raw.npy'));
    expect(array('raw.npy')).toMatchObject({ dtype: 'u1', shape: [1, 4], data: Uint8Array.of(64, 64, 64, 64) });
  });

  it('refuses one .npy file for several outputs', async () => {
    const { code, err } = await kinglet('run', pairNet, ...inputs, '-o', files.at('both.npy'));
    expect(code).toBe(1);
    expect(err).toContain(`--output sum=${files.at('both.npy')}`);
  });
});

describe.skipIf(!hasShared)('run of real networks (needs ../shared/models)', () => {
  it('finds a macaw in the image of a parrot', async () => {
    const { code, out } = await kinglet(
      'run',
      path.join(shared, 'models/mobilenet_v2_100_224_uint8.tflite'),
      '--input',
      path.join(shared, 'data/photos/parrot.jpg'),
      '--labels',
      path.join(shared, 'models/imagenet_labels.txt'),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/1\. +macaw +89 +0\.\d+/);
  });
});
