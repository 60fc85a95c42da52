import * as L from '../../assembly/layout';
import { KletError } from '../errors';
import type { DebugInfo, StripInfo } from '../format/debugInfo';
import { MINOR, type ArenaTensor, type KletParts, type StateInfo } from '../format/klet';
import type { Meta, TensorInfo } from '../format/meta';
import { perTensor, type Graph, type Tensor } from '../graph/graph';
import { Emitter, type CodedRun, type EmitOptions } from '../ops/emitter';
import { mapMemory, validatePlan } from '../runtime/memory';
import { scalarCore } from '../runtime/scalarCore';
import { emitGraph, type EmittedNodes, type Strips } from './emitGraph';
import { partsOf, placeStates, planMemory } from './memory';
import { StripSearch } from './strips/search';

export interface LowerOptions extends EmitOptions {
  meta?: Partial<Meta>;
  debugInfo?: boolean;
  maxMemory?: number;
  strips?: boolean | undefined;
}

/** The sections of a file, and what the entropy coder needs to know of the weights. */
export interface Lowered {
  parts: KletParts;
  runs: CodedRun[];
}

/** How often strips are chosen again because the network still exceeds `maxMemory`. */
const MAX_ATTEMPTS = 4;
/** The estimated time that strips may cost if they are asked for, relative to the network's. */
const MOST_EXTRA = 0.25;

/**
 * Lowers a graph in the fastest form that does not exceed `maxMemory`.
 *
 * @throws KletError `UNSUPPORTED_OP`, `INVALID_GRAPH` or `OUT_OF_MEMORY`
 */
export function lowerWithin(graph: Graph, options: LowerOptions): Lowered {
  const { maxMemory = Infinity } = options;
  let smallest: Lowered | undefined;
  for (const winograd of options.winograd === undefined ? [undefined, false] : [options.winograd]) {
    for (const lowered of attempts(graph, { ...options, winograd })) {
      if (totalOf(lowered) <= maxMemory) return lowered;
      if (!smallest || totalOf(lowered) < totalOf(smallest)) smallest = lowered;
    }
  }
  const { parts } = smallest!;
  throw new KletError(
    'OUT_OF_MEMORY',
    `"${parts.meta.name}" needs ${totalOf(smallest!)} bytes of memory and the limit is ${maxMemory}: `
      + `${parts.weights.length} weights, ${parts.arenaBytes} arena, ${parts.scratchBytes} scratch`,
  );
}

function totalOf({ parts }: Lowered): number {
  return mapMemory(parts).total;
}

/** Forms of a network, first the preferred one, then the fastest strips that may fit. */
function* attempts(graph: Graph, options: LowerOptions): Generator<Lowered> {
  const { maxMemory = Infinity, strips } = options;
  const emit = new Emitter(options);
  const nodes = emitGraph(graph, emit);
  let lowered: Lowered | undefined;
  if (strips !== true) {
    lowered = finish(graph, emit, options);
    yield lowered;
    if (strips === false) return;
  }
  const wholeArena = lowered?.parts.arenaBytes ?? planMemory(emit.buffers);
  const search = new StripSearch(graph, emit, nodes);
  if (!lowered) {
    const smallest = search.smallest(MOST_EXTRA);
    lowered = smallest ? lowerStrips(graph, options, smallest, wholeArena) : finish(graph, emit, options);
    yield lowered;
  }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { arenaBytes, plan } = lowered.parts;
    const fastest = search.fastest(arenaBytes + plan.length - (totalOf(lowered) - maxMemory));
    if (!fastest) return;
    lowered = lowerStrips(graph, options, fastest, wholeArena);
    yield lowered;
  }
}

/** Lowers a graph in the given strips. `wholeArena` are the bytes of its arena without them. */
export function lowerStrips(graph: Graph, options: LowerOptions, strips: Strips, wholeArena: number): Lowered {
  const emit = new Emitter(options);
  const nodes = emitGraph(graph, emit, strips);
  return finish(graph, emit, options, { nodes, wholeArena });
}

/** Lowers a graph without strips, whatever memory it takes. */
export function lowerWhole(graph: Graph): Lowered {
  const emit = new Emitter();
  emitGraph(graph, emit);
  return finish(graph, emit, { debugInfo: false });
}

/** Plans the memory of an emitted graph. */
function finish(
  graph: Graph,
  emit: Emitter,
  { meta = {}, debugInfo = true, maxMemory = Infinity }: LowerOptions,
  strips?: { nodes: readonly EmittedNodes[]; wholeArena: number },
): Lowered {
  const name = meta.name ?? graph.name;
  const state = stateOf(emit, graph.carries === true || (graph.states ?? []).length > 0);
  const arenaBytes = planMemory(emit.buffers);
  const plan = emit.plan();
  const weights = emit.weights();
  checkReach(name, 'its tensors', arenaBytes);
  checkReach(name, 'its constants', weights.length);
  const parts: KletParts = {
    meta: {
      ...(graph.reference && { reference: graph.reference }),
      ...meta,
      name,
      inputs: graph.inputs.map((t) => describePort(t, emit)),
      outputs: graph.outputs.map((t) => describePort(t, emit)),
      ...(state && { state }),
    },
    plan,
    weights,
    arenaBytes,
    scratchBytes: 0,
    minor: MINOR,
  };
  // the core gets no memory of a size that is refused anyway
  if (mapMemory(parts).total <= maxMemory) parts.scratchBytes = scratchBytes(parts);
  if (debugInfo) parts.debugInfo = { ...debugInfoOf(emit), ...(strips && { strips: stripInfoOf(emit, strips) }) };
  return { parts, runs: emit.runs() };
}

/** Checks that sources, which have 31 bits, reach every byte of a section. */
function checkReach(name: string, what: string, bytes: number): void {
  if (bytes <= L.MAX_SECTION) return;
  throw new KletError(
    'INVALID_GRAPH',
    `"${name}" needs ${bytes} bytes for ${what}, and a plan reaches ${L.MAX_SECTION} (2 GiB); ` +
      'reduce the batch or the shapes',
  );
}

/** The states for META; their initial bytes are in WEIGHTS. */
function stateOf(emit: Emitter, carries: boolean): StateInfo | undefined {
  const bytes = placeStates(emit.buffers);
  if (bytes === 0) return undefined;
  const initial = new Uint8Array(bytes);
  for (const buffer of emit.buffers) if (buffer.initial) initial.set(buffer.initial, buffer.offset);
  return {
    bytes,
    initial: emit.constant(initial),
    ...(carries && { carries }),
    tensors: emit.states.map((tensor) => ({
      name: tensor.name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      ...quantizationOf(tensor),
      offset: emit.arenaOffset(tensor),
    })),
  };
}

function describePort(tensor: Tensor, emit: Emitter): ArenaTensor {
  const info: TensorInfo = { name: tensor.name, dtype: tensor.dtype, shape: tensor.shape };
  return { ...info, ...quantizationOf(tensor), offset: emit.arenaOffset(tensor) };
}

function quantizationOf(tensor: Tensor): { scale: number; zeroPoint: number } | undefined {
  return tensor.quantization?.scale.length === 1 &&
      (tensor.dtype === 'int8' || tensor.dtype === 'uint8' || tensor.dtype === 'int16')
    ? perTensor(tensor)
    : undefined;
}

function debugInfoOf(emit: Emitter): DebugInfo {
  return {
    records: emit.records.map(({ name, op, shape, macs, weights, layout, density }) => ({
      name,
      op,
      shape,
      macs,
      weights,
      ...(layout && { layout, density }),
    })),
    arena: emit.buffers.filter((b) => b.initial ?? b.first <= b.last).flatMap((buffer) => {
      const { name, offset, bytes } = buffer;
      const parts = buffer.initial ? [{ from: 0, to: bytes, first: -1, last: emit.records.length }] : partsOf(buffer);
      return parts.map((
        { from, to, first, last },
      ): DebugInfo['arena'][number] => [name, offset + from, to - from, first, last]);
    }),
  };
}

function stripInfoOf(
  emit: Emitter,
  { nodes, wholeArena }: { nodes: readonly EmittedNodes[]; wholeArena: number },
): StripInfo {
  const segments = nodes.flatMap(({ firstRecord, strips }, i): StripInfo['segments'] =>
    strips === undefined ? [] : [[firstRecord, nodes[i + 1]?.firstRecord ?? emit.records.length, strips]]
  );
  return { wholeArena, segments };
}

/** Asks the core for the scratch bytes that a plan needs, which also validates the plan. */
function scratchBytes(parts: KletParts): number {
  const { map, total } = mapMemory(parts);
  const { exports, memory } = scalarCore().start(total);
  const view = new DataView(memory.buffer);
  map.forEach((value, i) => view.setUint32(L.MAP + i * 4, value, true));
  memory.set(parts.plan, map[0]);
  memory.set(parts.weights, map[2]);
  const fault = validatePlan(exports, parts);
  if (fault !== L.FAULT_NONE) {
    throw new KletError(
      'INVALID_GRAPH',
      `"${parts.meta.name}": the core refuses the plan at offset ${exports.faultOffset()} (fault ${fault})`,
    );
  }
  return exports.scratchOf();
}
