import { compile, readKlet, type Graph } from '../compiler/index';
import { KletError } from '../index';
import { plural, shortName } from './text';

const NAME_WIDTH = 60;
/** An error lists all layers if there are at most this many, otherwise the closest names. */
const FEW_LAYERS = 8;
const CLOSEST = 3;

/** The layers that an option may name. */
export interface LayerChoice {
  names: readonly string[];
  /** The network whose operators have the numbers. */
  original: Graph;
  /** What the option does to them, and what other operators lack. */
  purpose: string;
  lacks: string;
}

/** Finds the layers that the options name. */
export class LayerFinder {
  private records: string[] | undefined;

  constructor(private readonly choice: LayerChoice) {}

  private get names(): readonly string[] {
    return this.choice.names;
  }

  /**
   * @param reference a name, the name that tables show, a pattern with `*`, or `#` and the number
   *   of a row of `kinglet inspect`
   * @returns the names of the layers, at least one
   * @throws KletError `BAD_ARGUMENT` with close names
   */
  find(reference: string): string[] {
    if (this.names.includes(reference)) return [reference];
    const number = /^#(\d+)$/.exec(reference)?.[1];
    if (number !== undefined) return this.byNumber(Number(number));
    const shown = this.names.filter((name) => isShown(name, reference));
    if (shown.length > 0) return shown;
    const matching = reference.includes('*') ? this.names.filter((name) => matches(name, reference)) : [];
    if (matching.length > 0) return matching;
    throw new KletError(
      'BAD_ARGUMENT',
      `there is no layer "${reference}" to ${this.choice.purpose}; ${this.suggestions(reference)}`,
    );
  }

  private byNumber(number: number): string[] {
    const records = this.recordNames();
    const record = records[number];
    if (record === undefined) {
      throw new KletError('BAD_ARGUMENT', `there is no operator #${number}; they are #0 to #${records.length - 1}`);
    }
    const found = this.names.filter((name) => belongsTo(name, record));
    if (found.length > 0) return found;
    const title = shortName(record, NAME_WIDTH);
    throw new KletError('BAD_ARGUMENT', `#${number}, "${title}", ${this.choice.lacks}; ${this.suggestions(record)}`);
  }

  /** The operators as `kinglet inspect` numbers them. */
  private recordNames(): string[] {
    this.records ??= readKlet(compile(this.choice.original)).debugInfo!.records.map(({ name }) => name);
    return this.records;
  }

  private suggestions(reference: string): string {
    const { names } = this;
    const isShort = names.length <= FEW_LAYERS;
    const sorted = isShort ? names : [...names].sort((a, b) => likeness(b, reference) - likeness(a, reference));
    const listed = (isShort ? sorted : sorted.slice(0, CLOSEST)).map((name) => this.described(name)).join(', ');
    return isShort
      ? `there are ${listed || 'none'}`
      : `the closest of ${plural(names.length, 'layer')} are ${listed}; kinglet inspect lists all, with their numbers`;
  }

  private described(name: string): string {
    const number = this.recordNames().findIndex((record) => belongsTo(name, record));
    return `${number < 0 ? '' : `#${number} `}"${shortName(name, NAME_WIDTH)}"`;
  }
}

/** The part of a name that tables show: the first of the names of fused nodes. */
function shownName(name: string): string {
  return shortName(name, Infinity);
}

/** Whether tables show a name so; of a long one they leave out the beginning. */
function isShown(name: string, reference: string): boolean {
  const shown = shownName(name);
  return reference.startsWith('…') ? shown.endsWith(reference.slice(1)) : shown === reference;
}

/** How an option names a layer: as tables show it, unless another one has the same name. */
export function referenceTo(name: string, names: readonly string[]): string {
  const shown = shownName(name);
  return names.filter((other) => shownName(other) === shown).length > 1 ? name : shown;
}

/** Whether a layer is an operator, or one of the matrices of a recurrent operator. */
function belongsTo(layer: string, operator: string): boolean {
  return layer === operator || layer === `${operator}/input` || layer === `${operator}/recurrent`;
}

/** Whether a name matches a pattern in which `*` stands for any text. */
function matches(name: string, pattern: string): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  return new RegExp(`^${source}$`, 's').test(name);
}

/**
 * The similarity of a name to a reference: the fraction of the reference's pairs of consecutive
 * letters that also occur in the name, 0 to 1.
 */
function likeness(name: string, reference: string): number {
  const pairs = (text: string): string[] =>
    Array.from({ length: Math.max(0, text.length - 1) }, (_, i) => text.toLowerCase().slice(i, i + 2));
  const known = new Set(pairs(name));
  const wanted = pairs(reference);
  return wanted.filter((pair) => known.has(pair)).length / Math.max(1, wanted.length);
}
