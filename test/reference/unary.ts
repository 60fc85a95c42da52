import { input, output, type Node, type Tensor, type TensorData } from '../../src/graph/graph';
import type { UnaryKind } from '../../src/graph/operators';
import { hardSwish16, multiplierOf, multiply } from './fixedPoint';
import { activationRange, clamp, fround, isQuantized, quantizeReal, rangeOf, realOf, roundHalfAwayFromZero,
  roundHalfEven, scaleOf, zeroPointOf } from './requantize';
import { allocate, isInteger, unsupported, valueOf, type Inputs } from './support';

/**
 * An elementwise function in float64. A float32 result is rounded once. Integers follow TFLite and
 * XNNPACK value by value (`integerFunction`).
 */
export function unary(node: Node<'unary'>, inputs: Inputs): TensorData[] {
  const { kind, alpha, beta } = node.attributes;
  const [x, out] = [valueOf(node, inputs), allocate(output(node))];
  const f = unaryFunction(kind, alpha, beta);
  const [from, to] = [input(node, 0), output(node)];

  if (from.dtype === 'float32' && to.dtype === 'float32') {
    for (let i = 0; i < out.length; i++) out[i] = fround(f(x[i]!));
  } else if (isInteger(from.dtype)) {
    for (let i = 0; i < out.length; i++) out[i] = Math.trunc(f(x[i]!));
  } else if (isQuantized(from) && isQuantized(to)) {
    const apply = integerFunction(kind, f, from, to);
    for (let i = 0; i < out.length; i++) out[i] = clamp(apply(x[i]!), ...rangeOf(to.dtype));
  } else {
    throw unsupported(node);
  }
  return [out];
}

/** Functions that TFLite and XNNPACK compute in float32: f32(f32(f(x)) · f32(1 / so)). */
const singlePrecision = ['logistic', 'tanh', 'elu', 'gelu', 'geluTanh', 'exp', 'log', 'sqrt', 'rsqrt', 'neg', 'square',
  'floor', 'ceil', 'round', 'sin', 'cos'];

/**
 * abs and the relu functions: fixed point with two roundings. hardSwish: 16-bit fixed point. All
 * others: f(x) / so with x = s·(q − z), once rounded or in float32. tanh and gelu round halves away
 * from zero, and the others to even.
 */
function integerFunction(kind: UnaryKind, f: (x: number) => number, from: Tensor, to: Tensor): (q: number) => number {
  const [si, so, zi, zo] = [scaleOf(from), scaleOf(to), zeroPointOf(from), zeroPointOf(to)];
  const fixed = multiplierOf(si / so);
  switch (kind) {
    case 'relu':
    case 'relu6':
    case 'reluN1To1':
    case 'relu0To1': {
      const [min, max] = activationRange(kind, to);
      return (q) => clamp(multiply(q - zi, fixed) + zo, min, max);
    }
    case 'abs':
      return (q) => multiply(Math.abs(q - zi), fixed) + zo;
    case 'hardSwish':
      return (q) => hardSwish16(q - zi, si, so) + zo;
    default: {
      const round = ['tanh', 'gelu', 'geluTanh'].includes(kind) ? roundHalfAwayFromZero : roundHalfEven;
      const steps = singlePrecision.includes(kind)
        ? (q: number) => fround(fround(f(realOf(q, from))) * fround(1 / so))
        : (q: number) => f(si * (q - zi)) / so;
      return (q) => quantizeReal(steps(q), to, round);
    }
  }
}

/** The function of a kind with its parameters, whose defaults are those of ONNX. */
export function unaryFunction(kind: UnaryKind, alpha?: number, beta?: number): (x: number) => number {
  switch (kind) {
    case 'relu':
      return (x) => Math.max(x, 0);
    case 'relu6':
      return (x) => clamp(x, 0, 6);
    case 'reluN1To1':
      return (x) => clamp(x, -1, 1);
    case 'relu0To1':
      return (x) => clamp(x, 0, 1);
    case 'leakyRelu':
      return (x) => x >= 0 ? x : fround(alpha ?? 0) * x;
    case 'hardSwish':
      return (x) => x * clamp(x + 3, 0, 6) / 6;
    case 'logistic':
      return (x) => 1 / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh;
    case 'elu':
      return (x) => x >= 0 ? x : fround(alpha ?? 1) * Math.expm1(x);
    case 'gelu':
      return (x) => 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'geluTanh':
      return (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'exp':
      return Math.exp;
    case 'log':
      return Math.log;
    case 'sqrt':
      return Math.sqrt;
    case 'rsqrt':
      return (x) => 1 / Math.sqrt(x);
    case 'abs':
      return Math.abs;
    case 'neg':
      return (x) => -x;
    case 'square':
      return (x) => x * x;
    case 'floor':
      return Math.floor;
    case 'ceil':
      return Math.ceil;
    case 'round':
      return roundHalfEven;
    case 'sin':
      return Math.sin;
    case 'cos':
      return Math.cos;
    case 'tan':
      return Math.tan;
    case 'asin':
      return Math.asin;
    case 'acos':
      return Math.acos;
    case 'atan':
      return Math.atan;
    case 'sinh':
      return Math.sinh;
    case 'cosh':
      return Math.cosh;
    case 'asinh':
      return Math.asinh;
    case 'acosh':
      return Math.acosh;
    case 'atanh':
      return Math.atanh;
    case 'erf':
      return erf;
    case 'softplus':
      return softplus;
    case 'mish':
      return (x) => x * Math.tanh(softplus(x));
    case 'softsign':
      return (x) => x / (1 + Math.abs(x));
    case 'swish':
      return (x) => x / (1 + Math.exp(-x));
    case 'selu': {
      const [a, b] = [fround(alpha ?? 1.6732632423543772), fround(beta ?? 1.0507009873554805)];
      return (x) => x > 0 ? b * x : b * a * Math.expm1(x);
    }
    case 'celu': {
      const a = fround(alpha ?? 1);
      return (x) => Math.max(0, x) + Math.min(0, a * Math.expm1(x / a));
    }
    case 'hardSigmoid':
      return (x) => clamp(fround(alpha ?? 0.2) * x + fround(beta ?? 0.5), 0, 1);
    case 'thresholdedRelu':
      return (x) => x > fround(alpha ?? 1) ? x : 0;
    case 'sign':
      return Math.sign;
    case 'reciprocal':
      return (x) => 1 / x;
  }
}

/** log(1 + e^x), whose sum would overflow or cancel without the absolute value. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/**
 * 2/√π · e^(−x²) · Σ 2^n·x^(2n+1) / (1·3·…·(2n+1)). All terms have the same sign, so nothing
 * cancels. For |x| ≥ 6 the result is ±1 in float64.
 */
function erf(x: number): number {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let sum = 0;
  for (let n = 0, term = x; n < 200; n++, term *= 2 * x * x / (2 * n + 1)) sum += term;
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}
