import * as L from '../../../assembly/layout';
import { intText } from '../text';
import { integersText, intFields, isFloat, typeOf, type Printer } from './shared';

const copy: Printer = (r, program) => {
  const isByte = r.int(L.COPY_ELEMENT_BYTES) === 1;
  const dimensions = r.ints(L.COPY_DIMENSIONS, L.MAX_RANK);
  const strides = r.ints(L.COPY_SOURCE_STRIDES, L.MAX_RANK);
  const reach = (sign: number): number =>
    strides.reduce((sum, stride, d) => sum + sign * Math.max(0, sign * stride) * (dimensions[d]! - 1), 0);
  const first = reach(-1);
  program.layer(r, 'strided_copy', isByte ? 'run_copy_bytes' : 'run_copy_words', {
    source: program.source(r, L.COPY_SOURCE, isByte ? 'int8_t' : 'int32_t', reach(1) - first + 1, first),
    target: program.target(r, L.COPY_TARGET),
    dimensions: integersText(dimensions),
    source_strides: integersText(strides),
    target_strides: integersText(r.ints(L.COPY_TARGET_STRIDES, L.MAX_RANK)),
  });
};

const fill: Printer = (r, program) =>
  program.layer(r, 'filling', r.int(L.FILL_ELEMENT_BYTES) === 1 ? 'run_fill_bytes' : 'run_fill_words', {
    target: program.target(r, L.FILL_TARGET),
    ...intFields(r, { count: L.FILL_COUNT, value: L.FILL_VALUE }),
  });

const WORDS = L.RESIZE2D_ENTRY_BYTES / 4;

const resize: Printer = (r, program) => {
  const isBilinear = r.int(L.RESIZE2D_MODE) === L.RESIZE2D_BILINEAR;
  const sizes = { in_h: L.RESIZE2D_IN_H, in_w: L.RESIZE2D_IN_W, channels: L.RESIZE2D_CHANNELS };
  const [height, width, channels] = Object.values(sizes).map((field) => r.int(field)) as [number, number, number];
  const size = r.int(L.RESIZE2D_BATCH) * height * width * channels;
  const elementBytes = isFloat(r) || r.dtype === L.DTYPE_I32 ? 4 : 1;
  const column = (role: string, field: number, count: number, word: number, type: 'int32_t' | 'float'): string => {
    const entries = program.read(type, r.int(field), count * WORDS);
    return program.table(role, r, type, Array.from({ length: count }, (_, i) => entries[i * WORDS + word]!));
  };
  const rows = r.int(L.RESIZE2D_OUT_H);
  const columns = r.int(L.RESIZE2D_OUT_W);
  const type = isFloat(r) ? 'float' : 'int32_t';
  const name = isFloat(r) ? 'run_resize_bilinear_f32' : 'run_resize_bilinear_i8';
  const weightField = isFloat(r) ? '_f32' : '';
  program.layer(r, 'resizing', isBilinear ? name : 'run_resize_nearest', {
    source: program.source(r, L.RESIZE2D_SOURCE, typeOf(r.dtype), size),
    target: program.target(r, L.RESIZE2D_TARGET),
    ...intFields(r, { batch: L.RESIZE2D_BATCH, ...sizes, out_h: L.RESIZE2D_OUT_H, out_w: L.RESIZE2D_OUT_W }),
    top: column('top', L.RESIZE2D_ROWS, rows, 0, 'int32_t'),
    left: column('left', L.RESIZE2D_COLUMNS, columns, 0, 'int32_t'),
    ...(isBilinear
      ? {
        bottom: column('bottom', L.RESIZE2D_ROWS, rows, 1, 'int32_t'),
        right: column('right', L.RESIZE2D_COLUMNS, columns, 1, 'int32_t'),
        [`row_weight${weightField}`]: column('row_weight', L.RESIZE2D_ROWS, rows, 2, type),
        [`column_weight${weightField}`]: column('column_weight', L.RESIZE2D_COLUMNS, columns, 2, type),
      }
      : { pixel_bytes: intText(channels * elementBytes) }),
  });
};

const gather: Printer = (r, program) => {
  const sizes = {
    outer: L.GATHER_OUTER,
    middle: L.GATHER_MIDDLE,
    count: L.GATHER_COUNT,
    index_count: L.GATHER_INDEX_COUNT,
    row_bytes: L.GATHER_ROW_BYTES,
  };
  const [outer, middle, count, indexCount, rowBytes] = Object.values(sizes).map((field) => r.int(field)) as [number,
    number, number, number, number];
  program.layer(r, 'gathering', 'run_gather', {
    source: program.source(r, L.GATHER_SOURCE, 'uint8_t', outer * middle * count * rowBytes),
    indices: program.source(r, L.GATHER_INDICES, 'int32_t', outer * indexCount),
    target: program.target(r, L.GATHER_TARGET),
    ...intFields(r, sizes),
  });
};

/** Operators that move elements. */
export const movement: Record<number, Printer> = {
  [L.OP_COPY]: copy,
  [L.OP_FILL]: fill,
  [L.OP_RESIZE2D]: resize,
  [L.OP_GATHER]: gather,
};
