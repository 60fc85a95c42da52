import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { readKlet } from '../../src/compiler/index';
import { SECTION_PLAN, writeKlet } from '../../src/format/klet';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { refuses, staysUsable } from './refusal';
import { sampleFile } from './sample';
import { reseal, sectionsOf, viewOf, withSection } from './seal';

// Plans that lie about what they read and write, in files whose checksums are right.

const original = sampleFile();
const { plan, notes, arenaBytes } = readKlet(original);
const offsets: number[] = [];
for (let at = 0; at < plan.length; at += viewOf(plan).getUint32(at + L.RECORD_SIZE, true)) offsets.push(at);

/** The first record with an opcode (and element type). */
function recordOf(opcode: number, dtype?: number): number {
  return offsets.findIndex((at) => plan[at] === opcode && (dtype === undefined || plan[at + L.RECORD_DTYPE] === dtype));
}

type Change = [field: number, value: number, kind?: 'float' | 'byte'];

function withRecord(record: number, ...changes: Change[]): Uint8Array {
  return withSection(original, SECTION_PLAN, (bytes) => {
    const view = viewOf(bytes);
    const at = offsets[record]!;
    for (const [field, value, kind] of changes) {
      if (kind === 'float') view.setFloat32(at + field, value, true);
      else if (kind === 'byte') view.setUint8(at + field, value);
      else view.setInt32(at + field, value, true);
    }
    return bytes;
  });
}

function refusesRecord(record: number, about: RegExp, ...changes: Change[]): void {
  const file = withRecord(record, ...changes);
  for (const flavor of flavors) {
    refuses(
      () => loadSync(file, { flavor }),
      'CORRUPT',
      about,
      new RegExp(`record ${record} \\("${notes!.records[record]!.name}"\\) at plan offset ${offsets[record]} `),
    );
  }
}

const arena = /reaches outside the arena/;
const weights = /reaches outside the weights/;
const attribute = /has an attribute out of range/;
const misaligned = /has a misaligned offset/;
const size = /has a wrong size/;
const conv = recordOf(L.OP_CONV2D, L.DTYPE_I8);
const depthwise = recordOf(L.OP_DEPTHWISE_CONV2D, L.DTYPE_I8);
const copy = recordOf(L.OP_COPY);
const binary = recordOf(L.OP_BINARY, L.DTYPE_I8);
const pool = recordOf(L.OP_POOL2D, L.DTYPE_I8);
const resize = recordOf(L.OP_RESIZE2D, L.DTYPE_I8);
const matmul = recordOf(L.OP_BATCH_MATMUL, L.DTYPE_I8);
const softmax = recordOf(L.OP_SOFTMAX, L.DTYPE_I8);
const reduce = recordOf(L.OP_REDUCE, L.DTYPE_I8);
const unary = recordOf(L.OP_UNARY, L.DTYPE_I8);
const fill = recordOf(L.OP_FILL);
const argmax = recordOf(L.OP_ARGMAX);
const cast = recordOf(L.OP_CAST);
const quantize = recordOf(L.OP_QUANTIZE);
const normalize = recordOf(L.OP_L2_NORMALIZE, L.DTYPE_I8);
const hybrid = recordOf(L.OP_HYBRID_CONV2D);
const floatUnary = recordOf(L.OP_UNARY, L.DTYPE_F32);
const floatConv = recordOf(L.OP_CONV2D, L.DTYPE_F32);
const floatBinary = recordOf(L.OP_BINARY, L.DTYPE_F32);
const integerBinary = recordOf(L.OP_BINARY, L.DTYPE_I32);
const ofPattern = (pattern: number): number =>
  offsets.findIndex((at) =>
    plan[at] === L.OP_SPARSE_CONV2D && viewOf(plan).getUint32(at + L.SPARSE_PATTERN, true) === pattern
  );
const pairs = ofPattern(L.SPARSE_PAIRS);
const blocks = ofPattern(L.SPARSE_BLOCKS);
const field = (record: number, at: number): number => viewOf(plan).getUint32(offsets[record]! + at, true);

const ofKind = (kind: number, dtype: number): number =>
  offsets.findIndex((at) =>
    plan[at] === L.OP_RECURRENT && plan[at + L.RECORD_DTYPE] === dtype &&
    viewOf(plan).getUint32(at + L.RECURRENT_KIND, true) === kind
  );
const lstm = ofKind(L.RECURRENT_LSTM, L.DTYPE_I8);
const floatLstm = ofKind(L.RECURRENT_LSTM, L.DTYPE_F32);
const gru = ofKind(L.RECURRENT_GRU, L.DTYPE_I8);
const rnn = ofKind(L.RECURRENT_RNN, L.DTYPE_F32);
const svdf = recordOf(L.OP_SVDF, L.DTYPE_I8);
const gather = recordOf(L.OP_GATHER);
const sparseGru = recordOf(L.OP_SPARSE_RECURRENT, L.DTYPE_I8);
const sparseLstm = recordOf(L.OP_SPARSE_RECURRENT, L.DTYPE_F32);

const HUGE = 1 << 30;
const LAST = (L.MAX_RANK - 1) * 4;

const malformedRecords: [title: string, record: number, about: RegExp, ...changes: Change[]][] = [['an unknown opcode',
  conv, /operator code that this core does not know/, [L.RECORD_OPCODE, 200, 'byte']], ['opcode 0', conv,
  /operator code that this core does not know/, [L.RECORD_OPCODE, 0, 'byte']], ['the opcode of another record', conv,
  size, [L.RECORD_OPCODE, L.OP_UNARY, 'byte']], ['an element type that it does not have', softmax, attribute, [
  L.RECORD_DTYPE,
  L.DTYPE_I32,
  'byte',
]], ['an unknown element type', conv, attribute, [L.RECORD_DTYPE, 77, 'byte']], ['a size of 0', conv, size, [
  L.RECORD_SIZE,
  0,
]], ['a broken size', conv, size, [L.RECORD_SIZE, 130]], ['a size beyond the plan', conv, size, [L.RECORD_SIZE,
  1 << 20]], ['a negative size', conv, size, [L.RECORD_SIZE, -8]], ['a target behind the arena', conv, arena, [
  L.CONV2D_TARGET,
  1 << 20,
]], ['a target at the end of addresses', conv, arena, [L.CONV2D_TARGET, -16]], ['a source behind the arena', conv,
  arena, [L.CONV2D_SOURCE, 0x7ffffff0]], ['a source behind the weights', conv, weights, [L.CONV2D_SOURCE, -16]], [
  'weights behind the weights',
  conv,
  weights,
  [L.CONV2D_WEIGHTS, 1 << 20],
], ['a bias at the end of addresses', conv, weights, [L.CONV2D_BIAS, -32]], ['misaligned weights', conv, misaligned, [
  L.CONV2D_WEIGHTS,
  8,
]], ['a misaligned float target', floatConv, misaligned, [L.CONV2D_TARGET, 2]], ['more pictures', conv, arena, [
  L.CONV2D_BATCH,
  1000,
]], ['a taller output', conv, arena, [L.CONV2D_OUT_H, 1000]], ['a height of 0', conv, attribute, [L.CONV2D_IN_H, 0]], [
  'a negative width',
  conv,
  attribute,
  [L.CONV2D_IN_W, -4],
], ['dimensions whose product wraps around', conv, arena, [L.CONV2D_IN_H, 65536], [L.CONV2D_IN_W, 65536]], [
  'a stride of 0',
  conv,
  attribute,
  [L.CONV2D_STRIDE_Y, 0],
], ['a stride that leaves the coordinates', conv, attribute, [L.CONV2D_STRIDE_X, HUGE]], [
  'a dilation that leaves the coordinates',
  conv,
  attribute,
  [L.CONV2D_DILATION_Y, HUGE],
], ['a padding that leaves the coordinates', conv, attribute, [L.CONV2D_PAD_TOP, HUGE]], ['groups that do not divide',
  conv, attribute, [L.CONV2D_GROUPS, 2]], ['no groups', conv, attribute, [L.CONV2D_GROUPS, 0]], ['groups of −1', conv,
  attribute, [L.CONV2D_GROUPS, -1]], ['a negative kernel', conv, attribute, [L.CONV2D_KERNEL_W, -HUGE]], [
  'a kernel that sums too much',
  conv,
  attribute,
  [L.CONV2D_KERNEL_H, 65536],
  [L.CONV2D_KERNEL_W, 65536],
], ['a block that is no multiple of 4', conv, attribute, [L.CONV2D_BLOCK_ROWS, 5]], ['pixels that overlap', conv,
  attribute, [L.CONV2D_PIXEL_STRIDE, 1]], ['rows that run beyond the arena', conv, arena, [L.CONV2D_ROW_STRIDE, HUGE]],
  ['a range upside down', conv, attribute, [L.CONV2D_MIN, 5], [L.CONV2D_MAX, 4]], ['a range beyond int8', conv,
  attribute, [L.CONV2D_MAX, 128]], ['a zero point beyond int8', conv, attribute, [L.CONV2D_SOURCE_ZERO, 1000]],
  ...(['SOURCE_ZERO', 'WEIGHTS_ZERO', 'TARGET_ZERO', 'MIN', 'MAX'] as const).flatMap((name) =>
    [-129, 128].flatMap((
      value,
    ): typeof malformedRecords => [[`${name} of a convolution at ${value}`, conv, attribute, [L[`CONV2D_${name}`],
      value]], [`${name} of a depthwise convolution at ${value}`, depthwise, attribute, [L[`DEPTHWISE_${name}`],
      value]]]
    )
  ), ['a depthwise range upside down', depthwise, attribute, [L.DEPTHWISE_MIN, 5], [L.DEPTHWISE_MAX, 4]], [
  'depthwise scales behind the weights',
  depthwise,
  weights,
  [L.DEPTHWISE_SCALE, 1 << 20],
], ['depthwise channels beyond the weights', depthwise, /reaches outside/, [L.DEPTHWISE_CHANNELS, 1000]], [
  'a depthwise kernel beyond the weights',
  depthwise,
  weights,
  [L.DEPTHWISE_KERNEL_H, 1000],
], ['depthwise outputs beyond the arena', depthwise, arena, [L.DEPTHWISE_OUT_W, 10_000]], [
  'a negative depthwise stride',
  depthwise,
  attribute,
  [L.DEPTHWISE_STRIDE_Y, -1],
], ['a window that meets no pixel', pool, attribute, [L.POOL2D_PAD_TOP, 2]], ['a window behind the picture', pool,
  attribute, [L.POOL2D_STRIDE_Y, 100]], ['a kernel of 0', pool, attribute, [L.POOL2D_KERNEL_W, 0]], ['an unknown pool',
  pool, attribute, [L.POOL2D_KIND, 2]], ['a rounding offset beyond a step', pool, attribute, [L.POOL2D_ROUNDING_OFFSET,
  1 << 20]], ['copies of another element size', copy, attribute, [L.COPY_ELEMENT_BYTES, 2]], [
  'a copy that reads before the arena',
  copy,
  arena,
  [L.COPY_SOURCE_STRIDES + LAST, -HUGE],
], ['a copy that reads behind the arena', copy, arena, [L.COPY_SOURCE_STRIDES + LAST, HUGE]], [
  'a copy that writes behind the arena',
  copy,
  arena,
  [L.COPY_TARGET, 1 << 20],
], ['a copy whose rows run into each other', copy, attribute, [L.COPY_DIMENSIONS + LAST, 100_000]], [
  'a copy that writes backwards',
  copy,
  attribute,
  [L.COPY_TARGET_STRIDES + LAST, -1],
], ['a copy that writes one element twice', copy, attribute, [L.COPY_TARGET_STRIDES + LAST, 0]], ['a copy of 0 rows',
  copy, attribute, [L.COPY_DIMENSIONS, 0]], ['a fill beyond the arena', fill, arena, [L.FILL_COUNT, 1 << 20]], [
  'a fill of −1 elements',
  fill,
  attribute,
  [L.FILL_COUNT, -1],
], ['operands beyond the arena', binary, arena, [L.BINARY_DIMENSIONS + LAST, 1 << 20]], [
  'an operand that strides backwards',
  binary,
  attribute,
  [L.BINARY_A_STRIDES, -1],
], ['an operand that skips', binary, attribute, [L.BINARY_B_STRIDES + LAST, 2]], ['an unknown kind', binary, attribute,
  [L.BINARY_KIND, 99]], ['a shift beyond 31', binary, attribute, [L.BINARY_SHIFT, 32]], ['factors that overflow',
  binary, attribute, [L.BINARY_A_FACTOR, HUGE]], ['a float range of NaN', floatBinary, attribute, [L.BINARY_MIN, NaN,
  'float']], ['an integer division', integerBinary, attribute, [L.BINARY_KIND, L.BINARY_DIV]], [
  'a table behind the weights',
  unary,
  weights,
  [L.UNARY_TABLE, 1 << 20],
], ['a function that does not exist', floatUnary, attribute, [L.UNARY_KIND, L.UNARY_KINDS]], ['a slope of NaN',
  floatUnary, attribute, [L.UNARY_ALPHA, NaN, 'float']], ['more elements than there are', unary, arena, [L.UNARY_COUNT,
  1 << 20]], ['rows of depth 0', softmax, attribute, [L.SOFTMAX_DEPTH, 0]], ['exponentials that are none', softmax,
  attribute, [L.SOFTMAX_TABLE, viewOf(plan).getUint32(offsets[conv]! + L.CONV2D_BIAS, true)]], ['an output scale of 0',
  softmax, attribute, [L.SOFTMAX_OUT_SCALE, 0, 'float']], ['an infinite epsilon', normalize, attribute, [
  L.L2_NORMALIZE_EPSILON,
  Infinity,
  'float',
]], ['a reduction of −5 elements', reduce, attribute, [L.REDUCE_COUNT, -5]], ['an unknown reduction', reduce, attribute,
  [L.REDUCE_KIND, 17]], ['an unknown rounding', reduce, attribute, [L.REDUCE_ROUNDING, 3]], ['a scale of NaN', reduce,
  attribute, [L.REDUCE_SCALE, NaN, 'float']], ['rows of a picture that has fewer', resize, attribute, [L.RESIZE2D_IN_H,
  1]], ['an unknown mode', resize, attribute, [L.RESIZE2D_MODE, 2]], ['a table of other numbers', resize, attribute, [
  L.RESIZE2D_ROWS,
  viewOf(plan).getUint32(offsets[conv]! + L.CONV2D_SCALE, true),
]], ['an axis beyond the arena', argmax, arena, [L.ARGMAX_INNER, 1 << 20]], ['neither largest nor smallest', argmax,
  attribute, [L.ARGMAX_KIND, 2]], ['matrices of other depth', matmul, /reaches outside/, [L.BATCH_MATMUL_K, 30_000]], [
  'matrices too deep for int32',
  matmul,
  attribute,
  [L.BATCH_MATMUL_K, 32769],
], ['matrices that step backwards', matmul, attribute, [L.BATCH_MATMUL_A_BATCH_STRIDE, -1]], ['a transposition of 2',
  matmul, attribute, [L.BATCH_MATMUL_B_TRANSPOSED, 2]], ['more values to quantize', quantize, arena, [L.QUANTIZE_COUNT,
  1 << 20]], ['an unknown target type', cast, attribute, [L.CAST_TO, 4]], ['pairs behind the weights', pairs, weights, [
  L.CONV2D_WEIGHTS,
  1 << 20,
]], ['steps behind the weights', pairs, weights, [L.SPARSE_STEPS, -16]], ['counts behind the weights', blocks, weights,
  [L.SPARSE_COUNTS, 1 << 20]], ['misaligned steps', blocks, misaligned, [L.SPARSE_STEPS, 4]], [
  'fewer entries than are counted',
  pairs,
  attribute,
  [L.SPARSE_ENTRIES, field(pairs, L.SPARSE_ENTRIES) - 4],
], ['more entries than are counted', blocks, attribute, [L.SPARSE_ENTRIES, field(blocks, L.SPARSE_ENTRIES) + 1]], [
  'no entries',
  pairs,
  attribute,
  [L.SPARSE_ENTRIES, 0],
], ['lists of other lengths', pairs, attribute, [L.SPARSE_COUNTS, field(pairs, L.CONV2D_BIAS)]], [
  'pairs that step over the end',
  pairs,
  attribute,
  [L.SPARSE_STEPS, field(conv, L.CONV2D_WEIGHTS)],
], ['pairs beyond a smaller kernel', pairs, attribute, [L.CONV2D_KERNEL_H, 1], [L.CONV2D_KERNEL_W, 1]], [
  'blocks beyond a smaller input',
  blocks,
  attribute,
  [L.CONV2D_IN_C, 1],
  [L.SPARSE_STEPS, field(pairs, L.SPARSE_STEPS)],
], ['a tile that there is no kernel for', pairs, attribute, [L.CONV2D_BLOCK_ROWS, 20]], [
  'pairs of which one lies in another tap',
  pairs,
  attribute,
  [L.CONV2D_IN_C, 17],
], ['pruned groups', pairs, attribute, [L.CONV2D_GROUPS, 2]], ['an unknown pattern', blocks, attribute, [
  L.SPARSE_PATTERN,
  2,
]], ['a hybrid layer without sums', hybrid, weights, [L.HYBRID_SUMS, -16]], ['a hybrid layer of negative channels',
  hybrid, attribute, [L.CONV2D_IN_C, -1]], ['a hidden state behind the arena', lstm, arena, [L.RECURRENT_HIDDEN,
  1 << 20]], ['a cell state at the end of addresses', lstm, arena, [L.RECURRENT_CELL, -16]], ['a misaligned cell state',
  lstm, misaligned, [L.RECURRENT_CELL, 3]], ['a sequence so long that its pictures overlap', lstm, attribute, [
  L.RECURRENT_TIME,
  10_000,
]], ['a sequence of more pictures', gru, arena, [L.RECURRENT_BATCH, 10_000]], ['a sequence of 0 steps', lstm, attribute,
  [L.RECURRENT_TIME, 0]], ['steps that overlap', lstm, attribute, [L.RECURRENT_TARGET_STEP, 1]], [
  'a layer without cells',
  gru,
  attribute,
  [L.RECURRENT_CELLS, 0],
], ['more cells than int32 sums', lstm, attribute, [L.RECURRENT_CELLS, 65537]], [
  'more outputs than cells and no projection',
  gru,
  attribute,
  [L.RECURRENT_OUTPUTS, 7],
], ['an unknown layer', lstm, attribute, [L.RECURRENT_KIND, 4]], ['parts that do not exist', lstm, attribute, [
  L.RECURRENT_PARTS,
  16,
]], ['parts of another layer', gru, attribute, [L.RECURRENT_PARTS, L.RECURRENT_HAS_PEEPHOLE]], [
  'an int8 layer in a mode of floats',
  lstm,
  attribute,
  [L.RECURRENT_MODE, L.RECURRENT_ASYMMETRIC],
], ['gates of other numbers', lstm, attribute, [L.RECURRENT_GATES, field(lstm, L.RECURRENT_INPUT_BIAS)]], [
  'recurrent weights behind the weights',
  floatLstm,
  weights,
  [L.RECURRENT_HIDDEN_WEIGHTS, 1 << 20],
], ['a norm behind the weights', lstm, weights, [L.RECURRENT_NORM, -16]], ['a projection behind the weights', floatLstm,
  weights, [L.RECURRENT_PARTS, L.RECURRENT_HAS_PROJECTION], [L.RECURRENT_PROJECTION, 1 << 20]], [
  'a cell state of too large steps',
  lstm,
  attribute,
  [L.RECURRENT_CELL_BITS, 7],
], ['a clip of NaN', floatLstm, attribute, [L.RECURRENT_CELL_CLIP, NaN, 'float']], ['an activation that does not exist',
  rnn, attribute, [L.RECURRENT_ACTIVATION, L.UNARY_KINDS]], ['lists of input weights behind the weights', sparseGru,
  weights, [L.RECURRENT_INPUT_WEIGHTS, 1 << 20]], ['steps of a layer behind the weights', sparseGru, weights, [
  L.SPARSE_RECURRENT_INPUT_STEPS,
  -16,
]], ['counts of a layer behind the weights', sparseLstm, weights, [L.SPARSE_RECURRENT_HIDDEN_COUNTS, 1 << 20]], [
  'misaligned counts',
  sparseLstm,
  misaligned,
  [L.SPARSE_RECURRENT_INPUT_COUNTS, 8],
], ['fewer blocks than are counted', sparseGru, attribute, [L.SPARSE_RECURRENT_INPUT_ENTRIES,
  field(sparseGru, L.SPARSE_RECURRENT_INPUT_ENTRIES) - 1]], ['more blocks than are counted', sparseLstm, attribute, [
  L.SPARSE_RECURRENT_HIDDEN_ENTRIES,
  field(sparseLstm, L.SPARSE_RECURRENT_HIDDEN_ENTRIES) + 1,
]], ['blocks of −1', sparseGru, attribute, [L.SPARSE_RECURRENT_INPUT_ENTRIES, -1]], ['more blocks than there are bytes',
  sparseLstm, weights, [L.SPARSE_RECURRENT_HIDDEN_ENTRIES, HUGE]], ['blocks of a layer beyond fewer inputs', sparseLstm,
  attribute, [L.RECURRENT_INPUTS, 4]], ['blocks of a layer that step over the end', sparseGru, attribute, [
  L.SPARSE_RECURRENT_INPUT_STEPS,
  field(sparseGru, L.RECURRENT_HIDDEN_WEIGHTS),
]], ['lists for more cells', sparseGru, /reaches outside|out of range/, [L.RECURRENT_CELLS, 60], [L.RECURRENT_OUTPUTS,
  60]], ['lists of float weights', sparseLstm, attribute, [L.RECURRENT_MODE, L.RECURRENT_PLAIN]], [
  'lists in a record that has none',
  sparseGru,
  size,
  [L.RECORD_OPCODE, L.OP_RECURRENT, 'byte'],
], ['a memory behind the arena', svdf, arena, [L.SVDF_STATE, 1 << 20]], ['a longer memory', svdf, /reaches outside/, [
  L.SVDF_MEMORY,
  30_000,
]], ['a rank of 0', svdf, attribute, [L.SVDF_RANK, 0]], ['filters of other inputs', svdf, /reaches outside/, [
  L.SVDF_INPUTS,
  60_000,
]], ['rows behind the arena', gather, arena, [L.GATHER_ROW_BYTES, 1 << 20]], ['more indices than there are', gather,
  arena, [L.GATHER_INDEX_COUNT, 1 << 20]], ['an axis of 0 rows', gather, attribute, [L.GATHER_COUNT, 0]], [
  'a hybrid layer in an unknown mode',
  hybrid,
  attribute,
  [L.HYBRID_MODE, 2],
]];

describe('a plan', () => {
  staysUsable();

  for (const [title, record, about, ...changes] of malformedRecords) {
    test(`with ${title} is refused, naming the record`, () => refusesRecord(record, about, ...changes));
  }

  test('that reads a scale of NaN or infinity from the weights is refused', () => {
    const section = sectionsOf(original).find(({ kind }) => kind === 3)!;
    for (const [record, field] of [[conv, L.CONV2D_SCALE], [depthwise, L.DEPTHWISE_SCALE]] as const) {
      for (const value of [NaN, Infinity]) {
        const file = original.slice();
        viewOf(file).setFloat32(
          section.offset + viewOf(plan).getUint32(offsets[record]! + field, true) + 4,
          value,
          true,
        );
        refuses(() => loadSync(reseal(file)), 'CORRUPT', attribute);
      }
    }
  });

  test('that ends inside a record is refused', () => {
    for (const cut of [1, 4, 8, 100]) {
      const file = withSection(original, SECTION_PLAN, (bytes) => bytes.slice(0, bytes.length - cut));
      for (const flavor of flavors) refuses(() => loadSync(file, { flavor }), 'CORRUPT', size);
    }
  });

  test('whose last record is cut short at the end of the memory is refused', () => {
    const whole: [opcode: number, bytes: number][] = Array.from({ length: 2553 }, () => [L.OP_FILL, L.FILL_BYTES]);
    for (let opcode = 1; opcode < 256; opcode++) {
      const records: typeof whole = [...whole, [L.OP_UNARY, L.UNARY_BYTES], [opcode, 8]];
      const short = new Uint8Array(65536 - L.RESERVED - 2 * L.SLACK);
      const view = viewOf(short);
      let at = 0;
      for (const [code, bytes] of records) {
        short.set([code, L.DTYPE_F32], at);
        view.setUint32(at + L.RECORD_SIZE, bytes, true);
        if (bytes === L.FILL_BYTES) {
          [[L.FILL_ELEMENT_BYTES, 1], [L.FILL_COUNT, 1]].forEach(([field, value]) => {
            view.setUint32(at + field!, value!, true);
          });
        }
        if (bytes === L.UNARY_BYTES) view.setUint32(at + L.UNARY_COUNT, 1, true);
        at += bytes;
      }
      expect(at).toBe(short.length);
      const file = writeKlet({
        meta: { name: 'short', inputs: [], outputs: [] },
        plan: short,
        weights: new Uint8Array(0),
        arenaBytes: 16,
        scratchBytes: 0,
      });
      for (const flavor of flavors) {
        refuses(
          () => loadSync(file, { flavor, maxMemory: 65536 }),
          'CORRUPT',
          /record 2554 at plan offset 61304 (has a wrong size|has an operator code)/,
        );
      }
    }
  });

  const declare = (field: 'arena' | 'scratch', bytes: number): Uint8Array => {
    const file = original.slice();
    viewOf(file).setUint32(field === 'arena' ? 16 : 20, bytes, true);
    return reseal(file);
  };

  test('in an arena declared too small is refused', () => {
    for (const bytes of [0, 100, arenaBytes - 16]) {
      refuses(() => loadSync(declare('arena', bytes)), 'CORRUPT', /outside the arena/);
    }
  });

  test('gets the scratch that it needs, whatever the file declares, up to the limit', () => {
    for (const bytes of [0, 16, 500]) expect(loadSync(declare('scratch', bytes)).selfTest()).toBe(1);
    refuses(
      () => loadSync(withRecord(conv, [L.CONV2D_BLOCK_ROWS, 65536]), { maxMemory: 1 << 20 }),
      'OUT_OF_MEMORY',
      /needs \d+ bytes of memory and the limit is 1048576/,
    );
  });

  test('in an arena larger than memory, or the limit, is refused', () => {
    refuses(
      () => loadSync(declare('arena', 0xffffffff)),
      'OUT_OF_MEMORY',
      /needs \d+ bytes, more than WebAssembly can address/,
    );
    refuses(
      () => loadSync(declare('scratch', 0xffffffff)),
      'OUT_OF_MEMORY',
      /needs \d+ bytes, more than WebAssembly can address/,
    );
    refuses(() => loadSync(declare('arena', 1 << 24), { maxMemory: 1 << 20 }), 'OUT_OF_MEMORY', /the limit is 1048576/);
  });
});
