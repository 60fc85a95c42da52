import { elementCount, type Tensor } from '../../../../graph/graph';
import type { BinaryKind, CompareKind, LogicKind, ReduceKind, UnaryKind } from '../../../../graph/operators';
import { arithmetic, isFloat, magnitude, negated, power } from '../../arithmetic';
import { einsum } from '../../einsum';
import { FileOperator } from '../../fileOperator';
import { product } from '../../products';
import { applyActivation, softmax } from '../activations';
import { isTensor, tensorsIn, type KerasLayer, type Mapping } from '../layer';
import { unified } from './merge';

/** An operand: a tensor, or numbers of the file as a constant like `like`. */
export function operand(layer: KerasLayer, value: unknown, like?: Tensor): Tensor {
  if (isTensor(value)) return value;
  const shape: number[] = [];
  let level = value;
  while (Array.isArray(level)) {
    shape.push(level.length);
    [level] = level as unknown[];
  }
  const numbers = [value].flat(Infinity).map((v) => (typeof v === 'boolean' ? Number(v) : v));
  const isRegular = numbers.length === elementCount(shape) && numbers.every((v) => typeof v === 'number');
  layer.check(isRegular && numbers.length > 0, 'an argument that is no tensor and no number');
  const isWhole = numbers.every((v) => Number.isInteger(v)) && like !== undefined && !isFloat(like);
  return isWhole
    ? layer.emit.constant(Int32Array.from(numbers as number[]), shape, like.dtype === 'int64' ? 'int64' : 'int32')
    : layer.emit.constant(Float32Array.from(numbers as number[]), shape, 'float32');
}

const left = ['x', 'x1', 'a', 'input_tensor', 'logits', 'features', 'input', 'tensor', 'inputs', 'values', 'condition'];
const right = ['y', 'x2', 'b', 'bias'];

/** The two operands of an operation, in one type. */
function operands(layer: KerasLayer): [Tensor, Tensor] {
  const [first, second] = [layer.argument(0, ...left), layer.argument(1, ...right)];
  const like = tensorsIn([first, second])[0];
  layer.check(like !== undefined && first !== undefined && second !== undefined, 'less than two operands');
  return unified(layer.emit, [operand(layer, first, like), operand(layer, second, like)]) as [Tensor, Tensor];
}

/** The only operand. */
export function subject(layer: KerasLayer): Tensor {
  const value = layer.argument(0, ...left);
  return isTensor(value) ? value : layer.input;
}

function binary(kind: BinaryKind): Mapping {
  return (layer) => layer.emit.binary(kind, ...operands(layer));
}

function comparison(kind: CompareKind): Mapping {
  return (layer) => layer.emit.node('compare', operands(layer), { kind }, { dtype: 'bool' });
}

function logic(kind: LogicKind): Mapping {
  return (layer) => {
    const both = operands(layer).map((x) => layer.emit.cast(x, 'bool'));
    return layer.emit.node('logic', both, { kind });
  };
}

function unary(kind: UnaryKind): Mapping {
  return (layer) => layer.emit.unary(kind, layer.emit.cast(subject(layer), 'float32'));
}

function activation(name: string): Mapping {
  return (layer) => applyActivation(layer, name, layer.emit.cast(subject(layer), 'float32'));
}

/** Axes as a number, a list, or all if there are none. */
function axesOf(layer: KerasLayer, rank: number): number[] {
  const given = layer.argument(1, 'axis');
  if (given === undefined || given === null) return Array.from({ length: rank }, (_, i) => i);
  const axes = [given].flat();
  layer.check(axes.every((axis) => Number.isInteger(axis)), 'axes that are computed at run time');
  return [...new Set(axes.map((axis) => layer.axis(axis as number, rank)))].sort((a, b) => a - b);
}

function keeps(layer: KerasLayer): boolean {
  return (layer.argument(2, 'keepdims', 'keep_dims') ?? false) === true;
}

function reduction(kind: ReduceKind): Mapping {
  return (layer) => {
    const x = subject(layer);
    const wide = x.dtype === 'float32' || x.dtype === 'int32'
      ? x
      : layer.emit.cast(x, kind === 'mean' ? 'float32' : 'int32');
    return layer.emit.reduce(kind, wide, axesOf(layer, x.shape.length), keeps(layer));
  };
}

/** Σ (x − mean)² / n, or its root */
function spread(isRoot: boolean): Mapping {
  return (layer) => {
    const { emit } = layer;
    const x = emit.cast(subject(layer), 'float32');
    const axes = axesOf(layer, x.shape.length);
    const centered = emit.binary('sub', x, emit.reduce('mean', x, axes, true));
    const variance = emit.reduce('mean', emit.unary('square', centered), axes, keeps(layer));
    return isRoot ? emit.unary('sqrt', variance) : variance;
  };
}

function extremum(kind: 'max' | 'min'): Mapping {
  return (layer) => {
    const { emit } = layer;
    const x = subject(layer);
    const given = layer.argument(1, 'axis');
    const isFlat = given === undefined || given === null;
    const axis = isFlat ? 0 : layer.axis(given as number, x.shape.length);
    const values = isFlat ? emit.reshape(x, [elementCount(x.shape)]) : x;
    const shape = keeps(layer) && !isFlat ? x.shape.with(axis, 1) : values.shape.filter((_, i) => i !== axis);
    return emit.node('argmax', [values], { axis, kind }, { shape, dtype: 'int32' });
  };
}

const divide: Mapping = (layer) => {
  const [a, b] = operands(layer).map((x) => layer.emit.cast(x, 'float32')) as [Tensor, Tensor];
  return layer.emit.binary('div', a, b);
};

const clip: Mapping = (layer) => {
  const { emit } = layer;
  const x = subject(layer);
  const low = layer.argument(1, 'x_min', 'clip_value_min', 'min_value');
  const high = layer.argument(2, 'x_max', 'clip_value_max', 'max_value');
  const above = low === undefined || low === null
    ? x
    : emit.binary('maximum', x, emit.cast(operand(layer, low, x), x.dtype));
  return high === undefined || high === null
    ? above
    : emit.binary('minimum', above, emit.cast(operand(layer, high, x), x.dtype));
};

const where: Mapping = (layer) => {
  const { emit } = layer;
  const [condition, a, b] = [layer.argument(0, 'condition'), layer.argument(1, 'x', 'x1'),
    layer.argument(2, 'y', 'x2')];
  layer.check(isTensor(condition) && a !== undefined && b !== undefined, 'one argument, which gives places');
  const like = tensorsIn([a, b])[0];
  const [x, y] = unified(emit, [operand(layer, a, like), operand(layer, b, like)]) as [Tensor, Tensor];
  return emit.node('select', [x, y, emit.cast(condition as Tensor, 'bool')], {});
};

const matmul: Mapping = (layer) => {
  const { emit } = layer;
  const [a, b] = operands(layer).map((x) => emit.cast(x, 'float32')) as [Tensor, Tensor];
  const turned = (x: Tensor, key: string): Tensor => {
    if (layer.kwargs[key] !== true) return x;
    const last = x.shape.length - 1;
    return emit.transpose(x, [...Array.from({ length: last - 1 }, (_, i) => i), last, last - 1]);
  };
  return product(emit, turned(a, 'transpose_a'), turned(b, 'transpose_b'));
};

const einsumOperation: Mapping = (layer) => {
  const equation = layer.argument(0, 'equation', 'subscripts');
  const stated = typeof equation === 'string' ? equation : layer.config.string('subscripts', '');
  const all = tensorsIn([layer.args, layer.kwargs]);
  return einsum(new FileOperator(layer.kind, layer.name, all, layer.emit), stated, all);
};

const softmaxOperation: Mapping = (layer) => {
  const x = layer.emit.cast(subject(layer), 'float32');
  const axis = layer.argument(1, 'axis') ?? -1;
  return softmax(layer, x, [layer.axis(axis as number, x.shape.length)]);
};

const leakyRelu: Mapping = (layer) => {
  const slope = layer.argument(1, 'alpha', 'negative_slope') ?? 0.2;
  layer.check(typeof slope === 'number', 'a slope that is computed at run time');
  return layer.emit.unary('leakyRelu', subject(layer), slope as number);
};

const gelu: Mapping = (layer) => {
  const isApproximate = (layer.argument(1, 'approximate') ?? layer.spec.module !== undefined) === true;
  return layer.emit.unary(isApproximate ? 'geluTanh' : 'gelu', subject(layer));
};

const normalize: Mapping = (layer) => {
  const { emit } = layer;
  const x = emit.cast(subject(layer), 'float32');
  const axes = layer.argument(1, 'axis') === undefined ? [x.shape.length - 1] : axesOf(layer, x.shape.length);
  const sum = emit.reduce('sum', emit.unary('square', x), axes, true);
  return emit.binary('mul', x, emit.unary('rsqrt', emit.binary('maximum', sum, 1e-12)));
};

const unaries: Record<string, UnaryKind> = {
  exp: 'exp',
  log: 'log',
  sqrt: 'sqrt',
  rsqrt: 'rsqrt',
  floor: 'floor',
  ceil: 'ceil',
  round: 'round',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  arcsin: 'asin',
  arccos: 'acos',
  arctan: 'atan',
  asin: 'asin',
  acos: 'acos',
  atan: 'atan',
  sinh: 'sinh',
  cosh: 'cosh',
  erf: 'erf',
  sign: 'sign',
  reciprocal: 'reciprocal',
};

const activations = ['relu', 'relu6', 'elu', 'selu', 'celu', 'sigmoid', 'tanh', 'silu', 'softplus', 'softsign', 'mish',
  'hard_sigmoid', 'hard_silu', 'hard_tanh', 'log_sigmoid', 'hard_shrink', 'soft_shrink', 'tanh_shrink', 'squareplus',
  'sparse_plus', 'log_softmax'];

/** Arithmetic, comparisons, functions, sums and products. */
export const elementwiseOperations: Record<string, Mapping> = {
  ...Object.fromEntries(Object.entries(unaries).map(([name, kind]) => [name, unary(kind)])),
  ...Object.fromEntries(activations.map((name) => [name, activation(name)])),
  add: binary('add'),
  subtract: binary('sub'),
  multiply: binary('mul'),
  true_divide: divide,
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  squared_difference: binary('squaredDifference'),
  floor_divide: (layer) => arithmetic(layer.emit, 'floorDiv', ...operands(layer)),
  mod: (layer) => arithmetic(layer.emit, 'floorMod', ...operands(layer)),
  power: (layer) => {
    const [a, b] = operands(layer);
    return power(layer.emit, a, b);
  },
  equal: comparison('equal'),
  not_equal: comparison('notEqual'),
  greater: comparison('greater'),
  greater_equal: comparison('greaterEqual'),
  less: comparison('less'),
  less_equal: comparison('lessEqual'),
  logical_and: logic('and'),
  logical_or: logic('or'),
  logical_xor: logic('xor'),
  logical_not: (layer) => {
    const { emit } = layer;
    const yes = emit.constant(Uint8Array.of(1), [], 'bool');
    return emit.node('logic', [emit.cast(subject(layer), 'bool'), yes], { kind: 'xor' });
  },
  absolute: (layer) => magnitude(layer.emit, subject(layer)),
  negative: (layer) => negated(layer.emit, subject(layer)),
  square: (layer) => {
    const x = subject(layer);
    return isFloat(x) ? layer.emit.unary('square', x) : layer.emit.binary('mul', x, x);
  },
  log1p: (layer) => layer.emit.unary('log', layer.emit.binary('add', layer.emit.cast(subject(layer), 'float32'), 1)),
  mean: reduction('mean'),
  sum: reduction('sum'),
  max: reduction('max'),
  min: reduction('min'),
  prod: reduction('prod'),
  var: spread(false),
  reduce_variance: spread(false),
  std: spread(true),
  reduce_std: spread(true),
  argmax: extremum('max'),
  argmin: extremum('min'),
  clip,
  where,
  matmul,
  dot: matmul,
  einsum: einsumOperation,
  softmax: softmaxOperation,
  leaky_relu: leakyRelu,
  gelu,
  normalize,
  l2_normalize: normalize,
};
