import Table from 'cli-table3';
import { KletError } from '../index';

const empty = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  right: '',
  'right-mid': '',
};

export interface Column {
  head: string;
  align?: 'left' | 'right';
}

/** Rows of a table beyond these are only counted: nobody reads them, and drawing takes a second. */
const MOST_ROWS = 5000;

/**
 * A table with a rule under its head and no frame, legible in a terminal, a pipe and a bug report.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map((column) => inline(column.head)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: { ...empty, mid: '─', 'mid-mid': '─', middle: ' ' },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 1 },
  });
  for (const row of rows.slice(0, MOST_ROWS)) drawn.push(row.map(inline));
  const text = drawn.toString().split('\n').map((line) => line.trimEnd()).join('\n') + '\n';
  return rows.length > MOST_ROWS ? `${text}and ${plural(rows.length - MOST_ROWS, 'more row')}\n` : text;
}

/** Lines of "name  value". Values of several lines are indented; undefined values are left out. */
export function facts(values: Record<string, string | undefined>): string {
  const known = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined).map((
    [name, value],
  ) => [inline(name), value] as const);
  const width = Math.max(...known.map(([name]) => name.length)) + 2;
  return known.map(([name, value]) => name.padEnd(width) + value.replaceAll('\n', '\n' + ' '.repeat(width)) + '\n')
    .join('');
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${digits(bytes / 1024)} KiB`;
  return bytes < 1024 ** 3 ? `${digits(bytes / 1024 ** 2)} MiB` : `${digits(bytes / 1024 ** 3)} GiB`;
}

export function countText(count: number): string {
  if (count < 1e3) return String(count);
  if (count < 1e6) return `${digits(count / 1e3)} k`;
  return count < 1e9 ? `${digits(count / 1e6)} M` : `${digits(count / 1e9)} G`;
}

export function msText(ms: number): string {
  return `${digits(ms)} ms`;
}

export function percentText(part: number, whole: number): string {
  return whole > 0 ? `${(100 * part / whole).toFixed(1)} %` : '';
}

/** Three significant digits, but at most four decimals: 1234, 12.3, 0.0123. */
export function digits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.max(0, Math.min(4, 3 - whole)));
}

/** The fewest digits that identify a float32. */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  for (let precision = 1; precision < 10; precision++) {
    const short = Number(value.toPrecision(precision));
    if (Math.fround(short) === Math.fround(value)) return String(short);
  }
  return String(value);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A text cut to a width. */
export function clip(full: string, width: number): string {
  const text = inline(full);
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
}

/**
 * A name cut to a width. Converters join the names of fused nodes with ";", so only the first is
 * shown; of a long path the end is kept, because it is the most informative part.
 */
export function shortName(name: string, width: number): string {
  const first = inline(name.split(';').find((part) => part !== '') ?? name);
  return first.length <= width ? first : `…${first.slice(first.length - width + 1)}`;
}

/**
 * Characters that drive a terminal or reorder its text, other than line breaks: C0, DEL, C1, the
 * bidirectional controls, and the separators of lines and paragraphs.
 */
const CONTROLS = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text with control characters written out, such as \x1b or \u202e. Line breaks are kept. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

/** Text of a file for a line of output: control characters and line breaks are written out. */
export function inline(text: string): string {
  return visible(text).replaceAll('\n', '\\n');
}

/**
 * The text of an error. Its lines after the first are indented, so that the name of a tensor cannot
 * look like another message.
 */
export function messageText(message: string): string {
  return visible(message).replace(/\n(?! {2})/g, '\\n');
}

/**
 * A value as indented JSON, without characters that drive a terminal.
 *
 * @throws KletError `CORRUPT` if the value is nested too deeply
 */
export function jsonOf(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value, null, 2);
  } catch (cause) {
    throw new KletError('CORRUPT', 'the metadata of the network is nested too deeply to print', { cause });
  }
  return `${text.replace(CONTROLS, (character) => `\\u${hex(character.charCodeAt(0), 4)}`)}\n`;
}

function hex(code: number, digitCount: number): string {
  return code.toString(16).padStart(digitCount, '0');
}
