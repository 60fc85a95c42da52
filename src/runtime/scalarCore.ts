import type { OpenedKlet } from '../format/klet';
import { compileCore, compileExtra, type CompiledCore } from './core';
import { inlinedCores, inlinedExtra } from './inlined';
import { TOOL_LIMITS } from '../limits';
import { loadCore } from './memory';

// The scalar core with all operators, for tools. It runs in every engine with WebAssembly.

let compiled: CompiledCore | undefined;

/** The scalar core with the extra module, compiled at the first call. */
export function scalarCore(): CompiledCore {
  if (!compiled) {
    compiled = compileCore(inlinedCores.scalar!(), 'the scalar core');
    compiled.extra = compileExtra(inlinedExtra(compiled));
  }
  return compiled;
}

/**
 * The weights of a file as the core has them in memory. The core also checks every record of the
 * plan.
 *
 * @throws KletError `CORRUPT` or `OUT_OF_MEMORY`
 */
export function weightsInMemory(parts: OpenedKlet): Uint8Array {
  const { memory, map } = loadCore(scalarCore(), parts, 'the model', TOOL_LIMITS, 1);
  return memory.slice(map[2], map[2]! + map[3]!);
}
