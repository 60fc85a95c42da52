import { encode } from 'flatbuffers/js/flexbuffers.js';
import { describe, expect, test } from 'vitest';
import { compile, importTflite, type Graph } from '../../src/compiler/index';
import { KletError } from '../../src/errors';
import { loadSync } from '../../src/index';
import { writeTflite, type TfliteTensor } from '../tflite/writer';

const usual = {
  max_detections: 3,
  max_classes_per_detection: 1,
  num_classes: 2,
  nms_score_threshold: 0,
  nms_iou_threshold: 0.5,
  y_scale: 10,
  x_scale: 10,
  h_scale: 5,
  w_scale: 5,
};

interface Form {
  options?: object;
  /** The bytes of the options, instead of `options`. */
  bytes?: Uint8Array;
  quantization?: TfliteTensor['quantization'];
  batch?: number;
  type?: 'FLOAT32' | 'INT32';
}

/** Two anchors that are squares of size 2, beside each other. */
const anchors = [1, 1, 2, 2, 1, 3, 2, 2];

function detector({ options = usual, bytes, quantization, batch = 1, type = 'FLOAT32' }: Form = {}): Graph {
  const values = (name: string, shape: number[]): TfliteTensor =>
    quantization ? { name, shape, type: 'UINT8', quantization } : { name, shape, type: 'FLOAT32' };
  const names = ['boxes', 'classes', 'scores', 'count'].map((name) => `detected ${name}`);
  return importTflite(writeTflite({
    tensors: [values('boxes', [batch, 2, 4]), values('scores', [batch, 2, 3]), {
      ...values('anchors', [2, 4]),
      data: anchors.map((value) => (quantization ? value / 0.5 + 128 - 256 : value)),
      // the file does not know the shapes of the results
    }, ...names.map((name): TfliteTensor => ({ name, shape: [], type }))],
    operators: [{
      kind: 'CUSTOM',
      customCode: 'TFLite_Detection_PostProcess',
      customOptions: bytes ?? encode(options),
      inputs: ['boxes', 'scores', 'anchors'],
      outputs: names,
    }],
    inputs: ['boxes', 'scores'],
    outputs: names,
  }));
}

function errorOf(form: Form): string {
  try {
    detector(form);
  } catch (error) {
    if (error instanceof KletError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('the network was imported');
}

describe('TFLite_Detection_PostProcess', () => {
  test('has the options of its FlexBuffer, which give its results their shapes', () => {
    const graph = detector();
    expect(graph.nodes).toMatchObject([{
      op: 'detectionPostprocess',
      attributes: {
        classes: 2,
        detections: 3,
        classesPerDetection: 1,
        scoreThreshold: 0,
        iouThreshold: 0.5,
        scales: [10, 10, 5, 5],
      },
    }]);
    expect(graph.nodes[0]!.attributes).not.toHaveProperty('detectionsPerClass');
    expect(graph.outputs.map(({ shape }) => shape)).toEqual([[1, 3, 4], [1, 3], [1, 3], [1]]);
  });

  test('reads options of 64 bits', () => {
    const thresholds = { nms_score_threshold: 0.3, nms_iou_threshold: 0.6 };
    expect(detector({ options: { ...usual, ...thresholds } }).nodes).toMatchObject([{
      attributes: { classes: 2, detections: 3, scoreThreshold: 0.3, iouThreshold: 0.6, scales: [10, 10, 5, 5] },
    }]);
  });

  test('suppresses class by class on demand, with 100 detections of each by default', () => {
    expect(detector({ options: { ...usual, use_regular_nms: true } }).nodes).toMatchObject([{
      attributes: { detectionsPerClass: 100 },
    }]);
    expect(detector({ options: { ...usual, use_regular_nms: true, detections_per_class: 7 } }).nodes).toMatchObject([{
      attributes: { detectionsPerClass: 7 },
    }]);
  });

  test('dequantizes quantized inputs and anchors', () => {
    const quantization = { scale: 0.5, zeroPoint: 128 };
    const graph = detector({ quantization });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['dequantize', 'dequantize', 'dequantize', 'detectionPostprocess']);
    const model = loadSync(compile(graph));
    const outputs = model.predict({
      boxes: Uint8Array.from({ length: 8 }, () => 128),
      scores: Uint8Array.of(255, 129, 130, 255, 132, 128),
    }, { output: 'raw' });
    expect(outputs).toEqual({
      'detected boxes': Float32Array.of(0, 2, 2, 4, 0, 0, 2, 2, 0, 0, 0, 0),
      'detected classes': Float32Array.of(0, 1, 0),
      'detected scores': Float32Array.of(2, 1, 0),
      'detected count': Float32Array.of(2),
    });
    model.dispose();
  });

  test('is refused in other forms', () => {
    expect(errorOf({ batch: 2 })).toContain('TFLite_Detection_PostProcess with a batch of 2 images; 1 is possible');
    expect(errorOf({ type: 'INT32' })).toContain('TFLite_Detection_PostProcess with outputs that are not float32');
  });

  test('is refused with options that are absent or damaged', () => {
    const name = 'TFLite_Detection_PostProcess';
    const noMap = `CORRUPT: network: the options of ${name} are not a FlexBuffer with a map`;
    expect(errorOf({ bytes: new Uint8Array(0) })).toContain(noMap);
    expect(errorOf({ bytes: encode([1, 2]) })).toContain(noMap);
    const { num_classes: _, ...lacking } = usual;
    expect(errorOf({ options: lacking })).toContain(`the options of ${name} lack num_classes, or are damaged`);
    expect(errorOf({ options: { ...usual, num_classes: 'two' } }))
      .toContain(`the option num_classes of ${name} is not a number`);
    const sound = encode({ ...usual, nms_iou_threshold: 0.6 });
    for (let at = 0; at < sound.length; at++) {
      for (const value of [0, 255, sound[at]! ^ 1]) {
        try {
          compile(detector({ bytes: sound.map((byte, i) => (i === at ? value : byte)) }));
        } catch (error) {
          expect((error as KletError).code).toMatch(/^(CORRUPT|INVALID_GRAPH|UNSUPPORTED_OP)$/);
        }
      }
    }
  });
});
