import type { Tensor } from '../../graph/graph';
import type { BinaryKind } from '../../graph/operators';
import type { OperatorImport } from './operatorImport';
import { padded } from './pads';

/** Channels whose squares are added: `before` and `after` the one that is divided. */
export interface LocalResponse {
  before: number;
  after: number;
  /** The factor of the sum of squares, its addend, and the power. */
  alpha: number;
  bias: number;
  beta: number;
}

/**
 * Emits local response normalization along the second dimension of x [N][C][M]: x / (bias + alpha ·
 * Σ x²)^beta (Krizhevsky and others, 2012). Squares outside of the channels are 0.
 */
export function emitLocalResponse(
  operator: OperatorImport,
  x: Tensor,
  { before, after, alpha, bias, beta }: LocalResponse,
  output = operator.output,
): void {
  operator.check(x.dtype === 'float32', `an input of ${x.dtype}`);
  const [n, c, m] = x.shape as [number, number, number];
  const count = before + 1 + after;
  const number = (name: string, value: number): Tensor => ({
    name: `${output.name}/${name}`,
    shape: [],
    dtype: 'float32',
    data: Float32Array.of(value),
  });
  const image = [n, c, 1, m];
  const squares = operator.temporary(x, x.shape, 'squares');
  operator.emit('unary', [x], { kind: 'square' }, [squares]);
  // the mean of a column of channels, to which zeros of the padding count
  const columns = padded(operator, operator.reshaped(squares, image, 'columns'), [before, 0], [after, 0]);
  let norm = operator.temporary(x, image, 'means');
  operator.emit('averagePool2d', [columns], {
    kernel: [count, 1],
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    activation: 'none',
  }, [norm]);
  const next = (kind: BinaryKind, name: string, value: number): void => {
    const result = operator.temporary(x, image, `${name}_norm`);
    operator.emit('binary', [norm, number(name, value)], { kind, activation: 'none' }, [result]);
    norm = result;
  };
  next('mul', 'alpha', alpha * count);
  next('add', 'bias', bias);
  const power = operator.temporary(x, image, 'power');
  operator.emit('arithmetic', [norm, number('beta', beta)], { kind: 'pow' }, [power]);
  operator.emit('binary', [x, operator.reshaped(power, x.shape, 'norm')], { kind: 'div', activation: 'none' }, [
    output,
  ]);
}
