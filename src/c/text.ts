// Pieces of C text.

/** A value of an initializer: a number or name as text, or the values of a struct by field. */
export type Value = string | Fields;
export interface Fields {
  [field: string]: Value | undefined;
}

/** Widest line of a table, in characters. */
const WIDTH = 100;

/** An int32. The smallest has no literal in C. */
export function intText(x: number): string {
  return x === -2147483648 ? 'INT32_MIN' : String(x);
}

/** A float with as many digits as determine it. */
export function floatText(x: number): string {
  if (Number.isNaN(x)) return '(0.0f * INFINITY)';
  if (!Number.isFinite(x)) return x > 0 ? 'INFINITY' : '-INFINITY';
  if (Object.is(x, -0)) return '-0.0f';
  let digits = 1;
  while (Math.fround(Number(x.toPrecision(digits))) !== x) digits++;
  const text = String(Number(x.toPrecision(digits)));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** A finite double with as many digits as determine it. */
export function doubleText(x: number): string {
  const text = Object.is(x, -0) ? '-0' : String(x);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * `{ .a = 1, .b = 2 }`, over several lines if it is long, without the fields that are 0 or null. A
 * field `[0]` is an element of an array.
 */
export function initializer(value: Value, indent = ''): string {
  if (typeof value === 'string') return value;
  const inner = `${indent}    `;
  const texts = Object.entries(value).filter((entry): entry is [string, Value] => isStated(entry[1])).map((
    [field, own],
  ) => `${field.startsWith('[') ? field : `.${field}`} = ${initializer(own, inner)}`);
  const line = `{ ${texts.join(', ')} }`;
  if (line.length + indent.length <= WIDTH - 20 && !line.includes('\n')) return line;
  return `{\n${texts.map((text) => `${inner}${text},\n`).join('')}${indent}}`;
}

function isStated(value: Value | undefined): boolean {
  if (value === undefined) return false;
  return typeof value === 'string' ? value !== '0' && value !== '0.0f' : Object.values(value).some(isStated);
}

/** `{ a, b, c }` on one line. */
export function listText(values: readonly string[]): string {
  return `{ ${values.join(', ')} }`;
}

/** The elements of a table in lines. */
export function tableText(values: readonly string[]): string {
  const lines: string[] = [];
  let line = '   ';
  for (const value of values) {
    if (line.length + value.length + 2 > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${value},`;
  }
  return [...lines, line].join('\n');
}

/** The headers of C, whose names a file of a network must not have. */
const headers =
  new Set(('assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg '
    + 'stdbool stddef stdint stdio stdlib string tgmath time wchar wctype').split(' '));

/** Whether a network can have this name in C. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && !headers.has(name.toLowerCase());
}

/** A name as an identifier of C, in lower case. */
export function identifier(name: string): string {
  const text = name.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  return isIdentifier(text) ? text : `network${text === '' ? '' : '_'}${text}`;
}

/** Text inside a comment of C. */
export function commentText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replace(/\*\//g, '* /').replace(/\/\*/g, '/ *');
}

/** A string literal in ASCII. Other characters become the octal escapes of their UTF-8. */
export function stringText(text: string): string {
  const characters = Array.from(new TextEncoder().encode(text), (byte) => {
    const c = String.fromCharCode(byte);
    if (/["\\?]/.test(c)) return `\\${c}`;
    return /[\x20-\x7e]/.test(c) ? c : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${characters.join('')}"`;
}
