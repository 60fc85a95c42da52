import { FAULT_OPCODE, OP_ARGMAX, OP_BATCH_MATMUL, OP_BINARY, OP_CAST, OP_CONV2D, OP_COPY, OP_DEPTHWISE_CONV2D,
  OP_DEQUANTIZE, OP_FILL, OP_GATHER, OP_HYBRID_CONV2D, OP_L2_NORMALIZE, OP_LOG_SOFTMAX, OP_NIBBLE_PRODUCT, OP_POOL2D,
  OP_QUANTIZE, OP_RECURRENT, OP_REDUCE, OP_RESIZE2D, OP_SOFTMAX, OP_SPARSE_CONV2D, OP_SPARSE_RECURRENT, OP_SVDF,
  OP_UNARY, RECORD_OPCODE } from './layout';
import { fail } from './record';
import { describeArgmax } from './ops/argmax';
import { describeBatchMatmul } from './ops/batchMatmul';
import { describeBinary } from './ops/binary';
import { describeCast } from './ops/cast';
import { describeConv2d } from './ops/conv2d';
import { describeCopy } from './ops/copy';
import { describeDepthwiseConv2d } from './ops/depthwiseConv2d';
import { describeDequantize } from './ops/dequantize';
import { describeFill } from './ops/fill';
import { describeGather } from './ops/gather';
import { describeHybridConv2d } from './ops/hybridConv2d';
import { describeL2Normalize } from './ops/l2Normalize';
import { describeLogSoftmax } from './ops/logSoftmax';
import { describeNibbleProduct } from './ops/nibbleProduct';
import { describePool2d } from './ops/pool2d';
import { describeQuantize } from './ops/quantize';
import { describeRecurrent } from './ops/recurrent/describe';
import { describeReduce } from './ops/reduce';
import { describeResize2d } from './ops/resize2d';
import { describeSoftmax } from './ops/softmax';
import { describeSparseConv2d } from './ops/sparseConv2d';
import { describeSvdf } from './ops/svdf';
import { describeUnary } from './ops/unary';

// The cases are in the order of the opcodes, as in run.ts.

/**
 * Describes a record of the core. src/build/records.mjs compiles these descriptions to JavaScript
 * too, for src/js.
 */
export function describe(r: usize): void {
  switch (<i32>load<u8>(r + RECORD_OPCODE)) {
    case OP_CONV2D:
      describeConv2d(r);
      break;
    case OP_DEPTHWISE_CONV2D:
      describeDepthwiseConv2d(r);
      break;
    case OP_POOL2D:
      describePool2d(r);
      break;
    case OP_REDUCE:
      describeReduce(r);
      break;
    case OP_BINARY:
      describeBinary(r);
      break;
    case OP_UNARY:
      describeUnary(r);
      break;
    case OP_SOFTMAX:
      describeSoftmax(r);
      break;
    case OP_LOG_SOFTMAX:
      describeLogSoftmax(r);
      break;
    case OP_L2_NORMALIZE:
      describeL2Normalize(r);
      break;
    case OP_COPY:
      describeCopy(r);
      break;
    case OP_FILL:
      describeFill(r);
      break;
    case OP_RESIZE2D:
      describeResize2d(r);
      break;
    case OP_ARGMAX:
      describeArgmax(r);
      break;
    case OP_BATCH_MATMUL:
      describeBatchMatmul(r);
      break;
    case OP_QUANTIZE:
      describeQuantize(r);
      break;
    case OP_DEQUANTIZE:
      describeDequantize(r);
      break;
    case OP_CAST:
      describeCast(r);
      break;
    case OP_HYBRID_CONV2D:
      describeHybridConv2d(r);
      break;
    case OP_RECURRENT:
    case OP_SPARSE_RECURRENT:
      describeRecurrent(r);
      break;
    case OP_SVDF:
      describeSvdf(r);
      break;
    case OP_GATHER:
      describeGather(r);
      break;
    case OP_SPARSE_CONV2D:
      describeSparseConv2d(r);
      break;
    case OP_NIBBLE_PRODUCT:
      describeNibbleProduct(r);
      break;
    default:
      fail(FAULT_OPCODE);
  }
}
