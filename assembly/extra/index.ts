// The extra module holds the operators that few networks need, so that the core stays small. The
// host instantiates it on the core's memory when a plan has one of its records, and the core calls
// `extra` directly. Its records run on thread 0 alone.
import { EXTRA_PREPARE, EXTRA_RUN, EXTRA_UNIFY, EXTRA_VALIDATE, FAULT_NONE, OP_CUMSUM, OP_DETECTION_POSTPROCESS, OP_DFT,
  OP_ELEMENTWISE, OP_FUNCTION, OP_GATHER_ND, OP_GRID_SAMPLE, OP_MAX_POOL_INDICES, OP_NON_MAX_SUPPRESSION, OP_NORMALIZE,
  OP_RECURRENCE, OP_RESAMPLE, OP_SCATTER, OP_TOP_K, OP_WIDE_BINARY, OP_WIDE_CONV2D, OP_WIDE_CONVERT,
  OP_WIDE_DEPTHWISE_CONV2D, RECORD_OPCODE } from '../layout';
import { beginUnifying, beginWalk, endRecord, faultOf, scratchOf } from '../record';
import { takePart } from '../threads';
import { describe } from './describe';
import { runCumsum } from './cumsum';
import { runDetectionPostprocess } from './detectionPostprocess';
import { runDft } from './dft';
import { runElementwise } from './elementwise';
import { runFunction } from './function';
import { runGatherNd } from './gatherNd';
import { runGridSample } from './gridSample';
import { runResample } from './resample';
import { runNormalize } from './normalize';
import { runMaxPoolIndices } from './maxPoolIndices';
import { runNonMaxSuppression } from './nonMaxSuppression';
import { runRecurrence } from './recurrence';
import { runScatter } from './scatter';
import { runTopK } from './topK';
import { runWideBinary } from './wideBinary';
import { runWideConv2d } from './wideConv2d';
import { runWideConvert } from './wideConvert';
import { runWideDepthwiseConv2d } from './wideDepthwiseConv2d';

export { register } from '../threads';

// The cases are in the order of the opcodes, as in describe.ts.

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
  if (phase == EXTRA_UNIFY) beginUnifying();
  else beginWalk(phase == EXTRA_PREPARE);
  describe(r);
  if (phase == EXTRA_VALIDATE) endRecord();
  return faultOf() == FAULT_NONE ? scratchOf() : <f64>-faultOf();
}
