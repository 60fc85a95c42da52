import * as scalar from '../../build/core.scalar.js';
import type { InlinedCores } from './core';
import { scalarCores, simdCores, simdThreadedCores } from './unpack';

const { cores, threadedCores } = scalarCores(scalar);

/** All cores, best first: for Node, where size is no matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...cores };

/** The same, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...threadedCores };
