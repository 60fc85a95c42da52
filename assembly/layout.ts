/**
 * The interface between the compiler and the host, which write files and memory, and the core,
 * which reads them. It is declared only here. Its plain numbers are valid TypeScript and
 * AssemblyScript, and compile to immediates.
 *
 * Linear memory, in ascending order; each part is 64-byte aligned:
 *
 *   0          1 KiB     RESERVED
 *   ├─ map ────┼─ tables ┼─ plan ─┼─ weights ─┼─ arena ─┼─ scratch ─┼─ slack ─┤
 *
 * All numbers are little-endian. An offset is in bytes from the start of a section.
 */

// ── memory map ────────────────────────────────────────────────────────────────────────────────────────────
//
//   MAP  +0 plan  +4 bytes  +8 weights  +12 bytes  +16 arena  +20 bytes
//        +24 scratch  +28 bytes of scratch for one thread
//
export const MAP = 16;
export const MAP_PLAN = 0;
export const MAP_PLAN_BYTES = 4;
export const MAP_WEIGHTS = 8;
export const MAP_WEIGHTS_BYTES = 12;
export const MAP_ARENA = 16;
export const MAP_ARENA_BYTES = 20;
export const MAP_SCRATCH = 24;
export const MAP_SCRATCH_BYTES = 28;

// What `validate` has found out about the plan (assembly/record.ts).
/** f64: the work of one prediction, in multiply-adds. */
export const PLAN_WORK = 64;
/** f64: the number of table entries that were looked through. */
export const LOOKED_THROUGH = 72;
/** u32: where the next table is remembered, from 0 to PROVED_TABLES − 1. */
export const NEXT_PROVED = 80;
/**
 * The large tables that were looked through last: u32 [PROVED_TABLES][7], a rule and its
 * parameters.
 */
export const PROVED = 640;
export const PROVED_TABLES = 12;
export const PROVED_BYTES = 28;

// Words that synchronize the threads (assembly/threads.ts). Words that several threads change are
// on separate cache lines. All are 0 initially.
/** Counts the jobs. A job is a run that the other threads join, from plan offset FROM to TO. */
export const SYNC_JOB = 128;
export const SYNC_FROM = 132;
export const SYNC_TO = 136;
/**
 * 1 if thread 0 stopped waiting at a barrier because a thread did not arrive, and the value of
 * SYNC_PHASE then.
 */
export const SYNC_ASKING = 140;
export const SYNC_ASKED = 144;
/** Threads that arrived at the barrier; number of barriers passed; threads that sleep. */
export const SYNC_ARRIVED = 256;
export const SYNC_PHASE = 384;
export const SYNC_SLEEPERS = 512;
/** Maximum number of threads for one model. */
export const MAX_THREADS = 16;
/** Address of the constants that `prepare` stores. Static data of the compiler would begin here. */
export const STATIC_DATA = 1024;

// What `validate` notes about the arena (assembly/operands.ts).
/** The operands of the record. */
export const OPERAND_COUNT = 3072;
export const OPERANDS = 3088;
export const OPERAND_BYTES = 16;
export const MAX_OPERANDS = 8;
/** The host clears [FROM, TO) of the arena before each run, because the plan may read it first. */
export const ARENA_HULL_FROM = 3076;
export const ARENA_HULL_TO = 3080;
/** NUMBERS_ bits. */
export const ARENA_NUMBERS = 3084;
/** Bits of NaN may be read as integers. */
export const NUMBERS_MIXED = 1;
/** The state with which a run begins is read as integers. */
export const NUMBERS_STATE = 2;
/** What parts of the arena hold, and room for two more entries. */
export const HELD_COUNT = 3216;
export const HELD = 3224;
export const HELD_BYTES = 8;
export const MAX_HELD = 100;
/** The bytes may be those of an earlier run, may be floats, or may be those of the state. */
export const HOLDS_OLD = 1;
export const HOLDS_FLOATS = 2;
export const HOLDS_STATE = 4;
/** Address of the plan, above all static data of the core. */
export const RESERVED = 4096;
/** Alignment of every section in memory. */
export const SECTION_ALIGNMENT = 64;
/** Bytes after the last section, so that a vector load at the end of a tensor stays in memory. */
export const SLACK = 64;

// ── faults reported by `validate` ─────────────────────────────────────────────────────────────────────────
export const FAULT_NONE = 0;
export const FAULT_OPCODE = 1;
export const FAULT_RECORD_SIZE = 2;
export const FAULT_ARENA = 3;
export const FAULT_WEIGHTS = 4;
export const FAULT_ATTRIBUTE = 5;
export const FAULT_ALIGNMENT = 6;
export const FAULT_CODED = 7;
export const FAULT_OVERLAP = 8;
export const FAULT_TABLES = 9;

// ── entropy-coded weights (section CODED: src/compiler/entropy.ts, assembly/decode.ts) ────────────────────
//
//   +0 u32 bytes of the weights  +4 u32 lead  +8 u32 number of tables  +12 u32 number n of runs
//   +16 n runs │ frequencies of each table │ states u32 [4] │ coded symbols u16 …
//
//   run: +0 u32 quads (groups of 4 bytes) of a lane  +4 u32 lanes
//   Runs are consecutive in the weights.
//
export const CODED_WEIGHTS_BYTES = 0;
/**
 * Bytes from the start of the weights to the start of the coded section that decoding in place
 * needs.
 */
export const CODED_LEAD = 4;
export const CODED_TABLES = 8;
export const CODED_RUNS = 12;
export const CODED_HEADER = 16;
export const CODED_QUADS = 0;
export const CODED_LANES = 4;
export const CODED_RUN_BYTES = 8;
/** Number of lanes of a run of consecutive bytes. */
export const CODED_BYTES = 1;
/** Number of lanes of a run of 32-bit words: lane i holds byte i of every word. */
export const CODED_PLANES = 4;
/**
 * The lanes of all other runs are a multiple of 8: the channels of panels i8
 * [lanes/8][quads][8][4].
 */
export const CODED_CHANNELS = 8;
export const MAX_CODED_TABLES = 33;
/** Bytes that decoding needs after the coded section, for each table and for each run. */
export const CODED_TABLE_ROOM = 5120;
export const CODED_STATE_ROOM = 24;

// ── records ───────────────────────────────────────────────────────────────────────────────────────────────
//
//   +0 u8 opcode  +1 u8 dtype  +2 u16 zero  +4 u32 size in bytes (multiple of 8)
//   +8 fields, 4 bytes each
//
// There are three kinds of operand fields. A *source* is an arena offset, or a weights offset with
// the top bit set (a constant). A *target* is an arena offset. A *table* is a weights offset.
// `prepare` replaces them by addresses.
//
// The operators of src/ops lower to these records:
//
//   argmax                               argmax
//   averagePool2d, maxPool2d             pool2d
//   batchMatmul                          batchMatmul
//   binary, prelu                        binary
//   broadcastTo, slice, split, transpose,
//   concat, depthToSpace, spaceToDepth   copy
//   cast                                 cast
//   conv2d, fullyConnected,
//   transposeConv2d                      conv2d, hybridConv2d or sparseConv2d; nibbleProduct for
//                                        few rows and 4-bit weights
//   depthwiseConv2d                      depthwiseConv2d; conv2d if a channel has several outputs,
//                                        hybridConv2d for float images and int8 weights
//   cumsum                               cumsum
//   dequantize                           dequantize
//   detectionPostprocess                 detectionPostprocess
//   gather, gatherNd                     gather, gatherNd
//   gru, lstm, rnn                       recurrent or sparseRecurrent
//   l2Normalize                          l2Normalize
//   pad                                  fill and copy
//   quantize                             quantize, unary (int8 to int8) or cast
//   reduce                               reduce, after a copy if the axes are not adjacent
//   reshape                              none, or copy for constants and other quantization
//   resize2d                             resize2d
//   scatterElements, scatterNd,
//   updateSlice                          scatter; copy if the indices are constant and regular
//   softmax, logSoftmax                  softmax, logSoftmax
//   svdf                                 svdf
//   topK                                 topK
//   unary                                unary
//
// Operators that move int8 values add a unary record if the quantization of the output differs, and
// concat adds one for its activation.
export const RECORD_OPCODE = 0;
export const RECORD_DTYPE = 1;
/**
 * 0 in a file. `prepare` stores whether the threads share the record's work: 0 if they cannot,
 * PARALLEL_POSSIBLE if sharing would be slower, PARALLEL_PAYS if they do.
 */
export const RECORD_PARALLEL = 2;
export const PARALLEL_POSSIBLE = 1;
export const PARALLEL_PAYS = 2;
export const RECORD_SIZE = 4;
export const SOURCE_IN_WEIGHTS = 0x80000000;
/** Bytes of a section that sources reach; the largest arena. */
export const MAX_SECTION = 0x80000000;

export const DTYPE_I8 = 0;
export const DTYPE_F32 = 1;
export const DTYPE_I32 = 2;
export const DTYPE_U8 = 3;
export const DTYPE_I16 = 4;

export const OP_CONV2D = 1;
export const OP_DEPTHWISE_CONV2D = 2;
export const OP_POOL2D = 3;
export const OP_REDUCE = 4;
export const OP_BINARY = 5;
export const OP_UNARY = 6;
export const OP_SOFTMAX = 7;
export const OP_LOG_SOFTMAX = 8;
export const OP_L2_NORMALIZE = 9;
export const OP_COPY = 10;
export const OP_FILL = 11;
export const OP_RESIZE2D = 12;
export const OP_ARGMAX = 13;
export const OP_BATCH_MATMUL = 14;
export const OP_QUANTIZE = 15;
export const OP_DEQUANTIZE = 16;
export const OP_CAST = 17;
export const OP_HYBRID_CONV2D = 18;
export const OP_RECURRENT = 19;
export const OP_SVDF = 20;
export const OP_GATHER = 21;
export const OP_SPARSE_CONV2D = 30;
export const OP_SPARSE_RECURRENT = 31;
export const OP_NIBBLE_PRODUCT = 32;
export const OP_ELEMENTWISE = 64;
export const OP_GATHER_ND = 65;
export const OP_CUMSUM = 66;
export const OP_DETECTION_POSTPROCESS = 67;
export const OP_FUNCTION = 68;
export const OP_NORMALIZE = 69;
export const OP_TOP_K = 70;
export const OP_SCATTER = 71;
export const OP_RESAMPLE = 72;
export const OP_GRID_SAMPLE = 73;
export const OP_NON_MAX_SUPPRESSION = 74;
export const OP_WIDE_CONV2D = 75;
export const OP_WIDE_DEPTHWISE_CONV2D = 76;
export const OP_WIDE_BINARY = 77;
export const OP_MAX_POOL_INDICES = 78;
export const OP_WIDE_CONVERT = 79;
export const OP_DFT = 80;
export const OP_RECURRENCE = 82;
/** The opcodes of the extra module (assembly/extra), which few networks need. */
export const FIRST_EXTRA_OPCODE = 64;
export const LAST_EXTRA_OPCODE = 82;

/** The phases in which the core calls the extra module with a record. */
export const EXTRA_VALIDATE = 0;
export const EXTRA_PREPARE = 1;
export const EXTRA_RUN = 2;
export const EXTRA_UNIFY = 3;

/** Number of dimensions of the records for arbitrary shapes (binary, copy). */
export const MAX_RANK = 6;

// conv2d, fully connected (a 1×1 convolution over rows) and the phases of transposed convolution.
//   weights i8  [groups][⌈N/8⌉][⌈K/4⌉][8][4], N = outC/groups, K = KH·KW·inC/groups in
//           [kh][kw][ci] order, padded with WEIGHTS_ZERO
//           f32 [groups][⌈N/8⌉][K][8]
//   bias    i32 or f32 [groups][⌈N/8⌉·8]; i8 has −za·Σ(w − zw) folded in
//   scale   f32 [groups][⌈N/8⌉·8] (i8 only)
export const CONV2D_SOURCE = 8;
export const CONV2D_TARGET = 12;
export const CONV2D_WEIGHTS = 16;
export const CONV2D_BIAS = 20;
export const CONV2D_SCALE = 24;
export const CONV2D_BATCH = 28;
export const CONV2D_IN_H = 32;
export const CONV2D_IN_W = 36;
export const CONV2D_IN_C = 40;
export const CONV2D_OUT_H = 44;
export const CONV2D_OUT_W = 48;
export const CONV2D_OUT_C = 52;
export const CONV2D_KERNEL_H = 56;
export const CONV2D_KERNEL_W = 60;
export const CONV2D_STRIDE_Y = 64;
export const CONV2D_STRIDE_X = 68;
export const CONV2D_DILATION_Y = 72;
export const CONV2D_DILATION_X = 76;
/** Signed: input row of tap 0 of output row 0 is −padTop. */
export const CONV2D_PAD_TOP = 80;
export const CONV2D_PAD_LEFT = 84;
export const CONV2D_GROUPS = 88;
/** Output pixels that are gathered and multiplied together; a multiple of 4. */
export const CONV2D_BLOCK_ROWS = 92;
/**
 * With at least these BLOCK_ROWS, a multiple of 16, and at most these input channels of a group, a
 * multiple of 8, the SIMD cores compute an int8 convolution of 3×3 and stride 1 in tiles of 2×2
 * outputs (Winograd). Tiles have 4×4 outputs if BLOCK_ROWS is a multiple of 64 and C·(128 +
 * |WEIGHTS_ZERO|) is at most WINOGRAD_REACH, for C input channels of a group. With such BLOCK_ROWS,
 * the core with plain SIMD computes kernels of 3×1 and 1×3 in tiles of 4 outputs along the axis, if
 * C·(128 + |WEIGHTS_ZERO|) is at most 24·WINOGRAD_REACH. The results are the same.
 */
export const WINOGRAD_ROWS = 80;
export const WINOGRAD_CHANNELS = 1816;
export const WINOGRAD_REACH = 29127;
/** Elements from one output pixel, row or image to the next. */
export const CONV2D_PIXEL_STRIDE = 96;
export const CONV2D_ROW_STRIDE = 100;
export const CONV2D_BATCH_STRIDE = 104;
export const CONV2D_SOURCE_ZERO = 108;
export const CONV2D_WEIGHTS_ZERO = 112;
/** Zero point of the output (i32), then the activation range (i32 or f32). */
export const CONV2D_TARGET_ZERO = 116;
export const CONV2D_MIN = 120;
export const CONV2D_MAX = 124;
export const CONV2D_BYTES = 128;

// hybridConv2d: float images and int8 weights ("dynamic range" networks). Each image of the batch
// is quantized by its own range before the product, and the accumulators are scaled back to float.
// The fields are those of conv2d, except for these:
//   weights i8 as in conv2d
//   bias    f32 [N']
//   scale   f32 [N'] of the weights
//   sums    i32 [N'] = Σ w per channel
export const HYBRID_MODE = 108;
export const HYBRID_SUMS = 112;
export const HYBRID_SYMMETRIC = 0;
export const HYBRID_ASYMMETRIC = 1;

// sparseConv2d: i8 conv2d with one group and pruned weights. The fields are those of conv2d, and
// BLOCK_ROWS is the number of pixels of a tile. The entries hold the remaining weights, channel by
// channel (pairs) or panel by panel (blocks), in ascending order of k. DELTAS u8 [ENTRIES] is the
// distance along K from the previous entry, or from 0 for the first entry of a list.
//   pairs   an entry is the weights k, k + 1 of one channel, deltas count pairs:
//           WEIGHTS i8 [ENTRIES][2] · COUNTS u16 [N] = ⌈entries of the channel / 4⌉;
//           the number of input channels is even if the kernel has more than one tap
//   blocks  an entry is the weights k … k + 3 of a panel of 8 channels, deltas count quads:
//           WEIGHTS i8 [ENTRIES][8][4] · COUNTS u16 [⌈N/8⌉] = entries of the panel
// Padding has the weights WEIGHTS_ZERO.
export const SPARSE_COUNTS = 128;
export const SPARSE_DELTAS = 132;
export const SPARSE_ENTRIES = 136;
export const SPARSE_PATTERN = 140;
export const SPARSE_BYTES = 144;
export const SPARSE_PAIRS = 0;
export const SPARSE_BLOCKS = 1;
/**
 * The two tile sizes of the kernel for pairs, in pixels. Many images have a multiple of 7 · 7
 * pixels or a power of two.
 */
export const SPARSE_TILE = 28;
export const SPARSE_TILE_WIDE = 32;

// nibbleProduct: target i8 [ROWS][OUTPUTS] = rows of source i8 [ROWS][INPUTS] times a matrix of
// 4-bit weights, N = OUTPUTS, K = INPUTS
//   weights u8 [⌈N/8⌉][2·⌈K/8⌉][4][4]; byte [c][i] holds w + 8 of channel c in its low four bits
//           and of channel c + 4 in its high ones, padded with 8
//   bias    i32 [⌈N/8⌉·8], has −za·Σw folded in · scale f32 [⌈N/8⌉·8]
export const NIBBLE_PRODUCT_SOURCE = 8;
export const NIBBLE_PRODUCT_TARGET = 12;
export const NIBBLE_PRODUCT_WEIGHTS = 16;
export const NIBBLE_PRODUCT_BIAS = 20;
export const NIBBLE_PRODUCT_SCALE = 24;
export const NIBBLE_PRODUCT_ROWS = 28;
export const NIBBLE_PRODUCT_INPUTS = 32;
export const NIBBLE_PRODUCT_OUTPUTS = 36;
/** Zero point of the output, then the activation range. */
export const NIBBLE_PRODUCT_TARGET_ZERO = 40;
export const NIBBLE_PRODUCT_MIN = 44;
export const NIBBLE_PRODUCT_MAX = 48;
export const NIBBLE_PRODUCT_BYTES = 56;

// depthwiseConv2d with one output channel per input channel (others become grouped conv2d)
//   Taps are in column order ([kw][kh]), as XNNPACK adds them, so that float results are equal bit
//   for bit.
//   weights i8 [⌈C/8⌉][KW·KH][8], padded with WEIGHTS_ZERO · f32 [KW·KH][C]
//   bias    i32 or f32 [⌈C/8⌉·8], i8 has −za·Σw folded in · scale f32 [⌈C/8⌉·8] (i8 only)
export const DEPTHWISE_SOURCE = 8;
export const DEPTHWISE_TARGET = 12;
export const DEPTHWISE_WEIGHTS = 16;
export const DEPTHWISE_BIAS = 20;
export const DEPTHWISE_SCALE = 24;
export const DEPTHWISE_BATCH = 28;
export const DEPTHWISE_IN_H = 32;
export const DEPTHWISE_IN_W = 36;
export const DEPTHWISE_CHANNELS = 40;
export const DEPTHWISE_OUT_H = 44;
export const DEPTHWISE_OUT_W = 48;
export const DEPTHWISE_KERNEL_H = 52;
export const DEPTHWISE_KERNEL_W = 56;
export const DEPTHWISE_STRIDE_Y = 60;
export const DEPTHWISE_STRIDE_X = 64;
export const DEPTHWISE_DILATION_Y = 68;
export const DEPTHWISE_DILATION_X = 72;
export const DEPTHWISE_PAD_TOP = 76;
export const DEPTHWISE_PAD_LEFT = 80;
export const DEPTHWISE_SOURCE_ZERO = 84;
export const DEPTHWISE_WEIGHTS_ZERO = 88;
export const DEPTHWISE_TARGET_ZERO = 92;
export const DEPTHWISE_MIN = 96;
export const DEPTHWISE_MAX = 100;
export const DEPTHWISE_BYTES = 104;

// pool2d: average or maximum. The i8 average rounds half away from zero. ROUNDING_OFFSET is added
// to each value before the division and subtracted after it: 0 for int8 networks, 128 for networks
// that were uint8.
export const POOL2D_SOURCE = 8;
export const POOL2D_TARGET = 12;
export const POOL2D_KIND = 16;
export const POOL2D_BATCH = 20;
export const POOL2D_IN_H = 24;
export const POOL2D_IN_W = 28;
export const POOL2D_CHANNELS = 32;
export const POOL2D_OUT_H = 36;
export const POOL2D_OUT_W = 40;
export const POOL2D_KERNEL_H = 44;
export const POOL2D_KERNEL_W = 48;
export const POOL2D_STRIDE_Y = 52;
export const POOL2D_STRIDE_X = 56;
export const POOL2D_PAD_TOP = 60;
export const POOL2D_PAD_LEFT = 64;
export const POOL2D_ROUNDING_OFFSET = 68;
export const POOL2D_MIN = 72;
export const POOL2D_MAX = 76;
export const POOL2D_BYTES = 80;
export const POOL2D_AVERAGE = 0;
export const POOL2D_MAXIMUM = 1;

// reduce: source [outer][count][inner] → target [outer][inner]
//   i8 mean and sum: clamp(round(f32(Σ(q − SOURCE_ZERO)) · SCALE) + TARGET_ZERO); ROUNDING is half
//     to even, half away from zero, or (mean) truncation of the integer quotient
//     Σ(q − SOURCE_ZERO) / COUNT
//   i8 product: t = x₀, then t = t·xₖ·factor for each further element, then t·factor + TARGET_ZERO,
//     with factor = (source scale) / (target scale)^(1/COUNT) in fixed point:
//     MULTIPLIER · 2^(EXPONENT − 31)
export const REDUCE_SOURCE = 8;
export const REDUCE_TARGET = 12;
export const REDUCE_KIND = 16;
export const REDUCE_OUTER = 20;
export const REDUCE_COUNT = 24;
export const REDUCE_INNER = 28;
export const REDUCE_SOURCE_ZERO = 32;
export const REDUCE_TARGET_ZERO = 36;
export const REDUCE_SCALE = 40;
export const REDUCE_MULTIPLIER = 40;
export const REDUCE_EXPONENT = 44;
export const REDUCE_ROUNDING = 48;
export const REDUCE_BYTES = 56;
export const ROUND_EVEN = 0;
export const ROUND_AWAY = 1;
export const ROUND_TRUNCATE = 2;
export const REDUCE_MEAN = 0;
export const REDUCE_SUM = 1;
export const REDUCE_MAX = 2;
export const REDUCE_MIN = 3;
export const REDUCE_PROD = 4;

// binary: MAX_RANK dimensions, dense target; strides in elements, 0 in broadcast dimensions. The i8
// kinds have these parameters:
//   add, sub                ((A_FACTOR·a + B_FACTOR·b + BIAS) >> SHIFT) + TARGET_ZERO
//   mul, prelu              A_ZERO, B_ZERO, SCALE, and for prelu NEGATIVE_SCALE
//   div, squaredDifference  computed on real numbers: A_ZERO, B_ZERO, SCALE = scale of a,
//                           NEGATIVE_SCALE = scale of b, OUT_SCALE
export const BINARY_A = 8;
export const BINARY_B = 12;
export const BINARY_TARGET = 16;
export const BINARY_KIND = 20;
export const BINARY_DIMENSIONS = 24;
export const BINARY_A_STRIDES = 48;
export const BINARY_B_STRIDES = 72;
export const BINARY_A_FACTOR = 96;
export const BINARY_B_FACTOR = 100;
export const BINARY_BIAS = 104;
export const BINARY_SHIFT = 108;
export const BINARY_A_ZERO = 96;
export const BINARY_B_ZERO = 100;
export const BINARY_SCALE = 104;
export const BINARY_NEGATIVE_SCALE = 108;
export const BINARY_OUT_SCALE = 112;
export const BINARY_TARGET_ZERO = 116;
export const BINARY_MIN = 120;
export const BINARY_MAX = 124;
export const BINARY_BYTES = 128;
export const BINARY_ADD = 0;
export const BINARY_SUB = 1;
export const BINARY_MUL = 2;
export const BINARY_DIV = 3;
export const BINARY_MINIMUM = 4;
export const BINARY_MAXIMUM = 5;
export const BINARY_SQUARED_DIFFERENCE = 6;
export const BINARY_PRELU = 7;

// unary: i8 → i8 by TABLE u8[256], indexed by the byte, or f32 → f32 by KIND. It may run in place.
export const UNARY_SOURCE = 8;
export const UNARY_TARGET = 12;
export const UNARY_TABLE = 16;
export const UNARY_COUNT = 20;
export const UNARY_KIND = 24;
export const UNARY_ALPHA = 28;
export const UNARY_BYTES = 32;
export const UNARY_RELU = 0;
export const UNARY_RELU6 = 1;
export const UNARY_RELU_N1_TO_1 = 2;
export const UNARY_RELU_0_TO_1 = 3;
export const UNARY_LEAKY_RELU = 4;
export const UNARY_HARD_SWISH = 5;
export const UNARY_LOGISTIC = 6;
export const UNARY_TANH = 7;
export const UNARY_ELU = 8;
export const UNARY_GELU = 9;
export const UNARY_GELU_TANH = 10;
export const UNARY_EXP = 11;
export const UNARY_LOG = 12;
export const UNARY_SQRT = 13;
export const UNARY_RSQRT = 14;
export const UNARY_ABS = 15;
export const UNARY_NEG = 16;
export const UNARY_SQUARE = 17;
export const UNARY_FLOOR = 18;
export const UNARY_CEIL = 19;
export const UNARY_ROUND = 20;
export const UNARY_SIN = 21;
export const UNARY_COS = 22;
export const UNARY_KINDS = 23;

// softmax and logSoftmax over [rows][depth]. i8: entry d = max − q of TABLE f32[256] is
// exp(−d·scale·beta).
export const SOFTMAX_SOURCE = 8;
export const SOFTMAX_TARGET = 12;
export const SOFTMAX_TABLE = 16;
export const SOFTMAX_ROWS = 20;
export const SOFTMAX_DEPTH = 24;
/** f32: beta. i8 softmax: unused. i8 logSoftmax: the scale of the source. */
export const SOFTMAX_SCALE = 28;
export const SOFTMAX_OUT_SCALE = 32;
export const SOFTMAX_TARGET_ZERO = 36;
export const SOFTMAX_BYTES = 40;

// l2Normalize over [rows][depth]. The i8 result does not depend on the scale of the source, because
// EPSILON is in squared quantization units.
export const L2_NORMALIZE_SOURCE = 8;
export const L2_NORMALIZE_TARGET = 12;
export const L2_NORMALIZE_ROWS = 16;
export const L2_NORMALIZE_DEPTH = 20;
export const L2_NORMALIZE_EPSILON = 24;
export const L2_NORMALIZE_SOURCE_ZERO = 28;
export const L2_NORMALIZE_OUT_SCALE = 32;
export const L2_NORMALIZE_TARGET_ZERO = 36;
export const L2_NORMALIZE_BYTES = 40;

// copy: target[Σ iᵈ·targetStrideᵈ] = source[Σ iᵈ·sourceStrideᵈ]; strides in elements. Strides of
// the source may be 0 or negative.
export const COPY_SOURCE = 8;
export const COPY_TARGET = 12;
export const COPY_ELEMENT_BYTES = 16;
export const COPY_DIMENSIONS = 20;
export const COPY_SOURCE_STRIDES = 44;
export const COPY_TARGET_STRIDES = 68;
export const COPY_BYTES = 96;

// fill: COUNT elements of ELEMENT_BYTES with VALUE
export const FILL_TARGET = 8;
export const FILL_ELEMENT_BYTES = 12;
export const FILL_COUNT = 16;
export const FILL_VALUE = 20;
export const FILL_BYTES = 24;

// resize2d; ROWS [OH] and COLUMNS [OW] are tables of entries
//   +0 u32 lower index  +4 u32 upper index
//   +8 weight of the upper index: i32 in units of 1/2048 (i8) or f32; 0 for nearest
export const RESIZE2D_SOURCE = 8;
export const RESIZE2D_TARGET = 12;
export const RESIZE2D_ROWS = 16;
export const RESIZE2D_COLUMNS = 20;
export const RESIZE2D_MODE = 24;
export const RESIZE2D_BATCH = 28;
export const RESIZE2D_IN_H = 32;
export const RESIZE2D_IN_W = 36;
export const RESIZE2D_CHANNELS = 40;
export const RESIZE2D_OUT_H = 44;
export const RESIZE2D_OUT_W = 48;
export const RESIZE2D_BYTES = 56;
export const RESIZE2D_NEAREST = 0;
export const RESIZE2D_BILINEAR = 1;
export const RESIZE2D_ENTRY_BYTES = 12;

// argmax: source [outer][count][inner] → i32 target [outer][inner]
export const ARGMAX_SOURCE = 8;
export const ARGMAX_TARGET = 12;
export const ARGMAX_KIND = 16;
export const ARGMAX_OUTER = 20;
export const ARGMAX_COUNT = 24;
export const ARGMAX_INNER = 28;
export const ARGMAX_BYTES = 32;
export const ARGMAX_MAX = 0;
export const ARGMAX_MIN = 1;

// batchMatmul: a [batch][M][K] ([K][M] if A_TRANSPOSED), b [batch][K][N] ([N][K] if B_TRANSPOSED),
// dense target [batch][M][N]; batch strides in elements, 0 if broadcast
export const BATCH_MATMUL_A = 8;
export const BATCH_MATMUL_B = 12;
export const BATCH_MATMUL_TARGET = 16;
export const BATCH_MATMUL_BATCH = 20;
export const BATCH_MATMUL_M = 24;
export const BATCH_MATMUL_K = 28;
export const BATCH_MATMUL_N = 32;
export const BATCH_MATMUL_A_BATCH_STRIDE = 36;
export const BATCH_MATMUL_B_BATCH_STRIDE = 40;
export const BATCH_MATMUL_A_TRANSPOSED = 44;
export const BATCH_MATMUL_B_TRANSPOSED = 48;
export const BATCH_MATMUL_A_ZERO = 52;
export const BATCH_MATMUL_B_ZERO = 56;
export const BATCH_MATMUL_SCALE = 60;
export const BATCH_MATMUL_TARGET_ZERO = 64;
export const BATCH_MATMUL_MIN = 68;
export const BATCH_MATMUL_MAX = 72;
export const BATCH_MATMUL_BYTES = 80;

// quantize    f32 → i8  clamp(round_half_even(x · SCALE) + ZERO), SCALE = 1/scale
// dequantize  i8 → f32  SCALE · (q − ZERO)
export const QUANTIZE_SOURCE = 8;
export const QUANTIZE_TARGET = 12;
export const QUANTIZE_COUNT = 16;
export const QUANTIZE_SCALE = 20;
export const QUANTIZE_ZERO = 24;
export const QUANTIZE_BYTES = 32;

// cast: the dtype of the record is the dtype of the source. u8 ↔ i8 flips the top bit, which keeps
// the real value.
export const CAST_SOURCE = 8;
export const CAST_TARGET = 12;
export const CAST_COUNT = 16;
export const CAST_TO = 20;
export const CAST_BYTES = 24;

// recurrent: layers that carry a state from one time step to the next. For each time step and batch
// item, with x the row of the source and h the hidden state:
//   lstm      i, f, o = σ(W·x + U·h + b), g = tanh(…);  c = f·c + i·g;
//             h = o·tanh(c), or its projection
//   gru       z, r = σ(W·x + b + U·h + ub);  h = z·h + (1 − z)·g;
//             g = tanh(W·x + b + r·(U·h + ub)), or tanh(W·x + b + U·(r·h) + ub)
//   rnn       h = activation(W·x + U·h + b)
// A record has G gates (lstm: i f g o, or f g o if coupled, with i = 1 − f; gru: z r g; rnn: one)
// of N = CELLS lanes. N' is N rounded up to 8, P = OUTPUTS, and P' is P rounded up to 8.
//   weights i8 [G][N'/8][⌈K/4⌉][8][4] or f32 [G][N'/8][K][8], K = INPUTS or P
//   biases  i32 or f32 [G][N']
//   GATES   i8: i32 [G][RECURRENT_GATE_WORDS], fixed-point factors (multiplier, exponent) of the
//           input's product, the hidden state's product, the peephole and the norm; then the
//           smallest variance of the norm
//           hybrid: f32 [G][2], scales of the input's weights and of the hidden state's weights
//   SUMS    hybrid: i32 [2][G][N'], Σ w of the input's weights and of the hidden state's weights;
//           then [P'], Σ w of the projection's weights
//   PEEPHOLE, NORM i16 or f32 [G][N'] · NORM_BIAS i32 or f32 [G][N']
export const RECURRENT_SOURCE = 8;
export const RECURRENT_TARGET = 12;
/** The states, updated in place: HIDDEN [BATCH][OUTPUTS], CELL [BATCH][CELLS]. */
export const RECURRENT_HIDDEN = 16;
export const RECURRENT_CELL = 20;
export const RECURRENT_KIND = 24;
export const RECURRENT_TIME = 28;
export const RECURRENT_BATCH = 32;
export const RECURRENT_INPUTS = 36;
export const RECURRENT_CELLS = 40;
export const RECURRENT_OUTPUTS = 44;
/** Elements from one time step, or batch item, to the next. */
export const RECURRENT_SOURCE_TIME_STRIDE = 48;
export const RECURRENT_SOURCE_BATCH_STRIDE = 52;
export const RECURRENT_TARGET_TIME_STRIDE = 56;
export const RECURRENT_TARGET_BATCH_STRIDE = 60;
export const RECURRENT_REVERSE = 64;
export const RECURRENT_ACTIVATION = 68;
export const RECURRENT_PARTS = 72;
export const RECURRENT_MODE = 76;
export const RECURRENT_INPUT_WEIGHTS = 80;
export const RECURRENT_HIDDEN_WEIGHTS = 84;
export const RECURRENT_INPUT_BIAS = 88;
export const RECURRENT_HIDDEN_BIAS = 92;
export const RECURRENT_GATES = 96;
export const RECURRENT_SUMS = 100;
export const RECURRENT_PEEPHOLE = 104;
export const RECURRENT_NORM = 108;
export const RECURRENT_NORM_BIAS = 112;
export const RECURRENT_PROJECTION = 116;
export const RECURRENT_PROJECTION_BIAS = 120;
/** i8: fixed-point factors of o·tanh(c) and of the projection's accumulators. */
export const RECURRENT_OUT_MULTIPLIER = 124;
export const RECURRENT_OUT_EXPONENT = 128;
export const RECURRENT_OUT_ZERO = 132;
export const RECURRENT_PROJECTION_MULTIPLIER = 136;
export const RECURRENT_PROJECTION_EXPONENT = 140;
/** Hybrid: scale of the projection's weights. */
export const RECURRENT_PROJECTION_SCALE = 136;
export const RECURRENT_TARGET_ZERO = 144;
/** i8 lstm: the cell state is Q(CELL_BITS).(15 − CELL_BITS). */
export const RECURRENT_CELL_BITS = 148;
/** Upper bounds of |c| and, after a projection, of |h| (i32 or f32); 0 for no bound. */
export const RECURRENT_CELL_CLIP = 152;
export const RECURRENT_PROJECTION_CLIP = 156;
export const RECURRENT_MIN = 160;
export const RECURRENT_MAX = 164;
export const RECURRENT_BYTES = 168;
export const RECURRENT_LSTM = 0;
export const RECURRENT_GRU = 1;
/** A gru that applies the reset gate before the product with U. */
export const RECURRENT_GRU_RESET_FIRST = 2;
export const RECURRENT_RNN = 3;
/** Bits of PARTS. */
export const RECURRENT_COUPLED = 1;
export const RECURRENT_HAS_PEEPHOLE = 2;
export const RECURRENT_HAS_NORM = 4;
export const RECURRENT_HAS_PROJECTION = 8;
/** lstm and gru in f32: gates are clamped to 0 … 1 in place of the logistic function. */
export const RECURRENT_HARD_GATES = 16;
/** Not in f32 without a MODE: the weights are packed as those of nibbleProduct. */
export const RECURRENT_INPUT_NIBBLES = 32;
export const RECURRENT_HIDDEN_NIBBLES = 64;
export const RECURRENT_PROJECTION_NIBBLES = 128;
/**
 * MODE of f32 records: float weights (plain), or int8 weights and activations quantized row by row.
 */
export const RECURRENT_PLAIN = 0;
export const RECURRENT_SYMMETRIC = 1;
export const RECURRENT_ASYMMETRIC = 2;
export const RECURRENT_GATE_WORDS = 9;

// sparseRecurrent: recurrent with int8 weights. The weights of the input, of the hidden state or
// both are lists of blocks as in sparseConv2d. The fields are those of recurrent. A matrix with
// ENTRIES = 0 is dense. The lists are in the order of the panels of the first gate, the second
// gate, and so on.
//   COUNTS u16 [G·N'/8] · DELTAS u8 [ENTRIES] · weights i8 [ENTRIES][8][4]
export const SPARSE_RECURRENT_INPUT_COUNTS = 168;
export const SPARSE_RECURRENT_INPUT_DELTAS = 172;
export const SPARSE_RECURRENT_INPUT_ENTRIES = 176;
export const SPARSE_RECURRENT_HIDDEN_COUNTS = 180;
export const SPARSE_RECURRENT_HIDDEN_DELTAS = 184;
export const SPARSE_RECURRENT_HIDDEN_ENTRIES = 188;
export const SPARSE_RECURRENT_BYTES = 192;

// svdf: strided source [TIME][BATCH][INPUTS] → strided target [TIME][BATCH][UNITS]. There are
// FILTERS = UNITS·RANK filters. Each projects the input to one number and keeps the last MEMORY
// numbers: STATE [BATCH][FILTERS][MEMORY] i16 or f32, newest last.
//   FEATURE_WEIGHTS as in recurrent with G = 1 and N = FILTERS
//   TIME_WEIGHTS i16 or f32 [FILTERS][MEMORY] · BIAS i32 or f32 [UNITS]
//   SUMS i32 [F'], F' = FILTERS rounded up to 8
export const SVDF_SOURCE = 8;
export const SVDF_TARGET = 12;
export const SVDF_STATE = 16;
export const SVDF_FEATURE_WEIGHTS = 20;
export const SVDF_TIME_WEIGHTS = 24;
export const SVDF_BIAS = 28;
export const SVDF_SUMS = 32;
export const SVDF_TIME = 36;
export const SVDF_BATCH = 40;
export const SVDF_INPUTS = 44;
export const SVDF_UNITS = 48;
export const SVDF_RANK = 52;
export const SVDF_MEMORY = 56;
export const SVDF_SOURCE_TIME_STRIDE = 60;
export const SVDF_SOURCE_BATCH_STRIDE = 64;
export const SVDF_TARGET_TIME_STRIDE = 68;
export const SVDF_TARGET_BATCH_STRIDE = 72;
export const SVDF_MODE = 76;
export const SVDF_SCALE = 80;
export const SVDF_SOURCE_ZERO = 84;
export const SVDF_TARGET_ZERO = 88;
/** i8: fixed-point factors of the features' accumulators and of the result. */
export const SVDF_FEATURE_MULTIPLIER = 92;
export const SVDF_FEATURE_EXPONENT = 96;
export const SVDF_OUT_MULTIPLIER = 100;
export const SVDF_OUT_EXPONENT = 104;
export const SVDF_MIN = 108;
export const SVDF_MAX = 112;
/** 1: the feature weights are packed as those of nibbleProduct. */
export const SVDF_NIBBLES = 116;
export const SVDF_BYTES = 120;

// gather: target [OUTER][MIDDLE][INDEX_COUNT][ROW_BYTES] = rows of source
// [OUTER][MIDDLE][COUNT][ROW_BYTES] selected by indices i32 [OUTER][INDEX_COUNT]. An index is
// clamped to 0 … COUNT − 1.
export const GATHER_SOURCE = 8;
export const GATHER_INDICES = 12;
export const GATHER_TARGET = 16;
export const GATHER_OUTER = 20;
export const GATHER_MIDDLE = 24;
export const GATHER_COUNT = 28;
export const GATHER_INDEX_COUNT = 32;
export const GATHER_ROW_BYTES = 36;
export const GATHER_BYTES = 40;

// elementwise: a function of two or three tensors, with broadcasting
//   DTYPE is the type of a and b. The target has it too, except for comparisons and logic, whose
//   targets are u8. C is the condition of a selection (u8): a where it is not 0, b where it is 0.
export const ELEMENTWISE_A = 8;
export const ELEMENTWISE_B = 12;
export const ELEMENTWISE_C = 16;
export const ELEMENTWISE_TARGET = 20;
export const ELEMENTWISE_KIND = 24;
export const ELEMENTWISE_DIMENSIONS = 28;
export const ELEMENTWISE_A_STRIDES = 52;
export const ELEMENTWISE_B_STRIDES = 76;
export const ELEMENTWISE_C_STRIDES = 100;
export const ELEMENTWISE_BYTES = 128;

export const ELEMENTWISE_SELECT = 0;
export const ELEMENTWISE_EQUAL = 1;
export const ELEMENTWISE_NOT_EQUAL = 2;
export const ELEMENTWISE_LESS = 3;
export const ELEMENTWISE_LESS_EQUAL = 4;
export const ELEMENTWISE_AND = 5;
export const ELEMENTWISE_OR = 6;
export const ELEMENTWISE_XOR = 7;
export const ELEMENTWISE_FLOOR_DIV = 8;
export const ELEMENTWISE_FLOOR_MOD = 9;
export const ELEMENTWISE_POW = 10;

// gatherNd: target [BATCH][COUNT][ROW_BYTES] = rows of source [BATCH][DIMENSIONS][ROW_BYTES],
//   selected by indices i32 [BATCH][COUNT][DEPTH] into the first DEPTH of the DIMENSIONS; the other
//   dimensions are 1. An index is clamped to its dimension.
export const GATHER_ND_SOURCE = 8;
export const GATHER_ND_INDICES = 12;
export const GATHER_ND_TARGET = 16;
export const GATHER_ND_COUNT = 20;
export const GATHER_ND_ROW_BYTES = 24;
export const GATHER_ND_DIMENSIONS = 28;
export const GATHER_ND_DEPTH = 52;
export const GATHER_ND_BATCH = 56;
export const GATHER_ND_BYTES = 64;

// cumsum: running sums of source [OUTER][COUNT][INNER] along COUNT; from the last element if
//   REVERSE is 1, without the element itself if EXCLUSIVE is 1
export const CUMSUM_SOURCE = 8;
export const CUMSUM_TARGET = 12;
export const CUMSUM_OUTER = 16;
export const CUMSUM_COUNT = 20;
export const CUMSUM_INNER = 24;
export const CUMSUM_EXCLUSIVE = 28;
export const CUMSUM_REVERSE = 32;
export const CUMSUM_BYTES = 40;

// detectionPostprocess: boxes f32 [ANCHOR_COUNT][BOX_STRIDE] (y, x, height, width, relative to the
//   anchors; BOX_STRIDE ≥ 4), scores f32 [ANCHOR_COUNT][BACKGROUND + CLASSES], anchors f32
//   [ANCHOR_COUNT][4] (y, x, height, width) → boxes f32 [places][4] (ymin, xmin, ymax, xmax),
//   classes and scores f32 [places], count f32 [1]; places = DETECTIONS · CLASSES_PER_DETECTION.
//   Boxes are suppressed class by class, or all together if DETECTIONS_PER_CLASS is 0.
export const DETECTION_BOXES = 8;
export const DETECTION_SCORES = 12;
export const DETECTION_ANCHORS = 16;
export const DETECTION_TARGET_BOXES = 20;
export const DETECTION_TARGET_CLASSES = 24;
export const DETECTION_TARGET_SCORES = 28;
export const DETECTION_TARGET_COUNT = 32;
export const DETECTION_ANCHOR_COUNT = 36;
export const DETECTION_CLASSES = 40;
export const DETECTION_DETECTIONS = 44;
export const DETECTION_CLASSES_PER_DETECTION = 48;
export const DETECTION_BOX_STRIDE = 52;
export const DETECTION_BACKGROUND = 56;
export const DETECTION_DETECTIONS_PER_CLASS = 60;
export const DETECTION_SCORE_THRESHOLD = 64;
export const DETECTION_IOU_THRESHOLD = 68;
/** Divisors of y, x, height and width, f32 each. */
export const DETECTION_SCALES = 72;
export const DETECTION_BYTES = 88;

// function: target f32 [COUNT] = a function of each element of source f32 [COUNT], of those that
//   UNARY lacks. It is computed in f64 and rounded once. ALPHA and BETA are parameters of some.
export const FUNCTION_SOURCE = 8;
export const FUNCTION_TARGET = 12;
export const FUNCTION_COUNT = 16;
export const FUNCTION_KIND = 20;
export const FUNCTION_ALPHA = 24;
export const FUNCTION_BETA = 28;
export const FUNCTION_BYTES = 32;

export const FUNCTION_ERF = 0;
export const FUNCTION_SOFTPLUS = 1;
export const FUNCTION_MISH = 2;
export const FUNCTION_SOFTSIGN = 3;
export const FUNCTION_SELU = 4;
export const FUNCTION_CELU = 5;
export const FUNCTION_SIGN = 6;
export const FUNCTION_TAN = 7;
export const FUNCTION_ASIN = 8;
export const FUNCTION_ACOS = 9;
export const FUNCTION_ATAN = 10;
export const FUNCTION_SINH = 11;
export const FUNCTION_COSH = 12;
export const FUNCTION_ASINH = 13;
export const FUNCTION_ACOSH = 14;
export const FUNCTION_ATANH = 15;
export const FUNCTION_RECIPROCAL = 16;
export const FUNCTION_HARD_SIGMOID = 17;
export const FUNCTION_THRESHOLDED_RELU = 18;
export const FUNCTION_KINDS = 19;

// normalize: target = (source − mean) / √(variance + EPSILON) · scale + bias. Mean and variance are
//   over the last three of the six DIMENSIONS; the mean is 0 unless CENTER is 1. Strides are in
//   elements. scale and bias are f32, and their strides 0 where they are broadcast.
export const NORMALIZE_SOURCE = 8;
export const NORMALIZE_TARGET = 12;
export const NORMALIZE_SCALE = 16;
export const NORMALIZE_BIAS = 20;
export const NORMALIZE_DIMENSIONS = 24;
/** Of the source and the target. */
export const NORMALIZE_STRIDES = 48;
export const NORMALIZE_SCALE_STRIDES = 72;
export const NORMALIZE_BIAS_STRIDES = 96;
export const NORMALIZE_EPSILON = 120;
export const NORMALIZE_CENTER = 124;
export const NORMALIZE_SOURCE_SCALE = 128;
export const NORMALIZE_TARGET_SCALE = 132;
export const NORMALIZE_SOURCE_ZERO = 136;
export const NORMALIZE_TARGET_ZERO = 140;
export const NORMALIZE_BYTES = 144;

// topK: the K largest elements of source [OUTER][COUNT][INNER] along COUNT, or the smallest ones if
//   SMALLEST is 1, in order → values [OUTER][K][INNER], indices i32 [OUTER][K][INNER]
export const TOP_K_SOURCE = 8;
export const TOP_K_VALUES = 12;
export const TOP_K_INDICES = 16;
export const TOP_K_OUTER = 20;
export const TOP_K_COUNT = 24;
export const TOP_K_INNER = 28;
export const TOP_K_K = 32;
export const TOP_K_SMALLEST = 36;
export const TOP_K_BYTES = 40;

// scatter: target [COUNT] = source, with rows of updates [DIMENSIONS][ROW]. The row at a position p
//   begins at Σ p·STRIDES + Σ j·INDEX_STRIDES, where j are its DEPTH indices, into SIZES. All are
//   in elements. Unused dimensions and sizes are 1.
//   FILLED 1: the source is one element, which fills the target
//   SHARED 1: indices i32 [DEPTH] for all rows; otherwise [DIMENSIONS][DEPTH]
//   CLAMPED 1: indices are clamped; otherwise negative ones count from the end, and rows with an
//     index out of range are skipped
export const SCATTER_SOURCE = 8;
export const SCATTER_INDICES = 12;
export const SCATTER_UPDATES = 16;
export const SCATTER_TARGET = 20;
export const SCATTER_COUNT = 24;
export const SCATTER_ROW = 28;
export const SCATTER_REDUCTION = 32;
export const SCATTER_FILLED = 36;
export const SCATTER_SHARED = 40;
export const SCATTER_CLAMPED = 44;
export const SCATTER_DEPTH = 48;
export const SCATTER_DIMENSIONS = 52;
export const SCATTER_STRIDES = 76;
export const SCATTER_SIZES = 100;
export const SCATTER_INDEX_STRIDES = 124;
export const SCATTER_BYTES = 152;

export const SCATTER_NONE = 0;
export const SCATTER_ADD = 1;
export const SCATTER_MUL = 2;
export const SCATTER_MAX = 3;
export const SCATTER_MIN = 4;

// nonMaxSuppression: boxes f32 [BATCH][COUNT][4], scores f32 [BATCH][CLASSES][COUNT] → rows i32
//   [BATCH·CLASSES·LIMIT][3] of a batch, a class and a box, −1 in unused ones; their scores, 0 in
//   unused places; the number of rows, i32. A class has at most LIMIT rows, by descending score.
//   CENTERED 1: boxes are x, y, width and height, with x and y of the center
//            0: y, x, y, x of two opposite corners
//   SIGMA of the decay of scores; 0 for none
export const NMS_BOXES = 8;
export const NMS_SCORES = 12;
export const NMS_TARGET_ROWS = 16;
export const NMS_TARGET_SCORES = 20;
export const NMS_TARGET_COUNT = 24;
export const NMS_BATCH = 28;
export const NMS_CLASSES = 32;
export const NMS_COUNT = 36;
export const NMS_LIMIT = 40;
export const NMS_CENTERED = 44;
export const NMS_SCORE_THRESHOLD = 48;
export const NMS_IOU_THRESHOLD = 52;
export const NMS_SIGMA = 56;
export const NMS_BYTES = 64;

// maxPoolIndices: target i32 [BATCH][OUT_H][OUT_W][CHANNELS] = row·IN_W + column of the first
//   maximum of each window of a source [BATCH][IN_H][IN_W][CHANNELS]
export const MAX_POOL_INDICES_SOURCE = 8;
export const MAX_POOL_INDICES_TARGET = 12;
export const MAX_POOL_INDICES_BATCH = 16;
export const MAX_POOL_INDICES_IN_H = 20;
export const MAX_POOL_INDICES_IN_W = 24;
export const MAX_POOL_INDICES_CHANNELS = 28;
export const MAX_POOL_INDICES_OUT_H = 32;
export const MAX_POOL_INDICES_OUT_W = 36;
export const MAX_POOL_INDICES_KERNEL_H = 40;
export const MAX_POOL_INDICES_KERNEL_W = 44;
export const MAX_POOL_INDICES_STRIDE_Y = 48;
export const MAX_POOL_INDICES_STRIDE_X = 52;
export const MAX_POOL_INDICES_PAD_TOP = 56;
export const MAX_POOL_INDICES_PAD_LEFT = 60;
export const MAX_POOL_INDICES_BYTES = 64;

// resample: target [OUTER][OUT][INNER] = weighted sums along IN of source [OUTER][IN][INNER]. The
//   sources and the targets are i8 or f32, independently.
//   STARTS i32 [OUT], 0 to IN − TAPS · WEIGHTS f32 [OUT][TAPS] · OFFSETS f32 [OUT]
export const RESAMPLE_SOURCE = 8;
export const RESAMPLE_TARGET = 12;
export const RESAMPLE_STARTS = 16;
export const RESAMPLE_WEIGHTS = 20;
export const RESAMPLE_OFFSETS = 24;
export const RESAMPLE_OUTER = 28;
export const RESAMPLE_IN = 32;
export const RESAMPLE_OUT = 36;
export const RESAMPLE_INNER = 40;
export const RESAMPLE_TAPS = 44;
export const RESAMPLE_SOURCE_ZERO = 48;
export const RESAMPLE_TARGET_DTYPE = 52;
export const RESAMPLE_TARGET_ZERO = 56;
export const RESAMPLE_BYTES = 64;

// recurrence: lstm (gates i, f, g, o), gru (z, r, g) or rnn, as RECURRENT, whose KINDs it has, with
//   other functions of the gates. Source f32 [BATCH][TIME][INPUTS] → target f32
//   [BATCH][TIME][CELLS], or time first if TIME_MAJOR is 1. Item b of the batch has LENGTHS[b] time
//   steps; target rows after them are 0. G gates of N' lanes, N' = CELLS rounded up to 8:
//   weights f32 [G][N'/8][K][8], biases f32 [G][N'], peephole f32 [3][N'] of i, f, o
export const RECURRENCE_SOURCE = 8;
/** i32 [BATCH], if HAS_LENGTHS is 1. */
export const RECURRENCE_LENGTHS = 12;
export const RECURRENCE_TARGET = 16;
/** The states f32 [BATCH][CELLS], read first. The cell state belongs to lstm. */
export const RECURRENCE_HIDDEN = 20;
export const RECURRENCE_CELL = 24;
export const RECURRENCE_KIND = 28;
export const RECURRENCE_TIME = 32;
export const RECURRENCE_BATCH = 36;
export const RECURRENCE_INPUTS = 40;
export const RECURRENCE_CELLS = 44;
export const RECURRENCE_TIME_MAJOR = 48;
export const RECURRENCE_REVERSE = 52;
export const RECURRENCE_HAS_LENGTHS = 56;
/** lstm: f = 1 − i */
export const RECURRENCE_COUPLED = 60;
/** f32, the bound of the arguments of the first two functions; 0 for none. */
export const RECURRENCE_CLIP = 64;
export const RECURRENCE_INPUT_WEIGHTS = 68;
export const RECURRENCE_HIDDEN_WEIGHTS = 72;
export const RECURRENCE_INPUT_BIAS = 76;
export const RECURRENCE_HIDDEN_BIAS = 80;
export const RECURRENCE_PEEPHOLE = 84;
/** Three functions: of the gates, of g (rnn: none), and of the cell state of an lstm. */
export const RECURRENCE_FUNCTIONS = 88;
/** Bytes of a function: a kind, and alpha and beta in f32. */
export const RECURRENCE_FUNCTION_BYTES = 12;
export const RECURRENCE_BYTES = 128;

export const GATE_AFFINE = 0;
export const GATE_RELU = 1;
export const GATE_LEAKY_RELU = 2;
export const GATE_THRESHOLDED_RELU = 3;
export const GATE_TANH = 4;
export const GATE_LOGISTIC = 5;
export const GATE_HARD_SIGMOID = 6;
export const GATE_ELU = 7;
export const GATE_SOFTSIGN = 8;
export const GATE_SOFTPLUS = 9;
export const GATE_FUNCTIONS = 10;

// gridSample: target [BATCH][COUNT][CHANNELS] = samples of source [BATCH][IN_H][IN_W][CHANNELS] at
//   the points f32 [BATCH][COUNT][2] (x, y) of GRID; −1 and 1 are the edges of the image
export const GRID_SAMPLE_SOURCE = 8;
export const GRID_SAMPLE_GRID = 12;
export const GRID_SAMPLE_TARGET = 16;
export const GRID_SAMPLE_BATCH = 20;
export const GRID_SAMPLE_IN_H = 24;
export const GRID_SAMPLE_IN_W = 28;
export const GRID_SAMPLE_CHANNELS = 32;
export const GRID_SAMPLE_COUNT = 36;
export const GRID_SAMPLE_MODE = 40;
export const GRID_SAMPLE_PADDING = 44;
export const GRID_SAMPLE_ALIGN = 48;
export const GRID_SAMPLE_SOURCE_ZERO = 52;
export const GRID_SAMPLE_TARGET_ZERO = 56;
export const GRID_SAMPLE_SCALE = 60;
export const GRID_SAMPLE_BYTES = 64;
export const GRID_SAMPLE_NEAREST = 0;
export const GRID_SAMPLE_LINEAR = 1;
export const GRID_SAMPLE_CUBIC = 2;
export const GRID_SAMPLE_ZEROS = 0;
export const GRID_SAMPLE_BORDER = 1;
export const GRID_SAMPLE_REFLECTION = 2;

// dft: target [OUTER][BINS][INNER][2] = the first BINS values of the discrete Fourier transform of
//   LENGTH points along the second dimension of source [OUTER][COUNT][INNER][COMPONENTS], which is
//   cut or followed by zeros; real and imaginary parts. COMPONENTS is 1 for real numbers. TABLE is
//   f32 [LENGTH][2]: cos and −sin of 2π·k/LENGTH.
export const DFT_SOURCE = 8;
export const DFT_TARGET = 12;
export const DFT_TABLE = 16;
export const DFT_OUTER = 20;
export const DFT_COUNT = 24;
export const DFT_INNER = 28;
export const DFT_LENGTH = 32;
export const DFT_BINS = 36;
export const DFT_COMPONENTS = 40;
export const DFT_INVERSE = 44;
export const DFT_BYTES = 48;
/** The largest LENGTH. */
export const DFT_MOST = 1 << 24;

// The records named wide have int16 activations, whose zero point is 0.

// wideConv2d: conv2d with i16 images and i8 weights. The fields are those of conv2d, except for
// these:
//   weights i8 as in conv2d
//   bias    f64 [groups][⌈N/8⌉·8], integers in units of the accumulators
//   scale   f64 [groups][⌈N/8⌉·8]
// The result is clamp(floor((Σ a·w + bias)·scale + 1/2)) in f64. CHUNK groups of 4 products are
// added in i32, and their sums in f64.
export const WIDE_CONV2D_CHUNK = 108;

// wideDepthwiseConv2d: depthwiseConv2d with i16 images and i8 weights. The fields are those of
// depthwiseConv2d, but bias and scale are f64 [⌈C/8⌉·8] as in wideConv2d. All products of an output
// are added in i32.

// wideBinary: a function of two i16 tensors. Its first fields are those of binary. A product with a
// factor is rounded as in fixed point (MULTIPLIER, EXPONENT):
//   add, sub            clamp((a·2^15 · A ± b·2^15 · B) · OUT)
//   mul                 clamp(a·b · OUT)
//   minimum, maximum    of the stored integers, clamped
export const WIDE_BINARY_A_MULTIPLIER = 96;
export const WIDE_BINARY_A_EXPONENT = 100;
export const WIDE_BINARY_B_MULTIPLIER = 104;
export const WIDE_BINARY_B_EXPONENT = 108;
export const WIDE_BINARY_OUT_MULTIPLIER = 112;
export const WIDE_BINARY_OUT_EXPONENT = 116;

// wideConvert: the dtype of the record is the dtype of the source, TO that of the target; one of
// them is i16.
//   f32 → i16                    round_half_away(f32(x / SCALE))
//   i16 → f32                    SCALE · q
//   i8 → i16, i16 → i8 or i16    (q − SOURCE_ZERO) · (MULTIPLIER, EXPONENT) + TARGET_ZERO, rounded
//                                as in fixed point, and clamped to MIN … MAX
export const WIDE_CONVERT_SOURCE = 8;
export const WIDE_CONVERT_TARGET = 12;
export const WIDE_CONVERT_COUNT = 16;
export const WIDE_CONVERT_TO = 20;
export const WIDE_CONVERT_SCALE = 24;
export const WIDE_CONVERT_MULTIPLIER = 24;
export const WIDE_CONVERT_EXPONENT = 28;
export const WIDE_CONVERT_SOURCE_ZERO = 32;
export const WIDE_CONVERT_TARGET_ZERO = 36;
export const WIDE_CONVERT_MIN = 40;
export const WIDE_CONVERT_MAX = 44;
export const WIDE_CONVERT_BYTES = 48;
