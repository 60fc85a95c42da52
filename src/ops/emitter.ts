import * as L from '../../assembly/layout';
import { KletError } from '../errors';
import { alignUp } from '../format/klet';
import { byteSize, type AnyNode, type ConstantData, type DType, type Tensor } from '../graph/graph';
import { type WeightLayout } from './shared/sparse';

/**
 * A region of the arena, whose address the memory plan chooses. `first` and `last` are the records
 * between which it is in use.
 */
export interface Buffer {
  name: string;
  bytes: number;
  first: number;
  last: number;
  /**
   * A buffer whose address this one may take, if the record that first writes this buffer is the
   * last that reads the other.
   */
  reuses?: Buffer;
  /** For states, which persist between runs at the start of the arena: the initial bytes. */
  initial?: Uint8Array;
  /**
   * The parts that are in use at different times, if the buffer is computed or read in strips.
   * Together they cover every use of the buffer. Two parts may be the same bytes at two times.
   */
  parts?: BufferPart[];
  offset: number;
}

/** The bytes [from, to) of a buffer, in use between the records `first` and `last`. */
export interface BufferPart {
  from: number;
  to: number;
  first: number;
  last: number;
}

/** Where a tensor's elements are stored: in a buffer, or in WEIGHTS if they are constant. */
type Storage = { buffer: Buffer; byteOffset: number } | { data: ConstantData };

export interface EmittedRecord {
  bytes: Uint8Array;
  view: DataView;
  name: string;
  op: string;
  shape: number[];
  macs: number;
  weights: number;
  layout?: WeightLayout;
  density?: number;
}

/** Choices that operators have in how they are computed. The answers are the same. */
export interface EmitOptions {
  /** The layout of all int8 weights (default: the estimated fastest). */
  weightLayout?: WeightLayout | undefined;
  /** Whether int8 convolutions of 3×3 may be computed in tiles (default: where it is faster). */
  winograd?: boolean | undefined;
}

const WEIGHTS_ALIGNMENT = 16;
const dtypeCodes: Partial<Record<DType, number>> = {
  int8: L.DTYPE_I8,
  float32: L.DTYPE_F32,
  int32: L.DTYPE_I32,
  int64: L.DTYPE_I32,
  uint8: L.DTYPE_U8,
  int16: L.DTYPE_I16,
  bool: L.DTYPE_U8,
};

/** The core's code of an element type. */
export function dtypeCode(dtype: DType): number {
  return dtypeCodes[dtype]!;
}

/**
 * A part of WEIGHTS with one structure, for the entropy coder. Bytes at the same position of a
 * group have similar distributions and share a lane.
 */
export interface CodedRun {
  /** In bytes, from the start of WEIGHTS. */
  offset: number;
  /** Groups of 4 bytes in each lane. */
  quads: number;
  /** CODED_BYTES, CODED_PLANES, or a multiple of CODED_CHANNELS. */
  lanes: number;
}

/**
 * Upper limit of the records of a network. Transposed convolutions need one for each residue of a
 * stride.
 */
const MAX_RECORDS = 2 ** 16;

/** Collects records, weights and buffers while operators are lowered in order. */
export class Emitter {
  readonly records: EmittedRecord[] = [];
  readonly buffers: Buffer[] = [];
  /** The tensors that persist between runs, in the order of the arena. */
  readonly states: Tensor[] = [];
  private readonly storage = new Map<Tensor, Storage>();
  private readonly patches: { record: EmittedRecord; field: number; buffer: Buffer; byteOffset: number }[] = [];
  /** Of the parts of each divided buffer, those that records still extend. */
  private readonly openParts = new Map<Buffer, BufferPart[]>();
  private readonly chunks: { offset: number; bytes: Uint8Array; quads: number; words: boolean }[] = [];
  private readonly chunkIndex = new Map<string, number[]>();
  private weightsEnd = 0;

  constructor(readonly options: EmitOptions = {}) {}

  /**
   * Allocates a state: a tensor that persists between runs and is `initial` before the first run.
   */
  persist(tensor: Tensor, initial: ArrayBufferView): void {
    this.allocate(tensor).initial = new Uint8Array(initial.buffer, initial.byteOffset, initial.byteLength);
    this.states.push(tensor);
  }

  /** Gives a tensor its own buffer. */
  allocate(tensor: Tensor): Buffer {
    const buffer: Buffer = { name: tensor.name, bytes: byteSize(tensor), first: Infinity, last: -Infinity, offset: 0 };
    this.buffers.push(buffer);
    this.storage.set(tensor, { buffer, byteOffset: 0 });
    return buffer;
  }

  /** Makes `output` a view of the bytes of `input`, from `byteOffset` on. No record is emitted. */
  alias(output: Tensor, input: Tensor, byteOffset = 0): void {
    const at = this.storageOf(input);
    if ('data' in at) {
      throw new KletError('INVALID_GRAPH', `the constant "${input.name}" cannot be aliased by "${output.name}"`);
    }
    this.storage.set(output, { buffer: at.buffer, byteOffset: at.byteOffset + byteOffset });
  }

  /**
   * Allows the record that writes `output` to write over `input`. This is not possible if one of
   * `others`, the other operands of the record, is a view of the same bytes.
   */
  mayReuse(output: Tensor, input: Tensor, ...others: Tensor[]): void {
    const to = this.storageOf(output);
    const from = this.storageOf(input);
    const bufferOf = (storage: Storage): Buffer | undefined => ('buffer' in storage ? storage.buffer : undefined);
    if ('buffer' in from && others.some((other) => bufferOf(this.storageOf(other)) === from.buffer)) return;
    if ('buffer' in to && 'buffer' in from && to.buffer !== from.buffer && from.byteOffset === 0 &&
      to.buffer.bytes === from.buffer.bytes) to.buffer.reuses ??= from.buffer;
  }

  /** Starts a record. */
  record(opcode: number, bytes: number, dtype: DType, node: AnyNode, op: string, macs = 0): RecordWriter {
    const content = new Uint8Array(bytes);
    const record: EmittedRecord = {
      bytes: content,
      view: new DataView(content.buffer),
      name: node.name,
      op,
      shape: node.outputs[0]!.shape,
      macs,
      weights: 0,
    };
    record.view.setUint8(L.RECORD_OPCODE, opcode);
    record.view.setUint8(L.RECORD_DTYPE, dtypeCode(dtype));
    record.view.setUint32(L.RECORD_SIZE, bytes, true);
    if (this.records.length === MAX_RECORDS) {
      throw new KletError(
        'OUT_OF_MEMORY',
        `${op} "${node.name}" takes the network beyond ${MAX_RECORDS} records; reduce its strides, ` +
          'or unroll fewer steps',
      );
    }
    this.records.push(record);
    return new RecordWriter(this, record, this.records.length - 1);
  }

  /**
   * Returns the offset in WEIGHTS of constant bytes. Equal constants are stored once. For panels i8
   * [n][quads][8][4], `quads` is their number of groups.
   */
  constant(data: ArrayBufferView, quads = 0): number {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = `${bytes.length}:${fingerprint(bytes)}`;
    for (const index of this.chunkIndex.get(key) ?? []) {
      const known = this.chunks[index]!;
      if (known.bytes.every((byte, i) => byte === bytes[i])) return known.offset;
    }
    const offset = this.weightsEnd;
    this.chunkIndex.set(key, [...(this.chunkIndex.get(key) ?? []), this.chunks.length]);
    this.chunks.push({
      offset,
      bytes: bytes.slice(),
      quads,
      words: data instanceof Float32Array || data instanceof Int32Array,
    });
    this.weightsEnd = alignUp(offset + bytes.length, WEIGHTS_ALIGNMENT);
    return offset;
  }

  weights(): Uint8Array {
    const all = new Uint8Array(this.weightsEnd);
    for (const { offset, bytes } of this.chunks) all.set(bytes, offset);
    return all;
  }

  /** The runs of weights with similar bytes, for the entropy coder. */
  runs(): CodedRun[] {
    return this.chunks.map(({ offset, bytes, quads, words }) => {
      const padded = alignUp(bytes.length, WEIGHTS_ALIGNMENT);
      if (quads > 0) return { offset, quads, lanes: padded / quads / 4 };
      const lanes = words ? L.CODED_PLANES : L.CODED_BYTES;
      return { offset, quads: padded / 4 / lanes, lanes };
    });
  }

  storageOf(tensor: Tensor): Storage {
    const known = this.storage.get(tensor);
    if (known) return known;
    if (tensor.data) return { data: tensor.data };
    this.allocate(tensor);
    return this.storage.get(tensor)!;
  }

  /** Where a tensor is stored; undefined if it is constant. */
  locate(tensor: Tensor): { buffer: Buffer; byteOffset: number } | undefined {
    const at = this.storageOf(tensor);
    return 'buffer' in at ? at : undefined;
  }

  /**
   * Extends the lifetime of a tensor's buffer to a record (−1: before the first; Infinity: after
   * the last).
   */
  touch(tensor: Tensor, record: number): void {
    const at = this.storageOf(tensor);
    if ('buffer' in at) this.use(at.buffer, at.byteOffset, byteSize(tensor), record);
  }

  /**
   * Lets the parts of a tensor's buffer between ascending offsets in bytes be in use at different
   * times. Call it before anything uses the tensor.
   */
  divide(tensor: Tensor, cuts: readonly number[]): void {
    const at = this.storageOf(tensor);
    if (!('buffer' in at) || at.byteOffset !== 0 || at.buffer.initial) return;
    const ends = [...cuts.filter((cut) => cut > 0 && cut < at.buffer.bytes), at.buffer.bytes];
    const parts = ends.map((to, i) => ({ from: ends[i - 1] ?? 0, to, first: Infinity, last: -Infinity }));
    at.buffer.parts = parts;
    this.openParts.set(at.buffer, [...parts]);
  }

  /** Ends the use of the old values in a tensor that is a view of a divided buffer. */
  renew(view: Tensor): void {
    const at = this.storageOf(view);
    if (!('buffer' in at)) return;
    const { buffer, byteOffset: from } = at;
    const to = from + byteSize(view);
    const renewed = { from, to, first: Infinity, last: -Infinity };
    const open = [renewed];
    const parts = buffer.parts!.filter((part) => !this.openParts.get(buffer)!.includes(part));
    for (const part of this.openParts.get(buffer)!) {
      const inView = { ...part, from: Math.max(part.from, from), to: Math.min(part.to, to) };
      if (inView.from >= inView.to) open.push(part);
      else {
        parts.push(inView);
        if (part.from < from) open.push({ ...part, to: from });
        if (part.to > to) open.push({ ...part, from: to });
      }
    }
    buffer.parts = [...parts, ...open];
    this.openParts.set(buffer, open);
  }

  private use(buffer: Buffer, from: number, bytes: number, record: number): void {
    widen(buffer, record);
    for (const part of this.openParts.get(buffer) ?? []) {
      if (part.from < from + bytes && part.to > from) widen(part, record);
    }
  }

  /** @internal used by RecordWriter */
  place(record: EmittedRecord, index: number, field: number, tensor: Tensor, byteOffset: number): void {
    const at = this.storageOf(tensor);
    if ('data' in at) {
      record.view.setUint32(field, (this.constant(at.data) + byteOffset + L.SOURCE_IN_WEIGHTS) >>> 0, true);
      return;
    }
    this.use(at.buffer, at.byteOffset, byteSize(tensor), index);
    this.patches.push({ record, field, buffer: at.buffer, byteOffset: at.byteOffset + byteOffset });
  }

  /**
   * Writes the arena offsets into the records and joins the records. Call it after the memory plan.
   */
  plan(): Uint8Array {
    for (const { record, field, buffer, byteOffset } of this.patches) {
      record.view.setUint32(field, buffer.offset + byteOffset, true);
    }
    const plan = new Uint8Array(this.records.reduce((sum, record) => sum + record.bytes.length, 0));
    let at = 0;
    for (const record of this.records) {
      plan.set(record.bytes, at);
      at += record.bytes.length;
    }
    return plan;
  }

  /** Arena offset of a tensor. Call it after the memory plan. */
  arenaOffset(tensor: Tensor): number {
    const at = this.storageOf(tensor);
    if ('data' in at) {
      throw new KletError('INVALID_GRAPH', `"${tensor.name}" is constant and is not in the arena`);
    }
    return at.buffer.offset + at.byteOffset;
  }
}

/** Writes the fields of one record. */
export class RecordWriter {
  constructor(
    private readonly emitter: Emitter,
    private readonly record: EmittedRecord,
    private readonly index: number,
  ) {}

  int(field: number, value: number): this {
    this.record.view.setInt32(field, value, true);
    return this;
  }

  /** Consecutive fields from `field` on. */
  ints(field: number, values: readonly number[]): this {
    values.forEach((value, i) => this.int(field + i * 4, value));
    return this;
  }

  float(field: number, value: number): this {
    this.record.view.setFloat32(field, value, true);
    return this;
  }

  /** Writes the operand of a tensor that the record reads from `byteOffset` on. */
  source(field: number, tensor: Tensor, byteOffset = 0): this {
    this.emitter.place(this.record, this.index, field, tensor, byteOffset);
    return this;
  }

  /** Writes the operand of a tensor that the record writes from `byteOffset` on. */
  target(field: number, tensor: Tensor, byteOffset = 0): this {
    this.emitter.place(this.record, this.index, field, tensor, byteOffset);
    return this;
  }

  /**
   * Notes the layout of pruned weights and the fraction of nonzero weights, for the debug
   * information.
   */
  layout(layout: WeightLayout, density: number): this {
    Object.assign(this.record, { layout, density });
    return this;
  }

  /**
   * Stores constants, already in kernel order, and writes their offset; `quads` as for `constant`.
   */
  table(field: number, data: ArrayBufferView, quads?: number): this {
    this.record.weights += data.byteLength;
    return this.int(field, this.emitter.constant(data, quads));
  }
}

function widen(life: Pick<Buffer, 'first' | 'last'>, record: number): void {
  life.first = Math.min(life.first, record);
  life.last = Math.max(life.last, record);
}

/** A cheap hash that finds candidates for equality. */
function fingerprint(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  const step = Math.max(1, bytes.length >> 8);
  for (let i = 0; i < bytes.length; i += step) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}
