import Table from 'cli-table3';

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

/**
 * A table with a rule under its head and no frame, legible in a terminal, a pipe and a bug report.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: columns.map((column) => column.head),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: { ...empty, mid: '─', 'mid-mid': '─', middle: ' ' },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 1 },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString().split('\n').map((line) => line.trimEnd()).join('\n') + '\n';
}

/** Lines of "name  value". Values of several lines are indented; undefined values are left out. */
export function facts(values: Record<string, string | undefined>): string {
  const known = Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined);
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
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
}

/**
 * A name cut to a width. Converters join the names of fused nodes with ";", so only the first is
 * shown; of a long path the end is kept, because it is the most informative part.
 */
export function shortName(name: string, width: number): string {
  const first = name.split(';').find((part) => part !== '') ?? name;
  return first.length <= width ? first : `…${first.slice(first.length - width + 1)}`;
}
