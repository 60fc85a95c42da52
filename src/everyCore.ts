// All cores, for the entries that carry all of them.
import { plainCore } from './js/core';
import type { CoreSource, InlinedCores } from './runtime/core';
import { inlinedCores } from './runtime/inlined';

/** By flavor, fastest first. */
export const everyCore: InlinedCores<CoreSource> = { ...inlinedCores, js: () => plainCore };
