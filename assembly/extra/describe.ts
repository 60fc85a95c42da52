import { FAULT_OPCODE, OP_CUMSUM, OP_DETECTION_POSTPROCESS, OP_DFT, OP_ELEMENTWISE, OP_FUNCTION, OP_GATHER_ND,
  OP_GRID_SAMPLE, OP_MAX_POOL_INDICES, OP_NON_MAX_SUPPRESSION, OP_NORMALIZE, OP_RECURRENCE, OP_RESAMPLE, OP_SCATTER,
  OP_TOP_K, OP_WIDE_BINARY, OP_WIDE_CONV2D, OP_WIDE_CONVERT, OP_WIDE_DEPTHWISE_CONV2D, RECORD_OPCODE } from '../layout';
import { fail } from '../record';
import { describeCumsum } from './cumsum';
import { describeDetectionPostprocess } from './detectionPostprocess';
import { describeDft } from './dft';
import { describeElementwise } from './elementwise';
import { describeFunction } from './function';
import { describeGatherNd } from './gatherNd';
import { describeGridSample } from './gridSample';
import { describeResample } from './resample';
import { describeNormalize } from './normalize';
import { describeMaxPoolIndices } from './maxPoolIndices';
import { describeNonMaxSuppression } from './nonMaxSuppression';
import { describeRecurrence } from './recurrence';
import { describeScatter } from './scatter';
import { describeTopK } from './topK';
import { describeWideBinary } from './wideBinary';
import { describeWideConv2d } from './wideConv2d';
import { describeWideConvert } from './wideConvert';
import { describeWideDepthwiseConv2d } from './wideDepthwiseConv2d';

// The cases are in the order of the opcodes, as in index.ts.

/** Describes a record of the extra module. */
export function describe(r: usize): void {
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
