/** Float networks as graphs of kinglet. */
import { GraphBuilder, compile, prune } from '../../dist/compiler.js';
import { namesOf } from './floatNetwork.mjs';

/** A layer's weights, biases and other tensors as constant inputs of its node. */
export function constantsOf(builder, layer) {
  return namesOf(layer).map((part) =>
    builder.constant(layer[part].data, layer[part].shape, undefined, `${layer.name}/${part}`)
  );
}

/** Converts a float network's chain of layers to kinglet's graph. */
export function toGraph({ name, input, output, layers }) {
  const builder = new GraphBuilder(name);
  let x = builder.input(input.name, input.shape, 'float32');
  for (const layer of layers) {
    const last = layer === layers[layers.length - 1];
    x = builder.node(layer.op, [x, ...constantsOf(builder, layer)], layer.attributes, {
      name: last ? output.name : layer.name,
      shape: layer.shape,
    });
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
