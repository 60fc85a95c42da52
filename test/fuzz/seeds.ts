import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../src/importers/onnx/onnx_pb';

import { sequential, writeKerasArchive, writeKerasHdf5, type Layers } from '../importers/keras/writer';
import { writeOnnx, type AttributeValue, type OnnxGraph } from '../importers/onnx/writer';
import { attribute, toJson, writeTfjs } from '../importers/tfjs/writer';
import { writeTflite, type TfliteOperator, type TfliteTensor } from '../tflite/writer';
import { foreignNetworks } from '../docs/foreignNetworks';
import { pack } from './package';

// Small valid networks of foreign formats, with operators whose constants decide shapes.

const ramp = (count: number): number[] => Array.from({ length: count }, (_, i) => (i % 15) - 7);
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** One operator: its tensors, of which the last is the output and those with data constants. */
function one(kind: string, tensors: TfliteTensor[], options?: Record<string, unknown>): Uint8Array {
  const names = tensors.map(({ name }) => name);
  const operator = { kind, inputs: names.slice(0, -1), outputs: names.slice(-1), ...(options && { options }) };
  return writeTflite({ tensors, operators: [operator], inputs: ['x'], outputs: names.slice(-1) });
}

const float = (name: string, shape: number[], hasData = false): TfliteTensor => ({
  name,
  shape,
  type: 'FLOAT32',
  ...(hasData && { data: ramp(size(shape)) }),
});
const int8 = (name: string, shape: number[], hasData = false): TfliteTensor => ({
  ...float(name, shape, hasData),
  type: 'INT8',
  quantization: { scale: 0.1, zeroPoint: 0 },
});
const ints = (name: string, data: number[], shape = [data.length]): TfliteTensor => ({
  name,
  shape,
  type: 'INT32',
  data,
});

export function encodeTflite(): Uint8Array[] {
  const conv = { padding: 'SAME', strideW: 1, strideH: 1, fusedActivationFunction: 'RELU' } as const;
  const pool = { padding: 'VALID', strideW: 2, strideH: 2, filterWidth: 2, filterHeight: 2 } as const;
  const tensors = [int8('x', [1, 6, 6, 2]), int8('w', [4, 3, 3, 2], true), ints('b', [1, 2, 3, 4]),
    int8('c', [1, 6, 6, 4]), int8('p', [1, 3, 3, 4]), ints('shape', [1, 36]), int8('r', [1, 36]),
    int8('fw', [3, 36], true), ints('fb', [1, 2, 3]), int8('f', [1, 3]), {
    ...int8('y', [1, 3]),
    quantization: { scale: 1 / 256, zeroPoint: -128 },
  }];
  const operators: TfliteOperator[] = [{ kind: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['c'], options: conv }, {
    kind: 'MAX_POOL_2D',
    inputs: ['c'],
    outputs: ['p'],
    options: pool,
  }, { kind: 'RESHAPE', inputs: ['p', 'shape'], outputs: ['r'] }, {
    kind: 'FULLY_CONNECTED',
    inputs: ['r', 'fw', 'fb'],
    outputs: ['f'],
  }, { kind: 'SOFTMAX', inputs: ['f'], outputs: ['y'], options: { beta: 1 } }];
  return [writeTflite({ tensors, operators, inputs: ['x'], outputs: ['y'] }),
    one('TRANSPOSE_CONV', [ints('o', [1, 4, 4, 2]), float('w', [2, 2, 2, 3], true), float('x', [1, 2, 2, 3]),
      float('y', [1, 4, 4, 2])], { padding: 'SAME', strideW: 2, strideH: 2 }),
    one('DEPTHWISE_CONV_2D', [float('x', [1, 5, 5, 4]), float('w', [1, 3, 3, 4], true), float('b', [4], true),
      float('y', [1, 5, 5, 4])], { padding: 'SAME', strideW: 1, strideH: 1, depthMultiplier: 1 }),
    one('PAD', [float('x', [1, 3, 3, 2]), ints('p', [0, 0, 1, 1, 2, 0, 0, 0], [4, 2]), float('y', [1, 5, 5, 2])]),
    one('TILE', [float('x', [2, 3]), ints('m', [2, 3]), float('y', [4, 9])]),
    one('BROADCAST_TO', [float('x', [1, 3]), ints('s', [4, 3]), float('y', [4, 3])]),
    one('RESIZE_BILINEAR', [int8('x', [1, 3, 3, 2]), ints('s', [6, 5]), int8('y', [1, 6, 5, 2])], {
      halfPixelCenters: true,
    }),
    one('STRIDED_SLICE', [float('x', [4, 6]), ints('b', [1, 0]), ints('e', [3, 5]), ints('s', [1, 2]),
      float('y', [2, 3])]), one('GATHER', [float('x', [5, 3]), ints('i', [4, 0, 2]), float('y', [3, 3])], { axis: 0 }),
    one('TRANSPOSE', [float('x', [2, 3, 4]), ints('p', [2, 0, 1]), float('y', [4, 2, 3])]),
    one('MEAN', [float('x', [1, 3, 3, 2]), ints('a', [1, 2]), float('y', [1, 2])]),
    one('SPLIT', [ints('axis', [1], []), float('x', [2, 4]), float('y', [2, 4])], { numSplits: 1 }),
    one('SPACE_TO_BATCH_ND', [float('x', [1, 4, 4, 1]), ints('b', [2, 2]), ints('c', [0, 0, 0, 0], [2, 2]),
      float('y', [4, 2, 2, 1])]),
    one('ONE_HOT', [{ name: 'x', shape: [3], type: 'INT32' }, ints('d', [4], []), { ...float('on', []), data: [1] }, {
      ...float('off', []),
      data: [0],
    }, float('y', [3, 4])], { axis: -1 }), one('TOPK_V2', [float('x', [2, 5]), ints('k', [2], []), float('y', [2, 2])]),
    one('FILL', [ints('d', [2, 3]), float('x', []), float('y', [2, 3])])];
}

/** One operator from x to y, with constants between. */
function single(
  op: string,
  shape: number[],
  attributes: Record<string, AttributeValue>,
  constants: OnnxGraph['constants'] = [],
): Uint8Array {
  return writeOnnx({
    nodes: [{ op, inputs: ['x', ...constants.map(({ name }) => name)], outputs: ['y'], attributes }],
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y' }],
    constants,
  });
}

const constant = (name: string, shape: number[], type?: number): NonNullable<OnnxGraph['constants']>[number] => ({
  name,
  shape,
  data: ramp(size(shape)),
  ...(type && { type }),
});
const whole = (name: string, ...data: number[]): NonNullable<OnnxGraph['constants']>[number] => ({
  name,
  shape: [data.length],
  data,
  type: 7,
});

/** The file with the data of its first constant in a file of its own. */
function outside(file: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, file);
  const tensor = model.graph!.initializer[0]!;
  const data = new Uint8Array(Float32Array.from(ramp(size(tensor.dims.map(Number)))).buffer);
  tensor.rawData = new Uint8Array(0);
  tensor.floatData = [];
  tensor.dataLocation = 1;
  const entries = { location: 'weights.bin', offset: '0', length: String(data.length) };
  tensor.externalData = Object.entries(entries).map(([key, value]) => ({
    $typeName: 'onnx.StringStringEntryProto',
    key,
    value,
  }));
  return pack({ 'model.onnx': toBinary(ModelProtoSchema, model), 'weights.bin': data });
}

export function encodeOnnx(): Uint8Array[] {
  const { 'network.onnx': classifier, 'voice.onnx': voice } = foreignNetworks();
  const conv = single('Conv', [1, 2, 6, 6], { pads: [1, 1, 1, 1], strides: [1, 1], group: 1 }, [
    constant('w', [3, 2, 3, 3]),
  ]);
  return [classifier!, voice!, conv, outside(conv),
    single('ConvTranspose', [1, 2, 3, 3], { strides: [2, 2] }, [constant('w', [2, 3, 2, 2])]),
    single('MaxPool', [1, 2, 6, 6], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }),
    single('Reshape', [2, 6], {}, [whole('shape', 3, -1)]), single('Tile', [2, 3], {}, [whole('repeats', 2, 2)]),
    single('Expand', [1, 3], {}, [whole('shape', 4, 3)]),
    single('Slice', [6, 5], {}, [whole('starts', 1, 0), whole('ends', 5, 4), whole('axes', 0, 1),
      whole('steps', 2, 1)]),
    single('Pad', [1, 2, 3, 3], { mode: 'constant' }, [whole('pads', 0, 0, 1, 1, 0, 0, 2, 1)]),
    single('Gather', [5, 3], { axis: 0 }, [whole('indices', 4, 0)]),
    single('Gemm', [2, 3], { alpha: { float: 0.5 }, transB: 1 }, [constant('w', [4, 3]), constant('b', [4])]),
    single('Resize', [1, 2, 3, 3], { mode: 'linear' }, [{ name: 'roi', shape: [0], data: [] }, {
      name: 'scales',
      shape: [4],
      data: [1, 1, 2, 2],
    }]), single('Upsample', [1, 2, 3, 3], { mode: 'nearest' }, [{ name: 'scales', shape: [4], data: [1, 1, 2, 2] }]),
    single('LSTM', [3, 1, 2], { hidden_size: 2 }, [constant('w', [1, 8, 2]), constant('r', [1, 8, 2])]),
    single('TopK', [2, 5], { axis: 1 }, [whole('k', 2)]),
    single('OneHot', [3], { axis: -1 }, [whole('depth', 4), { name: 'values', shape: [2], data: [0, 1] }]),
    single('QuantizeLinear', [2, 4], {}, [{ name: 'scale', shape: [], data: [0.1] }, {
      name: 'zero',
      shape: [],
      data: [0],
      type: 3,
    }]), single('Transpose', [2, 3, 4], { perm: [2, 0, 1] }), single('CumSum', [2, 3], {}, [whole('axis', 1)])];
}

export function encodeTfjs(): Uint8Array[] {
  const conv = writeTfjs({
    inputs: { x: { shape: [1, 6, 6, 2] } },
    constants: {
      w: { shape: [3, 3, 2, 4], data: ramp(72) },
      shape: { shape: [2], data: [1, -1], dtype: 'int32' },
      axes: { shape: [1], data: [1], dtype: 'int32' },
    },
    nodes: [{
      name: 'c',
      op: 'Conv2D',
      inputs: ['x', 'w'],
      attributes: { strides: attribute.ints(1, 1, 1, 1), padding: attribute.text('SAME') },
    }, { name: 'a', op: 'Relu', inputs: ['c'] }, {
      name: 'p',
      op: 'MaxPool',
      inputs: ['a'],
      attributes: {
        ksize: attribute.ints(1, 2, 2, 1),
        strides: attribute.ints(1, 2, 2, 1),
        padding: attribute.text('VALID'),
      },
    }, { name: 'r', op: 'Reshape', inputs: ['p', 'shape'] }, {
      name: 'm',
      op: 'Mean',
      inputs: ['r', 'axes'],
      attributes: { keep_dims: attribute.bool(true) },
    }],
    outputs: { y: 'm:0' },
  });
  const { 'model.json': product, 'group1-shard1of1.bin': weights } = foreignNetworks();
  const layers = {
    modelTopology: sequential([4], [['Dense', { name: 'dense', units: 3, activation: 'relu', use_bias: true }]]),
    weightsManifest: [{
      paths: ['weights.bin'],
      weights: [{ name: 'dense/kernel', shape: [4, 3], dtype: 'float32' }, {
        name: 'dense/bias',
        shape: [3],
        dtype: 'float32',
        quantization: { dtype: 'uint8', min: -1, scale: 0.1 },
      }],
    }],
  };
  return [pack({ 'model.json': conv.json, ...conv.files }),
    pack({ 'model.json': product!, 'group1-shard1of1.bin': weights! }),
    pack({ 'model.json': toJson(layers), 'weights.bin': new Uint8Array(51).fill(1) })];
}

const kerasLayers: [input: number[], layers: Layers][] = [[[6, 6, 2], [['Activation', { activation: 'relu' }], [
  'MaxPooling2D',
  { pool_size: [2, 2], strides: [2, 2], padding: 'valid' },
], ['UpSampling2D', { size: [2, 2] }], ['ZeroPadding2D', { padding: [[1, 1], [2, 0]] }], ['Cropping2D', {
  cropping: [[1, 1], [1, 0]],
}], ['Flatten', {}], ['Reshape', { target_shape: [8, -1] }], ['Permute', { dims: [2, 1] }]]], [[5], [['RepeatVector', {
  n: 3,
}], ['Softmax', { axis: -1 }]]]];

export function encodeKeras(): Uint8Array[] {
  const dense = sequential([4], [['Dense', { name: 'dense', units: 3, activation: 'relu', use_bias: true }]]);
  const weights = { dense: { kernel: { shape: [4, 3], data: ramp(12) }, bias: { shape: [3], data: [1, 2, 3] } } };
  const vars = { '0': weights.dense.kernel, '1': weights.dense.bias };
  const { 'network.keras': archive } = foreignNetworks();
  return [writeKerasHdf5({ model: dense, weights }),
    writeKerasArchive(dense, {
      children: { layers: { children: { dense: { children: { vars: { children: vars } } } } } },
    }), archive!, ...kerasLayers.flatMap(([input, layers]) => {
      const model = sequential(input, layers);
      return [writeKerasHdf5({ model }), writeKerasArchive(model, { children: { layers: {} } })];
    })];
}
