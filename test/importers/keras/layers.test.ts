import { describe, expect, test } from 'vitest';
import { difference } from './oracle';
import { sequential, type Layers } from './writer';

// Layers with random weights against TensorFlow.js.

const cases: Record<string, [input: number[], layers: Layers, range?: [number, number]]> = {
  'a dense layer': [[5], [['Dense', { units: 3, activation: 'tanh' }]]],
  'a dense layer over a sequence': [[4, 5], [['Dense', { units: 3, use_bias: false, activation: 'softmax' }]]],
  'a convolution over a sequence': [[9, 3], [['Conv1D', { filters: 4, kernel_size: [3], padding: 'same' }]]],
  'a convolution with strides': [[8, 7, 3], [['Conv2D', {
    filters: 4,
    kernel_size: [3, 2],
    strides: [2, 2],
    padding: 'same',
    activation: 'relu',
  }]]],
  'a dilated convolution': [[9, 8, 2], [['Conv2D', {
    filters: 3,
    kernel_size: [3, 3],
    dilation_rate: [2, 2],
    use_bias: false,
  }]]],
  'channels first': [[2, 6, 5], [['Conv2D', {
    filters: 3,
    kernel_size: [3, 3],
    data_format: 'channels_first',
    padding: 'same',
  }], ['MaxPooling2D', { pool_size: [2, 2], data_format: 'channels_first' }], ['Flatten', {
    data_format: 'channels_first',
  }], ['Dense', { units: 2 }]]],
  'a convolution over volumes': [[5, 6, 4, 2], [['Conv3D', {
    filters: 3,
    kernel_size: [2, 3, 2],
    strides: [2, 1, 1],
    padding: 'same',
  }]]],
  'a depthwise convolution': [[7, 6, 3], [['DepthwiseConv2D', {
    kernel_size: [3, 3],
    depth_multiplier: 2,
    strides: [2, 2],
    padding: 'same',
  }]]],
  'a separable convolution': [[7, 6, 3], [['SeparableConv2D', {
    filters: 5,
    kernel_size: [3, 3],
    depth_multiplier: 2,
    activation: 'elu',
  }]]],
  'a transposed convolution, same': [[4, 3, 2], [['Conv2DTranspose', {
    filters: 3,
    kernel_size: [3, 3],
    strides: [2, 2],
    padding: 'same',
  }]]],
  'a transposed convolution, valid': [[4, 3, 2], [['Conv2DTranspose', {
    filters: 3,
    kernel_size: [2, 3],
    strides: [3, 2],
    padding: 'valid',
  }]]],
  'pools over a sequence': [[9, 3], [['MaxPooling1D', { pool_size: [2], strides: [2], padding: 'same' }], [
    'AveragePooling1D',
    { pool_size: [2], strides: [1], padding: 'valid' },
  ]]],
  'average pools with padding': [[7, 5, 2], [['AveragePooling2D', {
    pool_size: [3, 3],
    strides: [2, 2],
    padding: 'same',
  }]]],
  'a maximum over volumes': [[5, 6, 4, 2], [['MaxPooling3D', { pool_size: [2, 2, 2], padding: 'same' }]]],
  'an average over volumes': [[5, 6, 4, 2], [['AveragePooling3D', {
    pool_size: [2, 3, 2],
    strides: [2, 2, 2],
    padding: 'valid',
  }]]],
  'a global average': [[5, 6, 2], [['GlobalAveragePooling2D', {}]]],
  'a global maximum over a sequence': [[5, 6], [['GlobalMaxPooling1D', {}]]],
  'a global average, channels first': [[2, 5, 6], [['GlobalAveragePooling2D', { data_format: 'channels_first' }]]],
  'batch normalization': [[4, 5, 3], [['BatchNormalization', { axis: [3], epsilon: 0.01 }]]],
  'layer normalization': [[4, 6], [['LayerNormalization', { axis: [2], epsilon: 0.001 }]]],
  'activations as layers': [[2, 6], [['ReLU', { max_value: 0.5 }], ['LeakyReLU', { alpha: 0.3 }], ['ELU', { alpha: 1 }],
    ['Softmax', { axis: -1 }]], [-2, 2]],
  'a threshold': [[2, 6], [['ThresholdedReLU', { theta: 0.4 }]]],
  'slopes for each channel': [[3, 4, 2], [['PReLU', { shared_axes: [1, 2] }]]],
  'shapes': [[4, 6], [['Reshape', { target_shape: [2, 4, 3] }], ['Permute', { dims: [2, 1, 3] }], ['Flatten', {}], [
    'RepeatVector',
    { n: 3 },
  ]]],
  'padding and cropping': [[4, 5, 2], [['ZeroPadding2D', { padding: [[1, 2], [0, 3]] }], ['Cropping2D', {
    cropping: [[1, 0], [2, 1]],
  }]]],
  'nearest neighbors': [[3, 4, 2], [['UpSampling2D', { size: [2, 3] }]]],
  'training only': [[3, 4], [['Dropout', { rate: 0.5 }], ['GaussianNoise', { stddev: 1 }], ['GaussianDropout', {
    rate: 0.2,
  }], ['AlphaDropout', { rate: 0.2 }], ['SpatialDropout1D', { rate: 0.2 }]]],
  'rescaling': [[3, 4, 2], [['Rescaling', { scale: 0.5, offset: -1 }]]],
  'an embedding': [[6], [['Embedding', { input_dim: 10, output_dim: 3 }], ['Flatten', {}]], [0, 9.4]],
  'LSTM': [[5, 3], [['LSTM', { units: 4, recurrent_activation: 'sigmoid', return_sequences: true }], ['LSTM', {
    units: 2,
    recurrent_activation: 'hard_sigmoid',
    activation: 'relu',
  }]]],
  'GRU': [[5, 3], [['GRU', { units: 4, recurrent_activation: 'sigmoid', return_sequences: true, reset_after: false }], [
    'GRU',
    { units: 2, recurrent_activation: 'hard_sigmoid', reset_after: false, use_bias: false },
  ]]],
  'SimpleRNN, backward': [[5, 3], [['SimpleRNN', { units: 4, return_sequences: true, go_backwards: true }], [
    'SimpleRNN',
    { units: 3, activation: 'elu', go_backwards: true },
  ]]],
  'cells in a list': [[5, 3], [['RNN', {
    return_sequences: true,
    cell: {
      class_name: 'StackedRNNCells',
      config: {
        name: 'stack',
        cells: [{ class_name: 'LSTMCell', config: { name: 'a', units: 3, recurrent_activation: 'sigmoid' } }, {
          class_name: 'LSTMCell',
          config: { name: 'b', units: 2, recurrent_activation: 'sigmoid' },
        }],
      },
    },
  }]]],
  'each time step': [[3, 4, 5, 2], [['TimeDistributed', {
    layer: { class_name: 'Conv2D', config: { name: 'inner', filters: 3, kernel_size: [2, 2] } },
  }]]],
};

const inner = (merged: boolean) => ({
  class_name: 'LSTM',
  config: { name: 'lstm', units: 3, recurrent_activation: 'sigmoid', return_sequences: merged },
});

describe('layers of Keras', () => {
  test.each(Object.entries(cases))('%s', async (_, [input, layers, range]) => {
    expect(await difference(sequential(input, layers), range)).toBeLessThan(2e-6);
  });

  test.each(['concat', 'sum', 'mul', 'ave'].flatMap((mode) => [[mode, true], [mode, false]] as const))(
    'both directions, %s, all steps: %s',
    async (mode, merged) => {
      const layers: Layers = [['Bidirectional', { merge_mode: mode, layer: inner(merged) }]];
      expect(await difference(sequential([5, 2], layers))).toBeLessThan(2e-6);
    },
  );

  test.each(['linear', 'relu', 'relu6', 'elu', 'selu', 'sigmoid', 'hard_sigmoid', 'softplus', 'softsign', 'tanh',
    'softmax', 'log_softmax', 'swish', 'mish', 'gelu'])('the activation %s', async (activation) => {
      expect(await difference(sequential([3, 8], [['Activation', { activation }]]), [-4, 4])).toBeLessThan(2e-6);
    });
});
