import * as L from '../../assembly/layout';
import { readKlet, type ArenaTensor } from '../../src/format/klet';
import { compileCore, instantiate } from '../../src/runtime/core';
import { inlinedCores } from '../../src/runtime/inlined';
import { mapMemory } from '../../src/runtime/memory';
import { rawBytes } from '../../src/runtime/tensor';
import type { Flavor } from '../../src/runtime/types';
import type { Engine, Values } from '../stand/engine';

/** kinglet's core without the runtime, to measure the kernels alone. */
export const core: Engine = (file, values, { flavor }) =>
  Promise.resolve(() => {
    const bytes = inlinedCores[flavor as Flavor];
    if (!bytes) throw new Error(`there is no flavor "${flavor}" here`);
    const parts = readKlet(file);
    const { inputs, outputs }: { inputs: ArenaTensor[]; outputs: ArenaTensor[] } = parts.meta;
    const { map, total } = mapMemory(parts);
    const arena = map[4]!;
    const { exports, memory } = instantiate(compileCore(bytes(), `the ${flavor} core`), total);
    const view = new DataView(memory.buffer);
    map.forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
    memory.set(parts.plan, map[0]);
    memory.set(parts.weights, map[2]);
    const { state } = parts.meta;
    if (state) memory.set(parts.weights.subarray(state.initial, state.initial + state.bytes), arena);
    if (exports.validate() !== L.FAULT_NONE) throw new Error('the core refuses the plan');
    exports.prepare();
    inputs.forEach(({ offset }, i) => {
      const { buffer, byteOffset, byteLength } = values[i]!;
      memory.set(new Uint8Array(buffer, byteOffset, byteLength), arena + offset);
    });
    const planBytes = parts.plan.length;
    return Promise.resolve({
      run: () => {
        exports.run(0, planBytes);
      },
      outputs: () =>
        outputs.map(({ offset, ...info }): Values => {
          const raw = memory.slice(arena + offset, arena + offset + rawBytes(info));
          if (info.dtype === 'int8') return new Int8Array(raw.buffer);
          if (info.dtype === 'float32') return new Float32Array(raw.buffer);
          return raw;
        }),
    });
  });
