import { compare, compile, evaluate, evaluatePair, importerOf, importModel, KletError, prune, quantizationReport,
  readKlet, repack, toC, toScript, type Comparison, type Evaluation, type Graph,
  type PairedEvaluation } from '../../../src/compiler/index';
import { load, type Flavor, type Model } from '../../../src/browser';
import { layersOf } from '../../../src/format/debugInfo';
import { guessOf, purposeOf } from './guess';
import type { Accuracy, Call, Changed, Confusion, DrawnNode, LayerTime, Network, OpenOptions, Purpose, Reply, Sample,
  Tasks, Timing, Variant } from './messages';

// The work that takes time: conversion, quantization, measurements. The network and the samples
// stay here.

let graph: Graph | undefined;
let purpose: Purpose = {};
let samples: Sample[] = [];
let report: (text: string, part?: number) => void = () => undefined;

const NOISE = 32;
/** Most samples that quantization and pruning look at. */
const SEEN = 128;
const KLET = 0x54454c4b; // "KLET"
/** Milliseconds that each build is measured in each round. */
const MEASURED = 60;
const ROUNDS = 7;

function variantOf(klet: Uint8Array, label: string): Variant {
  const { meta, debugInfo, arenaBytes } = readKlet(klet);
  return {
    label,
    klet,
    meta,
    layers: debugInfo ? layersOf(debugInfo) : [],
    records: debugInfo?.records.length ?? 0,
    arena: debugInfo?.arena ?? [],
    arenaBytes,
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

function keysOf(guess: Purpose): (keyof Purpose)[] {
  return Object.keys(guess) as (keyof Purpose)[];
}

async function open(files: Record<string, Uint8Array>, options: OpenOptions): Promise<Network> {
  const networks = Object.entries(files).filter(([name]) => !name.toLowerCase().endsWith('.txt'));
  if (networks.length === 0) {
    throw new KletError('BAD_MAGIC', 'there is no network among these files; choose the file of a network as well');
  }
  const fileBytes = networks.reduce((sum, [, bytes]) => sum + bytes.length, 0);
  const main = networks.find(([, bytes]) => importerOf(bytes)) ?? networks[0]!;
  const [file, bytes] = main;
  const labels = labelsOf(files);
  const magic = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
  if (networks.length === 1 && magic === KLET) {
    const variant = variantOf(labels ? repack(bytes, { meta: { labels } }) : bytes, 'original');
    const guess = guessOf(variant.meta);
    // the file itself, which may be signed, changes only when a person says so
    variant.meta = { ...variant.meta, ...guess };
    purpose = purposeOf(variant.meta);
    const { meta: { name } } = variant;
    return { name, format: 'kinglet', fileBytes, nodes: [], isFloat: false, guessed: keysOf(guess), variant };
  }
  const name = file.replace(/\.[^.]*$/, '');
  report('Reading', 0);
  const imported = await importModel(networks.length === 1 ? bytes : Object.fromEntries(networks), {
    name,
    ...options,
    onProgress: (part) => {
      report('Reading', part);
    },
  });
  report('Compiling');
  const importer = importerOf(bytes)!;
  const said = { ...importer.meta?.(bytes), ...(labels && { labels }) };
  const compiled = compile(imported, { meta: said });
  const guess = guessOf(readKlet(compiled).meta);
  const klet = repack(compiled, { meta: guess });
  const isFloat = imported.inputs.every(({ dtype }) => dtype === 'float32') &&
    !imported.nodes.some(({ inputs }) => inputs.some((tensor) => tensor?.quantization));
  const variant = variantOf(klet, isFloat ? 'float32' : 'original');
  graph = imported;
  purpose = purposeOf(variant.meta);
  const { title: format } = importer;
  return { name, format, fileBytes, nodes: drawn(imported), isFloat, guessed: keysOf(guess), variant };
}

/** Replaces what the versions say about their use. */
function describe(variants: { label: string; klet: Uint8Array }[], given: Purpose): Variant[] {
  const empty = { labels: undefined, preprocessing: undefined, task: undefined };
  const changed = variants.map(({ label, klet }) => variantOf(repack(klet, { meta: { ...empty, ...given } }), label));
  purpose = purposeOf(given);
  return changed;
}

/** Number of values of the first input. */
function sizeOf({ inputs }: { readonly inputs: readonly { readonly shape: readonly number[] }[] }): number {
  return inputs[0]!.shape.reduce((a, b) => a * b, 1);
}

/** Noise in place of samples, from −1 to 1, with the same values every time. */
function noise({ inputs }: Graph): Record<string, Float32Array>[] {
  let state = 1;
  // the numbers of Numerical Recipes
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Array.from({ length: NOISE }, () =>
    Object.fromEntries(inputs.map(({ name, shape }) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, Float32Array.from({ length }, next)];
    })));
}

function opened(): Graph {
  if (graph) return graph;
  throw new KletError(
    'BAD_ARGUMENT',
    'a .klet file has a plan and no graph; open the network in its original format to change it',
  );
}

/**
 * Samples for calibration, at most three of four, and the others for comparisons. Few samples are
 * for both.
 */
function divided<T>(all: T[]): { seen: T[]; unseen: T[] } {
  if (all.length < 8) return { seen: all, unseen: all };
  const count = Math.min(SEEN, Math.floor(all.length * 0.75));
  const isSeen = (i: number): boolean =>
    Math.floor(((i + 1) * count) / all.length) > Math.floor((i * count) / all.length);
  return { seen: all.filter((_, i) => isSeen(i)), unseen: all.filter((_, i) => !isSeen(i)) };
}

type SampleInputs = Float32Array | Float32Array[] | Record<string, Float32Array>;

/** The inputs of a sample, one after the other. */
function stepsOf({ values }: Sample, size: number): Float32Array | Float32Array[] {
  if (values.length <= size) return values;
  return Array.from({ length: Math.floor(values.length / size) }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** Inputs for the calibration and for the comparison. */
function inputsFor(float: Graph): ReturnType<typeof divided<SampleInputs>> {
  const size = sizeOf(float);
  return divided<SampleInputs>(samples.length > 0 ? samples.map((sample) => stepsOf(sample, size)) : noise(float));
}

function changed(variant: Variant, { verdict, samples: count, outputs }: Comparison): Omit<Changed, 'layers'> {
  return {
    variant,
    verdict,
    samples: count,
    outputs: outputs.map(({ name, agreement, sqnr, maxError }) => ({
      name,
      maxError,
      ...(agreement !== undefined && { agreement }),
      ...(sqnr !== undefined && { sqnr }),
    })),
  };
}

function quantize(): Changed {
  const float = opened();
  const { seen, unseen } = inputsFor(float);
  const found = quantizationReport(float, {
    samples: seen,
    onProgress: (stage, done, total) => {
      report(stage, total ? done / total : undefined);
    },
  });
  report('comparing');
  const variant = variantOf(compile(found.graph, { meta: purpose }), 'int8');
  return {
    ...changed(variant, compare(float, found.graph, unseen)),
    layers: found.layers.map(({ name, op, sqnr }) => ({ name, op, sqnr })),
  };
}

function pruned(sparsity: number): Changed {
  const float = opened();
  const { seen, unseen } = inputsFor(float);
  const result = prune(float, {
    sparsity,
    // it takes single inputs, also of networks with state
    samples: seen.flatMap((sample) => Array.isArray(sample) ? sample : [sample]),
    onProgress: (done, total, name) => {
      report(`pruning ${name}`, done / total);
    },
  });
  report('comparing');
  const variant = variantOf(compile(result.graph, { meta: purpose }), `${Math.round(sparsity * 100)} % pruned`);
  return { ...changed(variant, compare(float, result.graph, unseen)), layers: [] };
}

/** Counts of each pair of a class and another answer. */
function confusionsOf({ classification }: Evaluation): Map<string, number> {
  const { classes = [], confusion = [] } = classification ?? {};
  const pairs = new Map<string, number>();
  confusion.forEach((row, i) =>
    row.forEach((count, j) => {
      if (i !== j && count > 0) pairs.set(`${classes[i]!.index} ${classes[j]!.index}`, count);
    })
  );
  return pairs;
}

function differences({ first, second }: PairedEvaluation): Confusion[] {
  const before = confusionsOf(first);
  const after = confusionsOf(second);
  const pairs = [...new Set([...before.keys(), ...after.keys()])].map((pair): Confusion => {
    const [target, answer] = pair.split(' ').map(Number) as [number, number];
    return { target, answer, before: before.get(pair) ?? 0, after: after.get(pair) ?? 0 };
  });
  const change = (pair: Confusion): number => Math.abs(pair.after - pair.before);
  return pairs.filter((pair) => change(pair) > 0).sort((a, b) => change(b) - change(a));
}

function scoreOf({ metrics: { accuracy }, examples }: Evaluation): Accuracy['score'] {
  if (!accuracy) return undefined;
  const { value, low = value, high = value } = accuracy;
  return { accuracy: value, low, high, right: Math.round(value * examples) };
}

/** The accuracy of the original, or of another version beside it. */
function evaluated(original: Uint8Array, other?: Uint8Array): Accuracy {
  const size = sizeOf(readKlet(original).meta);
  const tested = graph ? divided(samples).unseen : samples;
  const labelled = tested.filter(({ target }) => target !== undefined);
  const isLabelled = labelled.length > 0;
  // without labels only the agreement of two versions counts
  const examples = (isLabelled ? labelled : tested).map((sample) => ({
    input: stepsOf(sample, size),
    target: sample.target ?? 0,
  }));
  const options = {
    task: 'classify' as const,
    resamples: 0,
    onProgress: (done: number) => {
      report('Evaluating', done / examples.length);
    },
  };
  // a .klet file may lack what the page assumes
  const first = repack(original, { meta: purpose });
  if (!other) {
    const score = isLabelled ? scoreOf(evaluate(first, examples, options)) : undefined;
    return { samples: examples.length, ...(score && { score }), confusions: [] };
  }
  const pair = evaluatePair(first, other, examples, options);
  const score = isLabelled ? scoreOf(pair.second) : undefined;
  return {
    samples: examples.length,
    ...(pair.agreement !== undefined && { agreement: pair.agreement }),
    ...(score && { score, verdict: pair.verdict }),
    confusions: isLabelled ? differences(pair) : [],
  };
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

/** The time of each layer, with that of all its strips. */
async function profiled(klet: Uint8Array): Promise<LayerTime[]> {
  using model = await load(klet);
  const entries = model.profile({ runs: 15 });
  const { debugInfo } = readKlet(klet);
  if (!debugInfo) return entries.map(({ index, op, name, ms }) => ({ index, op, name, ms }));
  return layersOf(debugInfo).map(({ index, indices, op, name }) => ({
    index,
    op,
    name,
    ms: indices.reduce((sum, i) => sum + entries[i]!.ms, 0),
  }));
}

const tasks: {
  [K in keyof Tasks]: (...args: Parameters<Tasks[K]>) => ReturnType<Tasks[K]> | Promise<ReturnType<Tasks[K]>>;
} = {
  open,
  describe,
  keep: (given) => {
    samples = given;
  },
  quantize,
  prune: pruned,
  evaluate: evaluated,
  measure,
  profile: profiled,
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
