import { describe, expect, it } from 'vitest';
import { compile, GraphBuilder, imagePreprocessing, repack, ssdAnchors } from '../../src/compiler/index';
import { loadSync } from '../../src/index';
import type { Meta } from '../../src/format/meta';
import { anchorList } from '../../src/decoding/anchors';
import { checkTask } from '../../src/tasks/index';
import { refusal } from './refusal';

// What META says of images and tasks, where it is written and where it is read.

function network(meta: Partial<Meta>): Uint8Array {
  const b = new GraphBuilder('mean');
  const x = b.input('image', [1, 4, 4, 3]);
  return compile(b.finish([b.node('reduce', [x], { kind: 'mean', axes: [3] }, { name: 'mask' })]), { meta });
}

describe('compile', () => {
  it('stores the task, and repack replaces it', () => {
    const task = { kind: 'segment', output: 'mask', threshold: 0.4 } as const;
    const klet = network({ task });
    expect(loadSync(klet).meta.task).toEqual(task);
    expect(loadSync(repack(klet, { meta: { task: { kind: 'embed' } } })).meta.task).toEqual({ kind: 'embed' });
    expect(refusal(() => repack(klet, { meta: { task: { kind: 'embed', output: 'y' } } })))
      .toBe('BAD_ARGUMENT: meta.task names the output "y"; the network has "mask"');
  });

  it.each([[{ kind: 'locate' },
    'has the kind "locate"; there are classify, detect, segment, pose, embed, regress, keywords'], [[],
    'must be an object such as'], [{ kind: 'detect', treshold: 1 }, 'has the unknown property "treshold"; it has'], [{
    kind: 'detect',
    threshold: 2,
  }, 'needs a number from 0 to 1 as threshold, not 2'], [{ kind: 'detect', anchors: [{ rows: 1, columns: 1 }] },
    'needs [[a number above 0, a number above 0], …] as anchors[0].sizes, not undefined'], [{
    kind: 'detect',
    heads: [{ output: 'none', anchors: [[1, 1]] }],
  }, 'names the output "none"'], [{ kind: 'regress', values: [{ name: 'age', units: 'a' }] },
    'has the unknown property "units" in values[0]; it has name, unit, min, max, output, index, scale, offset'], [{
    kind: 'pose',
    edges: [[0]],
  }, 'needs [a whole number from 0 to 1048576, a whole number from 0 to 1048576] as edges[0], not Array'], [{
    kind: 'detect',
    decoder: 'grids',
  }, 'lacks heads for the decoder "grids"'], [{ kind: 'detect', decoder: 'anchors' },
    'lacks anchors for the decoder "anchors"'], [{ kind: 'detect', units: 'cells', decoder: 'yolo' },
    'has "units":"cells"'], [{ kind: 'detect', decoder: 'boxes', anchors: [[0, 0, 1, 1]] },
    'has the rule anchors, which is not one of the decoder "boxes", which reads boxes, scores, order'], [{
    kind: 'detect',
    heads: [{ anchors: [[1, 1]] }],
    keypoints: 3,
  }, 'has the rule keypoints, which is not one of the decoder "grids"'], [{ kind: 'pose', decoder: 'simcc', values: 3 },
    'has the rule values'], [{ kind: 'pose', units: 'cells' }, 'needs relative or pixels as units'], [{
    kind: 'pose',
    activation: 'softmax',
  }, 'needs none or sigmoid as activation']] as const)('refuses the task %j', (task, text) => {
    expect(refusal(() => network({ task: task as never }))).toContain(`BAD_ARGUMENT: meta.task`);
    expect(refusal(() => network({ task: task as never }))).toContain(text);
  });

  it.each([['order', { order: 'gbr' }], ['fit', { fit: 'contain' }], ['crop', { crop: 0.5 }], ['pad', { pad: 114 }], [
    'method',
    { method: 'area' },
  ], ['bicubic', { resize: 'tf', method: 'bicubic' }], ['mean', { mean: 127.5 }], ['layout', { layout: 'NHWC' }]])(
    'refuses preprocessing with a wrong %s',
    (word, wrong) => {
      const preprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0, ...wrong };
      expect(refusal(() => network({ preprocessing: preprocessing as never })))
        .toMatch(new RegExp(`^BAD_ARGUMENT: preprocessing .*${word}`));
    },
  );

  it('lists the properties of preprocessing for an unknown one', () => {
    const preprocessing = { kind: 'image', channels: 3, scale: 1, offset: 0, std: 2 };
    expect(refusal(() => network({ preprocessing: preprocessing as never })))
      .toContain('has the unknown property "std"; it has kind, channels, scale, offset, invert, order, layout, fit, '
        + 'crop, pad, resize, method');
  });
});

describe('checkTask', () => {
  it('returns the same object, and undefined is absent', () => {
    const task = { kind: 'classify', topK: undefined };
    expect(checkTask(task)).toBe(task);
  });
});

describe('imagePreprocessing', () => {
  it('gives (value − mean) / std of either unit as a factor and an offset of bytes', () => {
    const settings = { mean: [0.5, 0.4, 0.3], std: 0.25, range: 1 } as const;
    const { scale, offset, channels } = imagePreprocessing(settings);
    expect(channels).toBe(3);
    for (const byte of [0, 7, 255]) {
      [0.5, 0.4, 0.3].forEach((mean, c) => {
        expect(byte * (scale as number[])[c]! + (offset as number[])[c]!).toBeCloseTo((byte / 255 - mean) / 0.25, 9);
      });
    }
    expect(imagePreprocessing({ mean: 127.5, std: 127.5, range: 255, channels: 1 })).toEqual({
      kind: 'image',
      channels: 1,
      scale: 1 / 127.5,
      offset: -1,
    });
    expect(imagePreprocessing({ range: 1 })).toEqual({ kind: 'image', channels: 3, scale: 1 / 255, offset: 0 });
  });

  it.each([[{}, 'needs a range'], [{ range: 2 }, 'needs 1 or 255 as range'], [{ range: 1, std: 0 }, 'other than 0'], [{
    range: 1,
    mean: [1, 2],
  }, 'has 2 numbers'], [{ range: 1, scale: 1 }, 'needs mean and std as scale'], [null, 'must be an object']])(
    'refuses %j',
    (settings, text) => {
      expect(refusal(() => imagePreprocessing(settings as never))).toContain(text);
    },
  );
});

describe('ssdAnchors', () => {
  it('are those of MobileNet SSD: 1917 of six layers', () => {
    const layers = ssdAnchors({
      width: 300,
      height: 300,
      strides: [16, 32, 64, 100, 150, 300],
      minScale: 0.2,
      maxScale: 0.95,
      aspectRatios: [1, 2, 0.5, 3, 0.3333],
      reduceBoxesInLowestLayer: true,
    });
    const list = anchorList(layers);
    expect(list.length / 4).toBe(1917);
    // the first of TensorFlow's Object Detection API: centre 0.5 / 19, size 0.1; then ratio 2
    [0.5 / 19, 0.5 / 19, 0.1, 0.1, 0.5 / 19, 0.5 / 19, 0.2 * Math.SQRT2, 0.2 / Math.SQRT2].forEach((value, i) => {
      expect(list[i]).toBeCloseTo(value, 9);
    });
  });

  it('are in rows, columns and sizes, with centres in the middle of cells', () => {
    const layers = ssdAnchors({ width: 4, height: 2, strides: [2], minScale: 0.5, maxScale: 0.5 });
    expect(layers).toEqual([{ rows: 1, columns: 2, sizes: [[0.5, 0.5], [Math.sqrt(0.5), Math.sqrt(0.5)]] }]);
    expect([...anchorList(layers)].filter((_, i) => i % 4 === 0)).toEqual([0.25, 0.25, 0.75, 0.75]);
  });

  it('refuses settings that it does not know', () => {
    expect(refusal(() => ssdAnchors({ width: 4, height: 2, stride: [2] } as never)))
      .toMatch(/unknown property "stride"/);
    expect(refusal(() => ssdAnchors(null as never))).toMatch(/^BAD_ARGUMENT/);
  });
});
