import { KletError } from '../errors';

// JSON in a file, and what it may hold.

/** How deep arrays and objects are nested at most, and how many there are in a section. */
export const MAX_DEPTH = 1000;
export const MAX_CONTAINERS = 2 ** 20;

/**
 * Whether JSON keeps these limits. Without them, a parser takes up to 0.4 µs for each byte of a
 * hostile file, and this takes a hundredth of that.
 */
function isBounded(bytes: Uint8Array): boolean {
  const [quote, backslash, openArray, openObject, closeArray, closeObject] = [0x22, 0x5c, 0x5b, 0x7b, 0x5d, 0x7d];
  let depth = 0;
  let containers = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === backslash) i++;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === openArray || byte === openObject) {
      containers++;
      depth++;
      if (depth > MAX_DEPTH || containers > MAX_CONTAINERS) return false;
    } else if (byte === closeArray || byte === closeObject) {
      depth--;
    }
  }
  return true;
}

/**
 * JSON as ASCII bytes with other characters escaped, so that it can be read in worklets, which have
 * no TextDecoder.
 *
 * @throws KletError `BAD_ARGUMENT` if it is nested too deep or has too many parts
 */
export function toAscii(value: unknown): Uint8Array {
  const text = JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'),
  );
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  if (isBounded(bytes)) return bytes;
  throw new KletError(
    'BAD_ARGUMENT',
    `the metadata has more than ${MAX_CONTAINERS} arrays and objects, or is nested more than ${MAX_DEPTH} deep`,
  );
}

/** @returns the parsed value, or undefined when it is not JSON or beyond the limits */
export function fromAscii(bytes: Uint8Array): unknown {
  if (!isBounded(bytes)) return undefined;
  let text = '';
  try {
    for (let i = 0; i < bytes.length; i += 1024) {
      // apply() is several times as fast as spreading the bytes
      text += String.fromCharCode.apply(null, bytes.subarray(i, i + 1024) as unknown as number[]);
    }
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isWhole(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
