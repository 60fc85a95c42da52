import { basename, extname } from 'node:path';
import { parse as parseNpy } from 'npyjs';
import { audioToInput, checkAudioParameters, createAudioFeatures, inputFrames, resample } from '../audio/index';
import { KletError, type AudioPreprocessing, type ImagePreprocessing, type InputArray, type IoType, type Preprocessing,
  type TensorInfo } from '../index';
import { decodeImage, imageFormat } from '../tasks/image';
import { imageShape, imageToInput } from '../tasks/pixels';
import { decodeWave, isWave } from '../tasks/wave';
import { preprocessingText } from './describe';
import { fileKind, unreadable } from './fileKinds';
import { pathText, quoted, readBytes } from './files';
import { countOf, fromBytes, tensorBytes } from './tensors';
import { bytesText, plural, shapeText } from './text';

export interface InputOptions {
  preprocessing?: Preprocessing | undefined;
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
  return ports.map(({ name, dtype, shape }) => `"${name}" (${dtype} ${shapeText(shape)})`).join(', ') || 'no inputs';
}

/** Splits `name=file` if the part before "=" names an input; otherwise the whole text is a path. */
function splitSpec(spec: string, inputs: readonly TensorInfo[]): { name?: string; path: string } {
  const input = inputs.find(({ name }) => spec.startsWith(`${name}=`));
  return input ? { name: input.name, path: spec.slice(input.name.length + 1) } : { path: spec };
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
  if (!isRaw && isNpy(bytes)) return npyToInput(bytes, name, input);
  const foreign = bytes.length === expected ? undefined : unreadable(bytes);
  if (!raw && foreign) throw new KletError('BAD_MAGIC', `${name} is ${foreign}`);
  if (bytes.length !== expected) throw wrongSize(path, bytes, expected, describePorts([input]));
  return fromBytes(input.dtype, bytes);
}

/** Decodes an image and converts it to the input, and says how. */
function readImage(bytes: Uint8Array, where: string, input: TensorInfo, options: InputOptions): InputArray {
  const { preprocessing, note, about = '' } = options;
  if (preprocessing?.kind === 'audio') {
    throw new KletError(
      'BAD_ARGUMENT',
      `${where} is ${fileKind(bytes)}, but this network takes recordings; give a .wav file`,
    );
  }
  const image = decodeImage(bytes, where);
  const values = imageToInput(image, input, preprocessing);
  note?.(`${where} ${conversionText(image, input, preprocessing)}${about}`);
  return values;
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
  const isStretched = image.width !== width || image.height !== height;
  const stretched = isStretched ? ` stretched to ${width}×${height}` : '';
  const size = `(${image.width}×${image.height})${stretched}`;
  const order = isPlanar ? ', channels first' : '';
  const color = `${channels === 3 ? 'RGB' : 'gray'}${order}`;
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
  { preprocessing, streamed, note, about = '' }: InputOptions,
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
  const wave = decodeWave(bytes, where);
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

function isNpy(bytes: Uint8Array): boolean {
  return String.fromCharCode(...bytes.subarray(0, 6)) === '\x93NUMPY';
}

type NpyData = InputArray | BigUint64Array | Int16Array | Uint16Array | Uint32Array | boolean[] | string[];

/** The model's types by their npy names. */
const ownTypes: Record<string, IoType> = {
  f4: 'float32',
  i1: 'int8',
  u1: 'uint8',
  i4: 'int32',
  i8: 'int64',
  b1: 'bool',
};

function npyToInput(file: Uint8Array, where: string, input: TensorInfo): InputArray {
  const { data, shape, dtype } = parseArray(file, where);
  const own = ownTypes[dtype] === input.dtype;
  checkShape(shape, input, where);
  if (dtype === 'b1' && (own || input.dtype === 'int32')) return fromValues(data as ArrayLike<number>, input, where);
  if (own) return data as InputArray;
  const isFloat = /^f[248]$/.test(dtype);
  const isInteger = /^[iu][1248]$/.test(dtype);
  const quantized = input.scale !== undefined;
  if (isFloat && (input.dtype === 'float32' || quantized)) return Float32Array.from(data as ArrayLike<number>);
  if (isInteger && !quantized && input.dtype !== 'bool') {
    return fromValues(data as ArrayLike<number | bigint>, input, where);
  }
  const alternative = quantized ? ' (raw) or floats (real numbers, which are quantized)' : '';
  const wanted = `${input.dtype}${alternative}`;
  throw new KletError('TYPE_MISMATCH', `${where} holds ${npyTypeName(dtype)}; input "${input.name}" takes ${wanted}`);
}

function parseArray(file: Uint8Array, where: string): { data: NpyData; shape: number[]; dtype: string } {
  let parsed;
  try {
    parsed = parseNpy(file.slice().buffer);
  } catch (cause) {
    throw new KletError(
      'CORRUPT',
      `${where} is a .npy file that cannot be read: damaged, cut off, or of a type that kinglet does not read; `
        + `save it again with numpy.save (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause },
    );
  }
  const { shape, dtype, fortranOrder } = parsed;
  const data = parsed.data as unknown as NpyData;
  if (fortranOrder && shape.filter((d) => d > 1).length > 1) {
    throw new KletError(
      'TYPE_MISMATCH',
      `${where} is in Fortran order; save it with numpy.save(file, numpy.ascontiguousarray(array))`,
    );
  }
  const isComplex = dtype.startsWith('c');
  if (data.length !== countOf(shape) * (isComplex ? 2 : 1)) {
    throw new KletError(
      'CORRUPT',
      `${where} declares the shape ${shapeText(shape)} (${countOf(shape)} values) but holds ${data.length} values`,
    );
  }
  return { data, shape, dtype };
}

/** Accepts the same dimensions apart from ones, or a flat array of the same size. */
function checkShape(shape: readonly number[], input: TensorInfo, where: string): void {
  const essence = (dimensions: readonly number[]): string => shapeText(dimensions.filter((d) => d !== 1));
  const flat = shape.filter((d) => d !== 1).length <= 1 && countOf(shape) === countOf(input.shape);
  if (!flat && essence(shape) !== essence(input.shape)) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${where} has the shape ${shapeText(shape)}; input "${input.name}" takes ${shapeText(input.shape)}`,
    );
  }
}

/** Converts integers of another type, which must fit. */
function fromValues(values: ArrayLike<number | bigint | boolean>, input: TensorInfo, where: string): InputArray {
  const target = fromBytes(input.dtype, new Uint8Array(tensorBytes(input)));
  for (let i = 0; i < values.length; i++) {
    if (target instanceof BigInt64Array) target[i] = BigInt(values[i]!);
    else target[i] = Number(values[i]);
    if (Number(target[i]) !== Number(values[i])) {
      throw new KletError(
        'TYPE_MISMATCH',
        `${where} holds ${String(values[i])}, which does not fit into the ${input.dtype} of input "${input.name}"`,
      );
    }
  }
  return target;
}

function npyTypeName(dtype: string): string {
  const kind = { f: 'float', i: 'int', u: 'uint', b: 'bool', c: 'complex' }[dtype[0]!];
  return kind ? `${kind}${kind === 'bool' ? '' : Number(dtype.slice(1)) * 8}` : `"${dtype}"`;
}
