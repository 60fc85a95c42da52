import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import { float, ints, network, only, ramp } from './networks';

describe('tensors whose sizes the file leaves open', () => {
  const image = (shape: number[], shapeSignature: number[]): Uint8Array =>
    network([{ ...float('x', shape), shapeSignature }, float('w', [4, 3, 3, 3], ramp([4, 3, 3, 3])), {
      ...float('c', [1, 1, 1, 4]),
      shapeSignature: [1, -1, -1, 4],
    }, ints('axes', [1, 2]), float('y', [1, 4])], [{
      kind: 'CONV_2D',
      inputs: ['x', 'w', null],
      outputs: ['c'],
      options: { padding: 'VALID', strideW: 2, strideH: 1 },
    }, { kind: 'MEAN', inputs: ['c', 'axes'], outputs: ['y'], options: { keepDims: false } }]);
  const open = image([1, 1, 1, 3], [1, -1, -1, 3]);

  it('need the size of an image', () => {
    expect(() => importTflite(open))
      .toThrow(/the size of the input "x" is open \(\[1, -1, -1, 3\]\).*--shape 1,224,224,3 or the option "shapes"/);
    expect(importTflite(image([1, 9, 9, 3], [-1, 9, 9, 3])).inputs[0]!.shape).toEqual([1, 9, 9, 3]);
  });

  it('follow from the shapes that the caller gives', () => {
    for (const name of ['x', '']) {
      const graph = importTflite(open, { shapes: { [name]: [1, 9, 12, 3] } });
      expect(graph.nodes.map(({ outputs }) => outputs[0]!.shape)).toEqual([[1, 7, 5, 4], [1, 4]]);
      const fixed = importTflite(image([1, 9, 12, 3], []));
      const input = Float32Array.from({ length: 9 * 12 * 3 }, (_, i) => Math.cos(i));
      expect(loadSync(compile(graph)).predict(input)).toEqual(loadSync(compile(fixed)).predict(input));
    }
  });

  it('are refused for names, ranks and sizes that do not fit', () => {
    const shapes = (wrong: Record<string, number[]>) => () => importTflite(open, { shapes: wrong });
    expect(shapes({ image: [1, 9, 9, 3] })).toThrow(/no input "image" to give a shape; the inputs are "x"/);
    expect(shapes({ x: [9, 9] })).toThrow(/the shape of "x" must have 4 dimensions, not 2/);
    expect(shapes({ x: [1, 0, 9, 3] })).toThrow(/whole numbers above 0/);
  });

  it('may follow from integers that operators compute from shapes', () => {
    // the usual flattening: RESHAPE(x, PACK(SHAPE(x)[0], −1))
    const options = { beginMask: 0, endMask: 0, shrinkAxisMask: 1 };
    const graph =
      importTflite(network([float('x', [2, 3, 4]), ints('zero', [0]), ints('one', [1]), ints('rest', [-1], []), {
        name: 'shape',
        shape: [3],
        type: 'INT32',
      }, { name: 'batch', shape: [], type: 'INT32' }, { name: 'sizes', shape: [2], type: 'INT32' }, {
        ...float('y', [1, 1]),
        shapeSignature: [-1, -1],
      }], [{ kind: 'SHAPE', inputs: ['x'], outputs: ['shape'], options: { outputType: 'INT32' } }, {
        kind: 'STRIDED_SLICE',
        inputs: ['shape', 'zero', 'one', 'one'],
        outputs: ['batch'],
        options,
      }, { kind: 'PACK', inputs: ['batch', 'rest'], outputs: ['sizes'], options: { valuesCount: 2 } }, {
        kind: 'RESHAPE',
        inputs: ['x', 'sizes'],
        outputs: ['y'],
      }]));
    expect(only(graph)).toMatchObject({ op: 'reshape', outputs: [{ shape: [2, 12] }] });
  });

  it('may be those of constants made by FILL, ZEROS_LIKE and RANGE', () => {
    const graph =
      importTflite(network([float('x', [2, 3]), ints('dims', [2, 3]), float('value', [], [1.5]),
        float('filled', [2, 3]), float('zeros', [2, 3]), float('sum', [2, 3]), float('y', [2, 3])], [{
        kind: 'FILL',
        inputs: ['dims', 'value'],
        outputs: ['filled'],
      }, { kind: 'ZEROS_LIKE', inputs: ['x'], outputs: ['zeros'] }, {
        kind: 'ADD',
        inputs: ['x', 'filled'],
        outputs: ['sum'],
      }, { kind: 'ADD', inputs: ['sum', 'zeros'], outputs: ['y'] }]));
    const x = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(loadSync(compile(graph)).predict(x)).toEqual(x.map((v) => v + 1.5));
  });
});

it.each([['edgetpu-custom-op', /compiled for an Edge TPU; take the \.tflite file from before edgetpu_compiler/], [
  'ethos-u',
  /compiled for an Arm Ethos-U; take the \.tflite file from before Vela/,
], ['FlexErf', /needs TensorFlow itself; export it without tf\.lite\.OpsSet\.SELECT_TF_OPS/], [
  'TFSentencepieceTokenizeOp',
  /works on texts; run the tokenizer in your program/,
], ['PosenetDecoderOp', /with the inputs of this operator as outputs/], ['TransformLandmarks',
  /export the network without them, for example only the part before them/]])(
    'say what to do about the custom operator %s',
    (customCode, advice) => {
      const file = network([float('x', [2]), float('y', [2])], [{
        kind: 'CUSTOM',
        customCode,
        inputs: ['x'],
        outputs: ['y'],
      }]);
      expect(() => importTflite(file)).toThrow(advice);
      expect(() => importTflite(file)).toThrow(`custom operator ${customCode} (1): "y"`);
    },
  );

it('names the operators of the newest schema', () => {
  const file = network([float('x', [2]), float('y', [2])], [{
    kind: 'STABLEHLO_COMPOSITE',
    inputs: ['x'],
    outputs: ['y'],
  }]);
  expect(() => importTflite(file)).toThrow('STABLEHLO_COMPOSITE (1): "y"');
});
