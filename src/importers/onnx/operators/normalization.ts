import { elementCount, type Tensor } from '../../../graph/graph';
import { emitLocalResponse } from '../../shared/localResponse';
import type { NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings } from '../operator';

/** A list of one number for each channel, in a shape that broadcasts to [N][C]…. */
export function perChannel(emit: NodeEmitter, values: Tensor, rank: number): Tensor {
  return emit.reshape(values, [values.shape[0]!, ...new Array<number>(Math.max(rank - 2, 0)).fill(1)]);
}

/** (x − mean) / √(variance + epsilon) · scale + bias, as x · factor + offset */
const batchNormalization: Mapping = (operator) => {
  const { emit, attributes } = operator;
  operator.check(attributes.int('training_mode', 0) === 0, 'statistics of the batch (training_mode)');
  const x = operator.input(0);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => operator.input(i)) as [Tensor, Tensor, Tensor, Tensor];
  const inverse = emit.unary('rsqrt', emit.binary('add', variance, attributes.float('epsilon', 1e-5)));
  const factor = emit.binary('mul', scale, inverse);
  const offset = emit.binary('sub', bias, emit.binary('mul', mean, factor));
  const { length } = x.shape;
  return emit.binary('add', emit.binary('mul', x, perChannel(emit, factor, length)), perChannel(emit, offset, length));
};

/** The dimensions from `first` on. */
const from = (first: number, rank: number): number[] => Array.from({ length: rank - first }, (_, i) => first + i);

/** Normalizes the elements of the dimensions from `axis` on. */
function ofRows(center: boolean): Mapping {
  return (operator) => {
    const { emit, attributes, network } = operator;
    const x = operator.input(0);
    const axes = from(operator.axis(attributes.int('axis', -1), x.shape.length), x.shape.length);
    const epsilon = attributes.float('epsilon', 1e-5);
    const y = emit.node('normalize', [x, operator.optional(1), operator.optional(2)], { axes, epsilon, center });
    if (!network.isRead(1) && !network.isRead(2)) return [y];
    const mean = emit.reduce('mean', x, axes, true);
    const variance = emit.reduce('mean', emit.unary('square', emit.binary('sub', x, mean)), axes, true);
    return [y, mean, emit.unary('rsqrt', emit.binary('add', variance, epsilon))];
  };
}

const instanceNormalization: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const { length } = x.shape;
  const [scale, bias] = [1, 2].map((i) => perChannel(emit, operator.input(i), length)) as [Tensor, Tensor];
  const epsilon = attributes.float('epsilon', 1e-5);
  return emit.node('normalize', [x, scale, bias], { axes: from(2, length), epsilon, center: true });
};

/**
 * Before operator set 21, scale and bias have one number for each group, later one for each
 * channel.
 */
const groupNormalization: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const [n, c, ...image] = x.shape as [number, number, ...number[]];
  const groups = attributes.int('num_groups', 1);
  operator.check(c % groups === 0, `${groups} groups of ${c} channels`);
  const ones = image.map(() => 1);
  const [scale, bias] = [1, 2].map((i) => {
    const values = operator.input(i);
    return emit.reshape(values, [groups, values.shape[0]! / groups, ...ones]);
  }) as [Tensor, Tensor];
  const grouped = emit.reshape(x, [n, groups, c / groups, ...image]);
  const epsilon = attributes.float('epsilon', 1e-5);
  const axes = from(2, grouped.shape.length);
  return emit.reshape(emit.node('normalize', [grouped, scale, bias], { axes, epsilon, center: true }), x.shape);
};

/** Each channel, or what the axes leave, has the mean 0 and the variance 1. */
const meanVarianceNormalization: Mapping = (operator) => {
  const x = operator.input(0);
  const axes = (operator.attributes.ints('axes') ?? [0, 2, 3]).map((axis) => operator.axis(axis, x.shape.length));
  return operator.emit.node('normalize', [x, null, null], {
    axes: axes.sort((a, b) => a - b),
    epsilon: 1e-18,
    center: true,
  });
};

/**
 * A function over the last dimension, applied along `axis`. Before operator set 13, the dimensions
 * from `axis` on are one.
 */
function alongAxis(op: 'softmax' | 'logSoftmax'): Mapping {
  return (operator) => {
    const { emit, attributes, version } = operator;
    const x = operator.input(0);
    const axis = operator.axis(attributes.int('axis', version < 13 ? 1 : -1), x.shape.length);
    const apply = (rows: Tensor): Tensor =>
      op === 'softmax' ? emit.node('softmax', [rows], { beta: 1 }) : emit.node('logSoftmax', [rows], {});
    if (version < 13) {
      const rows = x.shape.slice(0, axis).reduce((a, b) => a * b, 1);
      const flat = emit.reshape(x, [rows, x.shape.reduce((a, b) => a * b, 1) / rows]);
      return emit.reshape(apply(flat), x.shape);
    }
    return withLast(emit, x, axis, apply);
  };
}

/** Applies a function of the last dimension along another axis. */
export function withLast(emit: NodeEmitter, x: Tensor, axis: number, apply: (x: Tensor) => Tensor): Tensor {
  const perm = [...x.shape.keys()].filter((d) => d !== axis);
  perm.push(axis);
  const back = perm.map((_, d) => perm.indexOf(d));
  return emit.transpose(apply(emit.transpose(x, perm)), back);
}

/** An even number of channels has one more after the channel itself than before. */
const lrn: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const size = attributes.int('size', 0);
  operator.check(size >= 1 && x.shape.length >= 2, 'no channels');
  const [n, c] = x.shape as [number, number];
  const planes = emit.reshape(x, [n, c, elementCount(x.shape) / n / c]);
  const y = emit.adopt(
    operator.kind,
    { shape: planes.shape, like: x },
    (nodes) =>
      emitLocalResponse(nodes, planes, {
        before: (size - 1) >> 1,
        after: size >> 1,
        alpha: attributes.float('alpha', 1e-4) / size,
        bias: attributes.float('bias', 1),
        beta: attributes.float('beta', 0.75),
      }),
  );
  return emit.reshape(y, x.shape);
};

/** x / norm along an axis: the sum of magnitudes, or the root of the sum of squares */
const lpNormalization: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const axis = operator.axis(attributes.int('axis', -1), x.shape.length);
  const p = attributes.int('p', 2);
  operator.check(p === 1 || p === 2, `p = ${p}`);
  const powers = emit.reduce('sum', emit.unary(p === 1 ? 'abs' : 'square', x), [axis], true);
  const norm = p === 1 ? powers : emit.unary('sqrt', powers);
  // 0 / 0 is 0
  return emit.binary('div', x, emit.binary('maximum', norm, 1e-37));
};

export const normalization: Mappings = {
  LpNormalization: lpNormalization,
  LRN: lrn,
  BatchNormalization: batchNormalization,
  LayerNormalization: ofRows(true),
  RMSNormalization: ofRows(false),
  SimplifiedLayerNormalization: ofRows(false),
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  Softmax: alongAxis('softmax'),
  LogSoftmax: alongAxis('logSoftmax'),
};
