/**
 * The architecture: convolutions over time, each with relu6, the mean over time and one fully
 * connected layer. Letters: N = batch, T = time, C = channels, K = kernel.
 */
import { normal } from '../../training/random.mjs';
import { dense, tf } from '../../training/tensorflow.mjs';
import { AXES, LABELS, SAMPLES } from './data.mjs';

/** Convolutions without padding, each as kernel:stride:channels. */
export const CONVOLUTIONS = '8:4:16,3:2:24,3:1:32';

/** The convolutions in order: { name, kernel, stride, inChannels, channels }. */
function architecture(convolutions) {
  let inChannels = AXES;
  return convolutions.split(',').map((text, i) => {
    const [kernel, stride, channels] = text.split(':').map(Number);
    const layer = { name: `conv${i + 1}`, kernel, stride, inChannels, channels };
    inChannels = channels;
    return layer;
  });
}

/** Creates the trainable network, with weights [K · C][outputs]. */
export function createNetwork(random, convolutions = CONVOLUTIONS) {
  const layer = (inputs, outputs, gain) => {
    const deviation = Math.sqrt(gain / inputs);
    const values = Float32Array.from({ length: inputs * outputs }, () => deviation * normal(random));
    return { weights: tf.variable(tf.tensor2d(values, [inputs, outputs])), bias: tf.variable(tf.zeros([outputs])) };
  };
  const layers = architecture(convolutions);
  return {
    convolutions: layers.map((own) => ({ ...own, ...layer(own.kernel * own.inChannels, own.channels, 2) })),
    dense: layer(layers.at(-1).channels, LABELS.length, 1),
  };
}

/** What an optimizer trains. */
export function variablesOf(network) {
  return [...network.convolutions, network.dense].flatMap(({ weights, bias }) => [weights, bias]);
}

/** x [N][64][3] in g → logits [N][7] */
export function logitsOf(network, x) {
  for (const { kernel, stride, weights, bias, channels } of network.convolutions) {
    const patches = unfold(x, kernel, stride);
    const [batch, steps, inputs] = patches.shape;
    const rows = dense(tf.reshape(patches, [batch * steps, inputs]), weights, bias);
    x = tf.reshape(relu6(rows), [batch, steps, channels]);
  }
  return dense(meanOverTime(x), network.dense.weights, network.dense.bias);
}

/** The network's layers for `saveFloatNetwork`, in kinglet's layouts. */
export function layersOf(network) {
  const convolutions = network.convolutions.map(({ name, kernel, stride, inChannels, channels, weights, bias }) => ({
    name,
    op: 'conv2d',
    attributes: { stride: [stride, 1], dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1, activation: 'relu6' },
    weights: { shape: [channels, kernel, 1, inChannels], data: transposed(weights) },
    bias: { shape: bias.shape, data: bias.dataSync() },
  }));
  const { weights, bias } = network.dense;
  return [...convolutions, { name: 'mean', op: 'reduce', attributes: { kind: 'mean', axes: [1, 2] } }, {
    name: 'dense',
    op: 'fullyConnected',
    attributes: { activation: 'none' },
    weights: { shape: [weights.shape[1], weights.shape[0]], data: transposed(weights) },
    bias: { shape: bias.shape, data: bias.dataSync() },
  }, { name: 'softmax', op: 'softmax', attributes: { beta: 1 } }];
}

/** The float network as `saveFloatNetwork` takes it. */
export function describedNetwork(network) {
  return {
    name: 'gestures',
    input: { name: 'window', shape: [1, SAMPLES, 1, AXES] },
    output: { name: 'scores', shape: [1, LABELS.length] },
    layers: layersOf(network),
  };
}

function transposed(matrix) {
  return tf.tidy(() => tf.transpose(matrix).dataSync());
}

/** The inputs of each step of a convolution. x [N][T][C] → [N][steps][K · C] */
function unfold(x, kernel, stride) {
  const [batch, time, channels] = x.shape;
  const steps = Math.floor((time - kernel) / stride) + 1;
  const width = kernel * channels;
  const eachPatch = (see) => {
    for (let n = 0; n < batch; n++) {
      for (let step = 0; step < steps; step++) {
        see((n * time + step * stride) * channels, (n * steps + step) * width);
      }
    }
  };
  return tf.customGrad((x, save) => {
    save([]);
    const values = x.dataSync();
    const patches = new Float32Array(batch * steps * width);
    eachPatch((from, to) => patches.set(values.subarray(from, from + width), to));
    const gradFunc = (dy) => {
      const slopes = dy.dataSync();
      const dx = new Float32Array(values.length);
      eachPatch((to, from) => {
        for (let i = 0; i < width; i++) dx[to + i] += slopes[from + i];
      });
      return tf.tensor3d(dx, [batch, time, channels]);
    };
    return { value: tf.tensor3d(patches, [batch, steps, width]), gradFunc };
  })(x);
}

const relu6 = tf.customGrad((x, save) => {
  const y = tf.clipByValue(x, 0, 6);
  save([x]);
  return { value: y, gradFunc: (dy, [x]) => tf.mul(dy, tf.mul(tf.step(x), tf.step(tf.sub(6, x)))) };
});

/** x [N][T][C] → [N][C] */
const meanOverTime = tf.customGrad((x, save) => {
  const [, time] = x.shape;
  save([]);
  return { value: tf.mean(x, 1), gradFunc: (dy) => tf.tile(tf.expandDims(tf.div(dy, time), 1), [1, time, 1]) };
});
