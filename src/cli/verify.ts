import { KletError, loadSync, type Model } from '../index';
import type { LimitOptions } from '../limits';
import { writeAtomically } from './files';
import { randomInputs } from './tensors';

/** Seed of the inputs that a written file is run with. */
export const SEED = 1;

/** Writes a file and runs it before it gets its name. @returns the model in the fastest flavor */
export function writeVerified(output: string, klet: Uint8Array, limits: LimitOptions = {}): Model {
  let model: Model | undefined;
  writeAtomically(output, klet, (written) => {
    model = verify(written, limits);
  });
  return model!;
}

/** Loads the written file in every flavor that this engine supports, and runs it. */
export function verify(bytes: Uint8Array<ArrayBuffer>, limits: LimitOptions): Model {
  const [model, ...others] = (['relaxed', 'simd', 'scalar'] as const).flatMap((flavor) => {
    try {
      const loaded = loadSync(bytes, { flavor, ...limits });
      return loaded.selfTest() === 0 ? (loaded.predict(randomInputs(loaded.inputs, SEED)), [loaded]) : [loaded];
    } catch (error) {
      // engines without SIMD can still convert
      if (flavor !== 'scalar' && error instanceof KletError && error.code === 'NO_WASM') return [];
      throw error;
    }
  });
  for (const other of others) other.dispose();
  return model!;
}
