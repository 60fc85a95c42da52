import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output, perTensor, type AnyNode, type Node,
  type Tensor } from '../graph/graph';
import { dtypeCode, type Emitter } from './emitter';
import type { Operator } from './operator';
import { emitRescaled, emitStridedCopy } from './shared/emit';
import { sameQuantization } from './shared/quantized';
import { demand, demandAxis, demandWhole, requireTypes } from './shared/refuse';
import { tapsOf, type Taps } from './shared/resampling';
import { stridesOf } from './shared/shapes';

/** Unit of the weights of an int8 resize2d record. */
const ONE = 2048;
const modes = ['nearest', 'linear', 'cubic'];
const coordinates = ['halfPixel', 'halfPixelSymmetric', 'pytorchHalfPixel', 'alignCorners', 'asymmetric',
  'cropAndResize'];
const roundings = ['preferFloor', 'preferCeil', 'floor', 'ceil'];

/** A resampled axis and the weights of its outputs. */
interface Axis {
  axis: number;
  rows: Taps[];
}

/**
 * The positions and weights are known when the network is converted, so that every mode is a sparse
 * matrix for each axis. The nearest elements are gathered. Two weights of one sign are the
 * interpolation of resize2d; everything else is a resample record for each axis.
 */
export const resample: Operator<'resample'> = {
  quantization: 'same',
  stream: 'none',
  isChannelwise: ({ attributes, inputs: [x] }) => !attributes.axes.includes((x?.shape.length ?? 0) - 1),
  isHomogeneous: ({ attributes: { extrapolation = 0 } }) => extrapolation === 0,
  infer(node) {
    const { axes, scales, mode, roi, rounding = 'preferFloor', cubicCoefficient = 0, extrapolation = 0 } =
      node.attributes;
    const from = input(node, 0).shape;
    const to = output(node).shape;
    const named = (name: string, value: string, known: string[]): void =>
      demand(node, known.includes(value), `its ${name} is ${value}, not ${known.join(', ')}`);
    named('mode', mode, modes);
    named('coordinates', node.attributes.coordinates, coordinates);
    named('rounding', rounding, roundings);
    for (const axis of axes) demandAxis(node, axis, from);
    demand(node, new Set(axes).size === axes.length, `an axis is listed twice in [${axes.join(', ')}]`);
    demandWhole(node, 'output', to, 1);
    demand(
      node,
      scales.length === axes.length && scales.every((scale) => scale >= 1e-6 && Number.isFinite(scale)),
      `its scales [${scales.join(', ')}] must be one number from 0.000001 on for each of ${axes.length} axes`,
    );
    demand(node, Number.isFinite(cubicCoefficient + extrapolation), 'its numbers must be finite');
    demand(
      node,
      node.attributes.coordinates !== 'cropAndResize' ||
        (roi?.length === 2 * axes.length && roi.every((edge) => Number.isFinite(edge))),
      `it crops to [${roi?.join(', ') ?? ''}], which must be a start and an end for each of ${axes.length} axes`,
    );
    return [from.map((size, d) => (axes.includes(d) ? to[d]! : size))];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const all = node.attributes.axes.map((axis, i): Axis => ({
      axis,
      rows: tapsOf(node.attributes, i, x.shape[axis]!, y.shape[axis]!),
    }));
    // smaller images first, because they are less work for the next axis
    const growth = ({ axis }: Axis): number => y.shape[axis]! / x.shape[axis]!;
    const axes = all.filter(({ axis, rows }) => !isIdentity(rows, x.shape[axis]!)).sort((a, b) =>
      growth(a) - growth(b)
    );
    if (axes.length === 0) {
      emitStridedCopy(node, emit, x, y, y.shape, stridesOf(x.shape), stridesOf(y.shape));
    } else if (axes.every(({ rows }) => rows.every((row) => row.weights.length === 1 && row.weights[0] === 1))) {
      emitRescaled(node, emit, x, y, (target) => along(axes, x, target, (...step) => emitGather(node, emit, ...step)));
    } else {
      requireTypes(node, x, 'int8', 'float32');
      const pairs = bilinear(axes, x, y);
      if (pairs) along(pairs, x, y, (pair, from, to) => emitBilinear(node, emit, pair, from, to));
      else emitWeighted(node, emit, axes, x, y);
    }
  },
};

function isIdentity(rows: Taps[], size: number): boolean {
  return rows.length === size &&
    rows.every(({ start, weights }, i) => weights.length === 1 && weights[0] === 1 && start === i);
}

/**
 * Runs one step for each axis, or pair of axes, from tensor to tensor. Tensors between the steps
 * have the type and the quantization of `x`, or are `between`.
 */
function along<A extends Axis | Pair>(
  steps: A[],
  x: Tensor,
  y: Tensor,
  run: (step: A, from: Tensor, to: Tensor) => void,
  between: Pick<Tensor, 'dtype' | 'quantization'> = x,
): void {
  let from = x;
  steps.forEach((step, i) => {
    const resized = 'axis' in step ? [step.axis] : step.axes.map(({ axis }) => axis);
    const shape = from.shape.map((size, d) => (resized.includes(d) ? y.shape[d]! : size));
    const isLast = i === steps.length - 1;
    const { dtype, quantization } = between;
    const to = isLast ? y : { name: `${y.name} (axis ${i})`, shape, dtype, ...(quantization && { quantization }) };
    run(step, from, to);
    from = to;
  });
}

function emitGather(node: AnyNode, emit: Emitter, { axis, rows }: Axis, from: Tensor, to: Tensor): void {
  const r = emit.record(L.OP_GATHER, L.GATHER_BYTES, from.dtype, node, node.op);
  const indices: Tensor = {
    name: `${to.name} (indices)`,
    shape: [rows.length],
    dtype: 'int32',
    data: Int32Array.from(rows, ({ start }) => start),
  };
  r.source(L.GATHER_SOURCE, from);
  r.source(L.GATHER_INDICES, indices);
  r.target(L.GATHER_TARGET, to);
  r.ints(L.GATHER_OUTER, [1, elementCount(from.shape.slice(0, axis)), from.shape[axis]!, rows.length,
    elementCount(from.shape.slice(axis + 1)) * elementSize(from.dtype)]);
}

// ── interpolation between two elements ──────────────────────────────────────────────────────────────

/** Adjacent axes that one resize2d record interpolates, or one axis. */
interface Pair {
  axes: Axis[];
}

/**
 * The axes in pairs, if resize2d records compute them. With int8 there is one record, because it
 * rounds, and its weights are whole multiples of 1/2048.
 */
function bilinear(axes: Axis[], x: Tensor, y: Tensor): Pair[] | undefined {
  const isInt8 = x.dtype === 'int8';
  const fits = (w: number): boolean => w >= 0 && (!isInt8 || Number.isInteger(w * ONE));
  const isSimple = axes.every(({ rows }) =>
    rows.every(({ weights, isOutside }) => !isOutside && weights.length <= 2 && weights.every(fits))
  );
  if (!isSimple) return undefined;
  const pairs: Pair[] = [];
  for (const next of [...axes].sort((a, b) => a.axis - b.axis)) {
    const last = pairs[pairs.length - 1];
    if (last?.axes.length === 1 && last.axes[0]!.axis === next.axis - 1) last.axes.push(next);
    else pairs.push({ axes: [next] });
  }
  return isInt8 && (pairs.length > 1 || !sameQuantization(x, y)) ? undefined : pairs;
}

function emitBilinear(node: AnyNode, emit: Emitter, { axes }: Pair, from: Tensor, to: Tensor): void {
  const [first, second] = axes as [Axis, Axis | undefined];
  const behind = first.axis + 1;
  const [inH, inW] = [from.shape[first.axis]!, second ? from.shape[behind]! : 1];
  const columns = second?.rows ?? [{ start: 0, weights: [1], isOutside: false }];
  const r = emit.record(L.OP_RESIZE2D, L.RESIZE2D_BYTES, from.dtype, node, node.op);
  r.source(L.RESIZE2D_SOURCE, from);
  r.target(L.RESIZE2D_TARGET, to);
  r.table(L.RESIZE2D_ROWS, entries(first.rows, from));
  r.table(L.RESIZE2D_COLUMNS, entries(columns, from));
  r.ints(L.RESIZE2D_MODE, [L.RESIZE2D_BILINEAR, elementCount(from.shape.slice(0, first.axis)), inH, inW,
    elementCount(from.shape.slice(behind + (second ? 1 : 0))), first.rows.length, columns.length]);
}

/** The entries of a resize2d record: both elements and the weight of the second one. */
function entries(rows: Taps[], { dtype }: Tensor): DataView {
  const view = new DataView(new ArrayBuffer(rows.length * L.RESIZE2D_ENTRY_BYTES));
  rows.forEach(({ start, weights: [, weight = 0] }, i) => {
    const at = i * L.RESIZE2D_ENTRY_BYTES;
    view.setUint32(at, start, true);
    view.setUint32(at + 4, weight === 0 ? start : start + 1, true);
    if (dtype === 'int8') view.setInt32(at + 8, weight * ONE, true);
    else view.setFloat32(at + 8, weight, true);
  });
  return view;
}

// ── any weights ─────────────────────────────────────────────────────────────────────────────────────

/**
 * One record for each axis. Between them, int8 images are float32 in units of the input's scale, so
 * that only the last record rounds.
 */
function emitWeighted(node: Node<'resample'>, emit: Emitter, axes: Axis[], x: Tensor, y: Tensor): void {
  const { extrapolation = 0 } = node.attributes;
  const isInt8 = x.dtype === 'int8';
  const unit = (tensor: Tensor): number => (isInt8 ? perTensor(tensor).scale : 1);
  along(axes, x, y, ({ axis, rows }, from, to) => {
    const taps = rows[0]!.weights.length;
    const scale = to === y ? unit(y) : unit(x);
    const inner = elementCount(from.shape.slice(axis + 1));
    const work = elementCount(to.shape) * taps;
    const r = emit.record(L.OP_RESAMPLE, L.RESAMPLE_BYTES, from.dtype, node, node.op, work);
    r.source(L.RESAMPLE_SOURCE, from);
    r.target(L.RESAMPLE_TARGET, to);
    r.table(L.RESAMPLE_STARTS, Int32Array.from(rows, ({ start }) => start));
    r.table(L.RESAMPLE_WEIGHTS, Float32Array.from(rows.flatMap(({ weights }) => weights), (w) => w * unit(x) / scale));
    r.table(L.RESAMPLE_OFFSETS, Float32Array.from(rows, ({ isOutside }) => (isOutside ? extrapolation / scale : 0)));
    r.ints(L.RESAMPLE_OUTER, [elementCount(from.shape.slice(0, axis)), from.shape[axis]!, rows.length, inner, taps]);
    r.int(L.RESAMPLE_SOURCE_ZERO, from.dtype === 'int8' ? perTensor(from).zeroPoint : 0);
    r.int(L.RESAMPLE_TARGET_DTYPE, dtypeCode(to.dtype));
    r.int(L.RESAMPLE_TARGET_ZERO, to.dtype === 'int8' ? perTensor(to).zeroPoint : 0);
  }, { dtype: 'float32' });
}
