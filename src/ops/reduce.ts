import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor, type Node, type Tensor } from '../graph/graph';
import type { ReduceKind } from '../graph/operators';
import type { Operator } from './operator';
import { emitCopy, inQuantizationOf } from './shared/emit';
import { quantizeMultiplier } from './shared/fixedPoint';
import { emitIntegerReduce } from './shared/integerReduce';
import { sameQuantization } from './shared/quantized';
import { demand, requireTypes, shapeText } from './shared/refuse';
import { f32 } from './shared/rounding';
import { stridesOf } from './shared/shapes';
import { reducing } from './shared/stream';

const kinds: Record<ReduceKind, number> = {
  mean: L.REDUCE_MEAN,
  sum: L.REDUCE_SUM,
  max: L.REDUCE_MAX,
  min: L.REDUCE_MIN,
  prod: L.REDUCE_PROD,
};

export const reduce: Operator<'reduce'> = {
  quantization: 'free',
  stream: reducing((node) => node.attributes.axes),
  isChannelwise: (node) => !node.attributes.axes.includes(input(node, 0).shape.length - 1),
  isHomogeneous: ({ attributes: { kind } }) => kind !== 'prod',
  infer(node) {
    const { shape } = input(node, 0);
    const { axes } = node.attributes;
    const kept = shape.map((size, d) => (axes.includes(d) ? 1 : size));
    demand(
      node,
      axes.every((axis, i) =>
        Number.isInteger(axis) && axis >= 0 && axis < shape.length && (i === 0 || axis > axes[i - 1]!)
      ),
      `its axes ${shapeText(axes)} must be ascending axes of ${shapeText(shape)}`,
    );
    return [output(node).shape.length === kept.length ? kept : shape.filter((_, d) => !axes.includes(d))];
  },
  lower(node, emit) {
    const { kind, axes } = node.attributes;
    const y = output(node);
    const compares = kind === 'max' || kind === 'min';
    let x = input(node, 0);
    requireTypes(node, x, 'int8', 'float32', 'int32', 'int64', 'uint8', 'bool');
    if (x.dtype !== 'int8' && x.dtype !== 'float32') return emitIntegerReduce(node, emit);
    if (compares) x = inQuantizationOf(node, emit, x, y);
    let { outer, count, inner } = extents(x.shape, axes);
    if (!isContiguous(x.shape, axes)) {
      // the reduced dimensions go last
      const kept = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
      const perm = [...kept, ...axes];
      const from = stridesOf(x.shape);
      const shape = perm.map((d) => x.shape[d]!);
      const moved: Tensor = { ...x, name: `${x.name} (for ${node.name})`, shape };
      emitCopy(node, emit, x, moved, shape, perm.map((d) => from[d]!), stridesOf(shape));
      count = elementCount(axes.map((d) => x.shape[d]!));
      outer = elementCount(x.shape) / count;
      inner = 1;
      x = moved;
    }
    const r = emit.record(L.OP_REDUCE, L.REDUCE_BYTES, x.dtype, node, node.op);
    r.source(L.REDUCE_SOURCE, x);
    r.target(L.REDUCE_TARGET, y);
    r.int(L.REDUCE_KIND, kinds[kind]);
    r.ints(L.REDUCE_OUTER, [outer, count, inner]);
    if (x.dtype === 'int8') {
      const qx = perTensor(x);
      const qy = perTensor(y);
      const sx = f32(qx.scale);
      const sy = f32(qy.scale);
      if (kind === 'mean' && !isGlobalPool(node) && sameQuantization(x, y)) {
        // the quotient of the stored integers, unsigned if the network was uint8
        const zero = x.wasUint8 ? -128 : 0;
        r.int(L.REDUCE_SOURCE_ZERO, zero);
        r.int(L.REDUCE_TARGET_ZERO, zero);
        r.int(L.REDUCE_ROUNDING, L.ROUND_TRUNCATE);
        return;
      }
      r.int(L.REDUCE_SOURCE_ZERO, qx.zeroPoint);
      r.int(L.REDUCE_TARGET_ZERO, qy.zeroPoint);
      if (kind === 'prod') {
        const { multiplier, exponent } = quantizeMultiplier(sx / sy ** (1 / count));
        r.int(L.REDUCE_MULTIPLIER, multiplier);
        r.int(L.REDUCE_EXPONENT, exponent);
        return;
      }
      r.float(L.REDUCE_SCALE, kind === 'mean' ? f32(sx / f32(sy * count)) : f32(sx / sy));
      r.int(L.REDUCE_ROUNDING, kind === 'mean' && isGlobalPool(node) ? L.ROUND_EVEN : L.ROUND_AWAY);
    }
  },
};

/**
 * Whether this is a mean over height and width. XNNPACK computes it as global average pooling and
 * rounds halves to even; TensorFlow Lite's other means round differently.
 */
function isGlobalPool(node: Node<'reduce'>): boolean {
  const { axes } = node.attributes;
  return input(node, 0).shape.length === 4 && axes.length === 2 && axes[0] === 1 && axes[1] === 2;
}

/** The reduced dimensions with a size other than 1. */
function realAxes(shape: number[], axes: number[]): number[] {
  return axes.filter((d) => shape[d] !== 1);
}

/** The shape as [outer][count][inner] around the reduced dimensions. */
function extents(shape: number[], axes: number[]): { outer: number; count: number; inner: number } {
  const real = realAxes(shape, axes);
  const count = elementCount(real.map((d) => shape[d]!));
  const outer = elementCount(shape.slice(0, real[0] ?? 0));
  return { outer, count, inner: elementCount(shape) / count / outer };
}

function isContiguous(shape: number[], axes: number[]): boolean {
  const real = realAxes(shape, axes);
  const last = real[real.length - 1] ?? 0;
  return shape.every((size, d) => size === 1 || axes.includes(d) || d < (real[0] ?? 0) || d > last);
}
