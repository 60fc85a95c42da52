// All cores, for the entries that carry all of them.
import { plainCore } from './js/core';
import { extraOperators } from './js/extra/index';
import type { CoreSource, InlinedCores } from './runtime/core';
import type { ExtraSource } from './runtime/cores';
import { inlinedCores, inlinedExtra } from './runtime/inlined';

/** By flavor, fastest first. */
export const everyCore: InlinedCores<CoreSource> = { ...inlinedCores, js: () => plainCore };

/** The extra module for each of them. */
export const everyExtra: ExtraSource = (core) => core.flavor === 'js' ? extraOperators : inlinedExtra(core);
