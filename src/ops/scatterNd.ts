import { elementCount, input } from '../graph/graph';
import type { Operator } from './operator';
import { demand, shapeText } from './shared/refuse';
import { emitScatter, quantizationOf } from './shared/scatter';
import { stridesOf } from './shared/shapes';

export const scatterNd: Operator<'scatterNd'> = {
  quantization: quantizationOf,
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const [data, indices, updates] = [input(node, 0).shape, input(node, 1).shape, input(node, 2).shape];
    const depth = indices[indices.length - 1] ?? 0;
    demand(
      node,
      depth >= 1 && depth <= data.length,
      `the last dimension of the indices ${shapeText(indices)} must be 1 to ${data.length}, ` +
        `the dimensions of ${shapeText(data)}`,
    );
    const expected = [...indices.slice(0, -1), ...data.slice(depth)];
    demand(
      node,
      shapeText(updates) === shapeText(expected),
      `its updates must have the shape ${shapeText(expected)}, not ${shapeText(updates)}`,
    );
    return [data];
  },
  lower(node, emit) {
    const [{ shape }, indices] = [input(node, 0), input(node, 1)];
    const depth = indices.shape[indices.shape.length - 1]!;
    const dimensions = indices.shape.slice(0, -1);
    emitScatter(node, emit, indices, input(node, 2), {
      reduction: node.attributes.reduction,
      dimensions,
      strides: dimensions.map(() => 0),
      sizes: shape.slice(0, depth),
      indexStrides: stridesOf(shape).slice(0, depth),
      row: elementCount(shape.slice(depth)),
      isShared: false,
      isClamped: false,
    });
  },
};
