import { show } from '../../arguments';
import { KletError } from '../../errors';
import type { DType } from '../../graph/graph';
import { anonymous, type Dimension } from '../shared/inputShapes';
import { UnsupportedTensor } from '../shared/unsupported';
import type { AttributeValue, ShapeJson } from './read';

/** TensorFlow's element types, whose numbers are their places in this list. */
const typeNames = ['DT_INVALID', 'DT_FLOAT', 'DT_DOUBLE', 'DT_INT32', 'DT_UINT8', 'DT_INT16', 'DT_INT8', 'DT_STRING',
  'DT_COMPLEX64', 'DT_INT64', 'DT_BOOL', 'DT_QINT8', 'DT_QUINT8', 'DT_QINT32', 'DT_BFLOAT16', 'DT_QINT16', 'DT_QUINT16',
  'DT_UINT16', 'DT_COMPLEX128', 'DT_HALF', 'DT_RESOURCE', 'DT_VARIANT', 'DT_UINT32', 'DT_UINT64'];

/** TensorFlow.js has one type of integers and one of real numbers. */
const types: Record<string, DType> = {
  DT_FLOAT: 'float32',
  DT_DOUBLE: 'float32',
  DT_HALF: 'float32',
  DT_BFLOAT16: 'float32',
  DT_INT8: 'int32',
  DT_UINT8: 'int32',
  DT_INT16: 'int32',
  DT_UINT16: 'int32',
  DT_INT32: 'int32',
  DT_UINT32: 'int32',
  DT_INT64: 'int32',
  DT_UINT64: 'int32',
  DT_BOOL: 'bool',
};

function nameOf(type: unknown): string {
  if (typeof type === 'number') return typeNames[type] ?? `type ${type}`;
  return typeof type === 'string' ? type : `type ${show(type)}`;
}

/**
 * The element type of the graph for a type of TensorFlow.
 *
 * @throws {UnsupportedTensor} for types that kinglet does not have
 */
export function elementType(type: string | number | undefined, tensor: string): DType {
  const name = nameOf(type ?? 'DT_FLOAT');
  if (!Object.hasOwn(types, name)) {
    throw new UnsupportedTensor(`"${tensor}" (${name.replace('DT_', '').toLowerCase()})`);
  }
  return types[name]!;
}

/** The dimensions of a shape, or undefined if their number is unknown. */
export function dimensionsOf(shape: ShapeJson | undefined): Dimension[] | undefined {
  if (!shape || shape.unknownRank || (shape.dim !== undefined && !Array.isArray(shape.dim))) return undefined;
  return (shape.dim ?? []).map((dim, i) => {
    const size = Number(dim?.size ?? -1);
    return size > 0 && Number.isInteger(size) ? size : anonymous(i);
  });
}

/**
 * Bytes of a protocol buffer in JSON: base64, or the numbers of its characters. Files that were
 * written by hand have the text itself.
 */
function decodeText(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...(value as number[]));
  const text = typeof value === 'string' ? value : '';
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return text;
  const decoded = atob(text);
  return /^[\x20-\x7e]*$/.test(decoded) ? decoded : text;
}

/** The attributes of a node, by name. */
export class NodeAttributes {
  constructor(private readonly values: Readonly<Record<string, AttributeValue>>, private readonly node: string) {}

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  int(name: string, absent: number): number {
    const value = this.get(name);
    return value ? this.number(value.i ?? 0, name) : absent;
  }

  float(name: string, absent: number): number {
    const value = this.get(name);
    return value ? this.number(value.f ?? 0, name) : absent;
  }

  bool(name: string): boolean {
    return Boolean(this.get(name)?.b);
  }

  string(name: string, absent: string): string {
    const value = this.get(name);
    return value ? decodeText(value.s) : absent;
  }

  type(name: string): string | number | undefined {
    return this.get(name)?.type;
  }

  shape(name: string): ShapeJson | undefined {
    return this.get(name)?.shape;
  }

  ints(name: string): number[] {
    return this.items(name, 'i').map((value) => this.number(value, name));
  }

  strings(name: string): string[] {
    return this.items(name, 's').map(decodeText);
  }

  /** The name of a function. */
  func(name: string): string {
    const called = this.get(name)?.func?.name;
    if (typeof called !== 'string') throw this.broken(name);
    return called;
  }

  private get(name: string): AttributeValue | undefined {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    if (value !== undefined && (typeof value !== 'object' || value === null)) throw this.broken(name);
    return value;
  }

  private items(name: string, field: 'i' | 's'): unknown[] {
    const values = this.get(name)?.list?.[field] ?? [];
    if (!Array.isArray(values)) throw this.broken(name);
    return values;
  }

  private number(value: unknown, name: string): number {
    const number = Number(value);
    if (Number.isNaN(number)) throw this.broken(name);
    return number;
  }

  private broken(name: string): KletError {
    return new KletError('CORRUPT', `the attribute ${name} of "${this.node}" is malformed`);
  }
}
