import { existsSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/format/crc32';
import { readKlet, type KletParts } from '../../src/format/klet';
import { writeKlet } from '../../src/format/writeKlet';
import { Random } from '../helpers/random';
import { kinglet, pair, quadrants, temporaryFolder, type Result } from './cli';

// Files of strangers: whatever they hold, a command ends with an answer or an error of one line,
// prints no control characters, and leaves its files alone.

const files = temporaryFolder();
const CONTROLS = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const FORGED = 'kinglet: all well';
/** Text that drives a terminal, closes comments and strings, and begins a line of its own. */
const evil = `\n${FORGED}\r\x1b]0;owned\x07\x1b[2J\x9b1m\u202e\u2028*/ ??/ </script>"\\`;

function expectHarmless({ code, out, err }: Result, mayWork = false): void {
  for (const text of [out, err]) {
    expect(text).not.toMatch(CONTROLS);
    expect(text.split('\n').filter((line) => line.startsWith(FORGED))).toEqual([]);
  }
  expect(err).not.toMatch(/unexpected error|^ {4}at /m);
  if (mayWork && code === 0) return;
  expect(code).toBe(1);
  expect(out + err).toMatch(/kinglet: [A-Z_]+: |does not convert \([A-Z_]+\)|"convertible": false/);
}

/** A file with other parts, whose checksums are right. */
function changed(change: (parts: KletParts) => object): Uint8Array {
  const parts = readKlet(pair());
  return writeKlet({ ...parts, ...change(parts) });
}

function withMeta(change: object): Uint8Array {
  return changed(({ meta }) => ({ meta: { ...meta, ...change } }));
}

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const networks: Record<string, Uint8Array> = {
  labelsNumber: withMeta({ labels: 5 }),
  labelsNull: withMeta({ labels: null }),
  labelsLike: withMeta({ labels: { length: 3 } }),
  labelsNested: withMeta({ labels: [[], {}, null] }),
  preprocessingNull: withMeta({ preprocessing: null }),
  preprocessingAudio: withMeta({ preprocessing: { kind: 'audio' } }),
  preprocessingText: withMeta({ preprocessing: { kind: 'image', channels: 'x', scale: evil, offset: {} } }),
  provenanceText: withMeta({ provenance: evil }),
  accuracyList: withMeta({ accuracy: [1] }),
  deep: withMeta({ pad: deep(500) }),
  recordsMissing: changed(({ debugInfo }) => ({ debugInfo: { ...debugInfo!, records: [] } })),
  recordsMany: changed(({ debugInfo }) => ({
    debugInfo: { records: Array(20000).fill(debugInfo!.records[0]), arena: Array(20000).fill(['x', 0, 12, 0, 20000]) },
  })),
  namesTwice: changed(({ meta }) => {
    const [input] = meta.inputs;
    return { meta: { ...meta, inputs: [input!, { ...input!, name: evil }, { ...input!, name: evil }] } };
  }),
  nothing: new Uint8Array(0),
  text: new TextEncoder().encode(evil),
  magic: new TextEncoder().encode('KLET'),
  tflite: Uint8Array.from([...new TextEncoder().encode('\x1c\0\0\0TFL3'), ...new Uint8Array(64).fill(255)]),
  hdf5: Uint8Array.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, ...new Uint8Array(90).fill(255)]),
};

const commands: Record<string, (file: string) => string[]> = {
  inspect: (file) => ['inspect', file],
  'inspect --memory': (file) => ['inspect', file, '--memory'],
  'inspect --json': (file) => ['inspect', file, '--json'],
  'inspect --check': (file) => ['inspect', file, '--check'],
  run: (file) => ['run', file, '--input', files.at('a.bin'), '--input', files.at('a.bin')],
  eval: (file) => ['eval', file, '--data', files.at('hostile.npz')],
  bench: (file) => ['bench', file, '--runs', '1', '--warmup', '0'],
  convert: (file) => ['convert', file, '-o', files.at('out.klet'), '--labels', files.at('labels.txt')],
  search: (file) => ['search', file, '--data', files.at('a.bin'), '-o', files.at('out.klet')],
  recipe: (
    file,
  ) => ['convert', files.at('q.tflite'), '-o', files.at('out.klet'), '--samples', files.at('a.bin'), '--recipe', file],
};

const floats = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);
files.write('a.bin', floats);
files.write('labels.txt', 'a\nb\nc\nd\n');
files.write('q.tflite', quadrants());
files.write('out.klet', 'kept');
files.write('hostile.npz', zipSync({ 'x.npy': npy("'<f4'", '-1, 4') }));

describe('a hostile network', () => {
  for (const [name, argv] of Object.entries(commands)) {
    it(`is refused by ${name}`, async () => {
      for (const [kind, bytes] of Object.entries(networks)) {
        const path = files.write(`${kind}.klet`, bytes);
        expectHarmless(await kinglet(...argv(path)));
        expect(files.read('out.klet').toString(), kind).toBe('kept');
      }
    });
  }

  it('cannot print control characters or lines of its own', async () => {
    const parts = readKlet(pair());
    const { meta, debugInfo } = parts;
    const named = <T>(ports: T[]): T[] => ports.map((port, i) => ({ ...port, name: `${evil}${i}` }));
    const klet = writeKlet({
      ...parts,
      meta: {
        ...meta,
        name: evil,
        inputs: named(meta.inputs) as typeof meta.inputs,
        outputs: named(meta.outputs) as typeof meta.outputs,
        labels: [0, 1, 2, 3].map((i) => evil + i),
        provenance: { [evil]: evil },
        accuracy: { [evil]: 1 },
      },
      debugInfo: {
        records: debugInfo!.records.map((record) => ({ ...record, name: evil, op: evil })),
        arena: debugInfo!.arena.map(([, ...rest]) => [evil, ...rest]),
      },
    });
    const file = files.write('evil.klet', klet);
    const run = await kinglet('run', file, '--input', files.at('a.bin'), '--input', files.at('a.bin'));
    expect(run.code).toBe(0);
    expect(run.out).toContain('\\x1b]0;owned\\x07');
    expectHarmless(run, true);
    for (const [name, argv] of Object.entries(commands)) {
      if (name !== 'convert') expectHarmless(await kinglet(...argv(file)), true);
    }
    expectHarmless(await kinglet('run', file), false);
    expectHarmless(await kinglet('convert', file, '--c', files.at('c')), true);
    const json = await kinglet('inspect', file, '--json');
    expect((JSON.parse(json.out) as { name: string }).name).toBe(evil);
  });

  it('is refused with random bytes in its metadata', async () => {
    const random = new Random(7);
    const klet = pair();
    for (let i = 0; i < 150; i++) {
      const bytes = klet.slice();
      for (let n = 0; n < 4; n++) bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
      const path = files.write('random.klet', bytes);
      const argv = Object.values(commands).slice(0, 4)[i % 4]!(path);
      expectHarmless(await kinglet(...argv), true);
    }
  }, 60_000);
});

/** A chunk of a PNG file. */
function chunk(type: string, data: Uint8Array): Buffer {
  const ends = Buffer.alloc(8);
  const body = Buffer.concat([Buffer.from(type), data]);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function png(width: number, height: number, data: Uint8Array, interlace = 0): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[12] = interlace;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function bmp(width: number, height: number): Uint8Array {
  const file = Buffer.alloc(70);
  file.write('BM');
  [[10, 54], [14, 40], [18, width], [22, height]].forEach(([at, value]) => file.writeInt32LE(value!, at));
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}

function jpeg(width: number, height: number): Uint8Array {
  const file = Buffer.from(
    'ffd8ffe000104a46494600010100000100010000ffc00011080000000003012200021101031101ffda000c03010002110311003f00',
    'hex',
  );
  file.writeUInt16BE(height, 25);
  file.writeUInt16BE(width, 27);
  return file;
}

function wave(rate: number, channels: number, dataBytes: number, extra = Buffer.alloc(0)): Uint8Array {
  const head = Buffer.alloc(36);
  head.write('RIFF');
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt16LE(16, 34);
  const data = Buffer.alloc(8 + 200);
  data.write('data');
  data.writeUInt32LE(dataBytes, 4);
  return Buffer.concat([head, extra, data]);
}

function npy(type: string, shape: string): Uint8Array {
  const text = `{'descr': ${type}, 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117) + '\n';
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\0v\0', 'latin1'), Buffer.from(text), Buffer.alloc(64)]);
}

const small = deflateSync(Buffer.alloc(20));
const gigabyte = deflateSync(Buffer.alloc(2 ** 26));
const inputs: Record<string, Uint8Array> = {
  'square.png': png(20000, 20000, small),
  'claim.png': png(60000, 60000, small),
  'largest.png': png(2 ** 31, 2 ** 31 - 1, small),
  'few.png': png(8000, 8000, small),
  'tall.png': png(1, 2 ** 26, small),
  'interlaced.png': png(4, 4, gigabyte, 1),
  'empty.png': png(0, 0, small),
  'large.bmp': bmp(30000, 30000),
  'largest.bmp': bmp(2 ** 31 - 1, 2 ** 31 - 1),
  'lying.bmp': bmp(5000, 5000),
  'negative.bmp': bmp(-5, -7),
  'claim.jpg': jpeg(65535, 65535),
  'few.jpg': jpeg(8000, 8000),
  'silent.wav': wave(8000, 0, 200),
  'huge.npy': npy("'<f4'", '100000, 100000'),
  'negative.npy': npy("'<f4'", '-4, -4'),
  'fraction.npy': npy("'<f4'", '1e300, 0'),
  'objects.npy': npy("'|O'", '4,'),
  'code.npy': npy("'<f4'", "__import__('os').system('id')"),
  'bomb.npz': zipSync({ 'x.npy': Buffer.concat([npy("'<f4'", '1, 16'), Buffer.alloc(2 ** 22)]) }, { level: 9 }),
  'text.npz': new TextEncoder().encode(evil),
};

describe('a hostile input', () => {
  const klet = files.write('preprocessed.klet', '');
  it.each(Object.keys(inputs))('%s is refused', async (name) => {
    const path = files.write(name, inputs[name]!);
    if (readFileSync(klet).length === 0) {
      await kinglet('convert', files.at('q.tflite'), '-o', klet);
    }
    const before = process.memoryUsage().rss;
    expectHarmless(await kinglet('run', klet, '--input', path));
    expectHarmless(await kinglet(
      'convert',
      files.at('q.tflite'),
      '-o',
      files.at('out.klet'),
      '--int8',
      '--samples',
      path,
      '--max-unpacked',
      '1M',
    ));
    expectHarmless(await kinglet('eval', klet, '--data', path));
    expect(files.read('out.klet').toString()).toBe('kept');
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
  });

  it('is decoded if an option raises the limit', async () => {
    const path = files.write('four.png', png(4, 4, small));
    const refused = await kinglet('run', klet, '--input', path, '--max-pixels', '15');
    expect(refused.err).toMatch(/4×4 pixels, more than the limit of 15.*--max-pixels/);
    expect(await kinglet('run', klet, '--input', path, '--max-pixels', '16')).toMatchObject({ code: 0 });
    const sound = ['run', path, '--input', files.write('a.wav', wave(8000, 1, 200)), '--max-sound', '99'];
    expectHarmless(await kinglet(...sound));
  });
});

describe('outputs', () => {
  const refuses = async (lost: string, ...argv: string[]): Promise<void> => {
    const before = readFileSync(lost);
    const result = await kinglet(...argv);
    expect(result).toMatchObject({
      code: 1,
      err: expect.stringMatching(/BAD_ARGUMENT: the output .* (is|in) /) as string,
    });
    expect(readFileSync(lost).equals(before)).toBe(true);
  };
  const tflite = files.write('n.tflite', quadrants());
  const labels = files.write('l.txt', 'a\nb\nc\nd\n');

  it('are no links to the input of convert', async () => {
    symlinkSync(tflite, files.at('soft.klet'));
    linkSync(tflite, files.at('hard.klet'));
    for (const name of ['soft.klet', 'hard.klet', 'n.tflite']) {
      await refuses(tflite, 'convert', tflite, '-o', files.at(name));
    }
    await refuses(labels, 'convert', tflite, '--labels', labels, '-o', labels);
    const folder = files.folder('samples');
    const sample = files.write('samples/a.bin', new Uint8Array(64));
    await refuses(sample, 'convert', tflite, '--int8', '--samples', folder, '-o', sample);
  });

  it('are no input of run, sign and eval', async () => {
    const klet = files.at('m.klet');
    await kinglet('convert', tflite, '-o', klet);
    const input = files.write('i.bin', new Uint8Array(64));
    await refuses(klet, 'run', klet, '--raw', '--input', input, '--output', klet);
    await refuses(input, 'run', klet, '--raw', '--input', input, '--output', `scores=${input}`);
    const key = files.at('k.pem');
    await kinglet('sign', '--new-key', key);
    expect(existsSync(key)).toBe(true);
    await refuses(key, 'sign', klet, '--key', key, '-o', key);
    await refuses(klet, 'eval', klet, '--data', input, '--report', klet);
  });

  it('are two files if two options name them', async () => {
    const other = files.at('both');
    const result = await kinglet(
      'convert',
      tflite,
      '-o',
      other,
      '--int8',
      '--samples',
      files.at('i.bin'),
      '--report',
      other,
    );
    expect(result).toMatchObject({ code: 1, err: expect.stringMatching(/same file/) as string });
  });

  it.skipIf(process.platform === 'win32')('and inputs are no devices', async () => {
    for (const argv of [['inspect', '/dev/zero'], ['run', files.at('m.klet'), '--input', '/dev/zero']]) {
      expect(await kinglet(...argv)).toMatchObject({
        code: 1,
        err: expect.stringMatching(/FETCH_FAILED.*device/) as string,
      });
    }
  });
});
