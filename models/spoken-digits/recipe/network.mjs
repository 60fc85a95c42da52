/**
 * The architecture: two convolutions along the bands of a frame, a projection, a GRU over frames, a
 * classifier. Only the GRU sees other frames, so the network can run frame by frame.
 */
import { namesOf } from '../../training/floatNetwork.mjs';
import { normal } from '../../training/random.mjs';
import { dense as classify, tf } from '../../training/tensorflow.mjs';
import { CLASSES } from './data.mjs';
import { BANDS } from './features.mjs';
import { bandConvolution, dense, gru } from './operators.mjs';

const CONVOLUTIONS = [{ kernel: 5, stride: 2, channels: 16 }, { kernel: 5, stride: 2, channels: 24 }];
const PROJECTED = 48;
export const UNITS = 80;

/** Variables in TensorFlow's layouts, [inputs][outputs]. */
export function createNetwork(random) {
  const variable = (shape, deviation) =>
    tf.variable(tf.tensor(Float32Array.from({ length: shape[0] * shape[1] }, () => deviation * normal(random)), shape));
  const zeros = (length) => tf.variable(tf.zeros([length]));
  let bands = BANDS;
  let channels = 1;
  const convolutions = CONVOLUTIONS.map(({ kernel, stride, channels: out }, i) => {
    const layer = {
      kernel,
      stride,
      bands,
      inChannels: channels,
      channels: out,
      first: i === 0,
      weights: variable([kernel * channels, out], Math.sqrt(2 / (kernel * channels))),
      bias: zeros(out),
    };
    bands = Math.ceil(bands / stride);
    channels = out;
    return layer;
  });
  const flat = bands * channels;
  return {
    convolutions,
    projection: { weights: variable([flat, PROJECTED], Math.sqrt(1 / flat)), bias: zeros(PROJECTED) },
    gru: {
      weights: variable([PROJECTED, 3 * UNITS], Math.sqrt(1 / PROJECTED)),
      // update gates start with bias 1, which gives the GRU a long memory
      bias: tf.variable(tf.tensor1d(Float32Array.from({ length: 3 * UNITS }, (_, i) => (i < UNITS ? 1 : 0)))),
      recurrentWeights: variable([UNITS, 3 * UNITS], Math.sqrt(0.5 / UNITS)),
      recurrentBias: zeros(3 * UNITS),
    },
    classifier: { weights: variable([UNITS, CLASSES], Math.sqrt(1 / UNITS)), bias: zeros(CLASSES) },
  };
}

/** All variables, in the order of creation. */
export function variablesOf({ convolutions, projection, gru, classifier }) {
  return [...convolutions, projection, gru, classifier].flatMap(({ weights, bias, recurrentWeights, recurrentBias }) =>
    [weights, bias, recurrentWeights, recurrentBias].filter(Boolean)
  );
}

/**
 * x [T·B][BANDS], frame after frame → logits [T·B][10]
 *
 * @param drop (tensor) → tensor: dropout in training
 * @param rounded (activations, name of the layer) → activations rounded to int8
 */
export function logitsOf(network, x, frames, batch, drop = (y) => y, rounded = (y) => y) {
  let y = tf.reshape(x, [frames * batch, BANDS, 1]);
  network.convolutions.forEach(({ weights, bias, kernel, stride, first }, i) => {
    y = rounded(bandConvolution(y, weights, bias, kernel, stride, first), `convolution${i + 1}`);
  });
  y =
    drop(rounded(
      dense(tf.reshape(y, [frames * batch, -1]), network.projection.weights, network.projection.bias),
      'projection',
    ));
  const { weights, bias, recurrentWeights, recurrentBias } = network.gru;
  y = drop(rounded(gru(dense(y, weights, bias), recurrentWeights, recurrentBias, frames, batch), 'gru'));
  return rounded(classify(y, network.classifier.weights, network.classifier.bias), 'classifier');
}

/** Loads the values of a saved float network. */
export function assign(network, saved) {
  const layers = saved.layers.filter(({ weights }) => weights);
  [...network.convolutions, network.projection, network.gru, network.classifier].forEach((parts, i) => {
    for (const name of namesOf(layers[i])) {
      const { data, shape: [n] } = layers[i][name];
      const { shape } = parts[name];
      tf.tidy(() =>
        parts[name].assign(shape.length > 1 ? tf.transpose(tf.tensor2d(data, [n, shape[0]])) : tf.tensor1d(data))
      );
    }
  });
}

/** The layers with weights, by the names that `layersOf` gives them. */
export function namedLayers({ convolutions, projection, gru, classifier }) {
  const named = convolutions.map((layer, i) => [`convolution${i + 1}`, layer]);
  return { ...Object.fromEntries(named), projection, gru, classifier };
}

/** The network with its matrices replaced. @param replace (matrix) → tensor */
export function withMatrices({ convolutions, projection, gru, classifier }, replace) {
  const replaced = (layer) => ({
    ...layer,
    weights: replace(layer.weights),
    ...(layer.recurrentWeights && { recurrentWeights: replace(layer.recurrentWeights) }),
  });
  return {
    convolutions: convolutions.map(replaced),
    projection: replaced(projection),
    gru: replaced(gru),
    classifier: replaced(classifier),
  };
}

/**
 * One frame's work in kinglet's layouts: conv2d [Co][KH][KW][Ci], fullyConnected [N][K], gru
 * [3H][K] and [3H][H] with gates z, r, n.
 *
 * @returns the layer list that `saveFloatNetwork` writes
 */
export function layersOf({ convolutions, projection, gru, classifier }) {
  const transposed = (variable) => {
    const { shape: [k, n] } = variable;
    return { shape: [n, k], data: tf.tidy(() => tf.transpose(variable).dataSync().slice()) };
  };
  const plain = (variable) => ({ shape: variable.shape, data: variable.dataSync().slice() });
  const fullyConnected = (name, { weights, bias }) => ({
    name,
    op: 'fullyConnected',
    attributes: { activation: 'none' },
    weights: transposed(weights),
    bias: plain(bias),
  });
  return [...convolutions.map(({ kernel, stride, bands, inChannels, channels, weights, bias }, i) => {
    const total = (Math.ceil(bands / stride) - 1) * stride + kernel - bands;
    const before = total >> 1; // SAME padding: the extra element goes at the end
    const attributes = {
      stride: [1, stride],
      dilation: [1, 1],
      padding: [0, before, 0, total - before],
      groups: 1,
      activation: 'relu6',
    };
    const { data } = transposed(weights);
    return {
      name: `convolution${i + 1}`,
      op: 'conv2d',
      attributes,
      weights: { shape: [channels, 1, kernel, inChannels], data },
      bias: plain(bias),
    };
  }), { name: 'flat', op: 'reshape', attributes: {}, shape: [1, projection.weights.shape[0]] },
    fullyConnected('projection', projection), {
    name: 'gru',
    op: 'gru',
    attributes: { timeMajor: false, reverse: false, resetAfter: true },
    weights: transposed(gru.weights),
    bias: plain(gru.bias),
    recurrentWeights: transposed(gru.recurrentWeights),
    recurrentBias: plain(gru.recurrentBias),
  }, fullyConnected('classifier', classifier), { name: 'softmax', op: 'softmax', attributes: { beta: 1 } }];
}
