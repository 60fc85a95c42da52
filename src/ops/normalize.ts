import * as L from '../../assembly/layout';
import { broadcastShape } from '../graph/broadcast';
import { elementCount, input, output, perTensor, type Node, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { demand, requireTypes, shapeText, unsupported } from './shared/refuse';
import { broadcastStrides, mergeDimensions, stridesOf } from './shared/shapes';
import { normalizing } from './shared/stream';

/** Dimensions of the record of either kind: kept ones, and those of the mean. */
const DIMENSIONS = L.MAX_RANK / 2;

export const normalize: Operator<'normalize'> = {
  quantization: 'free',
  keepsConstants: true,
  stream: normalizing,
  isChannelwise: false,
  infer(node) {
    const { shape } = input(node, 0);
    const { axes } = node.attributes;
    demand(
      node,
      axes.length > 0 && axes.every((axis, i) =>
        Number.isInteger(axis) && axis >= 0 && axis < shape.length && (i === 0 || axis > axes[i - 1]!)
      ),
      `its axes ${shapeText(axes)} must be ascending axes of ${shapeText(shape)}`,
    );
    for (const operand of [node.inputs[1], node.inputs[2]]) {
      if (!operand) continue;
      const both = broadcastShape(shape, operand.shape);
      demand(
        node,
        both?.length === shape.length && both.every((size, d) => size === shape[d]),
        `"${operand.name}" of ${shapeText(operand.shape)} does not broadcast to ${shapeText(shape)}`,
      );
    }
    return [shape];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { epsilon, center } = node.attributes;
    requireTypes(node, x, 'int8', 'float32');
    if (x.dtype !== y.dtype) throw unsupported(node, `a result of ${y.dtype} from ${x.dtype}`);
    const [scale, bias] = [operandOf(node, 1, 1), operandOf(node, 2, 0)];
    for (const operand of [scale, bias]) requireTypes(node, operand, 'float32');
    if (scale.data && bias.data) emit.mayReuse(y, x);
    const r = emit.record(L.OP_NORMALIZE, L.NORMALIZE_BYTES, x.dtype, node, node.op);
    r.source(L.NORMALIZE_SOURCE, x);
    r.target(L.NORMALIZE_TARGET, y);
    r.source(L.NORMALIZE_SCALE, scale);
    r.source(L.NORMALIZE_BIAS, bias);
    const { dimensions, strides } = walkOf(node, x, scale, bias);
    r.ints(L.NORMALIZE_DIMENSIONS, dimensions);
    [L.NORMALIZE_STRIDES, L.NORMALIZE_SCALE_STRIDES, L.NORMALIZE_BIAS_STRIDES].forEach((field, i) =>
      r.ints(field, strides[i]!)
    );
    r.float(L.NORMALIZE_EPSILON, epsilon);
    r.int(L.NORMALIZE_CENTER, Number(center));
    const identity = { scale: 1, zeroPoint: 0 };
    const [from, to] = [x, y].map((tensor) => (tensor.dtype === 'int8' ? perTensor(tensor) : identity));
    r.float(L.NORMALIZE_SOURCE_SCALE, from!.scale);
    r.float(L.NORMALIZE_TARGET_SCALE, to!.scale);
    r.int(L.NORMALIZE_SOURCE_ZERO, from!.zeroPoint);
    r.int(L.NORMALIZE_TARGET_ZERO, to!.zeroPoint);
  },
};

/** An operand, or a number in place of an absent one. */
function operandOf(node: Node<'normalize'>, index: number, absent: number): Tensor {
  return node.inputs[index] ??
    { name: `${node.name} (operand ${index})`, shape: [1], dtype: 'float32', data: Float32Array.of(absent) };
}

/**
 * The dimensions of the record and the strides of each operand: kept dimensions, then those of
 * `axes`.
 */
function walkOf(
  node: Node<'normalize'>,
  x: Tensor,
  ...operands: Tensor[]
): { dimensions: number[]; strides: number[][] } {
  const all = [stridesOf(x.shape), ...operands.map(({ shape }) => broadcastStrides(shape, x.shape))];
  const merged = [false, true].map((isReduced) => {
    const chosen = x.shape.map((_, d) => d).filter((d) => node.attributes.axes.includes(d) === isReduced);
    const { dimensions, strides } = mergeDimensions(
      node,
      chosen.map((d) => x.shape[d]!),
      ...all.map((s) => chosen.map((d) => s[d]!)),
    );
    if (elementCount(dimensions.slice(0, DIMENSIONS)) > 1) {
      throw unsupported(node, `operands of ${x.shape.length} dimensions of which more than ${DIMENSIONS} alternate`);
    }
    return { dimensions: dimensions.slice(DIMENSIONS), strides: strides.map((s) => s.slice(DIMENSIONS)) };
  });
  return {
    dimensions: merged.flatMap(({ dimensions }) => dimensions),
    strides: all.map((_, i) => merged.flatMap(({ strides }) => strides[i]!)),
  };
}
