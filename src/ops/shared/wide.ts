import * as L from '../../../assembly/layout';
import { elementCount, perTensor, type AnyNode, type Tensor } from '../../graph/graph';
import type { FusedActivation, Pair } from '../../graph/operators';
import { dtypeCode, type Emitter, type RecordWriter } from '../emitter';
import type { ConvGeometry, ConvWeights } from './convolution';
import { quantizeMultiplier } from './fixedPoint';
import { packInt8, packLanes, packTapsInt8 } from './pack';
import { integerRange, quantizedRange } from './quantized';
import { unsupported } from './refuse';
import { f32 } from './rounding';

// Records with int16 activations ("16×8": the weights are int8), which the extra module has.

/** Groups of 4 products whose sum fits in an int32 for all weights and activations. */
const SAFE_QUADS = 127;
/** Magnitude of an int16 activation. */
const REACH = 32768;

/** Emits y = x, of which one is int16 and the other int8, int16 or float32; integers in `range`. */
export function emitWideConvert(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  range = integerRange(y.dtype),
): void {
  const r = emit.record(L.OP_WIDE_CONVERT, L.WIDE_CONVERT_BYTES, x.dtype, node, 'convert');
  r.source(L.WIDE_CONVERT_SOURCE, x);
  r.target(L.WIDE_CONVERT_TARGET, y);
  r.int(L.WIDE_CONVERT_COUNT, elementCount(y.shape));
  r.int(L.WIDE_CONVERT_TO, dtypeCode(y.dtype));
  if (x.dtype === 'float32' || y.dtype === 'float32') {
    r.float(L.WIDE_CONVERT_SCALE, perTensor(x.dtype === 'float32' ? y : x).scale);
    return;
  }
  const from = perTensor(x);
  const to = perTensor(y);
  factor(node, r, L.WIDE_CONVERT_MULTIPLIER, f32(from.scale) / f32(to.scale));
  r.ints(L.WIDE_CONVERT_SOURCE_ZERO, [from.zeroPoint, to.zeroPoint, ...range]);
}

/** Writes a factor in fixed point: multiplier, then exponent. */
function factor(node: AnyNode, r: RecordWriter, field: number, d: number): void {
  const { multiplier, exponent } = quantizeMultiplier(d);
  if (exponent > 22) throw unsupported(node, `its scales differ by a factor of ${d}`);
  r.ints(field, [multiplier, exponent]);
}

/** Writes the parameters of a binary record of int16, with TensorFlow Lite's factors. */
export function wideBinaryParameters(r: RecordWriter, node: AnyNode, [a, b, y]: Tensor[], isProduct: boolean): void {
  const [sa, sb, sy] = [a!, b!, y!].map((tensor) => f32(perTensor(tensor).scale)) as [number, number, number];
  if (isProduct) {
    r.ints(L.WIDE_BINARY_A_MULTIPLIER, [0, 0, 0, 0]);
    factor(node, r, L.WIDE_BINARY_OUT_MULTIPLIER, f32(sa * sb) / sy);
    return;
  }
  const twice = 2 * Math.max(sa, sb);
  factor(node, r, L.WIDE_BINARY_A_MULTIPLIER, sa / twice);
  factor(node, r, L.WIDE_BINARY_B_MULTIPLIER, sb / twice);
  factor(node, r, L.WIDE_BINARY_OUT_MULTIPLIER, twice / (2 ** 15 * sy));
}

/** Bias and scale of each output, in the records' order. */
function wideFactors(x: Tensor, weights: ConvWeights, y: Tensor, channels: number): [Float64Array, Float64Array] {
  const { scale } = weights.tensor.quantization!;
  const [sx, sy] = [f32(perTensor(x).scale), f32(perTensor(y).scale)];
  const factors = Float64Array.from({ length: channels }, (_, c) => {
    const real = sx * f32(scale[scale.length === 1 ? 0 : c]!) / sy;
    return weights.biasType === 'int32' ? real : shortFactor(real);
  });
  return [weights.bias ? Float64Array.from(weights.bias) : new Float64Array(channels), factors];
}

/**
 * A factor of 16 bits, by which TensorFlow Lite multiplies accumulators of 64 bits.
 * (MultiplyByQuantizedMultiplier of an int64)
 */
export function shortFactor(real: number): number {
  const { multiplier, exponent } = quantizeMultiplier(real);
  const short = multiplier < 0x7fff0000 ? Math.floor((multiplier + 2 ** 15) / 2 ** 16) : 0x7fff;
  return short * 2 ** (exponent - 15);
}

/** The largest Σ |w| of an output. */
function largestWeightSum(values: ArrayLike<number>, K: number): number {
  let largest = 0;
  for (let row = 0; row < values.length; row += K) {
    let sum = 0;
    for (let k = row; k < row + K; k++) sum += Math.abs(values[k]!);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** Whether the products of each output, without the bias, add up in an int32. */
export function addsInInt32({ values, K }: ConvWeights): boolean {
  return largestWeightSum(values, K) * REACH < 2 ** 31;
}

/** Writes weights, factors and bounds of an int16 convolution into its record. */
export function wideConvTables(
  r: RecordWriter,
  x: Tensor,
  y: Tensor,
  weights: ConvWeights,
  { outC, groups }: ConvGeometry,
  activation: FusedActivation,
): void {
  const { K } = weights;
  const quads = Math.ceil(K / 4);
  const [bias, scale] = wideFactors(x, weights, y, outC);
  r.table(L.CONV2D_WEIGHTS, packInt8(weights.values as Int8Array, K, outC, groups), quads);
  r.table(L.CONV2D_BIAS, packLanes(Float64Array, bias, groups));
  r.table(L.CONV2D_SCALE, packLanes(Float64Array, scale, groups));
  r.int(L.WIDE_CONV2D_CHUNK, addsInInt32(weights) ? quads : Math.min(quads, SAFE_QUADS));
  r.ints(L.CONV2D_MIN, quantizedRange(activation, y));
}

/**
 * Writes weights, factors and bounds of an int16 depthwise convolution into its record. The
 * products must add up in an int32.
 */
export function wideDepthwiseTables(r: RecordWriter, x: Tensor, y: Tensor, weights: ConvWeights, [kh, kw]: Pair): void {
  const [bias, scale] = wideFactors(x, weights, y, weights.values.length / weights.K);
  r.table(L.DEPTHWISE_WEIGHTS, packTapsInt8(weights.values as Int8Array, kh, kw, 0));
  r.table(L.DEPTHWISE_BIAS, packLanes(Float64Array, bias));
  r.table(L.DEPTHWISE_SCALE, packLanes(Float64Array, scale));
}
