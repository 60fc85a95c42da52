import type { Notes } from '../compiler/index';
import { bytesText, plural, shortName, table } from './text';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ROWS = 24;
const LABEL = 11;
const LEGEND = 16;
const WIDEST_CELL = 4;

interface ArenaBuffer {
  letter: string;
  name: string;
  offset: number;
  bytes: number;
  /** First and last moment: 0 is the input, 1 the first record, … */
  from: number;
  to: number;
}

/**
 * Draws the arena over time: addresses downwards, records to the right, a letter where a buffer lives.
 *
 * ```
 *            in  0   5
 *        0 B AAAA·CCC·
 *     12 KiB AABBBB···
 * ```
 */
export function drawMemory(notes: Notes, arenaBytes: number, columns: number): string {
  const moments = notes.records.length + 2, buffers = lettered(notes);
  const room = Math.max(20, columns - LABEL - 1), cell = Math.max(1, Math.min(WIDEST_CELL, Math.floor(room / moments))), perCell = Math.ceil(moments / room);
  const cells = Math.ceil(moments / perCell), rows = Math.max(1, Math.min(ROWS, Math.ceil(arenaBytes / 16))), rowBytes = arenaBytes / rows;
  const lines = [axis(cells, cell, perCell, notes.records.length)];
  for (let row = 0; row < rows; row++) {
    const drawn = Array.from({ length: cells }, (_, i) => ownerOf(buffers, row * rowBytes, (row + 1) * rowBytes, i * perCell, (i + 1) * perCell - 1).repeat(cell)).join('');
    lines.push(`${bytesText(Math.round(row * rowBytes)).padStart(LABEL - 1)} ${drawn}`);
  }
  lines.push(`${bytesText(arenaBytes).padStart(LABEL - 1)} end${perCell > 1 ? `; one column is ${perCell} records` : ''}`);
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n\n${fullest(notes, buffers, arenaBytes)}\n${legend(buffers, notes.records.length, columns)}`;
}

function lettered(notes: Notes): ArenaBuffer[] {
  const byTime = [...notes.arena].sort((a, b) => a[3] - b[3] || a[1] - b[1]), last = notes.records.length + 1;
  return byTime.map(([name, offset, bytes, first, end], i) => ({ letter: LETTERS[i % LETTERS.length]!, name, offset, bytes, from: Math.max(0, first + 1), to: Math.min(last, end + 1) }));
}

/** The letter of the buffer that has most of a cell; of those that share a place, the younger. */
function ownerOf(buffers: readonly ArenaBuffer[], low: number, high: number, from: number, to: number): string {
  let best = 0, letter = '·';
  for (const buffer of buffers) {
    const bytes = Math.min(high, buffer.offset + buffer.bytes) - Math.max(low, buffer.offset), time = Math.min(to, buffer.to) - Math.max(from, buffer.from) + 1;
    if (bytes > 0 && time > 0 && bytes * time >= best) {
      best = bytes * time;
      letter = buffer.letter;
    }
  }
  return letter;
}

/** Numbers of records above the columns, "in" and "out" at the ends. */
function axis(cells: number, cell: number, perCell: number, records: number): string {
  const line = Array<string>(LABEL + cells * cell + 3).fill(' ');
  const put = (at: number, text: string): void => { for (let i = 0; i < text.length; i++) line[LABEL + at + i] = text[i]!; };
  const step = [1, 5, 10, 20, 50, 100, 200, 500].find((n) => (n / perCell) * cell >= 4) ?? 1000;
  for (let record = 0; record < records; record += step) put(Math.floor((record + 1) / perCell) * cell, String(record));
  put(0, 'in');
  if (cell === 1 && records > 1) put(1, ' ');
  put(Math.floor((records + 1) / perCell) * cell, 'out');
  return line.join('');
}

function fullest(notes: Notes, buffers: readonly ArenaBuffer[], arenaBytes: number): string {
  const top = (moment: number): number => Math.max(0, ...buffers.filter((b) => b.from <= moment && moment <= b.to).map((b) => b.offset + b.bytes));
  const live = (moment: number): number => {
    const alive = buffers.filter((b) => b.from <= moment && moment <= b.to), places = new Map<number, number>();
    // buffers that share a place count once
    for (const { offset, bytes } of alive) places.set(offset, Math.max(places.get(offset) ?? 0, bytes));
    return [...places.values()].reduce((a, b) => a + b, 0);
  };
  const moments = notes.records.map((_, i) => i + 1);
  if (moments.length === 0 || arenaBytes === 0) return '';
  const peak = moments.reduce((best, moment) => (live(moment) > live(best) || (live(moment) === live(best) && top(moment) > top(best)) ? moment : best));
  const record = notes.records[peak - 1]!, letters = buffers.filter((b) => b.from <= peak && peak <= b.to).map((b) => b.letter);
  return `fullest during record ${peak - 1} (${record.op} ${shortName(record.name, 40)}): ${bytesText(live(peak))} of ${bytesText(arenaBytes)} in use, by ${letters.join(', ')}\n`;
}

function legend(buffers: readonly ArenaBuffer[], records: number, columns: number): string {
  const shown = [...buffers].sort((a, b) => b.bytes - a.bytes).slice(0, LEGEND), moment = (at: number): string => (at === 0 ? 'in' : at > records ? 'out' : String(at - 1));
  const drawn = table(
    [{ head: '' }, { head: 'buffer' }, { head: 'bytes', align: 'right' }, { head: 'at', align: 'right' }, { head: 'records', align: 'right' }],
    shown.sort((a, b) => a.from - b.from).map((b) => [b.letter, shortName(b.name, Math.max(16, Math.min(56, columns - 44))), bytesText(b.bytes), String(b.offset), `${moment(b.from)}-${moment(b.to)}`]),
  );
  return buffers.length > shown.length ? `${drawn}and ${plural(buffers.length - shown.length, 'smaller buffer')}\n` : drawn;
}
