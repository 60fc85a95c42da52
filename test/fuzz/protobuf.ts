import type { Random } from '../helpers/random';
import { changeBytes, join, numbers } from './changes';

// Protocol buffers without a schema: a message is a list of fields.

interface Field {
  number: number;
  wire: number;
  /** A varint. */
  value: bigint;
  /** Bytes of a field with a length or of fixed size. */
  bytes: Uint8Array;
  /** The length that is written, if it is not the true one. */
  lie?: number;
}

function readVarint(bytes: Uint8Array, from: number): [value: bigint, end: number] | undefined {
  let value = 0n;
  for (let i = 0; i < 10 && from + i < bytes.length; i++) {
    value |= BigInt(bytes[from + i]! & 127) << BigInt(7 * i);
    if (bytes[from + i]! < 128) return [value, from + i + 1];
  }
  return undefined;
}

function writeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** The fields of a message, or undefined if the bytes are none. */
function parse(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (!tag) return undefined;
    at = tag[1];
    const wire = Number(tag[0] & 7n);
    const number = Number(tag[0] >> 3n);
    const sizes: Record<number, number> = { 1: 8, 5: 4 };
    if (number === 0 || number > 1000 || ![0, 1, 2, 5].includes(wire)) return undefined;
    let value = 0n;
    let length = sizes[wire] ?? 0;
    if (wire === 0 || wire === 2) {
      const read = readVarint(bytes, at);
      if (!read) return undefined;
      [value, at] = read;
      if (wire === 2) length = Number(value);
    }
    if (at + length > bytes.length) return undefined;
    fields.push({ number, wire, value, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

function write(fields: readonly Field[]): Uint8Array {
  return join(...fields.flatMap(({ number, wire, value, bytes, lie }) => {
    const tag = writeVarint(BigInt(number) << 3n | BigInt(wire));
    if (wire === 0) return [tag, writeVarint(value)];
    return wire === 2 ? [tag, writeVarint(BigInt(lie ?? bytes.length)), bytes] : [tag, bytes];
  }));
}

/** Changes one field at any depth; the lengths around it stay right. */
export function changeMessage(random: Random, message: Uint8Array): Uint8Array {
  const fields = parse(message);
  if (!fields || fields.length === 0 || random.next() < 0.03) return changeBytes(random, message);
  const field = random.pick(fields);
  const at = fields.indexOf(field);
  if (field.wire === 2 && field.bytes.length > 1 && random.next() < 0.8) {
    // most bytes with a length are messages or texts
    field.bytes = changeMessage(random, field.bytes);
    return write(fields);
  }
  random.pick([() => changeField(random, field), () => changeField(random, field), () => void fields.splice(at, 1),
    () => void fields.splice(at, 0, { ...field }), () => {
    const other = random.int(0, fields.length - 1);
    [fields[at], fields[other]] = [fields[other]!, field];
  }, () => {
    field.bytes = random.pick(fields).bytes;
  }])();
  return write(fields);
}

function changeField(random: Random, field: Field): void {
  const choice = random.next();
  if (choice < 0.1) field.number = random.int(1, 40);
  else if (choice < 0.2) field.wire = random.int(0, 7);
  else if (field.wire === 0) {
    const old = field.value;
    field.value = random.pick([() => BigInt(random.pick(numbers)), () => old + 1n, () => old - 1n, () => -old, () =>
      -1n, () => 1n << 62n, () => 1n << 63n, () => old * 2n, () => BigInt(random.int(0, 30))])();
  } else if (field.wire === 2 && random.next() < 0.2) {
    field.lie = random.pick([0, 1, field.bytes.length + 1, ...numbers]);
  } else field.bytes = changeBytes(random, field.bytes);
}
