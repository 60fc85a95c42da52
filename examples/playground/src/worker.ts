import { compare, compile, importerOf, KletError, prune, quantizationReport, readKlet, toC, toScript, importModel,
  type Comparison, type Graph, type QuantizationReport } from '../../../src/compiler/index';
import { load, type Flavor, type Model } from '../../../src/browser';
import type { Call, Changed, DrawnNode, Network, OpenOptions, Reply, Tasks, Timing, Variant } from './messages';

// The work that takes time: conversion, quantization, measurements. The network that was opened
// last stays here.

let graph: Graph | undefined;
let meta: Partial<Variant['meta']> = {};
let report: (text: string, part?: number) => void = () => undefined;

const NOISE = 32;
const KLET = 0x54454c4b; // "KLET"
/** Milliseconds that each build is measured in each round. */
const MEASURED = 60;
const ROUNDS = 7;

function variantOf(klet: Uint8Array, label: string): Variant {
  const { meta, debugInfo, plan, weights, arenaBytes, scratchBytes } = readKlet(klet);
  return {
    label,
    klet,
    meta,
    records: debugInfo?.records ?? [],
    arena: debugInfo?.arena ?? [],
    arenaBytes,
    scratchBytes,
    planBytes: plan.length,
    weightsBytes: weights.length,
  };
}

function drawn({ nodes }: Graph): DrawnNode[] {
  const producers = new Map(nodes.flatMap((node, i) => node.outputs.map((tensor) => [tensor, i] as const)));
  return nodes.map(({ name, op, inputs, outputs }) => {
    const given = inputs.filter((tensor) => tensor !== null);
    const weights = given.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    const from = given.filter(({ data }) => !data).map((tensor) => producers.get(tensor) ?? -1);
    const [first] = outputs;
    const shape = first ? `${first.shape.join('×') || 'scalar'} ${first.dtype}` : '';
    return { name, op, shape, weights, from: [...new Set(from)] };
  });
}

/** The labels among the files, one a line. */
function labelsOf(files: Record<string, Uint8Array>): string[] | undefined {
  const [, bytes] = Object.entries(files).find(([name]) => name.toLowerCase().endsWith('.txt')) ?? [];
  const lines = bytes && new TextDecoder().decode(bytes).trim().split(/\r?\n/);
  return lines?.map((line) => line.trim());
}

async function open(files: Record<string, Uint8Array>, options: OpenOptions): Promise<Network> {
  const networks = Object.entries(files).filter(([name]) => !name.toLowerCase().endsWith('.txt'));
  if (networks.length === 0) {
    throw new KletError('BAD_MAGIC', 'there is no network among these files; choose the file of a network as well');
  }
  const fileBytes = networks.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  const [[name, bytes]] = networks as [[string, Uint8Array]];
  const labels = labelsOf(files);
  const magic = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
  if (networks.length === 1 && magic === KLET) {
    const variant = variantOf(bytes, 'as it was opened');
    graph = undefined;
    if (labels) variant.meta = { ...variant.meta, labels };
    return { name: variant.meta.name, format: 'kinglet', fileBytes, nodes: [], isFloat: false, variant };
  }
  const title = name.replace(/\.[^.]*$/, '');
  const [main = bytes] = networks.map(([, one]) => one).filter((one) => importerOf(one));
  report('Reading', 0);
  const imported = await importModel(networks.length === 1 ? bytes : Object.fromEntries(networks), {
    name: title,
    ...options,
    onProgress: (part) => {
      report('Reading', part);
    },
  });
  report('Compiling');
  const importer = importerOf(main)!;
  const given = { ...importer.meta?.(main), ...(labels && { labels }) };
  const isFloat = imported.inputs.every(({ dtype }) => dtype === 'float32') &&
    !imported.nodes.some(({ inputs }) => inputs.some((tensor) => tensor?.quantization));
  const variant = variantOf(compile(imported, { meta: given }), isFloat ? 'float32' : 'as it was opened');
  // only now, because the network before stays open if this one is refused
  meta = given;
  graph = imported;
  return { name: title, format: importer.title, fileBytes, nodes: drawn(imported), isFloat, variant };
}

/** Noise in place of samples, from −1 to 1, with the same values every time. */
function noise({ inputs }: Graph): Float32Array[] {
  const size = inputs[0]!.shape.reduce((a, b) => a * b, 1);
  let state = 1;
  // the numbers of Numerical Recipes
  return Array.from({ length: NOISE }, () =>
    Float32Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 31 - 1;
    }));
}

function opened(): Graph {
  if (graph) return graph;
  throw new KletError(
    'BAD_ARGUMENT',
    'a .klet file has a plan and no graph; open the network in its original format to change it',
  );
}

/** Every fourth sample is for the comparison, unless there are few. */
function divided(samples: Float32Array[]): { seen: Float32Array[]; unseen: Float32Array[] } {
  if (samples.length < 8) return { seen: samples, unseen: samples };
  return { seen: samples.filter((_, i) => i % 4 !== 0), unseen: samples.filter((_, i) => i % 4 === 0) };
}

function changed(variant: Variant, { verdict, samples, outputs }: Comparison): Omit<Changed, 'layers'> {
  return {
    variant,
    verdict,
    samples,
    outputs: outputs.map(({ name, agreement, sqnr, maxError }) => ({
      name,
      maxError,
      ...(agreement !== undefined && { agreement }),
      ...(sqnr !== undefined && { sqnr }),
    })),
  };
}

function quantize(given: Float32Array[]): Changed {
  const float = opened();
  const { seen, unseen } = divided(given.length > 0 ? given : noise(float));
  const found: QuantizationReport = quantizationReport(float, {
    samples: seen,
    onProgress: (stage, done, total) => {
      report(stage, total ? done / total : undefined);
    },
  });
  report('comparing');
  const variant = variantOf(compile(found.graph, { meta }), 'int8');
  return {
    ...changed(variant, compare(float, found.graph, unseen)),
    layers: found.layers.map(({ name, op, sqnr }) => ({ name, op, sqnr })),
  };
}

function pruned(sparsity: number, given: Float32Array[]): Changed {
  const float = opened();
  const { seen, unseen } = divided(given.length > 0 ? given : noise(float));
  const result = prune(float, {
    sparsity,
    samples: seen,
    onProgress: (done, total, name) => {
      report(`pruning ${name}`, done / total);
    },
  });
  const variant = variantOf(compile(result.graph, { meta }), `${Math.round(sparsity * 100)} % pruned`);
  return { ...changed(variant, compare(float, result.graph, unseen)), layers: [] };
}

interface Candidate {
  flavor: Flavor;
  model?: Model;
  reason?: string;
  /** Milliseconds of a prediction, one for each round. */
  times: number[];
}

async function candidate(klet: Uint8Array, flavor: Flavor): Promise<Candidate> {
  try {
    return { flavor, model: await load(klet, { flavor }), times: [] };
  } catch (error) {
    return { flavor, reason: error instanceof Error ? error.message : String(error), times: [] };
  }
}

function zeros({ inputs }: Model): Record<string, Float32Array | Int32Array> {
  return Object.fromEntries(inputs.map(({ name, shape, dtype }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return [name, dtype === 'int64' || dtype === 'int32' ? new Int32Array(count) : new Float32Array(count)];
  }));
}

/** Predicts for some milliseconds, once at least. @returns the milliseconds of one prediction */
function timeOf(model: Model, inputs: Record<string, Float32Array | Int32Array>, milliseconds: number): number {
  const start = performance.now();
  for (let count = 1;; count++) {
    model.predict(inputs);
    const passed = performance.now() - start;
    if (passed >= milliseconds) return passed / count;
  }
}

/** The median of rounds in which the builds take turns, so that other work slows all of them. */
async function measure(klet: Uint8Array): Promise<Timing[]> {
  const flavors: Flavor[] = ['relaxed', 'simd', 'scalar', 'js'];
  const candidates: Candidate[] = [];
  for (const flavor of flavors) candidates.push(await candidate(klet, flavor));
  // round 0 is for the engine to optimize
  for (let round = 0; round <= ROUNDS; round++) {
    report('Measuring', round / (ROUNDS + 1));
    for (const { model, times } of candidates) {
      if (!model) continue;
      const time = timeOf(model, zeros(model), MEASURED);
      if (round > 0) times.push(time);
    }
  }
  for (const { model } of candidates) model?.dispose();
  return candidates.map(({ flavor, reason, times }) =>
    reason === undefined ? { flavor, ms: times.sort((a, b) => a - b)[times.length >> 1]! } : { flavor, reason }
  );
}

const tasks: {
  [K in keyof Tasks]: (...args: Parameters<Tasks[K]>) => ReturnType<Tasks[K]> | Promise<ReturnType<Tasks[K]>>;
} = {
  open,
  quantize,
  prune: pruned,
  measure,
  profile: async (klet) => {
    using model = await load(klet);
    return model.profile({ runs: 15 });
  },
  toC: (klet) => {
    const { files, constantBytes, codeBytes, ram } = toC(klet);
    return { c: files, constantBytes, codeBytes, ram };
  },
  toScript: (klet) => {
    const { name, code } = toScript(klet);
    return { name, code };
  },
};

const send = (reply: Reply): void => {
  postMessage(reply);
};

addEventListener('message', ({ data }: MessageEvent<Call>) => {
  const { id, task, args } = data;
  report = (text, part) => {
    send({ id, progress: part === undefined ? { text } : { text, part } });
  };
  const run = tasks[task] as (...args: unknown[]) => unknown;
  new Promise((resolve) => {
    resolve(run(...args));
  }).then((value) => {
    send({ id, value });
  }, (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    send({ id, error: error instanceof KletError ? { message, code: error.code } : { message } });
  });
});
