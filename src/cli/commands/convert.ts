import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { audioParameters, checkAudioParameters, inputFrames, type AudioConvention,
  type AudioSettings } from '../../audio/index';
import { cluster, compile, readKlet, toStream, type ClusteredWeights, type CompileOptions, type Notes,
  type PrunePattern } from '../../compiler/index';
import { KletError, loadSync, type AudioPreprocessing, type Model, type Preprocessing,
  type TensorInfo } from '../../index';
import { checkPreprocessing, imageShape } from '../../tasks/pixels';
import { byteCount, positiveNumber, wholeNumber } from '../args';
import { goldenCases, memoryText, operatorCounts, portsTable, totalMacs } from '../describe';
import { readBytes, readText, writeAtomically } from '../files';
import type { Io } from '../io';
import { importForeign, LONG_FILE, networkName } from '../network';
import { addPruningOptions, pruned, type PruningOptions } from '../pruning';
import { Progress } from '../progress';
import { countOf, randomInputs } from '../tensors';
import { bytesText, countText, facts, percentText, plural } from '../text';
import { version } from '../version';

interface ConvertOptions extends PruningOptions {
  output?: string;
  name?: string;
  labels?: string;
  preprocess?: string;
  golden: number;
  notes: boolean;
  cluster?: number;
  compact?: boolean;
  maxMemory?: number;
  stream?: boolean;
  frames?: number;
  timeAxis?: number;
}

const SEED = 1;

export function convertCommand(io: Io): Command {
  const command = new Command('convert').summary('turn a .tflite network into a .klet file')
    .description('Turns a TensorFlow Lite network (.tflite, told by its content) into a .klet file, and proves that the file runs.')
    .argument('<in>', 'the network to convert').option(
      '-o, --output <file>',
      "where to write (default: the input's name with .klet)",
    ).option('--name <name>', "what the network calls itself (default: the input's name)").option(
      '--labels <file>',
      'names of the classes, one a line, kept in the file',
    ).option('--preprocess <json>', 'how pictures or sound become its input, kept in the file: JSON or a file of it')
    .option('--golden <n>', 'keep n seeded random inputs and their outputs in the file, for selfTest()', wholeNumber, 0)
    .option('--max-memory <bytes>', 'refuse a network that needs more memory to run (65536, 512K, 2M)', byteCount)
    .option(
      '--cluster <n>',
      'leave the weights of each layer n values (16: about 4 bits each with --compact), the closest there are',
      positiveNumber,
    ).option(
      '--compact',
      'store the file entropy-coded, each section where that is smaller: worth it where nothing else compresses it',
    ).option(
      '--stream',
      'in streaming form: it takes the next frames of a sequence and keeps what it needs of those before',
    ).option('--frames <n>', 'with --stream: how many frames a call brings (default: 1)', wholeNumber).option(
      '--time-axis <n>',
      'with --stream: which dimension of the inputs is time, from 0 (default: what fits)',
      wholeNumber,
    ).option('--strip', 'leave out the names and sizes that inspect and profile show');
  return addPruningOptions(command).addHelpText(
    'after',
    `
Examples:
  $ kinglet convert mobilenet.tflite -o mobilenet.klet --labels imagenet.txt
  $ kinglet convert digits.tflite --preprocess digits.json
    with {"kind": "image", "channels": 1, "scale": 0.00392157, "offset": 0} in digits.json
  $ kinglet convert mobilenet.tflite -o smaller.klet --prune 0.5 --samples pictures/

  $ kinglet convert keywords.tflite --preprocess keywords.json
    with {"kind": "audio", "convention": "tensorflow", "sampleRate": 16000, "frameLength": 480,
    "hop": 320, "mel": {"bands": 40}, "mfcc": {"count": 10}} in keywords.json

Preprocessing of pictures says how bytes 0..255 become the numbers that the network was trained on:
value × scale + offset, each a number or one a channel; "invert": true first turns black on white into
white on black. Preprocessing of sound names a convention, "tensorflow" or "librosa", and what differs
from its defaults (docs/audio.md); the file keeps all of it.`,
  ).action((input: string, options: ConvertOptions & { strip?: boolean }) =>
    convert(input, { ...options, notes: !options.strip }, io)
  );
}

function convert(input: string, options: ConvertOptions, io: Io): void {
  const output = options.output ?? join(dirname(input), `${networkName(input)}.klet`);
  if (resolve(output) === resolve(input)) {
    throw new KletError('BAD_ARGUMENT', `the output "${output}" is the input itself; name another with -o`);
  }
  const source = readBytes(input);
  const progress = new Progress(io, 4, source.length > LONG_FILE);
  try {
    progress.update(0, `reading ${basename(input)}`);
    const imported = importForeign(source, input, options.name);
    const { frames, timeAxis } = options;
    const labels = options.labels === undefined ? undefined : readLabels(options.labels);
    const wholeMeta = metaOf(source, input, options, labels, imported.inputs as TensorInfo[]);
    const { graph: thinned, summary: pruning, report, provenance } = pruned(
      imported,
      options,
      wholeMeta.preprocessing as Preprocessing | undefined,
      (title) => progress.update(1, title),
    );
    const { graph: whole, clustered } = options.cluster === undefined
      ? { graph: thinned, clustered: undefined }
      : cluster(thinned, options.cluster);
    const graph = options.stream
      ? toStream(whole, { ...(frames !== undefined && { frames }), ...(timeAxis !== undefined && { axis: timeAxis }) })
      : whole;
    const inputs = graph.inputs as TensorInfo[];
    const meta = options.stream ? metaOf(source, input, options, labels, inputs) : wholeMeta;
    progress.update(1, 'compiling');
    const golden = Array.from({ length: options.golden }, (_, i) => randomInputs(inputs, SEED + i));
    const klet = compile(graph, {
      meta: {
        ...meta,
        provenance: { ...(meta.provenance as object), ...provenance, ...(clustered && { clustered: options.cluster }) },
      },
      golden,
      notes: options.notes,
      compact: options.compact ?? false,
      ...(options.maxMemory !== undefined && { maxMemory: options.maxMemory }),
    });
    progress.update(2, 'writing and verifying');
    let model: Model | undefined;
    writeAtomically(output, klet, (written) => {
      model = verify(written);
    });
    progress.stop();
    if (labels) warnAboutLabels(labels.length, model!.outputs, io);
    io.out(summary(
      input,
      source.length,
      output,
      klet,
      model!,
      options.golden,
      pruning,
      options.prunePattern,
      clustered,
    ));
    if (report) io.out(`\n${report}`);
  } finally {
    progress.stop();
  }
}

function metaOf(
  source: Uint8Array,
  input: string,
  { name, preprocess }: ConvertOptions,
  labels: string[] | undefined,
  inputs: TensorInfo[],
): NonNullable<CompileOptions['meta']> {
  return {
    ...(name !== undefined && { name }),
    ...(labels && { labels }),
    ...(preprocess !== undefined && { preprocessing: readPreprocessing(preprocess, inputs) }),
    provenance: {
      converter: `kinglet ${version}`,
      format: 'tflite',
      source: basename(input),
      sha256: createHash('sha256').update(source).digest('hex'),
    },
  };
}

/** One label a line; empty lines at the end do not count. */
export function readLabels(path: string): string[] {
  const lines = readText(path).replace(/^\ufeff/, '').trimEnd().split(/\r?\n/).map((line) => line.trim());
  if (lines.length === 1 && lines[0] === '') {
    throw new KletError('BAD_ARGUMENT', `"${path}" holds no labels; expected one a line`);
  }
  return lines;
}

/**
 * @param text JSON, or the path of a file with it
 * @param inputs one of them must be able to take such a picture, or such sound
 * @throws KletError `BAD_ARGUMENT`, `FETCH_FAILED`, or `SHAPE_MISMATCH` about the first input
 */
export function readPreprocessing(text: string, inputs: readonly TensorInfo[]): Preprocessing {
  const isJson = text.trimStart().startsWith('{');
  const json = isJson ? text : readText(text);
  const where = isJson ? '--preprocess' : `"${text}"`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `${where} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const [first] = inputs;
  if (!first) throw new KletError('BAD_ARGUMENT', `${where} describes an input; the network has none`);
  if ((value as { kind?: unknown } | null)?.kind === 'audio') {
    const parameters = completeAudio(value as AudioPreprocessing | AudioShorthand);
    if (!inputs.some((input) => takes(() => inputFrames(input, parameters)))) inputFrames(first, parameters);
    return parameters;
  }
  const preprocessing = checkPreprocessing(value);
  if (!inputs.some((input) => takes(() => imageShape(input, preprocessing)))) imageShape(first, preprocessing);
  return preprocessing;
}

type AudioShorthand = AudioSettings & { kind: 'audio'; convention: AudioConvention };

function completeAudio(value: AudioPreprocessing | AudioShorthand): AudioPreprocessing {
  if (!('convention' in value)) return checkAudioParameters(value);
  const { kind: _, convention, ...settings } = value;
  return audioParameters(convention, settings);
}

/** Whether a check passes. */
function takes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Loads what was written, in every flavor of this engine, and runs it. */
function verify(bytes: Uint8Array<ArrayBuffer>): Model {
  const [model, ...others] = (['relaxed', 'simd', 'scalar'] as const).flatMap((flavor) => {
    try {
      const loaded = loadSync(bytes, { flavor });
      return loaded.selfTest() === 0 ? (loaded.predict(randomInputs(loaded.inputs, SEED)), [loaded]) : [loaded];
    } catch (error) {
      // an engine without SIMD still converts
      if (flavor !== 'scalar' && error instanceof KletError && error.code === 'NO_WASM') return [];
      throw error;
    }
  });
  for (const other of others) other.dispose();
  return model!;
}

function warnAboutLabels(labels: number, outputs: readonly TensorInfo[], io: Io): void {
  if (outputs.some(({ shape }) => shape.at(-1) === labels || countOf(shape) === labels)) return;
  const classes = outputs.map(({ name, shape }) => `"${name}" has ${shape.at(-1) ?? 1}`).join(', ');
  io.err(`kinglet: warning: there are ${
    plural(labels, 'label')
  }, and ${classes}; "kinglet run" shows labels only where the numbers agree\n`);
}

/**
 * How many layers multiply by lists of the weights that are left; without channels there are fewer
 * weights, none of them in lists.
 */
function listedText(notes: Notes | undefined, pattern: PrunePattern | undefined): string | undefined {
  if (pattern === 'channels') return undefined;
  return notes
    ? `${plural(notes.records.filter(({ layout }) => layout).length, 'layer')} faster for it`
    : 'made faster where it pays';
}

function clusteredText(clustered: readonly ClusteredWeights[]): string {
  if (clustered.length === 0) return 'no layer: those with more values have too few weights';
  const most = Math.max(...clustered.map(({ after }) => after));
  const weights = clustered.reduce((sum, entry) => sum + entry.weights, 0);
  return `${countText(weights)} weights in ${
    plural(clustered.length, 'layer')
  } to ${most} values at most; the farthest ${
    percentText(Math.max(...clustered.map(({ error }) => error)), 1)
  } from what they were`;
}

function summary(
  input: string,
  inputBytes: number,
  output: string,
  klet: Uint8Array,
  model: Model,
  golden: number,
  pruning: string | undefined,
  pattern: PrunePattern | undefined,
  clustered: readonly ClusteredWeights[] | undefined,
): string {
  const parts = readKlet(klet);
  const { notes } = parts;
  const cases = goldenCases(parts);
  return `${
    facts([['read', `${input}, ${bytesText(inputBytes)}`], ['wrote',
      `${output}, ${bytesText(klet.length)} (${percentText(klet.length, inputBytes)})`], ['operators',
      notes && `${notes.records.length}: ${operatorCounts(notes)}`], ['MACs',
      notes && `${countText(totalMacs(notes))} a prediction`], ['pruned',
      pruning && [pruning, listedText(notes, pattern)].filter(Boolean).join('; ')], ['clustered',
      clustered && clusteredText(clustered)], ['memory', memoryText(model.memory)], ['verified',
      golden > 0 ? `all flavors reproduce its ${plural(cases, 'golden case')}` : 'loads and runs in all flavors']])
  }\n${portsTable(model.inputs, model.outputs)}`;
}
