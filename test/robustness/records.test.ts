import { describe } from 'vitest';
import * as L from '../../assembly/layout';
import { faults, refused } from './malformed';
import { fieldOf, recordOf } from './plan';
import { staysUsable } from './refusal';

// Malformed records of the core, and of several operators together. A record of the extra module
// that one operator has is in that operator's test (test/ops).

const { arena, weights, attribute, misaligned, size, opcode } = faults;
const conv = recordOf(L.OP_CONV2D, L.DTYPE_I8);
const depthwise = recordOf(L.OP_DEPTHWISE_CONV2D, L.DTYPE_I8);
const copy = recordOf(L.OP_COPY);
const binary = recordOf(L.OP_BINARY, L.DTYPE_I8);
const pool = recordOf(L.OP_POOL2D, L.DTYPE_I8);
const resize = recordOf(L.OP_RESIZE2D, L.DTYPE_I8);
const matmul = recordOf(L.OP_BATCH_MATMUL, L.DTYPE_I8);
const softmax = recordOf(L.OP_SOFTMAX, L.DTYPE_I8);
const logSoftmax = recordOf(L.OP_LOG_SOFTMAX, L.DTYPE_I8);
const reduce = recordOf(L.OP_REDUCE, L.DTYPE_I8);
const unary = recordOf(L.OP_UNARY, L.DTYPE_I8);
const fill = recordOf(L.OP_FILL);
const argmax = recordOf(L.OP_ARGMAX);
const cast = recordOf(L.OP_CAST);
const quantize = recordOf(L.OP_QUANTIZE);
const dequantize = recordOf(L.OP_DEQUANTIZE);
const normalize = recordOf(L.OP_L2_NORMALIZE, L.DTYPE_I8);
const hybrid = recordOf(L.OP_HYBRID_CONV2D);
const floatUnary = recordOf(L.OP_UNARY, L.DTYPE_F32);
const floatConv = recordOf(L.OP_CONV2D, L.DTYPE_F32);
const floatBinary = recordOf(L.OP_BINARY, L.DTYPE_F32);
const integerBinary = recordOf(L.OP_BINARY, L.DTYPE_I32);
const nibbles = recordOf(L.OP_NIBBLE_PRODUCT);
const pairs = recordOf(L.OP_SPARSE_CONV2D, undefined, [L.SPARSE_PATTERN, L.SPARSE_PAIRS]);
const blocks = recordOf(L.OP_SPARSE_CONV2D, undefined, [L.SPARSE_PATTERN, L.SPARSE_BLOCKS]);
const lstm = recordOf(L.OP_RECURRENT, L.DTYPE_I8, [L.RECURRENT_KIND, L.RECURRENT_LSTM]);
const floatLstm = recordOf(L.OP_RECURRENT, L.DTYPE_F32, [L.RECURRENT_KIND, L.RECURRENT_LSTM]);
const gru = recordOf(L.OP_RECURRENT, L.DTYPE_I8, [L.RECURRENT_KIND, L.RECURRENT_GRU]);
const rnn = recordOf(L.OP_RECURRENT, L.DTYPE_F32, [L.RECURRENT_KIND, L.RECURRENT_RNN]);
const svdf = recordOf(L.OP_SVDF, L.DTYPE_I8);
const gather = recordOf(L.OP_GATHER);
const sparseGru = recordOf(L.OP_SPARSE_RECURRENT, L.DTYPE_I8);
const sparseLstm = recordOf(L.OP_SPARSE_RECURRENT, L.DTYPE_F32);

const comparison = recordOf(L.OP_ELEMENTWISE, undefined, [L.ELEMENTWISE_KIND, L.ELEMENTWISE_LESS]);
const selection = recordOf(L.OP_ELEMENTWISE, undefined, [L.ELEMENTWISE_KIND, L.ELEMENTWISE_SELECT]);

const HUGE = 1 << 30;
/** The byte offset of the last dimension in a list of dimensions or strides. */
const LAST = (L.MAX_RANK - 1) * 4;

describe('a record is refused for', () => {
  staysUsable();

  refused('an unknown opcode', conv, opcode, [L.RECORD_OPCODE, 200, 'byte']);
  refused('opcode 0', conv, opcode, [L.RECORD_OPCODE, 0, 'byte']);
  refused('the opcode of another record', conv, size, [L.RECORD_OPCODE, L.OP_UNARY, 'byte']);

  refused('an element type that the operator does not support', softmax, attribute, [L.RECORD_DTYPE, L.DTYPE_I32,
    'byte']);

  refused('an unknown element type', conv, attribute, [L.RECORD_DTYPE, 77, 'byte']);
  refused('a size of 0', conv, size, [L.RECORD_SIZE, 0]);
  refused('a size that is not a multiple of 8', conv, size, [L.RECORD_SIZE, 130]);
  refused('a size that extends past the plan', conv, size, [L.RECORD_SIZE, 1 << 20]);
  refused('a negative size', conv, size, [L.RECORD_SIZE, -8]);
  refused('a target outside the arena', conv, arena, [L.CONV2D_TARGET, 1 << 20]);
  refused('a target at the end of the address space', conv, arena, [L.CONV2D_TARGET, -16]);
  refused('a source outside the arena', conv, arena, [L.CONV2D_SOURCE, 0x7ffffff0]);
  refused('a source outside the weights section', conv, weights, [L.CONV2D_SOURCE, -16]);
  refused('weights outside the weights section', conv, weights, [L.CONV2D_WEIGHTS, 1 << 20]);
  refused('a bias at the end of the address space', conv, weights, [L.CONV2D_BIAS, -32]);
  refused('misaligned weights', conv, misaligned, [L.CONV2D_WEIGHTS, 8]);
  refused('a misaligned float target', floatConv, misaligned, [L.CONV2D_TARGET, 2]);
  refused('more images than the arena holds', conv, arena, [L.CONV2D_BATCH, 1000]);
  refused('a taller output than the arena holds', conv, arena, [L.CONV2D_OUT_H, 1000]);
  refused('a height of 0', conv, attribute, [L.CONV2D_IN_H, 0]);
  refused('a negative width', conv, attribute, [L.CONV2D_IN_W, -4]);
  refused('dimensions whose product overflows', conv, arena, [L.CONV2D_IN_H, 65536], [L.CONV2D_IN_W, 65536]);
  refused('a stride of 0', conv, attribute, [L.CONV2D_STRIDE_Y, 0]);
  refused('a stride that makes coordinates overflow', conv, attribute, [L.CONV2D_STRIDE_X, HUGE]);
  refused('a dilation that makes coordinates overflow', conv, attribute, [L.CONV2D_DILATION_Y, HUGE]);
  refused('a padding that makes coordinates overflow', conv, attribute, [L.CONV2D_PAD_TOP, HUGE]);
  refused('groups that do not divide the channels', conv, attribute, [L.CONV2D_GROUPS, 2]);
  refused('0 groups', conv, attribute, [L.CONV2D_GROUPS, 0]);
  refused('−1 groups', conv, attribute, [L.CONV2D_GROUPS, -1]);
  refused('a negative kernel width', conv, attribute, [L.CONV2D_KERNEL_W, -HUGE]);
  refused('a kernel whose accumulator can overflow', conv, attribute, [L.CONV2D_KERNEL_H, 65536], [L.CONV2D_KERNEL_W,
    65536]);
  refused('a block of rows that is not a multiple of 4', conv, attribute, [L.CONV2D_BLOCK_ROWS, 5]);
  refused('overlapping pixels', conv, attribute, [L.CONV2D_PIXEL_STRIDE, 1]);
  refused('rows outside the arena', conv, arena, [L.CONV2D_ROW_STRIDE, HUGE]);
  refused('a minimum above the maximum', conv, attribute, [L.CONV2D_MIN, 5], [L.CONV2D_MAX, 4]);
  refused('a maximum outside the range of int8', conv, attribute, [L.CONV2D_MAX, 128]);
  refused('a zero point outside the range of int8', conv, attribute, [L.CONV2D_SOURCE_ZERO, 1000]);
  for (const name of ['SOURCE_ZERO', 'WEIGHTS_ZERO', 'TARGET_ZERO', 'MIN', 'MAX'] as const) {
    for (const value of [-129, 128]) {
      refused(`${name} of ${value} in a convolution`, conv, attribute, [L[`CONV2D_${name}`], value]);
      refused(`${name} of ${value} in a depthwise convolution`, depthwise, attribute, [L[`DEPTHWISE_${name}`], value]);
    }
  }

  refused('a depthwise minimum above the maximum', depthwise, attribute, [L.DEPTHWISE_MIN, 5], [L.DEPTHWISE_MAX, 4]);
  refused('depthwise scales outside the weights section', depthwise, weights, [L.DEPTHWISE_SCALE, 1 << 20]);
  refused('depthwise channels outside the weights section', depthwise, /reaches outside/, [L.DEPTHWISE_CHANNELS, 1000]);
  refused('a depthwise kernel outside the weights section', depthwise, weights, [L.DEPTHWISE_KERNEL_H, 1000]);
  refused('depthwise outputs outside the arena', depthwise, arena, [L.DEPTHWISE_OUT_W, 10_000]);
  refused('a negative depthwise stride', depthwise, attribute, [L.DEPTHWISE_STRIDE_Y, -1]);

  refused('a window without pixels', pool, attribute, [L.POOL2D_PAD_TOP, 2]);
  refused('a window outside the image', pool, attribute, [L.POOL2D_STRIDE_Y, 100]);
  refused('a kernel width of 0', pool, attribute, [L.POOL2D_KERNEL_W, 0]);
  refused('an unknown kind of pool', pool, attribute, [L.POOL2D_KIND, 2]);
  refused('a rounding offset that is too large', pool, attribute, [L.POOL2D_ROUNDING_OFFSET, 1 << 20]);

  refused('a copy with another element size', copy, attribute, [L.COPY_ELEMENT_BYTES, 2]);
  refused('a copy that reads before the arena', copy, arena, [L.COPY_SOURCE_STRIDES + LAST, -HUGE]);
  refused('a copy that reads outside the arena', copy, arena, [L.COPY_SOURCE_STRIDES + LAST, HUGE]);
  refused('a copy that writes outside the arena', copy, arena, [L.COPY_TARGET, 1 << 20]);
  refused('a copy with overlapping rows', copy, attribute, [L.COPY_DIMENSIONS + LAST, 100_000]);
  refused('a copy that writes backwards', copy, attribute, [L.COPY_TARGET_STRIDES + LAST, -1]);
  refused('a copy that writes an element twice', copy, attribute, [L.COPY_TARGET_STRIDES + LAST, 0]);
  refused('a copy of 0 rows', copy, attribute, [L.COPY_DIMENSIONS, 0]);

  refused('a fill outside the arena', fill, arena, [L.FILL_COUNT, 1 << 20]);
  refused('a fill of −1 elements', fill, attribute, [L.FILL_COUNT, -1]);

  refused('operands outside the arena', binary, arena, [L.BINARY_DIMENSIONS + LAST, 1 << 20]);
  refused('an operand with a negative stride', binary, attribute, [L.BINARY_A_STRIDES, -1]);
  refused('an operand with a stride of 2', binary, attribute, [L.BINARY_B_STRIDES + LAST, 2]);
  refused('an unknown kind of binary operator', binary, attribute, [L.BINARY_KIND, 99]);
  refused('a shift above 31', binary, attribute, [L.BINARY_SHIFT, 32]);
  refused('a factor that overflows', binary, attribute, [L.BINARY_A_FACTOR, HUGE]);
  refused('a float minimum of NaN', floatBinary, attribute, [L.BINARY_MIN, NaN, 'float']);
  refused('an integer division', integerBinary, attribute, [L.BINARY_KIND, L.BINARY_DIV]);

  refused('a table outside the weights section', unary, weights, [L.UNARY_TABLE, 1 << 20]);
  refused('an unknown function', floatUnary, attribute, [L.UNARY_KIND, L.UNARY_KINDS]);
  refused('a slope of NaN', floatUnary, attribute, [L.UNARY_ALPHA, NaN, 'float']);
  refused('more elements than the arena holds', unary, arena, [L.UNARY_COUNT, 1 << 20]);

  refused('rows of depth 0', softmax, attribute, [L.SOFTMAX_DEPTH, 0]);
  refused('a table with values other than exponentials', softmax, attribute, [L.SOFTMAX_TABLE,
    fieldOf(conv, L.CONV2D_BIAS)]);
  refused('an output scale of 0', softmax, attribute, [L.SOFTMAX_OUT_SCALE, 0, 'float']);
  refused('log-softmax rows of depth 0', logSoftmax, attribute, [L.SOFTMAX_DEPTH, 0]);
  refused('a log-softmax output scale of 0', logSoftmax, attribute, [L.SOFTMAX_OUT_SCALE, 0, 'float']);

  refused('an infinite epsilon', normalize, attribute, [L.L2_NORMALIZE_EPSILON, Infinity, 'float']);

  refused('a reduction of −5 elements', reduce, attribute, [L.REDUCE_COUNT, -5]);
  refused('an unknown kind of reduction', reduce, attribute, [L.REDUCE_KIND, 17]);
  refused('an unknown rounding', reduce, attribute, [L.REDUCE_ROUNDING, 3]);
  refused('a scale of NaN', reduce, attribute, [L.REDUCE_SCALE, NaN, 'float']);

  refused('more rows than the image has', resize, attribute, [L.RESIZE2D_IN_H, 1]);
  refused('an unknown resize mode', resize, attribute, [L.RESIZE2D_MODE, 2]);
  refused('a table of rows with invalid entries', resize, attribute, [L.RESIZE2D_ROWS, fieldOf(conv, L.CONV2D_SCALE)]);

  refused('an axis outside the arena', argmax, arena, [L.ARGMAX_INNER, 1 << 20]);
  refused('an argmax that is neither maximum nor minimum', argmax, attribute, [L.ARGMAX_KIND, 2]);

  refused('a depth larger than the matrices', matmul, /reaches outside/, [L.BATCH_MATMUL_K, 30_000]);
  refused('a depth whose accumulator can overflow', matmul, attribute, [L.BATCH_MATMUL_K, 32769]);
  refused('matrices with a negative stride', matmul, attribute, [L.BATCH_MATMUL_A_BATCH_STRIDE, -1]);
  refused('a transposition flag of 2', matmul, attribute, [L.BATCH_MATMUL_B_TRANSPOSED, 2]);

  refused('more values to quantize than the arena holds', quantize, arena, [L.QUANTIZE_COUNT, 1 << 20]);
  refused('more values to dequantize than the arena holds', dequantize, arena, [L.QUANTIZE_COUNT, 1 << 20]);

  refused('an unknown target type', cast, attribute, [L.CAST_TO, 4]);

  refused('pairs outside the weights section', pairs, weights, [L.CONV2D_WEIGHTS, 1 << 20]);
  refused('deltas outside the weights section', pairs, weights, [L.SPARSE_DELTAS, -16]);
  refused('counts outside the weights section', blocks, weights, [L.SPARSE_COUNTS, 1 << 20]);
  refused('misaligned deltas', blocks, misaligned, [L.SPARSE_DELTAS, 4]);
  refused('fewer entries than the counts add up to', pairs, attribute, [L.SPARSE_ENTRIES,
    fieldOf(pairs, L.SPARSE_ENTRIES) - 4]);
  refused('more entries than the counts add up to', blocks, attribute, [L.SPARSE_ENTRIES,
    fieldOf(blocks, L.SPARSE_ENTRIES) + 1]);
  refused('0 entries', pairs, attribute, [L.SPARSE_ENTRIES, 0]);
  refused('counts that do not add up to the entries', pairs, attribute, [L.SPARSE_COUNTS,
    fieldOf(pairs, L.CONV2D_BIAS)]);
  refused('pairs whose deltas lead past the last input', pairs, attribute, [L.SPARSE_DELTAS,
    fieldOf(conv, L.CONV2D_WEIGHTS)]);
  refused('pairs past the end of the kernel', pairs, attribute, [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W, 1]);
  refused('blocks past the last input channel', blocks, attribute, [L.CONV2D_IN_C, 1], [L.SPARSE_DELTAS,
    fieldOf(pairs, L.SPARSE_DELTAS)]);
  refused('a tile size without a kernel', pairs, attribute, [L.CONV2D_BLOCK_ROWS, 20]);
  refused('a pair that spans two taps', pairs, attribute, [L.CONV2D_IN_C, 17]);
  refused('several groups in a sparse convolution', pairs, attribute, [L.CONV2D_GROUPS, 2]);
  refused('an unknown sparsity pattern', blocks, attribute, [L.SPARSE_PATTERN, 2]);

  refused('a hybrid layer whose weight sums are outside the weights section', hybrid, weights, [L.HYBRID_SUMS, -16]);
  refused('a hybrid layer with negative channels', hybrid, attribute, [L.CONV2D_IN_C, -1]);

  refused('a hidden state outside the arena', lstm, arena, [L.RECURRENT_HIDDEN, 1 << 20]);
  refused('a cell state at the end of the address space', lstm, arena, [L.RECURRENT_CELL, -16]);
  refused('a misaligned cell state', lstm, misaligned, [L.RECURRENT_CELL, 3]);
  refused('a sequence so long that batch items overlap', lstm, attribute, [L.RECURRENT_TIME, 10_000]);
  refused('more sequences than the arena holds', gru, arena, [L.RECURRENT_BATCH, 10_000]);
  refused('a sequence of 0 time steps', lstm, attribute, [L.RECURRENT_TIME, 0]);
  refused('overlapping time steps', lstm, attribute, [L.RECURRENT_TARGET_TIME_STRIDE, 1]);
  refused('a hidden size of 0', gru, attribute, [L.RECURRENT_CELLS, 0]);
  refused('a hidden size whose accumulator can overflow', lstm, attribute, [L.RECURRENT_CELLS, 65537]);
  refused('an output size other than the hidden size, without a projection', gru, attribute, [L.RECURRENT_OUTPUTS, 7]);
  refused('an unknown kind of recurrent layer', lstm, attribute, [L.RECURRENT_KIND, 4]);
  refused('no rows of 4-bit products', nibbles, attribute, [L.NIBBLE_PRODUCT_ROWS, 0]);
  refused('more rows of 4-bit products than the arena holds', nibbles, arena, [L.NIBBLE_PRODUCT_ROWS, HUGE]);
  refused('more inputs than 4-bit products can add', nibbles, attribute, [L.NIBBLE_PRODUCT_INPUTS, 65537]);
  refused('more outputs than the 4-bit weights have', nibbles, /reaches outside/, [L.NIBBLE_PRODUCT_OUTPUTS, 1 << 20]);
  refused('−1 outputs of a 4-bit product', nibbles, attribute, [L.NIBBLE_PRODUCT_OUTPUTS, -1]);
  refused('a source of 4-bit products outside the arena', nibbles, arena, [L.NIBBLE_PRODUCT_SOURCE, HUGE]);
  refused('a target of 4-bit products outside the arena', nibbles, arena, [L.NIBBLE_PRODUCT_TARGET, HUGE]);
  refused('4-bit weights outside the weights section', nibbles, weights, [L.NIBBLE_PRODUCT_WEIGHTS, HUGE]);
  refused('misaligned 4-bit weights', nibbles, misaligned, [L.NIBBLE_PRODUCT_WEIGHTS, 8]);
  refused('a bias of 4-bit products outside the weights section', nibbles, weights, [L.NIBBLE_PRODUCT_BIAS, HUGE]);
  refused('a zero point of 4-bit products above 127', nibbles, attribute, [L.NIBBLE_PRODUCT_TARGET_ZERO, 128]);
  refused('reversed bounds of a 4-bit product', nibbles, attribute, [L.NIBBLE_PRODUCT_MIN, 100], [L.NIBBLE_PRODUCT_MAX,
    50]);
  refused('4-bit products of floats', nibbles, attribute, [L.RECORD_DTYPE, L.DTYPE_F32, 'byte']);

  refused('4-bit weights in a float layer', floatLstm, attribute, [L.RECURRENT_PARTS, L.RECURRENT_HIDDEN_NIBBLES]);
  refused('lists of 4-bit weights', sparseGru, attribute, [L.RECURRENT_PARTS, L.RECURRENT_INPUT_NIBBLES]);
  refused('unknown packing of an svdf', svdf, attribute, [L.SVDF_NIBBLES, 2]);

  refused('unknown optional parts', lstm, attribute, [L.RECURRENT_PARTS, 16]);
  refused('optional parts of another kind of layer', gru, attribute, [L.RECURRENT_PARTS, L.RECURRENT_HAS_PEEPHOLE]);
  refused('an int8 layer in a mode for floats', lstm, attribute, [L.RECURRENT_MODE, L.RECURRENT_ASYMMETRIC]);
  refused('gate parameters that are not valid', lstm, attribute, [L.RECURRENT_GATES,
    fieldOf(lstm, L.RECURRENT_INPUT_BIAS)]);
  refused('recurrent weights outside the weights section', floatLstm, weights, [L.RECURRENT_HIDDEN_WEIGHTS, 1 << 20]);
  refused('norm weights outside the weights section', lstm, weights, [L.RECURRENT_NORM, -16]);
  refused('a projection outside the weights section', floatLstm, weights, [L.RECURRENT_PARTS,
    L.RECURRENT_HAS_PROJECTION], [L.RECURRENT_PROJECTION, 1 << 20]);
  refused('a cell state with too coarse a scale', lstm, attribute, [L.RECURRENT_CELL_BITS, 7]);
  refused('a cell clip of NaN', floatLstm, attribute, [L.RECURRENT_CELL_CLIP, NaN, 'float']);
  refused('an unknown activation', rnn, attribute, [L.RECURRENT_ACTIVATION, L.UNARY_KINDS]);

  refused('sparse input weights outside the weights section', sparseGru, weights, [L.RECURRENT_INPUT_WEIGHTS, 1 << 20]);
  refused('deltas of a recurrent layer outside the weights section', sparseGru, weights, [
    L.SPARSE_RECURRENT_INPUT_DELTAS,
    -16,
  ]);
  refused('counts of a recurrent layer outside the weights section', sparseLstm, weights, [
    L.SPARSE_RECURRENT_HIDDEN_COUNTS,
    1 << 20,
  ]);
  refused('misaligned counts', sparseLstm, misaligned, [L.SPARSE_RECURRENT_INPUT_COUNTS, 8]);
  refused('fewer blocks than the counts add up to', sparseGru, attribute, [L.SPARSE_RECURRENT_INPUT_ENTRIES,
    fieldOf(sparseGru, L.SPARSE_RECURRENT_INPUT_ENTRIES) - 1]);
  refused('more blocks than the counts add up to', sparseLstm, attribute, [L.SPARSE_RECURRENT_HIDDEN_ENTRIES,
    fieldOf(sparseLstm, L.SPARSE_RECURRENT_HIDDEN_ENTRIES) + 1]);
  refused('−1 blocks', sparseGru, attribute, [L.SPARSE_RECURRENT_INPUT_ENTRIES, -1]);
  refused('more blocks than the weights hold', sparseLstm, weights, [L.SPARSE_RECURRENT_HIDDEN_ENTRIES, HUGE]);
  refused('blocks past the last input of a recurrent layer', sparseLstm, attribute, [L.RECURRENT_INPUTS, 4]);
  refused('blocks whose deltas lead past the last input', sparseGru, attribute, [L.SPARSE_RECURRENT_INPUT_DELTAS,
    fieldOf(sparseGru, L.RECURRENT_HIDDEN_WEIGHTS)]);
  refused('lists for a smaller hidden size', sparseGru, /reaches outside|out of range/, [L.RECURRENT_CELLS, 60], [
    L.RECURRENT_OUTPUTS,
    60,
  ]);
  refused('lists of float weights', sparseLstm, attribute, [L.RECURRENT_MODE, L.RECURRENT_PLAIN]);
  refused('lists in a dense record', sparseGru, size, [L.RECORD_OPCODE, L.OP_RECURRENT, 'byte']);

  refused('an svdf state outside the arena', svdf, arena, [L.SVDF_STATE, 1 << 20]);
  refused('a longer memory than the arena holds', svdf, /reaches outside/, [L.SVDF_MEMORY, 30_000]);
  refused('a rank of 0', svdf, attribute, [L.SVDF_RANK, 0]);
  refused('more inputs than the filters have', svdf, /reaches outside/, [L.SVDF_INPUTS, 60_000]);

  refused('rows outside the arena', gather, arena, [L.GATHER_ROW_BYTES, 1 << 20]);
  refused('more indices than the arena holds', gather, arena, [L.GATHER_INDEX_COUNT, 1 << 20]);
  refused('an axis of length 0', gather, attribute, [L.GATHER_COUNT, 0]);

  refused('an unknown function of elements', comparison, attribute, [L.ELEMENTWISE_KIND, 11]);
  refused('logic on floats', comparison, attribute, [L.ELEMENTWISE_KIND, L.ELEMENTWISE_AND]);
  refused('a comparison with a condition', comparison, attribute, [L.ELEMENTWISE_C, 16]);
  refused('an operand outside the arena', comparison, arena, [L.ELEMENTWISE_A, 1 << 20]);
  refused('a misaligned operand', comparison, misaligned, [L.ELEMENTWISE_B, 2]);
  refused('a dimension of 0', comparison, attribute, [L.ELEMENTWISE_DIMENSIONS + LAST, 0]);
  refused('a negative stride', comparison, attribute, [L.ELEMENTWISE_A_STRIDES + LAST, -1]);
  refused('a stride of an operand outside the weights section', selection, weights, [L.ELEMENTWISE_B_STRIDES + LAST,
    1 << 20]);
  refused('a condition outside the arena', selection, arena, [L.ELEMENTWISE_C, 1 << 20]);
  refused('a stride of the condition outside the arena', selection, arena, [L.ELEMENTWISE_C_STRIDES + LAST, 1 << 20]);
  refused('a target of a selection outside the arena', selection, arena, [L.ELEMENTWISE_TARGET, 1 << 20]);
  refused('a short record of the extra module', selection, size, [L.RECORD_SIZE, 64]);
  refused('an unknown opcode after those of the extra module', comparison, opcode, [L.RECORD_OPCODE,
    L.LAST_EXTRA_OPCODE + 1, 'byte']);

  refused('a hybrid layer in an unknown mode', hybrid, attribute, [L.HYBRID_MODE, 2]);
});
