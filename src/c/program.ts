import { KletError } from '../errors';
import { alignUp } from '../format/klet';
import { structBytes } from './library/index';
import type { PlanRecord } from './record';
import { doubleText, floatText, initializer, intText, tableText, type Fields } from './text';

/** Element types of tables. */
export type TableType = 'int8_t' | 'uint8_t' | 'int16_t' | 'uint16_t' | 'int32_t' | 'uint32_t' | 'float' | 'double';

const elementBytes: Record<TableType, number> = {
  int8_t: 1,
  uint8_t: 1,
  int16_t: 2,
  uint16_t: 2,
  int32_t: 4,
  uint32_t: 4,
  float: 4,
  double: 8,
};

/** A constant array of the program. */
export interface Table {
  name: string;
  type: TableType;
  values: ArrayLike<number>;
}

/** Elements that vectorized readers may read past the end of a row. */
export const ROW_ROUNDING = 4;

/**
 * The C program of a plan as it grows, record by record: constant tables, descriptions of layers,
 * calls, the parts of the library that they need, and the size of scratch.
 */
export class Program {
  readonly tables: Table[] = [];
  readonly layers: string[] = [];
  readonly calls: { text: string; record: number }[] = [];
  readonly needed = new Set<string>();
  /** Bytes of memory that the records use one after another. */
  scratchBytes = 0;
  /** Bytes of the descriptions of layers, where pointers have 32 bits. */
  descriptionBytes = 0;
  private readonly known = new Map<string, string>();
  private readonly view: DataView;
  private used = 0;

  constructor(weights: Uint8Array) {
    this.view = new DataView(weights.buffer, weights.byteOffset, weights.byteLength);
  }

  // ── constants ───────────────────────────────────────────────────────────────────────────────────────────

  /** Elements of the weights, at an offset in bytes. */
  read(type: TableType, offset: number, count: number): number[] {
    const size = elementBytes[type];
    return Array.from({ length: count }, (_, i) => {
      const at = offset + i * size;
      switch (type) {
        case 'int8_t':
          return this.view.getInt8(at);
        case 'uint8_t':
          return this.view.getUint8(at);
        case 'int16_t':
          return this.view.getInt16(at, true);
        case 'uint16_t':
          return this.view.getUint16(at, true);
        case 'int32_t':
          return this.view.getInt32(at, true);
        case 'uint32_t':
          return this.view.getUint32(at, true);
        case 'double':
          return this.view.getFloat64(at, true);
        default:
          return this.view.getFloat32(at, true);
      }
    });
  }

  /** The name of a constant table with these values; equal tables are stored once. */
  table(role: string, r: PlanRecord, type: TableType, values: ArrayLike<number>): string {
    const key = `${type} ${Array.from(values, (x) => (Object.is(x, -0) ? '-0' : String(x))).join()}`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const taken = new Set(this.tables.map(({ name }) => name));
    const base = `${role}_${r.index}`;
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}_${i}`;
    this.tables.push({ name, type, values });
    this.known.set(key, name);
    return name;
  }

  /** Bytes of all constants, where pointers have 32 bits. */
  get constantBytes(): number {
    return this.descriptionBytes +
      this.tables.reduce((sum, { type, values }) => sum + elementBytes[type] * values.length, 0);
  }

  /**
   * The address of a source: in the arena, or of a constant table.
   *
   * @param reach first and last element that the record reads, from the source on
   */
  source(r: PlanRecord, field: number, type: TableType, count: number, first = 0): string {
    const { isConstant, offset } = r.operand(field);
    if (!isConstant) return arena(offset);
    const values = this.read(type, offset + first * elementBytes[type], count);
    const name = this.table('constant', r, type, values);
    return first === 0 ? name : `&${name}[${-first}]`;
  }

  target(r: PlanRecord, field: number): string {
    return arena(r.int(field));
  }

  // ── layers ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Describes the layer of a record, and calls `run` with it. */
  layer(r: PlanRecord, type: string, run: string, fields: Fields): void {
    const name = `layer_${r.index}`;
    this.need(type, run);
    this.descriptionBytes += structBytes(type);
    this.layers.push(`static const KINGLET_CONST ${type} ${name} = ${initializer(fields)};`);
    this.calls.push({ text: `${run}(&${name});`, record: r.index });
    this.endScratch();
  }

  /** Calls without a description. */
  call(r: PlanRecord, text: string): void {
    this.calls.push({ text, record: r.index });
  }

  /** A constant object of a layer that the layer points to. */
  object(r: PlanRecord, role: string, type: string, fields: Fields): string {
    const name = `${role}_${r.index}`;
    this.need(type);
    this.descriptionBytes += structBytes(type);
    this.layers.push(`static const KINGLET_CONST ${type} ${name} = ${initializer(fields)};`);
    return `&${name}`;
  }

  /** Names parts of the library. */
  need(...names: string[]): void {
    for (const name of names) this.needed.add(name);
  }

  /** The name of a part of the library, which is then included. */
  part(name: string): string {
    this.need(name);
    return name;
  }

  /** The address of scratch memory for the record that is being described. */
  scratch(bytes: number): string {
    const at = this.used;
    this.used = alignUp(at + bytes, 4);
    this.scratchBytes = Math.max(this.scratchBytes, this.used);
    return `SCRATCH(${at})`;
  }

  private endScratch(): void {
    this.used = 0;
  }
}

export function arena(offset: number): string {
  return `ARENA(${offset})`;
}

/** The declaration of a table. */
export function tableDeclaration({ name, type, values }: Table): string {
  const textOf = type === 'float' ? floatText : intText;
  const text = Array.from(values, type === 'double' ? doubleText : textOf);
  return `static const KINGLET_CONST ${type} ${name}[${values.length}] = {\n${tableText(text)}\n};`;
}

/** The error for a form of a record that has no C. All of them are collected. */
export class NoForm extends KletError {
  constructor(message: string) {
    super('UNSUPPORTED_OP', message);
  }
}
