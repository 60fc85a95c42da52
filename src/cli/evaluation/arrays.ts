import { extname } from 'node:path';
import { KletError, type InputArray, type TensorInfo } from '../../index';
import type { Example, Target } from '../../compiler/index';
import { imageToInput, imageShape } from '../../tasks/pixels';
import { readBytes } from '../files';
import { arrayToInput, describePorts, readInputs, stepsOf } from '../inputs';
import { unpackArrays } from '../mediaLimits';
import { fits, NpyStack, npyType, parseArray, type ByteSource } from '../npy';
import { countOf, fromBytes, tensorBytes } from '../tensors';
import { bytesText, plural, shapeText } from '../text';
import { ClassNames, type Label } from './classNames';
import type { Dataset, Item, Reader } from './dataset';
import { readLabelFile, readRows } from './labelFiles';

// Inputs and targets in arrays, and inputs in files of their own.

/**
 * An image, a recording, an array or raw values as an input; of a network with state, as several.
 */
export function fileInput(file: string, { inputs, hasState, preprocessing, limits, note }: Reader): Example['input'] {
  const raw = inputs.length > 1;
  const values = readInputs([file], inputs, { preprocessing, limits, raw, streamed: hasState, note });
  return hasState ? stepsOf(values, inputs) : values;
}

/** The examples of x.npy,y.npy, or of a raw file with labels. */
export function stackItems(
  inputs: string,
  targets: string | readonly Label[],
  reader: Reader,
  given?: ClassNames,
): Dataset {
  if (typeof targets !== 'string') return labeledStack(inputs, targets, reader, given!);
  if (extname(targets).toLowerCase() === '.npy') {
    return arrayItems(
      new Map([[reader.inputs[0]!.name, stackOf(inputs)]]),
      targetsOf(readBytes(targets), targets),
      reader,
    );
  }
  const { names, inOrder } = /\.csv$/i.test(targets)
    ? { names: undefined, inOrder: readRows(targets).map((row) => row.at(-1)) }
    : readLabelFile(targets);
  if (!inOrder) {
    throw new KletError(
      'BAD_ARGUMENT',
      `"${targets}" has names of files; expected a label for each row of "${inputs}"`,
    );
  }
  return labeledStack(inputs, inOrder, reader, new ClassNames(reader, names, inOrder));
}

/** Rows of an array, or equal parts of a raw file, with a label each. */
function labeledStack(path: string, labels: readonly Label[], reader: Reader, classes: ClassNames): Dataset {
  const isArray = extname(path).toLowerCase() === '.npy';
  const read = isArray ? rowReader(stackOf(path), labels.length, reader) : rawReader(path, labels.length, reader);
  const items = labels.map((label, i): Item => ({
    where: `${path}[${i}]`,
    read: () => read(i),
    target: () => classes.indexOf(label, `example ${i}`),
  }));
  return { items, names: classes.names, notes: classes.notes };
}

/** An archive with inputs x (or arrays with the names of the inputs) and targets y. */
export function archiveItems(path: string, reader: Reader): Dataset {
  const named = unpackArrays(readBytes(path), path, reader.limits);
  const find = (names: readonly string[], what: string): Uint8Array => {
    const name = names.find((candidate) => named.has(candidate));
    if (name !== undefined) return named.get(name)!;
    throw new KletError(
      'MISSING_INPUT',
      `"${path}" holds ${[...named.keys()].map((key) => `"${key}"`).join(', ') || 'no arrays'} and no ${what}; save it `
        + 'with numpy.savez(file, x=inputs, y=targets)',
    );
  };
  const isSingle = reader.inputs.length === 1;
  const stacks = new Map(reader.inputs.map(({ name }) => {
    const bytes = find(
      [name, ...(isSingle ? ['x', 'x_test', 'inputs', 'images', 'features', 'arr_0'] : [])],
      `"${name}"`,
    );
    return [name, new NpyStack({ size: bytes.length, slice: (from, to) => bytes.subarray(from, to) }, `"${path}"`)];
  }));
  const wanted = reader.target ?? 'y';
  const targets = find([wanted, 'y_test', 'targets', 'labels', 'arr_1'], `targets "${wanted}"`);
  return arrayItems(stacks, targetsOf(targets, path), reader);
}

/** Targets of an array by the number of the example. */
interface Targets {
  count: number;
  at(i: number): Target;
}

function targetsOf(bytes: Uint8Array, where: string): Targets {
  const { data, shape } = parseArray(bytes, `"${where}"`);
  const type = npyType(bytes) ?? '';
  const count = shape[0] ?? 1;
  const size = countOf(shape) / count;
  if (!/^[fiub]\d$/.test(type)) {
    throw new KletError('TYPE_MISMATCH', `the targets in "${where}" must be numbers, not of the type "${type}"`);
  }
  const values = Array.from(data as unknown as ArrayLike<number | bigint | boolean>, Number);
  if (size === 1) return { count, at: (i) => (type === 'b1' ? values[i] === 1 : values[i]!) };
  const isClasses = !type.startsWith('f');
  return {
    count,
    at: (i) => {
      const own = values.slice(i * size, (i + 1) * size);
      return isClasses ? Int32Array.from(own) : Float64Array.from(own);
    },
  };
}

function arrayItems(stacks: ReadonlyMap<string, NpyStack>, targets: Targets, reader: Reader): Dataset {
  const readers = [...stacks].map(([name, stack]) => {
    const port = reader.inputs.find((input) => input.name === name)!;
    return [name, rowReader(stack, targets.count, { ...reader, inputs: [port] })] as const;
  });
  const isSingle = readers.length === 1;
  const [{ where }] = [...stacks.values()] as [NpyStack];
  const items = Array.from(
    { length: targets.count },
    (_, i): Item => ({
      where: `${where.replaceAll('"', '')}[${i}]`,
      read: () =>
        isSingle ? readers[0]![1](i) : Object.fromEntries(readers.map(([name, read]) => [name, read(i) as InputArray])),
      target: () => targets.at(i),
    }),
  );
  return { items, names: reader.labels, notes: [] };
}

function stackOf(path: string): NpyStack {
  const bytes = readBytes(path);
  const source: ByteSource = { size: bytes.length, slice: (from, to) => bytes.subarray(from, to) };
  return new NpyStack(source, `"${path}"`);
}

/** Reads rows of an array as inputs; further leading dimensions are consecutive inputs. */
function rowReader(stack: NpyStack, count: number, reader: Reader): (row: number) => Example['input'] {
  const { shape, where } = stack;
  const [input, ...more] = reader.inputs;
  const depth = [1, 2].find((d) => d <= shape.length && input && fits(shape.slice(d), input));
  if (!input || more.length > 0 || depth === undefined) {
    throw new KletError(
      'SHAPE_MISMATCH',
      `${where} has the shape ${shapeText(shape)}; expected a row for each example of ${describePorts(reader.inputs)}`,
    );
  }
  if (shape[0] !== count) {
    throw new KletError('SHAPE_MISMATCH', `${where} has ${plural(shape[0]!, 'row')}, but there are ${count} targets`);
  }
  const at = (...indices: number[]): InputArray => valuesOf(stack.part(...indices), where, input, reader);
  return (row) => (depth === 1 ? at(row) : Array.from({ length: shape[1]! }, (_, step) => at(row, step)));
}

/**
 * Bytes for an int8 input that takes an image are pixels; other arrays are the values of the input.
 */
function valuesOf(file: Uint8Array, where: string, input: TensorInfo, { preprocessing }: Reader): InputArray {
  if (npyType(file) !== 'u1' || input.dtype !== 'int8' || !isImage(input)) {
    return arrayToInput(file, where, input, preprocessing);
  }
  return pixelsToInput(parseArray(file, where).data as Uint8Array, input, preprocessing);
}

function isImage(input: TensorInfo): boolean {
  try {
    return imageShape(input).height > 0;
  } catch {
    return false;
  }
}

/** Pixels in the layout of the input, with its preprocessing. */
function pixelsToInput(bytes: Uint8Array, input: TensorInfo, preprocessing: Reader['preprocessing']): InputArray {
  const image = preprocessing?.kind === 'image' ? preprocessing : undefined;
  const { height, width, channels, isPlanar } = imageShape(input, image);
  const plane = width * height;
  const data = isPlanar ? bytes.map((_, i) => bytes[(i % channels) * plane + Math.floor(i / channels)]!) : bytes;
  return imageToInput({ width, height, channels, data }, input, image);
}

/** Reads equal parts of a raw file as inputs. */
function rawReader(path: string, count: number, reader: Reader): (row: number) => Example['input'] {
  const bytes = readBytes(path);
  const [input, ...more] = reader.inputs;
  if (!input || more.length > 0) {
    throw new KletError('BAD_ARGUMENT', `"${path}" has raw values, but the network has ${reader.inputs.length} inputs`);
  }
  const dtype = reader.type ?? input.dtype;
  const size = tensorBytes({ dtype, shape: input.shape });
  if (bytes.length !== count * size) {
    const each = bytes.length / count / countOf(input.shape);
    const types = { 1: '--type uint8 or int8', 4: '--type float32' }[each];
    throw new KletError(
      'SHAPE_MISMATCH',
      `"${path}" has ${bytes.length} bytes (${
        bytesText(bytes.length)
      }) for ${count} labels; expected ${size} bytes for `
        + `each ${dtype} ${shapeText(input.shape)}${
          types ? `. It holds ${plural(each, 'byte')} a value: say ${types}` : ''
        }`,
    );
  }
  const part = (row: number): Uint8Array => bytes.subarray(row * size, (row + 1) * size);
  if (dtype === input.dtype) return (row) => fromBytes(dtype, part(row));
  if (dtype === 'uint8' && isImage(input) && (input.dtype === 'int8' || reader.preprocessing)) {
    return (row) => pixelsToInput(part(row), input, reader.preprocessing);
  }
  // numbers of another type are the real values of the input
  return (row) => Float32Array.from(fromBytes(dtype, part(row)) as ArrayLike<number>);
}
