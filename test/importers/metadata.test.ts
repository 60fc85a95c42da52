import path from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { importerOf, type ForeignMeta } from '../../src/compiler/index';
import { kinglet, quadrantNames, temporaryFolder } from '../cli/cli';
import { hasShared, shared } from '../helpers/shared';
import { refuses } from '../robustness/refusal';
import { writeMetadata, writeTflite, type TfliteTensor } from '../tflite/writer';

const files = temporaryFolder();
const AXIS_LABELS = 2;
const NORMALIZATION = 1;

interface Described {
  mean?: number[];
  std?: number[];
  labels?: { name: string; type: number; locale?: string }[];
  channels?: number;
  /** The files in the archive behind the network. */
  archive?: Record<string, string>;
}

/** A network over a 2×2 image with four classes, and its TFLite metadata. */
function described({ mean, std, labels = [], channels = 1, archive }: Described): Uint8Array {
  const tensor = (name: string, shape: number[]): TfliteTensor => ({ name, shape, type: 'FLOAT32' });
  const count = 4 * channels;
  const metadata = writeMetadata({
    name: 'described',
    subgraphs: [{
      inputs: [{
        name: 'image',
        processUnits: mean ?
          [{ optionsType: NORMALIZATION, options: { table: 'NormalizationOptions', fields: { mean, std } } }] :
          [],
      }],
      outputs: [{ name: 'scores', associatedFiles: labels }],
    }],
  });
  const weights = Array.from({ length: 4 * count }, (_, i) => (Math.floor(i / count) === i % count ? 1 : 0));
  const network = writeTflite({
    tensors: [tensor('image', [1, 2, 2, channels]), { name: 'flat', type: 'INT32', shape: [2], data: [1, count] },
      tensor('pixels', [1, count]), { ...tensor('weights', [4, count]), data: weights }, tensor('scores', [1, 4])],
    operators: [{ kind: 'RESHAPE', inputs: ['image', 'flat'], outputs: ['pixels'] }, {
      kind: 'FULLY_CONNECTED',
      inputs: ['pixels', 'weights', null],
      outputs: ['scores'],
    }],
    inputs: ['image'],
    outputs: ['scores'],
    metadata,
  });
  return archive ? appended(network, archive) : network;
}

/** Appends a ZIP archive, whose offsets then count from the start of the file. */
function appended(network: Uint8Array, archive: Record<string, string>): Uint8Array {
  const zip = zipSync(Object.fromEntries(Object.entries(archive).map(([name, text]) => [name, Buffer.from(text)])));
  const view = new DataView(zip.buffer, zip.byteOffset);
  const end = zip.length - 22;
  const shift = (at: number): void => view.setUint32(at, view.getUint32(at, true) + network.length, true);
  let entry = view.getUint32(end + 16, true);
  for (let i = 0; i < view.getUint16(end + 10, true); i++) {
    shift(entry + 42);
    entry += 46 + view.getUint16(entry + 28, true) + view.getUint16(entry + 30, true) +
      view.getUint16(entry + 32, true);
  }
  shift(end + 16);
  return Buffer.concat([network, zip]);
}

const metaOf = (bytes: Uint8Array): ForeignMeta => importerOf(bytes)!.meta!(bytes);
const labelled = {
  labels: [{ name: 'labels.txt', type: AXIS_LABELS }],
  archive: { 'labels.txt': quadrantNames.join('\r\n') + '\n' },
};

describe('TFLite metadata', () => {
  it('becomes labels and preprocessing', () => {
    expect(metaOf(described({ mean: [127.5], std: [127.5], ...labelled }))).toEqual({
      labels: quadrantNames,
      preprocessing: { kind: 'image', channels: 1, scale: 1 / 127.5, offset: -1 },
    });
    expect(metaOf(described({ mean: [10, 20, 30], std: [2, 4, 5], channels: 3 })).preprocessing).toEqual({
      kind: 'image',
      channels: 3,
      scale: [0.5, 0.25, 1 / 5],
      offset: [-5, -5, -6],
    });
    expect(metaOf(described({ mean: [10], std: [2], channels: 3 })).preprocessing).toEqual({
      kind: 'image',
      channels: 3,
      scale: 0.5,
      offset: -5,
    });
  });

  it('may lack both, and a network may lack metadata', () => {
    expect(metaOf(described({}))).toEqual({});
    expect(metaOf(writeTflite({
      tensors: [{ name: 'x', shape: [1], type: 'FLOAT32' }, { name: 'y', shape: [1], type: 'FLOAT32' }],
      operators: [{ kind: 'RELU', inputs: ['x'], outputs: ['y'] }],
      inputs: ['x'],
      outputs: ['y'],
    }))).toEqual({});
  });

  it('takes labels without a locale first, and no files of other types', () => {
    const archive = { 'de.txt': 'eins', 'en.txt': 'one', 'about.txt': 'text' };
    const labels = [{ name: 'about.txt', type: 1 }, { name: 'de.txt', type: AXIS_LABELS, locale: 'de' }, {
      name: 'en.txt',
      type: AXIS_LABELS,
    }];
    expect(metaOf(described({ labels, archive })).labels).toEqual(['one']);
    expect(metaOf(described({ labels: labels.slice(0, 2), archive })).labels).toEqual(['eins']);
    expect(metaOf(described({ labels: labels.slice(0, 1), archive }))).toEqual({});
  });

  it('that is damaged is refused', () => {
    const missing = described({ ...labelled, archive: { 'other.txt': 'x' } });
    refuses(() => metaOf(missing), 'CORRUPT', /names the file "labels\.txt", which is missing/);
    refuses(() => metaOf(described({ labels: labelled.labels })), 'CORRUPT', /the TFLite metadata is damaged/);
    refuses(() => metaOf(described({ mean: [1], std: [0] })), 'CORRUPT', /has the mean \[1\] and the std \[0\]/);
    refuses(() => metaOf(described({ mean: [1, 2], std: [1, 2], channels: 3 })), 'CORRUPT', /2 means for 3 channels/);
  });
});

describe('the command line with TFLite metadata', () => {
  const source = files.write('described.tflite', described({ mean: [0], std: [255], ...labelled }));

  it('stores it with convert, and options replace it', async () => {
    const { code, out, err } = await kinglet('convert', source, '-o', files.at('a.klet'));
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/metadata +from the file: 4 labels, images: 1 channel, bytes × 0\.003921569 \+ 0\n/);
    const shown = (await kinglet('inspect', files.at('a.klet'))).out;
    expect(shown).toContain('labels   4: upper left');
    expect(shown).toContain('1 channel, bytes × 0.003921569 + 0');
    await kinglet('convert', source, '-o', files.at('b.klet'), '--labels', files.write('l.txt', 'a\nb\nc\nd'));
    expect((await kinglet('inspect', files.at('b.klet'))).out).toContain('labels   4: a · b · c');
  });

  it('warns about metadata that cannot be read, and converts the network', async () => {
    const broken = files.write('broken.tflite', described({ ...labelled, archive: { 'other.txt': 'x' } }));
    const { code, err } = await kinglet('convert', broken, '-o', files.at('c.klet'));
    expect(code).toBe(0);
    expect(err).toMatch(/warning: ".*broken\.tflite": .*labels\.txt.* ignored\n/);
  });

  it.runIf(hasShared)('names what MobileNet v2 sees in a photograph, without options', async () => {
    const network = path.join(shared, 'models/mobilenet_v2_100_224_uint8.tflite');
    const { code, out, err } = await kinglet('run', network, '--input', path.join(shared, 'data/photos/parrot.jpg'));
    expect(code).toBe(0);
    expect(out).toMatch(/1\. +macaw +89 +0\.9/);
    expect(err).not.toContain('no labels in the file');
  });
});
