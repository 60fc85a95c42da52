import type { DebugInfo } from '../compiler/index';
import { bytesText, inline, plural, shortName, table } from './text';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ROWS = 24;
const LABEL = 11;
const LEGEND = 16;
const MANY = 12;
const WIDEST_CELL = 4;

interface ArenaBuffer {
  letter: string;
  name: string;
  offset: number;
  bytes: number;
  /**
   * The first and the last moment of its lifetime: 0 is the input, 1 the first record, and so on.
   */
  from: number;
  to: number;
}

/**
 * Draws the arena over time. Addresses grow downwards and records run to the right; a letter marks
 * the buffer that occupies the cell.
 *
 * ```
 *            in 0    5    out
 *        0 B AA ACCC··EE· ···
 *     12 KiB ·· BBBBDD·FF FFF
 * ```
 */
export function drawMemory(debugInfo: DebugInfo, arenaBytes: number, columns: number): string {
  const records = debugInfo.records.length;
  const buffers = lettered(debugInfo);
  const room = Math.max(20, columns - LABEL - 'in '.length - ' out'.length);
  const cell = Math.max(1, Math.min(WIDEST_CELL, Math.floor(room / records)));
  const perCell = Math.ceil(records / room);
  const cells = Math.ceil(records / perCell);
  const rows = Math.max(1, Math.min(ROWS, Math.ceil(arenaBytes / 16)));
  const rowBytes = arenaBytes / rows;
  const lines = [`${' '.repeat(LABEL)}in ${axis(records, cells * cell, cell / perCell)} out`];
  for (let row = 0; row < rows; row++) {
    const owner = (from: number, to: number): string =>
      ownerOf(buffers, row * rowBytes, (row + 1) * rowBytes, from, to);
    const during = Array.from(
      { length: cells },
      (_, i) => owner(1 + i * perCell, Math.min(records, (i + 1) * perCell)).repeat(cell),
    ).join('');
    const address = bytesText(Math.round(row * rowBytes)).padStart(LABEL - 1);
    const before = owner(0, 0).repeat(2);
    const after = owner(records + 1, records + 1).repeat(3);
    lines.push(`${address} ${before} ${during} ${after}`);
  }
  const unit = perCell > 1 ? `; one column is ${perCell} records` : '';
  lines.push(`${bytesText(arenaBytes).padStart(LABEL - 1)} end${unit}`);
  return `${lines.join('\n')}\n\n${fullest(debugInfo, buffers, arenaBytes)}\n${
    legend(debugInfo.strips ? joined(buffers) : buffers, records, columns)
  }`;
}

function lettered(debugInfo: DebugInfo): ArenaBuffer[] {
  const byTime = [...debugInfo.arena].sort((a, b) => a[3] - b[3] || a[1] - b[1]);
  const last = debugInfo.records.length + 1;
  // with strips, the parts of a buffer are entries with the same name
  const names = debugInfo.strips && [...new Set(byTime.map(([name]) => name))];
  return byTime.map(([name, offset, bytes, first, end], i) => ({
    letter: LETTERS[(names?.indexOf(name) ?? i) % LETTERS.length]!,
    name,
    offset,
    bytes,
    from: Math.max(0, first + 1),
    to: Math.min(last, end + 1),
  }));
}

/**
 * The letter of the buffer that occupies most of a cell, which spans the addresses `low` to `high`
 * and the moments `from` to `to`. Of buffers that share an address, the later one wins.
 */
function ownerOf(buffers: readonly ArenaBuffer[], low: number, high: number, from: number, to: number): string {
  let best = 0;
  let letter = '·';
  for (const buffer of buffers) {
    const bytes = Math.min(high, buffer.offset + buffer.bytes) - Math.max(low, buffer.offset);
    const time = Math.min(to, buffer.to) - Math.max(from, buffer.from) + 1;
    if (bytes > 0 && time > 0 && bytes * time >= best) {
      best = bytes * time;
      letter = buffer.letter;
    }
  }
  return letter;
}

/** Buffers whose parts are joined. */
function joined(parts: readonly ArenaBuffer[]): ArenaBuffer[] {
  const whole = new Map<string, ArenaBuffer>();
  for (const part of parts) {
    const known = whole.get(part.name) ?? part;
    const offset = Math.min(known.offset, part.offset);
    const end = Math.max(known.offset + known.bytes, part.offset + part.bytes);
    const [from, to] = [Math.min(known.from, part.from), Math.max(known.to, part.to)];
    whole.set(part.name, { ...known, offset, bytes: end - offset, from, to });
  }
  return [...whole.values()];
}

/** Record numbers above their columns, as dense as is legible. */
function axis(records: number, width: number, columnsPerRecord: number): string {
  const step = [1, 5, 10, 20, 50, 100, 200, 500, 1000].find((n) => n * columnsPerRecord >= 4) ?? 5000;
  let line = '';
  for (let record = 0; record < records; record += step) {
    line = line.padEnd(Math.floor(record * columnsPerRecord)) + String(record);
  }
  return line.padEnd(width).slice(0, width);
}

/**
 * Bytes of the arena in use during each record. Of buffers that share an address, the largest
 * counts.
 */
function usedAt(buffers: readonly ArenaBuffer[], records: number): number[] {
  const begins = [...buffers].sort((a, b) => a.from - b.from);
  const ends = [...buffers].sort((a, b) => a.to - b.to);
  const alive = new Map<number, ArenaBuffer[]>();
  const largest = (at: number): number => (alive.get(at) ?? []).reduce((most, { bytes }) => Math.max(most, bytes), 0);
  let begun = 0;
  let ended = 0;
  let sum = 0;
  return Array.from({ length: records }, (_, i) => {
    const moment = i + 1;
    const changed = new Map<number, ArenaBuffer[]>();
    const over = new Set<number>();
    for (; ended < ends.length && ends[ended]!.to < moment; ended++) over.add(ends[ended]!.offset);
    for (; begun < begins.length && begins[begun]!.from <= moment; begun++) {
      const buffer = begins[begun]!;
      const others = changed.get(buffer.offset);
      if (others) others.push(buffer);
      else changed.set(buffer.offset, [buffer]);
    }
    for (const at of new Set([...over, ...changed.keys()])) {
      sum -= largest(at);
      const left = [...(alive.get(at) ?? []), ...changed.get(at) ?? []].filter(({ to }) => to >= moment);
      alive.set(at, left);
      sum += largest(at);
    }
    return sum;
  });
}

/** The record during which most bytes of the arena are in use. */
function fullest(debugInfo: DebugInfo, buffers: readonly ArenaBuffer[], arenaBytes: number): string {
  const used = usedAt(buffers, debugInfo.records.length);
  if (used.length === 0) return '';
  const peak = 1 + used.reduce((best, bytes, i) => (bytes > used[best]! ? i : best), 0);
  const { op, name } = debugInfo.records[peak - 1]!;
  const inside = buffers.filter((b) => b.from <= peak && peak <= b.to);
  const letters = [...new Set(inside.map((b) => (debugInfo.strips ? b.name : b)))].map((key) =>
    inside.find((b) => b === key || b.name === key)!.letter
  );
  const listed = letters.length > MANY ? plural(letters.length, 'buffer') : letters.join(', ');
  const inUse = `${bytesText(used[peak - 1]!)} of ${bytesText(arenaBytes)}`;
  return `fullest during record ${peak - 1}, ${inline(op)} ${shortName(name, 40)}:\n${inUse} in use, by ${listed}\n`;
}

function legend(buffers: readonly ArenaBuffer[], records: number, columns: number): string {
  const shown = [...buffers].sort((a, b) => b.bytes - a.bytes).slice(0, LEGEND);
  const moment = (at: number): string => {
    if (at === 0) return 'in';
    return at > records ? 'out' : String(at - 1);
  };
  const room = Math.max(16, Math.min(56, columns - 44));
  const right = 'right' as const;
  const numeric = ['bytes', 'at', 'records'].map((head) => ({ head, align: right }));
  const rows = shown.sort((a, b) => a.from - b.from).map((buffer) => {
    const { letter, name, bytes, offset, from, to } = buffer;
    return [letter, shortName(name, room), bytesText(bytes), String(offset), `${moment(from)}-${moment(to)}`];
  });
  const drawn = table([{ head: '' }, { head: 'buffer' }, ...numeric], rows);
  return buffers.length > shown.length
    ? `${drawn}and ${plural(buffers.length - shown.length, 'smaller buffer')}\n`
    : drawn;
}
