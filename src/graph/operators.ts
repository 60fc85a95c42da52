/**
 * The operators of the IR and their attributes: the vocabulary that importers write and that
 * `src/ops`, `assembly/ops` and `test/reference` each implement once.
 *
 * Everything is static: shapes are known, padding is explicit (top, left, bottom, right in pixels;
 * SAME and VALID are resolved by the importer), axes are non-negative, slices have begins and
 * sizes. Foreign operators that are only another spelling are rewritten by the importer: squeeze,
 * expand-dims and flatten are `reshape`; pack is reshapes and `concat`; unpack is `split` and
 * reshapes.
 */

/** Activations that ride on another operator. */
export type FusedActivation = 'none' | 'relu' | 'relu6' | 'reluN1To1' | 'relu0To1';

export type Pair = [y: number, x: number];
/** Pixels added at each side. May be negative nowhere. */
export type Padding = [top: number, left: number, bottom: number, right: number];

/**
 * For float32 activations with int8 constant weights: how the activations are quantized at run
 * time, each picture (or row of a fully connected layer) by its own range.
 */
export type HybridMode = 'symmetric' | 'asymmetric';

export type BinaryKind = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum' | 'squaredDifference';
export type UnaryKind = 'relu' | 'relu6' | 'reluN1To1' | 'relu0To1' | 'leakyRelu' | 'hardSwish' | 'logistic' | 'tanh'
  | 'elu' | 'gelu' | 'geluTanh' | 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'abs' | 'neg' | 'square' | 'floor' | 'ceil'
  | 'round' | 'sin' | 'cos';
export type ReduceKind = 'mean' | 'sum' | 'max' | 'min' | 'prod';

/**
 * What recurrent layers have in common: x [B][T][I], or [T][B][I] where `timeMajor`; with two
 * dimensions it is one step of [B][I]. They keep their states from run to run, beginning with
 * zeros. `reverse` goes from the last step to the first.
 */
export interface Sequence {
  timeMajor: boolean;
  reverse: boolean;
  hybrid?: HybridMode;
}
/** Real functions of cells; none is the identity. */
export type CellActivation = FusedActivation | 'tanh';

export interface Attributes {
  /** x, W [4N][I] and U [4N][P] with the rows of the gates i, f, g, o ([3N]: f, g, o, where i = 1 − f is coupled), bias? [4N], peephole? [3N] (i, f, o;
   *  coupled [2N]), projection? [P][N], projectionBias? [P], norm? [4N] → [B][T][P].
   *  int8: one scale a gate, a cell state of int16 with the scale `cellScale` (a power of two), `hidden` for o·tanh(c) before a projection, and
   *  `gateScales` for the sums before a norm. Clips of 0 are none. */
  lstm: Sequence & { activation: CellActivation; cellClip: number; projectionClip: number; cellScale?: number;
    hidden?: { scale: number; zeroPoint: number }; gateScales?: number[] };
  /** x, W [3N][I] and U [3N][N] with the rows of the gates z, r, g, bias? [3N], recurrentBias? [3N] → [B][T][N]. `resetAfter` says that the reset gate
   *  comes after the product with U */
  gru: Sequence & { resetAfter: boolean };
  /** x, W [N][I], U [N][N], bias? [N] → [B][T][N] */
  rnn: Sequence & { activation: CellActivation };
  /**
   * x, feature [units·rank][I], time [units·rank][memory], bias? [units] → [B][T][units]: rank
   * filters a unit, each over its last results
   */
  svdf: Sequence & { rank: number; activation: FusedActivation; stateScale?: number };
  /**
   * x, int32 indices along `axis`; the first `batchDims` dimensions of both are the same: x[:axis]
   * + indices[batchDims:] + x[axis + 1:]
   */
  gather: { axis: number; batchDims: number };
  /** x [N][H][W][Ci], w [Co][KH][KW][Ci/groups], bias? [Co] → [N][OH][OW][Co] */
  conv2d: { stride: Pair; dilation: Pair; padding: Padding; groups: number; activation: FusedActivation;
    hybrid?: HybridMode };
  /**
   * x [N][H][W][C], w [1][KH][KW][C·multiplier], bias? [C·multiplier]; output channel c·multiplier
   * + m reads channel c
   */
  depthwiseConv2d: { stride: Pair; dilation: Pair; padding: Padding; activation: FusedActivation; hybrid?: HybridMode };
  /** x [N][H][W][Ci], w [Co][KH][KW][Ci], bias? [Co] → [N][OH][OW][Co]; out[y·stride + ky − padTop] += x[y]·w[ky].
   *  The output's own shape says OH and OW; padding holds the top and left crop (bottom and right follow). */
  transposeConv2d: { stride: Pair; padding: Padding; activation: FusedActivation };
  /** x [M][K], w [N][K] (constant), bias? [N] → [M][N] */
  fullyConnected: { activation: FusedActivation; hybrid?: HybridMode };
  /**
   * a [...B][M][K], b [...B][K][N], leading dimensions broadcast → [...B][M][N]; transposes say the
   * stored order is swapped
   */
  batchMatmul: { transposeA: boolean; transposeB: boolean };
  /** x [N][H][W][C]; the average is over the pixels inside the picture */
  averagePool2d: { kernel: Pair; stride: Pair; padding: Padding; activation: FusedActivation };
  maxPool2d: { kernel: Pair; stride: Pair; padding: Padding; activation: FusedActivation };
  /**
   * Over `axes` (ascending); reduced dimensions are kept as 1 or dropped: the output's shape says
   * which
   */
  reduce: { kind: ReduceKind; axes: number[] };
  /** a, b with numpy broadcasting */
  binary: { kind: BinaryKind; activation: FusedActivation };
  /** `alpha` is the slope of leakyRelu below zero, or the factor of elu (1) */
  unary: { kind: UnaryKind; alpha?: number };
  /** x, alpha (constant, broadcast against x): x ≥ 0 ? x : alpha·x */
  prelu: object;
  /** Over the last dimension */
  softmax: { beta: number };
  logSoftmax: object;
  /** x / sqrt(max(Σ x², epsilon)) over the last dimension */
  l2Normalize: { epsilon: number };
  concat: { axis: number; activation: FusedActivation };
  /** One output per entry of the outputs' sizes along `axis` */
  split: { axis: number };
  /**
   * out[i] = x[begin + i·stride] per dimension; strides may be negative; the output's shape says
   * how many
   */
  slice: { begin: number[]; stride: number[] };
  /** Same elements, the output's shape */
  reshape: object;
  /** out dimension i is input dimension perm[i] */
  transpose: { perm: number[] };
  /** `value` is the real number written around (constant mode; 0 unless told) */
  pad: { before: number[]; after: number[]; mode: 'constant' | 'reflect' | 'symmetric'; value: number };
  /** x [N][H][W][C] → [N][OH][OW][C] */
  resize2d: { mode: 'nearest' | 'bilinear'; alignCorners: boolean; halfPixelCenters: boolean };
  depthToSpace: { blockSize: number };
  spaceToDepth: { blockSize: number };
  /** numpy broadcasting to the output's shape */
  broadcastTo: object;
  /** → int32 indices; the first of equals */
  argmax: { axis: number; kind: 'max' | 'min' };
  /** Plain numeric conversion to the output's dtype, toward zero */
  cast: object;
  /** float32, or another quantization, to the output's quantization */
  quantize: object;
  /** to float32 */
  dequantize: object;
}

export type OperatorName = keyof Attributes;
