import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importerOf } from '../../src/compiler/index';
import { GraphProtoSchema, ModelProtoSchema, StringStringEntryProtoSchema } from '../../src/importers/onnx/onnx_pb';
import { pythonLiteral, ultralyticsMeta } from '../../src/importers/shared/ultralytics';

// What Ultralytics says of its exports, in its own words of Python.

const names = "{0: 'person', 1: \"child's bicycle\", 2: 'a\\'b'}";
const labels = ['person', "child's bicycle", "a'b"];

describe('a literal of Python', () => {
  it('is read with all that Ultralytics writes', () => {
    expect(pythonLiteral(names)).toEqual(new Map([[0, 'person'], [1, "child's bicycle"], [2, "a'b"]]));
    expect(pythonLiteral("{'a': [640, -1.5e3], 'b': (True, False, None), 'c': {}, 'd': '',}"))
      .toEqual(new Map<string, unknown>([['a', [640, -1500]], ['b', [true, false, null]], ['c', new Map()], ['d',
        '']]));
  });

  it.each(['', '{', "{'a'}", '[1 2]', 'detect', "{'a': 1} 2", '[__import__("os")]', '1.2.3', '['.repeat(100_000)])(
    'is not %j',
    (text) => {
      expect(pythonLiteral(text.slice(0, 100_000))).toBeUndefined();
    },
  );

  it('is JSON where the two agree', () => {
    const json = fc.array(fc.oneof(fc.integer(), fc.stringMatching(/^[a-z ,:{}]*$/), fc.array(fc.integer())));
    fc.assert(fc.property(json, (value) => {
      expect(pythonLiteral(JSON.stringify(value))).toEqual(value);
    }));
  });
});

function onnxWith(entries: Record<string, string>): Uint8Array {
  const metadataProps = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value })
  );
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 8n, graph: create(GraphProtoSchema, { name: 'g' }), metadataProps }),
  );
}

describe('the metadata of an ONNX file', () => {
  const metaOf = (entries: Record<string, string>): unknown => {
    const bytes = onnxWith(entries);
    return importerOf(bytes)!.meta!(bytes);
  };
  const letterbox = {
    kind: 'image',
    channels: 3,
    scale: 1 / 255,
    offset: 0,
    fit: 'letterbox',
    pad: 114,
    resize: 'opencv',
  };

  it.each(['detect', 'segment'])('of a detector (%s) becomes labels, preprocessing and task', (task) => {
    expect(metaOf({ names, task, stride: '32', imgsz: '[640, 640]', author: 'Ultralytics' })).toEqual({
      labels,
      preprocessing: letterbox,
      task: { kind: 'detect' },
    });
  });

  it('of a network for poses has the number of points', () => {
    expect(metaOf({ names: "{0: 'person'}", task: 'pose', kpt_shape: '[17, 3]' })).toEqual({
      labels: ['person'],
      preprocessing: letterbox,
      task: { kind: 'detect', keypoints: 17 },
    });
  });

  it('of a classifier crops, as torchvision does', () => {
    expect(metaOf({ names, task: 'classify' })).toMatchObject({
      labels,
      preprocessing: { fit: 'crop', resize: 'pil' },
      task: { kind: 'classify' },
    });
  });

  it('of another program says nothing', () => {
    expect(metaOf({})).toEqual({});
    expect(metaOf({ names: 'a, b', task: 'detect' })).toEqual({});
    expect(metaOf({ names: '{1: "a"}', task: 'detect' })).toEqual({});
    expect(ultralyticsMeta(() => undefined)).toEqual({});
  });
});
