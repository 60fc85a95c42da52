import { FUNCTION_ACOS, FUNCTION_ACOSH, FUNCTION_ALPHA, FUNCTION_ASIN, FUNCTION_ASINH, FUNCTION_ATAN, FUNCTION_ATANH,
  FUNCTION_BETA, FUNCTION_CELU, FUNCTION_COSH, FUNCTION_COUNT, FUNCTION_ERF, FUNCTION_HARD_SIGMOID, FUNCTION_KIND,
  FUNCTION_MISH, FUNCTION_RECIPROCAL, FUNCTION_SELU, FUNCTION_SIGN, FUNCTION_SINH, FUNCTION_SOFTPLUS, FUNCTION_SOFTSIGN,
  FUNCTION_SOURCE, FUNCTION_TAN, FUNCTION_TARGET } from '../../../assembly/layout';
import { float, int, offsetOf, sectionOf, type Memory } from '../memory';
import { atan, expm1 } from './doubles';
import { acos, acosh, asin, asinh, atanh, cosh, erf, mish, sinh, softplus, tangent } from './reals';

function sign(x: number): number {
  // zeros and NaN remain
  if (x > 0) return 1;
  return x < 0 ? -1 : x;
}

function compute(kind: number, x: number, alpha: number, beta: number): number {
  switch (kind) {
    case FUNCTION_ERF:
      return erf(x);
    case FUNCTION_SOFTPLUS:
      return softplus(x);
    case FUNCTION_MISH:
      return mish(x);
    case FUNCTION_SOFTSIGN:
      return x / (1 + Math.abs(x));
    case FUNCTION_SELU:
      return beta * (x > 0 ? x : alpha * expm1(x));
    case FUNCTION_CELU:
      return Math.max(0, x) + Math.min(0, alpha * expm1(x / alpha));
    case FUNCTION_SIGN:
      return sign(x);
    case FUNCTION_TAN:
      return tangent(x);
    case FUNCTION_ASIN:
      return asin(x);
    case FUNCTION_ACOS:
      return acos(x);
    case FUNCTION_ATAN:
      return atan(x);
    case FUNCTION_SINH:
      return sinh(x);
    case FUNCTION_COSH:
      return cosh(x);
    case FUNCTION_ASINH:
      return asinh(x);
    case FUNCTION_ACOSH:
      return acosh(x);
    case FUNCTION_ATANH:
      return atanh(x);
    case FUNCTION_RECIPROCAL:
      return 1 / x;
    case FUNCTION_HARD_SIGMOID:
      return Math.max(0, Math.min(1, alpha * x + beta));
  }
  return x > alpha ? x : 0;
}

export function runFunction(r: number, m: Memory): void {
  const kind = int(r, m, FUNCTION_KIND);
  const alpha = float(r, m, FUNCTION_ALPHA);
  const beta = float(r, m, FUNCTION_BETA);
  const a = sectionOf(r, m, FUNCTION_SOURCE).f32;
  const from = offsetOf(r, m, FUNCTION_SOURCE) >> 2;
  const to = int(r, m, FUNCTION_TARGET) >> 2;
  for (let i = 0; i < int(r, m, FUNCTION_COUNT); i++) m.arena.f32[to + i] = compute(kind, a[from + i]!, alpha, beta);
}
