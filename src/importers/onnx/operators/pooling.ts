import type { Tensor } from '../../../graph/graph';
import { emitPool } from '../../shared/pools';
import { windowCounts, withPartialWindows } from '../../shared/windows';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { channelsFirst, channelsLast, windowsOf } from './windows';

/** Pools over one to three dimensions. With `ceil_mode`, the last window may reach past the end. */
function pool(operator: OnnxOperator, op: 'maxPool2d' | 'averagePool2d', countsPadding: boolean): Tensor {
  const { emit, attributes, kind } = operator;
  const given = operator.input(0);
  // integers without a scale are exact in float32
  const x = given.quantization ? given : emit.cast(given, 'float32');
  const sizes = x.shape.slice(2);
  const windows = windowsOf(operator, sizes, attributes.ints('kernel_shape') ?? sizes);
  const partial = attributes.int('ceil_mode', 0) === 1 ? withPartialWindows(sizes, windows) : windows;
  const last = channelsLast(emit, x);
  const shape = [x.shape[0]!, ...windowCounts(sizes, partial), x.shape[1]!];
  const y = emit.adopt(
    kind,
    { shape, like: x },
    (nodes) => emitPool(nodes, { op, countsPadding }, last, windows, partial),
  );
  return emit.cast(channelsFirst(emit, y), given.dtype);
}

const maxPool: Mapping = (operator) => {
  operator.check(!operator.network.isRead(1), 'the indices of the maxima');
  return pool(operator, 'maxPool2d', false);
};

const averagePool: Mapping = (operator) =>
  pool(operator, 'averagePool2d', operator.attributes.int('count_include_pad', 0) === 1);

function global(kind: 'mean' | 'max'): Mapping {
  return ({ emit, inputs: [x] }) => emit.reduce(kind, x!, x!.shape.map((_, i) => i).slice(2), true);
}

export const pooling: Mappings = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: global('mean'),
  GlobalMaxPool: global('max'),
};
