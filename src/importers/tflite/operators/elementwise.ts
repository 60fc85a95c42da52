import type { Tensor } from '../../../graph/graph';
import type { ArithmeticKind, BinaryKind, CompareKind, LogicKind, UnaryKind } from '../../../graph/operators';
import type { Mappings, TfliteOperator } from '../operator';

type Activated = 'ADD' | 'SUB' | 'MUL' | 'DIV';

const activated = (kind: BinaryKind) => (operator: TfliteOperator<Activated>) =>
  operator.emitActivated(
    'binary',
    [operator.input(0), operator.input(1)],
    operator.activation(operator.options.fusedActivationFunction),
    { kind },
  );
const binary = (kind: BinaryKind) => (operator: TfliteOperator) =>
  operator.emit('binary', [operator.input(0), operator.input(1)], { kind, activation: 'none' });
const arithmetic = (kind: ArithmeticKind) => (operator: TfliteOperator) =>
  operator.emit('arithmetic', [operator.input(0), operator.input(1)], { kind });
const compare = (kind: CompareKind) => (operator: TfliteOperator) =>
  operator.emit('compare', [operator.input(0), operator.input(1)], { kind });
const logic = (kind: LogicKind) => (operator: TfliteOperator) =>
  operator.emit('logic', [operator.input(0), operator.input(1)], { kind });
const unary = (kind: UnaryKind) => (operator: TfliteOperator) => operator.emit('unary', [operator.input(0)], { kind });

export const elementwise: Mappings = {
  ADD: activated('add'),
  SUB: activated('sub'),
  MUL: activated('mul'),
  DIV: activated('div'),
  MINIMUM: binary('minimum'),
  MAXIMUM: binary('maximum'),
  SQUARED_DIFFERENCE: binary('squaredDifference'),

  FLOOR_DIV: arithmetic('floorDiv'),
  FLOOR_MOD: arithmetic('floorMod'),
  POW: arithmetic('pow'),

  EQUAL: compare('equal'),
  NOT_EQUAL: compare('notEqual'),
  LESS: compare('less'),
  LESS_EQUAL: compare('lessEqual'),
  GREATER: compare('greater'),
  GREATER_EQUAL: compare('greaterEqual'),

  LOGICAL_AND: logic('and'),
  LOGICAL_OR: logic('or'),
  LOGICAL_NOT(operator) {
    const no: Tensor = { name: `${operator.output.name}/false`, shape: [], dtype: 'bool', data: Uint8Array.of(0) };
    operator.emit('compare', [operator.input(0), no], { kind: 'equal' });
  },

  SELECT(operator) {
    const condition = operator.input(0);
    const [a, b] = [operator.input(1), operator.input(2)];
    // a vector selects whole rows
    const isOfRows = condition.shape.length === 1 && a.shape.length > 1;
    const shape = isOfRows ? [condition.shape[0]!, ...a.shape.slice(1).map(() => 1)] : condition.shape;
    operator.emit('select', [a, b, operator.reshaped(condition, shape, 'condition')], {});
  },
  SELECT_V2: (operator) => operator.emit('select', [operator.input(1), operator.input(2), operator.input(0)], {}),

  RELU: unary('relu'),
  RELU6: unary('relu6'),
  RELU_N1_TO_1: unary('reluN1To1'),
  RELU_0_TO_1: unary('relu0To1'),
  HARD_SWISH: unary('hardSwish'),
  LOGISTIC: unary('logistic'),
  TANH: unary('tanh'),
  EXP: unary('exp'),
  LOG: unary('log'),
  SQRT: unary('sqrt'),
  RSQRT: unary('rsqrt'),
  ABS: unary('abs'),
  NEG: unary('neg'),
  SQUARE: unary('square'),
  FLOOR: unary('floor'),
  CEIL: unary('ceil'),
  ROUND: unary('round'),
  SIGN: unary('sign'),
  SIN: unary('sin'),
  COS: unary('cos'),
  ELU: (operator) => operator.emit('unary', [operator.input(0)], { kind: 'elu', alpha: 1 }),
  LEAKY_RELU: (operator) =>
    operator.emit('unary', [operator.input(0)], { kind: 'leakyRelu', alpha: operator.options.alpha }),
  GELU: (operator) =>
    operator.emit('unary', [operator.input(0)], { kind: operator.options.approximate ? 'geluTanh' : 'gelu' }),
  PRELU: (operator) => operator.emit('prelu', [operator.input(0), operator.constantInput(1, 'slopes')], {}),
};
