import * as L from '../../assembly/layout';
import { checkChoice, checkOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import type { DebugInfo } from '../format/debugInfo';
import { MINOR, type ArenaTensor, type KletParts, type StateInfo } from '../format/klet';
import type { Meta, TensorInfo } from '../format/meta';
import { pays, writeKlet } from '../format/writeKlet';
import { checkForm, malformed } from '../graph/check';
import { cloneGraph } from '../graph/edit';
import { elementCount, perTensor, type Graph, type State, type Tensor } from '../graph/graph';
import { operatorOf } from '../ops/index';
import { reshapeNode } from '../ops/nodes';
import type { WeightLayout } from '../ops/shared/sparse';
import { emitCopy } from '../ops/shared/emit';
import { UNLIMITED } from '../limits';
import { mapMemory, validatePlan } from '../runtime/memory';
import { Model } from '../runtime/model';
import { scalarCore } from '../runtime/scalarCore';
import type { Inputs } from '../runtime/types';
import { checkGraph } from './check';
import { checkMeta } from './meta';
import { Emitter, type CodedRun, type EmitOptions } from '../ops/emitter';
import { encodeSection, encodeWeights } from './entropy';
import { goldenVectors } from './golden';
import { placeStates, planMemory } from './memory';
import { dropDead } from './passes/dropDead';
import { foldConstants } from './passes/foldConstants';
import { foldPad } from './passes/foldPad';
import { fuseActivation } from './passes/fuseActivation';
import { ownOutputs } from './passes/ownOutputs';
import { readStates } from './passes/readStates';
import { uint8ToInt8 } from './passes/uint8ToInt8';
import { wideInFloat } from './passes/wideInFloat';

export interface CompileOptions {
  /** Entries for the META section: labels, preprocessing, provenance, accuracy or any others. */
  meta?: Partial<Omit<Meta, 'inputs' | 'outputs'>>;
  /** Inputs to store in the file with their outputs as golden cases, for `selfTest()`. */
  golden?: readonly Inputs[];
  /**
   * Store names, operators and buffers of the arena for `inspect` and `profile` (default true).
   * They are not needed to run the network.
   */
  debugInfo?: boolean;
  /**
   * Entropy-code the weights, the plan, the golden cases and the debug information, each if that
   * makes it smaller (default false). The weights are decoded during load, at about 400 MB/s.
   */
  compact?: boolean;
  /** Refuse a network that needs more memory to run than this, in bytes (default: no limit). */
  maxMemory?: number;
  /**
   * Layout of int8 weights (default: the one estimated to be fastest): dense, or lists of the
   * nonzero weights or packed weights of four bits in layers that have such a kernel.
   */
  weightLayout?: WeightLayout;
  /**
   * Compute int8 convolutions of 3×3 in tiles of 2×2 or 4×4 outputs (Winograd) where that is
   * faster, with the same answers (default true, unless it would exceed `maxMemory`). Such a layer
   * takes up to 27 KB of scratch and 1.8 KB for each input channel.
   */
  winograd?: boolean;
}

const compileOptions = {
  meta: 'object',
  golden: 'object',
  debugInfo: 'boolean',
  compact: 'boolean',
  maxMemory: 'number',
  weightLayout: 'string',
  winograd: 'boolean',
} satisfies Options<CompileOptions>;

const layouts = { dense: true, pairs: true, blocks: true, nibbles: true } satisfies Record<WeightLayout, true>;

/** The passes, in order; the graph is checked after each. */
const passes: [name: string, pass: (graph: Graph) => void][] = [['dropDead', dropDead], ['uint8ToInt8', uint8ToInt8], [
  'wideInFloat',
  wideInFloat,
], ['foldConstants', (graph) => foldConstants(graph, evaluate)], ['foldPad', foldPad], ['fuseActivation',
  fuseActivation], ['readStates', readStates], ['ownOutputs', ownOutputs], ['dropDead', dropDead]];

/**
 * Compiles a network to a `.klet` file.
 *
 * @returns the bytes of the file
 * @throws KletError `UNSUPPORTED_OP` (with a list of all operators in unsupported forms),
 *   `INVALID_GRAPH`, `UNSUPPORTED_TYPE` or `OUT_OF_MEMORY`
 */
export function compile(graph: Graph, options: CompileOptions = {}): Uint8Array {
  checkForm(graph);
  checkOptions(options, compileOptions, 'compile()');
  checkMeta(options.meta ?? {});
  const { weightLayout, golden = [] } = options;
  if (weightLayout !== undefined) checkChoice(weightLayout, layouts, 'weightLayout', 'compile()');
  if (!Array.isArray(golden)) {
    throw new KletError('BAD_ARGUMENT', `the option "golden" of compile() takes an array, not ${show(golden)}`);
  }
  const work = cloneGraph(graph);
  checkGraph(work, 'import');
  for (const [name, pass] of passes) {
    pass(work);
    checkGraph(work, name);
  }
  const lowered = (winograd: boolean | undefined): [KletParts, CodedRun[]] =>
    lower(work, options.meta ?? {}, options.debugInfo ?? true, { ...options, winograd });
  let [parts, runs] = lowered(options.winograd);
  if (options.winograd === undefined && !isWithin(parts, options.maxMemory)) [parts, runs] = lowered(false);
  checkMemory(parts, options.maxMemory);
  if (options.golden?.length) parts.golden = goldenVectors(load(parts), options.golden);
  if (options.compact) {
    const coded = encodeWeights(parts.weights, runs);
    return writeKlet(pays(coded, parts.weights) ? { ...parts, weights: coded, coded: true } : parts, encodeSection);
  }
  return writeKlet(parts);
}

function isWithin(parts: KletParts, maxMemory = Infinity): boolean {
  return mapMemory(parts).total <= maxMemory;
}

function checkMemory(parts: KletParts, maxMemory = Infinity): void {
  if (isWithin(parts, maxMemory)) return;
  const { total } = mapMemory(parts);
  throw new KletError(
    'OUT_OF_MEMORY',
    `"${parts.meta.name}" needs ${total} bytes of memory and the limit is ${maxMemory}: `
      + `${parts.weights.length} weights, ${parts.arenaBytes} arena, ${parts.scratchBytes} scratch`,
  );
}

function lower(
  graph: Graph,
  meta: Partial<Meta>,
  withDebugInfo: boolean,
  { maxMemory, ...choices }: EmitOptions & Pick<CompileOptions, 'maxMemory'> = {},
): [KletParts, CodedRun[]] {
  const emit = new Emitter(choices);
  for (const tensor of graph.inputs) {
    emit.allocate(tensor);
    emit.touch(tensor, -1);
  }
  for (const { value, initial } of graph.states ?? []) {
    emit.persist(value, initial);
    emit.touch(value, -1);
  }
  const refusals: string[] = [];
  for (const node of graph.nodes) {
    try {
      operatorOf(node.op).lower(node, emit);
    } catch (error) {
      if (!(error instanceof KletError) || error.code !== 'UNSUPPORTED_OP') throw malformed(node, error);
      refusals.push(error.message);
    }
  }
  if (refusals.length > 0) {
    throw new KletError(
      'UNSUPPORTED_OP',
      `"${graph.name}" has ${refusals.length} operators in a form that kinglet does not have:\n${
        refusals.map((line) => `  ${line}`).join('\n')
      }`,
    );
  }
  for (const state of graph.states ?? []) emitAssignment(state, emit);
  for (const tensor of graph.outputs) emit.touch(tensor, emit.records.length);
  const state = stateOf(emit, graph.carries === true || (graph.states ?? []).length > 0);
  const arenaBytes = planMemory(emit.buffers);
  const plan = emit.plan();
  const weights = emit.weights();
  checkReach(meta.name ?? graph.name, 'its tensors', arenaBytes);
  checkReach(meta.name ?? graph.name, 'its constants', weights.length);
  const parts: KletParts = {
    meta: {
      ...meta,
      name: meta.name ?? graph.name,
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
  // before the core gets a memory of this size
  checkMemory(parts, maxMemory);
  parts.scratchBytes = scratchBytes(parts);
  if (withDebugInfo) parts.debugInfo = debugInfoOf(emit);
  return [parts, emit.runs()];
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

/** Emits the copy of a state's next value to the state, the last step of a run. */
function emitAssignment({ value, next }: State, emit: Emitter): void {
  if (next === value) return;
  emitCopy(reshapeNode(next, value), emit, next, value, [elementCount(value.shape)], [1], [1]);
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
    arena: emit.buffers.filter((b) => b.initial ?? b.first <= b.last).map((
      b,
    ) => (b.initial
      ? [b.name, b.offset, b.bytes, -1, emit.records.length]
      : [b.name, b.offset, b.bytes, b.first, b.last])
    ),
  };
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

function load(parts: KletParts): Model {
  return new Model(
    scalarCore(),
    {
      ...parts,
      readDebug: () => undefined,
      recordName: (index) => parts.debugInfo?.records[index]?.name,
      readGolden: () => parts.golden,
    },
    parts.meta.name,
    UNLIMITED,
  );
}

/** Runs a network without inputs and returns its outputs. */
function evaluate(graph: Graph): NonNullable<Tensor['data']>[] {
  const work = cloneGraph(graph);
  ownOutputs(work);
  const model = load(lower(work, {}, false)[0]);
  const values: NonNullable<Tensor['data']>[] = [];
  const raw = model.predict({}, { output: 'raw' });
  work.outputs.forEach((tensor) => {
    const value = work.outputs.length === 1 ? raw : raw[tensor.name];
    values
      .push((value instanceof BigInt64Array ? Int32Array.from(value, Number) : value) as NonNullable<Tensor['data']>);
  });
  return values;
}
