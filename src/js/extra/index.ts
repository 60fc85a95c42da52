import { describe } from '../../../build/records.extra.js';
import { beginWalk, endRecord, faultOf } from '../../../build/records.js';
import * as L from '../../../assembly/layout';
import { prepareDetectionPostprocess, runDetectionPostprocess } from './detectionPostprocess';
import { prepareDft, runDft } from './dft';
import { prepareNonMaxSuppression, runNonMaxSuppression } from './nonMaxSuppression';
import { prepareRecurrence, runRecurrence } from './recurrence';
import { prepareTopK, runTopK } from './topK';
import { prepareWideConv2d, runWideConv2d } from './wideConv2d';
import { prepareWideDepthwiseConv2d, runWideDepthwiseConv2d } from './wideDepthwiseConv2d';
import { runCumsum } from './cumsum';
import { runElementwise } from './elementwise';
import { runFunction } from './function';
import { runGatherNd } from './gatherNd';
import { runGridSample } from './gridSample';
import { runMaxPoolIndices } from './maxPoolIndices';
import { runNormalize } from './normalize';
import { runResample } from './resample';
import { runScatter } from './scatter';
import { runWideBinary } from './wideBinary';
import { runWideConvert } from './wideConvert';
import { readFrom } from '../load';
import type { PlainExtra } from '../run';

// The operators that few networks have: the extra module of the plain-JavaScript core.

/** The operators with opcodes from FIRST_EXTRA_OPCODE on */
export const extraOperators: PlainExtra = {
  flavor: 'js',
  run: {
    [L.OP_ELEMENTWISE]: runElementwise,
    [L.OP_GATHER_ND]: runGatherNd,
    [L.OP_CUMSUM]: runCumsum,
    [L.OP_DETECTION_POSTPROCESS]: runDetectionPostprocess,
    [L.OP_FUNCTION]: runFunction,
    [L.OP_NORMALIZE]: runNormalize,
    [L.OP_TOP_K]: runTopK,
    [L.OP_SCATTER]: runScatter,
    [L.OP_RESAMPLE]: runResample,
    [L.OP_GRID_SAMPLE]: runGridSample,
    [L.OP_NON_MAX_SUPPRESSION]: runNonMaxSuppression,
    [L.OP_WIDE_CONV2D]: runWideConv2d,
    [L.OP_WIDE_DEPTHWISE_CONV2D]: runWideDepthwiseConv2d,
    [L.OP_WIDE_BINARY]: runWideBinary,
    [L.OP_MAX_POOL_INDICES]: runMaxPoolIndices,
    [L.OP_WIDE_CONVERT]: runWideConvert,
    [L.OP_DFT]: runDft,
    [L.OP_RECURRENCE]: runRecurrence,
  },
  prepare: {
    [L.OP_DETECTION_POSTPROCESS]: prepareDetectionPostprocess,
    [L.OP_TOP_K]: prepareTopK,
    [L.OP_NON_MAX_SUPPRESSION]: prepareNonMaxSuppression,
    [L.OP_WIDE_CONV2D]: prepareWideConv2d,
    [L.OP_WIDE_DEPTHWISE_CONV2D]: prepareWideDepthwiseConv2d,
    [L.OP_DFT]: prepareDft,
    [L.OP_RECURRENCE]: prepareRecurrence,
  },
  validate(buffer, r) {
    readFrom(buffer);
    beginWalk(false);
    describe(r);
    endRecord();
    return faultOf();
  },
};
