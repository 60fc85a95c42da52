import { toReference } from 'flatbuffers/js/flexbuffers.js';
import { KletError } from '../../errors';

type Reference = ReturnType<typeof toReference>;

/** The options of a custom operator: a FlexBuffer with a map of numbers and truth values. */
export class CustomOptions {
  private readonly bytes: ArrayBuffer;

  /** @param operator the operator's name, for messages */
  constructor(bytes: Uint8Array, private readonly operator: string) {
    this.bytes = Uint8Array.from(bytes).buffer;
    // a damaged length would make the search for a key endless
    const isMap = attempt(() => this.root().isMap() && this.root().length() <= bytes.length);
    if (!isMap) throw new KletError('CORRUPT', `the options of ${operator} are not a FlexBuffer with a map`);
  }

  /** A new reference for each look-up, because a map of 64-bit values can be searched only once. */
  private root(): Reference {
    return toReference(this.bytes);
  }

  /** A number; undefined if it is absent. */
  optional(name: string): number | undefined {
    // the package declares only the numeric keys of vectors
    const entry = attempt(() => this.root().get(name as unknown as number));
    if (!entry || entry.isNull()) return undefined;
    const isNumber = entry.isNumber() || entry.isBool();
    const value = isNumber ? attempt(() => Number(entry.isBool() ? entry.boolValue() : entry.numericValue())) : NaN;
    if (value === undefined || Number.isNaN(value)) {
      throw new KletError('CORRUPT', `the option ${name} of ${this.operator} is not a number`);
    }
    return value;
  }

  number(name: string): number {
    const value = this.optional(name);
    if (value === undefined) {
      throw new KletError('CORRUPT', `the options of ${this.operator} lack ${name}, or are damaged`);
    }
    return value;
  }
}

/** Undefined if `read` throws, as the FlexBuffers reader does for absent keys and damaged bytes. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
