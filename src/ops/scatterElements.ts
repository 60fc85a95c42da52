import { input } from '../graph/graph';
import type { Operator } from './operator';
import { demand, demandAxis, shapeText } from './shared/refuse';
import { emitScatter, quantizationOf } from './shared/scatter';
import { stridesOf } from './shared/shapes';

export const scatterElements: Operator<'scatterElements'> = {
  quantization: quantizationOf,
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const [data, indices, updates] = [input(node, 0).shape, input(node, 1).shape, input(node, 2).shape];
    const { axis } = node.attributes;
    demandAxis(node, axis, data);
    demand(
      node,
      indices.length === data.length && indices.every((size, d) => d === axis || size <= data[d]!),
      `the indices ${shapeText(indices)} must be within ${shapeText(data)} except along axis ${axis}`,
    );
    demand(
      node,
      shapeText(updates) === shapeText(indices),
      `its updates must have the shape ${shapeText(indices)} of the indices, not ${shapeText(updates)}`,
    );
    return [data];
  },
  lower(node, emit) {
    const { axis, reduction } = node.attributes;
    const [{ shape }, indices] = [input(node, 0), input(node, 1)];
    const strides = stridesOf(shape);
    emitScatter(node, emit, indices, input(node, 2), {
      reduction,
      dimensions: indices.shape,
      strides: strides.with(axis, 0),
      sizes: [shape[axis]!],
      indexStrides: [strides[axis]!],
      row: 1,
      isShared: false,
      isClamped: false,
    });
  },
};
