import { UNARY_ABS, UNARY_ALPHA, UNARY_CEIL, UNARY_COS, UNARY_COUNT, UNARY_ELU, UNARY_EXP, UNARY_FLOOR, UNARY_GELU,
  UNARY_GELU_TANH, UNARY_HARD_SWISH, UNARY_KIND, UNARY_LEAKY_RELU, UNARY_LOG, UNARY_LOGISTIC, UNARY_NEG, UNARY_RELU,
  UNARY_RELU6, UNARY_RELU_0_TO_1, UNARY_RELU_N1_TO_1, UNARY_RSQRT, UNARY_SIN, UNARY_SOURCE, UNARY_SQRT, UNARY_SQUARE,
  UNARY_TABLE, UNARY_TANH, UNARY_TARGET } from '../../assembly/layout';
import { clamp, f32, roundEven } from './arithmetic';
import { exp, expm1, gelu, geluTanh, hardSwish, log, logistic, sine, tanh } from './math';
import { isFloat } from './floats';
import { float, int, offsetOf, sectionOf, type Memory } from './memory';

/** A function of a float, by its UNARY_ constant */
export function applyUnary(kind: number, x: number, alpha: number): number {
  switch (kind) {
    case UNARY_RELU:
      return x < 0 ? 0 : x;
    case UNARY_RELU6:
      return clamp(x, 0, 6);
    case UNARY_RELU_N1_TO_1:
      return clamp(x, -1, 1);
    case UNARY_RELU_0_TO_1:
      return clamp(x, 0, 1);
    case UNARY_LEAKY_RELU:
      return x >= 0 ? x : x * alpha;
    case UNARY_HARD_SWISH:
      return hardSwish(x);
    case UNARY_LOGISTIC:
      return logistic(x);
    case UNARY_TANH:
      return tanh(x);
    case UNARY_ELU:
      return x >= 0 ? x : expm1(x) * alpha;
    case UNARY_GELU:
      return gelu(x);
    case UNARY_GELU_TANH:
      return geluTanh(x);
    case UNARY_EXP:
      return exp(x);
    case UNARY_LOG:
      return log(x);
    case UNARY_SQRT:
      return Math.sqrt(x);
    case UNARY_RSQRT:
      return 1 / f32(Math.sqrt(x));
    case UNARY_ABS:
      return Math.abs(x);
    case UNARY_NEG:
      return -x;
    case UNARY_SQUARE:
      return x * x;
    case UNARY_FLOOR:
      return Math.floor(x);
    case UNARY_CEIL:
      return Math.ceil(x);
    case UNARY_SIN:
      return sine(x, 0);
    case UNARY_COS:
      return sine(x, 1);
  }
  return roundEven(x);
}

export function runUnary(r: number, m: Memory): void {
  const n = int(r, m, UNARY_COUNT);
  let from = offsetOf(r, m, UNARY_SOURCE);
  let to = int(r, m, UNARY_TARGET);
  if (isFloat(r, m)) {
    const a = sectionOf(r, m, UNARY_SOURCE).f32;
    const out = m.arena.f32;
    const kind = int(r, m, UNARY_KIND);
    const alpha = float(r, m, UNARY_ALPHA);
    from >>= 2;
    to >>= 2;
    for (let i = 0; i < n; i++) out[to + i] = applyUnary(kind, a[from + i]!, alpha);
    return;
  }
  const a = sectionOf(r, m, UNARY_SOURCE).u8;
  const out = m.arena.u8;
  const table = m.weights.u8;
  const first = int(r, m, UNARY_TABLE);
  for (let i = 0; i < n; i++) out[to + i] = table[first + a[from + i]!]!;
}
