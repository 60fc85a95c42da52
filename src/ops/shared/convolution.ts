import * as L from '../../../assembly/layout';
import { elementCount, elementSize, input, perTensor, type DType, type AnyNode, type Tensor } from '../../graph/graph';
import type { FusedActivation, HybridMode, Padding, Pair } from '../../graph/operators';
import type { Emitter } from '../emitter';
import { emitConversion, emitQuantize } from './convert';
import { fewRows, fitFourBits, staysPacked } from './nibbles';
import { foldZeroPoint, packFloat32, packInt4, packInt8, packLanes, rowSums } from './pack';
import { activationRange, quantizedRange } from './quantized';
import { demand, demandWhole, requireTypes, shapeText, unsupported } from './refuse';
import { f32 } from './rounding';
import { density, patternCode, sparseWeights } from './sparse';
import { wideConvTables } from './wide';
import { winogradTiling } from './winograd';

/** Bytes of gathered rows. Those of int8 need not stay in the first-level cache. */
const BLOCK_BYTES = 32768;
const INT8_BYTES = 65536;
const MOST_ROWS = 64;
/** A multiple of the 4 and 6 rows of the tiles of int8. */
const INT8_TILE = 12;
const MOST_INT8_ROWS = 60;
/** Fewer rows of int8 share too little of the preparation of a panel, up to MOST_BYTES. */
const LEAST_INT8_ROWS = 24;
const MOST_BYTES = 2 ** 20;

/** Largest K of a record, and of one with lists of weights or activations quantized at run time. */
const MAX_K = 2 ** 22;
const MAX_K_LISTED = 65536;

/** A convolution as the core runs it: one phase, groups, and an output that may be strided. */
export interface ConvGeometry {
  batch: number;
  inH: number;
  inW: number;
  inC: number;
  outH: number;
  outW: number;
  outC: number;
  kernel: Pair;
  stride: Pair;
  dilation: Pair;
  padTop: number;
  padLeft: number;
  groups: number;
  pixelStride: number;
  rowStride: number;
  batchStride: number;
  /** Index of the output element for pixel (0, 0). */
  outOffset: number;
}

/** Weights [outC][K], K in [kh][kw][ci] order, with bias and zero point. */
export interface ConvWeights {
  values: Int8Array | Float32Array;
  K: number;
  bias: ArrayLike<number> | undefined;
  /** The type of the bias, which decides how sums of int16 activations are rounded. */
  biasType: DType | undefined;
  tensor: Tensor;
}

/** The output shape [N, OH, OW, channels] of a kernel that slides over an image. */
export function windowsShape(
  node: AnyNode,
  [n, h, w]: readonly number[],
  kernel: Pair,
  { stride, dilation = [1, 1], padding }: { stride: Pair; dilation?: Pair; padding: Padding },
  channels: number,
): number[] {
  demandWhole(node, 'stride', stride, 1);
  demandWhole(node, 'dilation', dilation, 1);
  demandWhole(node, 'padding', padding, 0);
  return [n!, outSize(h!, kernel[0], stride[0], dilation[0], padding[0] + padding[2]),
    outSize(w!, kernel[1], stride[1], dilation[1], padding[1] + padding[3]), channels];
}

/** Checks that a bias, if there is one, has one entry per output channel. */
export function demandBias(node: AnyNode, channels: number): void {
  const bias = node.inputs[2];
  demand(
    node,
    !bias || elementCount(bias.shape) === channels,
    `its bias ${shapeText(bias?.shape ?? [])} does not have ${channels} entries`,
  );
}

/** Output size along one dimension, in pixels. */
export function outSize(size: number, kernel: number, stride: number, dilation: number, padding: number): number {
  return Math.floor((size + padding - (kernel - 1) * dilation - 1) / stride) + 1;
}

/** The weights and bias of a node. Both must be constant, of matching types. */
export function constantWeights(node: AnyNode): ConvWeights {
  const x = input(node, 0);
  const tensor = input(node, 1);
  const bias = node.inputs[2];
  requireTypes(node, x, 'int8', 'int16', 'float32');
  if (!tensor.data) throw unsupported(node, 'its weights are computed by the network; they must be constant');
  if (bias && !bias.data) throw unsupported(node, 'its bias is computed by the network; it must be constant');
  const hybrid = 'hybrid' in node.attributes && node.attributes.hybrid !== undefined && x.dtype === 'float32' &&
    tensor.dtype === 'int8';
  const isWide = x.dtype === 'int16' && tensor.dtype === 'int8';
  if (tensor.dtype !== x.dtype && !hybrid && !isWide) {
    throw unsupported(node, `${x.dtype} input with ${tensor.dtype} weights; both must be of one type`);
  }
  if (bias?.data instanceof Float64Array && !isWide) throw unsupported(node, 'its bias does not fit in an int32');
  if (tensor.dtype === 'int8' && !tensor.quantization) throw unsupported(node, 'its int8 weights have no scale');
  if ((hybrid || isWide) && tensor.quantization!.zeroPoint.some((z) => z !== 0)) {
    throw unsupported(node, `its weights have a zero point; with ${x.dtype} activations it must be 0`);
  }
  if (tensor.quantization && tensor.quantization.scale.length > 1 &&
    tensor.quantization.zeroPoint.some((z) => z !== 0))
  {
    throw unsupported(node, 'its weights have a zero point per channel; it must be 0 there');
  }
  return {
    values: tensor.data as Int8Array | Float32Array,
    K: elementCount(tensor.shape.slice(1)),
    bias: bias?.data,
    biasType: bias?.dtype,
    tensor,
  };
}

/** Geometry of dense images; the caller fills in the kernel's fields. */
export function denseGeometry(
  x: Tensor,
  y: Tensor,
): Omit<ConvGeometry, 'kernel' | 'stride' | 'dilation' | 'padTop' | 'padLeft' | 'groups'> {
  const [batch, inH, inW, inC] = x.shape as [number, number, number, number];
  const [, outH, outW, outC] = y.shape as [number, number, number, number];
  return {
    batch,
    inH,
    inW,
    inC,
    outH,
    outW,
    outC,
    pixelStride: outC,
    rowStride: outW * outC,
    batchStride: outH * outW * outC,
    outOffset: 0,
  };
}

/** The opcode of a convolution's record and its length in bytes. */
function recordType(x: Tensor, isHybrid: boolean, isSparse: boolean): [opcode: number, bytes: number] {
  if (x.dtype === 'int16') return [L.OP_WIDE_CONV2D, L.CONV2D_BYTES];
  if (isHybrid) return [L.OP_HYBRID_CONV2D, L.CONV2D_BYTES];
  if (isSparse) return [L.OP_SPARSE_CONV2D, L.SPARSE_BYTES];
  return [L.OP_CONV2D, L.CONV2D_BYTES];
}

/**
 * Merges groups of fewer than 8 output channels, as those of depthwise layers, so that a panel is
 * full. The products of a group's inputs with the other groups' outputs get weights of 0, and the
 * sums, which are integers, do not change. There are as many panels times K as before, but fewer
 * rows to gather and sums to requantize.
 */
function withMergedGroups(g: ConvGeometry, weights: ConvWeights): [ConvGeometry, ConvWeights] {
  const N = g.outC / g.groups;
  let merged = Math.max(1, Math.min(Math.floor(8 / N), Math.floor(MAX_K_LISTED / weights.K)));
  while (g.groups % merged !== 0) merged--;
  if (merged === 1) return [g, weights];
  const C = g.inC / g.groups;
  const values = weights.values as Int8Array;
  const K = weights.K * merged;
  const zero = weights.tensor.quantization?.zeroPoint[0] ?? 0;
  const all = new Int8Array(g.outC * K).fill(zero);
  for (let n = 0; n < g.outC; n++) {
    const first = Math.floor(n / N) % merged * C;
    for (let k = 0; k < weights.K; k++) {
      const tap = Math.floor(k / C);
      all[n * K + tap * C * merged + first + k % C] = values[n * weights.K + k]!;
    }
  }
  return [{ ...g, groups: g.groups / merged }, { ...weights, values: all, K }];
}

/** Emits one conv2d record with its packed weights. */
export function emitConv(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  weights: ConvWeights,
  g: ConvGeometry,
  activation: FusedActivation,
  macs: number,
  hybrid?: HybridMode,
): void {
  const isHybrid = hybrid !== undefined && weights.tensor.dtype === 'int8' && x.dtype === 'float32';
  if (isHybrid || x.dtype === 'int8') [g, weights] = withMergedGroups(g, weights);
  const { K } = weights;
  const largestK = isHybrid ? MAX_K_LISTED : MAX_K;
  if (K > largestK) throw unsupported(node, `each output sums ${K} products; at most ${largestK} fit`);
  const int8 = x.dtype === 'int8';
  if (int8 && largestSum(x, weights) >= 2 ** 31) {
    emitInFloat(node, emit, x, y, weights, g, activation, macs);
    return;
  }
  const weightsZero = weights.tensor.quantization?.zeroPoint[0] ?? 0;
  const rows = int8 && staysPacked(weights.values, emit, weightsZero) ? fewRows(g, K, emit) : undefined;
  const tiling = int8 && emit.options.winograd !== false ? winogradTiling(g, weightsZero) : undefined;
  const blockRows = tiling?.rows ?? rowsOfBlock(x.dtype, K, g.outH * g.outW);
  const sparse = int8 && g.groups === 1 && K <= MAX_K_LISTED
    ? sparseWeights({
      values: weights.values as Int8Array,
      N: g.outC,
      K,
      zero: weightsZero,
      pixels: g.outH * g.outW,
      taps: g.kernel[0] * g.kernel[1],
      hasFourBits: fitFourBits(weights.values, weightsZero),
      isPacked: rows !== undefined,
      tiledTime: tiling?.time,
    }, emit.options.weightLayout)
    : undefined;
  if (rows !== undefined && !sparse) {
    emitNibbles(node, emit, x, y, weights, rows, activation, macs);
    return;
  }
  const [opcode, bytes] = recordType(x, isHybrid, sparse !== undefined);
  const r = emit.record(opcode, bytes, x.dtype, node, node.op, macs);
  r.source(L.CONV2D_SOURCE, x);
  r.target(L.CONV2D_TARGET, y, g.outOffset * elementSize(y.dtype));
  r.ints(L.CONV2D_BATCH, [g.batch, g.inH, g.inW, g.inC, g.outH, g.outW, g.outC, ...g.kernel, ...g.stride, ...g.dilation,
    g.padTop, g.padLeft, g.groups, sparse?.tile ?? blockRows]);
  r.ints(L.CONV2D_PIXEL_STRIDE, [g.pixelStride, g.rowStride, g.batchStride]);
  if (isHybrid) {
    const [low, high] = activationRange(activation);
    const scales = weights.tensor.quantization!.scale;
    r.table(L.CONV2D_WEIGHTS, packInt8(weights.values as Int8Array, K, g.outC, g.groups), Math.ceil(K / 4));
    r.table(L.CONV2D_BIAS, packLanes(Float32Array, weights.bias ?? new Float32Array(g.outC), g.groups));
    r.table(
      L.CONV2D_SCALE,
      packLanes(
        Float32Array,
        Float32Array.from({ length: g.outC }, (_, c) => scales[scales.length === 1 ? 0 : c]!),
        g.groups,
      ),
    );
    r.table(L.HYBRID_SUMS, packLanes(Int32Array, rowSums(weights.values, K), g.groups));
    r.int(L.HYBRID_MODE, hybrid === 'asymmetric' ? L.HYBRID_ASYMMETRIC : L.HYBRID_SYMMETRIC);
    r.float(L.CONV2D_MIN, low);
    r.float(L.CONV2D_MAX, high);
  } else if (int8) {
    const zero = perTensor(x).zeroPoint;
    const [low, high] = quantizedRange(activation, y);
    if (sparse) {
      r.table(L.CONV2D_WEIGHTS, sparse.weights);
      r.table(L.SPARSE_DELTAS, sparse.deltas);
      r.table(L.SPARSE_COUNTS, sparse.counts);
      r.int(L.SPARSE_ENTRIES, sparse.deltas.length);
      r.int(L.SPARSE_PATTERN, patternCode(sparse.layout));
      r.layout(sparse.layout, density([weights.values], weightsZero));
    } else {
      r.table(
        L.CONV2D_WEIGHTS,
        packInt8(weights.values as Int8Array, K, g.outC, g.groups, weightsZero),
        Math.ceil(K / 4),
      );
    }
    r.table(
      L.CONV2D_BIAS,
      packLanes(Int32Array, foldZeroPoint(rowSums(weights.values, K, weightsZero), zero, weights.bias), g.groups),
    );
    r.table(L.CONV2D_SCALE, packLanes(Float32Array, requantizeScales(x, weights.tensor, y, g.outC), g.groups));
    r.int(L.CONV2D_SOURCE_ZERO, zero);
    r.int(L.CONV2D_WEIGHTS_ZERO, weightsZero);
    r.int(L.CONV2D_TARGET_ZERO, perTensor(y).zeroPoint);
    r.int(L.CONV2D_MIN, low);
    r.int(L.CONV2D_MAX, high);
  } else if (x.dtype === 'int16') {
    wideConvTables(r, x, y, weights, g, activation);
  } else {
    const [low, high] = activationRange(activation);
    r.table(L.CONV2D_WEIGHTS, packFloat32(weights.values as Float32Array, K, g.outC, g.groups));
    r.table(L.CONV2D_BIAS, packLanes(Float32Array, weights.bias ?? new Float32Array(g.outC), g.groups));
    r.float(L.CONV2D_MIN, low);
    r.float(L.CONV2D_MAX, high);
  }
}

/** Output pixels that the core processes at a time. */
function rowsOfBlock(dtype: DType, K: number, pixels: number): number {
  const rowBytes = dtype === 'float32' ? K * 4 : Math.ceil(K / 4) * 8;
  const fitting = (bytes: number, tile: number): number => Math.floor(bytes / rowBytes / tile) * tile;
  const rows = dtype === 'int8'
    ? Math.min(
      Math.max(fitting(INT8_BYTES, INT8_TILE), Math.min(LEAST_INT8_ROWS, fitting(MOST_BYTES, 4))),
      MOST_INT8_ROWS,
    )
    : Math.min(fitting(BLOCK_BYTES, 4), MOST_ROWS);
  return Math.max(4, Math.min(rows, Math.ceil(pixels / 4) * 4));
}

/** Emits the product of int8 rows with a matrix of 4-bit weights, which stays packed. */
function emitNibbles(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  { values, K, bias, tensor }: ConvWeights,
  rows: number,
  activation: FusedActivation,
  macs: number,
): void {
  const zero = tensor.quantization?.zeroPoint[0] ?? 0;
  const N = values.length / K;
  const sums = foldZeroPoint(rowSums(values, K, zero), perTensor(x).zeroPoint, bias);
  const r = emit.record(L.OP_NIBBLE_PRODUCT, L.NIBBLE_PRODUCT_BYTES, 'int8', node, node.op, macs);
  r.source(L.NIBBLE_PRODUCT_SOURCE, x);
  r.target(L.NIBBLE_PRODUCT_TARGET, y);
  r.table(L.NIBBLE_PRODUCT_WEIGHTS, packInt4(values as Int8Array, K, N, 1, zero));
  r.table(L.NIBBLE_PRODUCT_BIAS, packLanes(Int32Array, sums));
  r.table(L.NIBBLE_PRODUCT_SCALE, packLanes(Float32Array, requantizeScales(x, tensor, y, N)));
  r.ints(L.NIBBLE_PRODUCT_ROWS, [rows, K, N, perTensor(y).zeroPoint, ...quantizedRange(activation, y)]);
  r.layout('nibbles', density([values], zero));
}

/**
 * Upper limit of |accumulator|: |bias| + max |a − za|·Σ|w − zw|. Only the last sum counts, because
 * integers wrap around.
 */
function largestSum(x: Tensor, { values, K, bias, tensor }: ConvWeights): number {
  const zero = tensor.quantization?.zeroPoint[0] ?? 0;
  const { zeroPoint } = perTensor(x);
  const reach = Math.max(127 - zeroPoint, zeroPoint + 128);
  let largest = 0;
  for (let c = 0; c * K < values.length; c++) {
    let sum = 0;
    for (let k = c * K; k < (c + 1) * K; k++) sum += Math.abs(values[k]! - zero);
    largest = Math.max(largest, reach * sum + Math.abs(bias?.[c] ?? 0));
  }
  return largest;
}

/** Emits an int8 convolution whose sums may overflow in float32, with one rounding at the end. */
function emitInFloat(
  node: AnyNode,
  emit: Emitter,
  x: Tensor,
  y: Tensor,
  weights: ConvWeights,
  g: ConvGeometry,
  activation: FusedActivation,
  macs: number,
): void {
  if (g.pixelStride !== g.outC || g.rowStride !== g.outW * g.outC) {
    throw unsupported(node, 'its accumulators may overflow 32 bits');
  }
  const { K } = weights;
  const { scale, zeroPoint } = weights.tensor.quantization!;
  const unit = (i: number): number => perTensor(x).scale * scale[scale.length === 1 ? 0 : i]!;
  const plain = ({ name, shape }: Tensor): Tensor => ({ name: `${name} (float32)`, shape, dtype: 'float32' });
  const values = Float32Array.from(weights.values, (w, i) => (w - (zeroPoint[0] ?? 0)) * unit(Math.floor(i / K)));
  const bias = weights.bias && Float32Array.from(weights.bias, (b, c) => b * unit(c));
  const [from, to] = [plain(x), plain(y)];
  emitConversion(node, emit, x, from, L.OP_DEQUANTIZE, 1, perTensor(x).zeroPoint);
  emitConv(
    node,
    emit,
    from,
    to,
    { values, K, bias, biasType: 'float32', tensor: plain(weights.tensor) },
    g,
    activation,
    macs,
  );
  emitQuantize(node, emit, to, y);
}

/**
 * fround(fround(sx·sw)/sy) per output channel: the scale that XNNPACK's fp32 requantization uses.
 */
export function requantizeScales(x: Tensor, weights: Tensor, y: Tensor, channels: number): Float32Array {
  const sx = f32(perTensor(x).scale);
  const sy = f32(perTensor(y).scale);
  const sw = weights.quantization!.scale;
  return Float32Array.from({ length: channels }, (_, c) => f32(f32(sx * f32(sw[sw.length === 1 ? 0 : c]!)) / sy));
}
