import '@tensorflow/tfjs-backend-cpu';
import { io, tensor } from '@tensorflow/tfjs-core';
import { layers, sequential, type LayersModel } from '@tensorflow/tfjs-layers';
import { compile, importModel } from '../../src/compiler/index';
import { Random } from '../helpers/random';
import { onnxTypes, writeOnnx, type OnnxConstant, type OnnxGraph } from '../importers/onnx/writer';
import { attribute, toJson, writeTfjs, type TfConstant, type TfGraph } from '../importers/tfjs/writer';

// The networks of the programs that are switched, as files of the libraries they were written for.

const random = new Random(7);
const values = (count: number): number[] => Array.from({ length: count }, () => Math.fround(random.between(-1, 1)));
const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const weights = (name: string, ...shape: number[]): OnnxConstant => ({ name, shape, data: values(countOf(shape)) });
const integers = (name: string, ...data: number[]): OnnxConstant => ({
  name,
  shape: [data.length],
  data,
  type: onnxTypes.int64,
});

const ortWebcam: OnnxGraph = {
  nodes: [{
    op: 'Conv',
    inputs: ['pixels', 'w', 'b'],
    outputs: ['c'],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  }, { op: 'Relu', inputs: ['c'], outputs: ['r'] }, { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['g'] }, {
    op: 'Flatten',
    inputs: ['g'],
    outputs: ['f'],
  }, { op: 'Gemm', inputs: ['f', 'v', 'd'], outputs: ['logits'] }],
  inputs: [{ name: 'pixels', shape: ['batch', 3, 24, 24] }],
  outputs: [{ name: 'logits', shape: ['batch', 5] }],
  constants: [weights('w', 8, 3, 3, 3), weights('b', 8), weights('v', 8, 5), weights('d', 5)],
};

const ortDigit: OnnxGraph = {
  nodes: [{ op: 'Conv', inputs: ['Input3', 'w'], outputs: ['c'], attributes: { auto_pad: 'SAME_UPPER' } }, {
    op: 'Relu',
    inputs: ['c'],
    outputs: ['r'],
  }, { op: 'MaxPool', inputs: ['r'], outputs: ['p'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } }, {
    op: 'Reshape',
    inputs: ['p', 'shape'],
    outputs: ['f'],
  }, { op: 'MatMul', inputs: ['f', 'v'], outputs: ['m'] }, {
    op: 'Add',
    inputs: ['m', 'd'],
    outputs: ['Plus214_Output_0'],
  }],
  inputs: [{ name: 'Input3', shape: [1, 1, 28, 28] }],
  outputs: [{ name: 'Plus214_Output_0', shape: [1, 10] }],
  constants: [weights('w', 4, 1, 5, 5), integers('shape', 1, 784), weights('v', 784, 10), weights('d', 1, 10)],
};

const ortTokens: OnnxGraph = {
  nodes: [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['embedded'] }, {
    op: 'Cast',
    inputs: ['attention_mask'],
    outputs: ['mask'],
    attributes: { to: onnxTypes.float },
  }, { op: 'Unsqueeze', inputs: ['mask', 'last'], outputs: ['mask3'] }, {
    op: 'Mul',
    inputs: ['embedded', 'mask3'],
    outputs: ['masked'],
  }, { op: 'MatMul', inputs: ['masked', 'v'], outputs: ['logits'] }, {
    op: 'ReduceMean',
    inputs: ['logits'],
    outputs: ['pooled'],
    attributes: { axes: [1], keepdims: 0 },
  }, { op: 'ArgMax', inputs: ['pooled'], outputs: ['label'], attributes: { axis: 1, keepdims: 0 } }, {
    op: 'Greater',
    inputs: ['attention_mask', 'zero'],
    outputs: ['known'],
  }],
  inputs: [{ name: 'input_ids', shape: ['batch', 8], type: onnxTypes.int64 }, {
    name: 'attention_mask',
    shape: ['batch', 8],
    type: onnxTypes.int64,
  }],
  outputs: [{ name: 'logits', shape: ['batch', 8, 10] }, { name: 'label', shape: ['batch'], type: onnxTypes.int64 }, {
    name: 'known',
    shape: ['batch', 8],
    type: onnxTypes.bool,
  }],
  constants: [weights('table', 10, 6), integers('last', -1), weights('v', 6, 10), integers('zero', 0)],
};

const ortKeypoints: OnnxGraph = {
  nodes: [{ op: 'Conv', inputs: ['image', 'w'], outputs: ['c'] }, { op: 'Sigmoid', inputs: ['c'], outputs: ['r'] }, {
    op: 'GlobalAveragePool',
    inputs: ['r'],
    outputs: ['g'],
  }, { op: 'Flatten', inputs: ['g'], outputs: ['f'] }, { op: 'Gemm', inputs: ['f', 'points', 'p'], outputs: ['flat'] },
    { op: 'Reshape', inputs: ['flat', 'shape'], outputs: ['keypoints'] }, {
    op: 'Gemm',
    inputs: ['f', 's'],
    outputs: ['raw'],
  }, { op: 'Sigmoid', inputs: ['raw'], outputs: ['scores'] }, {
    op: 'Gemm',
    inputs: ['f', 'corners'],
    outputs: ['box'],
  }],
  inputs: [{ name: 'image', shape: [1, 3, 16, 16] }],
  outputs: [{ name: 'keypoints', shape: [1, 5, 2] }, { name: 'scores', shape: [1, 5] }, { name: 'box', shape: [1, 4] }],
  constants: [weights('w', 8, 3, 3, 3), weights('points', 8, 10), weights('p', 10), integers('shape', 1, 5, 2),
    weights('s', 8, 5), weights('corners', 8, 4)],
};

const constant = (...shape: number[]): TfConstant => ({ shape, data: values(countOf(shape)) });
const convolution = (...strides: number[]) => ({
  strides: attribute.ints(...strides),
  padding: attribute.text('SAME'),
  dataFormat: attribute.text('NHWC'),
  dilations: attribute.ints(1, 1, 1, 1),
});

const tfWebcam: TfGraph = {
  inputs: { image: { shape: [-1, 16, 16, 3] } },
  constants: {
    w: constant(3, 3, 3, 8),
    b: constant(8),
    axes: { shape: [2], data: [1, 2], dtype: 'int32' },
    v: constant(8, 3),
  },
  nodes: [{ name: 'c', op: 'Conv2D', inputs: ['image', 'w'], attributes: convolution(1, 2, 2, 1) }, {
    name: 'd',
    op: 'BiasAdd',
    inputs: ['c', 'b'],
  }, { name: 'r', op: 'Relu', inputs: ['d'] }, {
    name: 'm',
    op: 'Mean',
    inputs: ['r', 'axes'],
    attributes: { keep_dims: attribute.bool(false) },
  }, { name: 'logits', op: 'MatMul', inputs: ['m', 'v'] }],
  outputs: { logits: 'logits:0' },
};

const tfPoses: TfGraph = {
  inputs: { image: { shape: [1, 8, 8, 3] }, shift: { shape: [1] } },
  constants: { w: constant(3, 3, 3, 1), v: constant(1, 1, 3, 2), half: { shape: [], data: [0.5] } },
  nodes: [{ name: 'c', op: 'Conv2D', inputs: ['image', 'w'], attributes: convolution(1, 1, 1, 1) }, {
    name: 'shifted',
    op: 'AddV2',
    inputs: ['c', 'shift'],
  }, { name: 'heatmap', op: 'Sigmoid', inputs: ['shifted'] }, {
    name: 'offsets',
    op: 'Conv2D',
    inputs: ['image', 'v'],
    attributes: convolution(1, 1, 1, 1),
  }, { name: 'present', op: 'Greater', inputs: ['heatmap', 'half'] }],
  outputs: { heatmap: 'heatmap:0', offsets: 'offsets:0', present: 'present:0' },
};

/** The files of a layers model, with random weights. */
async function layersFiles(model: LayersModel): Promise<Record<string, Uint8Array>> {
  model.setWeights(model.getWeights().map(({ shape }) => tensor(values(countOf(shape)), shape)));
  let artifacts: io.ModelArtifacts | undefined;
  await model.save(io.withSaveHandler((given) => {
    artifacts = given;
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
  }));
  const { modelTopology, weightSpecs, weightData } = artifacts!;
  const weightsManifest = [{ paths: ['group1-shard1of1.bin'], weights: weightSpecs }];
  return {
    'model.json': toJson({ format: 'layers-model', modelTopology, weightsManifest }),
    'group1-shard1of1.bin': new Uint8Array(weightData as ArrayBuffer),
  };
}

function tfDigit(): LayersModel {
  return sequential({
    layers: [layers.conv2d({ filters: 4, kernelSize: 5, activation: 'relu', inputShape: [28, 28, 1] }),
      layers.maxPooling2d({ poolSize: 3 }), layers.flatten(), layers.dense({ units: 10, activation: 'softmax' })],
  });
}

function tfCommand(): LayersModel {
  return sequential({
    layers: [layers.reshape({ targetShape: [12, 8], inputShape: [12, 8, 1] }),
      layers.lstm({ units: 6, recurrentInitializer: 'zeros' }), layers.dense({ units: 4, activation: 'softmax' })],
  });
}

function graphFiles(graph: TfGraph): Record<string, Uint8Array> {
  const { json, files } = writeTfjs(graph);
  return { 'model.json': json, ...files };
}

/** A program's network: its files and the one to load, and the same converted. */
export interface ProgramNetwork {
  files: Record<string, Uint8Array>;
  main: string;
  klet: Uint8Array;
}

async function converted(main: string, files: Record<string, Uint8Array>): Promise<ProgramNetwork> {
  return { files, main, klet: compile(await importModel(files)) };
}

/** The networks by the names of their programs. */
export const programNetworks: Record<string, () => Promise<ProgramNetwork>> = {
  ortWebcam: () => converted('model.onnx', { 'model.onnx': writeOnnx(ortWebcam) }),
  ortDigit: () => converted('model.onnx', { 'model.onnx': writeOnnx(ortDigit) }),
  ortTokens: () => converted('model.onnx', { 'model.onnx': writeOnnx(ortTokens) }),
  ortKeypoints: () => converted('model.onnx', { 'model.onnx': writeOnnx(ortKeypoints) }),
  tfWebcam: () => converted('model.json', graphFiles(tfWebcam)),
  tfPoses: () => converted('model.json', graphFiles(tfPoses)),
  tfDigit: async () => converted('model.json', await layersFiles(tfDigit())),
  tfCommand: async () => converted('model.json', await layersFiles(tfCommand())),
};
