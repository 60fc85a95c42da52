import * as L from '../../assembly/layout';
import { elementCount, input, output, perTensor, type Node, type Tensor } from '../graph/graph';
import type { UnaryKind } from '../graph/operators';
import type { Emitter } from './emitter';
import type { Operator } from './operator';
import { emitBinary } from './shared/binary';
import { emitTable } from './shared/emit';
import { hardSwishSteps, multiplyByQuantizedMultiplier, quantizeMultiplier } from './shared/fixedPoint';
import { functions, parametersOf, type Parameters } from './shared/functions';
import { activationRange, isActivation, quantizedRange } from './shared/quantized';
import { demand, requireTypes, unsupported } from './shared/refuse';
import { f32, roundAway, roundEven } from './shared/rounding';
import { sameRows } from './shared/rowForms';
import { frameByFrame } from './shared/stream';
import { emitWideConvert } from './shared/wide';

/** The functions of floats that the core has. */
const kinds: Partial<Record<UnaryKind, number>> = {
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

/** The functions of floats that the extra module has. */
const extraKinds: Partial<Record<UnaryKind, number>> = {
  erf: L.FUNCTION_ERF,
  softplus: L.FUNCTION_SOFTPLUS,
  mish: L.FUNCTION_MISH,
  softsign: L.FUNCTION_SOFTSIGN,
  selu: L.FUNCTION_SELU,
  celu: L.FUNCTION_CELU,
  sign: L.FUNCTION_SIGN,
  tan: L.FUNCTION_TAN,
  asin: L.FUNCTION_ASIN,
  acos: L.FUNCTION_ACOS,
  atan: L.FUNCTION_ATAN,
  sinh: L.FUNCTION_SINH,
  cosh: L.FUNCTION_COSH,
  asinh: L.FUNCTION_ASINH,
  acosh: L.FUNCTION_ACOSH,
  atanh: L.FUNCTION_ATANH,
  reciprocal: L.FUNCTION_RECIPROCAL,
  hardSigmoid: L.FUNCTION_HARD_SIGMOID,
  thresholdedRelu: L.FUNCTION_THRESHOLDED_RELU,
};

/** Functions for which f(s·x) = s·f(x) if s > 0, besides activations within their bounds. */
const homogeneous: ReadonlySet<UnaryKind> = new Set(['leakyRelu', 'abs', 'neg']);

export const unary: Operator<'unary'> = {
  quantization: 'free',
  stream: frameByFrame,
  rows: sameRows,
  isChannelwise: true,
  computesInt16: ({ attributes: { kind } }) => isActivation(kind),
  isHomogeneous: ({ attributes: { kind } }) => isActivation(kind) || homogeneous.has(kind),
  asActivation: ({ attributes: { kind } }) => (isActivation(kind) ? kind : undefined),
  relevantRange({ attributes: { kind } }, _, { operands: [x], wanted }) {
    if (isActivation(kind)) return activationRange(kind);
    // where the function comes within a quarter of a step of its ends
    const quarter = (wanted[1] - wanted[0]) / 1024;
    const [low, high] = [wanted[0] + quarter, wanted[1] - quarter];
    if (kind === 'logistic' && low > 0 && high < 1) return [Math.log(low / (1 - low)), Math.log(high / (1 - high))];
    if (kind === 'tanh' && low > -1 && high < 1) return [Math.atanh(low), Math.atanh(high)];
    return x!;
  },
  infer(node) {
    const { kind, alpha } = node.attributes;
    demand(node, kind !== 'celu' || alpha !== 0, 'its alpha is 0, by which celu divides');
    return [input(node, 0).shape];
  },
  lower(node, emit) {
    const x = input(node, 0);
    const y = output(node);
    const { kind } = node.attributes;
    const parameters = parametersOf(node.attributes);
    requireTypes(node, x, 'int8', 'int16', 'float32');
    if (x.dtype === 'int16') {
      if (!isActivation(kind)) throw unsupported(node, `${kind} of int16`);
      emit.mayReuse(y, x);
      emitWideConvert(node, emit, x, y, quantizedRange(kind, y));
    } else if (x.dtype === 'int8') {
      emitTable(node, emit, x, y, stepsOf(kind, parameters, perTensor(x), perTensor(y)));
    } else if (kind === 'swish') {
      const gate: Tensor = { name: `${y.name} (gate)`, shape: y.shape, dtype: 'float32' };
      emitFloat(node, emit, 'logistic', x, gate, parameters);
      const r = emitBinary(node, emit, x, gate, y, L.BINARY_MUL, kind);
      r.float(L.BINARY_MIN, -Infinity);
      r.float(L.BINARY_MAX, Infinity);
    } else {
      emit.mayReuse(y, x);
      emitFloat(node, emit, kind, x, y, parameters);
    }
  },
};

function emitFloat(
  node: Node<'unary'>,
  emit: Emitter,
  kind: UnaryKind,
  x: Tensor,
  y: Tensor,
  { alpha, beta }: Parameters,
): void {
  const code = kinds[kind];
  if (code !== undefined) {
    const r = emit.record(L.OP_UNARY, L.UNARY_BYTES, 'float32', node, kind);
    r.source(L.UNARY_SOURCE, x);
    r.target(L.UNARY_TARGET, y);
    r.int(L.UNARY_COUNT, elementCount(y.shape));
    r.int(L.UNARY_KIND, code);
    r.float(L.UNARY_ALPHA, alpha);
    return;
  }
  const r = emit.record(L.OP_FUNCTION, L.FUNCTION_BYTES, 'float32', node, kind);
  r.source(L.FUNCTION_SOURCE, x);
  r.target(L.FUNCTION_TARGET, y);
  r.int(L.FUNCTION_COUNT, elementCount(y.shape));
  r.int(L.FUNCTION_KIND, extraKinds[kind]!);
  r.float(L.FUNCTION_ALPHA, alpha);
  r.float(L.FUNCTION_BETA, beta);
}

interface Steps {
  scale: number;
  zeroPoint: number;
}

/** Functions whose int8 form equals TensorFlow Lite's or XNNPACK's, which compute them in f32. */
const inSingle = new Set<UnaryKind>(['logistic', 'tanh', 'elu', 'gelu', 'geluTanh', 'exp', 'log', 'sqrt', 'rsqrt',
  'neg', 'square', 'floor', 'ceil', 'round', 'sin', 'cos']);

/**
 * The int8 function. Functions of TensorFlow Lite are as TensorFlow Lite and XNNPACK compute them:
 * clamps, abs and hardSwish in fixed point, most others as a table of the real function in f32,
 * where tanh and gelu round halves away from zero as in TFLite, and the others to even as in
 * XNNPACK. leakyRelu, and functions that TensorFlow Lite lacks, are the real number rounded once.
 */
export function stepsOf(kind: UnaryKind, parameters: Parameters, x: Steps, y: Steps): (q: number) => number {
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
    case 'hardSwish': {
      const steps = hardSwishSteps(sx, sy);
      return (q) => steps(q - x.zeroPoint) + y.zeroPoint;
    }
    default: {
      const f = functions[kind];
      const inverse = f32(1 / sy);
      const round = kind === 'tanh' || kind === 'gelu' || kind === 'geluTanh' ? roundAway : roundEven;
      return (q) => {
        const real = sx * (q - x.zeroPoint);
        const steps = inSingle.has(kind) ? f32(f32(f(f32(real), parameters)) * inverse) : f(real, parameters) / sy;
        return Number.isNaN(steps) ? y.zeroPoint : round(steps) + y.zeroPoint;
      };
    }
  }
}
