import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output, perTensor, type AnyNode, type Tensor } from '../graph/graph';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { emitCopy, inQuantizationOf } from './shared/emit';
import { demand, demandWhole, shapeText, unsupported } from './shared/refuse';
import { clampInt8, roundEven } from './shared/rounding';
import { stridesOf } from './shared/shapes';

export const pad: Operator<'pad'> = {
  quantization: 'same',
  stream: {
    readsPadding: true,
    // zeros before the sequence become the initial history of the next convolution
    convert(node, stream) {
      const { time } = stream;
      const { axis } = time;
      const { before, after, mode, value } = node.attributes;
      if (after[axis] !== 0) throw unsupported(node, 'it adds frames behind the sequence');
      if (before[axis] !== 0 && (mode !== 'constant' || (time.offset < 0 && value !== time.padding))) {
        throw unsupported(node, `its padding before the sequence is ${mode}; it must be constant, with one value`);
      }
      stream.emit({ ...node, attributes: { ...node.attributes, before: before.with(axis, 0) } }, {
        ...time,
        total: time.total + before[axis]!,
        offset: time.offset - before[axis]!,
        padding: before[axis] === 0 ? time.padding : value,
      });
    },
  },
  isChannelwise: ({ attributes: { before, after } }) => before.at(-1) === 0 && after.at(-1) === 0,
  asZeroPadding: ({ attributes: { before, after, mode, value } }) =>
    mode === 'constant' && value === 0 ? { before, after } : undefined,
  infer(node) {
    const { before, after, mode } = node.attributes;
    const { shape } = input(node, 0);
    const mirrored = (size: number): number => (mode === 'reflect' ? size - 1 : size);
    demand(
      node,
      before.length === shape.length && after.length === shape.length,
      `its sides must be as many as the dimensions of ${shapeText(shape)}`,
    );
    demandWhole(node, 'sides', [...before, ...after], 0);
    demand(
      node,
      mode === 'constant' || shape.every((size, d) => Math.max(before[d]!, after[d]!) <= mirrored(size)),
      `it mirrors more elements than the input ${shapeText(shape)} has`,
    );
    return [shape.map((size, d) => size + before[d]! + after[d]!)];
  },
  lower(node, emit) {
    const y = output(node);
    const x = inQuantizationOf(node, emit, input(node, 0), y);
    const { before, after, mode, value } = node.attributes;
    const to = stridesOf(y.shape);
    const from = stridesOf(x.shape);
    const at = (index: number[], strides: number[]): number => index.reduce((sum, i, d) => sum + i * strides[d]!, 0);
    if (mode === 'constant') {
      emitFill(node, emit, y, value);
      emitCopy(node, emit, x, y, x.shape, from, to, 0, at(before, to));
      return;
    }
    // each dimension splits into a mirrored part, the middle and a mirrored part; their
    // combinations are boxes
    const skip = mode === 'reflect' ? 1 : 0;
    const parts = x.shape.map((size, d) =>
      [{ size: before[d]!, from: before[d]! - 1 + skip, to: 0, step: -1 }, { size, from: 0, to: before[d]!, step: 1 }, {
        size: after[d]!,
        from: size - 1 - skip,
        to: before[d]! + size,
        step: -1,
      }].filter((part) => part.size > 0)
    );
    const boxes = parts.reduce<(typeof parts)[number][]>(
      (all, options) => all.flatMap((box) => options.map((part) => [...box, part])),
      [[]],
    );
    for (const box of boxes) {
      emitCopy(
        node,
        emit,
        x,
        y,
        box.map((p) => p.size),
        box.map((p, d) => p.step * from[d]!),
        to,
        at(box.map((p) => p.from), from),
        at(box.map((p) => p.to), to),
      );
    }
  },
};

function emitFill(node: AnyNode, emit: Emitter, y: Tensor, value: number): void {
  const r = emit.record(L.OP_FILL, L.FILL_BYTES, y.dtype, node, 'fill');
  r.target(L.FILL_TARGET, y);
  r.int(L.FILL_ELEMENT_BYTES, elementSize(y.dtype));
  r.int(L.FILL_COUNT, elementCount(y.shape));
  if (y.dtype === 'float32') {
    r.float(L.FILL_VALUE, value);
  } else if (y.dtype === 'int8' && y.quantization) {
    const { scale, zeroPoint } = perTensor(y);
    r.int(L.FILL_VALUE, clampInt8(roundEven(value / scale) + zeroPoint));
  } else {
    r.int(L.FILL_VALUE, value);
  }
}
