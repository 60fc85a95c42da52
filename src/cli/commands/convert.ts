import { createHash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { compile, importerOf, readKlet, repack, toStream, type ClusteredWeights, type CompileOptions, type DebugInfo,
  type ForeignMeta, type PrunePattern } from '../../compiler/index';
import { KletError, loadSync, type Model, type Preprocessing, type TensorInfo } from '../../index';
import { byteCount, countUpTo, wholeNumber } from '../args';
import { comparedText, comparisonTable, comparisonWarning, ruinText } from '../comparison';
import { addCompressionOptions, compress, weightChanges, type Compressed,
  type CompressionOptions } from '../compression';
import { goldenCases, memoryText, operatorCounts, portsTable, preprocessingText, totalMacs } from '../describe';
import { networkFile, pathText, quoted, readBytes, STANDARD, writeAtomically } from '../files';
import type { Io } from '../io';
import { readLabels, readPreprocessing } from '../meta';
import { addImportOptions, foreignMeta, FORMATS, hasKletMagic, importForeign, LONG_FILE, networkName, readingOf,
  storedBytes, type ForeignOptions } from '../network';
import { Progress } from '../progress';
import { countOf, randomInputs } from '../tensors';
import { bytesText, countText, facts, percentText, plural } from '../text';
import { version } from '../version';

interface ConvertOptions extends CompressionOptions, ForeignOptions {
  output?: string;
  name?: string;
  labels?: string;
  preprocess?: string;
  golden: number;
  strip?: boolean;
  compact?: boolean;
  maxMemory?: number;
  stream?: boolean;
  frames?: number;
  timeAxis?: number;
}

/** One run of the command. */
interface Job {
  input: string;
  output: string;
  source: Uint8Array;
  options: ConvertOptions;
  labels: string[] | undefined;
  /** Labels and preprocessing that the foreign file contains. */
  foreign: ForeignMeta;
  progress: Progress;
}

type NewMeta = NonNullable<CompileOptions['meta']>;

const SEED = 1;
const KLET_OPTIONS = '--name, --labels, --preprocess, --compact, --golden, --strip and --max-memory';
/** selfTest() runs every golden case, and each takes the bytes of an input and an output. */
const MAX_GOLDEN = 100;
/** The exit code for a network that compression ruined. */
const RUINED = 2;

const HELP = `
Examples:
  $ kinglet convert mobilenet.tflite -o mobilenet.klet --labels imagenet.txt
  $ kinglet convert detector.onnx --shape image=1,3,480,640 --layout nhwc
  $ kinglet convert voice.onnx --shape audio=1,512 --constant sr=16000 --state auto
  $ kinglet convert model.json -o posture.klet
  $ kinglet convert digits.keras --preprocess digits.json
    with {"kind": "image", "channels": 1, "scale": 0.00392157, "offset": 0} in digits.json
  $ kinglet convert keywords.tflite --preprocess keywords.json
    with {"kind": "audio", "convention": "tensorflow", "sampleRate": 16000, "frameLength": 480,
    "hop": 320, "mel": {"bands": 40}, "mfcc": {"count": 10}} in keywords.json
  $ kinglet convert mobilenet.tflite -o smaller.klet --cluster 64 --compact --samples images/
  $ kinglet convert network.klet -o labelled.klet --labels labels.txt --compact
  $ curl -sL https://example.com/network.tflite | kinglet convert - -o - > network.klet

Weights in other files, such as those of a model.json, are read from where the network says, relative
to it. docs/importing.md has more about each format.

Image preprocessing says how the bytes 0..255 of an image become the numbers that the network was
trained on: value × scale + offset, with one number for all channels or one per channel.
"invert": true first turns black on white into white on black. Audio preprocessing names a
convention, "tensorflow" or "librosa", and every parameter that differs from its defaults
(docs/audio.md). The file stores all parameters.

--prune, --cluster and --low-rank change the answers. With --samples, the network before and after
is compared on inputs that the compression did not see. If the network is ruined, nothing is written
and the exit code is 2 (docs/pruning.md says when). Most networks bear little pruning unless they
were trained with it.

A .klet file may be converted again with --name, --labels, --preprocess, --compact, --golden and
--strip. "-" stands for standard input and output.`;

export function convertCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('convert').summary('convert a network to a .klet file');
  command.description(`Converts a network of ${FORMATS} to a .klet file, and verifies that the file runs.`);
  command.argument('<in>', 'the network to convert, or - for standard input');
  command.option(
    '-o, --output <file>',
    'the file to write, or - for standard output (default: the name of the input, with .klet)',
  );
  command.option('--name <name>', 'name of the network (default: the name of the input)');
  addImportOptions(command);
  command.option('--labels <file>', 'names of the classes, one per line, to store in the file');
  command.option(
    '--preprocess <json>',
    'how images or audio become the input, to store in the file: JSON or a JSON file',
  );
  command.option(
    '--golden <n>',
    `store n seeded random inputs and their outputs, for selfTest() (at most ${MAX_GOLDEN})`,
    countUpTo(MAX_GOLDEN),
    0,
  );
  command.option('--max-memory <bytes>', 'refuse a network that needs more memory to run (65536, 512K, 2M)', byteCount);
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
  addCompressionOptions(command);
  command.addHelpText('after', HELP);
  return command.action(async (input: string, options: ConvertOptions) => {
    if (!(await convert(networkFile(input), options, io))) exit(RUINED);
  });
}

/** @returns false if nothing was written, because compression ruined the network */
async function convert(input: string, options: ConvertOptions, io: Io): Promise<boolean> {
  checkOptions(options);
  const output = options.output ?? defaultOutput(input);
  if (output !== STANDARD && resolve(output) === resolve(input)) {
    throw new KletError('BAD_ARGUMENT', `the output "${output}" is the input file; choose another with -o`);
  }
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const source = readBytes(input);
  const progress = new Progress(io, 4, source.length > LONG_FILE);
  const foreign = foreignMeta(source, input, io);
  const job: Job = { input, output, source, options, labels, foreign, progress };
  try {
    progress.update(0, `reading ${nameOf(input)}`);
    if (hasKletMagic(source)) finish(job, repacked(job), undefined, io);
    else {
      const { name = networkName(input) } = options;
      const onProgress = (part: number): void => progress.update(part, `reading ${nameOf(input)}`);
      const imported = importForeign(source, input, io, { name, onProgress, ...readingOf(options) });
      const meta = metaOf(job, imported.inputs as TensorInfo[]);
      const compressed = await compress(imported, options, meta.preprocessing as Preprocessing | undefined, (title) => {
        progress.update(1, title);
      });
      if (compressed.comparison?.verdict === 'ruined' && !options.force) {
        progress.stop();
        io.err(refusalText(job, compressed));
        return false;
      }
      progress.update(1, 'compiling');
      finish(job, compiled(job, compressed, meta), compressed, io);
    }
  } finally {
    progress.stop();
  }
  return true;
}

function checkOptions({ stream, frames, timeAxis }: ConvertOptions): void {
  if (stream) return;
  const stray = Object.entries({ '--frames': frames, '--time-axis': timeAxis }).find(([, value]) =>
    value !== undefined
  );
  if (stray) throw new KletError('BAD_ARGUMENT', `${stray[0]} needs --stream, the conversion to the streaming form`);
}

function defaultOutput(input: string): string {
  return input === STANDARD ? STANDARD : join(dirname(input), `${networkName(input)}.klet`);
}

/** The name of the input file, without its folder. */
function nameOf(input: string): string {
  return pathText(basename(input), 'standard input');
}

/** The `.klet` file of a network. */
function compiled({ options, ...job }: Job, { graph: whole, provenance }: Compressed, wholeMeta: NewMeta): Uint8Array {
  const { stream, frames, timeAxis } = options;
  const graph = stream
    ? toStream(whole, { ...(frames !== undefined && { frames }), ...(timeAxis !== undefined && { axis: timeAxis }) })
    : whole;
  const inputs = graph.inputs as TensorInfo[];
  const meta = stream ? metaOf({ options, ...job }, inputs) : wholeMeta;
  return compile(graph, {
    meta: { ...meta, provenance: { ...(meta.provenance as object), ...provenance } },
    golden: goldenInputs(inputs, options.golden),
    debugInfo: !options.strip,
    compact: options.compact ?? false,
    ...(options.maxMemory !== undefined && { maxMemory: options.maxMemory }),
  });
}

function goldenInputs(inputs: readonly TensorInfo[], count: number): ReturnType<typeof randomInputs>[] {
  return Array.from({ length: count }, (_, i) => randomInputs(inputs, SEED + i));
}

/** A `.klet` file with other metadata, or in compact form. */
function repacked({ input, source, options, labels }: Job): Uint8Array {
  const { name, preprocess, golden, strip, compact, maxMemory, stream } = options;
  const [needsWeights] = [...weightChanges(options), ...(stream ? ['--stream'] : [])];
  const { meta } = readKlet(source, quoted(input));
  if (needsWeights !== undefined) {
    const { source: from } = meta.provenance as { source?: string } ?? {};
    const original = from === undefined ? 'the original network' : `the original network (${from})`;
    throw new KletError(
      'BAD_ARGUMENT',
      `${needsWeights} changes the network, but ${quoted(input)} holds a compiled one; convert ${original} again. `
        + `A .klet file takes ${KLET_OPTIONS}`,
    );
  }
  if (name === undefined && preprocess === undefined && !labels && golden === 0 && !strip && !compact) {
    throw new KletError(
      'BAD_ARGUMENT',
      `${quoted(input)} is already a .klet file, and no option changes it; it takes ${KLET_OPTIONS}`,
    );
  }
  loadSync(source, { ...(maxMemory !== undefined && { maxMemory }) }).dispose();
  return repack(source, {
    meta: {
      ...(name !== undefined && { name }),
      ...(labels && { labels }),
      ...(preprocess !== undefined && { preprocessing: readPreprocessing(preprocess, meta.inputs) }),
    },
    golden: goldenInputs(meta.inputs, golden),
    debugInfo: !strip,
    compact: compact ?? false,
  });
}

/** Writes and verifies the file, and reports on it: to stderr if the file goes to stdout. */
function finish(job: Job, klet: Uint8Array, compressed: Compressed | undefined, io: Io): void {
  const { output, progress } = job;
  const labels = job.labels ?? job.foreign.labels;
  progress.update(2, 'writing and verifying');
  let model: Model;
  if (output === STANDARD) {
    model = verify(new Uint8Array(klet));
    io.outBytes(klet);
  } else model = writeVerified(output, klet);
  progress.stop();
  if (labels) warnAboutLabels(labels.length, model.outputs, io);
  const text = summary(job, klet, model, compressed);
  if (output === STANDARD) io.err(text);
  else io.out(text);
  if (compressed) warnAboutChanges(compressed, io);
}

function writeVerified(output: string, klet: Uint8Array): Model {
  let model: Model | undefined;
  writeAtomically(output, klet, (written) => {
    model = verify(written);
  });
  return model!;
}

function warnAboutChanges({ changes, samples, comparison }: Compressed, io: Io): void {
  if (changes.length === 0) return;
  const warn = (text: string): void => {
    io.err(`kinglet: warning: ${text}\n`);
  };
  if (!comparison || !samples) {
    const verb = changes.length === 1 ? 'changes' : 'change';
    warn(`${changes.join(' and ')} ${verb} the answers of the network, and without samples nothing was compared; `
      + 'pass typical inputs with --samples');
    return;
  }
  if (comparison.verdict === 'ruined') warn(`written because of --force, although ${ruinText(comparison)}`);
  const warning = comparisonWarning(comparison);
  if (warning !== undefined) warn(warning);
}

/** The message about a ruined network: the result of the comparison, and advice. */
function refusalText({ output }: Job, { changes, samples, comparison }: Compressed): string {
  const less: Record<string, string> = {
    '--prune': 'a smaller --prune, or training while pruning',
    '--cluster': 'a larger --cluster',
    '--low-rank': 'a smaller --low-rank',
  };
  const target = output === STANDARD ? 'nothing was written' : `"${output}" was not written`;
  return `kinglet: the network is ruined, so ${target}: ${ruinText(comparison!)}\n\n${comparisonTable(comparison!)}\n`
    + `compared ${comparedText(samples!)}\n`
    + `try ${changes.map((change) => less[change]).join(', or ')} (docs/pruning.md); `
    + 'if the new answers are as good as the old ones, --force writes the file\n';
}

function metaOf({ source, input, options: { name, preprocess }, labels, foreign }: Job, inputs: TensorInfo[]): NewMeta {
  return {
    ...foreign,
    ...(name !== undefined && { name }),
    ...(labels && { labels }),
    ...(preprocess !== undefined && { preprocessing: readPreprocessing(preprocess, inputs) }),
    provenance: {
      converter: `kinglet ${version}`,
      format: importerOf(source)!.name,
      source: nameOf(input),
      sha256: createHash('sha256').update(source).digest('hex'),
    },
  };
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
function listedText(debugInfo: DebugInfo | undefined, pattern: PrunePattern | undefined): string | undefined {
  if (pattern === 'channels') return undefined;
  return debugInfo
    ? `${plural(debugInfo.records.filter(({ layout }) => layout && layout !== 'nibbles').length, 'layer')} faster`
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

/** Metadata from the foreign file, unless options replace it. */
function metadataText({ foreign: { labels, preprocessing }, labels: given, options }: Job): string | undefined {
  const texts = [labels && !given && plural(labels.length, 'label'),
    preprocessing && options.preprocess === undefined && `images: ${preprocessingText(preprocessing)}`];
  const known = texts.filter((text) => typeof text === 'string');
  return known.length > 0 ? `from the file: ${known.join(', ')}` : undefined;
}

function summary(job: Job, klet: Uint8Array, model: Model, compressed: Compressed | undefined): string {
  const { input, output, source, options } = job;
  const bytes = storedBytes(source, input);
  const parts = readKlet(klet);
  const { debugInfo } = parts;
  const count = goldenCases(parts);
  const { pruning, clustered, comparison, report } = compressed ?? {};
  const lines = facts({
    read: `${pathText(input, 'standard input')}, ${bytesText(bytes)}`,
    wrote: `${pathText(output, 'standard output')}, ${bytesText(klet.length)} (${percentText(klet.length, bytes)})`,
    metadata: metadataText(job),
    operators: debugInfo && `${debugInfo.records.length}: ${operatorCounts(debugInfo)}`,
    MACs: debugInfo && `${countText(totalMacs(debugInfo))} a prediction`,
    pruned: pruning && [pruning, listedText(debugInfo, options.prunePattern)].filter(Boolean).join('; '),
    clustered: clustered && clusteredText(clustered),
    compared: compressed && comparedFact(compressed),
    memory: memoryText(model.memory),
    verified: count > 0 ? `all flavors reproduce its ${plural(count, 'golden case')}` : 'loads and runs in all flavors',
  });
  return [lines, portsTable(model.inputs, model.outputs), comparison && comparisonTable(comparison), report].filter((
    part,
  ) => part !== undefined).join('\n');
}

function comparedFact({ changes, samples }: Compressed): string | undefined {
  if (samples) return comparedText(samples);
  return changes.length > 0 ? 'not compared with the original: no --samples' : undefined;
}
