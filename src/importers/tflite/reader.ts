import { ByteBuffer } from 'flatbuffers';
import { KletError } from '../../errors';
import { tables, type Table, type TableName } from './schema';

/**
 * All accessors of FlatBuffers use these three reads; checking them keeps every read inside the
 * file.
 */
class CheckedByteBuffer extends ByteBuffer {
  private require(offset: number, size: number): void {
    if (offset < 0 || offset + size > this.capacity()) {
      throw new KletError(
        'CORRUPT',
        `the file ends at byte ${this.capacity()} but refers to byte ${
          offset + size - 1
        }: the file is truncated or damaged`,
      );
    }
  }
  override readUint8(offset: number): number {
    this.require(offset, 1);
    return super.readUint8(offset);
  }
  override readUint16(offset: number): number {
    this.require(offset, 2);
    return super.readUint16(offset);
  }
  override readInt32(offset: number): number {
    this.require(offset, 4);
    return super.readInt32(offset);
  }
}

const readScalar: Record<string, [size: number, read: (buffer: ByteBuffer, at: number) => unknown]> = {
  bool: [1, (buffer, at) => buffer.readUint8(at) !== 0],
  int8: [1, (buffer, at) => buffer.readInt8(at)],
  uint8: [1, (buffer, at) => buffer.readUint8(at)],
  uint16: [2, (buffer, at) => buffer.readUint16(at)],
  int32: [4, (buffer, at) => buffer.readInt32(at)],
  uint32: [4, (buffer, at) => buffer.readUint32(at)],
  float32: [4, (buffer, at) => buffer.readFloat32(at)],
  int64: [8, (buffer, at) => Number(buffer.readInt64(at))],
  uint64: [8, (buffer, at) => Number(buffer.readUint64(at))],
};

/** Whether a file has the identifier of TensorFlow Lite's FlatBuffers. */
function hasMagic(bytes: Uint8Array, magic: string): boolean {
  return String.fromCharCode(...bytes.subarray(4, 8)) === magic;
}

export function isTflite(bytes: Uint8Array): boolean {
  return hasMagic(bytes, 'TFL3');
}

/** Reads tables of a .tflite file into plain objects. */
export class TfliteReader {
  private readonly buffer: CheckedByteBuffer;
  /**
   * Bounds the work for a damaged file, which can refer to one large table many times. A valid file
   * has no more entries than bytes.
   */
  private entriesLeft: number;

  /** @param magic the file identifier of the FlatBuffer */
  constructor(bytes: Uint8Array, magic = 'TFL3') {
    if (!hasMagic(bytes, magic)) {
      throw new KletError('BAD_MAGIC', `not a .tflite file: it does not have "${magic}" at byte 4`);
    }
    this.buffer = new CheckedByteBuffer(bytes);
    this.entriesLeft = bytes.length;
  }

  model(): Table<'Model'> {
    return this.root('Model');
  }

  /** The table that the FlatBuffer begins with. */
  root<N extends TableName>(name: N): Table<N> {
    return this.table(name, this.buffer.readInt32(0));
  }

  /** The table at a byte position; at 0, the table with every field absent. */
  table<N extends TableName>(name: N, position: number): Table<N> {
    const fields = Object.entries(tables[name] as Record<string, readonly [number, string, number?]>);
    return Object.fromEntries(fields.map(([field, [id, type, initial]]) => {
      // a vtable starts with two 16-bit sizes, then one 16-bit offset per field
      const offset = position && this.buffer.__offset(position, 4 + 2 * id);
      return [field, offset ? this.value(type, position + offset) : absent(type, initial)];
    })) as Table<N>;
  }

  private value(type: string, at: number): unknown {
    const scalar = readScalar[type];
    if (scalar) return scalar[1](this.buffer, at);
    if (type.startsWith('[')) return this.vector(type.slice(1, -1), at);
    const target = this.buffer.__indirect(at);
    if (type === 'union') return target;
    if (type === 'string') return this.string(at);
    return this.table(type as TableName, target);
  }

  private vector(type: string, at: number): unknown {
    const length = this.buffer.__vector_len(at);
    const start = this.buffer.__vector(at);
    const [size, read] = readScalar[type] ?? [4, (_: ByteBuffer, element: number) => this.value(type, element)];
    if (length < 0 || start + length * size > this.buffer.capacity()) {
      throw new KletError(
        'CORRUPT',
        `a list of ${length} entries at byte ${start} runs past the end of the file (${this.buffer.capacity()} bytes)`,
      );
    }
    if (type === 'uint8') return this.buffer.bytes().subarray(start, start + length);
    this.spend(length);
    return Array.from({ length }, (_, i) => read(this.buffer, start + i * size));
  }

  private string(at: number): string {
    const start = this.buffer.__vector(at);
    const length = this.buffer.__vector_len(at);
    if (length < 0 || start + length > this.buffer.capacity()) {
      throw new KletError('CORRUPT', `a name at byte ${start} runs past the end of the file`);
    }
    this.spend(length);
    return new TextDecoder().decode(this.buffer.bytes().subarray(start, start + length));
  }

  private spend(entries: number): void {
    this.entriesLeft -= entries;
    if (this.entriesLeft < 0) {
      throw new KletError('CORRUPT', 'the file is damaged: it refers to the same bytes too many times');
    }
  }
}

function absent(type: string, initial = 0): unknown {
  if (type === '[uint8]') return new Uint8Array(0);
  if (type.startsWith('[')) return [];
  if (type === 'string') return '';
  if (type === 'bool') return initial === 1;
  return type === 'union' || type in readScalar ? initial : undefined;
}
