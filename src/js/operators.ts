import * as L from '../../assembly/layout';
import { runArgmax } from './argmax';
import { runBatchMatmul } from './batchMatmul';
import { runBinary } from './binary';
import { runCast } from './cast';
import { keptConv2d, prepareConv2d, runConv2d } from './conv2d';
import { runCopy } from './copy';
import { keptDepthwiseConv2d, prepareDepthwiseConv2d, runDepthwiseConv2d } from './depthwiseConv2d';
import { runDequantize } from './dequantize';
import { runFill } from './fill';
import { runGather } from './gather';
import { keptHybridConv2d, prepareHybridConv2d, runHybridConv2d } from './hybridConv2d';
import { runL2Normalize } from './l2Normalize';
import { runLogSoftmax } from './logSoftmax';
import { prepareNibbleProduct, runNibbleProduct } from './nibbleProduct';
import { runPool2d } from './pool2d';
import { runQuantize } from './quantize';
import { prepareRecurrent, runRecurrent } from './recurrent/run';
import { runReduce } from './reduce';
import { runResize2d } from './resize2d';
import { runSoftmax } from './softmax';
import { prepareSparseConv2d, runSparseConv2d } from './sparseConv2d';
import { prepareSvdf, runSvdf } from './svdf';
import { runUnary } from './unary';
import type { Memory } from './memory';
import type { Operators } from './run';

/** The operators with opcodes below FIRST_EXTRA_OPCODE */
export const operators: Operators = {
  run: {
    [L.OP_CONV2D]: runConv2d,
    [L.OP_DEPTHWISE_CONV2D]: runDepthwiseConv2d,
    [L.OP_POOL2D]: runPool2d,
    [L.OP_REDUCE]: runReduce,
    [L.OP_BINARY]: runBinary,
    [L.OP_UNARY]: runUnary,
    [L.OP_SOFTMAX]: runSoftmax,
    [L.OP_LOG_SOFTMAX]: runLogSoftmax,
    [L.OP_L2_NORMALIZE]: runL2Normalize,
    [L.OP_COPY]: runCopy,
    [L.OP_FILL]: runFill,
    [L.OP_RESIZE2D]: runResize2d,
    [L.OP_ARGMAX]: runArgmax,
    [L.OP_BATCH_MATMUL]: runBatchMatmul,
    [L.OP_QUANTIZE]: runQuantize,
    [L.OP_DEQUANTIZE]: runDequantize,
    [L.OP_CAST]: runCast,
    [L.OP_HYBRID_CONV2D]: runHybridConv2d,
    [L.OP_RECURRENT]: runRecurrent,
    [L.OP_SVDF]: runSvdf,
    [L.OP_GATHER]: runGather,
    [L.OP_SPARSE_CONV2D]: runSparseConv2d,
    [L.OP_SPARSE_RECURRENT]: runRecurrent,
    [L.OP_NIBBLE_PRODUCT]: runNibbleProduct,
  },
  prepare: {
    [L.OP_CONV2D]: prepareConv2d,
    [L.OP_DEPTHWISE_CONV2D]: prepareDepthwiseConv2d,
    [L.OP_HYBRID_CONV2D]: prepareHybridConv2d,
    [L.OP_RECURRENT]: prepareRecurrent,
    [L.OP_SVDF]: prepareSvdf,
    [L.OP_SPARSE_CONV2D]: prepareSparseConv2d,
    [L.OP_SPARSE_RECURRENT]: prepareRecurrent,
    [L.OP_NIBBLE_PRODUCT]: prepareNibbleProduct,
  },
};

/** The functions of opcodes that say what a record keeps, in bytes. */
const rooms: Record<number, (r: number, m: Memory) => number> = {
  [L.OP_CONV2D]: keptConv2d,
  [L.OP_DEPTHWISE_CONV2D]: keptDepthwiseConv2d,
  [L.OP_HYBRID_CONV2D]: keptHybridConv2d,
};

/** Bytes that the records keep beside the memory of the model. */
export function keptBytes(m: Memory): number {
  let bytes = 0;
  for (let r = 0; r < m.plan.length * 4; r += m.plan[(r + L.RECORD_SIZE) >> 2]!) {
    const kept = rooms[m.plan[r >> 2]! & 255];
    if (kept) bytes += kept(r, m);
  }
  return bytes;
}
