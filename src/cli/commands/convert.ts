import { mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { compile, repack, toStream, type Graph } from '../../compiler/index';
import { messageOf } from '../../errors';
import { KletError, loadSync, type Model, type Preprocessing, type TensorInfo } from '../../index';
import { TOOL_MEMORY } from '../../limits';
import { countUpTo, limitsIn, wholeNumber } from '../args';
import { addCompressionOptions, compress, weightChanges, type Compressed } from '../compression';
import { metaOf, refusalText, summary, warnAboutChanges, warnAboutLabels, type ConvertOptions, type GivenMeta, type Job,
  type NewMeta } from '../conversion';
import { checkOutputs, networkFile, pathText, quoted, readBytes, STANDARD, writeAtomically } from '../files';
import type { Io } from '../io';
import { readLabels, readPreprocessing, readTask } from '../meta';
import { addImportOptions, companionFiles, foreignMeta, FORMATS, hasKletMagic, importForeign, LONG_FILE, networkName,
  readingOf, readParts } from '../network';
import { checkPrintOptions, printed } from '../printed';
import { Progress } from '../progress';
import { checkQuantizationOptions, samplesMissing } from '../quantization';
import { jsonText, writeReport } from '../quantizationFiles';
import { randomInputs } from '../tensors';
import { SEED, verify, writeVerified } from '../verify';
import { messageText } from '../text';

const KLET_OPTIONS =
  '--name, --labels, --preprocess, --task, --compact, --golden, --strip, --max-memory, --c and --script';
/** selfTest() runs every golden case, and each takes the bytes of an input and an output. */
const MAX_GOLDEN = 100;
/** The exit code for a network that compression ruined. */
const RUINED = 2;

const HELP = `
Examples:
  $ kinglet convert mobilenet.tflite -o mobilenet.klet --labels imagenet.txt
  $ kinglet convert float.tflite -o int8.klet --int8 --samples images/ --report report.html
  $ kinglet convert float.onnx --int8 --samples inputs.npy --keep '*head*' --max-loss 0.5
  $ kinglet convert float.onnx --int8 --samples inputs.npy --keep auto
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
  $ kinglet convert network.klet --c firmware/
  $ kinglet convert network.tflite --script network.js --weights network.bin
  $ curl -sL https://example.com/network.tflite | kinglet convert - -o - > network.klet

Weights in other files, such as those of a model.json, are read from where the network says, relative
to it. docs/importing.md has more about each format.

Image preprocessing says how the bytes 0..255 of an image become the numbers that the network was
trained on: value × scale + offset, with one number for all channels or one per channel.
"invert": true first turns black on white into white on black. "range" (1 or 255) with "mean" and
"std" takes the place of scale and offset. "fit", "order" and "resize" are in docs/tasks.md. Audio
preprocessing names a convention, "tensorflow", "librosa" or "kaldi", and every parameter that
differs from its defaults (docs/audio.md). The file stores all parameters.

--int8 quantizes a float32 network. The ranges of its activations come from samples, which are
typical inputs: images and .wav recordings are prepared as --preprocess says, .npy arrays count
samples in their first dimension, and .npz files hold an array for each input. One sample in four
is held out, and the networks before and after are compared on those (docs/quantization.md).

--int8, --prune, --cluster and --low-rank change the answers. With --samples, the network before and
after is compared on inputs that the compression did not see. If the network is ruined, nothing is
written and the exit code is 2 (docs/pruning.md says when). Most networks bear little pruning unless
they were trained with it.

--c writes the network as C99, in one .c and one .h file with its name (docs/c.md). --script writes an
int8 network as a script of ECMAScript 5 for small engines without WebAssembly
(docs/without-webassembly.md). Neither writes a .klet file unless -o names one.

A .klet file may be converted again with --name, --labels, --preprocess, --task,
--compact, --golden, --strip, --c and --script. "-" stands for standard input and output.`;

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
    '--task <json>',
    'what the outputs mean, to store in the file: classify, detect, segment, pose, embed or regress; or JSON or a JSON '
      + 'file with its rules',
  );
  command.option(
    '--golden <n>',
    `store n seeded random inputs and their outputs, for selfTest() (at most ${MAX_GOLDEN})`,
    countUpTo(MAX_GOLDEN),
    0,
  );
  command.option(
    '--compact',
    'entropy-code each section where that makes it smaller; useful where nothing else compresses the file',
  );
  command.option(
    '--less-memory',
    'run layers in strips of rows where that makes the arena smaller; --max-memory does so only as far as needed',
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
  command.option(
    '--c <folder>',
    'write the network as C to this folder: NAME.c and NAME.h, for boards without JavaScript',
  );
  command.option('--script <file>', 'write an int8 network as a script, for engines without WebAssembly');
  command.option('--weights <file>', 'with --script: write the weights to this file, for boards that map flash');
  command.option('--strip', 'leave out the names and sizes that inspect and profile show');
  addCompressionOptions(command);
  command.option('--report <file>', 'with --int8: write a page (HTML) on what was lost, layer by layer');
  command.option('--json', 'with --int8: print the result and the report as JSON');
  command.addHelpText('after', HELP);
  return command.action(async (input: string, options: ConvertOptions) => {
    if (!(await convert(networkFile(input), options, io))) exit(RUINED);
  });
}

/** @returns false if nothing was written, because compression ruined the network */
async function convert(input: string, options: ConvertOptions, io: Io): Promise<boolean> {
  checkOptions(options);
  const output = options.output ?? options.c ?? options.script ?? defaultOutput(input);
  const isKlet = (options.c === undefined && options.script === undefined) || options.output !== undefined;
  const labels = options.labels === undefined ? undefined : readLabels(options.labels);
  const source = readBytes(input);
  checkWrites({ input, source, output: isKlet ? output : undefined, options });
  const progress = new Progress(io, 4, source.length > LONG_FILE);
  const foreign = foreignMeta(source, input, io);
  const job: Job = { input, output, isKlet, source, options, labels, foreign, progress };
  try {
    progress.update(0, `reading ${nameOf(input)}`);
    if (hasKletMagic(source)) finish(job, repacked(job), undefined, io);
    else {
      const { name = networkName(input) } = options;
      const onProgress = (part: number): void => progress.update(part, `reading ${nameOf(input)}`);
      const imported = importForeign(source, input, io, { name, onProgress, ...readingOf(options) });
      const meta = metaOf(given(job), imported.inputs);
      return await converted(job, imported, meta, io);
    }
  } finally {
    progress.stop();
  }
  return true;
}

/** Compresses, compiles and writes a network. @returns false if nothing was written */
async function converted(job: Job, imported: Graph, meta: NewMeta, io: Io): Promise<boolean> {
  const { input, options, progress } = job;
  const preprocessing = meta.preprocessing as Preprocessing | undefined;
  if (options.int8 && !options.samples) throw samplesMissing(imported, input, preprocessing);
  const compressed = await compress(imported, options, preprocessing, {
    onProgress: (title, done, total) => progress.stage(title, done, total),
    note: (text) => {
      progress.stop();
      io.err(`kinglet: note: ${messageText(text)}\n`);
    },
  });
  const isLost = compressed.comparison?.verdict === 'ruined' || compressed.loss !== undefined;
  const isWritten = !isLost || options.force === true;
  if (!isWritten && options.report === undefined && !options.json) {
    progress.stop();
    io.err(refusalText(job, compressed));
    return false;
  }
  progress.update(1.9, 'compiling');
  const klet = compiled(job, compressed, meta);
  if (options.report !== undefined) {
    progress.update(2, `writing ${nameOf(options.report)}`);
    await writeReport(options.report, { job, imported, compressed, klet });
  }
  if (isWritten) finish(job, klet, compressed, io);
  progress.stop();
  if (!isWritten) io.err(refusalText(job, compressed));
  if (options.json) {
    const text = jsonText({ job, imported, compressed, klet }, isWritten);
    if (job.output === STANDARD) io.err(text);
    else io.out(text);
  }
  return isWritten;
}

/** No file that is written may be one that is read. */
function checkWrites(
  { input, source, output, options }: Pick<Job, 'input' | 'source' | 'options'> & { output: string | undefined },
): void {
  const { script, weights, report, sensitivity, samples = [], labels, preprocess, task } = options;
  const isNew = (path: string | undefined): boolean => path !== undefined && path !== STANDARD;
  const written = { '-o': output, '--script': script, '--weights': weights, '--report': report };
  const paths = Object.values(written).filter(isNew).map((path) => resolve(path!));
  if (new Set(paths).size < paths.length) {
    throw new KletError(
      'BAD_ARGUMENT',
      `two of ${Object.keys(written).join(', ')} name the same file; give each its own`,
    );
  }
  // a recipe is mostly the file that is made again
  checkOutputs({ ...written, '--sensitivity': sensitivity }, [input, ...companionFiles(source, input), ...samples,
    labels, preprocess, task]);
}

function checkOptions(options: ConvertOptions): void {
  checkQuantizationOptions(options);
  checkPrintOptions(options);
  const { stream, frames, timeAxis } = options;
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

/** What the options and the file say of the network. */
function given({ source, input, options: { name, preprocess, task }, labels, foreign }: Job): GivenMeta {
  return { source, input, name, preprocess, task, labels, foreign };
}

/** The `.klet` file of a network. */
function compiled({ options, ...job }: Job, { graph: whole, provenance }: Compressed, wholeMeta: NewMeta): Uint8Array {
  const { stream, frames, timeAxis } = options;
  const graph = stream
    ? toStream(whole, { ...(frames !== undefined && { frames }), ...(timeAxis !== undefined && { axis: timeAxis }) })
    : whole;
  const inputs = graph.inputs as TensorInfo[];
  const meta = stream ? metaOf(given({ options, ...job }), inputs) : wholeMeta;
  return compile(graph, {
    meta: { ...meta, provenance: { ...(meta.provenance as object), ...provenance } },
    golden: goldenInputs(inputs, options.golden),
    debugInfo: !options.strip,
    compact: options.compact ?? false,
    maxMemory: options.maxMemory ?? TOOL_MEMORY,
    ...(options.lessMemory && { strips: true }),
  });
}

function goldenInputs(inputs: readonly TensorInfo[], count: number): ReturnType<typeof randomInputs>[] {
  return Array.from({ length: count }, (_, i) => randomInputs(inputs, SEED + i));
}

/** A `.klet` file with other metadata, or in compact form. */
function repacked({ input, source, options, labels }: Job): Uint8Array {
  const { name, preprocess, task, golden, strip, compact, maxMemory = TOOL_MEMORY, stream } = options;
  const [needsWeights] = [...weightChanges(options), ...(stream ? ['--stream'] : [])];
  const { meta } = readParts(source, input, maxMemory);
  if (needsWeights !== undefined) {
    const { source: from } = meta.provenance as { source?: string } ?? {};
    const original = from === undefined ? 'the original network' : `the original network (${from})`;
    throw new KletError(
      'BAD_ARGUMENT',
      `${needsWeights} changes the network, but ${quoted(input)} holds a compiled one; convert ${original} again. `
        + `A .klet file takes ${KLET_OPTIONS}`,
    );
  }
  if (name === undefined && preprocess === undefined && task === undefined && !labels && golden === 0 && !strip &&
    !compact)
  {
    if (options.c !== undefined || options.script !== undefined) return source;
    throw new KletError(
      'BAD_ARGUMENT',
      `${quoted(input)} is already a .klet file, and no option changes it; it takes ${KLET_OPTIONS}`,
    );
  }
  loadSync(source, limitsIn(options)).dispose();
  return repack(source, {
    meta: {
      ...(name !== undefined && { name }),
      ...(labels && { labels }),
      ...(preprocess !== undefined && { preprocessing: readPreprocessing(preprocess, meta.inputs) }),
      ...(task !== undefined && { task: readTask(task) }),
    },
    golden: goldenInputs(meta.inputs, golden),
    debugInfo: !strip,
    compact: compact ?? false,
    ...limitsIn(options),
  });
}

/** Writes and verifies the file, and reports on it: to stderr if the file goes to stdout. */
function finish(job: Job, klet: Uint8Array, compressed: Compressed | undefined, io: Io): void {
  const { output, isKlet, progress, options } = job;
  const labels = job.labels ?? job.foreign.labels;
  // what cannot be printed is refused before anything is written
  const programs = printed(klet, options);
  progress.update(2, 'writing and verifying');
  if (options.c !== undefined) makeFolder(options.c);
  let model: Model;
  if (!isKlet) model = verify(new Uint8Array(klet), limitsIn(options));
  else if (output === STANDARD) {
    model = verify(new Uint8Array(klet), limitsIn(options));
    io.outBytes(klet);
  } else model = writeVerified(output, klet, limitsIn(options));
  for (const { path, bytes } of Object.values(programs).flatMap(({ files }) => files)) writeAtomically(path, bytes);
  progress.stop();
  if (labels) warnAboutLabels(labels.length, model.outputs, io);
  if (!job.options.json) {
    const text = summary(job, klet, model, compressed, programs);
    if (output === STANDARD) io.err(text);
    else io.out(text);
  }
  if (compressed) warnAboutChanges(compressed, io);
}

/** @throws KletError `BAD_ARGUMENT` */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new KletError('BAD_ARGUMENT', `cannot make the folder "${folder}": ${messageOf(cause)}`, { cause });
  }
}
