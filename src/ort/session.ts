import { checkObject, checkOptions, checkWhole, isString, show, type Options } from '../arguments';
import { describeValue, KletError } from '../errors';
import type { InputArray, LoadOptions, Model, Source, TensorInfo } from '../index';
import { asBytes } from '../runtime/read';
import { checkCompiler, openNetwork, type Opening } from '../switching/network';
import { checkNames, checkShape, countOf, newArray, run, toInt32, valueType,
  type OutputArray } from '../switching/values';
import { env } from './env';
import { isTensor, Tensor } from './tensor';
import { unsupported } from './unsupported';

// A namespace of types, as in onnxruntime-web, so that programs in TypeScript keep compiling.
// eslint-disable-next-line @typescript-eslint/no-namespace
export declare namespace InferenceSession {
  type OnnxValueMapType = { readonly [name: string]: Tensor };
  type NullableOnnxValueMapType = { readonly [name: string]: Tensor | null };
  type FeedsType = OnnxValueMapType;
  type FetchesType = readonly string[] | NullableOnnxValueMapType;
  type ReturnType = OnnxValueMapType;
  interface ExecutionProviderOption {
    readonly name: string;
  }
  type ExecutionProviderConfig = ExecutionProviderOption | string;
  interface SessionOptions {
    /** Shapes of inputs whose sizes an ONNX file leaves open, by the names of the inputs. */
    shapes?: Readonly<Record<string, readonly number[]>>;
    /** Files with weights of an ONNX file that are not beside it. */
    externalData?: readonly (string | { data: string | URL | Blob | ArrayBufferLike | Uint8Array; path: string })[];
    /** Number of threads; default: `env.wasm.numThreads`. */
    intraOpNumThreads?: number;
    /** Has no effect: kinglet has one way to compute. */
    executionProviders?: readonly ExecutionProviderConfig[];
    preferredOutputLocation?: Tensor.DataLocation | { readonly [outputName: string]: Tensor.DataLocation };
    freeDimensionOverrides?: { readonly [dimensionName: string]: number };
    graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
    interOpNumThreads?: number;
    enableCpuMemArena?: boolean;
    enableMemPattern?: boolean;
    executionMode?: 'sequential' | 'parallel';
    optimizedModelFilePath?: string;
    enableProfiling?: boolean;
    profileFilePrefix?: string;
    logId?: string;
    logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
    logVerbosityLevel?: number;
    enableGraphCapture?: boolean;
    extra?: Record<string, unknown>;
  }
  interface RunOptions {
    logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
    logVerbosityLevel?: number;
    terminate?: boolean;
    tag?: string;
    extra?: Record<string, unknown>;
  }
  interface ValueMetadata {
    readonly name: string;
    readonly isTensor: true;
    readonly type: Tensor.Type;
    readonly shape: readonly number[];
  }
}

/** A network ready to run, made by `InferenceSession.create`. */
export interface InferenceSession {
  /**
   * Runs the network once. It computes before it returns; the promise is there as in
   * onnxruntime-web. A network with its own state continues from the previous call.
   *
   * @param feeds a tensor for each input
   * @param fetches the wanted outputs: their names, or a record of tensors that receive the values,
   *   or null. Default: all
   * @throws KletError `MISSING_INPUT`, `SHAPE_MISMATCH`, `TYPE_MISMATCH`, `BAD_ARGUMENT`,
   *   `NOT_A_NUMBER` or `DISPOSED`
   */
  run(feeds: InferenceSession.FeedsType, options?: InferenceSession.RunOptions): Promise<InferenceSession.ReturnType>;
  run(
    feeds: InferenceSession.FeedsType,
    fetches: InferenceSession.FetchesType,
    options?: InferenceSession.RunOptions,
  ): Promise<InferenceSession.ReturnType>;
  /** Releases the memory. A second call does nothing. */
  release(): Promise<void>;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
  /** Not supported; `session.model.profile()` measures each operator. */
  startProfiling(): void;
  /** Not supported. */
  endProfiling(): void;
  /** The model of kinglet, for what onnxruntime-web does not have: states, labels, `profile`. */
  readonly model: Model;
}

export interface InferenceSessionFactory {
  /**
   * Loads a `.klet` file or, if `env.compiler` is set, an ONNX file.
   *
   * @param source a path (in Node), a URL, or the bytes
   * @throws KletError as `load`, and with a compiler as `importModel` and `compile`
   */
  create(this: void, source: string | URL, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  create(
    this: void,
    buffer: ArrayBufferLike | Uint8Array,
    options?: InferenceSession.SessionOptions,
  ): Promise<InferenceSession>;
  create(
    this: void,
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: InferenceSession.SessionOptions,
  ): Promise<InferenceSession>;
}

/** All options of onnxruntime-web, so that a misspelled one is reported. */
const sessionOptions = {
  shapes: 'object',
  externalData: 'object',
  intraOpNumThreads: 'any',
  executionProviders: 'any',
  preferredOutputLocation: 'any',
  freeDimensionOverrides: 'object',
  graphOptimizationLevel: 'any',
  interOpNumThreads: 'any',
  enableCpuMemArena: 'any',
  enableMemPattern: 'any',
  executionMode: 'any',
  optimizedModelFilePath: 'any',
  enableProfiling: 'any',
  profileFilePrefix: 'any',
  logId: 'any',
  logSeverityLevel: 'any',
  logVerbosityLevel: 'any',
  enableGraphCapture: 'any',
  extra: 'any',
} satisfies Options<InferenceSession.SessionOptions>;

/** Element types that an input of a type takes; the first is its own. */
const accepted: Partial<Record<Tensor.Type, readonly Tensor.Type[]>> = {
  float32: ['float32', 'float64'],
  int32: ['int32', 'int64'],
  int64: ['int64', 'int32'],
  bool: ['bool', 'uint8'],
};

class Session implements InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];

  constructor(readonly model: Model) {
    this.inputMetadata = model.inputs.map(metadataOf);
    this.outputMetadata = model.outputs.map(metadataOf);
    this.inputNames = model.inputs.map(({ name }) => name);
    this.outputNames = model.outputs.map(({ name }) => name);
  }

  run(feeds: unknown, fetchesOrOptions?: unknown, _options?: unknown): Promise<InferenceSession.ReturnType> {
    return new Promise((resolve) => resolve(this.runNow(feeds, fetchesOrOptions)));
  }

  private runNow(feeds: unknown, fetchesOrOptions: unknown): InferenceSession.ReturnType {
    if (isTensor(feeds)) {
      throw new KletError(
        'TYPE_MISMATCH',
        `run() takes a record of tensors by input name, such as { ${this.inputNames[0]}: tensor }, not a tensor`,
      );
    }
    checkObject(feeds, 'the feeds of run()');
    checkNames(Object.keys(feeds).filter((name) => feeds[name] !== undefined), this.model.inputs);
    const inputs = this.model.inputs.map((info) => valuesFor(info, feeds[info.name]));
    const tensors =
      new Map(this.fetchesOf(fetchesOrOptions).map(([name, given]) => [name, this.targetFor(name, given)]));
    const wanted = [...tensors].map(([name, { data }]) => [name, data as OutputArray]);
    run(this.model, inputs, Object.fromEntries(wanted) as Record<string, OutputArray>);
    return Object.fromEntries(tensors);
  }

  /** The wanted outputs, with the tensors that receive them. */
  private fetchesOf(given: unknown): [name: string, tensor: unknown][] {
    const all = this.outputNames.map((name): [string, unknown] => [name, null]);
    if (given === undefined) return all;
    if (Array.isArray(given)) {
      if (given.length === 0) throw new KletError('BAD_ARGUMENT', 'the list of outputs of run() is empty');
      return Array.from(given, (name: unknown) => [this.checkOutput(name), null]);
    }
    checkObject(given, 'the outputs or options of run()');
    // as in onnxruntime-web, an object is a record of outputs if it has the name of one
    const isRecord = Object.entries(given).some(([name, value]) =>
      this.outputNames.includes(name) && (value === null || isTensor(value))
    );
    return isRecord ? Object.entries(given).map(([name, tensor]) => [this.checkOutput(name), tensor]) : all;
  }

  private checkOutput(name: unknown): string {
    if (isString(name) && this.outputNames.includes(name)) return name;
    const names = this.outputNames.map((known) => `"${known}"`).join(', ');
    throw new KletError('BAD_ARGUMENT', `the network has no output ${show(name)}; it has ${names}`);
  }

  /** The tensor that receives an output. */
  private targetFor(name: string, given: unknown): Tensor {
    const info = this.model.outputs.find((output) => output.name === name)!;
    const type = valueType(info);
    if (given === null) return new Tensor(type, newArray(type, countOf(info.shape)), info.shape);
    const fits = isTensor(given) && given.type === type && given.size === countOf(info.shape);
    if (fits) return given;
    throw new KletError(
      'TYPE_MISMATCH',
      `output "${name}" is ${type} [${info.shape.join(', ')}], and the tensor that should receive it is ${
        describeTensor(given)
      }`,
    );
  }

  release(): Promise<void> {
    this.model.dispose();
    return Promise.resolve();
  }

  startProfiling(): never {
    throw unsupported('session.startProfiling()', 'session.model.profile() measures each operator');
  }

  endProfiling(): never {
    throw unsupported('session.endProfiling()', 'session.model.profile() measures each operator');
  }
}

function metadataOf(info: TensorInfo): InferenceSession.ValueMetadata {
  return { name: info.name, isTensor: true, type: valueType(info), shape: info.shape };
}

function describeTensor(value: unknown): string {
  return isTensor(value) ? `${value.type} [${value.dims.join(', ')}]` : describeValue(value);
}

/** The values of a tensor as the model takes them. */
function valuesFor(info: TensorInfo, tensor: unknown): InputArray {
  const { name, dtype, scale } = info;
  const own = valueType(info);
  const types = [...(accepted[own] ?? [own]), ...(scale === undefined ? [] : [dtype])];
  if (!isTensor(tensor) || !types.includes(tensor.type)) {
    const raw = scale === undefined ? '' : ` (real numbers) or ${dtype} (raw values)`;
    throw new KletError(
      'TYPE_MISMATCH',
      `input "${name}" takes a tensor of the type ${own}${raw}, not ${describeTensor(tensor)}`,
    );
  }
  checkShape(info, tensor.dims);
  const { data, type } = tensor;
  return type === 'int64' ? toInt32(data as BigInt64Array, `input "${name}"`) : (data as InputArray);
}

type Bytes = string | URL | Uint8Array;

/** The file and the options among the arguments of `create`. */
function argumentsOf(source: unknown, rest: readonly unknown[]): { source: Bytes; options: object } {
  const isShared = typeof SharedArrayBuffer === 'function' && source instanceof SharedArrayBuffer;
  const bytes = isShared ? new Uint8Array(source) : asBytes(source);
  const isBuffer = bytes !== undefined && !ArrayBuffer.isView(source);
  if (isBuffer && typeof rest[0] === 'number') {
    const [byteOffset, byteLength = bytes.length - byteOffset, options = {}] = rest as [number, unknown, object];
    checkWhole(byteOffset, 'the byteOffset of create()', 0, bytes.length);
    checkWhole(byteLength, 'the byteLength of create()', 0, bytes.length - byteOffset);
    return { source: bytes.subarray(byteOffset, byteOffset + (byteLength as number)), options };
  }
  const [options = {}] = rest as [object?];
  if (bytes) return { source: bytes, options };
  if (isString(source) || source instanceof URL) return { source, options };
  throw new KletError(
    'BAD_ARGUMENT',
    `InferenceSession.create() takes a path, a URL or the bytes of a file, not ${describeValue(source)}`,
  );
}

function threadsOf({ intraOpNumThreads }: InferenceSession.SessionOptions): Pick<LoadOptions, 'threads'> {
  const threads = intraOpNumThreads ?? env.wasm.numThreads ?? 1;
  checkWhole(threads, 'the number of threads', 0, 1024);
  // 0 is the default of onnxruntime-web
  return { threads: Math.min(Math.max(threads, 1), 16) };
}

function checkLocation(location: InferenceSession.SessionOptions['preferredOutputLocation']): void {
  const places = typeof location === 'object' && location !== null ? Object.values(location) : [location ?? 'cpu'];
  const other = places.find((place) => place !== 'cpu' && place !== 'cpu-pinned');
  if (other !== undefined) throw unsupported(`outputs in ${show(other)}`, 'kinglet does not use the GPU');
}

/** The sources of files with weights, by their names. */
function externalData(given: unknown): Map<string, Source> {
  if (given === undefined) return new Map();
  if (!Array.isArray(given)) throw new KletError('BAD_ARGUMENT', 'the option "externalData" takes an array of files');
  return new Map(Array.from(given, (entry: unknown): [string, Source] => {
    if (isString(entry)) return [entry.slice(entry.lastIndexOf('/') + 1), entry];
    checkObject(entry, 'an entry of the option "externalData"');
    if (!isString(entry.path)) {
      throw new KletError('BAD_ARGUMENT', 'an entry of the option "externalData" has the text "path" and "data"');
    }
    return [entry.path.replace(/^\.\//, ''), entry.data as Source];
  }));
}

async function create(given: unknown, ...rest: unknown[]): Promise<InferenceSession> {
  const { source, options } = argumentsOf(given, rest);
  checkOptions(options, sessionOptions, 'InferenceSession.create()');
  const { shapes, freeDimensionOverrides, externalData: files, preferredOutputLocation } =
    options as InferenceSession.SessionOptions;
  checkLocation(preferredOutputLocation);
  if (env.compiler !== undefined) checkCompiler(env.compiler);
  const external = externalData(files);
  const opening: Opening = {
    options: threadsOf(options),
    compiler: env.compiler,
    howToSet: "ort.env.compiler = () => import('kinglet/compiler')",
    reading: { ...(shapes && { shapes }), ...(freeDimensionOverrides && { sizes: freeDimensionOverrides }) },
    sources: external,
  };
  return new Session((await openNetwork(source, opening)).model);
}

/**
 * Makes sessions, as in onnxruntime-web.
 *
 * @example
 * ```js
 * import * as ort from 'kinglet/ort';
 *
 * const session = await ort.InferenceSession.create('models/digits/digits.klet');
 * const image = new ort.Tensor('float32', new Float32Array(784), [1, 28, 28, 1]);
 * const results = await session.run({ [session.inputNames[0]]: image });
 * console.log(results[session.outputNames[0]].dims); // [ 1, 10 ]
 * await session.release();
 * ```
 */
export const InferenceSession: InferenceSessionFactory = { create };
