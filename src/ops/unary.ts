import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor } from '../graph/graph';
import type { UnaryKind } from '../graph/operators';
import type { Operator } from './operator';
import { emitTable } from './shared/emit';
import { hardSwishSteps, multiplyBy256ths, multiplyByQuantizedMultiplier,
  quantizeMultiplier } from './shared/fixedPoint';
import { activationRange, isActivation } from './shared/quantized';
import { requireTypes } from './shared/refuse';
import { f32, roundAway, roundEven } from './shared/rounding';
import { frameByFrame } from './shared/stream';

const kinds: Record<UnaryKind, number> = {
  relu: L.UNARY_RELU,
  relu6: L.UNARY_RELU6,
  reluN1To1: L.UNARY_RELU_N1_TO_1,
  relu0To1: L.UNARY_RELU_0_TO_1,
  leakyRelu: L.UNARY_LEAKY_RELU,
  hardSwish: L.UNARY_HARD_SWISH,
  logistic: L.UNARY_LOGISTIC,
  tanh: L.UNARY_TANH,
  elu: L.UNARY_ELU,
  gelu: L.UNARY_GELU,
  geluTanh: L.UNARY_GELU_TANH,
  exp: L.UNARY_EXP,
  log: L.UNARY_LOG,
  sqrt: L.UNARY_SQRT,
  rsqrt: L.UNARY_RSQRT,
  abs: L.UNARY_ABS,
  neg: L.UNARY_NEG,
  square: L.UNARY_SQUARE,
  floor: L.UNARY_FLOOR,
  ceil: L.UNARY_CEIL,
  round: L.UNARY_ROUND,
  sin: L.UNARY_SIN,
  cos: L.UNARY_COS,
};

const defaultAlpha: Partial<Record<UnaryKind, number>> = { elu: 1 };

/** The real functions in double precision, from which int8 tables are computed. */
export const functions: Record<UnaryKind, (x: number, alpha: number) => number> = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  reluN1To1: (x) => Math.min(1, Math.max(-1, x)),
  relu0To1: (x) => Math.min(1, Math.max(0, x)),
  leakyRelu: (x, alpha) => (x >= 0 ? x : alpha * x),
  hardSwish: (x) => x * Math.min(6, Math.max(0, x + 3)) / 6,
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  elu: (x, alpha) => (x >= 0 ? x : alpha * Math.expm1(x)),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  abs: Math.abs,
  neg: (x) => -x,
  square: (x) => x * x,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundEven,
  sin: Math.sin,
  cos: Math.cos,
};

export const unary: Operator<'unary'> = {
  quantization: 'free',
  stream: frameByFrame,
  isChannelwise: true,
  asActivation: ({ attributes: { kind } }) => (isActivation(kind) ? kind : undefined),
  infer(node) {
    return [input(node, 0).shape];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { kind } = node.attributes;
    const alpha = node.attributes.alpha ?? defaultAlpha[kind] ?? 0;
    requireTypes(node, x, 'int8', 'float32');
    if (x.dtype === 'int8') {
      emitTable(node, emit, x, y, stepsOf(kind, alpha, perTensor(x), perTensor(y)));
      return;
    }
    emit.mayReuse(y, x);
    const r = emit.record(L.OP_UNARY, L.UNARY_BYTES, 'float32', node, kind);
    r.source(L.UNARY_SOURCE, x);
    r.target(L.UNARY_TARGET, y);
    r.int(L.UNARY_COUNT, elementCount(y.shape));
    r.int(L.UNARY_KIND, kinds[kind]);
    r.float(L.UNARY_ALPHA, alpha);
  },
};

interface Steps {
  scale: number;
  zeroPoint: number;
}

/**
 * The int8 function as TensorFlow Lite and XNNPACK compute it. Piecewise linear functions use fixed
 * point. The others are a table of the rounded real function: logistic and elu round halves to even
 * as in XNNPACK, tanh and gelu round halves away from zero as in TFLite.
 */
export function stepsOf(kind: UnaryKind, alpha: number, x: Steps, y: Steps): (q: number) => number {
  const sx = f32(x.scale);
  const sy = f32(y.scale);
  const ratio = sx / sy;
  switch (kind) {
    case 'relu':
    case 'relu6':
    case 'reluN1To1':
    case 'relu0To1': {
      const multiplier = quantizeMultiplier(ratio);
      const [low, high] = activationRange(kind).map((bound) => roundAway(f32(bound / sy)) + y.zeroPoint) as [number,
        number];
      return (q) =>
        Math.max(low, Math.min(high, multiplyByQuantizedMultiplier(q - x.zeroPoint, multiplier) + y.zeroPoint));
    }
    case 'abs': {
      const multiplier = quantizeMultiplier(ratio);
      return (q) => multiplyByQuantizedMultiplier(Math.abs(q - x.zeroPoint), multiplier) + y.zeroPoint;
    }
    case 'leakyRelu': {
      const positive = roundEven(256 * f32(ratio));
      const negative = roundEven(f32(256 * f32(f32(ratio) * f32(alpha))));
      return (q) => multiplyBy256ths(q - x.zeroPoint, q >= x.zeroPoint ? positive : negative) + y.zeroPoint;
    }
    case 'hardSwish': {
      const steps = hardSwishSteps(sx, sy);
      return (q) => steps(q - x.zeroPoint) + y.zeroPoint;
    }
    default: {
      const f = functions[kind];
      const inverse = f32(1 / sy);
      const round = kind === 'tanh' || kind === 'gelu' || kind === 'geluTanh' ? roundAway : roundEven;
      return (q) => {
        const steps = f32(f32(f(f32(sx * (q - x.zeroPoint)), alpha)) * inverse);
        return Number.isNaN(steps) ? y.zeroPoint : round(steps) + y.zeroPoint;
      };
    }
  }
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
