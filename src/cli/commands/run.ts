import { extname } from 'node:path';
import { Command } from 'commander';
import { dump } from 'npyjs';
import { KletError, load, type Flavor, type InputArray, type Preprocessing, type RawArray, type Stream,
  type TensorInfo } from '../../index';
import { inputFrames } from '../../audio/index';
import { topK } from '../../tasks/labels';
import { collect, flavorOption, infoText, positiveNumber, threadCount } from '../args';
import { writeAtomically } from '../files';
import { readInputs } from '../inputs';
import type { Io } from '../io';
import { openNetwork } from '../network';
import { byName, countOf, toBytes } from '../tensors';
import { bytesText, clip, digits, floatText, msText, plural, shapeText, table } from '../text';
import { readLabels, readPreprocessing } from './convert';

interface RunOptions {
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

export function runCommand(io: Io): Command {
  return new Command('run').summary('predict from a picture, a recording, a .npy array or raw bytes')
    .description('Runs a network once on what you give it and shows the answer. A .tflite file is converted in memory first.')
    .argument('<file>', 'a .klet or .tflite file').option(
      '-i, --input <x>',
      "a picture (PNG, JPEG, BMP), sound (WAV), a .npy array, or a file with the tensor's own bytes; several in order, or as NAME=FILE",
      collect,
    ).option(
      '-o, --output <file>',
      'write the output: .npy, or bytes under any other name; several as NAME=FILE',
      collect,
    ).option('--raw', "input files hold all inputs' own bytes in order, output files the outputs' own").option(
      '--labels <file>',
      'names of the classes, one a line',
    ).option('--preprocess <json>', 'how pictures or sound become the input, as for convert').option(
      '--top <k>',
      'how many classes to show',
      positiveNumber,
      5,
    ).addOption(flavorOption('which build of the core (default: the fastest that works here)')).option(
      '--threads <n>',
      'threads that share the work (default: 1)',
      threadCount,
    ).option('--steps', 'also the answer after every step of a recording, for networks with state').option(
      '--json',
      'the answer for programs',
    ).addHelpText(
      'after',
      `
Examples:
  $ kinglet run mobilenet.klet --input parrot.jpg
  $ kinglet run keywords.klet --input yes.wav
  $ kinglet run spoken-digits.klet --input seven.wav --steps
  $ kinglet run detector.klet --input image=street.png --input threshold=threshold.npy
  $ kinglet run embed.klet --input face.png --output embedding.npy
  $ kinglet run net.klet --raw --input in.bin --output out.bin

Pictures are resized to the input. What else happens to them is said by the file's preprocessing;
without it uint8 inputs get the bytes 0..255, int8 inputs byte - 128, and float inputs byte / 255.
Sound becomes features as the file's preprocessing says, mixed to one channel and resampled to its rate;
silence is added behind a recording that is too short, and of a longer one the beginning is taken.
A network with state hears the whole recording, frame by frame or as many at a time as it takes, from a
fresh state; its answer is that after the last.
Without --raw, --output writes real numbers as float32; with it, the network's own type.`,
    ).action((file: string, options: RunOptions) => run(file, options, io));
}

async function run(file: string, options: RunOptions, io: Io): Promise<void> {
  const { klet, parts: { meta } } = openNetwork(file, io);
  const { flavor, threads } = options;
  const model = await load(klet, { ...(flavor && { flavor }), ...(threads && { threads }) });
  const labels = options.labels === undefined ? meta.labels : readLabels(options.labels);
  const preprocessing = options.preprocess === undefined
    ? meta.preprocessing
    : readPreprocessing(options.preprocess, model.inputs);
  const inputs = readInputs(options.input ?? [], model.inputs, {
    preprocessing,
    raw: options.raw ?? false,
    streamed: model.memory.state > 0,
    note: (text) => io.err(`kinglet: note: ${text}\n`),
  });
  const stream = model.createState();
  const steps = stepsOf(inputs, model.inputs);
  const raws = steps.map((step) => byName<RawArray>(model.outputs, stream.predict(step, { output: 'raw' })));
  stream.reset();
  const reals = steps.map((step) => byName<Float32Array>(model.outputs, stream.predict(step)));
  const raw = raws.at(-1);
  const real = reals.at(-1);
  const valuesAt = (
    output: TensorInfo,
    step: number,
  ): ArrayLike<
    number
  > => (isExact(output) ? Array.from(raws[step]![output.name]!, Number) : reals[step]![output.name]!);
  const values = (output: TensorInfo): ArrayLike<number> => valuesAt(output, steps.length - 1);
  const written = writeOutputs(options.output ?? [], model.outputs, options.raw ? raw : real);
  const inputCount = model.inputs.length === 1 ? countOf(model.inputs[0]!.shape) : undefined;
  const isRanked = model.outputs.map((output) => isClasses(output, labels, inputCount));
  const ranked = model.outputs.map((
    output,
    i,
  ) => (isRanked[i] ? topK(values(output), fitting(labels, output), options.top) : undefined));
  const time = timePredictions(stream, steps);
  if (options.json) {
    const outputs = model.outputs.map((output, i) => ({
      ...output,
      ...(ranked[i] && { top: ranked[i] }),
      values: Array.from(values(output)),
    }));
    const answers = steps.map((_, step) =>
      Object.fromEntries(model.outputs.map((output) => [output.name, Array.from(valuesAt(output, step))]))
    );
    io.out(`${
      JSON.stringify(
        {
          file,
          network: meta.name,
          ...model.info,
          medianMs: time.ms,
          runs: time.runs,
          ...(steps.length > 1 && { steps: steps.length, msPerStep: time.ms / steps.length }),
          outputs,
          ...(options.steps && { answers }),
        },
        null,
        2,
      )
    }\n`);
    return;
  }
  const timeText = steps.length > 1
    ? `${msText(time.ms)} for ${steps.length} steps, ${(time.ms * 1000 / steps.length).toFixed(1)} µs each`
    : `${msText(time.ms)} a prediction`;
  if (written.length > 0) {
    io.out(written.map(({ path, bytes, what }) =>
      `wrote ${path}: ${what}, ${plural(bytes, 'byte')}${bytes < 1024 ? '' : ` (${bytesText(bytes)})`}\n`
    ).join(''));
  } else if (options.steps) {
    const cells = (step: number): string[] =>
      model.outputs.map((
        output,
        i,
      ) => (isRanked[i]
        ? bestText(valuesAt(output, step), fitting(labels, output))
        : firstText(output, valuesAt(output, step)))
      );
    io.out(`${
      table(
        [{ head: 'step', align: 'right' }, { head: 'after', align: 'right' },
          ...model.outputs.map(({ name }) => ({ head: name }))],
        steps.map((_, step) => [String(step), afterText(step, model.inputs, preprocessing), ...cells(step)]),
      )
    }\n`);
  }
  if (written.length === 0) {
    model.outputs.forEach((output, i) =>
      io.out(`${i > 0 ? '\n' : ''}${
        ranked[i] ? classesText(output, ranked[i], values(output), io.columns) : statisticsText(output, values(output))
      }`)
    );
  }
  io.out(`${written.length > 0 ? '' : '\n'}${timeText} (median of ${time.runs}, ${infoText(model.info)})\n`);
}

/**
 * What goes in one after the other: an input may be several of them, one behind the other, and
 * those that are not stay.
 */
function stepsOf(inputs: Record<string, InputArray>, ports: readonly TensorInfo[]): Record<string, InputArray>[] {
  const count = Math.max(1, ...ports.map(({ name, shape }) => inputs[name]!.length / countOf(shape)));
  return Array.from({ length: count }, (_, step) =>
    Object.fromEntries(ports.map(({ name, shape }) => {
      const all = inputs[name]!;
      const size = countOf(shape);
      return [name, all.length > size ? all.slice(step * size, (step + 1) * size) : all];
    })));
}

/** How much of a recording a step has heard. */
function afterText(step: number, [input]: readonly TensorInfo[], preprocessing: Preprocessing | undefined): string {
  if (preprocessing?.kind !== 'audio' || !input) return '';
  return `${
    ((step + 1) * inputFrames(input, preprocessing) * preprocessing.hop / preprocessing.sampleRate).toFixed(2)
  } s`;
}

function bestText(values: ArrayLike<number>, labels: readonly string[] | undefined): string {
  const [best] = topK(values, labels, 1);
  return `${best!.label}  ${best!.score.toFixed(4)}`;
}

/** Types whose values are the numbers themselves, wider than a float. */
function isExact({ dtype }: TensorInfo): boolean {
  return dtype === 'int32' || dtype === 'int64' || dtype === 'bool';
}

function fitting(labels: readonly string[] | undefined, { shape }: TensorInfo): readonly string[] | undefined {
  return labels?.length === countOf(shape) ? labels : undefined;
}

/**
 * A vector of scores: as many as there are labels, or, without labels, any that is not a
 * reconstruction of the input.
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
  const isShare = list.every((v) => v >= 0 && v <= 1) && Math.abs(sum - 1) < 0.1;
  // the order of classes without any share says nothing
  const shown = ranked.filter(({ score }) => !isShare || score > 0);
  const named = ranked.some(({ index, label }) => label !== String(index));
  const room = Math.max(20, columns - 48);
  const rows = shown.map((
    { index, label, score },
    i,
  ) => [`${i + 1}.`, ...(named ? [clip(label, room)] : []), String(index), score.toFixed(4),
    isShare ? '#'.repeat(Math.round(score * BAR)) : '']
  );
  const heads = [{ head: '' }, ...(named ? [{ head: 'label' }] : []), { head: 'class', align: 'right' as const }, {
    head: 'score',
    align: 'right' as const,
  }, { head: '' }];
  const rest = shown.length < ranked.length ? `    the other ${list.length - shown.length} score 0\n` : '';
  return `${output.name}: ${plural(list.length, 'class', 'classes')}\n${table(heads, rows)}${rest}`;
}

function statisticsText(output: TensorInfo, values: ArrayLike<number>): string {
  const list = Array.from(values);
  const head = `${output.name}: ${output.dtype} ${shapeText(output.shape)}`;
  if (list.length === 1) return `${head}\n  ${firstText(output, values)}\n`;
  const low = list.reduce((a, b) => Math.min(a, b));
  const high = list.reduce((a, b) => Math.max(a, b));
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return `${head}\n  ${firstText(output, values)}\n  smallest ${valueText(output, low)}, largest ${
    valueText(output, high)
  }, mean ${digits(mean)}\n`;
}

function firstText(output: TensorInfo, values: ArrayLike<number>): string {
  return `${Array.from(values).slice(0, SHOWN_VALUES).map((value) => valueText(output, value)).join(', ')}${
    values.length > SHOWN_VALUES ? ', …' : ''
  }`;
}

function valueText(output: TensorInfo, value: number): string {
  return isExact(output) ? String(value) : floatText(Number(value.toPrecision(5)));
}

/** Writes what `--output` names: one file for all outputs, or one an output as NAME=FILE. */
function writeOutputs(
  specs: readonly string[],
  outputs: readonly TensorInfo[],
  arrays: Record<string, RawArray>,
): { path: string; bytes: number; what: string }[] {
  const describe = (output: TensorInfo): string =>
    `${output.name} ${typeName(arrays[output.name]!, output)} ${shapeText(output.shape)}`;
  return specs.map((spec) => {
    const named = outputs.find(({ name }) => spec.startsWith(`${name}=`));
    const path = named ? spec.slice(named.name.length + 1) : spec;
    const chosen = named ? [named] : outputs;
    const isNpy = extname(path).toLowerCase() === '.npy';
    if (isNpy && chosen.length > 1) {
      throw new KletError(
        'BAD_ARGUMENT',
        `a .npy file holds one array and the network has ${outputs.length} outputs; name one: ${
          outputs.map(({ name }) => `--output ${name}=${path}`).join(' or ')
        }`,
      );
    }
    if (!named && specs.length > 1) {
      throw new KletError(
        'BAD_ARGUMENT',
        `with several --output say which is which: ${outputs.map(({ name }) => `${name}=FILE`).join(', ')}`,
      );
    }
    const bytes = isNpy
      ? toNpy(arrays[chosen[0]!.name]!, chosen[0]!)
      : Buffer.concat(chosen.map(({ name }) => toBytes(arrays[name]!)));
    writeAtomically(path, bytes);
    return { path, bytes: bytes.length, what: chosen.map(describe).join(', ') };
  });
}

function toNpy(array: RawArray, { dtype, shape }: TensorInfo): Uint8Array {
  return new Uint8Array(dump(array, shape, dtype === 'bool' && array instanceof Uint8Array ? { dtype: 'b1' } : {}));
}

function typeName(array: RawArray, { dtype }: TensorInfo): string {
  return array instanceof Float32Array ? 'float32' : dtype;
}

/** Of all steps together. */
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
