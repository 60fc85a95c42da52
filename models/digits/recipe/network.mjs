/**
 * The architecture and its training form: convolutions without bias, batch norm, relu6. Folding
 * merges batch norm into the convolutions.
 */
import { normal } from '../../training/random.mjs';
import { dense, product, tf } from '../../training/tensorflow.mjs';
import { batchNormRelu6, depthwiseConvolution, firstConvolution, globalAverage } from './operators.mjs';

const EPSILON = 1e-3;
const MOMENTUM = 0.98;

/** Output channels of the first convolution. */
const STEM_CHANNELS = 16;
/** Depthwise-separable blocks after the first convolution: [stride, output channels]. */
const BLOCKS = [[1, 32], [2, 64], [1, 64], [2, 96]];

/**
 * The layers in order. Each reads the output of the previous one; `size` and `channels` describe
 * the layer's output.
 */
export function architecture() {
  const layers = [];
  let size = 28;
  let channels = 1;
  const add = (name, op, kernel, stride, out) => {
    const inSize = size;
    size = Math.ceil(size / stride);
    // SAME: an odd pixel of padding goes below and right
    const total = Math.max(0, (size - 1) * stride + kernel - inSize);
    const before = total >> 1;
    layers.push({
      name,
      op,
      kernel,
      stride,
      padding: [before, before, total - before, total - before],
      inChannels: channels,
      channels: out,
      size,
    });
    channels = out;
  };
  add('stem', 'conv2d', 3, 2, STEM_CHANNELS);
  BLOCKS.forEach(([stride, out], i) => {
    add(`block${i + 1}/depthwise`, 'depthwiseConv2d', 3, stride, channels);
    add(`block${i + 1}/pointwise`, 'conv2d', 1, 1, out);
  });
  return { layers, pooled: { size, channels } };
}

/**
 * Creates the trainable network: variables in TensorFlow's layouts and batch norm's running
 * statistics.
 */
export function createNetwork(random) {
  const { layers, pooled } = architecture();
  const variable = (shape, deviation) =>
    tf.variable(tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => deviation * normal(random)),
      shape,
    ));
  const convolutions = layers.map((layer) => {
    const { op, kernel, inChannels, channels } = layer;
    const depthwise = op === 'depthwiseConv2d';
    const fanIn = kernel * kernel * (depthwise ? 1 : inChannels);
    const window = kernel === 1 ? [] : [kernel, kernel];
    const shape = [...window, inChannels, depthwise ? 1 : channels];
    return {
      ...layer,
      weights: variable(shape, Math.sqrt(2 / fanIn)),
      gamma: tf.variable(tf.ones([channels])),
      beta: tf.variable(tf.zeros([channels])),
      running: { mean: new Float64Array(channels), variance: new Float64Array(channels).fill(1), momentum: MOMENTUM },
    };
  });
  return {
    convolutions,
    pooled,
    dense: {
      weights: variable([pooled.channels, 10], Math.sqrt(1 / pooled.channels)),
      bias: tf.variable(tf.zeros([10])),
    },
  };
}

/** Forward pass of a training step, with batch statistics. x [N][28][28][1] → logits [N][10] */
export function trainingLogits(network, x) {
  const batch = x.shape[0];
  for (const { weights, gamma, beta, running, ...layer } of network.convolutions) {
    const rows = tf.reshape(convolve(x, weights, layer), [-1, layer.channels]);
    x = tf.reshape(batchNormRelu6(rows, gamma, beta, running, EPSILON), [batch, layer.size, layer.size,
      layer.channels]);
  }
  return classify(network, x);
}

/** Inference with the running statistics. x [N][28][28][1] → probabilities [N][10] */
export function probabilities(network, x) {
  for (const { weights, gamma, beta, running, ...layer } of network.convolutions) {
    const y = convolve(x, weights, layer);
    x = tf.clipByValue(
      tf.batchNorm(
        y,
        tf.tensor1d(Float32Array.from(running.mean)),
        tf.tensor1d(Float32Array.from(running.variance)),
        beta,
        gamma,
        EPSILON,
      ),
      0,
      6,
    );
  }
  return tf.softmax(classify(network, x));
}

/** x [N][H][W][Ci] → [N][size][size][channels] */
export function convolve(x, weights, { op, kernel, stride, inChannels, channels, size }) {
  if (op === 'depthwiseConv2d') return depthwiseConvolution(x, weights, stride);
  if (kernel > 1) return firstConvolution(x, weights, stride);
  return tf.reshape(product(tf.reshape(x, [-1, inChannels]), weights), [-1, size, size, channels]);
}

function classify(network, x) {
  return dense(globalAverage(x), network.dense.weights, network.dense.bias);
}

/**
 * Folds batch norm into the weights and converts them to kinglet's layouts: conv2d
 * [Co][KH][KW][Ci], depthwiseConv2d [1][KH][KW][C], fullyConnected [N][K].
 *
 * @returns the layers for `saveFloatNetwork`
 */
export function fold(network) {
  const layers = network.convolutions.map((layer) => {
    const { name, op, kernel, stride, padding, inChannels, channels, running } = layer;
    const weights = layer.weights.dataSync();
    const gamma = layer.gamma.dataSync();
    const beta = layer.beta.dataSync();
    const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(running.variance[c] + EPSILON));
    const bias = Float32Array.from(beta, (b, c) => b - running.mean[c] * scale[c]);
    const depthwise = op === 'depthwiseConv2d';
    const shape = depthwise ? [1, kernel, kernel, channels] : [channels, kernel, kernel, inChannels];
    const inputs = depthwise ? kernel * kernel : kernel * kernel * inChannels;
    const folded = new Float32Array(weights.length);
    for (let i = 0; i < inputs; i++) {
      for (let c = 0; c < channels; c++) {
        folded[depthwise ? i * channels + c : c * inputs + i] = weights[i * channels + c] * scale[c];
      }
    }
    const attributes = {
      stride: [stride, stride],
      dilation: [1, 1],
      padding,
      ...(depthwise ? {} : { groups: 1 }),
      activation: 'relu6',
    };
    return { name, op, attributes, weights: { shape, data: folded }, bias: { shape: [channels], data: bias } };
  });
  const { weights, bias } = network.dense;
  return [...layers, { name: 'pool', op: 'reduce', attributes: { kind: 'mean', axes: [1, 2] } }, {
    name: 'dense',
    op: 'fullyConnected',
    attributes: { activation: 'none' },
    weights: {
      shape: [weights.shape[1], weights.shape[0]],
      data: Float32Array.from(tf.tidy(() => tf.transpose(weights).dataSync())),
    },
    bias: { shape: bias.shape, data: Float32Array.from(bias.dataSync()) },
  }, { name: 'softmax', op: 'softmax', attributes: { beta: 1 } }];
}
