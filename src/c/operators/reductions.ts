import * as L from '../../../assembly/layout';
import { floatText, intText } from '../text';
import { boundsFields, factorFields, intFields, isFloat, rangeOf, typeOf, type Printer } from './shared';

const pool: Printer = (r, program) => {
  const kind = r.int(L.POOL2D_KIND) === L.POOL2D_AVERAGE ? 'average' : 'max';
  const size = r.int(L.POOL2D_BATCH) * r.int(L.POOL2D_IN_H) * r.int(L.POOL2D_IN_W) * r.int(L.POOL2D_CHANNELS);
  program.layer(r, 'pool2d', `run_${kind}_pool_${isFloat(r) ? 'f32' : 'i8'}`, {
    source: program.source(r, L.POOL2D_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.POOL2D_TARGET),
    window: intFields(r, {
      in_h: L.POOL2D_IN_H,
      in_w: L.POOL2D_IN_W,
      in_c: L.POOL2D_CHANNELS,
      kernel_h: L.POOL2D_KERNEL_H,
      kernel_w: L.POOL2D_KERNEL_W,
      stride_y: L.POOL2D_STRIDE_Y,
      stride_x: L.POOL2D_STRIDE_X,
      pad_top: L.POOL2D_PAD_TOP,
      pad_left: L.POOL2D_PAD_LEFT,
    }),
    ...intFields(r, {
      batch: L.POOL2D_BATCH,
      out_h: L.POOL2D_OUT_H,
      out_w: L.POOL2D_OUT_W,
      rounding_offset: L.POOL2D_ROUNDING_OFFSET,
    }),
    ...(isFloat(r)
      ? { bounds: boundsFields(r, L.POOL2D_MIN, L.POOL2D_MAX) }
      : { range: intFields(r, { min: L.POOL2D_MIN, max: L.POOL2D_MAX }) }),
  });
};

const kinds: Record<number, string> = {
  [L.REDUCE_MEAN]: 'mean',
  [L.REDUCE_SUM]: 'sum',
  [L.REDUCE_MAX]: 'max',
  [L.REDUCE_MIN]: 'min',
  [L.REDUCE_PROD]: 'product',
};
const roundings: Record<number, string> = {
  [L.ROUND_EVEN]: 'even',
  [L.ROUND_AWAY]: 'away',
  [L.ROUND_TRUNCATE]: 'truncate',
};

const reduce: Printer = (r, program) => {
  const kind = r.int(L.REDUCE_KIND);
  const isSum = kind === L.REDUCE_MEAN || kind === L.REDUCE_SUM;
  const size = r.int(L.REDUCE_OUTER) * r.int(L.REDUCE_COUNT) * r.int(L.REDUCE_INNER);
  const common = {
    source: program.source(r, L.REDUCE_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.REDUCE_TARGET),
    ...intFields(r, { outer: L.REDUCE_OUTER, count: L.REDUCE_COUNT, inner: L.REDUCE_INNER }),
  };
  if (isFloat(r)) return program.layer(r, 'reduction', `run_reduce_${kinds[kind]}_f32`, common);
  const name = isSum ? roundings[r.int(L.REDUCE_ROUNDING)]! : kinds[kind]!;
  return program.layer(r, 'reduction', `run_reduce_${name}_i8`, {
    ...common,
    source_zero: intText(r.int(L.REDUCE_SOURCE_ZERO)),
    ...(isSum && { scale: floatText(r.float(L.REDUCE_SCALE)) }),
    ...(kind === L.REDUCE_PROD && { factor: factorFields(r.int(L.REDUCE_MULTIPLIER), r.int(L.REDUCE_EXPONENT)) }),
    range: rangeOf(r.int(L.REDUCE_TARGET_ZERO)),
  });
};

const argmaxTypes: Record<number, string> = {
  [L.DTYPE_I8]: 'i8',
  [L.DTYPE_U8]: 'u8',
  [L.DTYPE_I32]: 'i32',
  [L.DTYPE_F32]: 'f32',
};

const argmax: Printer = (r, program) => {
  const size = r.int(L.ARGMAX_OUTER) * r.int(L.ARGMAX_COUNT) * r.int(L.ARGMAX_INNER);
  program.layer(r, 'argmax_layer', `run_argmax_${argmaxTypes[r.dtype]}`, {
    source: program.source(r, L.ARGMAX_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.ARGMAX_TARGET),
    ...intFields(r, { outer: L.ARGMAX_OUTER, count: L.ARGMAX_COUNT, inner: L.ARGMAX_INNER }),
    is_min: r.int(L.ARGMAX_KIND) === L.ARGMAX_MIN ? '1' : '0',
  });
};

/** Operators that make one number of many. */
export const reductions: Record<number, Printer> = {
  [L.OP_POOL2D]: pool,
  [L.OP_REDUCE]: reduce,
  [L.OP_ARGMAX]: argmax,
};
