import { loadSync, type Flavor, type Model } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { inputsFor, refusalOrSame, type Loader } from '../robustness/sameAnswers';
import { attempt, Failure, judgeError, MAX_MEMORY, Meter } from './oracles';

/** Seconds of the first run after which other flavors are not tried, because they may be slower. */
const PATIENCE = 0.15;

const loadIn: Loader = (bytes, flavor) => loadSync(bytes, { flavor, maxMemory: MAX_MEMORY });

/**
 * Loads a file and runs it in this engine's first flavor, then in others and in shares of threads,
 * with litter in the arena and the scratch.
 *
 * @param load stands for `loadSync` in tests of the oracles
 * @returns the shape of the error, or undefined if the file was accepted
 * @throws Failure
 */
export function judgeModel(file: Uint8Array, load: Loader = loadIn): string | undefined {
  const seed = file.reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 7) >>> 8;
  const meter = new Meter();
  const first = attempt(() => {
    const model = load(file, flavors[0]!);
    runOnce(model, seed);
    model.dispose();
  });
  const seconds = meter.check();
  if (seconds > PATIENCE) return 'error' in first ? first.error : undefined;
  // plain JavaScript is slower, so it has every fourth file
  const chosen = flavors.filter((flavor) => flavor !== 'js' || seed % 4 === 0);
  try {
    const runs = { flavors: chosen, seed, maxMemory: MAX_MEMORY, shares: !('error' in first) && seed % 2 === 0, load };
    const refusal = refusalOrSame(file, runs);
    return refusal && judgeError(refusal);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'Error') throw new Failure('different answers', message, { cause: error });
    return judgeError(error);
  }
}

function runOnce(model: Model, seed: number): void {
  const inputs = inputsFor(model, new Random(seed));
  model.predict(inputs);
  model.predict(inputs, { output: 'raw' });
  model.selfTest();
  const stream = model.createState();
  stream.predict(inputs);
  stream.restore(stream.save());
}

/** The flavors, for the report. */
export const engine: readonly Flavor[] = flavors;
