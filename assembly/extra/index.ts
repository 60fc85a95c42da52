// The extra module holds the operators that few networks need, so that the core stays small. The
// host instantiates it on the core's memory when a plan has one of its records, and the core calls
// `extra` directly. Its records run on thread 0 alone.
import { EXTRA_PREPARE, EXTRA_RUN, FAULT_NONE, FAULT_OPCODE, OP_CUMSUM, OP_DETECTION_POSTPROCESS, OP_DFT,
  OP_ELEMENTWISE, OP_FUNCTION, OP_GATHER_ND, OP_GRID_SAMPLE, OP_MAX_POOL_INDICES, OP_NON_MAX_SUPPRESSION, OP_NORMALIZE,
  OP_RECURRENCE, OP_RESAMPLE, OP_SCATTER, OP_TOP_K, OP_WIDE_BINARY, OP_WIDE_CONV2D, OP_WIDE_CONVERT,
  OP_WIDE_DEPTHWISE_CONV2D, RECORD_OPCODE } from '../layout';
import { beginWalk, fail, faultOf, scratchOf } from '../record';
import { takePart } from '../threads';
import { describeCumsum, runCumsum } from './cumsum';
import { describeDetectionPostprocess, runDetectionPostprocess } from './detectionPostprocess';
import { describeDft, runDft } from './dft';
import { describeElementwise, runElementwise } from './elementwise';
import { describeFunction, runFunction } from './function';
import { describeGatherNd, runGatherNd } from './gatherNd';
import { describeGridSample, runGridSample } from './gridSample';
import { describeResample, runResample } from './resample';
import { describeNormalize, runNormalize } from './normalize';
import { describeMaxPoolIndices, runMaxPoolIndices } from './maxPoolIndices';
import { describeNonMaxSuppression, runNonMaxSuppression } from './nonMaxSuppression';
import { describeRecurrence, runRecurrence } from './recurrence';
import { describeScatter, runScatter } from './scatter';
import { describeTopK, runTopK } from './topK';
import { describeWideBinary, runWideBinary } from './wideBinary';
import { describeWideConv2d, runWideConv2d } from './wideConv2d';
import { describeWideConvert, runWideConvert } from './wideConvert';
import { describeWideDepthwiseConv2d, runWideDepthwiseConv2d } from './wideDepthwiseConv2d';

export { register } from '../threads';

// The cases of both switches are in the order of the opcodes.

function describe(r: usize): void {
  switch (<i32>load<u8>(r + RECORD_OPCODE)) {
    case OP_ELEMENTWISE:
      describeElementwise(r);
      break;
    case OP_GATHER_ND:
      describeGatherNd(r);
      break;
    case OP_CUMSUM:
      describeCumsum(r);
      break;
    case OP_DETECTION_POSTPROCESS:
      describeDetectionPostprocess(r);
      break;
    case OP_FUNCTION:
      describeFunction(r);
      break;
    case OP_NORMALIZE:
      describeNormalize(r);
      break;
    case OP_TOP_K:
      describeTopK(r);
      break;
    case OP_SCATTER:
      describeScatter(r);
      break;
    case OP_RESAMPLE:
      describeResample(r);
      break;
    case OP_GRID_SAMPLE:
      describeGridSample(r);
      break;
    case OP_NON_MAX_SUPPRESSION:
      describeNonMaxSuppression(r);
      break;
    case OP_WIDE_CONV2D:
      describeWideConv2d(r);
      break;
    case OP_WIDE_DEPTHWISE_CONV2D:
      describeWideDepthwiseConv2d(r);
      break;
    case OP_WIDE_BINARY:
      describeWideBinary(r);
      break;
    case OP_MAX_POOL_INDICES:
      describeMaxPoolIndices(r);
      break;
    case OP_WIDE_CONVERT:
      describeWideConvert(r);
      break;
    case OP_DFT:
      describeDft(r);
      break;
    case OP_RECURRENCE:
      describeRecurrence(r);
      break;
    default:
      fail(FAULT_OPCODE);
  }
}

function runRecord(r: usize): void {
  switch (<i32>load<u8>(r + RECORD_OPCODE)) {
    case OP_ELEMENTWISE:
      runElementwise(r);
      break;
    case OP_GATHER_ND:
      runGatherNd(r);
      break;
    case OP_CUMSUM:
      runCumsum(r);
      break;
    case OP_DETECTION_POSTPROCESS:
      runDetectionPostprocess(r);
      break;
    case OP_FUNCTION:
      runFunction(r);
      break;
    case OP_NORMALIZE:
      runNormalize(r);
      break;
    case OP_TOP_K:
      runTopK(r);
      break;
    case OP_SCATTER:
      runScatter(r);
      break;
    case OP_RESAMPLE:
      runResample(r);
      break;
    case OP_GRID_SAMPLE:
      runGridSample(r);
      break;
    case OP_NON_MAX_SUPPRESSION:
      runNonMaxSuppression(r);
      break;
    case OP_WIDE_CONV2D:
      runWideConv2d(r);
      break;
    case OP_WIDE_DEPTHWISE_CONV2D:
      runWideDepthwiseConv2d(r);
      break;
    case OP_WIDE_BINARY:
      runWideBinary(r);
      break;
    case OP_MAX_POOL_INDICES:
      runMaxPoolIndices(r);
      break;
    case OP_WIDE_CONVERT:
      runWideConvert(r);
      break;
    case OP_DFT:
      runDft(r);
      break;
    case OP_RECURRENCE:
      runRecurrence(r);
      break;
  }
}

/**
 * Validates, prepares or runs one record.
 *
 * @param phase an EXTRA_ code
 * @returns during EXTRA_VALIDATE the bytes of scratch that the record needs, or the negated FAULT_
 * code
 */
export function extra(r: usize, phase: i32): f64 {
  if (phase == EXTRA_RUN) {
    takePart(r);
    runRecord(r);
    return 0;
  }
  beginWalk(phase == EXTRA_PREPARE);
  describe(r);
  return faultOf() == FAULT_NONE ? scratchOf() : <f64>-faultOf();
}
