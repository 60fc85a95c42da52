import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output, perTensor, type AnyNode, type Tensor } from '../graph/graph';
import type { PadMode } from '../graph/operators';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { emitCopy, inQuantizationOf } from './shared/emit';
import { demand, demandWhole, shapeText, unsupported } from './shared/refuse';
import { clampInt8, roundAway, roundEven } from './shared/rounding';
import { stridesOf } from './shared/shapes';
import { sameRange } from './shared/relevant';

export const pad: Operator<'pad'> = {
  quantization: 'same',
  relevantRange: sameRange,
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
  isHomogeneous: ({ attributes: { mode, value } }) => mode !== 'constant' || value === 0,
  asZeroPadding: ({ attributes: { before, after, mode, value } }) =>
    mode === 'constant' && value === 0 ? { before, after } : undefined,
  computesInt16: true,
  infer(node) {
    const { before, after, mode } = node.attributes;
    const { shape } = input(node, 0);
    demand(
      node,
      before.length === shape.length && after.length === shape.length,
      `its sides must be as many as the dimensions of ${shapeText(shape)}`,
    );
    demandWhole(node, 'sides', [...before, ...after], 0);
    demand(
      node,
      shape.every((size, d) => Math.max(before[d]!, after[d]!) <= largestPadding(mode, size)),
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
    // the combinations of the parts of each dimension are boxes
    const parts = x.shape.map((size, d) => partsOf(mode, size, before[d]!, after[d]!));
    const boxes = parts.reduce<Part[][]>(
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

/** Elements along one dimension, from index `from` of the input to index `to` of the output. */
interface Part {
  size: number;
  from: number;
  to: number;
  /** From one element to the next in the input. */
  step: number;
}

/** A mirror repeats each element at most once. */
function largestPadding(mode: PadMode, size: number): number {
  switch (mode) {
    case 'reflect':
      return size - 1;
    case 'symmetric':
      return size;
    default:
      return Infinity;
  }
}

/** The padding before, the input, and the padding after, along one dimension. */
function partsOf(mode: PadMode, size: number, before: number, after: number): Part[] {
  if (mode === 'wrap') {
    const parts: Part[] = [];
    for (let to = 0; to < before + size + after; to += parts[parts.length - 1]!.size) {
      const from = to < before ? (size - (before - to) % size) % size : (to - before) % size;
      parts.push({ size: Math.min(size - from, before + size + after - to), from, to, step: 1 });
    }
    return parts;
  }
  const mirrored = mode === 'edge' ? 0 : -1;
  const first = { edge: 0, reflect: before, symmetric: before - 1, constant: 0 }[mode];
  const last = mode === 'reflect' ? size - 2 : size - 1;
  return [{ size: before, from: first, to: 0, step: mirrored }, { size, from: 0, to: before, step: 1 }, {
    size: after,
    from: last,
    to: before + size,
    step: mirrored,
  }].filter((part) => part.size > 0);
}

function emitFill(node: AnyNode, emit: Emitter, y: Tensor, value: number): void {
  if (y.dtype === 'int16') {
    // elements of two bytes are copies of a constant
    const steps = Math.max(-32768, Math.min(32767, roundAway(value / perTensor(y).scale)));
    const fill: Tensor = { name: `${y.name} (padding)`, shape: [1], dtype: 'int16', data: Int16Array.of(steps) };
    return emitCopy(node, emit, fill, y, [elementCount(y.shape)], [0], [1]);
  }
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
