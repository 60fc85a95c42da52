import { sharedNetworks, judgeForeign } from '../foreign';
import type { Random } from '../../helpers/random';
import { encodeTflite } from '../seeds';
import { changeBytes, numbers, otherWord } from '../changes';
import type { Target } from '../target';

/** A place in a FlatBuffer and its size in bytes. */
type Site = [at: number, size: 1 | 2 | 4];

const known = new WeakMap<Uint8Array, Site[]>();
const MAX_SITES = 20_000;

/**
 * The fields of all tables and the lengths and elements of all vectors, found without a schema. A
 * field is an offset if what it points to looks like a table or a vector.
 */
export function sitesOf(file: Uint8Array): Site[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const sites: Site[] = [];
  const seen = new Set<number>();
  const tableAt = (at: number): number | undefined => {
    if (at < 4 || at + 4 > file.length) return undefined;
    const table = at - view.getInt32(at, true);
    if (table < 4 || table + 4 > file.length) return undefined;
    const size = view.getUint16(table, true);
    return size >= 4 && size % 2 === 0 && size < 512 && table + size <= file.length ? table : undefined;
  };
  const visit = (at: number): void => {
    if (seen.has(at) || sites.length > MAX_SITES) return;
    seen.add(at);
    const table = tableAt(at);
    if (table !== undefined) {
      sites.push([at, 4], [table, 2], [table + 2, 2]);
      for (let entry = table + 4; entry < table + view.getUint16(table, true); entry += 2) {
        sites.push([entry, 2]);
        const field = view.getUint16(entry, true);
        if (field > 0 && at + field + 4 <= file.length) follow(at + field);
      }
      return;
    }
    const length = view.getUint32(at, true);
    sites.push([at, 4]);
    if (length > file.length) return;
    for (let i = 0; i < Math.min(length, 64) && at + 8 + 4 * i <= file.length; i++) follow(at + 4 + 4 * i);
  };
  const follow = (at: number): void => {
    sites.push([at, 4], [at, 1]);
    const target = at + view.getUint32(at, true);
    if (target > at && target + 4 <= file.length) visit(target);
  };
  if (file.length >= 8) follow(0);
  return sites;
}

function change(random: Random, file: Uint8Array, sites: readonly Site[]): void {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [at, size] = random.pick(sites);
  if (at + size > file.length) return;
  if (size === 4) {
    const another = random.pick(sites)[0];
    const other = (): number => (another + 4 <= file.length ? view.getUint32(another, true) : 0);
    view.setUint32(at, otherWord(random, view.getUint32(at, true), other) >>> 0, true);
  } else if (size === 2) {
    view.setUint16(at, random.pick([0, 2, 4, 6, 8, 0xffff, view.getUint16(at, true) + 4, random.pick(numbers)]), true);
  } else {
    view.setUint8(at, random.pick([0, 1, 2, 255, random.int(0, 160), view.getUint8(at) + 1]));
  }
}

export const tflite: Target = {
  name: 'tflite',
  about: '.tflite files: scalars, vectors, lengths, offsets and vtables of the FlatBuffer, and constants of shapes',
  seeds: () => [...encodeTflite(), ...sharedNetworks('models', '.tflite'), ...sharedNetworks('odd', '.tflite')],
  make(random, pick) {
    const base = pick();
    let sites = known.get(base);
    if (!sites) known.set(base, sites = sitesOf(base));
    if (sites.length === 0 || random.next() < 0.1) return { base, bytes: changeBytes(random, base) };
    const bytes = base.slice();
    for (let n = random.pick([1, 1, 1, 2, 3, 5]); n > 0; n--) change(random, bytes, sites);
    return { base, bytes };
  },
  run: judgeForeign,
};
