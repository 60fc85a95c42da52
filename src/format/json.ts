// JSON in a file, and what it may hold.

/**
 * JSON as ASCII bytes with other characters escaped, so that it can be read in worklets, which have
 * no TextDecoder.
 */
export function toAscii(value: unknown): Uint8Array {
  const text = JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'),
  );
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** @returns the parsed value, or undefined when it is not JSON */
export function fromAscii(bytes: Uint8Array): unknown {
  let text = '';
  try {
    for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
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
