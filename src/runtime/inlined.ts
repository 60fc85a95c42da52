import { extra, extraSimd, extraSimdThreads, extraThreads } from '../../build/extra.js';
import type { CompiledCore, InlinedCores } from './core';
import { bytesOfDigits, scalarCore, scalarThreadedCore, simdCores, simdThreadedCores } from './unpack';

/** All cores, fastest first. For Node, where size does not matter. */
export const inlinedCores: InlinedCores = { ...simdCores, ...scalarCore };

/** The same cores, built for threads. */
export const inlinedThreadedCores: InlinedCores = { ...simdThreadedCores, ...scalarThreadedCore };

/** The extra module for a core. */
export function inlinedExtra({ threaded, flavor }: Pick<CompiledCore, 'threaded' | 'flavor'>): Uint8Array {
  if (flavor !== 'scalar') return bytesOfDigits(threaded ? extraSimdThreads : extraSimd);
  return bytesOfDigits(threaded ? extraThreads : extra);
}
