import { basename, extname } from 'node:path';
import { audioToInput, checkAudioParameters, createAudioFeatures, inputFrames, resample } from '../audio/index';
import { KletError, type AudioPreprocessing, type ImagePreprocessing, type InputArray, type Preprocessing,
  type TensorInfo } from '../index';
import { decodeImage, imageFormat } from '../tasks/image';
import { imageShape, imageToInput } from '../tasks/pixels';
import { checkSampleCount, type MediaLimits } from '../tasks/limits';
import { decodeWave, isWave } from '../tasks/wave';
import { preprocessingText } from './describe';
import { fileKind, unreadable } from './fileKinds';
import { pathText, quoted, readBytes } from './files';
import { isNpy, npyToInput, npyType } from './npy';
import { countOf, fromBytes, tensorBytes } from './tensors';
import { bytesText, inline, plural, shapeText } from './text';

export interface InputOptions {
  preprocessing?: Preprocessing | undefined;
  /** The largest images and recordings that are decoded. */
  limits?: MediaLimits;
  /**
   * Treat files as raw tensor bytes, whatever they look like. A single unnamed file holds the bytes
   * of all inputs, in order.
   */
  raw?: boolean;
  /**
   * The network keeps a state, so a recording is cut into as many consecutive inputs as it needs,
   * concatenated in one array.
   */
  streamed?: boolean;
  /** Added to the line that says how an image or a recording became the input. */
  about?: string;
  /** Called with a line for each image and recording that says how it became the input. */
  note?: (text: string) => void;
}

/**
 * Reads the files of `--input`: images, audio, `.npy` arrays and raw bytes, in the order of the
 * inputs or as `name=file`.
 *
 * @throws KletError `MISSING_INPUT`, `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `FETCH_FAILED`, …
 */
export function readInputs(
  specs: readonly string[],
  inputs: readonly TensorInfo[],
  options: InputOptions = {},
): Record<string, InputArray> {
  if (options.raw && specs.length === 1 && !splitSpec(specs[0]!, inputs).name) return splitRaw(specs[0]!, inputs);
  const free = inputs.map((input) => input.name);
  const files = new Map<string, string>();
  const parsed = specs.map((spec) => splitSpec(spec, inputs));
  const namedFirst = [...parsed.filter(({ name }) => name), ...parsed.filter(({ name }) => !name)];
  for (const { name: given, path } of namedFirst) {
    const name = given ?? free[0];
    if (name === undefined) {
      throw new KletError(
        'MISSING_INPUT',
        `got ${plural(specs.length, 'input')}; the network takes ${inputs.length}: ${describePorts(inputs)}`,
      );
    }
    if (files.has(name)) throw new KletError('MISSING_INPUT', `input "${name}" is given twice`);
    files.set(name, path);
    free.splice(free.indexOf(name), 1);
  }
  if (free.length > 0) {
    const wanted = specs.length > 0 ? `${free.map((name) => `"${name}"`).join(', ')} too` : 'a file for each';
    const how = '--input FILE or --input NAME=FILE (an image, a .wav recording, a .npy array, or a .bin file with '
      + 'the raw bytes of the tensor)';
    throw new KletError('MISSING_INPUT', `the network takes ${describePorts(inputs)}; give ${wanted}: ${how}`);
  }
  return Object.fromEntries(inputs.map((input) => [input.name, readInput(files.get(input.name)!, input, options)]));
}

export function describePorts(ports: readonly TensorInfo[]): string {
  return ports.map(({ name, dtype, shape }) => `"${inline(name)}" (${dtype} ${shapeText(shape)})`).join(', ') ||
    'no inputs';
}

/** Splits `name=file` if the part before "=" names a tensor; otherwise the whole text is a path. */
export function splitSpec(spec: string, tensors: readonly TensorInfo[]): { name?: string; path: string } {
  const tensor = tensors.find(({ name }) => spec.startsWith(`${name}=`));
  return tensor ? { name: tensor.name, path: spec.slice(tensor.name.length + 1) } : { path: spec };
}

function splitRaw(path: string, inputs: readonly TensorInfo[]): Record<string, InputArray> {
  const bytes = readBytes(path);
  const expected = inputs.reduce((sum, input) => sum + tensorBytes(input), 0);
  if (bytes.length !== expected) throw wrongSize(path, bytes, expected, describePorts(inputs));
  let at = 0;
  return Object.fromEntries(inputs.map((input) => {
    const own = bytes.subarray(at, at + tensorBytes(input));
    at += own.length;
    return [input.name, fromBytes(input.dtype, own)];
  }));
}

function readInput(path: string, input: TensorInfo, options: InputOptions): InputArray {
  const { raw } = options;
  const bytes = readBytes(path);
  const expected = tensorBytes(input);
  const name = quoted(path);
  // raw bytes of the expected size may look like an image by chance
  const isRaw = raw || /^\.(bin|raw)$/i.test(extname(path)) ||
    (bytes.length === expected && !/^\.(png|jpe?g|bmp|wav|npy)$/i.test(extname(path)));
  if (!isRaw && imageFormat(bytes)) return readImage(bytes, name, input, options);
  if (!isRaw && isWave(bytes)) return waveToInput(bytes, name, input, options);
  if (!isRaw && isNpy(bytes)) return arrayToInput(bytes, name, input, options.preprocessing);
  const rate = options.preprocessing?.kind === 'audio' ? options.preprocessing.sampleRate : undefined;
  const foreign = bytes.length === expected ? undefined : unreadable(bytes, rate);
  if (!raw && foreign) throw new KletError('BAD_MAGIC', `${name} is ${foreign}`);
  if (bytes.length !== expected) throw wrongSize(path, bytes, expected, describePorts([input]));
  return fromBytes(input.dtype, bytes);
}

/** Decodes an image and converts it to the input, and says how. */
function readImage(bytes: Uint8Array, where: string, input: TensorInfo, options: InputOptions): InputArray {
  const { preprocessing, limits, note, about = '' } = options;
  if (preprocessing?.kind === 'audio') {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} is ${fileKind(bytes)}, but this network takes recordings; give a .wav file`,
    );
  }
  const image = decodeImage(bytes, where, limits);
  const values = imageToInput(image, input, preprocessing);
  note?.(`${where} ${conversionText(image, input, preprocessing)}${about}`);
  return values;
}

/**
 * Converts an array to the input. Bytes for a float32 input with image preprocessing are pixels;
 * all other arrays are the values of the input.
 */
export function arrayToInput(
  file: Uint8Array,
  where: string,
  input: TensorInfo,
  preprocessing: Preprocessing | undefined,
): InputArray {
  const values = npyToInput(file, where, input);
  if (preprocessing?.kind !== 'image' || input.dtype !== 'float32' || npyType(file) !== 'u1') return values;
  const { height, width, channels, isPlanar } = imageShape(input, preprocessing);
  const data = Uint8Array.from(values as ArrayLike<number>);
  const plane = width * height;
  const pixels = isPlanar ? data.map((_, i) => data[(i % channels) * plane + Math.floor(i / channels)]!) : data;
  return imageToInput({ width, height, channels, data: pixels }, input, preprocessing);
}

/**
 * Describes how an image became the input: size, channels, range, layout, and whether preprocessing
 * says so or it was assumed.
 */
function conversionText(
  image: { width: number; height: number },
  input: TensorInfo,
  preprocessing: ImagePreprocessing | undefined,
): string {
  const { height, width, channels, isPlanar } = imageShape(input, preprocessing);
  const isResized = image.width !== width || image.height !== height;
  const how = { stretch: 'stretched', letterbox: 'letterboxed', crop: 'cropped' }[preprocessing?.fit ?? 'stretch'];
  const size = `(${image.width}×${image.height})${isResized ? ` ${how} to ${width}×${height}` : ''}`;
  const order = isPlanar ? ', channels first' : '';
  const colors = preprocessing?.order === 'bgr' ? 'BGR' : 'RGB';
  const color = `${channels === 3 ? colors : 'gray'}${order}`;
  if (preprocessing) return `${size}, ${color}, as the preprocessing says: ${preprocessingText(preprocessing)}`;
  const assumed = { uint8: 'bytes 0..255', int8: 'byte - 128' }[input.dtype as string] ?? 'byte / 255, that is 0..1';
  const scale = input.dtype === 'float32' ? '0.00784' : '1';
  const offset = input.dtype === 'float32' ? '-1' : '0';
  return `${size}, ${color}, ${assumed}: assumed, because the file has no preprocessing; say otherwise with ` +
    `--preprocess '{"kind":"image","channels":${channels},"scale":${scale},"offset":${offset}}'`;
}

/** Resamples a recording to the rate of the preprocessing and computes its features. */
function waveToInput(
  bytes: Uint8Array,
  where: string,
  input: TensorInfo,
  { preprocessing, limits = {}, streamed, note, about = '' }: InputOptions,
): InputArray {
  if (preprocessing?.kind === 'image') {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} is a recording, but this network takes images; give a PNG, JPEG or BMP file`,
    );
  }
  if (preprocessing?.kind !== 'audio') {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} is audio, but the network has no audio preprocessing; pass it with --preprocess `
        + '(see kinglet convert --help)',
    );
  }
  const { sampleRate } = checkAudioParameters(preprocessing);
  const wave = decodeWave(bytes, where, limits);
  checkSampleCount(wave.samples.length * sampleRate / wave.sampleRate, `${where} at ${sampleRate} Hz`, limits);
  const resampled = wave.sampleRate === sampleRate ? '' : `, resampled to ${sampleRate} Hz`;
  const size = `(${(wave.samples.length / wave.sampleRate).toFixed(2)} s of ${wave.sampleRate} Hz${resampled})`;
  note?.(`${where} ${size}, as the preprocessing says: ${preprocessingText(preprocessing)}${about}`);
  const samples = resample(wave.samples, wave.sampleRate, sampleRate);
  return streamed ? piecesOf(samples, input, preprocessing) : audioToInput(samples, input, preprocessing);
}

/** The whole recording as consecutive inputs; the last one is padded with silence. */
function piecesOf(samples: Float32Array, input: TensorInfo, preprocessing: AudioPreprocessing): Float32Array {
  const front = createAudioFeatures(preprocessing);
  const { features } = front;
  const frames = inputFrames(input, preprocessing);
  const total = Math.ceil(Math.max(1, front.frameCount(samples.length)) / frames) * frames;
  const rows = audioToInput(samples, { ...input, shape: [total, features] }, {
    ...preprocessing,
    layout: 'frames-first',
  });
  if (preprocessing.layout === 'frames-first') return rows;
  const size = frames * features;
  return rows.map((_, i) => rows[i - (i % size) + (i % frames) * features + Math.floor((i % size) / frames)]!);
}

/**
 * The inputs of consecutive predictions. An array longer than its tensor holds several inputs, one
 * after the other; other inputs are the same in every step.
 */
export function stepsOf(
  inputs: Record<string, InputArray>,
  ports: readonly TensorInfo[],
): Record<string, InputArray>[] {
  const count = Math.max(1, ...ports.map(({ name, shape }) => inputs[name]!.length / countOf(shape)));
  return Array.from({ length: count }, (_, step) =>
    Object.fromEntries(ports.map(({ name, shape }) => {
      const all = inputs[name]!;
      const size = countOf(shape);
      return [name, all.length > size ? all.slice(step * size, (step + 1) * size) : all];
    })));
}

function wrongSize(path: string, bytes: Uint8Array, expected: number, what: string): KletError {
  const looks = recognize(bytes);
  const hint = looks ? `; it looks like ${looks}: to read it as such, omit --raw and do not name it .bin or .raw` : '';
  const size = `${bytes.length} bytes (${bytesText(bytes.length)})`;
  return new KletError(
    'SHAPE_MISMATCH',
    `${pathText(basename(path), 'standard input')} has ${size}; expected ${expected}, the raw bytes of ${what}${hint}`,
  );
}

function recognize(bytes: Uint8Array): string | undefined {
  if (isNpy(bytes)) return '.npy';
  return isWave(bytes) ? '.wav' : imageFormat(bytes);
}
