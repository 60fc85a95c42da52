/**
 * The operators of the graph and their attributes: the vocabulary that importers write, that
 * `src/ops` compiles and that `test/reference` specifies in plain loops.
 *
 * Everything is static. Shapes are known, padding is explicit (an importer resolves SAME and
 * VALID), axes count from 0 at the front, and slices have begins and sizes. A foreign operator that
 * other operators can express has no entry: squeeze, expand-dims and flatten become `reshape`; pack
 * becomes `reshape` and `concat`; unpack becomes `split` and `reshape`.
 *
 * Shapes are written [N][H][W][C] for a batch of N images of H rows, W columns and C channels. B is
 * the batch and T the number of time steps of a sequence. `bias?` is an operand that may be `null`;
 * the bias of an int8 layer is int32, in units of input scale × weight scale. Weights, biases and
 * slopes are constant.
 */

/** A clamp that an operator applies to its own output: to 0 and above, 0 … 6, −1 … 1, or 0 … 1. */
export type FusedActivation = 'none' | 'relu' | 'relu6' | 'reluN1To1' | 'relu0To1';

/** A number for the rows and one for the columns of an image, in pixels. */
export type Pair = [y: number, x: number];
/** Pixels of zeros that are added at each side of an image, each 0 or more. */
export type Padding = [top: number, left: number, bottom: number, right: number];

/**
 * For float32 activations with int8 constant weights: the activations are quantized at run time,
 * each image (or row of a fully connected layer, or time step) by its own range. `symmetric` has a
 * zero point of 0, `asymmetric` uses all 256 values.
 */
export type HybridMode = 'symmetric' | 'asymmetric';

export type BinaryKind = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum' | 'squaredDifference';
export type CompareKind = 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';
export type LogicKind = 'and' | 'or' | 'xor';
export type ArithmeticKind = 'floorDiv' | 'floorMod' | 'pow';
export type UnaryKind = 'relu' | 'relu6' | 'reluN1To1' | 'relu0To1' | 'leakyRelu' | 'hardSwish' | 'logistic' | 'tanh'
  | 'elu' | 'gelu' | 'geluTanh' | 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'abs' | 'neg' | 'square' | 'floor' | 'ceil'
  | 'round' | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'asinh' | 'acosh' | 'atanh' | 'erf'
  | 'softplus' | 'mish' | 'softsign' | 'swish' | 'selu' | 'celu' | 'hardSigmoid' | 'thresholdedRelu' | 'sign'
  | 'reciprocal';
export type ResampleCoordinates = 'halfPixel' | 'halfPixelSymmetric' | 'pytorchHalfPixel' | 'alignCorners'
  | 'asymmetric' | 'cropAndResize';
export type ResampleRounding = 'preferFloor' | 'preferCeil' | 'floor' | 'ceil';
export type PadMode = 'constant' | 'reflect' | 'symmetric' | 'edge' | 'wrap';
/** How a scatter combines an update with the element that is there: `none` replaces it. */
export type ScatterReduction = 'none' | 'add' | 'mul' | 'max' | 'min';
export type ReduceKind = 'mean' | 'sum' | 'max' | 'min' | 'prod';

/** A window that slides over an image by `stride` pixels, with `padding` zeros around the image. */
interface Sliding {
  stride: Pair;
  padding: Padding;
  activation: FusedActivation;
}

/** A convolution: `dilation` is the distance between neighboring taps in pixels (1: adjacent). */
interface Convolution extends Sliding {
  dilation: Pair;
  hybrid?: HybridMode;
}

/**
 * Attributes common to recurrent layers. The input is a sequence [B][T][I], or [T][B][I] if
 * `timeMajor`; an input of two dimensions is one time step [B][I]. `reverse` computes from the last
 * time step to the first.
 *
 * lstm, gru, rnn and recurrence take their initial states as last operands. Their final states are
 * optional further outputs. All are [B][N]; the hidden state of an lstm is [B][P]. A layer with an
 * initial state starts from it in each run. Without one, it starts from zeros and keeps its state
 * from run to run if the graph `carries`. States of int8 layers have the types and scales of
 * docs/format/recurrent.md.
 */
export interface Sequence {
  timeMajor: boolean;
  reverse: boolean;
  hybrid?: HybridMode;
}

/**
 * The function of the gates i, f, o of an lstm and z, r of a gru, in float32 layers: the logistic
 * function (by default), or a clamp to 0 … 1, which is a hard sigmoid if the weights and biases
 * contain its factor and addend.
 */
export type GateKind = 'logistic' | 'relu0To1';

/** The activation within a recurrent cell; `none` is the identity. */
export type CellActivation = FusedActivation | 'tanh';

export type GateFunctionKind = 'affine' | 'relu' | 'leakyRelu' | 'thresholdedRelu' | 'tanh' | 'logistic' | 'hardSigmoid'
  | 'elu' | 'softsign' | 'softplus';

/**
 * A function of gates. alpha is 1 and beta 0 by default, except beta of tanh, which is 1. affine:
 * alpha·x + beta. leakyRelu: alpha·x below 0. thresholdedRelu: 0 up to alpha. tanh: alpha·tanh(beta
 * · x). hardSigmoid: alpha·x + beta, clamped to 0 … 1. elu: alpha·(e^x − 1) below 0. softsign: x /
 * (1 + |x|). softplus: log(1 + e^x).
 */
export interface GateFunction {
  kind: GateFunctionKind;
  alpha?: number;
  beta?: number;
}

export interface Attributes {
  // ── products with weights ───────────────────────────────────────────────────────────────────────

  /**
   * x [N][H][W][Ci], w [Co][KH][KW][Ci/groups], bias? [Co] → [N][OH][OW][Co]. Output channel c
   * reads the input channels of group ⌊c / (Co/groups)⌋.
   */
  conv2d: Convolution & { groups: number };
  /**
   * x [N][H][W][C], w [1][KH][KW][C·m], bias? [C·m] → [N][OH][OW][C·m]. Output channels c·m … c·m +
   * m − 1 read input channel c.
   */
  depthwiseConv2d: Convolution;
  /**
   * x [N][H][W][Ci], w [Co][KH][KW][Ci/groups], bias? [Co] → [N][OH][OW][Co]: out[y·stride +
   * ky·dilation − top] += x[y]·w[ky], and likewise along columns. Output channel c reads the input
   * channels of group ⌊c / (Co/groups)⌋. OH and OW come from the output's shape, which may have
   * rows and columns that no tap reaches; `padding` holds the rows and columns that are cropped at
   * the top and left (bottom and right follow from OH and OW).
   */
  transposeConv2d: Sliding & { dilation: Pair; groups: number };
  /** x [M][K], w [N][K], bias? [N] → [M][N] = x·wᵀ + bias */
  fullyConnected: { activation: FusedActivation; hybrid?: HybridMode };
  /**
   * a […][M][K], b […][K][N] → […][M][N]; leading dimensions are broadcast. `transposeA` and
   * `transposeB` say that the last two dimensions are stored in the other order.
   */
  batchMatmul: { transposeA: boolean; transposeB: boolean };

  // ── recurrent layers ────────────────────────────────────────────────────────────────────────────

  /**
   * A long short-term memory of hidden size N and projection size P (P = N without a projection).
   * x, W [4N][I], U [4N][P], bias? [4N], peephole? [3N], projection? [P][N], projectionBias? [P],
   * norm? [4N], h? [B][P], c? [B][N] → [B][T][P], final h [B][P], final c [B][N].
   *
   * The rows of W and U are the gates i, f, g, o; the rows of peepholes are i, f, o. With 3N rows
   * (f, g, o, and peepholes f, o) the input gate is coupled: i = 1 − f. `norm` scales the
   * accumulators of each gate after layer normalization. `cellClip` and `projectionClip` bound the
   * cell state and the projection to ±clip; 0 is no bound.
   *
   * int8: weights have one scale for each gate; the cell state is int16 with the scale `cellScale`,
   * a power of two; `hidden` is the quantization of o·tanh(c) before a projection, and `gateScales`
   * are the scales of the gates' accumulators before a norm.
   */
  lstm: Sequence & { activation: CellActivation; gate?: GateKind; cellClip: number; projectionClip: number;
    cellScale?: number; hidden?: { scale: number; zeroPoint: number }; gateScales?: number[] };
  /**
   * A gated recurrent unit of hidden size N: x, W [3N][I], U [3N][N], bias? [3N], recurrentBias?
   * [3N], h? [B][N] → [B][T][N], final h [B][N]. The rows are the gates z, r, g. With `resetAfter`
   * the reset gate multiplies U·h + recurrentBias, otherwise h itself.
   */
  gru: Sequence & { resetAfter: boolean; gate?: GateKind };
  /**
   * h = activation(W·x + U·h + bias): x, W [N][I], U [N][N], bias? [N], h? [B][N] → [B][T][N],
   * final h [B][N]
   */
  rnn: Sequence & { activation: CellActivation };
  /**
   * A float32 lstm, gru or rnn with other functions of its gates: x, W [G·N][I], U [G·N][N], bias?
   * [G·N], recurrentBias? [3N] (gru), peephole? [3N] (lstm), lengths? int32 [B], h? [B][N], c?
   * [B][N] → [B][T][N], final h [B][N], final c [B][N] (lstm). The gates are i, f, g, o of an lstm;
   * z, r, g of a gru; one of an rnn.
   *
   * `functions` are those of the gates i, f, o or z, r; of g; and of the cell state. An rnn has the
   * first only, a gru the first two. `clip` bounds the arguments of the
   * first two to ±clip; 0 is no bound.
   * `coupled`: f = 1 − i. Item b of the batch has `lengths` time steps, within 0 to T. Its later
   * outputs are 0, its final states are those after its last step, and `reverse` begins with that
   * step.
   */
  recurrence: Omit<Sequence, 'hybrid'> & { cell: 'lstm' | 'gru' | 'rnn'; functions: GateFunction[]; clip: number;
    coupled: boolean; resetAfter: boolean };
  /**
   * x, feature [N·rank][I], time [N·rank][memory], bias? [N] → [B][T][N]. Each output has `rank`
   * filters; a filter weighs its last `memory` products with the feature weights. `stateScale` is
   * the scale of these products in int8 layers, where they are int16.
   */
  svdf: Sequence & { rank: number; activation: FusedActivation; stateScale?: number };

  // ── windows and reductions ──────────────────────────────────────────────────────────────────────

  /**
   * x [N][H][W][C] → [N][OH][OW][C]: the mean of each window; pixels of the padding do not count.
   */
  averagePool2d: Sliding & { kernel: Pair };
  /**
   * x [N][H][W][C] → [N][OH][OW][C]: the maximum of each window; pixels of the padding do not
   * count.
   */
  maxPool2d: Sliding & { kernel: Pair };
  /**
   * x [N][H][W][C] → int32 [N][OH][OW][C]: the place of the maximum of each window, as row · W +
   * column in x. Of equal elements, it is the first one; NaN counts only if it is the first of its
   * window.
   */
  maxPoolIndices: { kernel: Pair; stride: Pair; padding: Padding };
  /**
   * One value for all elements along `axes` (ascending). The output's shape determines whether the
   * reduced dimensions are kept as 1 or dropped. Integers have no mean, and wrap around; bool and
   * uint8 without a scale have a maximum and a minimum.
   */
  reduce: { kind: ReduceKind; axes: number[] };
  /**
   * The running sums along `axis`, of float32 or int32, added in order and rounded after each
   * addition. `exclusive` leaves out the element itself; `reverse` sums from the last element to
   * the first. Integers wrap around.
   */
  cumsum: { axis: number; exclusive: boolean; reverse: boolean };
  /**
   * The int32 index of the largest (or smallest) element along `axis`, the first of equal ones. The
   * output's own shape says whether the dimension is kept as 1 or dropped.
   */
  argmax: { axis: number; kind: 'max' | 'min' };
  /**
   * The `k` largest (or smallest) elements along `axis`, in order, and their int32 indices. Equal
   * elements are in the order of their indices, and NaN is larger than all numbers.
   */
  topK: { axis: number; k: number; kind: 'max' | 'min' };
  /** exp(beta·x) / Σ exp(beta·x) over the last dimension */
  softmax: { beta: number };
  /** log(exp(x) / Σ exp(x)) over the last dimension */
  logSoftmax: object;
  /** x / √max(Σ x², epsilon) over the last dimension */
  l2Normalize: { epsilon: number };
  /**
   * x, scale?, bias? → (x − mean) / √(variance + epsilon) · scale + bias, with the mean and the
   * variance over `axes` (ascending) of each group of elements. Without `center`, the mean counts
   * as 0, so that x is divided by its root mean square. scale and bias are float32, constant if x
   * is int8, and broadcast to x.
   */
  normalize: { axes: number[]; epsilon: number; center: boolean };

  // ── each element ────────────────────────────────────────────────────────────────────────────────

  /** a, b → a ∘ b, after numpy broadcasting; the kind says what ∘ is */
  binary: { kind: BinaryKind; activation: FusedActivation };
  /**
   * a, b → a ∘ b for float32 and integers, after numpy broadcasting. `floorDiv` rounds down and
   * `floorMod` has the sign of b; in integers both are 0 where b is 0. `pow` of integers wraps
   * around, and a negative power of an integer other than ±1 is 0.
   */
  arithmetic: { kind: ArithmeticKind };
  /** a, b → bool, after numpy broadcasting. Comparisons with NaN are false, except notEqual. */
  compare: { kind: CompareKind };
  /** bool a, b → bool, after numpy broadcasting */
  logic: { kind: LogicKind };
  /** a, b, bool c → a where c is true and b elsewhere, after numpy broadcasting */
  select: object;
  /**
   * A function of each element. Some have parameters, with ONNX's values by default:
   * - leakyRelu: x or alpha·x (0)
   * - elu: x or alpha·(e^x − 1) (1)
   * - celu: x or alpha·(e^(x/alpha) − 1) (1)
   * - selu: beta times x or alpha·(e^x − 1) (1.67326, 1.05070)
   * - hardSigmoid: alpha·x + beta, clamped to 0 … 1 (0.2, 0.5)
   * - thresholdedRelu: x if x > alpha, otherwise 0 (1)
   */
  unary: { kind: UnaryKind; alpha?: number; beta?: number };
  /** x, alpha (broadcast to x) → x if x ≥ 0, otherwise alpha·x */
  prelu: object;
  /**
   * The number in the output's element type, rounded toward zero; scales and zero points do not
   * count.
   */
  cast: object;
  /** float32, int8 or uint8 → the output's quantization */
  quantize: object;
  /** int8 → its real values in float32 */
  dequantize: object;

  // ── movement ────────────────────────────────────────────────────────────────────────────────────

  /** Any number of inputs, one after the other along `axis`; their other dimensions are equal. */
  concat: { axis: number; activation: FusedActivation };
  /** The reverse of concat. The sizes along `axis` come from the outputs' shapes. */
  split: { axis: number };
  /**
   * out[i] = x[begin + i·stride] in each dimension, for every i in the output's shape.
   * Strides may be negative.
   */
  slice: { begin: number[]; stride: number[] };
  /** The same elements in the output's shape. */
  reshape: object;
  /** Output dimension i is input dimension perm[i]. */
  transpose: { perm: number[] };
  /**
   * `before` and `after` elements are added in each dimension. They have the real number `value`,
   * mirror the input about its edge, which is not repeated (`reflect`) or repeated (`symmetric`),
   * repeat the element at the edge (`edge`), or continue with the other end of the input (`wrap`).
   */
  pad: { before: number[]; after: number[]; mode: PadMode; value: number };
  /** x [N][H][W][C] → [N][OH][OW][C], where OH and OW come from the output's shape. */
  resize2d: { mode: 'nearest' | 'bilinear'; alignCorners: boolean; halfPixelCenters: boolean };
  /**
   * x with other sizes along `axes`, which come from the output's shape: ONNX's Resize. `scales`
   * are output size / input size as given for each axis, and need not be the quotient exactly.
   *
   * `coordinates` maps output index i to a position p in the input:
   * - `halfPixel`: (i + 0.5) / scale − 0.5
   * - `halfPixelSymmetric`: the same, centered if the output size is not scale · input size
   * - `pytorchHalfPixel`: the same, 0 if the output size is 1
   * - `alignCorners`: i · (input size − 1) / (scale · input size − 1), 0 if the output size is 1
   * - `asymmetric`: i / scale
   * - `cropAndResize`: from the start to the end that `roi` lists for each axis, as fractions of
   *   input size − 1. Outputs outside of the input are `extrapolation` (default 0).
   *
   * `nearest` takes the element at p rounded by `rounding`: to the nearest one, with halves down
   * (`preferFloor`, the default) or up (`preferCeil`), or always down or up. It computes p in
   * float32. `linear` weighs two elements, `cubic` four with Keys's kernel and the coefficient
   * `cubicCoefficient` (default −0.75). Elements outside of the input are those at its edge; with
   * `excludeOutside` they have no weight, unless all elements are outside. `antialias` widens the
   * kernel of an axis that gets smaller.
   */
  resample: { axes: number[]; scales: number[]; mode: 'nearest' | 'linear' | 'cubic'; coordinates: ResampleCoordinates;
    rounding?: ResampleRounding; cubicCoefficient?: number; excludeOutside?: boolean; antialias?: boolean;
    roi?: number[]; extrapolation?: number };
  /**
   * x [N][H][W][C], grid [N][OH][OW][2] → [N][OH][OW][C]: x at the points (x, y) of the grid, as
   * ONNX's GridSample. −1 and 1 are the edges of the image, or with `alignCorners` the centers of
   * its first and last pixels. `cubic` is Keys's kernel with the coefficient −0.75. Outside of the
   * image there are zeros, the pixel at the border, or the image reflected at its edges. A
   * coordinate that is not a number lies before the first pixel.
   */
  gridSample: { mode: 'nearest' | 'linear' | 'cubic'; padding: 'zeros' | 'border' | 'reflection';
    alignCorners: boolean };
  /**
   * x […][1 or 2] → […][2]: the discrete Fourier transform along `axis`, of real numbers [1] or of
   * complex ones [2] (real and imaginary part), as ONNX's DFT. The sequence is cut to `length`
   * points or followed by zeros. The inverse divides by `length`. `onesided` keeps the first
   * ⌊length / 2⌋ + 1 values, which determine the others if x is real.
   */
  dft: { axis: number; length: number; inverse: boolean; onesided: boolean };
  /**
   * x [N][H][W][C·b²] → [N][H·b][W·b][C]: the channels of a pixel become a block of b × b pixels
   */
  depthToSpace: { blockSize: number };
  /** x [N][H·b][W·b][C] → [N][H][W][C·b²]: the reverse of depthToSpace */
  spaceToDepth: { blockSize: number };
  /** numpy broadcasting to the output's own shape */
  broadcastTo: object;
  /**
   * x, int32 indices → x[:axis] + indices[batchDims:] + x[axis + 1:]: the slices of x at the
   * indices along `axis`. The first `batchDims` dimensions of both are the same. Indices are
   * clamped to the valid range.
   */
  gather: { axis: number; batchDims: number };
  /**
   * x, int32 indices […][K] → indices[:-1] + x[batchDims + K:]: the slices of x at the indices into
   * its first K dimensions. The first `batchDims` dimensions of both are the same, and K counts
   * from there. Indices are clamped to the valid range.
   */
  gatherNd: { batchDims: number };
  /**
   * x, int32 indices […][K], updates → x with the slice of the updates at […] combined into
   * x[indices[…]]: updates have the shape indices[:-1] + x[K:]. Negative indices count from the
   * end, and updates with an index out of range are skipped. Updates are made in order, so that of
   * several ones for the same place the last remains.
   */
  scatterNd: { reduction: ScatterReduction };
  /**
   * x, int32 indices, updates of the shape of the indices → x with each update at its own position,
   * but at its index along `axis`. Indices and order are those of scatterNd.
   */
  scatterElements: { axis: number; reduction: ScatterReduction };
  /**
   * x, update, int32 begin [rank] → x with the update at `begin`, which is clamped so that the
   * update is within x.
   */
  updateSlice: object;
  /**
   * The detections of a single-shot detector. boxes [1][N][≥ 4] as y, x, height and width relative
   * to the anchors, scores [1][N][classes], or [1][N][1 + classes] with the background first, and
   * anchors [N][4] as y, x, height and width → boxes [1][P][4] as ymin, xmin, ymax and xmax,
   * classes [1][P], scores [1][P], and the number of detections [1]. P is detections ·
   * classesPerDetection, and unused places are 0.
   *
   * Boxes are decoded as y = box.y / scales.y · anchor.height + anchor.y, and height =
   * exp(box.height / scales.height) · anchor.height. Candidates have at least `scoreThreshold`.
   * Those with the best scores are kept, and suppress others whose intersection over union with
   * them is larger than `iouThreshold`. By default, the best score of an anchor counts, and each
   * detection lists its `classesPerDetection` best classes. With `detectionsPerClass`, each class
   * is suppressed by itself, and the best detections of all classes are listed.
   */
  detectionPostprocess: { classes: number; detections: number; classesPerDetection: number; detectionsPerClass?: number;
    scoreThreshold: number; iouThreshold: number; scales: [y: number, x: number, height: number, width: number] };
  /**
   * The boxes that non-maximum suppression selects. boxes [B][N][4], scores [B][C][N] → rows int32
   * [B·C·limit][3], scores [B·C·limit], number of rows int32 [1]. A row is a batch, a class and a
   * box; unused rows are −1 and unused scores 0. They are ordered by batch, class and descending
   * score. Boxes are y, x, y, x of two opposite corners, or with `centered` x and y of the center,
   * width and height.
   *
   * The candidates of a class have a score above `scoreThreshold`, and the best `limit` are
   * selected. A box whose intersection over union with one that is selected is larger than
   * `iouThreshold` is not selected. With a `sigma` above 0, each selected box also multiplies the
   * scores of later ones by exp(−0.5 / sigma · iou²): Soft-NMS (Bodla and others, 2017), as in
   * TensorFlow.
   */
  nonMaxSuppression: { limit: number; scoreThreshold: number; iouThreshold: number; sigma: number; centered: boolean };
}

export type OperatorName = keyof Attributes;

// ── forms of the attributes ─────────────────────────────────────────────────────────────────────────

/** The form that an attribute must have. `?` marks an optional attribute. */
export type AttributeForm = 'a number' | 'two numbers' | 'four numbers' | 'an array of numbers' | 'a string'
  | 'true or false' | 'a scale and a zero point' | 'an array of functions';
type Optional = `${AttributeForm}?`;

type Row<A> = { [N in keyof A]-?: undefined extends A[N] ? Optional : AttributeForm };

const sliding = { stride: 'two numbers', padding: 'four numbers', activation: 'a string' } as const;
const convolution = { ...sliding, dilation: 'two numbers', hybrid: 'a string?' } as const;
const sequence = { timeMajor: 'true or false', reverse: 'true or false', hybrid: 'a string?' } as const;
const pool = { ...sliding, kernel: 'two numbers' } as const;

/** The forms of the attributes of every operator, to check the nodes that callers pass. */
export const attributeForms = {
  argmax: { axis: 'a number', kind: 'a string' },
  arithmetic: { kind: 'a string' },
  averagePool2d: pool,
  batchMatmul: { transposeA: 'true or false', transposeB: 'true or false' },
  binary: { kind: 'a string', activation: 'a string' },
  broadcastTo: {},
  cast: {},
  compare: { kind: 'a string' },
  concat: { axis: 'a number', activation: 'a string' },
  conv2d: { ...convolution, groups: 'a number' },
  cumsum: { axis: 'a number', exclusive: 'true or false', reverse: 'true or false' },
  depthToSpace: { blockSize: 'a number' },
  depthwiseConv2d: convolution,
  dequantize: {},
  detectionPostprocess: {
    classes: 'a number',
    detections: 'a number',
    classesPerDetection: 'a number',
    detectionsPerClass: 'a number?',
    scoreThreshold: 'a number',
    iouThreshold: 'a number',
    scales: 'four numbers',
  },
  dft: { axis: 'a number', length: 'a number', inverse: 'true or false', onesided: 'true or false' },
  fullyConnected: { activation: 'a string', hybrid: 'a string?' },
  gather: { axis: 'a number', batchDims: 'a number' },
  gatherNd: { batchDims: 'a number' },
  gridSample: { mode: 'a string', padding: 'a string', alignCorners: 'true or false' },
  gru: { ...sequence, resetAfter: 'true or false', gate: 'a string?' },
  l2Normalize: { epsilon: 'a number' },
  logSoftmax: {},
  logic: { kind: 'a string' },
  lstm: {
    ...sequence,
    activation: 'a string',
    gate: 'a string?',
    cellClip: 'a number',
    projectionClip: 'a number',
    cellScale: 'a number?',
    hidden: 'a scale and a zero point?',
    gateScales: 'an array of numbers?',
  },
  maxPool2d: pool,
  maxPoolIndices: { kernel: 'two numbers', stride: 'two numbers', padding: 'four numbers' },
  nonMaxSuppression: {
    limit: 'a number',
    scoreThreshold: 'a number',
    iouThreshold: 'a number',
    sigma: 'a number',
    centered: 'true or false',
  },
  normalize: { axes: 'an array of numbers', epsilon: 'a number', center: 'true or false' },
  pad: { before: 'an array of numbers', after: 'an array of numbers', mode: 'a string', value: 'a number' },
  prelu: {},
  quantize: {},
  recurrence: {
    timeMajor: 'true or false',
    reverse: 'true or false',
    cell: 'a string',
    functions: 'an array of functions',
    clip: 'a number',
    coupled: 'true or false',
    resetAfter: 'true or false',
  },
  reduce: { kind: 'a string', axes: 'an array of numbers' },
  resample: {
    axes: 'an array of numbers',
    scales: 'an array of numbers',
    mode: 'a string',
    coordinates: 'a string',
    rounding: 'a string?',
    cubicCoefficient: 'a number?',
    excludeOutside: 'true or false?',
    antialias: 'true or false?',
    roi: 'an array of numbers?',
    extrapolation: 'a number?',
  },
  reshape: {},
  resize2d: { mode: 'a string', alignCorners: 'true or false', halfPixelCenters: 'true or false' },
  rnn: { ...sequence, activation: 'a string' },
  scatterElements: { axis: 'a number', reduction: 'a string' },
  scatterNd: { reduction: 'a string' },
  select: {},
  slice: { begin: 'an array of numbers', stride: 'an array of numbers' },
  softmax: { beta: 'a number' },
  spaceToDepth: { blockSize: 'a number' },
  split: { axis: 'a number' },
  svdf: { ...sequence, rank: 'a number', activation: 'a string', stateScale: 'a number?' },
  topK: { axis: 'a number', k: 'a number', kind: 'a string' },
  transpose: { perm: 'an array of numbers' },
  transposeConv2d: { ...sliding, dilation: 'two numbers', groups: 'a number' },
  unary: { kind: 'a string', alpha: 'a number?', beta: 'a number?' },
  updateSlice: {},
} as const satisfies { [K in OperatorName]: Row<Attributes[K]> };
