import * as L from '../../assembly/layout';
import { KletError } from '../errors';
import { alignUp, codedRoom, MAJOR, MINOR, tooMuchMemory, weightsBytes, type ArenaTensor, type KletParts,
  type OpenedKlet } from '../format/klet';
import { ioBytes } from '../format/meta';
import { recordOffsets } from '../format/records';
import type { Limits } from '../limits';
import type { CompiledCore, Core, SharedMemory } from './core';
import type { CoreExports, MemoryUse } from './types';

// The memory of a model: its map, and loading the sections of a file into it.

/** Addresses of the coded weights during in-place decoding, and of the decoder's work area. */
interface CodedAddresses {
  section: number;
  room: number;
}

/**
 * The memory map of a model: plan, weights, arena, then scratch for each thread.
 *
 * @returns `map`: address and size in bytes of plan, weights, arena and scratch, as the core's MAP
 *   has them; `total`: bytes of memory to allocate
 */
export function mapMemory(
  parts: Pick<KletParts, 'plan' | 'weights' | 'coded' | 'arenaBytes' | 'scratchBytes'>,
  threads = 1,
): { map: number[]; total: number; coded?: CodedAddresses } {
  const map: number[] = [];
  let at = L.RESERVED;
  for (const bytes of [parts.plan.length, weightsBytes(parts), parts.arenaBytes, parts.scratchBytes]) {
    map.push(at, bytes);
    at = alignUp(at + bytes, L.SECTION_ALIGNMENT);
  }
  at += (threads - 1) * alignUp(parts.scratchBytes, L.SECTION_ALIGNMENT);
  if (!parts.coded) return { map, total: at + L.SLACK };
  const { lead, bytes } = codedRoom(parts.weights);
  const section = map[2]! + lead;
  // the decoder's room begins after both sections, whatever lead the file claims, so that decoding
  // overwrites only bytes that it has read
  const room = alignUp(Math.max(section + parts.weights.length + L.SLACK, map[2]! + map[3]!), L.SECTION_ALIGNMENT);
  return { map, total: Math.max(at, room + bytes) + L.SLACK, coded: { section, room } };
}

/** A core with the sections of a file in its memory. */
export interface LoadedCore extends Core {
  map: number[];
  /** Bytes of scratch for one thread. */
  scratchBytes: number;
  /** The part of the arena that is cleared before each run, because the plan may read it first. */
  stale: Uint8Array;
  /** Multiply-adds of one prediction. */
  work: number;
}

/**
 * Instantiates a core, loads a file's sections into its memory, and validates and prepares the
 * plan.
 *
 * @param where the file's name in error messages
 * @param threads number of threads to reserve scratch for
 * @throws KletError `OUT_OF_MEMORY`, `TOO_MUCH_WORK`, `CORRUPT`, or `BAD_VERSION` for records of a
 *   later format
 */
export function loadCore(
  compiled: CompiledCore,
  parts: OpenedKlet,
  where: string,
  limits: Limits,
  threads: number,
): LoadedCore {
  const isPlain = compiled.flavor === 'js';
  // the core in plain JavaScript needs no scratch
  const loading = { compiled, parts: isPlain ? { ...parts, scratchBytes: 0 } : parts, where, limits, threads };
  let loaded = loadSections(loading);
  const needed = loaded.exports.scratchOf();
  if (isPlain) {
    // it keeps arrays beside its memory instead
    checkTotal(loading, loaded.memory.length + needed);
  } else if (needed > parts.scratchBytes) {
    // the file has the scratch size of the core that compiled it; this core needs more
    loaded = withScratch(loaded, { ...loading, parts: { ...parts, scratchBytes: needed } });
  }
  loaded.exports.prepare();
  return loaded;
}

/** What a core is loaded from. */
interface Loading {
  compiled: CompiledCore;
  parts: OpenedKlet;
  where: string;
  limits: Limits;
  threads: number;
}

/** Makes a memory, and writes its map. */
function allocate(loading: Loading): Core & ReturnType<typeof mapMemory> {
  const layout = mapMemory(loading.parts, loading.threads);
  checkTotal(loading, layout.total);
  const core = loading.compiled.start(layout.total);
  const view = new DataView(core.memory.buffer);
  layout.map.forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
  return { ...core, ...layout };
}

function checkTotal({ parts, where, limits: { maxMemory } }: Loading, total: number): void {
  if (total > maxMemory) {
    throw tooMuchMemory(where, total, maxMemory, { ...parts, plan: parts.plan.length, weights: weightsBytes(parts) });
  }
  if (total > 2 ** 32 - 65536) {
    throw new KletError('OUT_OF_MEMORY', `${where} needs ${total} bytes, more than WebAssembly can address (4 GiB)`);
  }
  if (parts.arenaBytes > L.MAX_SECTION) {
    throw new KletError(
      'OUT_OF_MEMORY',
      `${where} needs an arena of ${parts.arenaBytes} bytes, more than a plan reaches (2 GiB)`,
    );
  }
}

/** Moves plan and weights, and what is known of them, to a memory with more scratch. */
function withScratch({ memory, work }: LoadedCore, loading: Loading): LoadedCore {
  const { map, ...core } = allocate(loading);
  core.memory.set(memory.subarray(L.OPERAND_COUNT, map[2]! + map[3]!), L.OPERAND_COUNT);
  return { ...core, map, work, scratchBytes: loading.parts.scratchBytes, stale: staleIn(core.memory, map) };
}

function loadSections(loading: Loading): LoadedCore {
  const { parts, where, limits } = loading;
  const { exports, memory, shared, map, coded } = allocate(loading);
  memory.set(parts.plan, map[0]);
  memory.set(parts.weights, coded ? coded.section : map[2]);
  if (coded && exports.decode(coded.section, parts.weights.length, coded.room) !== L.FAULT_NONE) {
    throw new KletError('CORRUPT', `${where} is damaged: its weights cannot be decoded; fetch or convert it again`);
  }
  const fault = validatePlan(exports, parts);
  if (fault !== L.FAULT_NONE) throw faultIn(parts, fault, exports.faultOffset() >>> 0, where);
  const work = new DataView(memory.buffer).getFloat64(L.PLAN_WORK, true);
  if (work > limits.maxWork) {
    throw new KletError(
      'TOO_MUCH_WORK',
      `${where} needs ${work} multiply-adds for a prediction and the limit is ${limits.maxWork}; ` +
        'raise it with the option maxWork if you trust the file',
    );
  }
  return { exports, memory, shared, map, work, scratchBytes: parts.scratchBytes, stale: staleIn(memory, map) };
}

/** The part of the arena that is cleared before each run. */
function staleIn(memory: Uint8Array, map: readonly number[]): Uint8Array {
  const view = new DataView(memory.buffer);
  const [from, to] = [L.ARENA_HULL_FROM, L.ARENA_HULL_TO].map((at) => map[4]! + view.getUint32(at, true));
  return memory.subarray(from, to);
}

/**
 * Validates a plan, whose sections are in memory, with what the host writes before a run and reads
 * after it.
 *
 * @returns a FAULT_ code
 */
export function validatePlan(exports: CoreExports, { meta }: Pick<KletParts, 'meta'>): number {
  const spanOf = (
    { dtype, shape, offset }: ArenaTensor,
  ): [number, number] => [offset, offset + shape.reduce((a, b) => a * b, ioBytes[dtype][1])];
  const stateBytes = meta.state?.bytes ?? 0;
  if (stateBytes > 0) exports.given(0, stateBytes, 1);
  for (const input of meta.inputs) exports.given(...spanOf(input), 0);
  const fault = exports.validate();
  for (const output of meta.outputs) exports.wanted(...spanOf(output), Number(output.dtype !== 'float32'));
  exports.keep(stateBytes);
  return fault;
}

const faults: Record<number, string> = {
  [L.FAULT_OPCODE]: 'has an unknown opcode',
  [L.FAULT_RECORD_SIZE]: 'has a wrong size',
  [L.FAULT_ARENA]: 'reaches outside the arena',
  [L.FAULT_WEIGHTS]: 'reaches outside the weights',
  [L.FAULT_ATTRIBUTE]: 'has an attribute out of range',
  [L.FAULT_ALIGNMENT]: 'has a misaligned offset',
  [L.FAULT_OVERLAP]: 'writes over its own operands',
  [L.FAULT_TABLES]: 'has tables that together would take too long to check',
};

/** The error for a plan that the core refused. */
function faultIn(parts: OpenedKlet, fault: number, at: number, where: string): KletError {
  const index = recordOffsets(parts.plan).indexOf(at);
  const name = parts.recordName?.(index);
  const record = `record ${index}${name ? ` ("${name}")` : ''} at plan offset ${at}`;
  if (fault === L.FAULT_OPCODE && parts.minor > MINOR) {
    return new KletError(
      'BAD_VERSION',
      `${where} has format version ${MAJOR}.${parts.minor}, this kinglet reads ${MAJOR}.${MINOR}: ` +
        `${record} has an unknown opcode; update kinglet`,
    );
  }
  return new KletError(
    'CORRUPT',
    `${where} is damaged: ${record} ${faults[fault] ?? `has fault ${fault}`}; fetch or convert it again`,
  );
}

/** Sizes of the memory of a loaded model, in bytes. */
export function memoryUse(parts: OpenedKlet, { memory, scratchBytes }: LoadedCore, threads: number): MemoryUse {
  return {
    total: memory.length,
    plan: parts.plan.length,
    weights: weightsBytes(parts),
    arena: parts.arenaBytes,
    scratch: scratchBytes + (threads - 1) * alignUp(scratchBytes, L.SECTION_ALIGNMENT),
    state: parts.meta.state?.bytes ?? 0,
  };
}

/** A second core on a copy of the memory, with the thread synchronization words reset. */
export function copyCore(compiled: CompiledCore, { buffer }: SharedMemory): Core {
  const core = compiled.start(buffer.byteLength);
  core.memory.set(new Uint8Array(buffer));
  core.memory.fill(0, L.SYNC_JOB, L.STATIC_DATA);
  return core;
}
