import type { Attributes, UnaryKind } from '../../graph/operators';
import { f32, roundEven } from './rounding';

/** The parameters of functions that have some. */
export interface Parameters {
  alpha: number;
  beta: number;
}

/** The parameters of a node that does not set them, as in ONNX. */
const defaultParameters: Partial<Record<UnaryKind, Partial<Parameters>>> = {
  elu: { alpha: 1 },
  celu: { alpha: 1 },
  selu: { alpha: 1.6732632423543772, beta: 1.0507009873554805 },
  hardSigmoid: { alpha: 0.2, beta: 0.5 },
  thresholdedRelu: { alpha: 1 },
};

export function parametersOf({ kind, alpha, beta }: Attributes['unary']): Parameters {
  const byDefault = defaultParameters[kind];
  return { alpha: f32(alpha ?? byDefault?.alpha ?? 0), beta: f32(beta ?? byDefault?.beta ?? 0) };
}

/** The real functions in double precision, from which int8 tables are computed. */
export const functions: Record<UnaryKind, (x: number, parameters: Parameters) => number> = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  reluN1To1: (x) => Math.min(1, Math.max(-1, x)),
  relu0To1: (x) => Math.min(1, Math.max(0, x)),
  leakyRelu: (x, { alpha }) => (x >= 0 ? x : alpha * x),
  thresholdedRelu: (x, { alpha }) => (x > alpha ? x : 0),
  hardSwish: (x) => x * Math.min(6, Math.max(0, x + 3)) / 6,
  hardSigmoid: (x, { alpha, beta }) => Math.max(0, Math.min(1, alpha * x + beta)),
  logistic,
  swish: (x) => x * logistic(x),
  tanh: Math.tanh,
  elu: (x, { alpha }) => (x >= 0 ? x : alpha * Math.expm1(x)),
  selu: (x, { alpha, beta }) => beta * (x > 0 ? x : alpha * Math.expm1(x)),
  celu: (x, { alpha }) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  softplus,
  softsign: (x) => x / (1 + Math.abs(x)),
  mish: (x) => x * Math.tanh(softplus(x)),
  erf,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  neg: (x) => -x,
  sign: Math.sign,
  square: (x) => x * x,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundEven,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0);
}

/**
 * The error function by its Maclaurin series, or by its continued fraction for large |x|
 * (Abramowitz and Stegun 7.1.5, 7.1.14).
 */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return sum * 2 / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (z + fraction) / Math.sqrt(Math.PI));
}
