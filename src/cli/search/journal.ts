import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { KletError } from '../../index';
import type { ParameterValues } from '../../compiler/index';
import { quoted, readBytes } from '../files';

// The trials of a search in a file: a line of JSON that says which search it is, then one for each
// trial that has ended.

/** What makes two searches the same, by the words for it. */
export type Identity = Readonly<Record<string, unknown>>;

/** The result of a trial. */
export interface Entry {
  trial: number;
  parameters: ParameterValues;
  values?: Record<string, number>;
  failure?: string;
  /** How long the trial took. */
  seconds: number;
}

export class Journal {
  /** The trials that were there before, by number. */
  readonly known: ReadonlyMap<number, Entry>;

  /**
   * Opens a journal, or begins one. A last line that is not complete, because a search was killed
   * while it wrote, is removed.
   *
   * @throws KletError `BAD_ARGUMENT` if the file is the journal of another search, or none;
   *   `FETCH_FAILED` if it cannot be read
   */
  constructor(private readonly path: string, identity: Identity) {
    const lines = existsSync(path) ? completeLines(path) : [];
    const [head, ...entries] = lines.map((line, i) => parsed(line, i, path));
    if (head === undefined) {
      this.known = new Map();
      this.write(`${JSON.stringify(identity)}\n`);
      return;
    }
    checkIdentity(head, identity, path);
    const checked = entries.map((entry, i) => checkedEntry(entry, i, path));
    this.known = new Map(checked.map((entry) => [entry.trial, entry]));
    this.write(lines.map((line) => `${line}\n`).join(''));
  }

  add(entry: Entry): void {
    writing(this.path, () => appendFileSync(this.path, `${JSON.stringify(entry)}\n`));
  }

  private write(text: string): void {
    writing(this.path, () => writeFileSync(this.path, text));
  }
}

function writing(path: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `cannot write the journal "${path}": ${(cause as Error).message}`, { cause });
  }
}

function completeLines(path: string): string[] {
  return new TextDecoder().decode(readBytes(path)).split('\n').slice(0, -1);
}

function parsed(line: string, index: number, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw new KletError(
    'BAD_ARGUMENT',
    `${quoted(path)} is no journal of a search: line ${
      index + 1
    } is no JSON object. Choose another file with --journal`,
  );
}

function checkIdentity(found: Record<string, unknown>, wanted: Identity, path: string): void {
  const known = JSON.parse(JSON.stringify(wanted)) as Record<string, unknown>;
  const names = [...new Set([...Object.keys(known), ...Object.keys(found)])];
  const different = names.filter((name) => JSON.stringify(found[name]) !== JSON.stringify(known[name]));
  if (different.length === 0) return;
  const texts = different.map((name) => `${name} (${short(found[name])} there, ${short(known[name])} now)`);
  throw new KletError(
    'BAD_ARGUMENT',
    `the journal ${quoted(path)} is of another search, with a different ${texts.join(', ')}. Choose another file with `
      + '--journal, or delete this one',
  );
}

function short(value: unknown): string {
  const text = value === undefined ? 'none' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function checkedEntry(entry: Record<string, unknown>, index: number, path: string): Entry {
  const { trial, parameters, values, failure } = entry;
  const isEntry = Number.isInteger(trial) && typeof parameters === 'object' && parameters !== null
    && (typeof failure === 'string' || (typeof values === 'object' && values !== null));
  if (isEntry) return entry as unknown as Entry;
  throw new KletError('BAD_ARGUMENT', `${quoted(path)}: line ${index + 2} is no trial of a search`);
}
