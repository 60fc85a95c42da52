import type { BinaryKind, UnaryKind } from '../../../graph/operators';
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
const unary = (kind: UnaryKind) => (operator: TfliteOperator) => operator.emit('unary', [operator.input(0)], { kind });

export const elementwise: Mappings = {
  ADD: activated('add'),
  SUB: activated('sub'),
  MUL: activated('mul'),
  DIV: activated('div'),
  MINIMUM: binary('minimum'),
  MAXIMUM: binary('maximum'),
  SQUARED_DIFFERENCE: binary('squaredDifference'),

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
  SIN: unary('sin'),
  COS: unary('cos'),
  ELU: (operator) => operator.emit('unary', [operator.input(0)], { kind: 'elu', alpha: 1 }),
  LEAKY_RELU: (operator) =>
    operator.emit('unary', [operator.input(0)], { kind: 'leakyRelu', alpha: operator.options.alpha }),
  GELU: (operator) =>
    operator.emit('unary', [operator.input(0)], { kind: operator.options.approximate ? 'geluTanh' : 'gelu' }),
  PRELU: (operator) => operator.emit('prelu', [operator.input(0), operator.constantInput(1, 'slopes')], {}),
};
