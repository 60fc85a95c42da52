import type { Tensor } from '../../../graph/graph';
import type { BinaryKind, CompareKind, LogicKind, UnaryKind } from '../../../graph/operators';
import { arithmetic, isFloat, magnitude, negated, power, widened } from '../../shared/arithmetic';
import { isConstantOf, type NodeEmitter } from '../../shared/nodeEmitter';
import type { Mapping, Mappings, OnnxOperator } from '../operator';
import { perChannel } from './normalization';
import { elementType } from '../tensors';

/** Folds any number of operands. */
function variadic(kind: BinaryKind): Mapping {
  return ({ emit, inputs }) => widened(emit, inputs, (all) => all.reduce((a, b) => emit.binary(kind, a, b)));
}

function binary(kind: BinaryKind): Mapping {
  return (operator) => widened(operator.emit, aligned(operator), ([a, b]) => operator.emit.binary(kind, a!, b!));
}

/** Before operator set 7, the second operand may begin at the dimension `axis` of the first. */
function aligned({ emit, inputs: [a, b], attributes, version }: OnnxOperator): Tensor[] {
  if (version >= 7 || !attributes.has('axis')) return [a!, b!];
  const rest = a!.shape.length - attributes.int('axis', 0) - b!.shape.length;
  return [a!, emit.reshape(b!, [...b!.shape, ...new Array<number>(Math.max(0, rest)).fill(1)])];
}

function unary(kind: UnaryKind): Mapping {
  return ({ emit, inputs: [x] }) => emit.unary(kind, x!);
}

function comparison(emit: NodeEmitter, kind: CompareKind, a: Tensor, b: Tensor): Tensor {
  return emit.node('compare', [a, b], { kind }, { dtype: 'bool', quantization: undefined });
}

function compare(kind: CompareKind): Mapping {
  return ({ emit, inputs: [a, b] }) => comparison(emit, kind, a!, b!);
}

function logic(kind: LogicKind): Mapping {
  return ({ emit, inputs }) => emit.node('logic', inputs, { kind });
}

/** Integers are divided with rounding toward zero. */
const div: Mapping = (operator) =>
  widened(operator.emit, aligned(operator), ([a, b]) => {
    const { emit } = operator;
    if (isFloat(a!)) return emit.binary('div', a!, b!);
    const floor = arithmetic(emit, 'floorDiv', a!, b!);
    const isNegative = (x: Tensor): Tensor =>
      emit.node('compare', [x, emit.constant(Int32Array.of(0), [], x.dtype)], { kind: 'less' }, { dtype: 'bool' });
    const isOpposite = emit.node('logic', [isNegative(a!), isNegative(b!)], { kind: 'xor' });
    const product = emit.binary('mul', floor, b!);
    const isInexact = emit.node('compare', [product, a!], { kind: 'notEqual' }, { dtype: 'bool' });
    const isRounded = emit.node('logic', [isOpposite, isInexact], { kind: 'and' });
    return emit.binary('add', floor, emit.cast(isRounded, floor.dtype));
  });

const mod: Mapping = ({ emit, inputs, attributes }) =>
  widened(emit, inputs, ([a, b]) => {
    if (attributes.int('fmod', 0) === 0) return arithmetic(emit, 'floorMod', a!, b!);
    // the remainder has the sign of the dividend
    const size = arithmetic(emit, 'floorMod', magnitude(emit, a!), magnitude(emit, b!));
    const zero = emit.constant(isFloat(a!) ? Float32Array.of(0) : Int32Array.of(0), [], a!.dtype);
    const isNegative = emit.node('compare', [a!, zero], { kind: 'less' }, { dtype: 'bool' });
    return emit.node('select', [emit.binary('sub', zero, size), size, isNegative], {});
  });

/** A function of floats, with another form for integers. */
function ofIntegers(kind: UnaryKind, integers: (emit: NodeEmitter, x: Tensor) => Tensor): Mapping {
  return ({ emit, inputs }) =>
    isFloat(inputs[0]!) ? emit.unary(kind, inputs[0]!) : widened(emit, inputs, ([x]) => integers(emit, x!));
}

/** −1, 0 or 1 */
function signOfInteger(emit: NodeEmitter, x: Tensor): Tensor {
  const limit = (value: number): Tensor => emit.constant(Int32Array.of(value), [], x.dtype);
  return emit.binary('minimum', emit.binary('maximum', x, limit(-1)), limit(1));
}

/** Both infinities, or only one sign of them. */
const isInfinite: Mapping = ({ emit, inputs: [x], attributes }) => {
  const [negative, positive] = ['detect_negative', 'detect_positive'].map((name) => attributes.int(name, 1) !== 0);
  if (negative && positive) return comparison(emit, 'equal', emit.unary('abs', x!), emit.number(Infinity));
  if (!negative && !positive) return comparison(emit, 'less', x!, x!);
  return comparison(emit, 'equal', x!, emit.number(negative ? -Infinity : Infinity));
};

const pow: Mapping = ({ emit, inputs: [x, y] }) => power(emit, x!, y!);

/** Bounds are inputs since operator set 11, attributes before. */
const clip: Mapping = (operator) => {
  const { emit, attributes } = operator;
  const x = operator.input(0);
  const bound = (i: number, name: string): Tensor | undefined =>
    operator.optional(i) ?? (attributes.has(name) ? emit.number(attributes.float(name, 0)) : undefined);
  const [low, high] = [bound(1, 'min'), bound(2, 'max')];
  if (isFloat(x) && isConstantOf(low, 0)) {
    if (!high) return emit.unary('relu', x);
    if (isConstantOf(high, 6)) return emit.unary('relu6', x);
    if (isConstantOf(high, 1)) return emit.unary('relu0To1', x);
  }
  return widened(emit, [x], ([wide]) => {
    const raised = low ? emit.binary('maximum', wide!, emit.cast(low, wide!.dtype)) : wide!;
    return high ? emit.binary('minimum', raised, emit.cast(high, wide!.dtype)) : raised;
  });
};

const where: Mapping = ({ emit, inputs: [condition, a, b] }) => emit.node('select', [a!, b!, condition!], {}, a);

const identity: Mapping = ({ inputs: [x] }) => x!;

function cast({ emit, inputs: [x], attributes, name }: OnnxOperator): Tensor {
  return emit.cast(x!, elementType(attributes.int('to', 1), name).dtype);
}

/** The slope of PRelu broadcasts to the input from the last dimension on. */
const prelu: Mapping = ({ emit, inputs: [x, given], version }) => {
  // before operator set 7, a list has one slope for each channel
  const slope = version < 7 && given!.shape.length === 1 ? perChannel(emit, given!, x!.shape.length) : given;
  if (slope!.data?.length === 1) return emit.unary('leakyRelu', x!, slope!.data[0]);
  return emit.node('prelu', [x!, slope!], {});
};

/** A dropout passes its input on; its mask is true everywhere. */
const dropout: Mapping = (operator) => {
  const { emit, network } = operator;
  const x = operator.input(0);
  operator.check(
    !operator.has(2) || isConstantOf(operator.optional(2), 0),
    'training_mode, which drops values at random',
  );
  if (!network.isRead(1)) return [x];
  return [x, emit.broadcastTo(emit.constant(Uint8Array.of(1), [], 'bool'), x.shape)];
};

/** Computes on whole numbers as real ones. */
function throughFloat(operator: OnnxOperator): Tensor {
  const { emit } = operator;
  const x = operator.input(0);
  const real = operator.network.map(operator.kind, operator, [emit.cast(x, 'float32')], operator.version);
  return emit.cast([real].flat()[0]!, x.dtype);
}

/** x + bias below −lambd, x − bias above lambd, 0 between */
const shrink: Mapping = ({ emit, inputs: [x], attributes }) => {
  const [lambd, bias] = [attributes.float('lambd', 0.5), attributes.float('bias', 0)];
  const where = (kind: CompareKind, bound: number): Tensor =>
    emit.node('compare', [x!, emit.number(bound)], { kind }, { dtype: 'bool' });
  const above = emit.node('select', [emit.binary('sub', x!, bias), emit.number(0), where('greater', lambd)], {});
  return emit.node('select', [emit.binary('add', x!, bias), above, where('less', -lambd)], {});
};

export const elementwise: Mappings = {
  Shrink: (operator) => isFloat(operator.input(0)) ? shrink(operator) : throughFloat(operator),
  Add: binary('add'),
  Sub: binary('sub'),
  Mul: binary('mul'),
  Div: div,
  Mod: mod,
  Pow: pow,
  Max: variadic('maximum'),
  Min: variadic('minimum'),
  Sum: variadic('add'),
  Mean: (operator) => {
    const sum = operator.inputs.reduce((a, b) => operator.emit.binary('add', a, b));
    return operator.inputCount === 1 ? sum : operator.emit.binary('div', sum, operator.inputCount);
  },
  And: logic('and'),
  Or: logic('or'),
  Xor: logic('xor'),
  Not: ({ emit, inputs: [x] }) =>
    emit.node('logic', [x!, emit.constant(Uint8Array.of(1), [], 'bool')], { kind: 'xor' }),
  Equal: compare('equal'),
  Less: compare('less'),
  LessOrEqual: compare('lessEqual'),
  Greater: compare('greater'),
  GreaterOrEqual: compare('greaterEqual'),
  Where: where,
  Abs: ofIntegers('abs', magnitude),
  Neg: ofIntegers('neg', negated),
  Relu: ofIntegers('relu', (emit, x) => emit.binary('maximum', x, emit.constant(Int32Array.of(0), [], x.dtype))),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Floor: unary('floor'),
  Ceil: unary('ceil'),
  Round: unary('round'),
  Sin: unary('sin'),
  Cos: unary('cos'),
  Erf: unary('erf'),
  Softplus: unary('softplus'),
  Mish: unary('mish'),
  Softsign: unary('softsign'),
  Tan: unary('tan'),
  Asin: unary('asin'),
  Acos: unary('acos'),
  Atan: unary('atan'),
  Sinh: unary('sinh'),
  Cosh: unary('cosh'),
  Asinh: unary('asinh'),
  Acosh: unary('acosh'),
  Atanh: unary('atanh'),
  Sign: ofIntegers('sign', signOfInteger),
  IsNaN: ({ emit, inputs: [x] }) => comparison(emit, 'notEqual', x!, x!),
  IsInf: isInfinite,
  Sigmoid: unary('logistic'),
  Tanh: unary('tanh'),
  HardSwish: unary('hardSwish'),
  Reciprocal: unary('reciprocal'),
  LeakyRelu: ({ emit, inputs: [x], attributes }) => emit.unary('leakyRelu', x!, attributes.float('alpha', 0.01)),
  Elu: ({ emit, inputs: [x], attributes }) => emit.unary('elu', x!, attributes.float('alpha', 1)),
  Selu: ({ emit, inputs: [x], attributes }) =>
    emit.unary(
      'selu',
      x!,
      attributes.float('alpha', 1.67326319217681884765625),
      attributes.float('gamma', 1.05070102214813232421875),
    ),
  Celu: ({ emit, inputs: [x], attributes }) => emit.unary('celu', x!, attributes.float('alpha', 1)),
  HardSigmoid: ({ emit, inputs: [x], attributes }) =>
    emit.unary('hardSigmoid', x!, attributes.float('alpha', 0.2), attributes.float('beta', 0.5)),
  ThresholdedRelu: ({ emit, inputs: [x], attributes }) =>
    emit.unary('thresholdedRelu', x!, attributes.float('alpha', 1)),
  Gelu: ({ emit, inputs: [x], attributes }) =>
    emit.unary(attributes.string('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu', x!),
  Swish: ({ emit, inputs: [x], attributes }) => {
    const alpha = attributes.float('alpha', 1);
    if (alpha === 1) return emit.unary('swish', x!);
    return emit.binary('mul', x!, emit.unary('logistic', emit.binary('mul', x!, alpha)));
  },
  PRelu: prelu,
  Clip: clip,
  Cast: cast,
  CastLike: ({ emit, inputs: [x, like] }) => emit.cast(x!, like!.dtype),
  Identity: identity,
  Dropout: dropout,
};
