import { EXTRA_PREPARE, EXTRA_RUN, EXTRA_UNIFY, EXTRA_VALIDATE, FAULT_NONE, FAULT_OPCODE, FIRST_EXTRA_OPCODE,
  FAULT_RECORD_SIZE, MAP, MAP_PLAN, MAP_PLAN_BYTES, OP_ARGMAX, OP_BATCH_MATMUL, OP_BINARY, OP_CAST, OP_CONV2D, OP_COPY,
  OP_DEPTHWISE_CONV2D, OP_DEQUANTIZE, OP_FILL, OP_GATHER, OP_HYBRID_CONV2D, OP_L2_NORMALIZE, OP_LOG_SOFTMAX,
  OP_NIBBLE_PRODUCT, OP_POOL2D, OP_QUANTIZE, OP_RECURRENT, OP_REDUCE, OP_RESIZE2D, OP_SOFTMAX, OP_SPARSE_CONV2D,
  OP_SPARSE_RECURRENT, OP_SVDF, OP_UNARY, RECORD_OPCODE, RECORD_PARALLEL, RECORD_SIZE, SYNC_FROM,
  SYNC_TO } from './layout';
import { describe } from './describe';
import { beginArena, beginOperands, endOperands } from './operands';
import { beginUnifying, beginValidation, beginWalk, countWork, endRecord, fail, faultOf, isMixed, isResolving,
  isUnifying, needScratch, RECORD_WORK } from './record';
import { awaitJob, begin, isAsking } from './threads';
import { runArgmax } from './ops/argmax';
import { runBatchMatmul } from './ops/batchMatmul';
import { runBinary } from './ops/binary';
import { runCast } from './ops/cast';
import { runConv2d } from './ops/conv2d';
import { runCopy } from './ops/copy';
import { runDepthwiseConv2d } from './ops/depthwiseConv2d';
import { runDequantize } from './ops/dequantize';
import { runFill } from './ops/fill';
import { runGather } from './ops/gather';
import { runHybridConv2d } from './ops/hybridConv2d';
import { runL2Normalize } from './ops/l2Normalize';
import { runLogSoftmax } from './ops/logSoftmax';
import { runNibbleProduct } from './ops/nibbleProduct';
import { runPool2d } from './ops/pool2d';
import { runQuantize } from './ops/quantize';
import { runRecurrent } from './ops/recurrent/run';
import { runReduce } from './ops/reduce';
import { runResize2d } from './ops/resize2d';
import { runSoftmax } from './ops/softmax';
import { runSparseConv2d } from './ops/sparseConv2d';
import { runSvdf } from './ops/svdf';
import { runUnary } from './ops/unary';

/**
 * The extra module's function for its records, or the host's stand-in if it has not loaded it.
 *
 * @param phase an EXTRA_ code
 * @returns during EXTRA_VALIDATE the bytes of scratch that the record needs, or the negated FAULT_
 * code
 */

@external('env', 'extra')
declare function extra(r: usize, phase: i32): f64;

let faultRecord = 0;

/** Plan offset of the record that `validate` refused. */
export function faultOffset(): i32 {
  return faultRecord;
}

function describeRecord(r: usize): void {
  if (<i32>load<u8>(r + RECORD_OPCODE) < FIRST_EXTRA_OPCODE) {
    describe(r);
    return;
  }
  let phase = EXTRA_VALIDATE;
  if (isUnifying()) phase = EXTRA_UNIFY;
  else if (isResolving()) phase = EXTRA_PREPARE;
  const answer = extra(r, phase);
  if (answer < 0) fail(<i32>-answer);
  else needScratch(answer);
}

/**
 * Proves that no record accesses memory outside its sections.
 *
 * @returns a FAULT_ code; `faultOffset` returns the offset of the refused record
 */
export function validate(): i32 {
  const plan = load<usize>(MAP + MAP_PLAN);
  const bytes = load<u32>(MAP + MAP_PLAN_BYTES);
  beginValidation();
  beginArena();
  let at: u32 = 0;
  while (at < bytes) {
    faultRecord = at;
    if (bytes - at < 8) return FAULT_RECORD_SIZE;
    const size = load<u32>(plan + at + RECORD_SIZE);
    if (size < 8 || (size & 7) != 0 || size > bytes - at) return FAULT_RECORD_SIZE;
    beginOperands();
    countWork(RECORD_WORK);
    describeRecord(plan + at);
    endRecord();
    if (faultOf() == FAULT_NONE) fail(endOperands());
    if (faultOf() != FAULT_NONE) return faultOf();
    at += size;
  }
  return FAULT_NONE;
}

/** Replaces the offsets of all operands by addresses. Called once, after `validate`. */
export function resolve(): void {
  const plan = load<usize>(MAP + MAP_PLAN);
  const end = plan + load<u32>(MAP + MAP_PLAN_BYTES);
  beginWalk(true);
  for (let r = plan; r < end; r += load<u32>(r + RECORD_SIZE)) {
    store<u8>(r, 0, RECORD_PARALLEL);
    describeRecord(r);
  }
}

// The cases are in the order of the opcodes, as in describe.ts.

function runRecord(r: usize): void {
  switch (<i32>load<u8>(r + RECORD_OPCODE)) {
    case OP_CONV2D:
      runConv2d(r);
      break;
    case OP_DEPTHWISE_CONV2D:
      runDepthwiseConv2d(r);
      break;
    case OP_POOL2D:
      runPool2d(r);
      break;
    case OP_REDUCE:
      runReduce(r);
      break;
    case OP_BINARY:
      runBinary(r);
      break;
    case OP_UNARY:
      runUnary(r);
      break;
    case OP_SOFTMAX:
      runSoftmax(r);
      break;
    case OP_LOG_SOFTMAX:
      runLogSoftmax(r);
      break;
    case OP_L2_NORMALIZE:
      runL2Normalize(r);
      break;
    case OP_COPY:
      runCopy(r);
      break;
    case OP_FILL:
      runFill(r);
      break;
    case OP_RESIZE2D:
      runResize2d(r);
      break;
    case OP_ARGMAX:
      runArgmax(r);
      break;
    case OP_BATCH_MATMUL:
      runBatchMatmul(r);
      break;
    case OP_QUANTIZE:
      runQuantize(r);
      break;
    case OP_DEQUANTIZE:
      runDequantize(r);
      break;
    case OP_CAST:
      runCast(r);
      break;
    case OP_HYBRID_CONV2D:
      runHybridConv2d(r);
      break;
    case OP_RECURRENT:
    case OP_SPARSE_RECURRENT:
      runRecurrent(r);
      break;
    case OP_SVDF:
      runSvdf(r);
      break;
    case OP_GATHER:
      runGather(r);
      break;
    case OP_SPARSE_CONV2D:
      runSparseConv2d(r);
      break;
    case OP_NIBBLE_PRODUCT:
      runNibbleProduct(r);
      break;
    default:
      extra(r, EXTRA_RUN);
  }
}

/** Gives all NaNs in the targets of a record the same bits. */
function unify(r: usize): void {
  beginUnifying();
  describeRecord(r);
}

/**
 * Runs the records at plan offsets in [from, to).
 *
 * @returns −1, or the offset to continue from if a thread has not arrived at a barrier for a while.
 *   The host, which has a clock, decides whether to continue
 */
export function run(from: u32, to: u32): i32 {
  const plan = load<usize>(MAP + MAP_PLAN);
  const end = plan + to;
  const unifies = isMixed();
  let r = plan + from;
  while (true) {
    const mine = begin(r, end);
    if (isAsking()) return <i32>(r - plan);
    if (r >= end) return -1;
    if (mine) {
      runRecord(r);
      if (unifies) unify(r);
    }
    r += load<u32>(r + RECORD_SIZE);
  }
}

/** The loop of every thread except thread 0: it sleeps until there is a job, and runs it. */
export function serve(): void {
  if (ASC_FEATURE_THREADS) {
    for (let seen = 0;;) {
      seen = awaitJob(seen);
      run(load<u32>(SYNC_FROM), load<u32>(SYNC_TO));
    }
  }
}
