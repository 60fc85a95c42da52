// The entry kinglet/js/extra.
import { extraOperators } from './js/extra/index';
import type { ExtraOperators } from './runtime/core';

export type { ExtraOperators };

/**
 * The operators that few networks have, for the option `extra` of `load` and `loadSync` where the
 * plain-JavaScript core runs a network with such operators.
 */
export const extra: ExtraOperators = extraOperators;
