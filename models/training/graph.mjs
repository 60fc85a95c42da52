/** Float networks as graphs of kinglet. */
import { GraphBuilder, compile, prune } from '../../dist/compiler.js';
import { namesOf } from './floatNetwork.mjs';
import { int8Constants, outputQuantization, perTensor } from './int8.mjs';

/**
 * A layer's weights, biases and other tensors as constant inputs of its node, in int8 if its input
 * x is.
 */
export function constantsOf(builder, layer, x) {
  if (x.dtype === 'int8') return int8Constants(builder, layer, x);
  return namesOf(layer).map((part) =>
    builder.constant(layer[part].data, layer[part].shape, undefined, `${layer.name}/${part}`)
  );
}

/** The input of a network's graph, int8 if its quantization is known. */
export function inputOf(builder, { name, quantization }, shape) {
  return quantization
    ? builder.input(name, shape, 'int8', perTensor(quantization))
    : builder.input(name, shape, 'float32');
}

/** Adds the node of a layer that reads x. */
export function addLayer(builder, layer, x, { name = layer.name, shape = layer.shape } = {}) {
  const options = {
    name,
    ...(shape && { shape }),
    ...(x.dtype === 'int8' && { quantization: outputQuantization(layer, x) }),
  };
  return builder.node(layer.op, [x, ...constantsOf(builder, layer, x)], layer.attributes, options);
}

/**
 * Converts a network's chain of layers to kinglet's graph. A network with learned scales becomes an
 * int8 graph with exactly these scales, without calibration.
 */
export function toGraph({ name, input, output, layers }) {
  const builder = new GraphBuilder(name);
  let x = inputOf(builder, input, input.shape);
  for (const layer of layers) {
    const last = layer === layers[layers.length - 1];
    x = addLayer(builder, layer, x, last ? { name: output.name } : {});
  }
  return builder.finish([x]);
}

/**
 * Removes a share of each layer's output channels, namely those that change the outputs for the
 * samples least. The layers stay, with smaller weights.
 *
 * @param sparsity share of channels to remove
 * @param samples inputs of the network
 */
export function withoutChannels(network, sparsity, samples) {
  const { graph } = prune(toGraph(network), { sparsity, pattern: 'channels', samples });
  const layers = network.layers.map((layer, i) => {
    const { inputs, outputs } = graph.nodes[i];
    const parts = namesOf(layer).map((part, j) => [part, { shape: inputs[j + 1].shape, data: inputs[j + 1].data }]);
    return { ...layer, ...(layer.shape && { shape: outputs[0].shape }), ...Object.fromEntries(parts) };
  });
  return { ...network, layers };
}

/** Size of the file without golden vectors and debug info, which are optional, in bytes. */
export function sizes(graph, meta) {
  const bytes = (compact) => compile(graph, { meta, debugInfo: false, compact }).length;
  return `${bytes(false)}, compact ${bytes(true)}`;
}
