import * as L from '../../../assembly/layout';
import { floatText, intText } from '../text';
import { denseWeights, depthwiseFields, depthwiseWeights, outputsOf, perOutput, sizesOf, window } from './products';
import { factorFields, integersText, intFields, up, type Printer } from './shared';

const convolution: Printer = (r, program) => {
  const { K } = sizesOf(r);
  const pixels = r.int(L.CONV2D_BATCH) * r.int(L.CONV2D_IN_H) * r.int(L.CONV2D_IN_W);
  program.layer(r, 'conv2d_i16', 'run_conv2d_i16', {
    source: program.source(r, L.CONV2D_SOURCE, 'int16_t', pixels * r.int(L.CONV2D_IN_C)),
    target: program.target(r, L.CONV2D_TARGET),
    window: intFields(r, window),
    outputs: outputsOf(r),
    row: program.scratch(2 * K),
    weights: program.table('weights', r, 'int8_t', denseWeights(r, program, false)),
    bias: program.table('bias', r, 'double', perOutput(r, program, L.CONV2D_BIAS, 'double')),
    scale: program.table('scale', r, 'double', perOutput(r, program, L.CONV2D_SCALE, 'double')),
    inputs: intText(K),
    // a chunk is a number of groups of four inputs
    chunk: intText(Math.min(up(K, 4), 4 * r.int(L.WIDE_CONV2D_CHUNK))),
    limits: intFields(r, { min: L.CONV2D_MIN, max: L.CONV2D_MAX }),
  });
};

const depthwiseConvolution: Printer = (r, program) => {
  const C = r.int(L.DEPTHWISE_CHANNELS);
  program.layer(r, 'depthwise_i16', 'run_depthwise_i16', {
    ...depthwiseFields(r, program, 'int16_t'),
    weights: program.table('weights', r, 'int8_t', depthwiseWeights(r, program)),
    bias: program.table('bias', r, 'double', program.read('double', r.int(L.DEPTHWISE_BIAS), C)),
    scale: program.table('scale', r, 'double', program.read('double', r.int(L.DEPTHWISE_SCALE), C)),
    limits: intFields(r, { min: L.DEPTHWISE_MIN, max: L.DEPTHWISE_MAX }),
  });
};

const functions: Record<number, string> = {
  [L.BINARY_ADD]: 'add_i16',
  [L.BINARY_SUB]: 'subtract_i16',
  [L.BINARY_MUL]: 'multiply_i16',
  [L.BINARY_MINIMUM]: 'minimum_i16',
  [L.BINARY_MAXIMUM]: 'maximum_i16',
};

const binary: Printer = (r, program) => {
  const dimensions = r.ints(L.BINARY_DIMENSIONS, L.MAX_RANK);
  const operand = (source: number, field: number): [string, string] => {
    const strides = r.ints(field, L.MAX_RANK);
    const count = strides.reduce((sum, stride, d) => sum + stride * (dimensions[d]! - 1), 1);
    return [program.source(r, source, 'int16_t', count), integersText(strides)];
  };
  const [a, aStrides] = operand(L.BINARY_A, L.BINARY_A_STRIDES);
  const [b, bStrides] = operand(L.BINARY_B, L.BINARY_B_STRIDES);
  program.layer(r, 'binary_i16', 'run_binary_i16', {
    a,
    b,
    target: program.target(r, L.BINARY_TARGET),
    function: program.part(functions[r.int(L.BINARY_KIND)]!),
    dimensions: integersText(dimensions),
    a_strides: aStrides,
    b_strides: bStrides,
    a_factor: factorFields(r.int(L.WIDE_BINARY_A_MULTIPLIER), r.int(L.WIDE_BINARY_A_EXPONENT)),
    b_factor: factorFields(r.int(L.WIDE_BINARY_B_MULTIPLIER), r.int(L.WIDE_BINARY_B_EXPONENT)),
    out_factor: factorFields(r.int(L.WIDE_BINARY_OUT_MULTIPLIER), r.int(L.WIDE_BINARY_OUT_EXPONENT)),
    limits: intFields(r, { min: L.BINARY_MIN, max: L.BINARY_MAX }),
  });
};

const conversion: Printer = (r, program) => {
  const count = r.int(L.WIDE_CONVERT_COUNT);
  const names: Record<number, string> = { [L.DTYPE_F32]: 'f32', [L.DTYPE_I16]: 'i16', [L.DTYPE_I8]: 'i8' };
  const types = { [L.DTYPE_F32]: 'float', [L.DTYPE_I16]: 'int16_t', [L.DTYPE_I8]: 'int8_t' } as const;
  const to = r.int(L.WIDE_CONVERT_TO);
  const isReal = r.dtype === L.DTYPE_F32 || to === L.DTYPE_F32;
  program.layer(r, 'wide_conversion', `run_convert_${names[r.dtype]}_${names[to]}`, {
    source: program.source(r, L.WIDE_CONVERT_SOURCE, types[r.dtype as keyof typeof types], count),
    target: program.target(r, L.WIDE_CONVERT_TARGET),
    count: intText(count),
    ...(isReal ?
      { scale: floatText(r.float(L.WIDE_CONVERT_SCALE)) } :
      {
        factor: factorFields(r.int(L.WIDE_CONVERT_MULTIPLIER), r.int(L.WIDE_CONVERT_EXPONENT)),
        ...intFields(r, { source_zero: L.WIDE_CONVERT_SOURCE_ZERO, target_zero: L.WIDE_CONVERT_TARGET_ZERO }),
        limits: intFields(r, { min: L.WIDE_CONVERT_MIN, max: L.WIDE_CONVERT_MAX }),
      }),
  });
};

/** Operators with int16 activations. */
export const wide: Record<number, Printer> = {
  [L.OP_WIDE_CONV2D]: convolution,
  [L.OP_WIDE_DEPTHWISE_CONV2D]: depthwiseConvolution,
  [L.OP_WIDE_BINARY]: binary,
  [L.OP_WIDE_CONVERT]: conversion,
};
