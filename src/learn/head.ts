import * as L from '../../assembly/layout';
import type { DebugInfo } from '../format/debugInfo';
import { alignUp } from '../format/klet';
import type { Meta } from '../format/meta';
import { demand } from './demand';
import type { Classifier } from './learner';
import { readParts, writeParts } from './parts';

// Appends to a cut network the two records of a classifier: CONV2D over one pixel, which is a fully
// connected layer, and SOFTMAX (docs/format/convolution.md, docs/format/elementwise.md).

/** Outputs of a panel, in which weights are packed. */
const PANEL = 8;
const BLOCK_ROWS = 4;
const ALIGNMENT = 16;
/** So that the sum of a bias and the products of an embedding stays below 2^31. */
const MAX_BIAS = 2 ** 30;

/**
 * Joins an embedder and a classifier in one file: a `.klet` model with the outputs `probabilities`
 * and `embedding`, and in META the labels and a task, with which `classify` of `kinglet/tasks`
 * refuses unknown inputs. After an int8 layer, the classifier is int8, too.
 *
 * @param file the bytes of the embedder, which `upTo` returned
 * @param classifier `classifier` of a `Learner` whose embedder was loaded from these bytes
 * @param entries for META, such as `name`
 * @returns the bytes of a file for `load` of any entry
 * @throws KletError `BAD_ARGUMENT` if the file is no embedder, or has another number of features
 * @example
 * ```js
 * import { readFileSync } from 'node:fs';
 * import { Learner } from 'kinglet/learn';
 * import { upTo, withClassifier } from 'kinglet/learn/file';
 *
 * const file = upTo(new Uint8Array(readFileSync('models/digits/digits.klet')), 'pool');
 * const learner = new Learner(await load(file));
 * learner.add(new Float32Array(784), 'dark');
 * learner.add(new Float32Array(784).fill(1), 'bright');
 * const model = await load(withClassifier(file, learner.classifier, { name: 'light' }));
 * console.log(model.meta.labels); // [ 'dark', 'bright' ]
 * ```
 */
export function withClassifier(
  file: Uint8Array,
  classifier: Classifier,
  entries: Partial<Omit<Meta, 'inputs' | 'outputs' | 'labels'>> = {},
): Uint8Array {
  const parts = readParts(file, 'withClassifier()');
  const { meta, plan, arenaBytes, scratchBytes, debug } = parts;
  const first = debug.records.length;
  const end = first + 2;
  const [embedding] = meta.outputs;
  const { labels, known } = classifier;
  const count = labels.length;
  const width = classifier.weights.length / count;
  demand(
    embedding?.name === 'embedding' && embedding.shape.reduce((a, b) => a * b, 1) === width,
    'withClassifier() takes the file that upTo() returned and the embedder was loaded from',
  );
  const { dtype, offset } = embedding;
  const isInt8 = dtype === 'int8';
  const bytes = isInt8 ? count : 4 * count;
  const logits = alignUp(arenaBytes, ALIGNMENT);
  const probabilities = alignUp(logits + bytes, ALIGNMENT);
  const tables: Uint8Array[] = [parts.weights];
  let weightsEnd = parts.weights.length;
  const table = (data: ArrayBufferView): number => {
    const at = alignUp(weightsEnd, ALIGNMENT);
    tables.push(new Uint8Array(at - weightsEnd), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    weightsEnd = at + data.byteLength;
    return at;
  };
  const code = isInt8 ? L.DTYPE_I8 : L.DTYPE_F32;
  const product = record(L.OP_CONV2D, code, L.CONV2D_BYTES);
  for (let field = L.CONV2D_BATCH; field <= L.CONV2D_DILATION_X; field += 4) product.setInt32(field, 1, true);
  setInts(product, [[L.CONV2D_SOURCE, offset], [L.CONV2D_TARGET, logits], [L.CONV2D_IN_C, width], [L.CONV2D_OUT_C,
    count], [L.CONV2D_GROUPS, 1], [L.CONV2D_BLOCK_ROWS, BLOCK_ROWS], [L.CONV2D_PIXEL_STRIDE, count], [
    L.CONV2D_ROW_STRIDE,
    count,
  ], [L.CONV2D_BATCH_STRIDE, count]]);
  const softmax = record(L.OP_SOFTMAX, code, L.SOFTMAX_BYTES);
  setInts(softmax, [[L.SOFTMAX_SOURCE, logits], [L.SOFTMAX_TARGET, probabilities], [L.SOFTMAX_ROWS, 1], [
    L.SOFTMAX_DEPTH,
    count,
  ]]);
  (isInt8 ? setInt8 : setFloat32)(classifier, width, table, product, softmax);
  return writeParts({
    meta: {
      ...meta,
      task: { kind: 'classify', output: 'probabilities', ...(known && { known }) },
      ...entries,
      inputs: meta.inputs,
      outputs: [{
        name: 'probabilities',
        dtype,
        shape: [1, count],
        offset: probabilities,
        ...(isInt8 && { scale: 1 / 256, zeroPoint: -128 }),
      }, embedding],
      labels: [...labels],
    },
    plan: joined([plan, new Uint8Array(product.buffer), new Uint8Array(softmax.buffer)]),
    weights: joined(tables),
    arenaBytes: alignUp(probabilities + bytes, ALIGNMENT),
    scratchBytes: Math.max(scratchBytes, scratchOf(width, count, isInt8)),
    debug: {
      ...debug,
      records: [...debug.records, {
        name: 'head',
        op: 'fullyConnected',
        shape: [1, count],
        macs: count * width,
        weights: weightsEnd - parts.weights.length,
      }, { name: 'probabilities', op: 'softmax', shape: [1, count], macs: 0, weights: 0 }],
      arena: [
        ...debug.arena.map((
          [name, at, size, from, to],
        ): DebugInfo['arena'][number] => [name, at, size, from, to < first ? to : end]),
        ['head', logits, bytes, first, first + 1],
        ['probabilities', probabilities, bytes, first + 1, end],
      ],
    },
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function record(opcode: number, dtype: number, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint8(L.RECORD_OPCODE, opcode);
  view.setUint8(L.RECORD_DTYPE, dtype);
  view.setUint32(L.RECORD_SIZE, bytes, true);
  return view;
}

function setInts(view: DataView, fields: readonly (readonly [field: number, value: number])[]): void {
  for (const [field, value] of fields) view.setInt32(field, value, true);
}

/** Scratch of the CONV2D record (docs/format/memory.md, "Scratch"). */
function scratchOf(width: number, count: number, isInt8: boolean): number {
  return isInt8
    ? 8 * BLOCK_ROWS + 144 + count + (2 * BLOCK_ROWS + 16) * alignUp(width, 4)
    : 4 * BLOCK_ROWS * (2 + width);
}

type Fill = (
  classifier: Classifier,
  width: number,
  table: (data: ArrayBufferView) => number,
  product: DataView,
  softmax: DataView,
) => void;

/**
 * Weights are int8 with a scale for each label, symmetric. Embeddings are taken as their int8
 * numbers, with the scale 1 and the zero point 0.
 */
const setInt8: Fill = ({ weights, mean, bias, range: [low, high] }, width, table, product, softmax) => {
  const quads = Math.ceil(width / 4);
  const outputs = alignUp(bias.length, PANEL);
  const packed = new Int8Array(outputs * quads * 4);
  const biases = new Int32Array(outputs);
  const scales = new Float32Array(outputs);
  const step = Math.max(high - low, 1e-6) / 255;
  bias.forEach((value, n) => {
    const row = weights.subarray(n * width, (n + 1) * width);
    // softmax depends on differences only, so all scores are lowered by the smallest one
    const score = value - low;
    const least = Math.max(1e-30, (127 * Math.abs(score)) / MAX_BIAS);
    const scale = row.reduce((most, w) => Math.max(most, Math.abs(w)), least) / 127;
    // the rounded weights, too, must give the bias at the mean embedding
    let start = score / scale;
    row.forEach((w, k) => {
      const rounded = Math.round(w / scale);
      packed[((n >> 3) * quads + (k >> 2)) * PANEL * 4 + (n & 7) * 4 + (k & 3)] = rounded;
      start -= rounded * mean[k]!;
    });
    biases[n] = Math.max(-MAX_BIAS, Math.min(MAX_BIAS, Math.round(start)));
    scales[n] = scale / step;
  });
  setInts(product, [[L.CONV2D_WEIGHTS, table(packed)], [L.CONV2D_BIAS, table(biases)], [L.CONV2D_SCALE, table(scales)],
    [L.CONV2D_TARGET_ZERO, -128], [L.CONV2D_MIN, -128], [L.CONV2D_MAX, 127]]);
  setInts(softmax, [[L.SOFTMAX_TABLE, table(Float32Array.from(Array(256), (_, d) => Math.exp(-d * step)))], [
    L.SOFTMAX_TARGET_ZERO,
    -128,
  ]]);
  softmax.setFloat32(L.SOFTMAX_SCALE, step, true);
  softmax.setFloat32(L.SOFTMAX_OUT_SCALE, 1 / 256, true);
};

const setFloat32: Fill = ({ weights, mean, bias }, width, table, product, softmax) => {
  const outputs = alignUp(bias.length, PANEL);
  const packed = new Float32Array(outputs * width);
  const starts = new Float64Array(outputs);
  starts.set(bias);
  weights.forEach((w, i) => {
    const n = Math.floor(i / width);
    packed[((n >> 3) * width + i % width) * PANEL + (n & 7)] = w;
    starts[n]! -= w * mean[i % width]!;
  });
  setInts(product, [[L.CONV2D_WEIGHTS, table(packed)], [L.CONV2D_BIAS, table(Float32Array.from(starts))]]);
  product.setFloat32(L.CONV2D_MIN, -Infinity, true);
  product.setFloat32(L.CONV2D_MAX, Infinity, true);
  softmax.setFloat32(L.SOFTMAX_SCALE, 1, true);
};
