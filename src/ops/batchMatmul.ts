import * as L from '../../assembly/layout';
import { elementCount, elementSize, input, output, perTensor, type Tensor } from '../graph/graph';
import type { Operator } from './operator';
import { emitDequantize, emitQuantize } from './shared/convert';
import { demand, requireTypes, shapeText, unsupported } from './shared/refuse';
import { f32 } from './shared/rounding';
import { broadcastShape } from '../graph/broadcast';
import { broadcastStrides } from './shared/shapes';

/**
 * Largest K for int8: |a − za|·|b − zb| ≤ 255², so more products may overflow int32. Longer sums
 * are computed in float32 and rounded once at the end.
 */
const MAX_K_INT8 = 32768;
const MAX_K_F32 = 2 ** 22;

export const batchMatmul: Operator<'batchMatmul'> = {
  quantization: 'free',
  stream: 'none',
  isChannelwise: false,
  infer(node) {
    const a = input(node, 0).shape;
    const b = input(node, 1).shape;
    const { transposeA, transposeB } = node.attributes;
    const batch = broadcastShape(a.slice(0, -2), b.slice(0, -2));
    const isInnerEqual = a.length > 1 && b.length > 1 &&
      a[a.length - (transposeA ? 2 : 1)] === b[b.length - (transposeB ? 1 : 2)];
    demand(
      node,
      batch !== undefined && isInnerEqual,
      `${shapeText(a)}${transposeA ? ' transposed' : ''} times ${shapeText(b)}${
        transposeB ? ' transposed' : ''
      } is not possible`,
    );
    return [[...batch!, a[a.length - (transposeA ? 1 : 2)]!, b[b.length - (transposeB ? 2 : 1)]!]];
  },
  lower(node, emit) {
    const a = input(node, 0);
    const b = input(node, 1);
    const y = output(node);
    const { transposeA, transposeB } = node.attributes;
    requireTypes(node, a, 'int8', 'float32');
    if (b.dtype !== a.dtype) throw unsupported(node, `${a.dtype} times ${b.dtype}; both must be of one type`);
    const M = y.shape[y.shape.length - 2]!;
    const N = y.shape[y.shape.length - 1]!;
    const K = a.shape[a.shape.length - (transposeA ? 2 : 1)]!;
    if (a.dtype === 'int8' && K > MAX_K_INT8) {
      const [fromA, fromB, to] = [a, b, y].map(({ name, shape }): Tensor => ({
        name: `${name} (float32)`,
        shape,
        dtype: 'float32',
      })) as [Tensor, Tensor, Tensor];
      emitDequantize(node, emit, a, fromA);
      emitDequantize(node, emit, b, fromB);
      batchMatmul.lower({ ...node, inputs: [fromA, fromB], outputs: [to] }, emit);
      emitQuantize(node, emit, to, y);
      return;
    }
    if (K > MAX_K_F32) throw unsupported(node, `each output sums ${K} products; at most ${MAX_K_F32} are possible`);
    const batch = y.shape.slice(0, -2);
    const size = elementSize(y.dtype);
    const strideA = broadcastStrides(a.shape.slice(0, -2), batch).map((s) => s * M * K);
    const strideB = broadcastStrides(b.shape.slice(0, -2), batch).map((s) => s * K * N);
    const emitBatches = (
      count: number,
      stepA: number,
      stepB: number,
      offsetA: number,
      offsetB: number,
      offsetY: number,
    ): void => {
      const r = emit.record(L.OP_BATCH_MATMUL, L.BATCH_MATMUL_BYTES, y.dtype, node, node.op, count * M * N * K);
      r.source(L.BATCH_MATMUL_A, a, offsetA * size);
      r.source(L.BATCH_MATMUL_B, b, offsetB * size);
      r.target(L.BATCH_MATMUL_TARGET, y, offsetY * size);
      r.ints(L.BATCH_MATMUL_BATCH, [count, M, K, N, stepA, stepB, Number(transposeA), Number(transposeB)]);
      if (a.dtype === 'float32') {
        r.float(L.BATCH_MATMUL_MIN, -Infinity);
        r.float(L.BATCH_MATMUL_MAX, Infinity);
      } else {
        const qa = perTensor(a);
        const qb = perTensor(b);
        const qy = perTensor(y);
        r.int(L.BATCH_MATMUL_A_ZERO, qa.zeroPoint);
        r.int(L.BATCH_MATMUL_B_ZERO, qb.zeroPoint);
        r.float(L.BATCH_MATMUL_SCALE, f32(f32(f32(qa.scale) * f32(qb.scale)) / f32(qy.scale)));
        r.int(L.BATCH_MATMUL_TARGET_ZERO, qy.zeroPoint);
        r.int(L.BATCH_MATMUL_MIN, -128);
        r.int(L.BATCH_MATMUL_MAX, 127);
      }
    };
    const count = elementCount(batch);
    if (even(batch, strideA, M * K) && even(batch, strideB, K * N)) {
      emitBatches(count, step(batch, strideA), step(batch, strideB), 0, 0, 0);
      return;
    }
    for (let i = 0; i < count; i++) {
      let rest = i;
      let offsetA = 0;
      let offsetB = 0;
      for (let d = batch.length - 1; d >= 0; d--) {
        const index = rest % batch[d]!;
        rest = (rest - index) / batch[d]!;
        offsetA += index * strideA[d]!;
        offsetB += index * strideB[d]!;
      }
      emitBatches(1, 0, 0, offsetA, offsetB, i * M * N);
    }
  },
};

/** Whether a constant stride per matrix visits all batches: all dense, or all broadcast. */
function even(batch: number[], strides: number[], matrix: number): boolean {
  let dense = matrix;
  const walked = batch.map((size, i) => ({ size, stride: strides[i]! })).filter((d) => d.size > 1).reverse();
  if (walked.every((d) => d.stride === 0)) return true;
  return walked.every((d) => {
    const fits = d.stride === dense;
    dense *= d.size;
    return fits;
  });
}

function step(batch: number[], strides: number[]): number {
  for (let i = batch.length - 1; i >= 0; i--) if (batch[i]! > 1) return strides[i]!;
  return 0;
}
