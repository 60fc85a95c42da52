import { DTYPE_F32, FUNCTION_ACOS, FUNCTION_ACOSH, FUNCTION_ALPHA, FUNCTION_ASIN, FUNCTION_ASINH, FUNCTION_ATAN,
  FUNCTION_ATANH, FUNCTION_BETA, FUNCTION_BYTES, FUNCTION_CELU, FUNCTION_COSH, FUNCTION_COUNT, FUNCTION_ERF,
  FUNCTION_HARD_SIGMOID, FUNCTION_KIND, FUNCTION_KINDS, FUNCTION_MISH, FUNCTION_RECIPROCAL, FUNCTION_SELU,
  FUNCTION_SIGN, FUNCTION_SINH, FUNCTION_SOFTPLUS, FUNCTION_SOFTSIGN, FUNCTION_SOURCE, FUNCTION_TAN, FUNCTION_TARGET,
  FUNCTION_THRESHOLDED_RELU } from '../layout';
import { checkCounts, checkFinite, checkRange, checkRecord, countWork, float, inPlace, int, source, target,
  toF64 } from '../record';
import { acos, acosh, asin, asinh, atanh, cosh, erf, mish, sinh, softplus, tangent } from './reals';

/** Cost of one element, in multiply-adds. */
const WORK = 32;

export function describeFunction(r: usize): void {
  if (!checkRecord(r, FUNCTION_BYTES, 1 << DTYPE_F32)) return;
  checkCounts(r, FUNCTION_COUNT, 1);
  checkRange(r, FUNCTION_KIND, 0, FUNCTION_KINDS - 1);
  checkFinite(r, FUNCTION_ALPHA);
  checkFinite(r, FUNCTION_BETA);
  const count = toF64(r, FUNCTION_COUNT);
  source(r, FUNCTION_SOURCE, count * 4, 4);
  target(r, FUNCTION_TARGET, count * 4, 4);
  inPlace(FUNCTION_SOURCE);
  countWork(count * WORK);
}

function sign(x: f64): f64 {
  // zeros and NaN remain
  if (x > 0) return 1;
  return x < 0 ? -1 : x;
}

function compute(kind: i32, x: f64, alpha: f64, beta: f64): f64 {
  switch (kind) {
    case FUNCTION_ERF:
      return erf(x);
    case FUNCTION_SOFTPLUS:
      return softplus(x);
    case FUNCTION_MISH:
      return mish(x);
    case FUNCTION_SOFTSIGN:
      return x / (1 + abs<f64>(x));
    case FUNCTION_SELU:
      return beta * (x > 0 ? x : alpha * NativeMath.expm1(x));
    case FUNCTION_CELU:
      return max<f64>(0, x) + min<f64>(0, alpha * NativeMath.expm1(x / alpha));
    case FUNCTION_SIGN:
      return sign(x);
    case FUNCTION_TAN:
      return tangent(x);
    case FUNCTION_ASIN:
      return asin(x);
    case FUNCTION_ACOS:
      return acos(x);
    case FUNCTION_ATAN:
      return NativeMath.atan(x);
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
      return max<f64>(0, min<f64>(1, alpha * x + beta));
    default:
      return x > alpha ? x : 0;
  }
}

/** The target may equal the source. */
export function runFunction(r: usize): void {
  const kind = int(r, FUNCTION_KIND);
  const alpha = <f64>float(r, FUNCTION_ALPHA);
  const beta = <f64>float(r, FUNCTION_BETA);
  let from = <usize>int(r, FUNCTION_SOURCE);
  let out = <usize>int(r, FUNCTION_TARGET);
  for (let n = int(r, FUNCTION_COUNT); n > 0; n--) {
    store<f32>(out, <f32>compute(kind, <f64>load<f32>(from), alpha, beta));
    from += 4;
    out += 4;
  }
}
