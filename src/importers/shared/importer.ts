import { checkObject, checkOptions, checkSizes, checkWhole, isArrayOf, isString, show,
  type Options } from '../../arguments';
import { KletError, messageOf } from '../../errors';
import { elementCount, type Graph } from '../../graph/graph';
import { UnsupportedTensor } from './unsupported';

/** Information in a foreign file about the use of its network, in the terms of META. */
export interface ForeignMeta {
  /** Names of the classes of the output. */
  labels?: string[];
  /** How an image becomes the input: byte × scale + offset, per channel if there are several. */
  preprocessing?: { kind: 'image'; channels: 1 | 3; scale: number | number[]; offset: number | number[];
    fit?: 'letterbox' | 'crop'; pad?: number; resize?: 'pil' | 'opencv' };
  /** How the outputs become an answer. */
  task?: { kind: 'classify' } | { kind: 'detect'; keypoints?: number };
}

/** How a file is read. */
export interface ImportOptions {
  /** Name of the network, also used in error messages. */
  name?: string;
  /** Which of several entries of a file is the network, for formats that have signatures. */
  signature?: string;
  /**
   * Shapes of inputs, by name, for files that leave sizes open. The name may be empty if there is
   * only one input.
   */
  shapes?: Readonly<Record<string, readonly number[]>>;
  /** Sizes that the file leaves open, by the names that it gives them. */
  sizes?: Readonly<Record<string, number>>;
  /** Inputs whose values are known, by name. They are no inputs of the imported network. */
  constants?: Readonly<Record<string, ConstantInput>>;
  /**
   * Names of values that are the outputs instead of those in the file, for example to end a network
   * before operators that kinglet lacks.
   */
  outputs?: readonly string[];
  /**
   * Order of the dimensions of images at inputs and outputs, for formats that have [N][C][H][W].
   * By default as in the file; shapes in `shapes` have the order of the file in any case.
   */
  layout?: 'nhwc';
  /**
   * Called during a long import with the part of the operators that have been read, from 0 to 1.
   */
  onProgress?: (part: number) => void;
  /** Other files of the network, by name, such as weights that are stored apart. */
  files?: Readonly<Record<string, Uint8Array>>;
}

/** The value of an input that is known at conversion. */
export interface ConstantInput {
  data: ArrayLike<number>;
  /** By default the shape in the file or, if that is open, a list. */
  shape?: readonly number[];
}

/** A foreign format: how its files are recognized and read. */
export interface Importer {
  /** Short name, as in the output of the command line. */
  name: string;
  /** Name for people, as in error messages. */
  title: string;
  /** Endings of its files, without the dot. */
  extensions: readonly string[];
  /** Whether a file has this format, judged by its contents. */
  recognizes(bytes: Uint8Array): boolean;
  /**
   * @throws {KletError} `BAD_MAGIC`, `CORRUPT`, `INVALID_GRAPH`, `UNSUPPORTED_OP`,
   *   `UNSUPPORTED_TYPE` or `BAD_ARGUMENT`
   */
  import(bytes: Uint8Array, options?: ImportOptions): Graph;
  /**
   * The signatures of a file and the one that `import` takes by default, for formats that have
   * them.
   *
   * @throws {KletError} `CORRUPT`
   */
  signatures?(bytes: Uint8Array): { keys: string[]; chosen?: string };
  /**
   * The names of other files that a file needs, for formats that store weights apart.
   *
   * @throws {KletError} `CORRUPT`
   */
  companions?(bytes: Uint8Array): string[];
  /**
   * Reads labels and preprocessing, for formats that can have them.
   *
   * @throws {KletError} `CORRUPT`
   */
  meta?(bytes: Uint8Array): ForeignMeta;
}

const importOptions = {
  name: 'string',
  signature: 'string',
  shapes: 'object',
  sizes: 'object',
  constants: 'object',
  outputs: 'object',
  layout: 'string',
  onProgress: 'function',
  files: 'object',
} satisfies Options<ImportOptions>;

/** Checks the arguments of an import. @throws KletError `BAD_ARGUMENT` */
export function checkImport(bytes: Uint8Array, options: ImportOptions, of: string): void {
  checkOptions(options, importOptions, of);
  const { shapes = {}, sizes = {}, constants = {}, outputs = [], layout } = options;
  for (const [name, shape] of Object.entries(shapes)) checkSizes(shape, `the input "${name}"`);
  for (const [name, size] of Object.entries(sizes)) checkWhole(size, `the size "${name}"`, 1, 2 ** 28);
  for (const [name, constant] of Object.entries(constants)) checkConstant(name, constant);
  if (!isArrayOf(outputs, isString)) {
    throw new KletError('BAD_ARGUMENT', `the option "outputs" of ${of} takes an array of names, not ${show(outputs)}`);
  }
  if (layout !== undefined && layout !== 'nhwc') {
    throw new KletError('BAD_ARGUMENT', `the option "layout" of ${of} is "nhwc" or absent, not ${show(layout)}`);
  }
  if (bytes instanceof Uint8Array) return;
  throw new KletError('BAD_ARGUMENT', `${of} takes the bytes of a file as Uint8Array, not ${show(bytes)}`);
}

function checkConstant(name: string, constant: unknown): void {
  checkObject(constant, `the constant "${name}"`);
  const { data, shape } = constant;
  const isList = Array.isArray(data) || (ArrayBuffer.isView(data) && !(data instanceof DataView));
  if (!isList || !Array.from(data as ArrayLike<unknown>).every((value) => typeof value === 'number')) {
    throw new KletError('BAD_ARGUMENT', `the data of the constant "${name}" must be numbers, not ${show(data)}`);
  }
  if (shape === undefined) return;
  if (isArrayOf(shape, isWhole) && elementCount(shape as number[]) === (data as ArrayLike<number>).length) return;
  throw new KletError(
    'BAD_ARGUMENT',
    `the shape of the constant "${name}" must be sizes of ${(data as ArrayLike<number>).length} elements, not ${
      show(shape)
    }`,
  );
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}

/**
 * Runs an import. Its errors become `KletError`s that begin with the name of the network, errors of
 * a parser too.
 */
export function importNamed(name: string, run: () => Graph): Graph {
  try {
    return run();
  } catch (error) {
    if (error instanceof KletError) {
      throw new KletError(error.code, `${name}: ${error.message}`, { cause: error.cause });
    }
    if (error instanceof UnsupportedTensor) {
      throw new KletError('UNSUPPORTED_TYPE', `${name}: tensor ${error.message} is not supported`);
    }
    // a TypeError says nothing about the file
    const reason = error instanceof TypeError ? '' : ` (${messageOf(error)})`;
    throw new KletError('CORRUPT', `${name}: the file is malformed${reason}`, { cause: error });
  }
}
