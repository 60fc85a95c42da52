import { writeKerasArchive } from '../importers/keras/writer';
import { onnxTypes, writeOnnx, type OnnxGraph } from '../importers/onnx/writer';
import { writeTfjs } from '../importers/tfjs/writer';

// Small networks of each format, for the commands and programs on the pages.

/** Files by name. */
export function foreignNetworks(): Record<string, Uint8Array> {
  const { json, files } = writeTfjs({
    inputs: { x: { shape: [-1, 2] } },
    constants: { w: { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] } },
    nodes: [{ name: 'y', op: 'MatMul', inputs: ['x', 'w'] }],
    outputs: { y: 'y:0' },
  });
  return {
    'network.onnx': writeOnnx(classifier(8, 8)),
    // an image of one color, and the scores that it must get
    'input.bin': bytesOf(Array.from({ length: 3 * 8 * 8 }, () => 0.5)),
    'output.bin': bytesOf([0, 0, 0.275, 0.65]),
    'open.onnx': writeOnnx(classifier('height', 'width')),
    'voice.onnx': writeOnnx(voice),
    'network.keras': writeKerasArchive({
      class_name: 'Sequential',
      config: {
        name: 'network',
        layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, 2] } }, {
          class_name: 'ReLU',
          config: { name: 'y' },
        }],
      },
    }, { children: { layers: {} } }),
    'model.json': json,
    ...files,
  };
}

function bytesOf(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** The scores of an image: a convolution with activation, and the mean of each channel. */
function classifier(height: number | string, width: number | string): OnnxGraph {
  return {
    nodes: [{ op: 'Conv', inputs: ['image', 'weights'], outputs: ['convolved'] }, {
      op: 'Relu',
      inputs: ['convolved'],
      outputs: ['features'],
    }, { op: 'GlobalAveragePool', inputs: ['features'], outputs: ['means'] }, {
      op: 'Flatten',
      inputs: ['means'],
      outputs: ['scores'],
    }],
    inputs: [{ name: 'image', shape: ['batch', 3, height, width] }],
    outputs: [{ name: 'scores' }],
    constants: [{ name: 'weights', shape: [4, 3, 1, 1], data: Array.from({ length: 12 }, (_, i) => i / 12 - 0.4) }],
  };
}

/** A sum over time that is kept, scaled by a sample rate. */
const voice: OnnxGraph = {
  nodes: [{ op: 'Cast', inputs: ['sr'], outputs: ['rate'], attributes: { to: onnxTypes.float } }, {
    op: 'Div',
    inputs: ['audio', 'rate'],
    outputs: ['scaled'],
  }, { op: 'ReduceMean', inputs: ['scaled'], outputs: ['mean'], attributes: { axes: [1], keepdims: 1 } }, {
    op: 'Add',
    inputs: ['state', 'mean'],
    outputs: ['stateN'],
  }, { op: 'Sigmoid', inputs: ['stateN'], outputs: ['speech'] }],
  inputs: [{ name: 'audio', shape: ['batch', 'samples'] }, { name: 'state', shape: [1, 1] }, {
    name: 'sr',
    shape: [],
    type: onnxTypes.int64,
  }],
  outputs: [{ name: 'speech' }, { name: 'stateN' }],
};
