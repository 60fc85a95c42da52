import type { Tensor } from '../../../graph/graph';
import type { ArithmeticKind, BinaryKind, CompareKind, LogicKind, UnaryKind } from '../../../graph/operators';
import { arithmetic, isFloat, magnitude, negated, power } from '../../shared/arithmetic';
import { isConstantOf, type NodeEmitter } from '../../shared/nodeEmitter';
import { elementType } from '../attributes';
import type { Mapping, Mappings, TfOperator } from '../operator';
import { perChannel } from './windows';

/** Operands of one type: TensorFlow.js computes on real numbers if one of them is real. */
function matched(emit: NodeEmitter, a: Tensor, b: Tensor): [Tensor, Tensor] {
  if (a.dtype === b.dtype) return [a, b];
  const dtype = isFloat(a) || isFloat(b) ? 'float32' : 'int32';
  return [emit.cast(a, dtype), emit.cast(b, dtype)];
}

function binary(kind: BinaryKind): Mapping {
  return ({ emit, inputs: [a, b] }) => emit.binary(kind, ...matched(emit, a!, b!));
}

function arithmeticOf(kind: ArithmeticKind): Mapping {
  return ({ emit, inputs: [a, b] }) => arithmetic(emit, kind, ...matched(emit, a!, b!));
}

/** A function of real numbers. */
function unary(kind: UnaryKind, alpha?: number): Mapping {
  return ({ emit, inputs: [x] }) => emit.unary(kind, emit.cast(x!, 'float32'), alpha);
}

/** A function of floats, with another form for integers. */
function ofIntegers(kind: UnaryKind, integers: (emit: NodeEmitter, x: Tensor) => Tensor): Mapping {
  return ({ emit, inputs: [x] }) => (isFloat(x!) ? emit.unary(kind, x!) : integers(emit, x!));
}

const whole = (emit: NodeEmitter, value: number): Tensor => emit.constant(Int32Array.of(value), [], 'int32');

function comparison(emit: NodeEmitter, kind: CompareKind, a: Tensor, b: Tensor): Tensor {
  const [left, right] = matched(emit, a, b);
  // truth values are compared as 0 and 1
  const number = (x: Tensor): Tensor => (x.dtype === 'bool' ? emit.cast(x, 'int32') : x);
  return emit.node('compare', [number(left), number(right)], { kind }, { dtype: 'bool' });
}

function compare(kind: CompareKind): Mapping {
  return ({ emit, inputs: [a, b] }) => comparison(emit, kind, a!, b!);
}

function logic(kind: LogicKind): Mapping {
  return ({ emit, inputs }) => emit.node('logic', inputs, { kind });
}

const not: Mapping = ({ emit, inputs: [x] }) =>
  emit.node('logic', [x!, emit.constant(Uint8Array.of(1), [], 'bool')], { kind: 'xor' });

/** TensorFlow.js divides integers with rounding down. */
const divide: Mapping = ({ emit, inputs: [a, b] }) => {
  const [left, right] = matched(emit, a!, b!);
  return isFloat(left) ? emit.binary('div', left, right) : arithmetic(emit, 'floorDiv', left, right);
};

/** 0 where the divisor is 0. */
const divideOrZero: Mapping = ({ emit, inputs: [a, b] }) => {
  const isZero = comparison(emit, 'equal', b!, emit.number(0));
  const safe = emit.node('select', [emit.number(1), b!, isZero], {}, b);
  const quotient = emit.binary('div', a!, safe);
  return emit.node('select', [emit.number(0), quotient, emit.broadcastTo(isZero, quotient.shape)], {}, quotient);
};

const squaredDifference: Mapping = ({ emit, inputs: [a, b] }) => {
  const [left, right] = matched(emit, a!, b!);
  if (isFloat(left)) return emit.binary('squaredDifference', left, right);
  const difference = emit.binary('sub', left, right);
  return emit.binary('mul', difference, difference);
};

const biasAdd: Mapping = (operator) => {
  const { emit } = operator;
  const x = operator.input(0);
  return emit.binary('add', x, perChannel(operator, operator.input(1), x.shape.length));
};

const clip: Mapping = ({ emit, inputs: [x, low, high] }) => {
  if (isFloat(x!) && isConstantOf(low, 0)) {
    if (isConstantOf(high, 6)) return emit.unary('relu6', x!);
    if (isConstantOf(high, 1)) return emit.unary('relu0To1', x!);
  }
  const raised = emit.binary('maximum', ...matched(emit, x!, low!));
  return emit.binary('minimum', ...matched(emit, raised, high!));
};

/** A condition with a dimension for each item chooses whole items. */
const select: Mapping = (operator) => {
  const { emit, kind } = operator;
  const [condition, a, b] = [operator.input(0), operator.input(1), operator.input(2)];
  const isByItem = kind === 'Select' && condition.shape.length === 1 && a.shape.length > 1;
  const shape = [...condition.shape, ...new Array<number>(Math.max(a.shape.length - 1, 0)).fill(1)];
  const [left, right] = matched(emit, a, b);
  return emit.node('select', [left, right, isByItem ? emit.reshape(condition, shape) : condition], {}, left);
};

/** x, or slope · x below 0. The slope broadcasts to x. */
export function prelu({ emit }: TfOperator, x: Tensor, slope: Tensor): Tensor {
  if (slope.data?.length === 1) return emit.unary('leakyRelu', x, slope.data[0]);
  if (slope.data) return emit.node('prelu', [x, slope], {});
  const below = emit.binary('minimum', x, emit.number(0));
  return emit.binary('add', emit.unary('relu', x), emit.binary('mul', below, slope));
}

function cast({ emit, inputs: [x], attributes, name }: TfOperator): Tensor {
  return emit.cast(x!, elementType(attributes.type('DstT'), name));
}

const addN: Mapping = (operator) => {
  operator.check(operator.inputCount > 0, 'no inputs');
  return operator.inputs.reduce((a, b) => operator.emit.binary('add', a, b));
};

const signOfInteger = (emit: NodeEmitter, x: Tensor): Tensor =>
  emit.binary('minimum', emit.binary('maximum', x, whole(emit, -1)), whole(emit, 1));

export const elementwise: Mappings = {
  Add: binary('add'),
  AddV2: binary('add'),
  AddN: addN,
  BiasAdd: biasAdd,
  Sub: binary('sub'),
  Mul: binary('mul'),
  Div: divide,
  RealDiv: divide,
  DivNoNan: divideOrZero,
  FloorDiv: arithmeticOf('floorDiv'),
  FloorMod: arithmeticOf('floorMod'),
  Mod: arithmeticOf('floorMod'),
  Pow: ({ emit, inputs: [x, y] }) => power(emit, x!, y!),
  Maximum: binary('maximum'),
  Minimum: binary('minimum'),
  SquaredDifference: squaredDifference,
  Equal: compare('equal'),
  NotEqual: compare('notEqual'),
  Less: compare('less'),
  LessEqual: compare('lessEqual'),
  Greater: compare('greater'),
  GreaterEqual: compare('greaterEqual'),
  LogicalAnd: logic('and'),
  LogicalOr: logic('or'),
  LogicalXor: logic('xor'),
  LogicalNot: not,
  Select: select,
  SelectV2: select,
  ClipByValue: clip,
  Cast: cast,
  Abs: ofIntegers('abs', magnitude),
  Neg: ofIntegers('neg', negated),
  Sign: ofIntegers('sign', signOfInteger),
  Square: ofIntegers('square', (emit, x) => emit.binary('mul', x, x)),
  Relu: ofIntegers('relu', (emit, x) => emit.binary('maximum', x, whole(emit, 0))),
  Relu6: unary('relu6'),
  LeakyRelu: ({ emit, inputs: [x], attributes }) => emit.unary('leakyRelu', x!, attributes.float('alpha', 0.2)),
  Prelu: (operator) => prelu(operator, operator.input(0), operator.input(1)),
  Elu: unary('elu', 1),
  Selu: unary('selu'),
  Sigmoid: unary('logistic'),
  Tanh: unary('tanh'),
  Softplus: unary('softplus'),
  Softsign: unary('softsign'),
  _FusedHardSwish: unary('hardSwish'),
  Exp: unary('exp'),
  Expm1: ({ emit, inputs: [x] }) => emit.binary('sub', emit.unary('exp', x!), 1),
  Log: unary('log'),
  Log1p: ({ emit, inputs: [x] }) => emit.unary('log', emit.binary('add', x!, 1)),
  Sqrt: unary('sqrt'),
  Rsqrt: unary('rsqrt'),
  Reciprocal: unary('reciprocal'),
  Inv: unary('reciprocal'),
  Erf: unary('erf'),
  Floor: unary('floor'),
  Ceil: unary('ceil'),
  Round: unary('round'),
  Rint: unary('round'),
  Sin: unary('sin'),
  Cos: unary('cos'),
  Tan: unary('tan'),
  Asin: unary('asin'),
  Acos: unary('acos'),
  Atan: unary('atan'),
  Sinh: unary('sinh'),
  Cosh: unary('cosh'),
  Asinh: unary('asinh'),
  Acosh: unary('acosh'),
  Atanh: unary('atanh'),
  IsNan: ({ emit, inputs: [x] }) => comparison(emit, 'notEqual', x!, x!),
  IsInf: ({ emit, inputs: [x] }) => comparison(emit, 'equal', emit.unary('abs', x!), emit.number(Infinity)),
  IsFinite: ({ emit, inputs: [x] }) => comparison(emit, 'less', emit.unary('abs', x!), emit.number(Infinity)),
};
