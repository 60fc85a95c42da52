import { scalar, simd } from '../../build/core.js';
import { fromBase64 } from './base64';
import type { InlinedCores } from './core';

/** The cores that the full bundles carry, best first. */
export const inlinedCores: InlinedCores = { simd: () => fromBase64(simd), scalar: () => fromBase64(scalar) };
