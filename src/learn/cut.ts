import * as L from '../../assembly/layout';
import { alignUp, u32, type StateInfo } from '../format/klet';
import { recordOffsets } from '../format/records';
import { demand } from './demand';
import { readParts, writeParts, type NetworkParts } from './parts';

/** A layer that a network can be cut after. */
export interface Layer {
  name: string;
  /** The operator, such as `conv2d`. */
  op: string;
  /** The shape of its output, which is the embedding of `upTo`. */
  shape: number[];
  dtype: 'int8' | 'float32';
}

/** A layer with its last record and its output in the arena. */
interface Cut extends Layer {
  record: number;
  offset: number;
}

/**
 * The layers that `upTo` can cut a network after, in the order in which they run. The ones near the
 * end, before the classifier, are the best embeddings for most tasks.
 *
 * @param file the bytes of a `.klet` file with debug information
 * @throws KletError `BAD_ARGUMENT`, `BAD_MAGIC`, `BAD_VERSION` or `CORRUPT`
 * @example
 * ```js
 * import { readFileSync } from 'node:fs';
 * import { layersOf } from 'kinglet/learn/file';
 *
 * const layers = layersOf(new Uint8Array(readFileSync('models/digits/digits.klet')));
 * console.log(layers.at(-3).name, layers.at(-3).shape); // pool [ 1, 96 ]
 * ```
 */
export function layersOf(file: Uint8Array): Layer[] {
  return cutsOf(readParts(file, 'layersOf()')).map(({ name, op, shape, dtype }) => ({ name, op, shape, dtype }));
}

/**
 * Cuts a network after a layer. The result is a `.klet` file with one output, `embedding`: the
 * output of that layer.
 *
 * Layers of int8 give their own numbers, which are proportional to the real values above their zero
 * point. Golden cases, labels, the task, accuracy and signatures belong to the whole network and
 * are left out. A recurrent layer that keeps its state between predictions still does so.
 *
 * @param file the bytes of a `.klet` file with debug information, plain or compact
 * @param layer the name of a layer; `layersOf` lists them
 * @returns the bytes of a file for `load`
 * @throws KletError `BAD_ARGUMENT` (with the names of all layers, if there is no such layer),
 *   `UNSUPPORTED_OP` if the network keeps a state outside of recurrent layers, `BAD_MAGIC`,
 *   `BAD_VERSION` or `CORRUPT`
 * @example
 * ```js
 * import { readFileSync } from 'node:fs';
 * import { upTo } from 'kinglet/learn/file';
 *
 * const file = new Uint8Array(readFileSync('models/digits/digits.klet'));
 * const embedder = await load(upTo(file, 'pool'));
 * console.log(embedder.predict(new Float32Array(28 * 28)).length); // 96
 * ```
 */
export function upTo(file: Uint8Array, layer: string): Uint8Array {
  const parts = readParts(file, 'upTo()');
  const { meta, plan, debug } = parts;
  const cuts = cutsOf(parts);
  const cut = cuts.findLast(({ name }) => name === layer);
  demand(
    cut !== undefined,
    `the network cannot be cut after "${layer}"; its layers are ${cuts.map(({ name }) => name).join(', ')}`,
  );
  const records = recordOffsets(plan);
  checkState(parts, records);
  const { name, dtype, shape, offset, record } = cut;
  const count = record + 1;
  const { labels, accuracy, task, ...kept } = meta;
  return writeParts({
    ...parts,
    meta: {
      ...kept,
      outputs: [{ name: 'embedding', dtype, shape, offset }],
      provenance: { ...meta.provenance, embedding: name },
    },
    plan: plan.subarray(0, records[count]),
    weights: meta.state ? parts.weights : usedWeights(parts, records, count),
    debug: {
      records: debug.records.slice(0, count),
      arena: debug.arena.filter(([, , , first]) => first < count).map((
        [buffer, at, bytes, first, last],
      ) => [buffer, at, bytes, first, Math.min(last, count)]),
      ...(debug.strips &&
        { strips: { ...debug.strips, segments: debug.strips.segments.filter(([, end]) => end <= count) } }),
    },
  });
}

/** Offsets in the arena of the states that a record updates in place. */
function ownStates(plan: Uint8Array, at: number): number[] {
  const opcode = plan[at + L.RECORD_OPCODE];
  if (opcode === L.OP_SVDF) return [u32(plan, at + L.SVDF_STATE)];
  if (opcode !== L.OP_RECURRENT && opcode !== L.OP_SPARSE_RECURRENT) return [];
  const hasCell = u32(plan, at + L.RECURRENT_KIND) === L.RECURRENT_LSTM;
  return [L.RECURRENT_HIDDEN, ...(hasCell ? [L.RECURRENT_CELL] : [])].map((field) => u32(plan, at + field));
}

/**
 * Recurrent layers update their own state. Other states that a network carries along are updated by
 * any record, also by one after the cut.
 *
 * @throws KletError `UNSUPPORTED_OP`
 */
function checkState({ meta: { name, state }, plan }: NetworkParts, records: readonly number[]): void {
  if (!state?.carries) return;
  const own = records.flatMap((at) => ownStates(plan, at));
  // only a damaged file has no list of its states
  const tensors = state.tensors as StateInfo['tensors'] | undefined ?? [{ name: '?', offset: -1 }];
  const foreign = tensors.find(({ offset }) => !own.includes(offset));
  demand(
    !foreign,
    `"${name}" keeps the state "${foreign?.name}", which later layers may update; ` +
      'cut the network over whole sequences that it was made from',
    'UNSUPPORTED_OP',
  );
}

/**
 * The layers whose output is intact right after their last record: it has a buffer of exactly its
 * size, which the layer fills and later records read. Layers that run in strips take turns, so none
 * of them has a last record before the others.
 */
function cutsOf({ plan, debug: { records, arena, strips } }: NetworkParts): Cut[] {
  const offsets = recordOffsets(plan);
  return records.flatMap(({ name, op, shape }, record) => {
    const isStrip = strips?.segments.some(([first, end]) => record >= first && record < end) ?? false;
    if (isStrip || records[record + 1]?.name === name || offsets[record] === undefined) return [];
    let start = record;
    while (records[start - 1]?.name === name) start--;
    const elements = shape.reduce((a, b) => a * b, 1);
    const buffers = arena.filter(([, , , first, last]) => first >= start && first <= record && last > record);
    const [, offset = 0, bytes = 0] = buffers[0] ?? [];
    const dtype = typeOf(plan, offsets[record], bytes / elements);
    return buffers.length === 1 && dtype ? [{ name, op, shape, dtype, record, offset }] : [];
  });
}

/** The type that a record writes, if its elements have this size and it is one for embeddings. */
function typeOf(plan: Uint8Array, at: number, size: number): Layer['dtype'] | undefined {
  const [opcode, code] = [plan[at + L.RECORD_OPCODE]!, plan[at + L.RECORD_DTYPE]!];
  if (opcode === L.OP_CAST) return undefined;
  const turns = opcode === L.OP_QUANTIZE || opcode === L.OP_DEQUANTIZE;
  if (size === 1 && (turns || code === L.DTYPE_I8)) return 'int8';
  return size === 4 && (turns || code === L.DTYPE_F32) ? 'float32' : undefined;
}

/** Operators whose tables are in the fields from WEIGHTS on. Most weights belong to them. */
const tableFields: Record<number, number[]> = {
  [L.OP_CONV2D]: [L.CONV2D_WEIGHTS, L.CONV2D_BIAS, L.CONV2D_SCALE],
  [L.OP_DEPTHWISE_CONV2D]: [L.DEPTHWISE_WEIGHTS, L.DEPTHWISE_BIAS, L.DEPTHWISE_SCALE],
};

/**
 * The weights without those that only records from `count` on use.
 *
 * The compiler appends constants record by record, and stores equal ones once. So the weights of
 * the first convolution among those records end what is needed, unless a number in an earlier
 * record might be an offset beyond them. Of records whose fields are not known here, any might.
 */
function usedWeights({ plan, weights }: NetworkParts, records: number[], count: number): Uint8Array {
  const view = new DataView(plan.buffer, plan.byteOffset, plan.length);
  const fieldsOf = (at: number): number[] | undefined => tableFields[plan[at + L.RECORD_OPCODE]!];
  const next = records.slice(count).find((at) => fieldsOf(at));
  if (next === undefined) return weights;
  const end = view.getUint32(next + L.CONV2D_WEIGHTS, true);
  const isBeyond = (at: number): boolean => {
    const offset = view.getUint32(at, true) & ~L.SOURCE_IN_WEIGHTS;
    return offset >= end && offset < weights.length;
  };
  const isUsed = records.slice(0, count).some((at, i) => {
    const all = Array.from({ length: ((records[i + 1] ?? plan.length) - at) / 4 - 2 }, (_, field) => 8 + 4 * field);
    const isConstant = view.getUint32(at + L.CONV2D_SOURCE, true) >= L.SOURCE_IN_WEIGHTS;
    return (isConstant ? all : fieldsOf(at) ?? all).some((field) => isBeyond(at + field));
  });
  return isUsed ? weights : weights.subarray(0, alignUp(end, 16));
}
