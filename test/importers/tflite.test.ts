import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KletError } from '../../src/errors';
import { compile } from '../../src/compiler/index';
import { importTflite } from '../../src/importers/tflite';
import { loadSync } from '../../src/index';
import type { TfliteTensor } from '../tflite/writer';
import { float, int8, ints, network, only, ramp, single } from './networks';

const models = new URL('../../../shared/models/', import.meta.url);

function errorOf(action: () => unknown): KletError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(KletError);
    return error as KletError;
  }
  throw new Error('expected a KletError');
}

describe('convolutions and pools', () => {
  it.each([['SAME', 8, 3, 1, 1, [1, 1, 1, 1], 8], ['SAME', 8, 3, 2, 1, [0, 0, 1, 1], 4], ['SAME', 7, 3, 2, 1, [1, 1, 1,
    1], 4], ['SAME', 7, 3, 1, 2, [2, 2, 2, 2], 7], ['SAME', 9, 2, 3, 1, [0, 0, 0, 0], 3], ['VALID', 8, 3, 2, 1, [0, 0,
    0, 0], 3]])(
      'resolve %s padding of %i pixels, kernel %i, stride %i, dilation %i',
      (padding, size, kernel, stride, dilation, expected, out) => {
        const w = int8('w', [4, kernel, kernel, 2], [0.1, 0.2, 0.3, 0.4], 0, ramp([4, kernel, kernel, 2]));
        const graph = single('CONV_2D', int8('x', [1, size, size, 2], 0.5, -3), int8('y', [1, out, out, 4], 0.25, 7), {
          padding,
          strideW: stride,
          strideH: stride,
          dilationWFactor: dilation,
          dilationHFactor: dilation,
          fusedActivationFunction: 'RELU6',
        }, [w, {
          name: 'b',
          shape: [4],
          type: 'INT32',
          data: [1, 2, 3, 4],
          quantization: { scale: [0.05, 0.1, 0.15, 0.2] },
        }]);
        const node = only(graph);
        expect(node).toMatchObject({
          op: 'conv2d',
          name: 'y',
          attributes: {
            stride: [stride, stride],
            dilation: [dilation, dilation],
            padding: expected,
            groups: 1,
            activation: 'relu6',
          },
        });
        expect(node.inputs[0]).toEqual({
          name: 'x',
          shape: [1, size, size, 2],
          dtype: 'int8',
          quantization: { scale: [0.5], zeroPoint: [-3], axis: 0 },
        });
        expect(node.inputs[1]!.quantization).toMatchObject({ zeroPoint: [0, 0, 0, 0], axis: 0 });
        expect(node.inputs[1]!.quantization!.scale[3]).toBeCloseTo(0.4);
        expect(node.inputs[2]!.data).toEqual(new Int32Array([1, 2, 3, 4]));
      },
    );

  it('find the groups of a grouped convolution in its weights', () => {
    const node =
      only(single('CONV_2D', float('x', [1, 4, 4, 6]), float('y', [1, 4, 4, 3]), {
        padding: 'SAME',
        strideW: 1,
        strideH: 1,
      }, [float('w', [3, 1, 1, 2], [1, 2, 3, 4, 5, 6])]));
    expect(node).toMatchObject({ op: 'conv2d', attributes: { groups: 3 } });
    expect(node.inputs[2]).toBeNull();
  });

  it('keep depthwise weights as [1][KH][KW][C·multiplier] with scales along dimension 3', () => {
    const node =
      only(single('DEPTHWISE_CONV_2D', int8('x', [1, 5, 5, 2], 1, 0), int8('y', [1, 3, 5, 4], 1, 0), {
        padding: 'SAME',
        strideW: 1,
        strideH: 2,
      }, [int8('w', [1, 3, 3, 4], [1, 2, 3, 4], 0, ramp([1, 3, 3, 4]), 3)]));
    expect(node).toMatchObject({
      op: 'depthwiseConv2d',
      attributes: { stride: [2, 1], padding: [1, 1, 1, 1], activation: 'none' },
    });
    expect(node.inputs[1]!.quantization).toMatchObject({ scale: [1, 2, 3, 4], axis: 3 });
  });

  it('keep int8 weights between float activations, as a hybrid form', () => {
    const layer = (scales: number[]) =>
      only(single('CONV_2D', float('x', [1, 2, 2, 1]), float('y', [1, 2, 2, 2]), {
        padding: 'SAME',
        strideW: 1,
        strideH: 1,
      }, [int8('w', [2, 1, 1, 1], scales, 0, [100, -100])]));
    expect(layer([0.5, 0.25])).toMatchObject({ attributes: { hybrid: 'asymmetric' } });
    expect(layer([0.5])).toMatchObject({ attributes: { hybrid: 'symmetric' } });
    expect(layer([0.5]).inputs[1]!.data).toEqual(new Int8Array([100, -100]));
  });

  it('dequantize uint8 weights between float activations', () => {
    const w: TfliteTensor = {
      name: 'w',
      shape: [2, 1, 1, 1],
      type: 'UINT8',
      data: [128, 0],
      quantization: { scale: 0.5, zeroPoint: 28 },
    };
    const node =
      only(single('CONV_2D', float('x', [1, 2, 2, 1]), float('y', [1, 2, 2, 2]), {
        padding: 'SAME',
        strideW: 1,
        strideH: 1,
      }, [w]));
    expect(node.inputs[1]).toEqual({
      name: 'w',
      shape: [2, 1, 1, 1],
      dtype: 'float32',
      data: new Float32Array([50, -14]),
    });
  });

  it('compute the padding of transposed convolutions from the output size, as TFLite does', () => {
    const x = float('x', [1, 4, 4, 2]);
    const w = float('w', [3, 3, 3, 2], ramp([3, 3, 3, 2]));
    const graph =
      importTflite(network([x, ints('shape', [1, 8, 8, 3]), w, float('b', [3], [1, 2, 3]), float('y', [1, 8, 8, 3])], [{
        kind: 'TRANSPOSE_CONV',
        inputs: ['shape', 'w', 'x', 'b'],
        outputs: ['y'],
        options: { padding: 'SAME', strideW: 2, strideH: 2, fusedActivationFunction: 'RELU' },
      }]));
    expect(only(graph)).toMatchObject({
      op: 'transposeConv2d',
      attributes: { stride: [2, 2], padding: [0, 0, 1, 1], activation: 'relu' },
    });
    expect(only(graph).inputs.map((t) => t?.name)).toEqual(['x', 'w', 'b']);
  });

  it("read MediaPipe's transposed convolution", () => {
    const options = new Uint8Array(new Int32Array([2, 2, 2]).buffer);
    const graph =
      importTflite(network([float('x', [1, 4, 4, 2]), float('w', [3, 2, 2, 2], ramp([3, 2, 2, 2])),
        float('b', [3], [1, 2, 3]), float('y', [1, 8, 8, 3])], [{
        kind: 'CUSTOM',
        customCode: 'Convolution2DTransposeBias',
        customOptions: options,
        inputs: ['x', 'w', 'b'],
        outputs: ['y'],
      }]));
    expect(only(graph)).toMatchObject({
      op: 'transposeConv2d',
      attributes: { stride: [2, 2], padding: [0, 0, 0, 0], activation: 'none' },
    });
  });

  it('read pools', () => {
    const options = {
      padding: 'SAME',
      strideW: 2,
      strideH: 2,
      filterWidth: 3,
      filterHeight: 2,
      fusedActivationFunction: 'NONE',
    };
    expect(only(single('AVERAGE_POOL_2D', float('x', [1, 5, 5, 2]), float('y', [1, 3, 3, 2]), options))).toMatchObject({
      op: 'averagePool2d',
      attributes: { kernel: [2, 3], stride: [2, 2], padding: [0, 1, 1, 1], activation: 'none' },
    });
    expect(only(single('MAX_POOL_2D', float('x', [1, 5, 5, 2]), float('y', [1, 3, 3, 2]), options))).toMatchObject({
      op: 'maxPool2d',
    });
  });
});

describe('matrix products', () => {
  it('flatten inputs of any rank and restore the rank of the output', () => {
    const graph = single('FULLY_CONNECTED', float('x', [2, 3, 4]), float('y', [2, 3, 5]), {
      keepNumDims: true,
      fusedActivationFunction: 'RELU',
    }, [float('w', [5, 4], ramp([5, 4])), float('b', [5], [1, 2, 3, 4, 5])]);
    expect(graph.nodes.map((n) => [n.op, n.inputs[0]!.shape, n.outputs[0]!.shape])).toEqual([['reshape', [2, 3, 4], [6,
      4]], ['fullyConnected', [6, 4], [6, 5]], ['reshape', [6, 5], [2, 3, 5]]]);
    expect(graph.nodes[2]!.outputs[0]).toBe(graph.outputs[0]);
  });

  it('import a layer with computed weights as a matrix product', () => {
    const graph =
      importTflite(network([float('x', [2, 4]), float('w', [5, 4]), float('y', [2, 5])], [{
        kind: 'FULLY_CONNECTED',
        inputs: ['x', 'w', null],
        outputs: ['y'],
      }], { inputs: ['x', 'w'] }));
    expect(only(graph)).toMatchObject({ op: 'batchMatmul', attributes: { transposeA: false, transposeB: true } });
  });

  it('read BATCH_MATMUL', () => {
    expect(only(single('BATCH_MATMUL', float('x', [2, 3, 4]), float('y', [2, 3, 5]), { adjY: true }, [
      float('w', [2, 5, 4], ramp([2, 5, 4])),
    ]))).toMatchObject({ op: 'batchMatmul', attributes: { transposeA: false, transposeB: true } });
  });
});

describe('elementwise operators', () => {
  it.each([['ADD', 'add'], ['SUB', 'sub'], ['MUL', 'mul'], ['DIV', 'div'], ['MINIMUM', 'minimum'], ['MAXIMUM',
    'maximum'], ['SQUARED_DIFFERENCE', 'squaredDifference']])('read %s', (kind, expected) => {
      expect(only(single(kind, float('x', [2, 3]), float('y', [2, 3]), undefined, [float('b', [3], [1, 2, 3])])))
        .toMatchObject({ op: 'binary', attributes: { kind: expected, activation: 'none' } });
    });

  it.each([['RELU', 'relu'], ['RELU6', 'relu6'], ['RELU_N1_TO_1', 'reluN1To1'], ['RELU_0_TO_1', 'relu0To1'], [
    'HARD_SWISH',
    'hardSwish',
  ], ['LOGISTIC', 'logistic'], ['TANH', 'tanh'], ['EXP', 'exp'], ['LOG', 'log'], ['SQRT', 'sqrt'], ['RSQRT', 'rsqrt'], [
    'ABS',
    'abs',
  ], ['NEG', 'neg'], ['SQUARE', 'square'], ['FLOOR', 'floor'], ['CEIL', 'ceil'], ['ROUND', 'round'], ['SIN', 'sin'], [
    'COS',
    'cos',
  ], ['ELU', 'elu'], ['GELU', 'gelu']])('read %s', (kind, expected) => {
    expect(only(single(kind, float('x', [2, 3]), float('y', [2, 3])))).toMatchObject({
      op: 'unary',
      attributes: { kind: expected },
    });
  });

  it('read the attributes of LEAKY_RELU, GELU and PRELU', () => {
    const [x, y] = [float('x', [2, 3]), float('y', [2, 3])];
    expect(only(single('LEAKY_RELU', x, y, { alpha: 0.25 }))).toMatchObject({
      attributes: { kind: 'leakyRelu', alpha: 0.25 },
    });
    expect(only(single('GELU', x, y, { approximate: true }))).toMatchObject({ attributes: { kind: 'geluTanh' } });
    expect(only(single('PRELU', x, y, undefined, [float('a', [3], [1, 2, 3])]))).toMatchObject({ op: 'prelu' });
  });

  it('emit a separate node for a fused TANH', () => {
    const graph = single('ADD', float('x', [2]), float('y', [2]), { fusedActivationFunction: 'TANH' }, [
      float('b', [2], [1, 2]),
    ]);
    expect(graph.nodes.map((n) => n.op)).toEqual(['binary', 'unary']);
    expect(graph.nodes[1]).toMatchObject({ name: 'y', attributes: { kind: 'tanh' } });
  });
});

describe('reductions', () => {
  it('count axes from the start, once each and ascending', () => {
    expect(only(single('MEAN', float('x', [1, 4, 5, 6]), float('y', [1, 6]), { keepDims: false }, [
      ints('axes', [-2, 1, 2]),
    ]))).toMatchObject({ op: 'reduce', attributes: { kind: 'mean', axes: [1, 2] } });
  });

  it.each([['SUM', 'sum'], ['REDUCE_MAX', 'max'], ['REDUCE_MIN', 'min'], ['REDUCE_PROD', 'prod']])(
    'read %s',
    (kind, expected) => {
      expect(only(single(kind, float('x', [2, 3]), float('y', [2]), {}, [ints('axes', [1])]))).toMatchObject({
        op: 'reduce',
        attributes: { kind: expected, axes: [1] },
      });
    },
  );

  it('read ARG_MAX, SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION', () => {
    const axis: TfliteTensor = { name: 'axis', shape: [], type: 'INT64', data: [-1] };
    const node =
      only(single('ARG_MAX', float('x', [2, 3]), { name: 'y', shape: [2], type: 'INT64' }, { outputType: 'INT64' }, [
        axis,
      ]));
    expect(node).toMatchObject({ op: 'argmax', attributes: { axis: 1, kind: 'max' } });
    expect(node.outputs[0]!.dtype).toBe('int64');
    expect(only(single('SOFTMAX', float('x', [2, 3]), float('y', [2, 3]), { beta: 0.5 }))).toMatchObject({
      op: 'softmax',
      attributes: { beta: 0.5 },
    });
    expect(only(single('LOG_SOFTMAX', float('x', [2, 3]), float('y', [2, 3])))).toMatchObject({ op: 'logSoftmax' });
    expect(only(single('L2_NORMALIZATION', float('x', [2, 3]), float('y', [2, 3]), {}))).toMatchObject({
      op: 'l2Normalize',
    });
  });
});

describe('slices', () => {
  const strided = (
    shape: number[],
    out: number[],
    begin: number[],
    end: number[],
    strides: number[],
    masks: Record<string, number>,
  ) =>
    single('STRIDED_SLICE', float('x', shape), float('y', out), masks, [ints('begin', begin), ints('end', end),
      ints('strides', strides)]).nodes.map((n) => ({ op: n.op, shape: n.outputs[0]!.shape, ...n.attributes }));

  it('clamp begins and ends as Python does', () => {
    expect(strided([5, 6], [2, 3], [-2, 1], [99, -2], [1, 1], {})).toEqual([{
      op: 'slice',
      shape: [2, 3],
      begin: [3, 1],
      stride: [1, 1],
    }]);
  });
  it('run backwards', () => {
    expect(strided([5, 6], [5, 3], [0, -1], [0, 0], [-1, -2], { beginMask: 1, endMask: 1 })).toEqual([{
      op: 'slice',
      shape: [5, 3],
      begin: [4, 5],
      stride: [-1, -2],
    }]);
  });
  it('drop a dimension that is indexed', () => {
    expect(strided([4, 5, 6], [4, 6], [0, -1, 0], [0, 0, 0], [1, 1, 1], {
      beginMask: 5,
      endMask: 5,
      shrinkAxisMask: 2,
    })).toEqual([{ op: 'slice', shape: [4, 1, 6], begin: [0, 4, 0], stride: [1, 1, 1] }, {
      op: 'reshape',
      shape: [4, 6],
    }]);
  });
  it('expand an ellipsis to all dimensions without an entry', () => {
    expect(strided([4, 5, 6], [4, 5, 2], [0, 1], [0, 3], [1, 1], { ellipsisMask: 1 })).toEqual([{
      op: 'slice',
      shape: [4, 5, 2],
      begin: [0, 0, 1],
      stride: [1, 1, 1],
    }]);
  });
  it('add new dimensions by reshaping', () => {
    expect(strided([4, 5], [4, 1, 5], [0, 0, 0], [4, 0, 5], [1, 1, 1], { newAxisMask: 2 })).toEqual([{
      op: 'reshape',
      shape: [4, 1, 5],
    }]);
  });

  it('read SLICE', () => {
    expect(only(single('SLICE', float('x', [4, 5]), float('y', [2, 4]), undefined, [ints('begin', [1, 1]),
      ints('size', [2, -1])]))).toMatchObject({ op: 'slice', attributes: { begin: [1, 1], stride: [1, 1] } });
  });

  it('read CONCATENATION and both splits', () => {
    expect(only(single('CONCATENATION', float('x', [2, 3]), float('y', [2, 4]), { axis: -1 }, [
      float('b', [2, 1], [1, 2]),
    ]))).toMatchObject({ op: 'concat', attributes: { axis: 1, activation: 'none' } });
    const parts = [float('y0', [2, 1]), float('y1', [2, 3])];
    const splitV =
      importTflite(network([float('x', [2, 4]), ints('sizes', [1, 3]), ints('axis', [1], []), ...parts], [{
        kind: 'SPLIT_V',
        inputs: ['x', 'sizes', 'axis'],
        outputs: ['y0', 'y1'],
        options: { numSplits: 2 },
      }], { outputs: ['y1', 'y0'] }));
    expect(only(splitV)).toMatchObject({ op: 'split', attributes: { axis: 1 } });
    expect(splitV.outputs.map((t) => t.name)).toEqual(['y1', 'y0']);
    const split =
      importTflite(network([float('x', [2, 4]), ints('axis', [-1], []), float('y0', [2, 2]), float('y1', [2, 2])], [{
        kind: 'SPLIT',
        inputs: ['axis', 'x'],
        outputs: ['y0', 'y1'],
        options: { numSplits: 2 },
      }], { outputs: ['y0', 'y1'] }));
    expect(only(split)).toMatchObject({ op: 'split', attributes: { axis: 1 } });
  });

  it('import PACK and UNPACK with reshapes', () => {
    const packed = single('PACK', float('x', [2, 3]), float('y', [2, 2, 3]), { axis: 1, valuesCount: 2 }, [
      float('b', [2, 3], [1, 2, 3, 4, 5, 6]),
    ]);
    expect(packed.nodes.map((n) => n.op)).toEqual(['reshape', 'concat']);
    expect(packed.nodes[1]!.inputs.map((t) => t!.shape)).toEqual([[2, 1, 3], [2, 1, 3]]);
    const unpacked =
      importTflite(network([float('x', [2, 3]), float('y0', [3]), float('y1', [3])], [{
        kind: 'UNPACK',
        inputs: ['x'],
        outputs: ['y0', 'y1'],
        options: { num: 2, axis: 0 },
      }], { outputs: ['y0', 'y1'] }));
    expect(unpacked.nodes.map((n) => n.op)).toEqual(['split', 'reshape', 'reshape']);
  });
});

describe('layout operators', () => {
  it.each(['RESHAPE', 'SQUEEZE', 'EXPAND_DIMS'])('read %s as a reshape', (kind) => {
    expect(only(single(
      kind,
      float('x', [1, 6]),
      float('y', [6]),
      undefined,
      kind === 'SQUEEZE' ? [] : [ints('s', [6])],
    )).op).toBe('reshape');
  });

  it('read pads with their real fill value', () => {
    const amounts = ints('amounts', [0, 0, 1, 2], [2, 2]);
    expect(only(single('PAD', float('x', [2, 3]), float('y', [2, 6]), undefined, [amounts]))).toMatchObject({
      op: 'pad',
      attributes: { before: [0, 1], after: [0, 2], mode: 'constant', value: 0 },
    });
    expect(only(single('PADV2', int8('x', [2, 3], 0.5, 2), int8('y', [2, 6], 0.5, 2), undefined, [amounts,
      int8('fill', [1], 0.5, 2, [6])]))).toMatchObject({ attributes: { mode: 'constant', value: 2 } });
    expect(only(single('MIRROR_PAD', float('x', [2, 3]), float('y', [2, 6]), { mode: 1 }, [amounts]))).toMatchObject({
      attributes: { mode: 'symmetric' },
    });
  });

  it('read TRANSPOSE, resizes, DEPTH_TO_SPACE and BROADCAST_TO', () => {
    expect(only(single('TRANSPOSE', float('x', [2, 3, 4]), float('y', [4, 2, 3]), undefined, [
      ints('perm', [2, 0, 1]),
    ]))).toMatchObject({ attributes: { perm: [2, 0, 1] } });
    expect(only(single('RESIZE_BILINEAR', float('x', [1, 2, 2, 1]), float('y', [1, 4, 4, 1]), {
      halfPixelCenters: true,
    }, [ints('size', [4, 4])]))).toMatchObject({
      op: 'resize2d',
      attributes: { mode: 'bilinear', alignCorners: false, halfPixelCenters: true },
    });
    expect(only(single('RESIZE_NEAREST_NEIGHBOR', float('x', [1, 2, 2, 1]), float('y', [1, 4, 4, 1]), {
      alignCorners: true,
    }, [ints('size', [4, 4])]))).toMatchObject({ op: 'resize2d', attributes: { mode: 'nearest', alignCorners: true } });
    expect(only(single('DEPTH_TO_SPACE', float('x', [1, 2, 2, 4]), float('y', [1, 4, 4, 1]), { blockSize: 2 })))
      .toMatchObject({ op: 'depthToSpace', attributes: { blockSize: 2 } });
    expect(only(single('BROADCAST_TO', float('x', [1, 3]), float('y', [2, 3]), undefined, [ints('s', [2, 3])])))
      .toMatchObject({ op: 'broadcastTo' });
  });

  it('import TILE as one broadcast per repeated dimension', () => {
    const graph = single('TILE', float('x', [2, 3, 4]), float('y', [4, 3, 8]), undefined, [
      ints('multiples', [2, 1, 2]),
    ]);
    expect(graph.nodes.map((n) => [n.op, n.outputs[0]!.shape])).toEqual([['reshape', [1, 1, 24]], ['broadcastTo', [1, 2,
      24]], ['reshape', [12, 1, 4]], ['broadcastTo', [12, 2, 4]], ['reshape', [4, 3, 8]]]);
  });
});

describe('tensors', () => {
  it('convert float16 constants to float32', () => {
    const half: TfliteTensor = { name: 'h', shape: [4], type: 'FLOAT16', data: [1.5, -0.0001, 65504, 2 ** -24] };
    const graph =
      importTflite(network([float('x', [4]), half, float('f', [4]), float('y', [4])], [{
        kind: 'DEQUANTIZE',
        inputs: ['h'],
        outputs: ['f'],
      }, { kind: 'MUL', inputs: ['x', 'f'], outputs: ['y'] }]));
    const constant = only(graph).inputs[1]!;
    expect(constant).toMatchObject({ name: 'f', dtype: 'float32' });
    expect(constant.data![0]).toBe(1.5);
    expect(constant.data![1]).toBeCloseTo(-0.0001, 7);
    expect([...constant.data!].slice(2)).toEqual([65504, 2 ** -24]);
  });

  it('drop operators that compute a known shape', () => {
    const graph =
      importTflite(network([float('x', [2, 6]), { name: 's', shape: [2], type: 'INT32' }, {
        name: 'g',
        shape: [1],
        type: 'INT32',
      }, float('y', [3, 4])], [{ kind: 'SHAPE', inputs: ['x'], outputs: ['s'], options: { outputType: 'INT32' } }, {
        kind: 'MULTINOMIAL',
        inputs: ['s'],
        outputs: ['g'],
      }, { kind: 'RESHAPE', inputs: ['x', 'g'], outputs: ['y'] }]));
    expect(only(graph).op).toBe('reshape');
  });

  it('fold SHAPE to a constant', () => {
    const graph =
      importTflite(network([float('x', [2, 6]), { name: 's', shape: [2], type: 'INT32' }], [{
        kind: 'SHAPE',
        inputs: ['x'],
        outputs: ['s'],
      }]));
    expect(only(graph)).toMatchObject({ op: 'reshape', inputs: [{ data: new Int32Array([2, 6]) }] });
  });

  it('compute dilated convolutions written as blocks like convolutions with a dilation', () => {
    const weights = Array.from({ length: 3 * 2 * 2 }, (_, i) => (i % 5) - 2);
    const w = float('w', [2, 1, 3, 2], weights);
    const x = float('x', [1, 1, 11, 2]);
    const y = float('y', [1, 1, 7, 2]);
    const options = { padding: 'VALID', strideW: 1, strideH: 1 };
    const direct = network([x, w, y], [{
      kind: 'CONV_2D',
      inputs: ['x', 'w', null],
      outputs: ['y'],
      options: { ...options, dilationWFactor: 2 },
    }]);
    const blocks = network([{ ...x, shape: [1, 11, 2] }, ints('block', [2]), ints('before', [0, 1], [1, 2]),
      ints('after', [0, 1], [1, 2]), w, float('items', [2, 6, 2]), float('rows', [2, 1, 6, 2]),
      float('sums', [2, 1, 4, 2]), float('lines', [2, 4, 2]), { ...y, shape: [1, 7, 2] }], [{
      kind: 'SPACE_TO_BATCH_ND',
      inputs: ['x', 'block', 'before'],
      outputs: ['items'],
    }, { kind: 'EXPAND_DIMS', inputs: ['items'], outputs: ['rows'] }, {
      kind: 'CONV_2D',
      inputs: ['rows', 'w', null],
      outputs: ['sums'],
      options,
    }, { kind: 'SQUEEZE', inputs: ['sums'], outputs: ['lines'] }, {
      kind: 'BATCH_TO_SPACE_ND',
      inputs: ['lines', 'block', 'after'],
      outputs: ['y'],
    }]);
    const input = Float32Array.from({ length: 22 }, (_, i) => Math.sin(i));
    const [expected, found] = [direct, blocks].map((file) => loadSync(compile(importTflite(file))).predict(input));
    expect(found).toEqual(expected);
  });

  it('give every tensor a unique name', () => {
    const graph =
      importTflite(network([float('', [2]), float('a', [2]), float('a', [2])], [{
        kind: 'NEG',
        inputs: [0],
        outputs: [1],
      }, { kind: 'ABS', inputs: [1], outputs: [2] }]));
    expect([graph.inputs[0]!.name, ...graph.nodes.map((n) => n.name)]).toEqual(['tensor_0', 'a', 'a_1']);
  });

  it('copy outputs that are inputs or listed twice', () => {
    const graph =
      importTflite(network([float('x', [2]), float('y', [2])], [{ kind: 'NEG', inputs: ['x'], outputs: ['y'] }], {
        outputs: ['y', 'x', 'y'],
      }));
    expect(graph.outputs.map((t) => t.name)).toEqual(['y', 'x/output', 'y/output']);
    expect(new Set(graph.outputs).size).toBe(3);
    expect(graph.nodes.map((n) => n.op)).toEqual(['unary', 'reshape', 'reshape']);
  });

  it('read constants stored after the FlatBuffer', () => {
    const graph =
      importTflite(network([float('x', [3]), float('b', [3], [1, 2, 3]), float('y', [3])], [{
        kind: 'ADD',
        inputs: ['x', 'b'],
        outputs: ['y'],
      }], { areBuffersOutside: true }));
    expect(only(graph).inputs[1]!.data).toEqual(new Float32Array([1, 2, 3]));
  });

  it('saturate the int64 that means "to the end", and refuse others that do not fit', () => {
    const long = (name: string, data: number[]): TfliteTensor => ({ name, shape: [1], type: 'INT64', data });
    const slice = (end: number) =>
      single('STRIDED_SLICE', float('x', [9]), float('y', [7]), {}, [long('begin', [2]), long('end', [end]),
        long('strides', [1])]);
    expect(only(slice(Infinity)).op).toBe('slice');
    expect(errorOf(() => slice(2 ** 40)).code).toBe('UNSUPPORTED_TYPE');
  });

  it('ignore the ranges of float tensors', () => {
    const graph = single(
      'NEG',
      { ...float('x', [2]), quantization: { scale: [], zeroPoint: [], min: [0], max: [1] } },
      float('y', [2]),
    );
    expect(graph.inputs[0]).toEqual({ name: 'x', shape: [2], dtype: 'float32' });
  });
});

describe('networks that cannot be imported', () => {
  it('one error lists every unsupported operator and form that is needed', () => {
    const error = errorOf(() =>
      importTflite(
        network([float('x', [4]), float('a', [4]), float('b', [4]), float('c', [4]), float('dead', [4]),
          float('y', [4])], [{ kind: 'MULTINOMIAL', inputs: ['x'], outputs: ['a'] }, {
          kind: 'MULTINOMIAL',
          inputs: ['a'],
          outputs: ['b'],
        }, { kind: 'WHERE', inputs: ['x'], outputs: ['dead'] }, {
          kind: 'ADD',
          inputs: ['b', 'x'],
          outputs: ['c'],
          options: { fusedActivationFunction: 'SIGN_BIT' },
        }, { kind: 'CUSTOM', customCode: 'toString', inputs: ['c'], outputs: ['y'] }]),
        { name: 'net.tflite' },
      )
    );
    expect(error.code).toBe('UNSUPPORTED_OP');
    expect(error.message.split('\n').slice(1)).toEqual(['  MULTINOMIAL (2): "a", "b"',
      '  ADD with fused activation SIGN_BIT (1): "c"', '  custom operator toString (1): "y"']);
    expect(error.message).toMatch(/^net\.tflite: /);
  });

  it('lists tensors of unsupported types', () => {
    const error = errorOf(() =>
      single('NEG', { name: 'x', shape: [2], type: 'INT16' }, { name: 'y', shape: [2], type: 'INT16' })
    );
    expect(error.code).toBe('UNSUPPORTED_TYPE');
    expect(error.message).toContain('"x" (int16');
    expect(error.message).toContain('"y" (int16');
  });

  it('names the defect of a malformed file', () => {
    const sound = network([float('x', [4]), float('b', [4], [1, 2, 3, 4]), float('y', [4])], [{
      kind: 'ADD',
      inputs: ['x', 'b'],
      outputs: ['y'],
    }]);
    expect(errorOf(() => importTflite(new TextEncoder().encode('{"format": "layers-model"}'))).code).toBe('BAD_MAGIC');
    expect(errorOf(() => importTflite(new Uint8Array(3))).code).toBe('BAD_MAGIC');
    for (let length = 8; length < sound.length - 16; length += 4) {
      expect(['CORRUPT', 'INVALID_GRAPH']).toContain(errorOf(() => importTflite(sound.subarray(0, length))).code);
    }
    const crossed = network([float('x', [4]), float('a', [4]), float('y', [4])], [{
      kind: 'NEG',
      inputs: ['a'],
      outputs: ['y'],
    }, { kind: 'ABS', inputs: ['x'], outputs: ['a'] }]);
    expect(errorOf(() => importTflite(crossed)).code).toBe('INVALID_GRAPH');
  });

  it('a damaged file gives a KletError or a graph in bounded time', () => {
    const sound = network([int8('x', [1, 8, 8, 2], 0.5, -3),
      int8('w', [4, 3, 3, 2], [0.1, 0.2, 0.3, 0.4], 0, ramp([4, 3, 3, 2])), ints('s', [2, 128]),
      int8('y', [1, 8, 8, 4], 0.25, 7), int8('z', [2, 128], 0.25, 7)], [{
      kind: 'CONV_2D',
      inputs: ['x', 'w', null],
      outputs: ['y'],
      options: { padding: 'SAME', strideW: 1, strideH: 1 },
    }, { kind: 'RESHAPE', inputs: ['y', 's'], outputs: ['z'] }]);
    let seed = 1;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let trial = 0; trial < 3000; trial++) {
      const damaged = sound.slice();
      for (let n = 0; n <= trial % 4; n++) {
        damaged[8 + random(damaged.length - 8)] = trial % 2 ? random(256) : [0, 1, 127, 128, 255][random(5)]!;
      }
      try {
        importTflite(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(KletError);
      }
    }
  });
});

describe.skipIf(!existsSync(models))('the networks of ../shared/models', () => {
  const files = existsSync(models)
    ? readdirSync(models).filter((file) => file.endsWith('.tflite') && !file.startsWith('lstm'))
    : [];
  it.each(files)('%s is imported as a graph', (file) => {
    const graph = importTflite(readFileSync(new URL(file, models)), { name: file });
    expect(graph.inputs).toHaveLength(1);
    const names = graph.nodes.flatMap((node) => node.outputs.map((t) => t.name));
    expect(new Set(names).size).toBe(names.length);
    const computed = new Set(graph.inputs);
    for (const node of graph.nodes) {
      for (const tensor of node.inputs) expect(!tensor || tensor.data || computed.has(tensor)).toBeTruthy();
      node.outputs.forEach((tensor) => computed.add(tensor));
    }
  });
});
