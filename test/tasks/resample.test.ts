import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ImagePreprocessing } from '../../src/format/meta';
import { placementOf } from '../../src/tasks/placement';
import { resampler } from '../../src/tasks/resample';

// Resampling as Pillow and OpenCV do it (resampled.py writes their bytes), and as tf.image does it
// (TensorFlow.js has its bilinear and nearest methods).

interface Case {
  resize: 'pil' | 'opencv';
  method: NonNullable<ImagePreprocessing['method']>;
  width: number;
  height: number;
  bytes: string;
}

const WIDTH = 37;
const HEIGHT = 23;

/** The pattern of resampled.py. */
const pattern = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
  return x * 29 + y * 53 + ((x * y) % 17) * 11 + ((Math.floor(x / 5) + Math.floor(y / 4)) % 2) * 90;
});

const { cases } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'resampled.json'), 'utf8')) as {
  cases: Case[];
};

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('resampling', () => {
  const titled = cases.map((one) => [`${one.resize} ${one.method} to ${one.width}×${one.height}`, one] as const);

  it.each(titled)('equals %s to a step', (_, { resize, method, width, height, bytes }) => {
    const expected = Uint8Array.from(Buffer.from(bytes, 'base64'));
    const found = resampler(placementOf(WIDTH, HEIGHT, width, height), 1, { resize, method })(pattern);
    expect(found.length).toBe(expected.length);
    expect(worst(found, expected)).toBeLessThanOrEqual(resize === 'pil' || method === 'nearest' ? 0 : 1);
  });

  it.each([[16, 16], [5, 4], [41, 30], [60, 9]])('equals tf.image to %i×%i', (width, height) => {
    const image = tf.tensor3d(pattern, [HEIGHT, WIDTH, 1], 'float32');
    const place = placementOf(WIDTH, HEIGHT, width, height);
    const bilinear = tf.image.resizeBilinear(image, [height, width], false, true).dataSync();
    expect(worst(resampler(place, 1, { resize: 'tf' })(pattern), bilinear)).toBeLessThan(1e-3);
    const nearest = tf.image.resizeNearestNeighbor(image, [height, width], false, true).dataSync();
    expect(worst(resampler(place, 1, { resize: 'tf', method: 'nearest' })(pattern), nearest)).toBe(0);
  });
});
