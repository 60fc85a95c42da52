import { checkChoice, checkOptions, show, type Options } from '../arguments';
import { KletError } from '../errors';
import type { KletParts } from '../format/klet';
import type { Meta } from '../format/meta';
import { pays, writeKlet } from '../format/writeKlet';
import { checkForm } from '../graph/check';
import { cloneGraph } from '../graph/edit';
import { lowerWhole, lowerWithin } from './lower';
import type { Graph, Tensor } from '../graph/graph';
import type { WeightLayout } from '../ops/shared/sparse';
import { UNLIMITED } from '../limits';
import { Model } from '../runtime/model';
import { scalarCore } from '../runtime/scalarCore';
import type { Inputs } from '../runtime/types';
import { checkGraph } from './check';
import { checkMeta } from './meta';
import { encodeSection, encodeWeights } from './entropy';
import { goldenVectors } from './golden';
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
   * Compute int8 convolutions of 3×3 in tiles of 2×2 or 4×4 outputs (Winograd), and those of 3×1
   * and 1×3 in tiles of 4, where that is faster, with the same answers (default true, unless it
   * would exceed `maxMemory`). Such a layer takes up to 27 KB of scratch and 1.8 KB for each input
   * channel.
   */
  winograd?: boolean;
  /**
   * Run consecutive layers in strips of rows, so that wide tensors never exist as a whole, with the
   * same answers. `true` makes the arena as small as an estimated quarter of additional time
   * allows, `false` never does it (default: only if the network would exceed `maxMemory`, and then
   * in the fastest way that does not).
   */
  strips?: boolean;
}

const compileOptions = {
  meta: 'object',
  golden: 'object',
  debugInfo: 'boolean',
  compact: 'boolean',
  maxMemory: 'number',
  weightLayout: 'string',
  winograd: 'boolean',
  strips: 'boolean',
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
  checkMeta(options.meta ?? {}, graph.outputs);
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
  const { parts, runs } = lowerWithin(work, options);
  if (options.golden?.length) parts.golden = goldenVectors(load(parts), options.golden);
  if (options.compact) {
    const coded = encodeWeights(parts.weights, runs);
    return writeKlet(pays(coded, parts.weights) ? { ...parts, weights: coded, coded: true } : parts, encodeSection);
  }
  return writeKlet(parts);
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
  const model = load(lowerWhole(work).parts);
  const values: NonNullable<Tensor['data']>[] = [];
  const raw = model.predict({}, { output: 'raw' });
  work.outputs.forEach((tensor) => {
    const value = work.outputs.length === 1 ? raw : raw[tensor.name];
    values
      .push((value instanceof BigInt64Array ? Int32Array.from(value, Number) : value) as NonNullable<Tensor['data']>);
  });
  return values;
}
