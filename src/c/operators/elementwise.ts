import * as L from '../../../assembly/layout';
import type { Program } from '../program';
import type { PlanRecord } from '../record';
import { floatText, intText, type Fields } from '../text';
import { boundsFields, integersText, intFields, isFloat, rangeFields, rangeOf, typeOf, type Printer } from './shared';

const binaryNames: Record<number, string> = {
  [L.BINARY_ADD]: 'add',
  [L.BINARY_SUB]: 'subtract',
  [L.BINARY_MUL]: 'multiply',
  [L.BINARY_DIV]: 'divide',
  [L.BINARY_MINIMUM]: 'minimum',
  [L.BINARY_MAXIMUM]: 'maximum',
  [L.BINARY_SQUARED_DIFFERENCE]: 'squared_difference',
  [L.BINARY_PRELU]: 'prelu',
};

/** The function of a row, and the constants that it reads. */
function binaryRow(r: PlanRecord): [name: string, constants: Fields] {
  const kind = r.int(L.BINARY_KIND);
  if (r.dtype === L.DTYPE_I32) return [`${binaryNames[kind]}_i32_row`, {}];
  if (isFloat(r)) return [`${binaryNames[kind]}_f32_row`, { bounds: boundsFields(r, L.BINARY_MIN, L.BINARY_MAX) }];
  const limits = intFields(r, { min: L.BINARY_MIN, max: L.BINARY_MAX });
  if (kind === L.BINARY_ADD || kind === L.BINARY_SUB) {
    return ['add_i8', {
      ...intFields(r, {
        a_factor: L.BINARY_A_FACTOR,
        b_factor: L.BINARY_B_FACTOR,
        bias: L.BINARY_BIAS,
        shift: L.BINARY_SHIFT,
        zero: L.BINARY_TARGET_ZERO,
      }),
      limits,
    }];
  }
  if (kind === L.BINARY_MINIMUM || kind === L.BINARY_MAXIMUM) return [`${binaryNames[kind]}_i8`, { limits }];
  return [`${binaryNames[kind]}_i8`, {
    ...intFields(r, { a_zero: L.BINARY_A_ZERO, b_zero: L.BINARY_B_ZERO }),
    scale: floatText(r.float(L.BINARY_SCALE)),
    ...(kind !== L.BINARY_MUL && { negative_scale: floatText(r.float(L.BINARY_NEGATIVE_SCALE)) }),
    ...((kind === L.BINARY_DIV || kind === L.BINARY_SQUARED_DIFFERENCE) &&
      { out_scale: floatText(r.float(L.BINARY_OUT_SCALE)) }),
    range: rangeFields(r, L.BINARY_TARGET_ZERO, L.BINARY_MIN, L.BINARY_MAX),
  }];
}

const binary: Printer = (r, program) => {
  const type = typeOf(r.dtype);
  const dimensions = r.ints(L.BINARY_DIMENSIONS, L.MAX_RANK);
  const [aStrides, bStrides] = [L.BINARY_A_STRIDES, L.BINARY_B_STRIDES].map((field) => r.ints(field, L.MAX_RANK)) as [
    number[],
    number[],
  ];
  const count = (strides: number[]): number =>
    strides.reduce((sum, stride, d) => sum + stride * (dimensions[d]! - 1), 1);
  const [row, constants] = binaryRow(r);
  program.layer(r, 'binary_layer', 'run_binary', {
    a: program.source(r, L.BINARY_A, type, count(aStrides)),
    b: program.source(r, L.BINARY_B, type, count(bStrides)),
    target: program.target(r, L.BINARY_TARGET),
    row: program.part(row),
    bytes: r.dtype === L.DTYPE_I8 ? '1' : '4',
    dimensions: integersText(dimensions),
    a_strides: integersText(aStrides),
    b_strides: integersText(bStrides),
    constants,
  });
};

/** The functions of UNARY in f32. */
export const unaryNames: Record<number, string> = {
  [L.UNARY_RELU]: 'unary_relu',
  [L.UNARY_RELU6]: 'unary_relu6',
  [L.UNARY_RELU_N1_TO_1]: 'unary_relu_n1_to_1',
  [L.UNARY_RELU_0_TO_1]: 'unary_relu_0_to_1',
  [L.UNARY_LEAKY_RELU]: 'unary_leaky_relu',
  [L.UNARY_HARD_SWISH]: 'unary_hard_swish',
  [L.UNARY_LOGISTIC]: 'unary_logistic',
  [L.UNARY_TANH]: 'unary_tanh',
  [L.UNARY_ELU]: 'unary_elu',
  [L.UNARY_GELU]: 'unary_gelu',
  [L.UNARY_GELU_TANH]: 'unary_gelu_tanh',
  [L.UNARY_EXP]: 'unary_exp',
  [L.UNARY_LOG]: 'unary_log',
  [L.UNARY_SQRT]: 'unary_sqrt',
  [L.UNARY_RSQRT]: 'unary_rsqrt',
  [L.UNARY_ABS]: 'unary_abs',
  [L.UNARY_NEG]: 'unary_neg',
  [L.UNARY_SQUARE]: 'unary_square',
  [L.UNARY_FLOOR]: 'unary_floor',
  [L.UNARY_CEIL]: 'unary_ceil',
  [L.UNARY_ROUND]: 'unary_round',
  [L.UNARY_SIN]: 'unary_sin',
  [L.UNARY_COS]: 'unary_cos',
};

const unary: Printer = (r, program) => {
  const count = r.int(L.UNARY_COUNT);
  const common = {
    source: program.source(r, L.UNARY_SOURCE, typeOf(r.dtype), count),
    target: program.target(r, L.UNARY_TARGET),
    count: intText(count),
  };
  if (isFloat(r)) {
    return program.layer(r, 'unary_f32', 'run_unary_f32', {
      ...common,
      function: program.part(unaryNames[r.int(L.UNARY_KIND)]!),
      alpha: floatText(r.float(L.UNARY_ALPHA)),
    });
  }
  return program.layer(r, 'table_i8', 'run_table_i8', {
    ...common,
    table: program.table('table', r, 'uint8_t', program.read('uint8_t', r.int(L.UNARY_TABLE), 256)),
  });
};

function rowFunction(r: PlanRecord, program: Program, name: string, fields: Fields): void {
  const size = r.int(L.SOFTMAX_ROWS) * r.int(L.SOFTMAX_DEPTH);
  program.layer(r, 'row_function', `run_${name}_${isFloat(r) ? 'f32' : 'i8'}`, {
    source: program.source(r, L.SOFTMAX_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.SOFTMAX_TARGET),
    ...fields,
  });
}

const softmax: Printer = (r, program) =>
  rowFunction(r, program, r.opcode === L.OP_SOFTMAX ? 'softmax' : 'log_softmax', {
    ...intFields(r, { rows: L.SOFTMAX_ROWS, depth: L.SOFTMAX_DEPTH }),
    scale: floatText(r.float(L.SOFTMAX_SCALE)),
    ...(!isFloat(r) &&
      {
        table: program.table('powers', r, 'float', program.read('float', r.int(L.SOFTMAX_TABLE), 256)),
        out_scale: floatText(r.float(L.SOFTMAX_OUT_SCALE)),
        range: rangeOf(r.int(L.SOFTMAX_TARGET_ZERO)),
      }),
  });

const l2Normalize: Printer = (r, program) => {
  const size = r.int(L.L2_NORMALIZE_ROWS) * r.int(L.L2_NORMALIZE_DEPTH);
  program.layer(r, 'row_function', `run_l2_normalize_${isFloat(r) ? 'f32' : 'i8'}`, {
    source: program.source(r, L.L2_NORMALIZE_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.L2_NORMALIZE_TARGET),
    ...intFields(r, { rows: L.L2_NORMALIZE_ROWS, depth: L.L2_NORMALIZE_DEPTH }),
    epsilon: floatText(r.float(L.L2_NORMALIZE_EPSILON)),
    ...(!isFloat(r) &&
      {
        source_zero: intText(r.int(L.L2_NORMALIZE_SOURCE_ZERO)),
        out_scale: floatText(r.float(L.L2_NORMALIZE_OUT_SCALE)),
        range: rangeOf(r.int(L.L2_NORMALIZE_TARGET_ZERO)),
      }),
  });
};

const quantize: Printer = (r, program) => {
  const count = r.int(L.QUANTIZE_COUNT);
  program.layer(r, 'conversion', r.opcode === L.OP_QUANTIZE ? 'run_quantize' : 'run_dequantize', {
    source: program.source(r, L.QUANTIZE_SOURCE, typeOf(r.dtype), count),
    target: program.target(r, L.QUANTIZE_TARGET),
    count: intText(count),
    scale: floatText(r.float(L.QUANTIZE_SCALE)),
    range: rangeOf(r.int(L.QUANTIZE_ZERO)),
  });
};

/** The conversion of each element type to each, in the order of the dtypes i8, f32, i32, u8. */
const casts: Record<number, Record<number, string>> = {
  [L.DTYPE_I8]: {
    [L.DTYPE_F32]: 'run_cast_i8_f32',
    [L.DTYPE_I32]: 'run_cast_i8_i32',
    [L.DTYPE_U8]: 'run_flip_top_bit',
  },
  [L.DTYPE_F32]: {
    [L.DTYPE_I8]: 'run_cast_f32_i8',
    [L.DTYPE_I32]: 'run_cast_f32_i32',
    [L.DTYPE_U8]: 'run_cast_f32_u8',
  },
  [L.DTYPE_I32]: {
    [L.DTYPE_I8]: 'run_cast_i32_i8',
    [L.DTYPE_F32]: 'run_cast_i32_f32',
    [L.DTYPE_U8]: 'run_cast_i32_i8',
  },
  [L.DTYPE_U8]: {
    [L.DTYPE_I8]: 'run_flip_top_bit',
    [L.DTYPE_F32]: 'run_cast_u8_f32',
    [L.DTYPE_I32]: 'run_cast_u8_i32',
  },
};

const cast: Printer = (r, program) => {
  const count = r.int(L.CAST_COUNT);
  const source = program.source(r, L.CAST_SOURCE, typeOf(r.dtype), count);
  const target = program.target(r, L.CAST_TARGET);
  const name = casts[r.dtype]![r.int(L.CAST_TO)];
  if (name) return program.layer(r, 'conversion', name, { source, target, count: intText(count) });
  const bytes = r.dtype === L.DTYPE_I32 || isFloat(r) ? 4 * count : count;
  return program.call(r, `memmove(${target}, ${source}, ${bytes});`);
};

/** Operators whose output elements depend on one element, or one row. */
export const elementwise: Record<number, Printer> = {
  [L.OP_BINARY]: binary,
  [L.OP_UNARY]: unary,
  [L.OP_SOFTMAX]: softmax,
  [L.OP_LOG_SOFTMAX]: softmax,
  [L.OP_L2_NORMALIZE]: l2Normalize,
  [L.OP_QUANTIZE]: quantize,
  [L.OP_DEQUANTIZE]: quantize,
  [L.OP_CAST]: cast,
};
