import { Random } from '../helpers/random';
import { Failure, judgeError } from './oracles';
import type { Case, Target } from './target';

/** What a search tells whoever started it. */
export interface Listener {
  /** Before a case is judged, so that it is known if the process does not survive it. */
  begins?(tried: Case): void;
  /** After each case. */
  ends?(cases: number, reached: number): void;
  /** An input reached something that none reached before. */
  reached?(key: string, bytes: Uint8Array): void;
  failed(failure: Failure, tried: Case): void;
}

export interface Limits {
  seed: number;
  /** The number of the first case. */
  first?: number;
  cases?: number;
  seconds?: number;
  /** Inputs of earlier runs that reached something. */
  corpus?: readonly Uint8Array[];
}

/** Inputs that are kept at most, and their largest size. */
const MAX_KEPT = 5000;
const MAX_KEPT_BYTES = 200_000;

/** Judges an input, and checks that it stays as it was. */
export async function judge(target: Target, bytes: Uint8Array): Promise<string | Failure> {
  const before = bytes.slice();
  try {
    const reached = await target.run(bytes);
    if (Buffer.compare(before, bytes) !== 0) return new Failure('changed input', 'the input was changed');
    return reached;
  } catch (error) {
    if (error instanceof Failure) return error;
    try {
      return judgeError(error);
    } catch (failure) {
      return failure as Failure;
    }
  }
}

/**
 * Tries changed inputs until a limit. An input that reached something new is changed further: half
 * of the cases start from one of these.
 *
 * @returns the number of cases
 */
export async function search(target: Target, limits: Limits, listener: Listener): Promise<number> {
  const { seed, first = 0, cases = Infinity, seconds = Infinity, corpus = [] } = limits;
  const seeds = target.seeds();
  const kept = [...corpus];
  const known = new Set<string>();
  const end = performance.now() + 1000 * seconds;
  let n = 0;
  for (; n < cases && performance.now() < end; n++) {
    const random = new Random(Math.imul(seed, 0x9e3779b1) ^ (first + n));
    const pick = (): Uint8Array => (kept.length > 0 && random.next() < 0.5 ? random.pick(kept) : random.pick(seeds));
    const tried = target.make(random, pick);
    listener.begins?.(tried);
    const result = await judge(target, tried.bytes.slice());
    if (result instanceof Failure) listener.failed(result, tried);
    else if (!known.has(result)) {
      known.add(result);
      if (kept.length < MAX_KEPT && tried.bytes.length < MAX_KEPT_BYTES) kept.push(tried.bytes);
      listener.reached?.(result, tried.bytes);
    }
    listener.ends?.(n + 1, known.size);
  }
  return n;
}
