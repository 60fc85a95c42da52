import type { Case, Target } from './target';

/** Tells whether an input still fails for the same reason. */
export type Fails = (bytes: Uint8Array) => Promise<boolean>;

/**
 * Makes a failing input smaller or more like the valid one: fewer changed bytes if both have the
 * same length, fewer bytes otherwise. Half of the differences are dropped at a time, then a
 * quarter, and so on (delta debugging).
 *
 * @param seconds when to stop
 */
export async function minimize(
  target: Target,
  { base, bytes }: Case,
  fails: Fails,
  seconds: number,
): Promise<Uint8Array> {
  const end = performance.now() + 1000 * seconds;
  const mend = target.mend ?? ((file: Uint8Array) => file);
  const isOver = (): boolean => performance.now() > end;
  if (target.simpler) return simplest(target.simpler, bytes, fails, isOver);
  if (base.length !== bytes.length) return shortest(bytes, mend, fails, isOver);
  const changed = [...bytes.keys()].filter((i) => bytes[i] !== base[i]);
  const build = (places: readonly number[]): Uint8Array => {
    const file = base.slice();
    for (const i of places) file[i] = bytes[i]!;
    return mend(file);
  };
  return build(await fewest(changed, async (places) => !isOver() && fails(build(places))));
}

/** The first simpler input that fails, and the first simpler one of that. */
async function simplest(
  simpler: (bytes: Uint8Array) => Iterable<Uint8Array>,
  bytes: Uint8Array,
  fails: Fails,
  isOver: () => boolean,
): Promise<Uint8Array> {
  for (const candidate of simpler(bytes)) {
    if (isOver()) break;
    if (await fails(candidate)) return simplest(simpler, candidate, fails, isOver);
  }
  return bytes;
}

async function shortest(
  bytes: Uint8Array,
  mend: (file: Uint8Array) => Uint8Array,
  fails: Fails,
  isOver: () => boolean,
): Promise<Uint8Array> {
  const build = (places: readonly number[]): Uint8Array => mend(Uint8Array.from(places, (i) => bytes[i]!));
  return build(await fewest([...bytes.keys()], async (places) => !isOver() && fails(build(places))));
}

/** A small part of these items that still passes the test. */
async function fewest(items: number[], passes: (items: readonly number[]) => Promise<boolean>): Promise<number[]> {
  let left = items;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length;) {
      const fewer = left.toSpliced(at, size);
      if (await passes(fewer)) left = fewer;
      else at += size;
    }
  }
  return left;
}
