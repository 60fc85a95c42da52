// Operators that only move elements: each is one or more strided copies.
import * as L from '../../assembly/layout';
import type { Emitter } from '../compiler/emitter';
import { KletError } from '../errors';
import { elementCount, elementSize, input, output, perTensor, type AnyNode, type Tensor } from '../graph/graph';
import type { FusedActivation } from '../graph/operators';
import type { Operator } from './operator';
import { activationRange, broadcastStrides, clampInt8, emitCopy, emitTable, inQuantizationOf, quantizedRange, requantizer, roundEven, sameQuantization, stridesOf, unsupported } from './support';

export const reshape: Operator<'reshape'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    if (x.data || (x.dtype === 'int8' && !sameQuantization(x, y))) moveAs(node, emit, x, y, [elementCount(y.shape)], [1], [1]);
    else emit.alias(y, x);
  },
};

export const transpose: Operator<'transpose'> = {
  quantization: 'same',
  infer(node) {
    return [node.attributes.perm.map((d) => input(node, 0).shape[d]!)];
  },
  lower(node, emit) {
    const x = input(node, 0), y = output(node), strides = stridesOf(x.shape);
    moveAs(node, emit, x, y, y.shape, node.attributes.perm.map((d) => strides[d]!), stridesOf(y.shape));
  },
};

export const concat: Operator<'concat'> = {
  quantization: 'free',
  infer(node) {
    const { axis } = node.attributes, shape = [...input(node, 0).shape];
    shape[axis] = node.inputs.reduce((sum, tensor) => sum + (tensor?.shape[axis] ?? 0), 0);
    return [shape];
  },
  lower(node, emit) {
    const y = output(node), { axis, activation } = node.attributes, strides = stridesOf(y.shape);
    let at = 0;
    for (let i = 0; i < node.inputs.length; i++) {
      const part = input(node, i), x = inQuantizationOf(node, emit, part, y);
      emitCopy(node, emit, x, y, part.shape, stridesOf(part.shape), strides, 0, at * strides[axis]!);
      at += part.shape[axis]!;
    }
    emitActivation(node, emit, y, activation);
  },
};

export const split: Operator<'split'> = {
  quantization: 'same',
  infer: (node) => node.outputs.map((tensor) => tensor.shape),
  lower(node, emit) {
    const x = input(node, 0), strides = stridesOf(x.shape), { axis } = node.attributes;
    let at = 0;
    for (const y of node.outputs) {
      const offset = at * strides[axis]!;
      if (x.shape.slice(0, axis).every((d) => d === 1) && !x.data && sameQuantization(x, y)) emit.alias(y, x, offset * elementSize(x.dtype));
      else moveAs(node, emit, x, y, y.shape, strides, stridesOf(y.shape), offset);
      at += y.shape[axis]!;
    }
  },
};

export const slice: Operator<'slice'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node), { begin, stride } = node.attributes, strides = stridesOf(x.shape);
    const offset = begin.reduce((sum, b, d) => sum + b * strides[d]!, 0);
    moveAs(node, emit, x, y, y.shape, strides.map((s, d) => s * stride[d]!), stridesOf(y.shape), offset);
  },
};

export const broadcastTo: Operator<'broadcastTo'> = {
  quantization: 'same',
  infer: (node) => [output(node).shape],
  lower(node, emit) {
    const x = input(node, 0), y = output(node);
    moveAs(node, emit, x, y, y.shape, broadcastStrides(x.shape, y.shape), stridesOf(y.shape));
  },
};

export const depthToSpace: Operator<'depthToSpace'> = {
  quantization: 'same',
  infer(node) {
    const [n, h, w, c] = input(node, 0).shape as [number, number, number, number], b = node.attributes.blockSize;
    return [[n, h * b, w * b, c / (b * b)]];
  },
  lower(node, emit) {
    const x = input(node, 0), y = output(node), b = node.attributes.blockSize, [n, h, w, c] = x.shape as [number, number, number, number], d = c / (b * b);
    moveAs(node, emit, x, y, [n, h, b, w, b, d], [h * w * c, w * c, b * d, c, d, 1], stridesOf([n, h, b, w, b, d]));
  },
};

export const spaceToDepth: Operator<'spaceToDepth'> = {
  quantization: 'same',
  infer(node) {
    const [n, h, w, c] = input(node, 0).shape as [number, number, number, number], b = node.attributes.blockSize;
    return [[n, h / b, w / b, c * b * b]];
  },
  lower(node, emit) {
    const x = input(node, 0), y = output(node), b = node.attributes.blockSize, [n, h, w, c] = x.shape as [number, number, number, number];
    moveAs(node, emit, x, y, [n, h / b, w / b, b, b, c], [h * w * c, b * w * c, b * c, w * c, c, 1], stridesOf([n, h / b, w / b, b, b, c]));
  },
};

export const pad: Operator<'pad'> = {
  quantization: 'same',
  infer(node) {
    const { before, after } = node.attributes;
    return [input(node, 0).shape.map((size, d) => size + before[d]! + after[d]!)];
  },
  lower(node, emit) {
    const y = output(node), x = inQuantizationOf(node, emit, input(node, 0), y), { before, after, mode, value } = node.attributes;
    const to = stridesOf(y.shape), from = stridesOf(x.shape), at = (index: number[], strides: number[]): number => index.reduce((sum, i, d) => sum + i * strides[d]!, 0);
    if (mode === 'constant') {
      emitFill(node, emit, y, value);
      emitCopy(node, emit, x, y, x.shape, from, to, 0, at(before, to));
      return;
    }
    // each dimension falls into a mirrored part before, the middle and a mirrored part after; their products are boxes
    const skip = mode === 'reflect' ? 1 : 0;
    const parts = x.shape.map((size, d) => [
      { size: before[d]!, from: before[d]! - 1 + skip, to: 0, step: -1 }, { size, from: 0, to: before[d]!, step: 1 },
      { size: after[d]!, from: size - 1 - skip, to: before[d]! + size, step: -1 },
    ].filter((part) => part.size > 0));
    if (x.shape.some((size, d) => Math.max(before[d]!, after[d]!) > size - skip)) {
      throw new KletError('INVALID_GRAPH', `pad "${node.name}" mirrors more than the input [${x.shape.join(', ')}] has`);
    }
    const boxes = parts.reduce<(typeof parts)[number][]>((all, options) => all.flatMap((box) => options.map((part) => [...box, part])), [[]]);
    for (const box of boxes) {
      emitCopy(node, emit, x, y, box.map((p) => p.size), box.map((p, d) => p.step * from[d]!), to, at(box.map((p) => p.from), from), at(box.map((p) => p.to), to));
    }
  },
};

/** Copies, through a requantization where the scales differ. */
function moveAs(node: AnyNode, emit: Emitter, x: Tensor, y: Tensor, dimensions: number[], from: number[], to: number[], offset = 0): void {
  if (x.dtype !== 'int8' || sameQuantization(x, y)) {
    emitCopy(node, emit, x, y, dimensions, from, to, offset);
    return;
  }
  const moved: Tensor = { ...emit.temporary(`${y.name} (before requantization)`, y.shape, 'int8'), ...(x.quantization && { quantization: x.quantization }) };
  emitCopy(node, emit, x, moved, dimensions, from, to, offset);
  emitTable(node, emit, moved, y, requantizer(moved, y));
}

function emitFill(node: AnyNode, emit: Emitter, y: Tensor, value: number): void {
  const r = emit.record(L.OP_FILL, L.FILL_BYTES, y.dtype, node, 'fill').target(L.FILL_TARGET, y)
    .int(L.FILL_ELEMENT_BYTES, elementSize(y.dtype)).int(L.FILL_COUNT, elementCount(y.shape));
  if (y.dtype === 'float32') {
    r.float(L.FILL_VALUE, value);
  } else if (y.dtype === 'int8' && y.quantization) {
    const { scale, zeroPoint } = perTensor(y);
    r.int(L.FILL_VALUE, clampInt8(roundEven(value / scale) + zeroPoint));
  } else {
    r.int(L.FILL_VALUE, value);
  }
}

function emitActivation(node: AnyNode, emit: Emitter, y: Tensor, activation: FusedActivation): void {
  if (activation === 'none') return;
  if (y.dtype === 'int8') {
    const [low, high] = quantizedRange(activation, y);
    emitTable(node, emit, y, y, (q) => Math.max(low, Math.min(high, q)));
    return;
  }
  const kinds = { relu: L.UNARY_RELU, relu6: L.UNARY_RELU6, reluN1To1: L.UNARY_RELU_N1_TO_1, relu0To1: L.UNARY_RELU_0_TO_1 };
  if (y.dtype !== 'float32' || activationRange(activation)[0] === -Infinity) throw unsupported(node, `no activation on ${y.dtype}`);
  emit.record(L.OP_UNARY, L.UNARY_BYTES, 'float32', node, activation, elementCount(y.shape))
    .source(L.UNARY_SOURCE, y).target(L.UNARY_TARGET, y).int(L.UNARY_COUNT, elementCount(y.shape)).int(L.UNARY_KIND, kinds[activation]);
}
