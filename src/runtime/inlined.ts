import { order, relaxedPatch, scalar, simd } from '../../build/core.js';
import type { InlinedCores } from './core';
import { applyPatch } from './patch';
import { bytesOfText } from './text';

/** The cores that the full bundles carry, best first. */
export const inlinedCores: InlinedCores = {
  relaxed: () => applyPatch(bytesOfText(simd, order), bytesOfText(relaxedPatch, order)),
  simd: () => bytesOfText(simd, order),
  scalar: () => bytesOfText(scalar, order),
};
