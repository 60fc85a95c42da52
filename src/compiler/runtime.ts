import { inlinedCores, inlinedExtra } from '../runtime/inlined';
import { makeLoadSync } from '../runtime/load';

/**
 * What the compiler runs networks with, to calibrate and to measure: all cores inside, no threads
 * and nothing to fetch, so that bundlers find no worker script in `kinglet/compiler`.
 */
export const loadSync = makeLoadSync(inlinedCores, inlinedExtra);
