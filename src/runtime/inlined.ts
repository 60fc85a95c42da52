import * as scalar from '../../build/core.scalar.js';
import type { InlinedCores } from './core';
import { scalarCores, simdCores, simdThreadedCores } from './unpack';

const { cores, threadedCores } = scalarCores(scalar);

/** All cores, fastest first. For Node, where size does not matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...cores };

/** The same, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...threadedCores };
