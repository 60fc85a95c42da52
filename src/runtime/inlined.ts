import type { InlinedCores } from './core';
import { scalarCore, scalarThreadedCore, simdCores, simdThreadedCores } from './unpack';

/** All cores, fastest first. For Node, where size does not matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...scalarCore };

/** The same cores, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...scalarThreadedCore };
