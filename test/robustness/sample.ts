import { compile, GraphBuilder, type Graph, type Quantization, type Tensor } from '../../src/compiler/index';
import type { TensorData } from '../../src/graph/graph';
import { FLAG_NIBBLES, SECTION_NIBBLES, SECTION_WEIGHTS } from '../../src/format/klet';
import { expandNibbles } from '../../src/format/nibbles';
import { Random } from '../helpers/random';
import { randomInputs } from '../ops/suite';
import { allocate } from '../reference/support';
import { reseal, sectionsOf, viewOf, withSection } from './seal';

// A small file whose plan contains every kind of record.

const quantizationOf = (scale: number, zeroPoint: number): Quantization => ({
  scale: [scale],
  zeroPoint: [zeroPoint],
  axis: 0,
});
const none = 'none' as const;

/** @param weightBits bits of the int8 weights, at most 8 */
export function everyOperator(weightBits = 5): Graph {
  const b = new GraphBuilder('every operator');
  const random = new Random(20261121);
  const constant = (shape: number[], dtype: Tensor['dtype'] = 'float32', quantization?: Quantization): Tensor => {
    const data = random.fill(allocate({ name: '', shape, dtype }));
    if (data instanceof Int32Array) {
      data.forEach((v, i) => {
        data[i] = v % 1000;
      });
    }
    return b.constant(data, shape, quantization);
  };
  // small values, which entropy coding compresses
  const weights = (shape: number[]): Tensor => {
    const tensor = constant(shape, 'int8', quantizationOf(0.01, 0));
    (tensor.data as Int8Array).forEach((value, i, values) => {
      values[i] = value >> 8 - weightBits;
    });
    return tensor;
  };
  const pruned = (shape: number[], keep: (i: number) => boolean): Tensor => {
    const tensor = weights(shape);
    tensor.data!.forEach((_, i, data) => {
      if (!keep(i)) data[i] = 0;
    });
    return tensor;
  };
  const window = {
    stride: [1, 1] as [number, number],
    padding: [1, 0, 0, 1] as [number, number, number, number],
    activation: none,
  };
  const conv = { ...window, dilation: [1, 1] as [number, number], groups: 1 };
  const q = { quantization: quantizationOf(0.125, 3) };
  const unit = { quantization: quantizationOf(1 / 256, -128) };

  // int8
  const x = b.input('x', [1, 4, 5, 3], 'int8', quantizationOf(0.0625, -5));
  const c = b.node('conv2d', [x, weights([9, 2, 3, 3]), constant([9], 'int32')], { ...conv, activation: 'relu6' }, q);
  const d = b.node('depthwiseConv2d', [c, weights([1, 3, 3, 9]), constant([9], 'int32')], {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [1, 1, 1, 1],
    activation: none,
  }, q);
  const many = b.node('depthwiseConv2d', [x, weights([1, 2, 2, 6]), null], {
    stride: [2, 2],
    dilation: [1, 1],
    padding: [0, 0, 0, 0],
    activation: none,
  }, q);
  const t = b.node('transposeConv2d', [many, weights([3, 2, 2, 6]), null], {
    stride: [2, 2],
    dilation: [1, 1],
    groups: 1,
    padding: [0, 0, 0, 0],
    activation: none,
  }, { ...q, shape: [1, 4, 4, 3] });
  const added = b.node('binary', [c, d], { kind: 'add', activation: none }, q);
  const product = b.node('binary', [added, constant([9], 'int8', quantizationOf(0.02, 0))], {
    kind: 'mul',
    activation: none,
  }, q);
  const quotient = b.node('binary', [product, c], { kind: 'squaredDifference', activation: none }, q);
  const larger = b.node('binary', [quotient, added], { kind: 'maximum', activation: none }, q);
  const p = b.node('prelu', [larger, constant([9], 'int8', quantizationOf(0.01, 0))], {}, q);
  const pooled = b.node('averagePool2d', [p], { ...window, kernel: [2, 2] }, q);
  const max = b.node('maxPool2d', [d], { ...window, kernel: [2, 2] }, q);
  const joined = b.node('concat', [pooled, max], { axis: 3, activation: none }, q);
  const sized = b.node('resize2d', [joined], { mode: 'bilinear', alignCorners: false, halfPixelCenters: true }, {
    ...q,
    shape: [1, 3, 3, 18],
  });
  const transposed = b.node('transpose', [sized], { perm: [0, 3, 1, 2] }, q);
  const mirrored = b.node('slice', [transposed], { begin: [0, 17, 0, 2], stride: [1, -2, 1, -1] }, {
    ...q,
    shape: [1, 9, 3, 3],
  });
  const padded = b.node(
    'pad',
    [mirrored],
    { before: [0, 0, 1, 0], after: [0, 0, 0, 1], mode: 'constant', value: 1 },
    q,
  );
  const rows = b.node('reshape', [padded], {}, { ...q, shape: [9, 16] });
  const matrix = b.node('batchMatmul', [rows, constant([5, 16], 'int8', quantizationOf(0.02, 4))], {
    transposeA: false,
    transposeB: true,
  }, { quantization: quantizationOf(0.3, 1) });
  const scores = b.node('fullyConnected', [rows, weights([6, 16]), constant([6], 'int32')], { activation: none }, {
    quantization: quantizationOf(0.05, 10),
  });
  const shares = b.node('softmax', [scores], { beta: 1 }, unit);
  const logs = b.node('logSoftmax', [scores], {}, { quantization: quantizationOf(16 / 256, 127) });
  const normal = b.node(
    'l2Normalize',
    [b.node('unary', [matrix], { kind: 'tanh' }, { quantization: quantizationOf(1 / 128, 0) })],
    { epsilon: 1e-6 },
    { quantization: quantizationOf(1 / 128, 0) },
  );
  const mean = b.node('reduce', [sized], { kind: 'mean', axes: [1, 2] }, { ...q, shape: [1, 18] });
  const total = b.node('reduce', [rows], { kind: 'sum', axes: [0] }, {
    quantization: quantizationOf(1, 0),
    shape: [16],
  });
  const best = b.node('argmax', [logs], { axis: 1, kind: 'max' }, { shape: [9], dtype: 'int32' });
  const pairs = b.node('conv2d', [joined, pruned([16, 3, 3, 18], (i) => i % 26 < 2), constant([16], 'int32')], {
    ...conv,
    padding: [1, 1, 1, 1],
  }, q);
  const blocks = b.node(
    'fullyConnected',
    [b.node('reshape', [x], {}, { quantization: x.quantization!, shape: [1, 60] }), pruned([32, 60], (i) => i % 60 < 4),
      null],
    { activation: none },
    q,
  );

  const four = weights([20, 60]);
  four.data!.forEach((value, i, data) => {
    data[i] = value >> 1;
  });
  const packed = b.node(
    'fullyConnected',
    [b.node('reshape', [x], {}, { quantization: x.quantization!, shape: [1, 60] }), four, null],
    { activation: none },
    q,
  );

  // float32, dequantized from int8 and from its own input
  const f = b.node('dequantize', [t], {}, { dtype: 'float32' });
  const y = b.input('y', [2, 3, 4, 2]);
  const fc = b.node('conv2d', [y, constant([5, 2, 2, 2]), constant([5])], conv);
  const fd = b.node('depthwiseConv2d', [fc, constant([1, 2, 2, 5]), null], { ...window, dilation: [1, 1] });
  const hybrid = b.node('conv2d', [fd, weights([3, 2, 2, 5]), constant([3])], { ...conv, hybrid: 'asymmetric' });
  const waves = b.node('unary', [b.node('unary', [b.node('unary', [hybrid], { kind: 'abs' })], { kind: 'log' })], {
    kind: 'sin',
  });
  const grown = b.node('resize2d', [waves], { mode: 'bilinear', alignCorners: true, halfPixelCenters: false }, {
    shape: [2, 4, 4, 3],
  });
  const both = b.node('binary', [grown, f], { kind: 'div', activation: 'relu' });
  const fmax = b.node('reduce', [both], { kind: 'max', axes: [3] }, { shape: [2, 4, 4] });
  const products = b.node('batchMatmul', [fmax, fmax], { transposeA: true, transposeB: false });
  const fsoft = b.node('softmax', [products], { beta: 0.5 });
  const fnorm = b.node('l2Normalize', [b.node('logSoftmax', [fsoft], {})], { epsilon: 1e-6 });
  const fpool = b.node('averagePool2d', [grown], { ...window, kernel: [2, 2] });
  const back = b.node('quantize', [fpool], {}, { dtype: 'int8', quantization: quantizationOf(0.01, 0) });
  const prod = b.node('reduce', [fnorm], { kind: 'prod', axes: [2] }, { shape: [2, 4] });
  const whole = b.node('cast', [fnorm], {}, { dtype: 'int32' });
  const twice = b.node('binary', [whole, whole], { kind: 'add', activation: none });
  const [left, right] = b.nodeWithOutputs('split', [back], { axis: 2 }, [[2, 4, 1, 3], [2, 4, 3, 3]], {
    quantization: quantizationOf(0.01, 0),
  });

  // recurrent layers in int8 and float32, and gather
  const along = { timeMajor: false, reverse: false };
  const cell = { activation: 'tanh' as const, cellClip: 0.9, projectionClip: 0.5 };
  const gates = (rows: number, ...kinds: [number, Tensor['dtype']][]): Tensor[] =>
    kinds.map(([K, dtype]) => (dtype === 'int8' ? weights([rows, K]) : constant([rows, K])));
  const wide = (count: number): Tensor => ({
    ...constant([count], 'int32'),
    dtype: 'int16',
    quantization: quantizationOf(1 / 32768, 0),
    data: Int16Array.from({ length: count }, () => random.int(-32768, 32767)),
  });
  const seen = b.node('reshape', [x], {}, { quantization: x.quantization!, shape: [2, 10, 3] });
  const heard = b.node('reshape', [y], {}, { shape: [2, 12, 2] });
  const lq = b.node('lstm', [seen, weights([28, 3]), weights([28, 5]), constant([28], 'int32'), wide(21),
    weights([5, 7]), constant([5], 'int32'), wide(28)], {
    ...along,
    ...cell,
    cellScale: 2 ** -11,
    hidden: { scale: 1 / 128, zeroPoint: 0 },
    gateScales: [1, 1, 1, 1].map(() => 2 ** -10),
  }, { quantization: quantizationOf(1 / 64, 2) });
  const gq = b.node(
    'gru',
    [lq, ...gates(18, [5, 'int8'], [6, 'int8']), constant([18], 'int32'), constant([18], 'int32')],
    { ...along, resetAfter: true },
    { quantization: quantizationOf(1 / 128, 0) },
  );
  const rq = b.node('rnn', [gq, ...gates(9, [6, 'int8'], [9, 'int8']), constant([9], 'int32')], {
    ...along,
    reverse: true,
    activation: 'tanh',
  }, { quantization: quantizationOf(1 / 128, 0) });
  const sq = b.node('svdf', [rq, weights([6, 9]), { ...wide(24), shape: [6, 4] }, constant([3], 'int32')], {
    ...along,
    rank: 2,
    activation: none,
    stateScale: 2 ** -9,
  }, q);
  const lf = b.node('lstm', [heard, ...gates(15, [2, 'float32'], [5, 'float32']), constant([15]), constant([10])], {
    ...along,
    ...cell,
  });
  const lh = b.node('lstm', [lf, ...gates(28, [5, 'int8'], [4, 'int8']), constant([28]), null, weights([4, 7]),
    constant([4])], { ...along, ...cell, hybrid: 'asymmetric' });
  const gf = b.node('gru', [lh, ...gates(27, [4, 'float32'], [9, 'float32']), constant([27]), null], {
    ...along,
    resetAfter: false,
  });
  const rh = b.node('rnn', [gf, ...gates(3, [9, 'int8'], [3, 'int8']), constant([3])], {
    ...along,
    activation: 'relu',
    hybrid: 'symmetric',
  });
  const sh = b.node('svdf', [rh, weights([4, 3]), constant([4, 5]), constant([2])], {
    ...along,
    rank: 2,
    activation: 'relu6',
    hybrid: 'asymmetric',
  });
  const sf = b.node('svdf', [sh, constant([3, 2]), constant([3, 3]), null], { ...along, rank: 1, activation: none });
  const picked = b.node('gather', [rows, best], { axis: 0, batchDims: 0 }, q);
  const pickedToo = b.node('gather', [sf, b.constant(Int32Array.of(0, 11, 5, 5), [2, 2])], { axis: 1, batchDims: 1 });
  const past = b.state('past', [2, 2, 3], new Float32Array(12).fill(0.5));
  const history = b.node('concat', [past, pickedToo], { axis: 1, activation: none });
  b.assign(past, b.node('slice', [history], { begin: [0, 2, 0], stride: [1, 1, 1] }, { shape: [2, 2, 3] }));

  // pruned recurrent layers: sparse input weights, and sparse input and recurrent weights
  const gp = b.node(
    'gru',
    [b.node('reshape', [x], {}, { quantization: x.quantization!, shape: [1, 60] }), pruned([36, 60], (i) => i % 60 < 4),
      weights([36, 12]), null, null],
    { ...along, resetAfter: false },
    { quantization: quantizationOf(1 / 128, 0) },
  );
  const lp = b.node('lstm', [b.node('reshape', [y], {}, { shape: [1, 48] }), pruned([64, 48], (i) => i % 48 < 8),
    pruned([64, 16], (i) => i % 16 === 9 && i < 80), null], { ...along, ...cell, hybrid: 'symmetric' });
  // the extra module
  const squared = b.node('unary', [pickedToo], { kind: 'square' });
  const isLarger = b.node('compare', [squared, pickedToo], { kind: 'less' }, { dtype: 'bool' });
  const chosen = b.node('select', [pickedToo, b.constant(Float32Array.of(0.5), [1]), isLarger], {});
  const places = b.node('gatherNd', [chosen, b.constant(Int32Array.of(1, 0, 0, 5), [2, 2])], { batchDims: 0 });
  const sums = b.node('cumsum', [chosen], { axis: 1, exclusive: true, reverse: true });
  const curve = b.node('unary', [chosen], { kind: 'mish' });
  const strict = b.node('recurrence', [lf, ...gates(28, [5, 'float32'], [7, 'float32']), constant([28]), null,
    constant([21]), b.constant(Int32Array.of(9, 12), [2]), constant([2, 7])], {
    timeMajor: false,
    reverse: true,
    cell: 'lstm',
    functions: [{ kind: 'hardSigmoid', alpha: 0.2, beta: 0.5 }, { kind: 'softsign' }, { kind: 'tanh', beta: 0.5 }],
    clip: 0.75,
    coupled: true,
    resetAfter: false,
  });
  const normalized = b.node('normalize', [x, constant([3]), null], { axes: [1, 2], epsilon: 1e-3, center: true }, {
    quantization: quantizationOf(1 / 32, 3),
  });
  const ranked = b.nodeWithOutputs('topK', [sums], { axis: 2, k: 2, kind: 'min' }, [[], []], {
    dtypes: ['float32', 'int32'],
  });
  const scattered = b.node('scatterNd', [chosen, ranked[1]!, sums], { reduction: 'add' });
  const moved = b.node('scatterElements', [chosen, ranked[1]!, ranked[0]!], { axis: 2, reduction: 'none' });
  const begin = b.node('slice', [best], { begin: [2], stride: [1] }, { shape: [3], dtype: 'int32' });
  const patched = b.node('updateSlice', [scattered, ranked[0]!, begin], {});
  const guesses = [b.node('reshape', [y], {}, { shape: [1, 12, 4] }),
    b.node('reshape', [lf], {}, { shape: [1, 12, 10] }), constant([12, 4])];
  const limits = {
    detections: 3,
    scoreThreshold: -0.5,
    iouThreshold: 0.3,
    scales: [10, 10, 5, 5] as [number, number, number, number],
  };
  const detections = [{ classes: 9, classesPerDetection: 2 }, {
    classes: 10,
    classesPerDetection: 1,
    detectionsPerClass: 2,
  }].flatMap((options) =>
    b.nodeWithOutputs('detectionPostprocess', guesses, { ...limits, ...options }, [[], [], [], []])
  );
  const smooth = b.node('resample', [x], { axes: [1], scales: [1.5], mode: 'cubic', coordinates: 'halfPixel' }, {
    quantization: x.quantization!,
    shape: [1, 6, 5, 3],
  });
  const bent = b.node('gridSample', [x, b.node('reshape', [y], {}, { shape: [1, 4, 6, 2] })], {
    mode: 'linear',
    padding: 'reflection',
    alignCorners: false,
  }, { quantization: x.quantization! });
  const tops = b.node('maxPoolIndices', [x], { kernel: [2, 3], stride: [1, 2], padding: [1, 0, 0, 1] }, {
    dtype: 'int32',
  });
  const boxes = b.node('reshape', [y], {}, { shape: [2, 6, 4] });
  const kept = b.nodeWithOutputs(
    'nonMaxSuppression',
    [boxes, constant([2, 2, 6])],
    { limit: 3, scoreThreshold: -0.9, iouThreshold: 0.4, sigma: 0.5, centered: false },
    [[], [], []],
    { dtypes: ['int32', 'float32', 'int32'] },
  );
  const spectrum = b.node('dft', [y], { axis: 1, length: 6, inverse: true, onesided: false });
  // int16
  const q16 = { dtype: 'int16' as const, quantization: quantizationOf(2 ** -12, 0) };
  const fine = b.node('quantize', [y], {}, q16);
  const fineConv = b.node('conv2d', [fine, weights([9, 2, 2, 2]), constant([9], 'int32')], conv, q16);
  const fineTaps = b.node(
    'depthwiseConv2d',
    [fineConv, weights([1, 2, 2, 9]), null],
    { ...window, dilation: [1, 1] },
    q16,
  );
  const fineSum = b.node('binary', [fineConv, fineTaps], { kind: 'add', activation: none }, q16);

  return b.finish([fineSum, spectrum, ...detections, tops, ...kept, ...ranked, moved, patched, bent, strict, curve,
    normalized, smooth, sums, places, chosen, shares, normal, mean, total, best, prod, twice, pairs, blocks, packed,
    left!, right!, sq, picked, gp, lp, history]);
}

/** How a sample file stores its weights. */
type Form = 'plain' | 'compact' | 'nibbles';

/** The file of `everyOperator`, with golden vectors. */
export function sampleFile(form: Form = 'plain'): Uint8Array<ArrayBuffer> {
  const graph = everyOperator(form === 'nibbles' ? 4 : 5);
  const compact = form === 'compact';
  const file = compile(graph, { compact, golden: [sampleInputs(graph)], meta: { labels: ['yes', 'no'] } });
  return (form === 'plain' ? withPlainWeights(file) : file) as Uint8Array<ArrayBuffer>;
}

/** The same file with a WEIGHTS section instead of a NIBBLES section, as readers must accept it. */
function withPlainWeights(file: Uint8Array): Uint8Array {
  const index = sectionsOf(file).findIndex(({ kind }) => kind === SECTION_NIBBLES);
  if (index < 0) return file;
  const plain = withSection(file, SECTION_NIBBLES, (section) => expandNibbles(section)!);
  const view = viewOf(plain);
  view.setUint32(12, view.getUint32(12, true) & ~FLAG_NIBBLES, true);
  view.setUint32(32 + index * 16, SECTION_WEIGHTS, true);
  return reseal(plain);
}

export function sampleInputs(graph = everyOperator()): Record<string, TensorData> {
  return randomInputs(graph, 7);
}
