import { TOOL_MEMORY, UNLIMITED } from '../limits';
import type { Model } from '../runtime/model';
import { Cores } from '../runtime/cores';
import { inlinedCores, inlinedExtra } from '../runtime/inlined';
import { makeLoadSync } from '../runtime/load';

/**
 * The runtime in which the compiler runs networks, to calibrate and to measure. It has all cores
 * inside, no threads, and nothing to fetch, so that bundlers find no worker script in
 * `kinglet/compiler`.
 */
export const loadSync = makeLoadSync(new Cores(inlinedCores, {}, inlinedExtra), TOOL_MEMORY);

/** Loads what the compiler itself has compiled, whatever it takes. */
export function loadCompiled(klet: Uint8Array): Model {
  return loadSync(klet, UNLIMITED);
}
