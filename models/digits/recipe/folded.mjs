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
 * @param rounded (activations, name) → activations rounded to int8 precision; name is that of a
 *   layer with weights, or `pool`
 */
export function foldedLogits(layers, x, weightsOf = ({ weights }) => weights, rounded = (y) => y) {
  const [batch] = x.shape;
  for (const layer of layers) {
    const weights = weightsOf(layer);
    if (layer.op === 'fullyConnected') {
      return rounded(dense(rounded(globalAverage(x), 'pool'), weights, layer.bias), layer.name);
    }
    const rows = biasRelu6(tf.reshape(convolve(x, weights, layer), [-1, layer.channels]), layer.bias);
    x = rounded(tf.reshape(rows, [batch, layer.size, layer.size, layer.channels]), layer.name);
  }
}

/**
 * The network as int8, with what training has learned.
 *
 * @param layers of foldedLayers
 * @param learned (layer) → { weights, bias, weightScales }, f32 in the layout of its variables
 * @param quantizations { scale, zeroPoint } of the input and of the layers' outputs, by name
 */
export function int8Network(network, layers, learned, quantizations) {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return {
    ...network,
    input: { ...network.input, quantization: quantizations.get(network.input.name) },
    layers: network.layers.map((layer) => {
      const quantization = quantizations.get(layer.name);
      const trained = byName.get(layer.name);
      if (!trained) return quantization ? { ...layer, quantization } : layer;
      const { weights, bias, weightScales } = learned(trained);
      const { shape } = layer.weights;
      const data = layer.op === 'depthwiseConv2d' ? weights : swapped(weights, weights.length / shape[0], shape[0]);
      return {
        ...layer,
        quantization,
        weights: { shape, data },
        bias: { shape: layer.bias.shape, data: bias },
        weightScales: { shape: [weightScales.length], data: weightScales },
      };
    }),
  };
}

/** [rows][columns] → [columns][rows] */
function swapped(values, rows, columns) {
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}
