import * as L from '../../assembly/layout';
import { KletError } from '../errors';
import { elementSize, innermost, input, output, perTensor, type Tensor } from '../graph/graph';
import type { BinaryKind } from '../graph/operators';
import type { RecordWriter } from './emitter';
import type { Operator } from './operator';
import { emitBinary } from './shared/binary';
import { inQuantizationOf } from './shared/emit';
import { activationRange, quantizedRange } from './shared/quantized';
import { requireTypes, unsupported } from './shared/refuse';
import { f32, roundEven } from './shared/rounding';
import { broadcastShape } from '../graph/broadcast';
import { broadcastRows } from './shared/rowForms';
import { broadcasting } from './shared/stream';
import { wideBinaryParameters } from './shared/wide';

const kinds: Record<BinaryKind, number> = {
  add: L.BINARY_ADD,
  sub: L.BINARY_SUB,
  mul: L.BINARY_MUL,
  div: L.BINARY_DIV,
  minimum: L.BINARY_MINIMUM,
  maximum: L.BINARY_MAXIMUM,
  squaredDifference: L.BINARY_SQUARED_DIFFERENCE,
};

/** Functions for which f(s·a, s·b) = s·f(a, b) if s > 0. */
const homogeneous: ReadonlySet<BinaryKind> = new Set(['add', 'sub', 'minimum', 'maximum']);

export const binary: Operator<'binary'> = {
  quantization: 'free',
  stream: broadcasting,
  rows: broadcastRows,
  isChannelwise: true,
  isHomogeneous(node) {
    const [a, b] = [input(node, 0), input(node, 1)];
    const { kind } = node.attributes;
    if (a.data || b.data) return kind === 'mul' || (kind === 'div' && !a.data);
    return homogeneous.has(kind) && innermost(a.shape) === innermost(b.shape);
  },
  fusesActivation: true,
  computesInt16: ({ attributes: { kind } }) => kind !== 'div' && kind !== 'squaredDifference',
  relevantRange(node, operand, { operands, wanted }) {
    const { kind, activation } = node.attributes;
    const all = operands[operand]!;
    const other = operands[1 - operand]!;
    const clamp = activationRange(activation);
    const low = Math.max(wanted[0], clamp[0]);
    const high = Math.min(wanted[1], clamp[1]);
    if (kind === 'add') return [low - other[1], high - other[0]];
    if (kind === 'sub') return operand === 0 ? [low + other[0], high + other[1]] : [other[0] - high, other[1] - low];
    if (kind === 'maximum') return [Math.max(low, other[0]), high];
    if (kind === 'minimum') return [low, Math.min(high, other[1])];
    return all;
  },
  infer(node) {
    const a = input(node, 0);
    const b = input(node, 1);
    const shape = broadcastShape(a.shape, b.shape);
    if (!shape) {
      throw new KletError(
        'INVALID_GRAPH',
        `${node.attributes.kind} "${node.name}": the shapes [${a.shape.join(', ')}] and [${
          b.shape.join(', ')
        }] do not broadcast`,
      );
    }
    return [shape];
  },
  lower(node, emit) {
    const { kind, activation } = node.attributes;
    const y = output(node);
    const compares = kind === 'minimum' || kind === 'maximum';
    let a = input(node, 0);
    let b = input(node, 1);
    requireTypes(node, a, 'int8', 'int16', 'float32', 'int32', 'int64');
    if (a.dtype !== b.dtype) throw unsupported(node, `${a.dtype} with ${b.dtype}; both must be of one type`);
    if (elementSize(a.dtype) === 4 && a.dtype !== 'float32' &&
      (kind === 'div' || kind === 'squaredDifference' || activation !== 'none'))
    {
      throw unsupported(node, `${activation === 'none' ? kind : activation} on ${a.dtype}`);
    }
    if (compares) {
      a = inQuantizationOf(node, emit, a, y);
      b = inQuantizationOf(node, emit, b, y);
    }
    const r = emitBinary(node, emit, a, b, y, kinds[kind], kind);
    if (y.dtype === 'int16') {
      wideBinaryParameters(r, node, [a, b, y], kind === 'mul');
      r.ints(L.BINARY_MIN, quantizedRange(activation, y));
    } else if (y.dtype === 'int8') {
      quantizedParameters(r, kind, a, b, y);
      r.ints(L.BINARY_MIN, quantizedRange(activation, y));
    } else if (y.dtype === 'float32') {
      activationRange(activation).forEach((bound, i) => r.float(L.BINARY_MIN + i * 4, bound));
    }
  },
};

function quantizedParameters(r: RecordWriter, kind: BinaryKind, a: Tensor, b: Tensor, y: Tensor): void {
  const qa = perTensor(a);
  const qb = perTensor(b);
  const qy = perTensor(y);
  const sa = f32(qa.scale);
  const sb = f32(qb.scale);
  const sy = f32(qy.scale);
  r.int(L.BINARY_TARGET_ZERO, qy.zeroPoint);
  if (kind === 'add' || kind === 'sub') {
    const p = addParameters(f32(sa / sy), f32(f32(kind === 'sub' ? -sb : sb) / sy), qa.zeroPoint, qb.zeroPoint);
    r.int(L.BINARY_A_FACTOR, p.factorA);
    r.int(L.BINARY_B_FACTOR, p.factorB);
    r.int(L.BINARY_BIAS, p.bias);
    r.int(L.BINARY_SHIFT, p.shift);
  } else if (kind === 'mul') {
    r.int(L.BINARY_A_ZERO, qa.zeroPoint);
    r.int(L.BINARY_B_ZERO, qb.zeroPoint);
    r.float(L.BINARY_SCALE, f32(f32(sa * sb) / sy));
  } else if (kind === 'div' || kind === 'squaredDifference') {
    r.int(L.BINARY_A_ZERO, qa.zeroPoint);
    r.int(L.BINARY_B_ZERO, qb.zeroPoint);
    r.float(L.BINARY_SCALE, sa);
    r.float(L.BINARY_NEGATIVE_SCALE, sb);
    r.float(L.BINARY_OUT_SCALE, sy);
  }
}

/**
 * Fixed-point factors of an int8 addition, as in XNNPACK's vadd: the larger ratio gets 21 bits,
 * ties round up. out = (factorA·a + factorB·b + bias) >> shift, + zero point.
 */
export function addParameters(
  ratioA: number,
  ratioB: number,
  zeroA: number,
  zeroB: number,
): { factorA: number; factorB: number; bias: number; shift: number } {
  const largest = Math.max(Math.abs(ratioA), Math.abs(ratioB));
  const shift = Math.max(1, Math.min(31, 20 - Math.floor(Math.log2(largest))));
  const factorA = roundEven(ratioA * 2 ** shift);
  const factorB = roundEven(ratioB * 2 ** shift);
  return { factorA, factorB, bias: 2 ** (shift - 1) - factorA * zeroA - factorB * zeroB, shift };
}
