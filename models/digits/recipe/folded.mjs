/**
 * The folded float network as TensorFlow variables, for further training. Batch norm is already
 * part of its weights.
 */
import { dense, tf } from '../../training/tensorflow.mjs';
import { architecture, convolve } from './network.mjs';
import { biasRelu6, globalAverage } from './operators.mjs';

/**
 * @param network of loadFloatNetwork
 * @returns the layers that have weights, in order: { name, op, …, weights, bias } in TensorFlow's
 *   layouts
 */
export function foldedLayers(network) {
  const geometry = new Map(architecture().layers.map((layer) => [layer.name, layer]));
  return network.layers.filter(({ weights }) => weights).map(({ name, op, weights, bias }) => {
    const [, kh, kw, last] = weights.shape;
    const depthwise = op === 'depthwiseConv2d';
    const outputs = depthwise ? last : weights.shape[0];
    const rows = op === 'conv2d' && kh > 1 ? [kh, kw, last] : [weights.data.length / outputs];
    const shape = depthwise ? [kh, kw, last, 1] : [...rows, outputs];
    const data = depthwise ? weights.data : swapped(weights.data, outputs, weights.data.length / outputs);
    return {
      ...geometry.get(name),
      name,
      op,
      inChannels: depthwise ? outputs : last,
      channels: outputs,
      weights: tf.variable(tf.tensor(data, shape)),
      bias: tf.variable(tf.tensor1d(bias.data)),
    };
  });
}

/**
 * x [N][28][28][1] → logits [N][10]
 *
 * @param weightsOf (layer) → the weights to use
 * @param rounded (activations, layer) → activations rounded to int8 precision
 */
export function foldedLogits(layers, x, weightsOf = ({ weights }) => weights, rounded = (y) => y) {
  const [batch] = x.shape;
  for (const layer of layers) {
    const weights = weightsOf(layer);
    if (layer.op === 'fullyConnected') return dense(rounded(globalAverage(x), layer), weights, layer.bias);
    const rows = biasRelu6(tf.reshape(convolve(x, weights, layer), [-1, layer.channels]), layer.bias);
    x = tf.reshape(rounded(rows, layer), [batch, layer.size, layer.size, layer.channels]);
  }
}

/**
 * The float network with new weights and biases.
 *
 * @param weightsOf, biasOf (layer) → f32 in the layout of the layer's variable
 */
export function withWeights(network, layers, weightsOf, biasOf) {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return {
    ...network,
    layers: network.layers.map((layer) => {
      const trained = byName.get(layer.name);
      if (!trained) return layer;
      const { shape } = layer.weights;
      const data = layer.op === 'depthwiseConv2d'
        ? weightsOf(trained)
        : swapped(weightsOf(trained), layer.weights.data.length / shape[0], shape[0]);
      return { ...layer, weights: { shape, data }, bias: { shape: layer.bias.shape, data: biasOf(trained) } };
    }),
  };
}

/** [rows][columns] → [columns][rows] */
function swapped(values, rows, columns) {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}
