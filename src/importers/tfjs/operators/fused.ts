import type { Tensor } from '../../../graph/graph';
import type { TfOperator } from '../operator';
import { isFloat } from '../../shared/arithmetic';
import { prelu } from './elementwise';
import { perChannel } from './windows';

/** What an optimizer joined with a layer: a bias, and an activation. */
export interface FusedParts {
  /** A bias of one number for each channel, which is part of the layer. */
  bias: Tensor | null;
  /** A bias that has to be added. */
  added: Tensor | null;
  activation: string;
  /** The slope of Prelu. */
  slope: Tensor | null;
}

/** The parts of `fused_ops`, whose operands follow the two of the layer. */
export function fusedParts(operator: TfOperator): FusedParts {
  const steps = operator.attributes.strings('fused_ops');
  const hasBias = steps[0] === 'BiasAdd';
  const [activation = '', ...rest] = hasBias ? steps.slice(1) : steps;
  operator.check(rest.length === 0, `the steps ${steps.join(', ')}`);
  const bias = hasBias ? operator.input(2) : null;
  const isPart = bias?.data && bias.shape.length === 1;
  const slope = activation === 'Prelu' ? operator.input(hasBias ? 3 : 2) : null;
  return { bias: isPart ? bias : null, added: isPart ? null : bias, activation, slope };
}

/** The result of a layer with the parts that it does not compute itself. */
export function activated(operator: TfOperator, y: Tensor, { added, activation, slope }: FusedParts): Tensor {
  const { emit, attributes } = operator;
  const x = added ? emit.binary('add', y, perChannel(operator, added, y.shape.length)) : y;
  operator.check(isFloat(x), `a result of type ${x.dtype}`);
  switch (activation) {
    case '':
    case 'Linear':
      return x;
    case 'Relu':
      return emit.unary('relu', x);
    case 'Relu6':
      return emit.unary('relu6', x);
    case 'Elu':
      return emit.unary('elu', x, 1);
    case 'LeakyRelu':
      return emit.unary('leakyRelu', x, attributes.float('leakyrelu_alpha', 0.2));
    case 'Prelu':
      return prelu(operator, x, perChannel(operator, slope!, x.shape.length));
    case 'Sigmoid':
      return emit.unary('logistic', x);
    case 'Tanh':
      return emit.unary('tanh', x);
    case 'GeluApproximate':
      return emit.unary('geluTanh', x);
    case 'GeluExact':
      return emit.unary('gelu', x);
    case '_FusedHardSwish':
      return emit.unary('hardSwish', x);
    case '_FusedSwish':
      return emit.unary('swish', x);
    default:
      operator.check(false, `the step ${activation}`);
      return x;
  }
}
