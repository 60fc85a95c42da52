import { elementCount, type Tensor } from '../../../graph/graph';
import { emitPool } from '../../shared/pools';
import { windowCounts } from '../../shared/windows';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { maxima, maxUnpool, poolWindows, realInput } from './maxima';
import { channelsFirst, channelsLast } from './windows';

/**
 * Pools over one to three dimensions.
 *
 * @param partial - The windows with what `ceil_mode` adds, whose elements never count.
 */
function pool(
  operator: OnnxOperator,
  op: 'maxPool2d' | 'averagePool2d',
  countsPadding: boolean,
  x = realInput(operator),
  [windows, partial] = poolWindows(operator),
): Tensor {
  const { emit, kind } = operator;
  const sizes = x.shape.slice(2);
  const last = channelsLast(emit, x);
  const shape = [x.shape[0]!, ...windowCounts(sizes, partial), x.shape[1]!];
  const y = emit.adopt(
    kind,
    { shape, like: x },
    (nodes) => emitPool(nodes, { op, countsPadding }, last, windows, partial),
  );
  return emit.cast(channelsFirst(emit, y), operator.input(0).dtype);
}

const maxPool: Mapping = (operator) => {
  const y = pool(operator, 'maxPool2d', false);
  return operator.network.isRead(1) ? [y, maxima(operator)] : y;
};

const averagePool: Mapping = (operator) =>
  pool(operator, 'averagePool2d', operator.attributes.int('count_include_pad', 0) === 1);

/** (Σ |x|^p)^(1/p), where `sum` adds. */
function norm({ emit, attributes }: OnnxOperator, x: Tensor, sum: (powers: Tensor) => Tensor): Tensor {
  const p = attributes.int('p', 0) || attributes.float('p', 2);
  if (p === 1) return sum(emit.unary('abs', x));
  if (p === 2) return emit.unary('sqrt', sum(emit.unary('square', x)));
  const power = (base: Tensor, exponent: number): Tensor =>
    emit.node('arithmetic', [base, emit.number(exponent)], { kind: 'pow' });
  return power(sum(power(emit.unary('abs', x), p)), 1 / p);
}

/** The norm of each window is that of its mean, times the number of its elements. */
const lpPool: Mapping = (operator) => {
  const x = operator.input(0);
  const [, windows] = poolWindows(operator);
  const count = elementCount(windows.kernel);
  return norm(
    operator,
    x,
    (powers) => operator.emit.binary('mul', pool(operator, 'averagePool2d', true, powers, [windows, windows]), count),
  );
};

const globalLpPool: Mapping = (operator) => {
  const x = operator.input(0);
  return norm(operator, x, (powers) => operator.emit.reduce('sum', powers, [...x.shape.keys()].slice(2), true));
};

function global(kind: 'mean' | 'max'): Mapping {
  return ({ emit, inputs: [x] }) => emit.reduce(kind, x!, x!.shape.map((_, i) => i).slice(2), true);
}

export const pooling: Mappings = {
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  GlobalAveragePool: global('mean'),
  GlobalMaxPool: global('max'),
};
