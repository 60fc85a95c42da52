import { show } from '../../../arguments';
import { KletError } from '../../../errors';

/** An object of JSON. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The configuration of a layer, whose values are checked when they are read. */
export class Config {
  /**
   * @param values - The `config` of the layer.
   * @param owner - The layer, for messages.
   */
  constructor(readonly values: JsonObject, private readonly owner: string) {}

  /** A value as it stands; null and absent values are undefined. */
  raw(key: string): unknown {
    return Object.hasOwn(this.values, key) ? (this.values[key] ?? undefined) : undefined;
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined;
  }

  number(key: string, otherwise: number): number {
    return this.optionalNumber(key) ?? otherwise;
  }

  optionalNumber(key: string): number | undefined {
    // numpy scalars of old files are { type: 'ndarray' | 'float…', value }
    const found = this.raw(key);
    const value = isObject(found) && 'value' in found ? ([found.value] as unknown[]).flat()[0] : found;
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.malformed(key, 'a number');
    return value;
  }

  /** A whole number of at least `least`. */
  count(key: string, otherwise?: number, least = 1): number {
    const value = this.raw(key) ?? otherwise;
    if (!isCount(value, least)) throw this.malformed(key, `a whole number of at least ${least}`);
    return value;
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = this.raw(key) ?? otherwise;
    if (typeof value !== 'boolean') throw this.malformed(key, 'true or false');
    return value;
  }

  string(key: string, otherwise: string): string {
    const value = this.raw(key) ?? otherwise;
    if (typeof value !== 'string') throw this.malformed(key, 'a string');
    return value;
  }

  /** A list of whole numbers; a single number is a list of one. */
  integers(key: string, otherwise?: readonly number[]): number[] {
    const value = this.raw(key) ?? otherwise;
    const list = Array.isArray(value) ? (value as unknown[]) : [value];
    if (!list.every((v) => Number.isInteger(v))) throw this.malformed(key, 'a list of whole numbers');
    return [...(list as number[])];
  }

  /** `count` sizes, which a single number stands for too. */
  sizes(key: string, count: number, otherwise?: readonly number[], least = 1): number[] {
    const given = this.integers(key, otherwise);
    const list = given.length === 1 ? new Array<number>(count).fill(given[0]!) : given;
    if (list.length !== count || !list.every((v) => isCount(v, least))) {
      throw this.malformed(key, `${count} whole numbers of at least ${least}`);
    }
    return list;
  }

  /** An object, such as the layer in a wrapper. */
  object(key: string): JsonObject {
    const value = this.raw(key);
    if (!isObject(value)) throw this.malformed(key, 'an object');
    return value;
  }

  malformed(key: string, expected: string): KletError {
    const value = this.raw(key);
    const found = value === undefined ? `no ${key}, but needs` : `${show(value)} as ${key}, not`;
    return new KletError('CORRUPT', `${this.owner} has ${found} ${expected}`);
  }
}

function isCount(value: unknown, least: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) < 2 ** 31;
}
