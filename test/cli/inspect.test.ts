import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasShared, shared } from '../helpers/shared';
import { chain, kinglet, pair, quadrantNames, quadrants, temporaryFolder, unsupported } from './cli';
import { writeTfjs } from '../importers/tfjs/writer';

const files = temporaryFolder();
const source = files.write('quadrants.tflite', quadrants('uint8'));

describe('inspect', () => {
  it('lists tensors, operators and totals of a .klet file', async () => {
    await kinglet(
      'convert',
      source,
      '-o',
      files.at('full.klet'),
      '--labels',
      files.write('labels.txt', quadrantNames.join('\n')),
      '--golden',
      '2',
      '--preprocess',
      '{"kind":"image","channels":1,"scale":0.00390625,"offset":0}',
    );
    const { code, out, err } = await kinglet('inspect', files.at('full.klet'));
    expect([code, err]).toEqual([0, '']);
    for (const text of ['network  quadrants', 'labels   4: upper left · upper right · lower left · …',
      '1 channel, bytes × 0.00390625 + 0', 'converter  kinglet', 'source     quadrants.tflite', '2 cases',
      'image   uint8  [1, 4, 4, 1]  0.003921569', 'scores  uint8  [1, 4]        0.00390625', 'fullyConnected',
      'softmax', '% MACs', 'MACs', 'page of 64 KiB', 'arena', 'scratch']) expect(out).toContain(text);
  });

  it('describes the .klet file that a .tflite file converts to', async () => {
    const { code, out } = await kinglet('inspect', source);
    expect(code).toBe(0);
    expect(out).toMatch(/quadrants\.tflite, .*; as \.klet /);
    expect(out).toContain('fullyConnected');
  });

  it.runIf(hasShared)('prints the remaining weights of pruned layers and the size of a compact file', async () => {
    const network = path.join(shared, 'models/kws_dscnn_int8.tflite');
    const bits = (out: string): number => Number(/([\d.]+) bits per weight/.exec(out)![1]);
    await kinglet('convert', network, '-o', files.at('pruned.klet'), '--prune', '0.8', '--compact');
    const { out } = await kinglet('inspect', files.at('pruned.klet'));
    const lines = [/weights {4}[\d.]+ KiB, entropy-coded in [\d.]+ KiB: [\d.]+ bits per byte/,
      /pruned {5}\d+ layers? with 2\d\.\d % of [\d.]+ k weights left, .* bits per weight/, /sections .* CODED /];
    expect(out).toMatch(new RegExp(lines.map(({ source }) => source).join('\\n')));
    expect(bits(out)).toBeGreaterThan(1.6 + 0.8);
    expect(bits(out)).toBeLessThan(6);
    expect((await kinglet('inspect', network)).out).not.toContain('bits per weight');
  });

  it('does not exceed the width of the terminal', async () => {
    const { out } = await kinglet('inspect', files.write('chain.klet', chain(20)));
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('says which information a stripped file lacks', async () => {
    const stripped = files.write('stripped.klet', pair({ debugInfo: false }));
    expect((await kinglet('inspect', stripped)).out)
      .toContain('converted with --strip, so it does not name its operators');
    expect((await kinglet('inspect', stripped, '--memory')).err).toContain('BAD_ARGUMENT');
  });

  it('prints everything as JSON with --json', async () => {
    const { code, out } = await kinglet(
      'inspect',
      files.write('pair.klet', pair({ meta: { accuracy: { top1: 0.5 }, licence: 'none' } })),
      '--json',
    );
    expect(code).toBe(0);
    const all = JSON.parse(out) as Record<string, unknown> & { memory: Record<string, number>; operators: unknown[];
      arena: unknown[] };
    expect(all).toMatchObject({
      format: 'klet',
      name: 'pair',
      accuracy: { top1: 0.5 },
      licence: 'none',
      goldenCases: 0,
      inputs: [{ name: 'left', dtype: 'float32', shape: [1, 4] }, { name: 'right' }],
      outputs: [{ name: 'sum' }, { name: 'product' }],
    });
    expect(all.operators).toHaveLength(2);
    expect(all.operators[0]).toMatchObject({ index: 0, name: 'sum', op: 'add', shape: [1, 4] });
    expect(all.arena).toHaveLength(4);
    const { total, ...parts } = all.memory;
    expect(Object.values(parts).reduce((a, b) => a + b)).toBe(total);
  });
});

describe.runIf(hasShared)('inspect of a network in strips', () => {
  const klet = files.at('strips.klet');

  it('adds up the records of a layer, and says what the strips save', async () => {
    const network = path.join(shared, 'models/person_detect_int8.tflite');
    expect((await kinglet('convert', network, '-o', klet, '--less-memory')).code).toBe(0);
    const { out } = await kinglet('inspect', klet);
    expect(out).toMatch(/strips {5}8 operators in .* strips of rows; the arena takes .* instead of 54\.0 KiB/);
    expect(out.match(/Conv2d_1_pointwise\/Relu6 +conv2d +\[1, 48, 48, 16\]/g)).toHaveLength(1);
    const { strips, operators } = JSON.parse((await kinglet('inspect', klet, '--json')).out) as {
      strips: { wholeArena: number; segments: [number, number, number][] };
      operators: unknown[];
    };
    expect(strips.wholeArena).toBe(55296);
    expect(strips.segments.every(([first, end]) => first < end && end <= operators.length)).toBe(true);
  });

  it('draws a buffer with one letter, however many parts it has', async () => {
    const { out } = await kinglet('inspect', klet, '--memory');
    expect(out.match(/^[A-Za-z] +input +9\.00 KiB/gm)).toHaveLength(1);
  });

  it('is profiled layer by layer', async () => {
    const { out } = await kinglet('bench', klet, '--runs', '2', '--profile');
    expect(out.match(/Conv2d_1_pointwise\/Relu6 +conv2d/g)).toHaveLength(1);
  });
});

describe('inspect --memory', () => {
  it('draws a letter for each buffer over the records', async () => {
    const { code, out } = await kinglet('inspect', files.write('pair.klet', pair()), '--memory');
    expect(code).toBe(0);
    const drawing = out.slice(out.indexOf('in 0'));
    const legend = drawing.slice(drawing.indexOf('buffer'));
    for (const name of ['left', 'right', 'sum', 'product']) expect(legend).toContain(name);
    for (const letter of 'ABCD') expect(drawing.slice(0, drawing.indexOf('end'))).toContain(letter);
    expect(out).toMatch(/fullest during record \d/);
  });

  it('labels the columns of the input, the records and the output', async () => {
    const { out } = await kinglet('inspect', files.write('chain.klet', chain(30)), '--memory');
    const lines = out.split('\n');
    const head = lines.findIndex((line) => /^ +in 0 /.test(line));
    expect(lines[head]).toMatch(/^ {11}in 0 .* out$/);
    const widths = lines.slice(head + 1, lines.findIndex((line) => line.endsWith(' end'))).map((line) => line.length);
    expect(new Set(widths)).toEqual(new Set([lines[head]!.length]));
  });

  it.each([1, 65, 300])('draws %i records in 100 columns', async (length) => {
    const { out } = await kinglet('inspect', files.write('long.klet', chain(length)), '--memory');
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});

describe('inspect --check', () => {
  it('reports that a network converts', async () => {
    const { code, out } = await kinglet('inspect', source, '--check');
    expect(code).toBe(0);
    expect(out).toMatch(/quadrants\.tflite converts: .* of memory to run\n$/);
    expect(JSON.parse((await kinglet('inspect', source, '--check', '--json')).out)).toMatchObject({
      convertible: true,
      format: 'tflite',
    });
  });

  it('counts the weights beside a network as part of it', async () => {
    const { json, files: weights } = writeTfjs({
      inputs: { x: { shape: [1, 2] } },
      constants: { w: { shape: [2, 2], data: [1, 2, 3, 4] } },
      nodes: [{ name: 'y', op: 'MatMul', inputs: ['x', 'w'] }],
      outputs: { y: 'y:0' },
    });
    for (const [name, bytes] of Object.entries(weights)) files.write(name, bytes);
    const { out } = await kinglet('inspect', files.write('model.json', json), '--json');
    expect(JSON.parse(out)).toMatchObject({ format: 'tfjs', bytes: json.length + 16 });
  });

  it('lists every unsupported operator and exits with 1', async () => {
    const odd = files.write('odd.tflite', unsupported());
    const { code, out, err } = await kinglet('inspect', odd, '--check');
    expect([code, err]).toEqual([1, '']);
    for (const text of ['does not convert (UNSUPPORTED_OP)', 'Frobnicate (2): "a", "y"', 'Twiddle (1): "b"']) {
      expect(out).toContain(text);
    }
    const json = await kinglet('inspect', odd, '--check', '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      convertible: false,
      code: 'UNSUPPORTED_OP',
      problems: expect.arrayContaining([expect.stringContaining('Frobnicate'),
        expect.stringContaining('Twiddle')]) as string[],
    });
  });

  it('names the format of a file that is not a network', async () => {
    const { code, out } = await kinglet('inspect', files.write('page.tflite', '<html>'), '--check');
    expect(code).toBe(1);
    expect(out).toContain('looks like HTML');
  });

  it('runs the golden cases of a .klet file', async () => {
    await kinglet('convert', source, '-o', files.at('g.klet'), '--golden', '1');
    expect(await kinglet('inspect', files.at('g.klet'), '--check')).toMatchObject({
      code: 0,
      out: expect.stringContaining('valid .klet file and reproduces its 1 golden case') as string,
    });
    expect(await kinglet('inspect', files.at('nothing'), '--check')).toMatchObject({
      code: 1,
      err: expect.stringContaining('FETCH_FAILED') as string,
    });
  });
});

describe.skipIf(!hasShared)('inspect of real networks (needs ../shared/models)', () => {
  it('draws the 67 records of MobileNet v2 in 100 columns', async () => {
    const { code, out } = await kinglet(
      'inspect',
      path.join(shared, 'models/mobilenet_v2_100_224_uint8.tflite'),
      '--memory',
    );
    expect(code).toBe(0);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('reports that an autoencoder converts', async () => {
    const { code, out } = await kinglet('inspect', path.join(shared, 'models/ad01_int8.tflite'), '--check');
    expect(code).toBe(0);
    expect(out).toContain('converts');
  });
});

describe('inspect --target c', () => {
  const klet = path.resolve(import.meta.dirname, '../../models/spoken-digits/spoken-digits.klet');

  it('shows flash and RAM of the network as C', async () => {
    const { code, out, err } = await kinglet('inspect', klet, '--target', 'c');
    expect([code, err]).toEqual([0, '']);
    for (const text of ['flash', 'constants', 'code about', 'RAM', 'arena', 'state', 'scratch', 'MACs']) {
      expect(out).toContain(text);
    }
  });

  it('adds them to the JSON', async () => {
    const { out } = await kinglet('inspect', klet, '--target', 'c', '--json');
    const { c, memory } = JSON.parse(out) as { c: Record<string, number>; memory: Record<string, number> };
    expect(c).toMatchObject({ arena: memory.arena });
    expect(Math.min(c.constants!, c.code!)).toBeGreaterThan(1000);
  });

  it('refuses targets that it does not know', async () => {
    expect((await kinglet('inspect', klet, '--target', 'rust')).err).toMatch(/Allowed choices are c/);
  });
});

describe('inspect --target js', () => {
  const klet = path.resolve(import.meta.dirname, '../../models/spoken-digits/spoken-digits.klet');

  it('shows the sizes of the network as a script, also as JSON', async () => {
    const { code, out, err } = await kinglet('inspect', klet, '--target', 'js');
    expect([code, err]).toEqual([0, '']);
    for (const text of ['code', 'data', 'RAM', 'arena', 'state', 'MACs']) expect(out).toContain(text);
    const { js, memory } = JSON.parse((await kinglet('inspect', klet, '--target', 'js', '--json')).out) as {
      js: Record<string, number>;
      memory: Record<string, number>;
    };
    expect(js.arena).toBe(memory.arena);
    expect(js.data).toBeGreaterThan(memory.weights!);
  });
});
