import { extra, extraSimd, extraSimdThreads, extraThreads } from '../../build/extra.js';
import type { InlinedCores } from './core';
import { bytesOfDigits, scalarCore, scalarThreadedCore, simdCores, simdThreadedCores } from './unpack';

/** All cores, fastest first. For Node, where size does not matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...scalarCore };

/** The same cores, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...scalarThreadedCore };

/** The extra module, built for threads or with SIMD. */
export function inlinedExtra(threaded: boolean, simd: boolean): Uint8Array {
  if (simd) return bytesOfDigits(threaded ? extraSimdThreads : extraSimd);
  return bytesOfDigits(threaded ? extraThreads : extra);
}
