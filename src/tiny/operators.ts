import * as L from '../../assembly/layout';
import { runArgmax } from '../js/argmax';
import { runBatchMatmul } from '../js/batchMatmul';
import { runBinary } from '../js/binary';
import { runCast } from '../js/cast';
import { prepareConv2d, runConv2d } from '../js/conv2d';
import { runCopy } from '../js/copy';
import { prepareDepthwiseConv2d, runDepthwiseConv2d } from '../js/depthwiseConv2d';
import { runFill } from '../js/fill';
import { runGather } from '../js/gather';
import { runL2Normalize } from '../js/l2Normalize';
import { runLogSoftmax } from '../js/logSoftmax';
import { prepareNibbleProduct, runNibbleProduct } from '../js/nibbleProduct';
import { runPool2d } from '../js/pool2d';
import { prepareRecurrent, runRecurrent } from '../js/recurrent/run';
import { runReduce } from '../js/reduce';
import { runResize2d } from '../js/resize2d';
import { runSoftmax } from '../js/softmax';
import { prepareSparseConv2d, runSparseConv2d } from '../js/sparseConv2d';
import { prepareSvdf, runSvdf } from '../js/svdf';
import { runUnary } from '../js/unary';
import type { Operator, Operators } from '../js/run';

const run: Record<number, Operator> = {};
const prepare: Record<number, Operator> = {};

run[L.OP_CONV2D] = runConv2d;
run[L.OP_DEPTHWISE_CONV2D] = runDepthwiseConv2d;
run[L.OP_POOL2D] = runPool2d;
run[L.OP_REDUCE] = runReduce;
run[L.OP_BINARY] = runBinary;
run[L.OP_UNARY] = runUnary;
run[L.OP_SOFTMAX] = runSoftmax;
run[L.OP_LOG_SOFTMAX] = runLogSoftmax;
run[L.OP_L2_NORMALIZE] = runL2Normalize;
run[L.OP_COPY] = runCopy;
run[L.OP_FILL] = runFill;
run[L.OP_RESIZE2D] = runResize2d;
run[L.OP_ARGMAX] = runArgmax;
run[L.OP_BATCH_MATMUL] = runBatchMatmul;
run[L.OP_CAST] = runCast;
run[L.OP_RECURRENT] = runRecurrent;
run[L.OP_SVDF] = runSvdf;
run[L.OP_GATHER] = runGather;
run[L.OP_SPARSE_CONV2D] = runSparseConv2d;
run[L.OP_SPARSE_RECURRENT] = runRecurrent;
run[L.OP_NIBBLE_PRODUCT] = runNibbleProduct;

prepare[L.OP_CONV2D] = prepareConv2d;
prepare[L.OP_DEPTHWISE_CONV2D] = prepareDepthwiseConv2d;
prepare[L.OP_RECURRENT] = prepareRecurrent;
prepare[L.OP_SVDF] = prepareSvdf;
prepare[L.OP_SPARSE_CONV2D] = prepareSparseConv2d;
prepare[L.OP_SPARSE_RECURRENT] = prepareRecurrent;
prepare[L.OP_NIBBLE_PRODUCT] = prepareNibbleProduct;

/** The operators of int8 networks */
export const operators: Operators = { run, prepare };
