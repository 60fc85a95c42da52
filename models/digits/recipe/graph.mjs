import { GraphBuilder } from '../../../dist/compiler.js';
import { namesOf } from './float-network.mjs';

/** A float network's chain of layers as kinglet's graph. */
export function toGraph({ name, input, output, layers }) {
  const builder = new GraphBuilder(name);
  let x = builder.input(input.name, input.shape, 'float32');
  for (const layer of layers) {
    const constants = namesOf(layer).map((part) => builder.constant(layer[part].data, layer[part].shape, undefined, `${layer.name}/${part}`));
    const last = layer === layers[layers.length - 1];
    x = builder.node(layer.op, [x, ...constants], layer.attributes, { name: last ? output.name : layer.name, shape: layer.shape });
  }
  return builder.finish([x]);
}
