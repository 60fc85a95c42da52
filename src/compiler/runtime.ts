import { Cores } from '../runtime/cores';
import { inlinedCores, inlinedExtra } from '../runtime/inlined';
import { makeLoadSync } from '../runtime/load';

/**
 * The runtime in which the compiler runs networks, to calibrate and to measure. It has all cores
 * inside, no threads, and nothing to fetch, so that bundlers find no worker script in
 * `kinglet/compiler`.
 */
export const loadSync = makeLoadSync(new Cores(inlinedCores, {}, inlinedExtra));
