import { input } from '../graph/graph';
import type { Operator } from './operator';
import { demand, shapeText } from './shared/refuse';
import { emitScatter } from './shared/scatter';
import { stridesOf } from './shared/shapes';

export const updateSlice: Operator<'updateSlice'> = {
  quantization: 'free',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const [data, update, begin] = [input(node, 0).shape, input(node, 1).shape, input(node, 2).shape];
    demand(
      node,
      update.length === data.length && update.every((size, d) => size <= data[d]!),
      `the update ${shapeText(update)} must be within ${shapeText(data)}`,
    );
    demand(
      node,
      begin.length === 1 && begin[0] === data.length,
      `its begin must have the shape [${data.length}], not ${shapeText(begin)}`,
    );
    return [data];
  },
  lower(node, emit) {
    const [{ shape }, update] = [input(node, 0), input(node, 1)];
    const strides = stridesOf(shape);
    emitScatter(node, emit, input(node, 2), update, {
      reduction: 'none',
      dimensions: update.shape.slice(0, -1),
      strides: strides.slice(0, -1),
      sizes: shape.map((size, d) => size - update.shape[d]! + 1),
      indexStrides: strides,
      row: update.shape[update.shape.length - 1]!,
      isShared: true,
      isClamped: true,
    });
  },
};
