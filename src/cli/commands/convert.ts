import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { audioParameters, checkAudioParameters, inputFrames, type AudioConvention,
  type AudioSettings } from '../../audio/index';
import { cluster, compile, importerOf, readKlet, toStream, type ClusteredWeights, type CompileOptions, type Notes,
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

/** What the summary at the end of a conversion reports. */
interface Result {
  input: string;
  inputBytes: number;
  output: string;
  klet: Uint8Array;
  model: Model;
  golden: number;
  pruning: string | undefined;
  pattern: PrunePattern | undefined;
  clustered: readonly ClusteredWeights[] | undefined;
}

const SEED = 1;

const HELP = `
Examples:
  $ kinglet convert mobilenet.tflite -o mobilenet.klet --labels imagenet.txt
  $ kinglet convert digits.tflite --preprocess digits.json
    with {"kind": "image", "channels": 1, "scale": 0.00392157, "offset": 0} in digits.json
  $ kinglet convert mobilenet.tflite -o smaller.klet --prune 0.5 --samples images/

  $ kinglet convert keywords.tflite --preprocess keywords.json
    with {"kind": "audio", "convention": "tensorflow", "sampleRate": 16000, "frameLength": 480,
    "hop": 320, "mel": {"bands": 40}, "mfcc": {"count": 10}} in keywords.json

Image preprocessing says how the bytes 0..255 of an image become the numbers that the network was
trained on: value × scale + offset, with one number for all channels or one per channel.
"invert": true first turns black on white into white on black. Audio preprocessing names a
convention, "tensorflow" or "librosa", and every parameter that differs from its defaults
(docs/audio.md). The file stores all parameters.`;

export function convertCommand(io: Io): Command {
  const command = new Command('convert').summary('convert a .tflite network to a .klet file');
  command.description('Converts a TensorFlow Lite network (.tflite) to a .klet file and verifies that the file runs.');
  command.argument('<in>', 'the network to convert');
  command.option('-o, --output <file>', 'the file to write (default: the name of the input, with .klet)');
  command.option('--name <name>', 'name of the network (default: the name of the input)');
  command.option('--labels <file>', 'names of the classes, one per line, to store in the file');
  command.option(
    '--preprocess <json>',
    'how images or audio become the input, to store in the file: JSON or a JSON file',
  );
  command.option('--golden <n>', 'store n seeded random inputs and their outputs, for selfTest()', wholeNumber, 0);
  command.option('--max-memory <bytes>', 'refuse a network that needs more memory to run (65536, 512K, 2M)', byteCount);
  command.option(
    '--cluster <n>',
    'replace the weights of each layer by the n values that fit them best (16: about 4 bits each with --compact)',
    positiveNumber,
  );
  command.option(
    '--compact',
    'entropy-code each section where that makes it smaller; useful where nothing else compresses the file',
  );
  command.option(
    '--stream',
    'convert to the streaming form, which takes the next frames of a sequence and keeps the earlier ones it needs',
  );
  command.option('--frames <n>', 'with --stream: frames per call (default: 1)', wholeNumber);
  command.option(
    '--time-axis <n>',
    'with --stream: the dimension of the inputs that is time, counted from 0 (default: the first that works)',
    wholeNumber,
  );
  command.option('--strip', 'leave out the names and sizes that inspect and profile show');
  addPruningOptions(command);
  command.addHelpText('after', HELP);
  return command.action((input: string, options: ConvertOptions & { strip?: boolean }) =>
    convert(input, { ...options, notes: !options.strip }, io)
  );
}

function convert(input: string, options: ConvertOptions, io: Io): void {
  const output = options.output ?? join(dirname(input), `${networkName(input)}.klet`);
  if (resolve(output) === resolve(input)) {
    throw new KletError('BAD_ARGUMENT', `the output "${output}" is the input file; choose another with -o`);
  }
  const source = readBytes(input);
  const progress = new Progress(io, 4, source.length > LONG_FILE);
  try {
    progress.update(0, `reading ${basename(input)}`);
    const imported = importForeign(source, input, options.name);
    const { frames, timeAxis } = options;
    const labels = options.labels === undefined ? undefined : readLabels(options.labels);
    const wholeMeta = metaOf(source, input, options, labels, imported.inputs as TensorInfo[]);
    const { graph: sparse, summary: pruning, report, provenance } = pruned(
      imported,
      options,
      wholeMeta.preprocessing as Preprocessing | undefined,
      (title) => progress.update(1, title),
    );
    const { graph: whole, clustered } = options.cluster === undefined
      ? { graph: sparse, clustered: undefined }
      : cluster(sparse, options.cluster);
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
    io.out(summary({
      input,
      inputBytes: source.length,
      output,
      klet,
      model: model!,
      golden: options.golden,
      pruning,
      pattern: options.prunePattern,
      clustered,
    }));
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
      format: importerOf(source)!.name,
      source: basename(input),
      sha256: createHash('sha256').update(source).digest('hex'),
    },
  };
}

/** Reads one label per line; empty lines at the end do not count. */
export function readLabels(path: string): string[] {
  const lines = readText(path).replace(/^\ufeff/, '').trimEnd().split(/\r?\n/).map((line) => line.trim());
  if (lines.length === 1 && lines[0] === '') {
    throw new KletError('BAD_ARGUMENT', `"${path}" holds no labels; expected one per line`);
  }
  return lines;
}

/**
 * @param text JSON, or the path of a JSON file
 * @param inputs at least one must accept the preprocessed image or audio
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
  if (!first) throw new KletError('BAD_ARGUMENT', `${where} describes an input, but the network has none`);
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

/** Whether `check` returns without an error. */
function takes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Loads the written file in every flavor that this engine supports, and runs it. */
function verify(bytes: Uint8Array<ArrayBuffer>): Model {
  const [model, ...others] = (['relaxed', 'simd', 'scalar'] as const).flatMap((flavor) => {
    try {
      const loaded = loadSync(bytes, { flavor });
      return loaded.selfTest() === 0 ? (loaded.predict(randomInputs(loaded.inputs, SEED)), [loaded]) : [loaded];
    } catch (error) {
      // engines without SIMD can still convert
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
  const counts = `there are ${plural(labels, 'label')}, but ${classes}`;
  io.err(`kinglet: warning: ${counts}; "kinglet run" shows labels only if the numbers agree\n`);
}

/**
 * Number of layers that run on lists of their remaining weights. Pruning of channels removes
 * weights without leaving lists, so nothing is reported.
 */
function listedText(notes: Notes | undefined, pattern: PrunePattern | undefined): string | undefined {
  if (pattern === 'channels') return undefined;
  return notes
    ? `${plural(notes.records.filter(({ layout }) => layout).length, 'layer')} faster`
    : 'layers made faster where that pays';
}

function clusteredText(clustered: readonly ClusteredWeights[]): string {
  if (clustered.length === 0) return 'no layer, because none with enough weights has more values';
  const most = Math.max(...clustered.map(({ after }) => after));
  const weights = clustered.reduce((sum, entry) => sum + entry.weights, 0);
  const error = percentText(Math.max(...clustered.map((entry) => entry.error)), 1);
  const layers = plural(clustered.length, 'layer');
  return `${countText(weights)} weights in ${layers} to at most ${most} values; largest error of a layer ${error}`;
}

function summary({ input, inputBytes, output, klet, model, golden, pruning, pattern, clustered }: Result): string {
  const parts = readKlet(klet);
  const { notes } = parts;
  const cases = plural(goldenCases(parts), 'golden case');
  const written = `${output}, ${bytesText(klet.length)} (${percentText(klet.length, inputBytes)})`;
  const lines = facts({
    read: `${input}, ${bytesText(inputBytes)}`,
    wrote: written,
    operators: notes && `${notes.records.length}: ${operatorCounts(notes)}`,
    MACs: notes && `${countText(totalMacs(notes))} a prediction`,
    pruned: pruning && [pruning, listedText(notes, pattern)].filter(Boolean).join('; '),
    clustered: clustered && clusteredText(clustered),
    memory: memoryText(model.memory),
    verified: golden > 0 ? `all flavors reproduce its ${cases}` : 'loads and runs in all flavors',
  });
  return `${lines}\n${portsTable(model.inputs, model.outputs)}`;
}
