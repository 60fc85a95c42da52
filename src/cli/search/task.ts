import { createHash } from 'node:crypto';
import { NetworkSearch, type Example, type Graph, type MetricName, type SamplerName, type SearchBudget,
  type SearchDimension, type SearchOptions, type Task } from '../../compiler/index';
import { KletError, type Preprocessing, type TensorInfo } from '../../index';
import { metaOf } from '../conversion';
import { findExamples } from '../evaluation/dataset';
import { quoted, readBytes } from '../files';
import type { Io } from '../io';
import { mediaLimitsOf, type MediaOptions } from '../mediaLimits';
import { readLabels, readPreprocessing } from '../meta';
import { foreignMeta, hasKletMagic, importForeign, networkName, readingOf, type ForeignOptions } from '../network';
import { findSamples, MOST_SAMPLES, portsOf, splitSamples } from '../samples';
import { messageText } from '../text';

// A network with the data of its search, opened in the same way by the command and its workers.

/** What decides the search of a network; plain data, which a worker takes. */
export interface TaskOptions extends ForeignOptions, MediaOptions {
  data: string[];
  test?: string;
  maxSamples?: number;
  limit?: number;
  target?: string;
  labels?: string;
  preprocess?: string;
  task?: Task;
  output?: string;
  metric?: MetricName;
  name?: string;
  compact: boolean;
  strip?: boolean;
  budget?: SearchBudget;
  include?: SearchDimension[];
  sampler: SamplerName;
  seed: number;
}

/** Trials are proposed from the results of those at least so many before. */
const LEAST_PARALLEL = 4;

/** A search that is ready to run. */
export interface OpenTask {
  search: NetworkSearch;
  /** Hashes of the network and of the data. */
  hashes: { network: string; samples: string; test: string };
  parallel: number;
  samples: number;
}

/** @throws KletError the errors of reading networks and data, and of `NetworkSearch` */
export function openTask(
  input: string,
  options: TaskOptions,
  io: Io,
  { jobs, originalMs }: { jobs: number; originalMs?: number },
): OpenTask {
  const source = readBytes(input);
  if (hasKletMagic(source)) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${quoted(input)} holds a compiled network; search needs the original one (of TensorFlow Lite, ONNX, …)`,
    );
  }
  const foreign = foreignMeta(source, input, io);
  const { name = networkName(input), labels: labelFile, preprocess } = options;
  const graph = importForeign(source, input, io, { name, ...readingOf(options) });
  const inputs = portsOf(graph);
  const labels = labelFile === undefined ? foreign.labels : readLabels(labelFile);
  const preprocessing = preprocess === undefined ? foreign.preprocessing : readPreprocessing(preprocess, inputs);
  const note = (text: string): void => io.err(`kinglet: note: ${messageText(text)}\n`);
  const found = findSamples(options.data, graph, { preprocessing, limits: mediaLimitsOf(options), note })
    .spread(options.maxSamples ?? MOST_SAMPLES);
  const { fitting, comparing } = splitSamples(found, true);
  const samples = [...fitting] as unknown as SearchOptions['samples'];
  const examples = options.test === undefined
    ? undefined
    : examplesOf(graph, options.test, { options, labels, preprocessing, note });
  const test = [...comparing];
  const parallel = Math.max(LEAST_PARALLEL, jobs);
  const { task, output, metric, budget, include, sampler, seed, compact, strip } = options;
  const search = new NetworkSearch(graph, {
    samples,
    ...(examples ? { examples: examples.list } : { test: test as SearchOptions['test'] & object }),
    meta: metaOf({ source, input, name: options.name, preprocess, labels, foreign }, inputs),
    ...(task ?? examples?.task ? { task: task ?? examples!.task! } : {}),
    ...(examples?.classes !== undefined && { classes: examples.classes }),
    ...(output !== undefined && { output }),
    ...(metric !== undefined && { metric }),
    ...(budget && { budget }),
    ...(include && { include }),
    ...(originalMs !== undefined && { originalMs }),
    sampler,
    seed,
    parallel,
    compact,
    debugInfo: !strip,
  });
  const hashes = { network: sha256(source), samples: hashOf([...samples]), test: hashOf(examples?.list ?? test) };
  return { search, hashes, parallel, samples: fitting.length };
}

interface Labeling {
  options: TaskOptions;
  labels: readonly string[] | undefined;
  preprocessing: Preprocessing | undefined;
  note: (text: string) => void;
}

interface Examples {
  list: Example[];
  task: Task | undefined;
  classes: number | undefined;
}

function examplesOf(graph: Graph, path: string, { options, labels, preprocessing, note }: Labeling): Examples {
  const { limit, target, task } = options;
  const outputs = graph.outputs.map(({ name, dtype, shape }): TensorInfo => ({ name, dtype, shape }));
  let isNoted = false;
  const dataset = findExamples(path, {
    inputs: portsOf(graph),
    outputs,
    hasState: (graph.states ?? []).length > 0,
    labels,
    preprocessing,
    limits: mediaLimitsOf(options),
    task,
    target,
    type: undefined,
    note: (text) => {
      if (!isNoted) note(text);
      isNoted = true;
    },
  });
  const { items } = dataset;
  const count = Math.min(limit ?? items.length, items.length);
  const list = Array.from({ length: count }, (_, i) => {
    const item = items[Math.floor(i * items.length / count)]!;
    return { input: item.read(), target: item.target() };
  });
  for (const text of dataset.notes) note(text);
  return { list, task: task ?? dataset.task, classes: labels?.length ?? dataset.names?.length };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A hash of all numbers and names in a value. */
function hashOf(value: unknown): string {
  const hash = createHash('sha256');
  const add = (part: unknown): void => {
    if (ArrayBuffer.isView(part)) {
      hash.update(`[${part.constructor.name} ${part.byteLength}]`);
      hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    } else if (typeof part === 'object' && part !== null) {
      hash.update('{');
      for (const [name, inner] of Object.entries(part)) {
        hash.update(`${name}:`);
        add(inner);
      }
      hash.update('}');
    } else hash.update(`${JSON.stringify(part)},`);
  };
  add(value);
  return hash.digest('hex');
}
