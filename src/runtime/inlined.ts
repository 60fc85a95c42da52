import { extra, extraThreads } from '../../build/extra.js';
import type { InlinedCores } from './core';
import { bytesOfDigits, scalarCore, scalarThreadedCore, simdCores, simdThreadedCores } from './unpack';

/** All cores, fastest first. For Node, where size does not matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...scalarCore };

/** The same cores, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...scalarThreadedCore };

/** The extra module. */
export const inlinedExtra = (threaded: boolean): Uint8Array => bytesOfDigits(threaded ? extraThreads : extra);
