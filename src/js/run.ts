import * as L from '../../assembly/layout';
import { runArgmax } from './argmax';
import { runBatchMatmul } from './batchMatmul';
import { runBinary } from './binary';
import { runCast } from './cast';
import { prepareConv2d, runConv2d } from './conv2d';
import { runCopy } from './copy';
import { prepareDepthwiseConv2d, runDepthwiseConv2d } from './depthwiseConv2d';
import { runDequantize } from './dequantize';
import { prepareDetectionPostprocess, runDetectionPostprocess } from './extra/detectionPostprocess';
import { prepareDft, runDft } from './extra/dft';
import { prepareNonMaxSuppression, runNonMaxSuppression } from './extra/nonMaxSuppression';
import { prepareRecurrence, runRecurrence } from './extra/recurrence';
import { prepareTopK, runTopK } from './extra/topK';
import { prepareWideConv2d, runWideConv2d } from './extra/wideConv2d';
import { prepareWideDepthwiseConv2d, runWideDepthwiseConv2d } from './extra/wideDepthwiseConv2d';
import { runCumsum } from './extra/cumsum';
import { runElementwise } from './extra/elementwise';
import { runFunction } from './extra/function';
import { runGatherNd } from './extra/gatherNd';
import { runGridSample } from './extra/gridSample';
import { runMaxPoolIndices } from './extra/maxPoolIndices';
import { runNormalize } from './extra/normalize';
import { runResample } from './extra/resample';
import { runScatter } from './extra/scatter';
import { runWideBinary } from './extra/wideBinary';
import { runWideConvert } from './extra/wideConvert';
import { runFill } from './fill';
import { runGather } from './gather';
import { prepareHybridConv2d, runHybridConv2d } from './hybridConv2d';
import { runL2Normalize } from './l2Normalize';
import { runLogSoftmax } from './logSoftmax';
import type { Memory } from './memory';
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

type Operator = (r: number, m: Memory) => void;

/** The function of each opcode that runs its records. */
const operators: Operator[] = [];
/** The functions that compute at load what their records need. */
const preparations: Operator[] = [];

operators[L.OP_CONV2D] = runConv2d;
operators[L.OP_DEPTHWISE_CONV2D] = runDepthwiseConv2d;
operators[L.OP_POOL2D] = runPool2d;
operators[L.OP_REDUCE] = runReduce;
operators[L.OP_BINARY] = runBinary;
operators[L.OP_UNARY] = runUnary;
operators[L.OP_SOFTMAX] = runSoftmax;
operators[L.OP_LOG_SOFTMAX] = runLogSoftmax;
operators[L.OP_L2_NORMALIZE] = runL2Normalize;
operators[L.OP_COPY] = runCopy;
operators[L.OP_FILL] = runFill;
operators[L.OP_RESIZE2D] = runResize2d;
operators[L.OP_ARGMAX] = runArgmax;
operators[L.OP_BATCH_MATMUL] = runBatchMatmul;
operators[L.OP_QUANTIZE] = runQuantize;
operators[L.OP_DEQUANTIZE] = runDequantize;
operators[L.OP_CAST] = runCast;
operators[L.OP_HYBRID_CONV2D] = runHybridConv2d;
operators[L.OP_RECURRENT] = runRecurrent;
operators[L.OP_SVDF] = runSvdf;
operators[L.OP_GATHER] = runGather;
operators[L.OP_SPARSE_CONV2D] = runSparseConv2d;
operators[L.OP_SPARSE_RECURRENT] = runRecurrent;
operators[L.OP_NIBBLE_PRODUCT] = runNibbleProduct;
operators[L.OP_ELEMENTWISE] = runElementwise;
operators[L.OP_GATHER_ND] = runGatherNd;
operators[L.OP_CUMSUM] = runCumsum;
operators[L.OP_DETECTION_POSTPROCESS] = runDetectionPostprocess;
operators[L.OP_FUNCTION] = runFunction;
operators[L.OP_NORMALIZE] = runNormalize;
operators[L.OP_TOP_K] = runTopK;
operators[L.OP_SCATTER] = runScatter;
operators[L.OP_RESAMPLE] = runResample;
operators[L.OP_GRID_SAMPLE] = runGridSample;
operators[L.OP_NON_MAX_SUPPRESSION] = runNonMaxSuppression;
operators[L.OP_WIDE_CONV2D] = runWideConv2d;
operators[L.OP_WIDE_DEPTHWISE_CONV2D] = runWideDepthwiseConv2d;
operators[L.OP_WIDE_BINARY] = runWideBinary;
operators[L.OP_MAX_POOL_INDICES] = runMaxPoolIndices;
operators[L.OP_WIDE_CONVERT] = runWideConvert;
operators[L.OP_DFT] = runDft;
operators[L.OP_RECURRENCE] = runRecurrence;

preparations[L.OP_CONV2D] = prepareConv2d;
preparations[L.OP_DEPTHWISE_CONV2D] = prepareDepthwiseConv2d;
preparations[L.OP_HYBRID_CONV2D] = prepareHybridConv2d;
preparations[L.OP_RECURRENT] = prepareRecurrent;
preparations[L.OP_SVDF] = prepareSvdf;
preparations[L.OP_SPARSE_CONV2D] = prepareSparseConv2d;
preparations[L.OP_SPARSE_RECURRENT] = prepareRecurrent;
preparations[L.OP_NIBBLE_PRODUCT] = prepareNibbleProduct;
preparations[L.OP_DETECTION_POSTPROCESS] = prepareDetectionPostprocess;
preparations[L.OP_TOP_K] = prepareTopK;
preparations[L.OP_NON_MAX_SUPPRESSION] = prepareNonMaxSuppression;
preparations[L.OP_WIDE_CONV2D] = prepareWideConv2d;
preparations[L.OP_WIDE_DEPTHWISE_CONV2D] = prepareWideDepthwiseConv2d;
preparations[L.OP_DFT] = prepareDft;
preparations[L.OP_RECURRENCE] = prepareRecurrence;

/** Calls the function of each record at plan offsets in [from, to). */
function each(functions: Operator[], m: Memory, from: number, to: number): void {
  for (let r = from; r < to; r += m.plan[(r + L.RECORD_SIZE) >> 2]!) {
    const operator = functions[m.plan[r >> 2]! & 255];
    if (operator) operator(r, m);
  }
}

/** Computes at load what the records need, and provides their working memory. */
export function prepare(m: Memory): void {
  each(preparations, m, 0, m.plan.length * 4);
}

export function run(m: Memory, from: number, to: number): void {
  each(operators, m, from, to);
}
