/**
 * The part of TFLite's FlatBuffers schema that the supported operators need, as data: for each
 * table its fields with their ids, types and defaults. A type is a scalar, `string`, `union` (its
 * tag is the field before it), a table's name, or a vector of one of these in brackets.
 */
export const tables = {
  Model: {
    version: [0, 'uint32'],
    operatorCodes: [1, '[OperatorCode]'],
    subgraphs: [2, '[SubGraph]'],
    description: [3, 'string'],
    buffers: [4, '[Buffer]'],
    metadata: [6, '[Metadata]'],
    signatureDefs: [7, '[SignatureDef]'],
  },
  Metadata: { name: [0, 'string'], buffer: [1, 'uint32'] },
  // TFLite metadata, the schema of metadata.ts
  ModelMetadata: { name: [0, 'string'], subgraphs: [3, '[SubGraphMetadata]'] },
  SubGraphMetadata: { inputs: [2, '[TensorMetadata]'], outputs: [3, '[TensorMetadata]'] },
  TensorMetadata: { name: [0, 'string'], processUnits: [4, '[ProcessUnit]'], associatedFiles: [6, '[AssociatedFile]'] },
  AssociatedFile: { name: [0, 'string'], type: [2, 'int8'], locale: [3, 'string'] },
  ProcessUnit: { optionsType: [0, 'uint8'], options: [1, 'union'] },
  NormalizationOptions: { mean: [0, '[float32]'], std: [1, '[float32]'] },
  OperatorCode: {
    deprecatedBuiltinCode: [0, 'int8'],
    customCode: [1, 'string'],
    version: [2, 'int32', 1],
    builtinCode: [3, 'int32'],
  },
  SubGraph: {
    tensors: [0, '[Tensor]'],
    inputs: [1, '[int32]'],
    outputs: [2, '[int32]'],
    operators: [3, '[Operator]'],
    name: [4, 'string'],
  },
  Tensor: {
    shape: [0, '[int32]'],
    type: [1, 'int8'],
    buffer: [2, 'uint32'],
    name: [3, 'string'],
    quantization: [4, 'QuantizationParameters'],
    isVariable: [5, 'bool'],
    sparsity: [6, 'SparsityParameters'],
    shapeSignature: [7, '[int32]'],
    hasRank: [8, 'bool'],
  },
  QuantizationParameters: {
    min: [0, '[float32]'],
    max: [1, '[float32]'],
    scale: [2, '[float32]'],
    zeroPoint: [3, '[int64]'],
    detailsType: [4, 'uint8'],
    quantizedDimension: [6, 'int32'],
  },
  SparsityParameters: {
    traversalOrder: [0, '[int32]'],
    blockMap: [1, '[int32]'],
    dimMetadata: [2, '[DimensionMetadata]'],
  },
  /**
   * `format` 0 is dense and 1 is a list of indices. The types of the lists give the size of their
   * elements: 1 is int32, 2 uint16, 3 uint8.
   */
  DimensionMetadata: {
    format: [0, 'int8'],
    denseSize: [1, 'int32'],
    segmentsType: [2, 'uint8'],
    segments: [3, 'union'],
    indicesType: [4, 'uint8'],
    indices: [5, 'union'],
  },
  Int32Vector: { values: [0, '[int32]'] },
  Uint16Vector: { values: [0, '[uint16]'] },
  Uint8Vector: { values: [0, '[uint8]'] },
  Operator: {
    opcodeIndex: [0, 'uint32'],
    inputs: [1, '[int32]'],
    outputs: [2, '[int32]'],
    builtinOptionsType: [3, 'uint8'],
    builtinOptions: [4, 'union'],
    customOptions: [5, '[uint8]'],
    intermediates: [8, '[int32]'],
  },
  /**
   * `offset` and `size` locate data kept outside the FlatBuffer, counted from the start of the
   * file.
   */
  Buffer: { data: [0, '[uint8]'], offset: [1, 'uint64'], size: [2, 'uint64'] },
  SignatureDef: {
    inputs: [0, '[TensorMap]'],
    outputs: [1, '[TensorMap]'],
    signatureKey: [2, 'string'],
    subgraphIndex: [4, 'uint32'],
  },
  TensorMap: { name: [0, 'string'], tensorIndex: [1, 'uint32'] },

  NoOptions: {},
  ActivationOptions: { fusedActivationFunction: [0, 'int8'] },
  Conv2DOptions: {
    padding: [0, 'int8'],
    strideW: [1, 'int32'],
    strideH: [2, 'int32'],
    fusedActivationFunction: [3, 'int8'],
    dilationWFactor: [4, 'int32', 1],
    dilationHFactor: [5, 'int32', 1],
  },
  Conv3DOptions: {
    padding: [0, 'int8'],
    strideD: [1, 'int32'],
    strideW: [2, 'int32'],
    strideH: [3, 'int32'],
    fusedActivationFunction: [4, 'int8'],
    dilationDFactor: [5, 'int32', 1],
    dilationWFactor: [6, 'int32', 1],
    dilationHFactor: [7, 'int32', 1],
  },
  DepthwiseConv2DOptions: {
    padding: [0, 'int8'],
    strideW: [1, 'int32'],
    strideH: [2, 'int32'],
    depthMultiplier: [3, 'int32'],
    fusedActivationFunction: [4, 'int8'],
    dilationWFactor: [5, 'int32', 1],
    dilationHFactor: [6, 'int32', 1],
  },
  Pool2DOptions: {
    padding: [0, 'int8'],
    strideW: [1, 'int32'],
    strideH: [2, 'int32'],
    filterWidth: [3, 'int32'],
    filterHeight: [4, 'int32'],
    fusedActivationFunction: [5, 'int8'],
  },
  LocalResponseNormalizationOptions: {
    radius: [0, 'int32'],
    bias: [1, 'float32'],
    alpha: [2, 'float32'],
    beta: [3, 'float32'],
  },
  FullyConnectedOptions: {
    fusedActivationFunction: [0, 'int8'],
    weightsFormat: [1, 'int8'],
    keepNumDims: [2, 'bool'],
    asymmetricQuantizeInputs: [3, 'bool'],
  },
  TransposeConvOptions: {
    padding: [0, 'int8'],
    strideW: [1, 'int32'],
    strideH: [2, 'int32'],
    fusedActivationFunction: [3, 'int8'],
  },
  BatchMatMulOptions: { adjX: [0, 'bool'], adjY: [1, 'bool'] },
  SoftmaxOptions: { beta: [0, 'float32'] },
  LeakyReluOptions: { alpha: [0, 'float32'] },
  GeluOptions: { approximate: [0, 'bool'] },
  ConcatenationOptions: { axis: [0, 'int32'], fusedActivationFunction: [1, 'int8'] },
  ReducerOptions: { keepDims: [0, 'bool'] },
  ReshapeOptions: { newShape: [0, '[int32]'] },
  SqueezeOptions: { squeezeDims: [0, '[int32]'] },
  SplitOptions: { numSplits: [0, 'int32'] },
  StridedSliceOptions: {
    beginMask: [0, 'int32'],
    endMask: [1, 'int32'],
    ellipsisMask: [2, 'int32'],
    newAxisMask: [3, 'int32'],
    shrinkAxisMask: [4, 'int32'],
    offset: [5, 'bool'],
  },
  PackOptions: { valuesCount: [0, 'int32'], axis: [1, 'int32'] },
  UnpackOptions: { num: [0, 'int32'], axis: [1, 'int32'] },
  MirrorPadOptions: { mode: [0, 'int8'] },
  /** Ids 0 and 1 of the bilinear table are deprecated (the new size). */
  ResizeBilinearOptions: { alignCorners: [2, 'bool'], halfPixelCenters: [3, 'bool'] },
  ResizeNearestNeighborOptions: { alignCorners: [0, 'bool'], halfPixelCenters: [1, 'bool'] },
  CumsumOptions: { exclusive: [0, 'bool'], reverse: [1, 'bool'] },
  OneHotOptions: { axis: [0, 'int32'] },
  BlockOptions: { blockSize: [0, 'int32'] },
  TypeOptions: { outputType: [0, 'int8'] },
  CastOptions: { inDataType: [0, 'int8'], outDataType: [1, 'int8'] },
  RnnOptions: { fusedActivationFunction: [0, 'int8'], asymmetricQuantizeInputs: [1, 'bool'] },
  SequenceRnnOptions: {
    timeMajor: [0, 'bool'],
    fusedActivationFunction: [1, 'int8'],
    asymmetricQuantizeInputs: [2, 'bool'],
  },
  BidirectionalRnnOptions: {
    timeMajor: [0, 'bool'],
    fusedActivationFunction: [1, 'int8'],
    mergeOutputs: [2, 'bool'],
    asymmetricQuantizeInputs: [3, 'bool'],
  },
  LstmOptions: {
    fusedActivationFunction: [0, 'int8'],
    cellClip: [1, 'float32'],
    projClip: [2, 'float32'],
    kernelType: [3, 'int8'],
    asymmetricQuantizeInputs: [4, 'bool'],
  },
  SequenceLstmOptions: {
    fusedActivationFunction: [0, 'int8'],
    cellClip: [1, 'float32'],
    projClip: [2, 'float32'],
    timeMajor: [3, 'bool'],
    asymmetricQuantizeInputs: [4, 'bool'],
    diagonalRecurrentTensors: [5, 'bool'],
  },
  BidirectionalLstmOptions: {
    fusedActivationFunction: [0, 'int8'],
    cellClip: [1, 'float32'],
    projClip: [2, 'float32'],
    mergeOutputs: [3, 'bool'],
    timeMajor: [4, 'bool', 1],
    asymmetricQuantizeInputs: [5, 'bool'],
  },
  SvdfOptions: { rank: [0, 'int32'], fusedActivationFunction: [1, 'int8'], asymmetricQuantizeInputs: [2, 'bool'] },
  GatherOptions: { axis: [0, 'int32'], batchDims: [1, 'int32'] },
  VarHandleOptions: { container: [0, 'string'], sharedName: [1, 'string'] },
  CallOnceOptions: { initSubgraphIndex: [0, 'int32'] },
  WhileOptions: { condSubgraphIndex: [0, 'int32'], bodySubgraphIndex: [1, 'int32'] },
} as const;

type Tables = typeof tables;
export type TableName = keyof Tables;
type Scalars = { bool: boolean; int8: number; uint8: number; uint16: number; int32: number; uint32: number;
  int64: number; uint64: number; float32: number; string: string };
type Value<T> = T extends keyof Scalars ? Scalars[T]
  : T extends 'union' ? number
  : T extends '[uint8]' ? Uint8Array
  : T extends `[${infer Element}]` ? NonNullable<Value<Element>>[]
  : T extends TableName ? Table<T> | undefined
  : never;

/**
 * A table as a plain object. Absent vectors are empty, absent tables undefined, a union is its
 * table's position (0: absent).
 */
export type Table<N extends TableName> = {
  [F in keyof Tables[N]]: Tables[N][F] extends readonly [number, infer T, ...unknown[]] ? Value<T> : never;
};

/**
 * The options table of each operator that the importer maps, and its tag in the union of all
 * options. Operators without a row have no options.
 */
const operatorOptions = {
  ADD: ['ActivationOptions', 11],
  AVERAGE_POOL_2D: ['Pool2DOptions', 5],
  CONCATENATION: ['ConcatenationOptions', 10],
  CONV_2D: ['Conv2DOptions', 1],
  DEPTHWISE_CONV_2D: ['DepthwiseConv2DOptions', 2],
  DEPTH_TO_SPACE: ['BlockOptions', 94],
  FULLY_CONNECTED: ['FullyConnectedOptions', 8],
  L2_NORMALIZATION: ['ActivationOptions', 12],
  MAX_POOL_2D: ['Pool2DOptions', 5],
  L2_POOL_2D: ['Pool2DOptions', 5],
  LOCAL_RESPONSE_NORMALIZATION: ['LocalResponseNormalizationOptions', 13],
  MUL: ['ActivationOptions', 21],
  RESHAPE: ['ReshapeOptions', 17],
  RESIZE_BILINEAR: ['ResizeBilinearOptions', 15],
  SOFTMAX: ['SoftmaxOptions', 9],
  SPACE_TO_DEPTH: ['BlockOptions', 19],
  MEAN: ['ReducerOptions', 27],
  SUB: ['ActivationOptions', 28],
  DIV: ['ActivationOptions', 29],
  SQUEEZE: ['SqueezeOptions', 30],
  STRIDED_SLICE: ['StridedSliceOptions', 32],
  SPLIT: ['SplitOptions', 35],
  CAST: ['CastOptions', 37],
  ARG_MAX: ['TypeOptions', 40],
  TRANSPOSE_CONV: ['TransposeConvOptions', 49],
  SUM: ['ReducerOptions', 27],
  SHAPE: ['TypeOptions', 55],
  ARG_MIN: ['TypeOptions', 57],
  REDUCE_PROD: ['ReducerOptions', 27],
  REDUCE_MAX: ['ReducerOptions', 27],
  PACK: ['PackOptions', 59],
  ONE_HOT: ['OneHotOptions', 61],
  UNPACK: ['UnpackOptions', 64],
  REDUCE_MIN: ['ReducerOptions', 27],
  REDUCE_ANY: ['ReducerOptions', 27],
  REDUCE_ALL: ['ReducerOptions', 27],
  RESIZE_NEAREST_NEIGHBOR: ['ResizeNearestNeighborOptions', 74],
  LEAKY_RELU: ['LeakyReluOptions', 75],
  MIRROR_PAD: ['MirrorPadOptions', 77],
  SPLIT_V: ['SplitOptions', 79],
  BATCH_MATMUL: ['BatchMatMulOptions', 101],
  GELU: ['GeluOptions', 116],
  RNN: ['RnnOptions', 7],
  UNIDIRECTIONAL_SEQUENCE_RNN: ['SequenceRnnOptions', 31],
  BIDIRECTIONAL_SEQUENCE_RNN: ['BidirectionalRnnOptions', 70],
  LSTM: ['LstmOptions', 14],
  UNIDIRECTIONAL_SEQUENCE_LSTM: ['SequenceLstmOptions', 71],
  BIDIRECTIONAL_SEQUENCE_LSTM: ['BidirectionalLstmOptions', 69],
  SVDF: ['SvdfOptions', 6],
  GATHER: ['GatherOptions', 23],
  WHILE: ['WhileOptions', 93],
  CUMSUM: ['CumsumOptions', 102],
  CONV_3D: ['Conv3DOptions', 106],
  CONV_3D_TRANSPOSE: ['Conv3DOptions', 106],
  CALL_ONCE: ['CallOnceOptions', 103],
  VAR_HANDLE: ['VarHandleOptions', 111],
} as const satisfies Record<string, readonly [TableName, number]>;

/** Names of the built-in operators; the index is the code. */
export const operatorKinds = ['ADD', 'AVERAGE_POOL_2D', 'CONCATENATION', 'CONV_2D', 'DEPTHWISE_CONV_2D',
  'DEPTH_TO_SPACE', 'DEQUANTIZE', 'EMBEDDING_LOOKUP', 'FLOOR', 'FULLY_CONNECTED', 'HASHTABLE_LOOKUP',
  'L2_NORMALIZATION', 'L2_POOL_2D', 'LOCAL_RESPONSE_NORMALIZATION', 'LOGISTIC', 'LSH_PROJECTION', 'LSTM', 'MAX_POOL_2D',
  'MUL', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'RESHAPE', 'RESIZE_BILINEAR', 'RNN', 'SOFTMAX', 'SPACE_TO_DEPTH', 'SVDF',
  'TANH', 'CONCAT_EMBEDDINGS', 'SKIP_GRAM', 'CALL', 'CUSTOM', 'EMBEDDING_LOOKUP_SPARSE', 'PAD',
  'UNIDIRECTIONAL_SEQUENCE_RNN', 'GATHER', 'BATCH_TO_SPACE_ND', 'SPACE_TO_BATCH_ND', 'TRANSPOSE', 'MEAN', 'SUB', 'DIV',
  'SQUEEZE', 'UNIDIRECTIONAL_SEQUENCE_LSTM', 'STRIDED_SLICE', 'BIDIRECTIONAL_SEQUENCE_RNN', 'EXP', 'TOPK_V2', 'SPLIT',
  'LOG_SOFTMAX', 'DELEGATE', 'BIDIRECTIONAL_SEQUENCE_LSTM', 'CAST', 'PRELU', 'MAXIMUM', 'ARG_MAX', 'MINIMUM', 'LESS',
  'NEG', 'PADV2', 'GREATER', 'GREATER_EQUAL', 'LESS_EQUAL', 'SELECT', 'SLICE', 'SIN', 'TRANSPOSE_CONV',
  'SPARSE_TO_DENSE', 'TILE', 'EXPAND_DIMS', 'EQUAL', 'NOT_EQUAL', 'LOG', 'SUM', 'SQRT', 'RSQRT', 'SHAPE', 'POW',
  'ARG_MIN', 'FAKE_QUANT', 'REDUCE_PROD', 'REDUCE_MAX', 'PACK', 'LOGICAL_OR', 'ONE_HOT', 'LOGICAL_AND', 'LOGICAL_NOT',
  'UNPACK', 'REDUCE_MIN', 'FLOOR_DIV', 'REDUCE_ANY', 'SQUARE', 'ZEROS_LIKE', 'FILL', 'FLOOR_MOD', 'RANGE',
  'RESIZE_NEAREST_NEIGHBOR', 'LEAKY_RELU', 'SQUARED_DIFFERENCE', 'MIRROR_PAD', 'ABS', 'SPLIT_V', 'UNIQUE', 'CEIL',
  'REVERSE_V2', 'ADD_N', 'GATHER_ND', 'COS', 'WHERE', 'RANK', 'ELU', 'REVERSE_SEQUENCE', 'MATRIX_DIAG', 'QUANTIZE',
  'MATRIX_SET_DIAG', 'ROUND', 'HARD_SWISH', 'IF', 'WHILE', 'NON_MAX_SUPPRESSION_V4', 'NON_MAX_SUPPRESSION_V5',
  'SCATTER_ND', 'SELECT_V2', 'DENSIFY', 'SEGMENT_SUM', 'BATCH_MATMUL', 'PLACEHOLDER_FOR_GREATER_OP_CODES', 'CUMSUM',
  'CALL_ONCE', 'BROADCAST_TO', 'RFFT2D', 'CONV_3D', 'IMAG', 'REAL', 'COMPLEX_ABS', 'HASHTABLE', 'HASHTABLE_FIND',
  'HASHTABLE_IMPORT', 'HASHTABLE_SIZE', 'REDUCE_ALL', 'CONV_3D_TRANSPOSE', 'VAR_HANDLE', 'READ_VARIABLE',
  'ASSIGN_VARIABLE', 'BROADCAST_ARGS', 'RANDOM_STANDARD_NORMAL', 'BUCKETIZE', 'RANDOM_UNIFORM', 'MULTINOMIAL', 'GELU',
  'DYNAMIC_UPDATE_SLICE', 'RELU_0_TO_1', 'UNSORTED_SEGMENT_PROD', 'UNSORTED_SEGMENT_MAX', 'UNSORTED_SEGMENT_SUM',
  'ATAN2', 'UNSORTED_SEGMENT_MIN', 'SIGN', 'BITCAST', 'BITWISE_XOR', 'RIGHT_SHIFT', 'STABLEHLO_LOGISTIC',
  'STABLEHLO_ADD', 'STABLEHLO_DIVIDE', 'STABLEHLO_MULTIPLY', 'STABLEHLO_MAXIMUM', 'STABLEHLO_RESHAPE',
  'STABLEHLO_CLAMP', 'STABLEHLO_CONCATENATE', 'STABLEHLO_BROADCAST_IN_DIM', 'STABLEHLO_CONVOLUTION', 'STABLEHLO_SLICE',
  'STABLEHLO_CUSTOM_CALL', 'STABLEHLO_REDUCE', 'STABLEHLO_ABS', 'STABLEHLO_AND', 'STABLEHLO_COSINE',
  'STABLEHLO_EXPONENTIAL', 'STABLEHLO_FLOOR', 'STABLEHLO_LOG', 'STABLEHLO_MINIMUM', 'STABLEHLO_NEGATE', 'STABLEHLO_OR',
  'STABLEHLO_POWER', 'STABLEHLO_REMAINDER', 'STABLEHLO_RSQRT', 'STABLEHLO_SELECT', 'STABLEHLO_SUBTRACT',
  'STABLEHLO_TANH', 'STABLEHLO_SCATTER', 'STABLEHLO_COMPARE', 'STABLEHLO_CONVERT', 'STABLEHLO_DYNAMIC_SLICE',
  'STABLEHLO_DYNAMIC_UPDATE_SLICE', 'STABLEHLO_PAD', 'STABLEHLO_IOTA', 'STABLEHLO_DOT_GENERAL',
  'STABLEHLO_REDUCE_WINDOW', 'STABLEHLO_SORT', 'STABLEHLO_WHILE', 'STABLEHLO_GATHER', 'STABLEHLO_TRANSPOSE', 'DILATE',
  'STABLEHLO_RNG_BIT_GENERATOR', 'REDUCE_WINDOW', 'STABLEHLO_COMPOSITE', 'STABLEHLO_SHIFT_LEFT', 'STABLEHLO_CBRT',
  'STABLEHLO_CASE'] as const;

export type OperatorKind = (typeof operatorKinds)[number];
export type Options<K extends OperatorKind> = K extends keyof typeof operatorOptions
  ? Table<(typeof operatorOptions)[K][0]>
  : Table<'NoOptions'>;

/** The options table of an operator, and its tag in the union of all options. */
export function optionsOf(kind: string): readonly [TableName, number] {
  return Object.hasOwn(operatorOptions, kind)
    ? operatorOptions[kind as keyof typeof operatorOptions]
    : ['NoOptions', 0];
}

/** Element types; the index is the code. */
export const tensorTypes = ['FLOAT32', 'FLOAT16', 'INT32', 'UINT8', 'INT64', 'STRING', 'BOOL', 'INT16', 'COMPLEX64',
  'INT8', 'FLOAT64', 'COMPLEX128', 'UINT64', 'RESOURCE', 'VARIANT', 'UINT32', 'UINT16', 'INT4'] as const;
export type TensorType = (typeof tensorTypes)[number];

export const fusedActivations = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'TANH', 'SIGN_BIT'] as const;
export const paddings = ['SAME', 'VALID'] as const;
