import type { Tensor } from '../../../graph/graph';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { checkRank, extent, fromImage, paddingOf, pair, toImage, windowsOf, type Windows } from './windows';

/** The windows of a pool. With `ceil_mode`, the last window may reach past the end. */
function poolWindows(operator: OnnxOperator, x: Tensor): Windows {
  const sizes = x.shape.slice(2);
  const windows = windowsOf(operator, sizes, operator.attributes.ints('kernel_shape') ?? sizes);
  if (operator.attributes.int('ceil_mode', 0) === 0) return windows;
  const after = sizes.map((size, i) => {
    const stride = windows.stride[i]!;
    const padded = size + windows.before[i]! + windows.after[i]!;
    let count = Math.ceil((padded - extent(windows, i)) / stride) + 1;
    // a window must begin in the input or the padding before it
    if ((count - 1) * stride >= size + windows.before[i]!) count--;
    return Math.max((count - 1) * stride + extent(windows, i) - size - windows.before[i]!, 0);
  });
  return { ...windows, after };
}

function attributesOf(windows: Windows) {
  return {
    kernel: pair(windows.kernel, 1),
    stride: pair(windows.stride, 1),
    padding: paddingOf(windows),
    activation: 'none' as const,
  };
}

const maxPool: Mapping = (operator) => {
  const { emit, network } = operator;
  const x = operator.input(0);
  checkRank(operator, x);
  const windows = poolWindows(operator, x);
  operator.check(windows.dilation.every((d) => d === 1), `a dilation of ${windows.dilation.join(', ')}`);
  operator.check(!network.isRead(1), 'the indices of the maxima');
  const y = emit.node('maxPool2d', [toImage(emit, x)], attributesOf(windows));
  return fromImage(emit, y, x.shape.length);
};

const averagePool: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  checkRank(operator, x);
  const windows = poolWindows(operator, x);
  operator.check(windows.dilation.every((d) => d === 1), `a dilation of ${windows.dilation.join(', ')}`);
  const counts = attributes.int('count_include_pad', 0) === 1;
  const given = windowsOf(operator, x.shape.slice(2), windows.kernel);
  const isPadded = [...given.before, ...given.after].some((n) => n > 0);
  if (!counts || !isPadded) {
    return fromImage(emit, emit.node('averagePool2d', [toImage(emit, x)], attributesOf(windows)), x.shape.length);
  }
  // the zeros of the padding count, but not what ceil_mode adds
  const padded = emit.node('pad', [x], {
    before: [0, 0, ...given.before],
    after: [0, 0, ...given.after],
    mode: 'constant',
    value: 0,
  });
  const rest = {
    ...windows,
    before: given.before.map(() => 0),
    after: windows.after.map((n, i) => n - given.after[i]!),
  };
  return fromImage(emit, emit.node('averagePool2d', [toImage(emit, padded)], attributesOf(rest)), x.shape.length);
};

function global(kind: 'mean' | 'max'): Mapping {
  return ({ emit, inputs: [x] }) => emit.reduce(kind, x!, x!.shape.map((_, i) => i).slice(2), true);
}

export const pooling: Mappings = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: global('mean'),
  GlobalMaxPool: global('max'),
};
