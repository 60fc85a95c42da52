import type { Tensor } from '../../../graph/graph';
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

export const normalization: Mappings = {
  BatchNormalization: batchNormalization,
  Softmax: alongAxis('softmax'),
  LogSoftmax: alongAxis('logSoftmax'),
};
