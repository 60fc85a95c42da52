import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { evaluate, evaluatePair, metricTexts, type Evaluation, type MetricName, type PairedEvaluation,
  type PairedExample, type Task } from '../../compiler/index';
import { KletError, load, type Flavor, type Model, type Preprocessing, type TensorInfo } from '../../index';
import { flavorOption, infoText, limitsIn, threadCount, wholeNumber } from '../args';
import { classCount } from '../evaluation/classNames';
import { findExamples, type Dataset, type Item, type Reader } from '../evaluation/dataset';
import { evaluationText, pairText } from '../evaluation/text';
import { checkOutputs, networkFile, writeAtomically } from '../files';
import type { Io } from '../io';
import { readLabels, readPreprocessing } from '../meta';
import { addMediaOptions, mediaLimitsOf, type MediaOptions } from '../mediaLimits';
import { addImportOptions, openNetwork, readingOf, type ForeignOptions } from '../network';
import { Progress } from '../progress';
import { countOf } from '../tensors';
import { facts, jsonOf, messageText, plural } from '../text';

interface EvalOptions extends ForeignOptions, MediaOptions {
  data: string;
  against?: string;
  task?: Task;
  target?: string;
  type?: TensorInfo['dtype'];
  output?: string;
  labels?: string;
  preprocess?: string;
  limit?: number;
  resamples?: number;
  seed: number;
  failBelow?: Bound[];
  failAbove?: Bound[];
  flavor?: Flavor;
  threads?: number;
  report?: string;
  json?: boolean;
}

/** A limit of a metric. */
interface Bound {
  name: MetricName;
  value: number;
}

/** The exit code if a metric is beyond a limit. */
const BEYOND_LIMIT = 2;
const NAME_WIDTH = 28;

const HELP = `
Examples:
  $ kinglet eval digits.klet --data test/                          a folder for each class
  $ kinglet eval net.tflite --data x.npy,y.npy --against net.klet  is the smaller one as good?
  $ kinglet eval houses.onnx --data houses.csv --target price
  $ kinglet eval detector.klet --data val2017/,instances_val2017.json
  $ kinglet eval keywords.klet --data test/ --report page.html --fail-below accuracy=0.9

The data are
  a folder with a folder for each class, named as the labels of the network or by number;
  a folder with labels.json, labels.csv or labels.txt: FILE,LABEL in each line, {"FILE": LABEL}, or a
    label for each file in the order of their names ({"classes": […], "labels": […]} names them);
  a .csv file with the columns file and label, or with numbers: features, and the target in a column
    named label, class, target or y, in the last one, or in the columns of --target;
  x.npy,y.npy or an .npz file with x and y;
  folders images/ and masks/ with the same names: gray values or palette indices are classes, and 255
    does not count;
  boxes: a COCO file (or IMAGES/,FILE.json), a .csv file with file,class,x0,y0,x1,y1, or folders images/
    and labels/ of YOLO.
Inputs are read as in kinglet run. A raw file with all inputs goes with labels in a folder, too.
Values of metrics come with 95 % confidence intervals: Wilson for fractions of the examples, DeLong for
the ROC AUC, bootstrap for the others. --against compares example by example; for classifiers,
McNemar's exact test says whether the difference may be chance.
The metrics are ${Object.keys(metricTexts).join(', ')}.`;

export function evalCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('eval').summary('measure how good a network is on labeled data');
  command
    .description('Runs a network on examples with right answers and prints its metrics with confidence intervals.');
  command.argument('<file>', 'a .klet file or another network, or - for standard input');
  command.requiredOption('--data <path>', 'the examples: a folder, a .csv or .npz file, or INPUTS,TARGETS (see below)');
  command.option('--against <file>', 'a second network, compared with the first example by example');
  command
    .addOption(new Option('--task <task>', 'what the answers are (default: told from data and outputs)')
      .choices(['classify', 'regress', 'segment', 'detect', 'anomaly'] satisfies Task[]));
  command.option('--target <names>', 'the column of a .csv file, or the array of an .npz file, with the right answers');
  command.option('--output <name>', 'the output of the network that is the answer, if it has several');
  command.option('--labels <file>', 'names of the classes, one per line, in the order of the network');
  command.option('--preprocess <json>', 'how images or audio become the input, as for convert');
  command
    .addOption(new Option('--type <type>', 'type of the values in raw files (default: that of the input)')
      .choices(['float32', 'int8', 'uint8', 'int32'] satisfies TensorInfo['dtype'][]));
  command.option('--limit <n>', 'take this number of examples, spread over the data', positive);
  command.option(
    '--resamples <n>',
    'bootstrap resamples for the intervals; 0 for none (default: up to 1000)',
    wholeNumber,
  );
  command.option('--seed <n>', 'seed of the resamples', wholeNumber, 1);
  command.option('--fail-below <metric=value>', 'exit with 2 if a metric is lower (may be repeated)', collectBounds);
  command.option('--fail-above <metric=value>', 'exit with 2 if a metric is higher (may be repeated)', collectBounds);
  command.addOption(flavorOption('the flavor of the core (default: the fastest that this engine supports)'));
  command.option('--threads <n>', 'number of threads (default: 1)', threadCount);
  addImportOptions(command);
  addMediaOptions(command);
  command.option('--report <file>', 'write the results with charts as a page in one file');
  command.option('--json', 'print the results as JSON');
  command.addHelpText('after', HELP);
  return command.action((file: string, options: EvalOptions) => run(file, options, io, exit));
}

function positive(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be greater than 0.');
  return value;
}

/** Collects bounds such as accuracy=0.9 or accuracy=90%. */
function collectBounds(text: string, before: readonly Bound[] = []): Bound[] {
  const [, name, number, percent] = /^(\w+)=(-?[\d.]+(?:e-?\d+)?)(%?)$/i.exec(text) ?? [];
  if (name === undefined || !Number.isFinite(Number(number))) {
    throw new InvalidArgumentError('It must be a metric and its limit, such as accuracy=0.9.');
  }
  if (!Object.hasOwn(metricTexts, name)) {
    throw new InvalidArgumentError(`There is no metric "${name}"; there are ${Object.keys(metricTexts).join(', ')}.`);
  }
  return [...before, { name: name as MetricName, value: Number(number) / (percent ? 100 : 1) }];
}

/** A network with its examples. */
interface Side {
  name: string;
  model: Model;
  reader: Reader;
  dataset: Dataset;
}

/** All that is printed. */
export interface Result {
  /** File names of the networks. */
  networks: string[];
  data: string;
  evaluation: Evaluation;
  pair?: PairedEvaluation;
  names: readonly string[] | undefined;
  /** Where the examples are. */
  places: readonly string[];
}

async function run(file: string, options: EvalOptions, io: Io, exit: (code: number) => void): Promise<void> {
  const { against, data, labels, preprocess } = options;
  checkOutputs({ '--report': options.report }, [networkFile(file), against, ...data.split(','), labels, preprocess]);
  const first = await open(file, options, io);
  const second = options.against === undefined ? undefined : await open(options.against, options, io);
  const { items } = first.dataset;
  if (second && second.dataset.items.length !== items.length) {
    throw new KletError('BAD_ARGUMENT', 'the two networks read different numbers of examples from the data');
  }
  const task = options.task ?? first.dataset.task ?? anomalyTask(first);
  const classes = first.reader.labels?.length ?? first.dataset.names?.length;
  const evaluateOptions = {
    ...(task && { task }),
    ...(options.output !== undefined && { output: options.output }),
    ...(classes !== undefined && { classes }),
    ...(options.resamples !== undefined && { resamples: options.resamples }),
    seed: options.seed,
  };
  const examples = examplesOf(first, second, io);
  const result: Result = {
    networks: [first.name, ...(second ? [second.name] : [])],
    data: options.data,
    names: first.dataset.names ?? first.reader.labels,
    places: items.map(({ where }) => where),
    ...(second
      ? withFirst(evaluatePair(first.model, second.model, examples, evaluateOptions))
      : { evaluation: evaluate(first.model, examples, evaluateOptions) }),
  };
  for (const note of [...first.dataset.notes, ...result.evaluation.notes]) {
    io.err(`kinglet: note: ${messageText(note)}\n`);
  }
  if (options.report !== undefined) {
    const { evaluationPage } = await import('../evaluation/page');
    writeAtomically(options.report, new TextEncoder().encode(evaluationPage(result)));
    io.err(`kinglet: wrote ${options.report}\n`);
  }
  if (options.json) io.out(jsonOf(toJson(result)));
  else io.out(resultText(result, first.model, io.columns));
  const failures = failuresOf(result.evaluation, options);
  for (const failure of failures) io.err(`kinglet: ${failure}\n`);
  if (failures.length > 0) exit(BEYOND_LIMIT);
}

function withFirst(pair: PairedEvaluation): Pick<Result, 'evaluation' | 'pair'> {
  return { evaluation: pair.first, pair };
}

async function open(file: string, options: EvalOptions, io: Io): Promise<Side> {
  const { klet, parts: { meta }, path } = openNetwork(file, io, readingOf(options));
  const { flavor, threads, limit } = options;
  const model = await load(klet, { ...limitsIn(options), ...(flavor && { flavor }), ...(threads && { threads }) });
  const notes = new Set<string>();
  const reader: Reader = {
    inputs: model.inputs,
    outputs: model.outputs,
    hasState: model.memory.state > 0,
    labels: options.labels === undefined ? meta.labels : readLabels(options.labels),
    preprocessing: preprocessingOf(options.preprocess, meta.preprocessing, model),
    limits: mediaLimitsOf(options),
    task: options.task,
    target: options.target,
    type: options.type,
    // the first file tells how all become the input
    note: (text) => {
      if (notes.size === 0) io.err(`kinglet: note: ${messageText(text)}\n`);
      notes.add(text);
    },
  };
  const dataset = findExamples(options.data, reader);
  return { name: path, model, reader, dataset: { ...dataset, items: spread(dataset.items, limit) } };
}

function preprocessingOf(
  text: string | undefined,
  stored: Preprocessing | undefined,
  model: Model,
): Preprocessing | undefined {
  return text === undefined ? stored : readPreprocessing(text, model.inputs);
}

/** At most `limit` examples, spread evenly, because data are often sorted by class. */
function spread(items: readonly Item[], limit = items.length): Item[] {
  if (items.length <= limit) return [...items];
  return Array.from({ length: limit }, (_, i) => items[Math.floor(i * items.length / limit)]!);
}

/** An autoencoder whose examples are all labeled 0 or 1 tells anomalies. */
function anomalyTask({ model, dataset }: Side): Task | undefined {
  const [input] = model.inputs;
  const [output, ...others] = model.outputs;
  const count = output ? countOf(output.shape) : 0;
  if (!input || others.length > 0 || count <= 2 || countOf(input.shape) !== count) return undefined;
  const isBinary = dataset.items.every((item) => [0, 1, true, false].includes(item.target() as number));
  return isBinary ? 'anomaly' : undefined;
}

/** Reads the examples one after the other, and shows progress. */
function* examplesOf(first: Side, second: Side | undefined, io: Io): Generator<PairedExample> {
  const { items } = first.dataset;
  const progress = new Progress(io, items.length);
  const start = performance.now();
  const isSame = second !== undefined && describeInputs(first) === describeInputs(second);
  try {
    for (const [i, item] of items.entries()) {
      progress.update(i, `example ${i + 1} of ${items.length}${leftText(performance.now() - start, i, items.length)}`);
      const input = item.read();
      const other = second === undefined || isSame ? undefined : second.dataset.items[i]!.read();
      yield { input, target: item.target(), ...(other !== undefined && { secondInput: other }) };
    }
  } finally {
    progress.stop();
  }
}

/** What decides how a file becomes the input. */
function describeInputs({ model, reader }: Side): string {
  return JSON.stringify([model.inputs, reader.preprocessing, reader.hasState]);
}

function leftText(ms: number, done: number, total: number): string {
  if (done === 0) return '';
  const seconds = Math.ceil(ms / done * (total - done) / 1000);
  return seconds < 60 ? `, ${seconds} s left` : `, ${Math.ceil(seconds / 60)} min left`;
}

function resultText(result: Result, model: Model, columns: number): string {
  const { evaluation, pair, names, networks } = result;
  const outputs = classCount(model.outputs);
  const head = facts({
    network: networks[0]!,
    against: networks[1],
    data: `${result.data}, ${plural(evaluation.examples, 'example')}`,
    classes: evaluation.classification && outputs !== undefined
      ? classesText(outputs, evaluation.classification.classes.filter(({ support }) => support > 0).length)
      : undefined,
    core: infoText(model.info),
  });
  const nameOf = (index: number): string => names?.[index] ?? String(index);
  const body = pair
    ? pairText(pair, networks.map((name) => basename(name).slice(-NAME_WIDTH)) as [string, string])
    : evaluationText(evaluation, nameOf, columns);
  return `${head}\n${body}`;
}

function classesText(all: number, occurring: number): string {
  return occurring < all ? `${all}, of which ${occurring} occur in the data` : String(all);
}

function toJson({ networks, data, evaluation, pair, names, places }: Result): unknown {
  const mistakes = evaluation.classification?.mistakes.map((mistake) => ({
    ...mistake,
    file: places[mistake.example],
  }));
  const { classification } = evaluation;
  const described = { ...evaluation, ...(classification && { classification: { ...classification, mistakes } }) };
  const [file, against] = networks;
  if (!pair) return { file, data, ...(names && { names }), ...described };
  return { file, against, data, ...(names && { names }), ...pair, first: described };
}

/** The limits that the metrics are beyond, as messages. */
function failuresOf({ metrics }: Evaluation, { failBelow = [], failAbove = [] }: EvalOptions): string[] {
  const check = ({ name, value }: Bound, isBelow: boolean): string[] => {
    const metric = metrics[name];
    if (!metric) {
      throw new KletError(
        'BAD_ARGUMENT',
        `${isBelow ? '--fail-below' : '--fail-above'}: these examples give no ${name}; there are ${
          Object.keys(metrics).join(', ')
        }`,
      );
    }
    const isBeyond = isBelow ? !(metric.value >= value) : !(metric.value <= value);
    return isBeyond ? [`${name} is ${metric.value.toFixed(4)}, ${isBelow ? 'below' : 'above'} the limit ${value}`] : [];
  };
  return [...failBelow.flatMap((bound) => check(bound, true)), ...failAbove.flatMap((bound) => check(bound, false))];
}
