import { MAP, MAP_PLAN, RECORD_PARALLEL, PARALLEL_PAYS, PARALLEL_POSSIBLE } from '../../assembly/layout';
import { crc32 } from '../../src/format/crc32';
import { openKlet } from '../../src/format/klet';
import type { Flavor } from '../../src/index';
import { UNLIMITED } from '../../src/limits';
import { compileCore, compileExtra, type CompiledCore, type SharedMemory } from '../../src/runtime/core';
import { inlinedCores, inlinedExtra } from '../../src/runtime/inlined';
import { Model } from '../../src/runtime/model';
import type { CoreExports } from '../../src/runtime/types';

const cores = new Map<Flavor, CompiledCore>();

function coreOf(flavor: Flavor): CompiledCore {
  const known = cores.get(flavor) ??
    { ...compileCore(inlinedCores[flavor]!(), flavor), extra: compileExtra(inlinedExtra({ threaded: false, flavor })) };
  cores.set(flavor, known);
  return known;
}

/** Private fields of a model's engine. */
interface Engine {
  core: CoreExports;
  shared: SharedMemory;
  records: number[];
  planBytes: number;
}

function engineOf(model: Model): Engine {
  return (model as unknown as { engine: Engine }).engine;
}

/** The memory of a model. */
export function memoryOf(model: Model): ArrayBufferLike {
  return engineOf(model).shared.buffer;
}

/**
 * Makes threads share every parallel record, however small. Must be called before the first run,
 * because the workers read the plan and may still do so after a run.
 */
export function shareAll(model: Model): void {
  const { shared, records } = engineOf(model);
  const view = new DataView(shared.buffer);
  const plan = view.getUint32(MAP + MAP_PLAN, true);
  for (const at of records) {
    if (view.getUint8(plan + at + RECORD_PARALLEL) === PARALLEL_POSSIBLE) {
      view.setUint8(plan + at + RECORD_PARALLEL, PARALLEL_PAYS);
    }
  }
}

/**
 * A model whose records are run share by share on one thread, in the given order of threads (such
 * as [2, 0, 1]). Every parallel record is shared, however small.
 */
export function loadInShares(klet: Uint8Array, flavor: Flavor, order: readonly number[]): Model {
  const model = new Model(
    coreOf(flavor),
    openKlet(klet, 'the model', crc32, Infinity),
    'the model',
    UNLIMITED,
    order.length,
  );
  const engine = engineOf(model);
  const { core, records, planBytes } = engine;
  shareAll(model);
  engine.core = Object.create(core, {
    run: {
      value(from: number, to: number) {
        records.forEach((at, i) => {
          if (at < from || at >= to) return;
          for (const index of order) {
            core.register(index, order.length, false);
            core.run(at, records[i + 1] ?? planBytes);
          }
        });
        return -1;
      },
    },
  }) as CoreExports;
  return model;
}
