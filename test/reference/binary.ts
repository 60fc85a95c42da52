import { input, output, type AnyNode, type Node, type TensorData } from '../../src/graph/graph';
import type { BinaryKind } from '../../src/graph/operators';
import { multiplierOf, multiply } from './fixedPoint';
import { clamp, converter, fround, isQuantized, productScale, quantizeReal, rangeOf, realOf, requantize, roundHalfEven,
  scaleOf, zeroPointOf } from './requantize';
import { activate, allocate, broadcastOffset, coordinates, isInteger, unsupported, valueOf,
  type Inputs } from './support';

/** a and b broadcast as in numpy. */
export function binary(node: Node<'binary'>, inputs: Inputs): TensorData[] {
  const [a, b, out] = [valueOf(node, inputs, 0), valueOf(node, inputs, 1), allocate(output(node))];
  const [shapeA, shapeB, shape] = [input(node, 0).shape, input(node, 1).shape, output(node).shape];
  const operation = operationOf(node, node.attributes.kind);
  const clampToActivation = activate(node.attributes.activation, output(node));

  for (let i = 0; i < out.length; i++) {
    const position = coordinates(i, shape);
    out[i] = clampToActivation(operation(a[broadcastOffset(position, shapeA)]!, b[broadcastOffset(position, shapeB)]!));
  }
  return [out];
}

type Operation = (a: number, b: number) => number;

function operationOf(node: AnyNode, kind: BinaryKind): Operation {
  const [a, b, out] = [input(node, 0), input(node, 1), output(node)];
  if (out.dtype === 'float32') return floatOperations[kind];
  if (isInteger(out.dtype)) return integerOperations[kind];
  if (isQuantized(a) && isQuantized(b) && isQuantized(out)) return quantizedOperation(node, kind);
  throw unsupported(node);
}

const floatOperations: Record<BinaryKind, Operation> = {
  add: (a, b) => fround(a + b),
  sub: (a, b) => fround(a - b),
  mul: (a, b) => fround(a * b),
  div: (a, b) => fround(a / b),
  minimum: Math.min,
  maximum: Math.max,
  squaredDifference: (a, b) => fround(fround(a - b) * fround(a - b)),
};

/** int32 wraps around. Division truncates, and a division by zero gives zero. */
const integerOperations: Record<BinaryKind, Operation> = {
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => (a / b) | 0,
  minimum: Math.min,
  maximum: Math.max,
  squaredDifference: (a, b) => Math.imul(a - b, a - b),
};

function quantizedOperation(node: AnyNode, kind: BinaryKind): Operation {
  const [a, b, out] = [input(node, 0), input(node, 1), output(node)];
  if (out.dtype === 'int16') return wideOperation(node, kind);
  const [za, zb, zo, so] = [zeroPointOf(a), zeroPointOf(b), zeroPointOf(out), scaleOf(out)];
  switch (kind) {
    case 'add':
    case 'sub': {
      const { multiplierA, multiplierB, shift } = addParameters(scaleOf(a), scaleOf(b), so, kind === 'sub');
      const bias = 2 ** (shift - 1) - multiplierA * za - multiplierB * zb;
      return (p, q) => clamp(((multiplierA * p + multiplierB * q + bias) >> shift) + zo, ...rangeOf(out.dtype));
    }
    case 'mul': {
      const scale = productScale(scaleOf(a), scaleOf(b), so);
      return (p, q) => requantize((p - za) * (q - zb), scale, zo, rangeOf(out.dtype));
    }
    case 'minimum':
    case 'maximum': {
      const [fromA, fromB] = [converter(a, out), converter(b, out)];
      return (p, q) => floatOperations[kind](fromA(p), fromB(q));
    }
    case 'div':
    case 'squaredDifference':
      return (p, q) => quantizeReal(fround(floatOperations[kind](realOf(p, a), realOf(q, b)) / so), out, roundHalfEven);
  }
}

/** TFLite's fixed point for int16; the operands of a sum are first shifted to 30 bits. */
function wideOperation(node: AnyNode, kind: BinaryKind): Operation {
  const [a, b, out] = [input(node, 0), input(node, 1), output(node)];
  const [sa, sb, so] = [scaleOf(a), scaleOf(b), scaleOf(out)];
  const within = (x: number): number => clamp(x, ...rangeOf('int16'));
  if (kind === 'minimum' || kind === 'maximum') {
    const [fromA, fromB] = [converter(a, out), converter(b, out)];
    return (p, q) => floatOperations[kind](fromA(p), fromB(q));
  }
  if (kind === 'mul') {
    const factor = multiplierOf(fround(sa * sb) / so);
    return (p, q) => within(multiply(p * q, factor));
  }
  const twice = 2 * Math.max(sa, sb);
  const [ofA, ofB, ofSum] = [multiplierOf(sa / twice), multiplierOf(sb / twice), multiplierOf(twice / (2 ** 15 * so))];
  return (p, q) =>
    within(multiply(floatOperations[kind](multiply(p * 2 ** 15, ofA), multiply(q * 2 ** 15, ofB)), ofSum));
}

/**
 * XNNPACK's fixed point for int8 addition. The larger of the two ratios to the output's scale
 * becomes a 21-bit multiplier, 2^20 ≤ m ≤ 2^21, and both multipliers share its shift.
 *
 *     out = clamp(((ma·(a − za) + mb·(b − zb) + 2^(shift − 1)) >> shift) + zo)
 *
 * The shift is arithmetic, so halves round up. The sum fits int32: 2·255·2^21 + 2^30 < 2^31.
 */
export function addParameters(
  scaleA: number,
  scaleB: number,
  scaleOut: number,
  subtract: boolean,
): { multiplierA: number; multiplierB: number; shift: number } {
  const ratioA = fround(scaleA / scaleOut);
  const ratioB = fround(scaleB / scaleOut);
  // Outside these bounds (ratios below 2^-11 or from 2^20 on) inputs hardly change the output, or
  // always saturate it.
  const shift = clamp(20 - exponentOf(Math.max(ratioA, ratioB)), 1, 31);
  const multiplierB = roundHalfEven(ratioB * 2 ** shift);
  return { multiplierA: roundHalfEven(ratioA * 2 ** shift), multiplierB: subtract ? -multiplierB : multiplierB, shift };
}

/** floor(log2(x)), exactly, for x > 0 */
function exponentOf(x: number): number {
  let exponent = 0;
  while (x >= 2 ** (exponent + 1)) exponent++;
  while (x < 2 ** exponent) exponent--;
  return exponent;
}
