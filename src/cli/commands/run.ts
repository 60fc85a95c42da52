import { extname } from 'node:path';
import { Command } from 'commander';
import { dump } from 'npyjs';
import { KletError, load, type Flavor, type InputArray, type Model, type Preprocessing, type RawArray, type Stream,
  type TensorInfo } from '../../index';
import { inputFrames } from '../../audio/index';
import { topK } from '../../tasks/labels';
import { collect, flavorOption, infoText, limitsIn, positiveNumber, threadCount } from '../args';
import { checkOutputs, networkFile, pathText, STANDARD, writeAtomically } from '../files';
import { readInputs, splitSpec, stepsOf } from '../inputs';
import type { Io } from '../io';
import { addMediaOptions, mediaLimitsOf, type MediaOptions } from '../mediaLimits';
import { readLabels, readPreprocessing } from '../meta';
import { addImportOptions, openNetwork, readingOf, type ForeignOptions } from '../network';
import { byName, countOf, toBytes } from '../tensors';
import { bytesText, clip, digits, floatText, inline, jsonOf, messageText, msText, plural, shapeText,
  table } from '../text';

interface RunOptions extends ForeignOptions, MediaOptions {
  input?: string[];
  output?: string[];
  raw?: boolean;
  labels?: string;
  preprocess?: string;
  top: number;
  flavor?: Flavor;
  threads?: number;
  steps?: boolean;
  json?: boolean;
}

const TIMED_RUNS = 10;
const TIMED_MS = 500;
const BAR = 20;
const SHOWN_VALUES = 8;

const HELP = `
Examples:
  $ kinglet run mobilenet.klet --input parrot.jpg
  $ kinglet run keywords.klet --input yes.wav
  $ kinglet run spoken-digits.klet --input seven.wav --steps
  $ kinglet run detector.klet --input image=street.png --input threshold=threshold.npy
  $ kinglet run embed.klet --input face.png --output embedding.npy
  $ kinglet run net.klet --raw --input in.bin --output out.bin
  $ ffmpeg -i clip.mp4 -frames:v 1 -f image2pipe -c:v png - | kinglet run mobilenet.klet --input -

Images are resized to the input and then converted with the file's preprocessing. Without
preprocessing, uint8 inputs take the bytes 0..255, int8 inputs byte - 128, and float inputs byte / 255.
Audio is mixed to one channel, resampled to the rate of the file's preprocessing and converted to
features. A recording that is too short is padded with silence at its end, and one that is too long
is cut at its end. A network with state starts from its initial state and takes the whole recording,
one input after the other; the answer is the output after the last one.
--output writes real numbers as float32, or with --raw the values in the type of the network. "-" is
standard input or output; the other text then goes to stderr.`;

export function runCommand(io: Io): Command {
  const command = new Command('run').summary('predict from an image, a recording, a .npy array or raw bytes');
  command
    .description('Runs a network on one input and prints the outputs. A file that is not .klet is converted first.');
  command.argument('<file>', 'a .klet file or another network, or - for standard input');
  command.option(
    '-i, --input <file>',
    'an image (PNG, JPEG, BMP), audio (WAV), a .npy array, or a file with the raw bytes of the tensor; for several '
      + 'inputs repeat it in their order, or with NAME=FILE',
    collect,
  );
  command.option(
    '-o, --output <file>',
    'write the output as .npy, or as bytes if the name ends otherwise; for several outputs NAME=FILE',
    collect,
  );
  command.option('--raw', 'read and write raw tensor bytes; one file holds all inputs, or all outputs, in order');
  command.option('--labels <file>', 'names of the classes, one per line');
  command.option('--preprocess <json>', 'how images or audio become the input, as for convert');
  command.option('--top <k>', 'number of classes to show', positiveNumber, 5);
  command.addOption(flavorOption('the flavor of the core (default: the fastest that this engine supports)'));
  command.option('--threads <n>', 'number of threads (default: 1)', threadCount);
  command.option('--steps', 'also show the outputs after every step of a recording, for networks with state');
  addImportOptions(command);
  addMediaOptions(command);
  command.option('--json', 'print the outputs as JSON');
  command.addHelpText('after', HELP);
  return command.action((file: string, options: RunOptions) => run(file, options, io));
}

/** The results of a run, and the settings for printing them. */
interface Answer {
  model: Model;
  labels: readonly string[] | undefined;
  preprocessing: Preprocessing | undefined;
  /** Number of steps; 1 unless a recording was cut into several inputs. */
  steps: number;
  /** The values of an output after a step. */
  valuesAt: (output: TensorInfo, step: number) => ArrayLike<number>;
  /** The values of an output after the last step. */
  values: (output: TensorInfo) => ArrayLike<number>;
  /** For each output whether it holds the scores of classes. */
  isRanked: boolean[];
  /** For each output that holds scores of classes, the best ones. */
  ranked: (ReturnType<typeof topK> | undefined)[];
  time: { ms: number; runs: number };
}

async function run(file: string, options: RunOptions, io: Io): Promise<void> {
  checkStandard(file, options);
  const { klet, parts: { meta } } = openNetwork(file, io, readingOf(options));
  const { flavor, threads } = options;
  const model = await load(klet, { ...limitsIn(options), ...(flavor && { flavor }), ...(threads && { threads }) });
  const labels = options.labels === undefined ? meta.labels : readLabels(options.labels);
  const preprocessing = options.preprocess === undefined
    ? meta.preprocessing
    : readPreprocessing(options.preprocess, model.inputs);
  const sources = (options.input ?? []).map((spec) => splitSpec(spec, model.inputs).path);
  for (const spec of options.output ?? []) {
    const { path } = splitSpec(spec, model.outputs);
    checkOutputs({ '--output': path }, [networkFile(file), ...sources, options.labels, options.preprocess]);
  }
  const inputs = readInputs(options.input ?? [], model.inputs, {
    preprocessing,
    limits: mediaLimitsOf(options),
    raw: options.raw ?? false,
    streamed: model.memory.state > 0,
    about: labels ? '' : '; no labels in the file, name the classes with --labels FILE',
    note: (text) => io.err(`kinglet: note: ${messageText(text)}\n`),
  });
  const stream = model.createState();
  const steps = stepsOf(inputs, model.inputs);
  const raws = steps.map((step) => byName<RawArray>(model.outputs, stream.predict(step, { output: 'raw' })));
  stream.reset();
  const reals = steps.map((step) => byName<Float32Array>(model.outputs, stream.predict(step)));
  const valuesAt = (output: TensorInfo, step: number): ArrayLike<number> => {
    return isExact(output) ? Array.from(raws[step]![output.name]!, Number) : reals[step]![output.name]!;
  };
  const values = (output: TensorInfo): ArrayLike<number> => valuesAt(output, steps.length - 1);
  const written = writeOutputs(options.output ?? [], model.outputs, (options.raw ? raws : reals).at(-1), io);
  const inputCount = model.inputs.length === 1 ? countOf(model.inputs[0]!.shape) : undefined;
  const isRanked = model.outputs.map((output) => isClasses(output, labels, inputCount));
  const ranked = model.outputs.map((output, i) =>
    isRanked[i] ? topK(values(output), fitting(labels, output), options.top) : undefined
  );
  const time = timePredictions(stream, steps);
  const answer = { model, labels, preprocessing, steps: steps.length, valuesAt, values, isRanked, ranked, time };
  const isPiped = written.some(({ path }) => path === STANDARD);
  const say = (text: string): void => {
    if (isPiped) io.err(text);
    else io.out(text);
  };
  if (options.json) {
    io.out(jsonOf(toJson(file, meta.name, answer, options.steps ?? false)));
    return;
  }
  if (written.length > 0) say(written.map(writtenText).join(''));
  else {
    if (options.steps) io.out(`${stepsTable(answer)}\n`);
    io.out(`${outputTexts(answer, io.columns).join('\n')}\n`);
  }
  say(timeText(answer));
}

/** Standard input and standard output can each be used once. */
function checkStandard(file: string, { input = [], output = [], json }: RunOptions): void {
  const count = (specs: readonly string[]): number => specs.filter(isStandard).length;
  if (count([file, ...input]) > 1) {
    throw new KletError('BAD_ARGUMENT', '"-" reads standard input and can be given once; name files for the others');
  }
  if (count(output) + (json ? 1 : 0) > 1) {
    throw new KletError(
      'BAD_ARGUMENT',
      'only one --output - or --json can use standard output; name files for the others',
    );
  }
}

/** Whether a path, or the path of NAME=PATH, is "-". */
function isStandard(spec: string): boolean {
  return spec === STANDARD || spec.endsWith(`=${STANDARD}`);
}

function toJson(file: string, network: string, answer: Answer, isStepwise: boolean): unknown {
  const { model, steps, values, valuesAt, ranked, time } = answer;
  const outputs = model.outputs.map((output, i) => ({
    ...output,
    ...(ranked[i] && { top: ranked[i] }),
    values: Array.from(values(output)),
  }));
  const answers = Array.from(
    { length: steps },
    (_, step) => Object.fromEntries(model.outputs.map((output) => [output.name, Array.from(valuesAt(output, step))])),
  );
  return {
    file,
    network,
    ...model.info,
    medianMs: time.ms,
    runs: time.runs,
    ...(steps > 1 && { steps, msPerStep: time.ms / steps }),
    outputs,
    ...(isStepwise && { answers }),
  };
}

function writtenText({ path, bytes, what }: Written): string {
  const rounded = bytes < 1024 ? '' : ` (${bytesText(bytes)})`;
  return `wrote ${pathText(path, 'standard output')}: ${what}, ${plural(bytes, 'byte')}${rounded}\n`;
}

/** A table of all outputs after each step. */
function stepsTable({ model, labels, preprocessing, steps, valuesAt, isRanked }: Answer): string {
  const right = 'right' as const;
  const cell = (output: TensorInfo, i: number, step: number): string => {
    const values = valuesAt(output, step);
    return isRanked[i] ? bestText(values, fitting(labels, output)) : firstText(output, values);
  };
  const rows = Array.from({ length: steps }, (_, step) => {
    const cells = model.outputs.map((output, i) => cell(output, i, step));
    return [String(step), afterText(step, model.inputs, preprocessing), ...cells];
  });
  const names = model.outputs.map(({ name }) => ({ head: name }));
  return table([{ head: 'step', align: right }, { head: 'after', align: right }, ...names], rows);
}

function outputTexts({ model, values, ranked }: Answer, columns: number): string[] {
  return model.outputs.map((output, i) => {
    const best = ranked[i];
    return best ? classesText(output, best, values(output), columns) : statisticsText(output, values(output));
  });
}

function timeText({ model, steps, time }: Answer): string {
  const perStep = `${msText(time.ms)} for ${steps} steps, ${(time.ms * 1000 / steps).toFixed(1)} µs each`;
  const text = steps > 1 ? perStep : `${msText(time.ms)} a prediction`;
  return `${text} (median of ${time.runs}, ${infoText(model.info)})\n`;
}

/** The time of the recording at the end of a step. */
function afterText(step: number, [input]: readonly TensorInfo[], preprocessing: Preprocessing | undefined): string {
  if (preprocessing?.kind !== 'audio' || !input) return '';
  const { hop, sampleRate } = preprocessing;
  const seconds = (step + 1) * inputFrames(input, preprocessing) * hop / sampleRate;
  return `${seconds.toFixed(2)} s`;
}

function bestText(values: ArrayLike<number>, labels: readonly string[] | undefined): string {
  const [best] = topK(values, labels, 1);
  return `${inline(best!.label)}  ${best!.score.toFixed(4)}`;
}

/** Whether values are integers or booleans, which float32 might not hold exactly. */
function isExact({ dtype }: TensorInfo): boolean {
  return dtype === 'int32' || dtype === 'int64' || dtype === 'bool';
}

function fitting(labels: readonly string[] | undefined, { shape }: TensorInfo): readonly string[] | undefined {
  return labels?.length === countOf(shape) ? labels : undefined;
}

/**
 * Whether an output is a vector with the scores of classes. With labels its length must match them,
 * give or take one (a background class); without labels it must differ from the input's length,
 * because otherwise the output may be a reconstruction of the input.
 */
function isClasses(output: TensorInfo, labels: readonly string[] | undefined, inputCount: number | undefined): boolean {
  const count = countOf(output.shape);
  const isVector = count >= 2 && output.shape.filter((d) => d > 1).length === 1;
  return isVector && !isExact(output) &&
    (labels?.length === count || (!labels && count !== inputCount) ||
      (labels !== undefined && Math.abs(labels.length - count) === 1));
}

function classesText(
  output: TensorInfo,
  ranked: ReturnType<typeof topK>,
  all: ArrayLike<number>,
  columns: number,
): string {
  const list = Array.from(all);
  const sum = list.reduce((a, b) => a + b, 0);
  const isProbability = list.every((v) => v >= 0 && v <= 1) && Math.abs(sum - 1) < 0.1;
  // the order of classes with probability 0 means nothing
  const shown = ranked.filter(({ score }) => !isProbability || score > 0);
  const named = ranked.some(({ index, label }) => label !== String(index));
  const room = Math.max(20, columns - 48);
  const rows = shown.map(({ index, label, score }, i) => {
    const bar = isProbability ? '#'.repeat(Math.round(score * BAR)) : '';
    return [`${i + 1}.`, ...(named ? [clip(label, room)] : []), String(index), score.toFixed(4), bar];
  });
  const numeric = ['class', 'score'].map((head) => ({ head, align: 'right' as const }));
  const heads = [{ head: '' }, ...(named ? [{ head: 'label' }] : []), ...numeric, { head: '' }];
  const rest = shown.length < ranked.length ? `    the other ${list.length - shown.length} score 0\n` : '';
  return `${inline(output.name)}: ${plural(list.length, 'class', 'classes')}\n${table(heads, rows)}${rest}`;
}

function statisticsText(output: TensorInfo, values: ArrayLike<number>): string {
  const list = Array.from(values);
  const head = `${inline(output.name)}: ${output.dtype} ${shapeText(output.shape)}`;
  if (list.length === 1) return `${head}\n  ${firstText(output, values)}\n`;
  const min = valueText(output, list.reduce((a, b) => Math.min(a, b)));
  const max = valueText(output, list.reduce((a, b) => Math.max(a, b)));
  const mean = digits(list.reduce((a, b) => a + b, 0) / list.length);
  return `${head}\n  ${firstText(output, values)}\n  smallest ${min}, largest ${max}, mean ${mean}\n`;
}

function firstText(output: TensorInfo, values: ArrayLike<number>): string {
  const first = Array.from(values).slice(0, SHOWN_VALUES).map((value) => valueText(output, value)).join(', ');
  return values.length > SHOWN_VALUES ? `${first}, …` : first;
}

function valueText(output: TensorInfo, value: number): string {
  return isExact(output) ? String(value) : floatText(Number(value.toPrecision(5)));
}

/** A file that `--output` named. */
interface Written {
  path: string;
  bytes: number;
  what: string;
}

/** Writes the files of `--output`: one for all outputs, or one per output as NAME=FILE. */
function writeOutputs(
  specs: readonly string[],
  outputs: readonly TensorInfo[],
  arrays: Record<string, RawArray>,
  io: Io,
): Written[] {
  const describe = (output: TensorInfo): string =>
    `${inline(output.name)} ${typeName(arrays[output.name]!, output)} ${shapeText(output.shape)}`;
  return specs.map((spec) => {
    const { name: named, path } = splitSpec(spec, outputs);
    const chosen = named === undefined ? outputs : outputs.filter(({ name }) => name === named);
    const isNpy = extname(path).toLowerCase() === '.npy';
    if (isNpy && chosen.length > 1) {
      const names = outputs.map(({ name }) => `--output ${name}=${path}`);
      throw new KletError(
        'BAD_ARGUMENT',
        `a .npy file holds one array, but the network has ${outputs.length} outputs; name one: ${names.join(' or ')}`,
      );
    }
    if (named === undefined && specs.length > 1) {
      throw new KletError(
        'BAD_ARGUMENT',
        `several --output need the names of the outputs: ${outputs.map(({ name }) => `${name}=FILE`).join(', ')}`,
      );
    }
    const bytes = isNpy
      ? toNpy(arrays[chosen[0]!.name]!, chosen[0]!)
      : Buffer.concat(chosen.map(({ name }) => toBytes(arrays[name]!)));
    if (path === STANDARD) io.outBytes(bytes);
    else writeAtomically(path, bytes);
    return { path, bytes: bytes.length, what: chosen.map(describe).join(', ') };
  });
}

function toNpy(array: RawArray, { dtype, shape }: TensorInfo): Uint8Array {
  return new Uint8Array(dump(array, shape, dtype === 'bool' && array instanceof Uint8Array ? { dtype: 'b1' } : {}));
}

function typeName(array: RawArray, { dtype }: TensorInfo): string {
  return array instanceof Float32Array ? 'float32' : dtype;
}

/** The median time of all steps together. */
function timePredictions(stream: Stream, steps: readonly Record<string, InputArray>[]): { ms: number; runs: number } {
  const times: number[] = [];
  const start = performance.now();
  do {
    stream.reset();
    const before = performance.now();
    for (const step of steps) stream.predict(step);
    times.push(performance.now() - before);
  } while (times.length < TIMED_RUNS && performance.now() - start < TIMED_MS);
  return { ms: times.sort((a, b) => a - b)[times.length >> 1]!, runs: times.length };
}
