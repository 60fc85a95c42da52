import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, importerOf, importModel, ssdAnchors } from '../../src/compiler/index';
import type { Meta } from '../../src/format/meta';
import { loadSync, type Model } from '../../src/index';
import { detect } from '../../src/tasks/detect';
import { decodeImage } from '../../src/tasks/image';
import { imageToInput } from '../../src/tasks/pixels';
import { placementOf } from '../../src/tasks/placement';
import { resampler } from '../../src/tasks/resample';
import { segment } from '../../src/tasks/segment';
import { iouOf } from '../../src/decoding/suppress';
import { hasShared, shared, sharedBytes } from '../helpers/shared';

// Real networks on a photograph, compared with a plain decoding of their outputs.

const photo = path.join(shared, 'data/photos/grace_hopper.bmp');
/** Size of the photograph, and the face in it as measured by hand. */
const [WIDTH, HEIGHT] = [512, 600];
const face: [number, number, number, number] = [165, 120, 355, 335];

/** What the anchors of MediaPipe's detectors have in common. */
const mediaPipe = { minScale: 0.1484375, maxScale: 0.75, fixedAnchorSize: true };

async function open(folder: string, file: string, meta: Partial<Meta>): Promise<Model> {
  const weights = readdirSync(path.join(shared, folder)).filter((name) => /^[a-z-]+\.bin$/.test(name));
  const files = Object.fromEntries(weights.map((name) => [name, sharedBytes(folder, name)]));
  return loadSync(compile(await importModel(sharedBytes(folder, file), { name: 'network', files }), { meta }));
}

describe.skipIf(!hasShared)('real networks', () => {
  const image = { kind: 'image', channels: 3, scale: 1 / 255, offset: 0 } as const;

  it('UltraFace finds the face, however the photograph is placed', async () => {
    const bytes = { ...image, scale: 1 / 128, offset: -127 / 128 } as const;
    const model = await open('formats/onnx/ultraface_slim_320', 'ultraface_slim_320.onnx', {
      labels: ['face'],
      preprocessing: bytes,
      task: { kind: 'detect', background: 0, threshold: 0.7 },
    });
    for (const more of [{}, { fit: 'letterbox' }, { fit: 'crop' }, { resize: 'opencv' }] as const) {
      const [found, ...others] = detect(photo, model, { preprocessing: { ...bytes, ...more } });
      expect(others).toEqual([]);
      expect(found).toMatchObject({ class: 0, label: 'face' });
      expect(iouOf(found!.box, face)).toBeGreaterThan(0.75);
    }
    const { scores, boxes } = model.predict(imageToInput(photo, model));
    const best = Array.from({ length: 4420 }, (_, i) => scores![2 * i + 1]!);
    const at = best.indexOf(Math.max(...best));
    const edges = Array.from(boxes!.subarray(4 * at, 4 * at + 4), (part, i) => part * (i % 2 ? HEIGHT : WIDTH));
    detect(photo, model)[0]!.box.forEach((edge, i) => expect(edge).toBeCloseTo(edges[i]!, 3));
  });

  it('MediaPipe’s palm detector gives the boxes and points of its formulas', async () => {
    const anchors = ssdAnchors({ width: 192, height: 192, strides: [8, 16, 16, 16], ...mediaPipe });
    const model = await open('odd', 'openmv__palm_detection_full_192__27d851.tflite', {
      preprocessing: image,
      task: { kind: 'detect', anchors, keypoints: 7, activation: 'sigmoid', threshold: 0.05, suppression: 'none' },
    });
    const found = detect(photo, model);
    const outputs = model.predict(imageToInput(photo, model));
    const [raw, scores] = [outputs['Identity:0']!, outputs['Identity_1:0']!];
    // 24 × 24 cells with two anchors each, then 12 × 12 with six
    const expected = Array.from({ length: 2016 }, (_, i) => {
      const [cell, cells] = i < 1152 ? [Math.floor(i / 2), 24] : [Math.floor((i - 1152) / 6), 12];
      const [x, y] = [(cell % cells + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
      const part = (f: number): number => raw[18 * i + f]! / 192;
      return {
        score: 1 / (1 + Math.exp(-scores[i]!)),
        left: (x + part(0) - part(2) / 2) * WIDTH,
        pointX: (x + part(4)) * WIDTH,
        pointY: (y + part(5)) * HEIGHT,
      };
    }).filter(({ score }) => score >= 0.05).sort((a, b) => b.score - a.score);
    expect(expected.length).toBeGreaterThan(0);
    expect(found.map(({ score }) => score)).toEqual(expected.slice(0, 100).map(({ score }) => score));
    found.forEach(({ box, keypoints }, i) => {
      expect(box[0]).toBeCloseTo(Math.max(0, expected[i]!.left), 3);
      expect(keypoints![0]!.x).toBeCloseTo(expected[i]!.pointX, 3);
      expect(keypoints![0]!.y).toBeCloseTo(expected[i]!.pointY, 3);
    });
  });

  it('MediaPipe’s face detector finds what @tensorflow-models/face-detection finds', async () => {
    const anchors = ssdAnchors({ width: 128, height: 128, strides: [8, 16, 16, 16], ...mediaPipe });
    const model = await open('formats/tfjs/hm_facemesh-detection-short', 'facemesh-detection-short.json', {
      labels: ['face'],
      preprocessing: { ...image, scale: 1 / 127.5, offset: -1 },
      task: { kind: 'detect', anchors, keypoints: 6, threshold: 0.5, iou: 0.3 },
    });
    const { width, height, data } = decodeImage(readFileSync(photo));
    const fit = resampler(placementOf(width, height, 128, 128, { fit: 'letterbox' }), 3, { resize: 'opencv' });
    const [found, ...others] = detect(
      { width: 128, height: 128, channels: 3, data: Uint8Array.from(fit(data)) },
      model,
    );
    expect(others).toEqual([]);
    // version 1.0.3 with the runtime tfjs, modelType "short" and this network, on the same pixels
    const points = [[55.49696, 40.97632], [74.54932, 39.05103], [65.56032, 48.42334], [66.34016, 58.33386], [46.13957,
      47.91974], [85.59647, 44.54765]];
    [45.06447, 30.22718, 86.98737, 72.14999].forEach((edge, i) => expect(found!.box[i]).toBeCloseTo(edge, 4));
    points.forEach(([x, y], i) => {
      expect(found!.keypoints![i]!.x).toBeCloseTo(x!, 4);
      expect(found!.keypoints![i]!.y).toBeCloseTo(y!, 4);
    });
  });

  it('two networks for portraits find the same person', async () => {
    const meta: Partial<Meta> = { labels: ['background', 'person'], preprocessing: image, task: { kind: 'segment' } };
    const [a, b] = await Promise.all([open('odd', 'Portrait-Segmentation__prisma_quant__127875.tflite', meta),
      open('formats/tfjs/hm_selfie', 'selfie.json', meta)]);
    const [first, second] = [segment(photo, a), segment(photo, b)];
    const same = first.classes.reduce((count, index, i) => count + Number(index === second.classes[i]), 0);
    expect(same / first.classes.length).toBeGreaterThan(0.95);
    for (const { shares, classes } of [first, second]) {
      expect(shares[0]!.label).toBe('person');
      // the middle of the face, and the sky beside it
      expect(classes[230 * WIDTH + 260]).toBe(1);
      expect(classes[50 * WIDTH + 480]).toBe(0);
    }
  });

  it('the description in a YOLOv8 of Ultralytics gives labels, preprocessing and task', async () => {
    const file = 'YOLOv8-TfLite-Object-Detecto__model__d76c8d.tflite';
    const bytes = sharedBytes('odd', file);
    const meta = importerOf(bytes)!.meta!(bytes);
    expect(meta).toEqual({
      labels: ['Abnormal', 'Flower', 'Ripe', 'Underripe', 'Unripe'],
      preprocessing: { ...image, fit: 'letterbox', pad: 114, resize: 'opencv' },
      task: { kind: 'detect' },
    });
    const model = await open('odd', file, meta as Partial<Meta>);
    for (const { label, box } of detect(photo, model, { threshold: 0.05 })) {
      expect(meta.labels).toContain(label);
      expect(Math.min(...box)).toBeGreaterThanOrEqual(0);
      expect(box[2]).toBeLessThanOrEqual(WIDTH);
      expect(box[3]).toBeLessThanOrEqual(HEIGHT);
    }
  });
});
