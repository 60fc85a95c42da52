/** A group of an HDF5 file to write: texts as attributes, groups, and float32 arrays. */
export interface GroupContent {
  attributes?: Record<string, string | string[]>;
  children?: Record<string, GroupContent | ArrayContent>;
}

export interface ArrayContent {
  shape: readonly number[];
  data: ArrayLike<number>;
}

const UNDEFINED = 0xffffffffffffffffn;

/** Bytes that grow, little endian. */
class Bytes {
  private readonly parts: number[] = [];

  get length(): number {
    return this.parts.length;
  }

  u8(...values: number[]): this {
    this.parts.push(...values);
    return this;
  }

  u16(value: number): this {
    return this.u8(value & 255, value >> 8);
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u64(value: number | bigint): this {
    const whole = BigInt(value);
    return this.u32(Number(whole & 0xffffffffn)).u32(Number(whole >> 32n));
  }

  text(text: string, size = text.length): this {
    for (let i = 0; i < size; i++) this.u8(i < text.length ? text.charCodeAt(i) : 0);
    return this;
  }

  append(bytes: Bytes): this {
    for (const value of bytes.parts) this.parts.push(value);
    return this;
  }

  align(size: number): this {
    while (this.length % size !== 0) this.u8(0);
    return this;
  }

  /** Overwrites a u64 that was written before. */
  patch(at: number, value: number): void {
    for (let i = 0; i < 8; i++) this.parts[at + i] = Math.floor(value / 256 ** i) % 256;
  }

  toArray(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

/** Writes an HDF5 file of the oldest version, as h5py writes by default. */
export function writeHdf5(root: GroupContent): Uint8Array {
  const file = new Bytes();
  file.u8(0x89).text('HDF\r\n\x1a\n').u8(0, 0, 0, 0, 0, 8, 8, 0).u16(4).u16(16).u32(0);
  file.u64(0).u64(UNDEFINED);
  const end = file.length;
  file.u64(0).u64(UNDEFINED).u64(0);
  const header = file.length;
  file.u64(0).u32(0).u32(0).u64(0).u64(0);
  file.patch(header, writeGroup(file, root));
  file.patch(end, file.length);
  return file.toArray();
}

function isArray(content: GroupContent | ArrayContent): content is ArrayContent {
  return 'data' in content;
}

/** Appends a group and returns the address of its header. */
function writeGroup(file: Bytes, { attributes = {}, children = {} }: GroupContent): number {
  const entries = Object.entries(children).map(([name, content]) => ({
    name,
    address: isArray(content) ? writeArray(file, content) : writeGroup(file, content),
  }));
  const heap = new Bytes().u64(0);
  const places = entries.map(({ name }) => {
    const place = heap.length;
    heap.text(name, name.length + 1).align(8);
    return place;
  });
  const heapData = file.align(8).length;
  file.append(heap);
  const heapHeader = file.length;
  file.text('HEAP').u8(0, 0, 0, 0).u64(heap.length).u64(UNDEFINED).u64(heapData);
  const symbols = file.length;
  file.text('SNOD').u8(1, 0).u16(entries.length);
  entries.forEach(({ address }, i) => file.u64(places[i]!).u64(address).u32(0).u32(0).u64(0).u64(0));
  const tree = file.length;
  file.text('TREE').u8(0, 0).u16(1).u64(UNDEFINED).u64(UNDEFINED).u64(0).u64(symbols).u64(places.at(-1) ?? 0);
  const messages: [type: number, data: Bytes][] = [[0x11, new Bytes().u64(tree).u64(heapHeader)]];
  for (const [name, value] of Object.entries(attributes)) messages.push([0x0c, attribute(name, value)]);
  return writeHeader(file, messages);
}

function attribute(name: string, value: string | string[]): Bytes {
  const list = [value].flat();
  const size = Math.max(1, ...list.map((text) => text.length));
  const type = new Bytes().u8(0x13, 0, 0, 0).u32(size);
  const space = dataspace(Array.isArray(value) ? [value.length] : []);
  const bytes = new Bytes().u8(1, 0).u16(name.length + 1).u16(type.length).u16(space.length);
  bytes.text(name, name.length + 1).align(8).append(type).align(8).append(space).align(8);
  for (const text of list) bytes.text(text, size);
  return bytes.align(8);
}

function dataspace(shape: readonly number[]): Bytes {
  const bytes = new Bytes().u8(1, shape.length, 0, 0).u32(0);
  for (const size of shape) bytes.u64(size);
  return bytes;
}

function writeArray(file: Bytes, { shape, data }: ArrayContent): number {
  const address = file.align(8).length;
  const values = new Uint8Array(Float32Array.from(data).buffer);
  for (const byte of values) file.u8(byte);
  const type = new Bytes().u8(0x11, 0x20, 0x1f, 0).u32(4).u16(0).u16(32).u8(23, 8, 0, 23).u32(127);
  const layout = new Bytes().u8(3, 1).u64(address).u64(values.length).align(8);
  return writeHeader(file, [[1, dataspace(shape)], [3, type.align(8)], [8, layout]]);
}

function writeHeader(file: Bytes, messages: readonly [type: number, data: Bytes][]): number {
  const address = file.align(8).length;
  const size = messages.reduce((sum, [, data]) => sum + 8 + data.length, 0);
  file.u8(1, 0).u16(messages.length).u32(1).u32(size).u32(0);
  for (const [type, data] of messages) file.u16(type).u16(data.length).u8(0, 0, 0, 0).append(data);
  return address;
}
