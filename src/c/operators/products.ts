import * as L from '../../../assembly/layout';
import { NoForm, ROW_ROUNDING, type Program, type TableType } from '../program';
import type { PlanRecord } from '../record';
import { floatText, intText, type Fields } from '../text';
import { boundsFields, haveFourBits, intFields, isFloat, nibblePanelBytes, packRows, rangeFields, typeOf, unpackNibbles,
  unpackPanels, up, type Printer } from './shared';

/** Sizes of the matrix of a convolution: G groups with N outputs of K inputs each. */
interface Sizes {
  G: number;
  N: number;
  K: number;
}

export function sizesOf(r: PlanRecord): Sizes {
  const G = r.int(L.CONV2D_GROUPS);
  return {
    G,
    N: r.int(L.CONV2D_OUT_C) / G,
    K: r.int(L.CONV2D_KERNEL_H) * r.int(L.CONV2D_KERNEL_W) * r.int(L.CONV2D_IN_C) / G,
  };
}

export const window: Record<string, number> = {
  in_h: L.CONV2D_IN_H,
  in_w: L.CONV2D_IN_W,
  in_c: L.CONV2D_IN_C,
  kernel_h: L.CONV2D_KERNEL_H,
  kernel_w: L.CONV2D_KERNEL_W,
  stride_y: L.CONV2D_STRIDE_Y,
  stride_x: L.CONV2D_STRIDE_X,
  dilation_y: L.CONV2D_DILATION_Y,
  dilation_x: L.CONV2D_DILATION_X,
  pad_top: L.CONV2D_PAD_TOP,
  pad_left: L.CONV2D_PAD_LEFT,
};

export function outputsOf(r: PlanRecord): Fields {
  return {
    ...intFields(r, { batch: L.CONV2D_BATCH, out_h: L.CONV2D_OUT_H, out_w: L.CONV2D_OUT_W, groups: L.CONV2D_GROUPS }),
    group_outputs: intText(sizesOf(r).N),
    ...intFields(r, {
      pixel_stride: L.CONV2D_PIXEL_STRIDE,
      row_stride: L.CONV2D_ROW_STRIDE,
      batch_stride: L.CONV2D_BATCH_STRIDE,
    }),
  };
}

/** A table of the record with one element for each output, without the padding of groups. */
export function perOutput(
  r: PlanRecord,
  program: Program,
  field: number,
  type: 'int32_t' | 'float' | 'double',
): number[] {
  const { G, N } = sizesOf(r);
  const padded = program.read(type, r.int(field), G * up(N, 8));
  return Array.from({ length: G * N }, (_, n) => padded[Math.floor(n / N) * up(N, 8) + n % N]!);
}

export function denseWeights(r: PlanRecord, program: Program, floats: boolean): number[] {
  const { G, N, K } = sizesOf(r);
  const count = up(N, 8) * (floats ? K : up(K, 4));
  return Array.from(
    { length: G },
    (_, g) =>
      floats
        ? unpackPanels(program.read('float', r.int(L.CONV2D_WEIGHTS) + 4 * g * count, count), N, K, true)
        : unpackPanels(program.read('int8_t', r.int(L.CONV2D_WEIGHTS) + g * count, count), N, K, false),
  ).flat();
}

/** A convolution of 1×1 pixels that are all inside the image reads its inputs where they are. */
function isPointwise(r: PlanRecord): boolean {
  const isOne = [L.CONV2D_KERNEL_H, L.CONV2D_KERNEL_W, L.CONV2D_GROUPS].every((field) => r.int(field) === 1);
  const isInside = (pad: number, out: number, stride: number, size: number): boolean =>
    r.int(pad) === 0 && (r.int(out) - 1) * r.int(stride) < r.int(size);
  return isOne && isInside(L.CONV2D_PAD_TOP, L.CONV2D_OUT_H, L.CONV2D_STRIDE_Y, L.CONV2D_IN_H) &&
    isInside(L.CONV2D_PAD_LEFT, L.CONV2D_OUT_W, L.CONV2D_STRIDE_X, L.CONV2D_IN_W);
}

/**
 * Prints the description of an int8 convolution whose matrix and product are known.
 *
 * @param inputMultiple the product reads this multiple of inputs
 */
function printConvolution(
  r: PlanRecord,
  program: Program,
  product: string,
  matrix: Fields,
  inputMultiple: number,
): void {
  const { K } = sizesOf(r);
  const inPlace = isPointwise(r) && K % inputMultiple === 0;
  program.layer(r, 'conv2d_i8', inPlace ? 'run_pointwise_i8' : 'run_conv2d_i8', {
    source: program.source(
      r,
      L.CONV2D_SOURCE,
      'int8_t',
      r.int(L.CONV2D_BATCH) * r.int(L.CONV2D_IN_H) * r.int(L.CONV2D_IN_W) * r.int(L.CONV2D_IN_C),
    ),
    target: program.target(r, L.CONV2D_TARGET),
    product: program.part(product),
    window: intFields(r, window),
    outputs: outputsOf(r),
    source_zero: intText(r.int(L.CONV2D_SOURCE_ZERO)),
    ...(!inPlace && { row: program.scratch(up(K, ROW_ROUNDING)) }),
    matrix: {
      ...matrix,
      bias: program.table('bias', r, 'int32_t', perOutput(r, program, L.CONV2D_BIAS, 'int32_t')),
      scale: program.table('scale', r, 'float', perOutput(r, program, L.CONV2D_SCALE, 'float')),
      inputs: intText(K),
      weights_zero: intText(r.int(L.CONV2D_WEIGHTS_ZERO)),
      range: rangeFields(r, L.CONV2D_TARGET_ZERO, L.CONV2D_MIN, L.CONV2D_MAX),
    },
  });
}

/** A dense matrix. Weights of four bits share bytes. */
function denseMatrix(
  r: PlanRecord,
  program: Program,
  weights: number[],
  N: number,
  K: number,
  isSigned: boolean,
): [product: string, matrix: Fields] {
  return isSigned && haveFourBits(weights)
    ? ['product_nibbles', { nibbles: program.table('weights', r, 'uint8_t', packRows(weights, N, K)) }]
    : ['product_dense', { weights: program.table('weights', r, 'int8_t', weights) }];
}

const convolution: Printer = (r, program) => {
  const { G, N, K } = sizesOf(r);
  if (!isFloat(r)) {
    const weights = denseWeights(r, program, false);
    const isSigned = r.int(L.CONV2D_WEIGHTS_ZERO) === 0;
    return printConvolution(r, program, ...denseMatrix(r, program, weights, G * N, K, isSigned), 1);
  }
  return program.layer(r, 'conv2d_f32', 'run_conv2d_f32', {
    source: program.source(
      r,
      L.CONV2D_SOURCE,
      'float',
      r.int(L.CONV2D_BATCH) * r.int(L.CONV2D_IN_H) * r.int(L.CONV2D_IN_W) * r.int(L.CONV2D_IN_C),
    ),
    target: program.target(r, L.CONV2D_TARGET),
    window: intFields(r, window),
    outputs: outputsOf(r),
    row: program.scratch(4 * K),
    matrix: {
      weights: program.table('weights', r, 'float', denseWeights(r, program, true)),
      bias: program.table('bias', r, 'float', perOutput(r, program, L.CONV2D_BIAS, 'float')),
      inputs: intText(K),
      bounds: boundsFields(r, L.CONV2D_MIN, L.CONV2D_MAX),
    },
  });
};

const hybridConvolution: Printer = (r, program) => {
  const { K } = sizesOf(r);
  const pixels = r.int(L.CONV2D_IN_H) * r.int(L.CONV2D_IN_W) * r.int(L.CONV2D_IN_C);
  program.layer(r, 'conv2d_hybrid', 'run_conv2d_hybrid', {
    source: program.source(r, L.CONV2D_SOURCE, 'float', r.int(L.CONV2D_BATCH) * pixels),
    target: program.target(r, L.CONV2D_TARGET),
    window: intFields(r, window),
    outputs: outputsOf(r),
    asymmetric: r.int(L.HYBRID_MODE) === L.HYBRID_ASYMMETRIC ? '1' : '0',
    image: program.scratch(pixels),
    row: program.scratch(K),
    weights: program.table('weights', r, 'int8_t', denseWeights(r, program, false)),
    sums: program.table('sums', r, 'int32_t', perOutput(r, program, L.HYBRID_SUMS, 'int32_t')),
    scale: program.table('scale', r, 'float', perOutput(r, program, L.CONV2D_SCALE, 'float')),
    bias: program.table('bias', r, 'float', perOutput(r, program, L.CONV2D_BIAS, 'float')),
    inputs: intText(K),
    bounds: boundsFields(r, L.CONV2D_MIN, L.CONV2D_MAX),
  });
};

/** Most entries of one list of pruned weights. */
const MAX_LIST = 65535;

const sparseConvolution: Printer = (r, program) => {
  const { N } = sizesOf(r);
  const isPairs = r.int(L.SPARSE_PATTERN) === L.SPARSE_PAIRS;
  const [unit, bytes, lists] = isPairs ? [4, 2, N] : [1, 32, up(N, 8) / 8];
  const entries = r.int(L.SPARSE_ENTRIES);
  const zero = r.int(L.CONV2D_WEIGHTS_ZERO);
  const counts = program.read('uint16_t', r.int(L.SPARSE_COUNTS), lists).map((count) => count * unit);
  const steps = program.read('uint8_t', r.int(L.SPARSE_DELTAS), entries);
  const weights = program.read('int8_t', r.int(L.CONV2D_WEIGHTS), entries * bytes);
  const kept = { counts: [] as number[], steps: [] as number[], weights: [] as number[] };
  let from = 0;
  for (const count of counts) {
    // entries that only fill up the end of a list
    let end = from + count;
    const isFilling = (entry: number): boolean =>
      steps[entry] === 0 && weights.slice(entry * bytes, (entry + 1) * bytes).every((w) => w === zero);
    while (end > from && isFilling(end - 1)) end--;
    if (end - from > MAX_LIST) throw new NoForm(`a list of ${end - from} pruned weights is longer than ${MAX_LIST}`);
    kept.counts.push(end - from);
    for (let entry = from; entry < end; entry++) {
      kept.steps.push(steps[entry]!);
      kept.weights.push(...weights.slice(entry * bytes, (entry + 1) * bytes));
    }
    from += count;
  }
  // a table must not be empty
  const some = (values: number[]): number[] => (values.length > 0 ? values : [0]);
  printConvolution(r, program, isPairs ? 'product_pairs' : 'product_blocks', {
    weights: program.table('weights', r, 'int8_t', some(kept.weights)),
    steps: program.table('steps', r, 'uint8_t', some(kept.steps)),
    counts: program.table('counts', r, 'uint16_t', kept.counts),
  }, isPairs ? 2 : 4);
};

const nibbleProduct: Printer = (r, program) => {
  const [rows, K, N] = [L.NIBBLE_PRODUCT_ROWS, L.NIBBLE_PRODUCT_INPUTS, L.NIBBLE_PRODUCT_OUTPUTS].map((field) =>
    r.int(field)
  ) as [number, number, number];
  const packed = program.read('uint8_t', r.int(L.NIBBLE_PRODUCT_WEIGHTS), nibblePanelBytes(N, K));
  const table = (role: string, field: number, type: 'int32_t' | 'float'): string =>
    program.table(role, r, type, program.read(type, r.int(field), N));
  const one = {
    in_h: '1',
    in_w: '1',
    kernel_h: '1',
    kernel_w: '1',
    stride_y: '1',
    stride_x: '1',
    dilation_y: '1',
    dilation_x: '1',
  };
  program.layer(r, 'conv2d_i8', 'run_pointwise_i8', {
    source: program.source(r, L.NIBBLE_PRODUCT_SOURCE, 'int8_t', rows * K),
    target: program.target(r, L.NIBBLE_PRODUCT_TARGET),
    product: program.part('product_nibbles'),
    window: { ...one, in_c: intText(K) },
    outputs: {
      batch: intText(rows),
      out_h: '1',
      out_w: '1',
      groups: '1',
      group_outputs: intText(N),
      pixel_stride: intText(N),
      row_stride: intText(N),
      batch_stride: intText(N),
    },
    matrix: {
      nibbles: program.table('weights', r, 'uint8_t', packRows(unpackNibbles(packed, N, K), N, K)),
      bias: table('bias', L.NIBBLE_PRODUCT_BIAS, 'int32_t'),
      scale: table('scale', L.NIBBLE_PRODUCT_SCALE, 'float'),
      inputs: intText(K),
      range: rangeFields(r, L.NIBBLE_PRODUCT_TARGET_ZERO, L.NIBBLE_PRODUCT_MIN, L.NIBBLE_PRODUCT_MAX),
    },
  });
};

/** The fields of a depthwise convolution that do not depend on the element type. */
export function depthwiseFields(r: PlanRecord, program: Program, type: TableType): Fields {
  const pixels = r.int(L.DEPTHWISE_BATCH) * r.int(L.DEPTHWISE_IN_H) * r.int(L.DEPTHWISE_IN_W);
  return {
    source: program.source(r, L.DEPTHWISE_SOURCE, type, pixels * r.int(L.DEPTHWISE_CHANNELS)),
    target: program.target(r, L.DEPTHWISE_TARGET),
    window: intFields(r, {
      in_h: L.DEPTHWISE_IN_H,
      in_w: L.DEPTHWISE_IN_W,
      in_c: L.DEPTHWISE_CHANNELS,
      kernel_h: L.DEPTHWISE_KERNEL_H,
      kernel_w: L.DEPTHWISE_KERNEL_W,
      stride_y: L.DEPTHWISE_STRIDE_Y,
      stride_x: L.DEPTHWISE_STRIDE_X,
      dilation_y: L.DEPTHWISE_DILATION_Y,
      dilation_x: L.DEPTHWISE_DILATION_X,
      pad_top: L.DEPTHWISE_PAD_TOP,
      pad_left: L.DEPTHWISE_PAD_LEFT,
    }),
    ...intFields(r, { batch: L.DEPTHWISE_BATCH, out_h: L.DEPTHWISE_OUT_H, out_w: L.DEPTHWISE_OUT_W }),
  };
}

/** int8 weights [CHANNELS][taps] of a depthwise convolution, without padding. */
export function depthwiseWeights(r: PlanRecord, program: Program): number[] {
  const C = r.int(L.DEPTHWISE_CHANNELS);
  const T = r.int(L.DEPTHWISE_KERNEL_H) * r.int(L.DEPTHWISE_KERNEL_W);
  const packed = program.read('int8_t', r.int(L.DEPTHWISE_WEIGHTS), up(C, 8) * T);
  return Array.from({ length: C * T }, (_, i) => {
    const c = Math.floor(i / T);
    return packed[((c >> 3) * T + i % T) * 8 + (c & 7)]!;
  });
}

const depthwiseConvolution: Printer = (r, program) => {
  const C = r.int(L.DEPTHWISE_CHANNELS);
  const T = r.int(L.DEPTHWISE_KERNEL_H) * r.int(L.DEPTHWISE_KERNEL_W);
  const common = depthwiseFields(r, program, typeOf(r.dtype));
  if (isFloat(r)) {
    return program.layer(r, 'depthwise_f32', 'run_depthwise_f32', {
      ...common,
      weights: program.table('weights', r, 'float', program.read('float', r.int(L.DEPTHWISE_WEIGHTS), T * C)),
      bias: program.table('bias', r, 'float', program.read('float', r.int(L.DEPTHWISE_BIAS), C)),
      bounds: boundsFields(r, L.DEPTHWISE_MIN, L.DEPTHWISE_MAX),
    });
  }
  const zero = r.int(L.DEPTHWISE_WEIGHTS_ZERO);
  const weights = depthwiseWeights(r, program);
  // without the zero point of the source
  const bias = program.read('int32_t', r.int(L.DEPTHWISE_BIAS), C).map((b, c) => {
    const sum = weights.slice(c * T, (c + 1) * T).reduce((s, w) => s + w - zero, 0);
    return b + r.int(L.DEPTHWISE_SOURCE_ZERO) * sum | 0;
  });
  return program.layer(r, 'depthwise_i8', 'run_depthwise_i8', {
    ...common,
    weights: program.table('weights', r, 'int8_t', weights),
    bias: program.table('bias', r, 'int32_t', bias),
    scale: program.table('scale', r, 'float', program.read('float', r.int(L.DEPTHWISE_SCALE), C)),
    source_zero: intText(r.int(L.DEPTHWISE_SOURCE_ZERO)),
    weights_zero: intText(zero),
    range: rangeFields(r, L.DEPTHWISE_TARGET_ZERO, L.DEPTHWISE_MIN, L.DEPTHWISE_MAX),
  });
};

const batchMatmul: Printer = (r, program) => {
  const [batch, M, K, N, aBatch, bBatch] = [L.BATCH_MATMUL_BATCH, L.BATCH_MATMUL_M, L.BATCH_MATMUL_K, L.BATCH_MATMUL_N,
    L.BATCH_MATMUL_A_BATCH_STRIDE, L.BATCH_MATMUL_B_BATCH_STRIDE].map((field) => intText(r.int(field))) as [string,
      string, string, string, string, string];
  const isTransposed = (field: number): boolean => r.int(field) !== 0;
  const [aRow, aInner] = isTransposed(L.BATCH_MATMUL_A_TRANSPOSED) ? ['1', M] : [K, '1'];
  const [bInner, bColumn] = isTransposed(L.BATCH_MATMUL_B_TRANSPOSED) ? ['1', K] : [N, '1'];
  const count = (own: string, size: number): number => (Number(batch) - 1) * Number(own) + size;
  const type = typeOf(r.dtype);
  program.layer(r, 'matmul_layer', isFloat(r) ? 'run_batch_matmul_f32' : 'run_batch_matmul_i8', {
    a: program.source(r, L.BATCH_MATMUL_A, type, count(aBatch, Number(M) * Number(K))),
    b: program.source(r, L.BATCH_MATMUL_B, type, count(bBatch, Number(K) * Number(N))),
    target: program.target(r, L.BATCH_MATMUL_TARGET),
    batch,
    rows: M,
    inner: K,
    columns: N,
    a_batch: aBatch,
    a_row: aRow,
    a_inner: aInner,
    b_batch: bBatch,
    b_inner: bInner,
    b_column: bColumn,
    ...(isFloat(r)
      ? { bounds: boundsFields(r, L.BATCH_MATMUL_MIN, L.BATCH_MATMUL_MAX) }
      : {
        ...intFields(r, { a_zero: L.BATCH_MATMUL_A_ZERO, b_zero: L.BATCH_MATMUL_B_ZERO }),
        scale: floatText(r.float(L.BATCH_MATMUL_SCALE)),
        range: rangeFields(r, L.BATCH_MATMUL_TARGET_ZERO, L.BATCH_MATMUL_MIN, L.BATCH_MATMUL_MAX),
      }),
  });
};

/** Products of activations with weights, and with activations. */
export const products: Record<number, Printer> = {
  [L.OP_CONV2D]: convolution,
  [L.OP_HYBRID_CONV2D]: hybridConvolution,
  [L.OP_SPARSE_CONV2D]: sparseConvolution,
  [L.OP_NIBBLE_PRODUCT]: nibbleProduct,
  [L.OP_DEPTHWISE_CONV2D]: depthwiseConvolution,
  [L.OP_BATCH_MATMUL]: batchMatmul,
};
