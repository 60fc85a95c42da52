import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Graph } from '../compiler/index';
import { KletError, type InputArray, type Preprocessing, type TensorInfo } from '../index';
import { isFile, readBytes } from './files';
import { arrayToInput, describePorts, readInputs, stepsOf } from './inputs';
import { unpackArrays, type Limits } from './mediaLimits';
import { fits, NpyStack, type ByteSource } from './npy';
import { shapeText } from './text';

// Typical inputs of a network, from files. A sample is decoded when it is asked for, so that only
// the samples in use are in memory.

export type Inputs = Record<string, InputArray>;
/** The inputs of one prediction, or of consecutive ones of a network with state. */
export type Sample = Inputs | Inputs[];

/** Where a sample is. */
interface Entry {
  /** The file, and the index in it if it holds several samples. */
  where: string;
  read(): Sample;
  /** The stored bytes, by which copies are found. */
  content(): Uint8Array;
}

/** How files become inputs. */
export interface SampleOptions {
  preprocessing?: Preprocessing | undefined;
  limits?: Limits;
  /** Called with a line that says how the first image or recording became the input. */
  note?: (text: string) => void;
}

/** A list of samples that are read while it is iterated. */
export class SampleList implements Iterable<Sample> {
  constructor(private readonly entries: readonly Entry[]) {}

  get length(): number {
    return this.entries.length;
  }

  *[Symbol.iterator](): Iterator<Sample> {
    for (const entry of this.entries) yield entry.read();
  }

  /** The file of a sample, with the index in it. */
  where(index: number): string {
    return this.entries[index]!.where;
  }

  /** The samples for which `isWanted` says yes. */
  filter(isWanted: (index: number) => boolean): SampleList {
    return new SampleList(this.entries.filter((_, i) => isWanted(i)));
  }

  /** At most `count` samples, spread evenly over the list. */
  spread(count: number): SampleList {
    const { length } = this;
    if (length <= count) return this;
    return new SampleList(Array.from({ length: count }, (_, i) => this.entries[Math.floor(i * length / count)]!));
  }

  /** Without copies, which in held-out samples would make a comparison look better than it is. */
  distinct(): SampleList {
    const known = new Map<string, Entry>();
    for (const entry of this.entries) {
      const key = createHash('sha256').update(entry.content()).digest('hex');
      if (!known.has(key)) known.set(key, entry);
    }
    return new SampleList([...known.values()]);
  }
}

/** The files of `--samples`. */
export interface Samples {
  /** For choosing and fitting weights and ranges. */
  fitting: SampleList;
  /** For comparing the networks before and after. */
  comparing: SampleList;
  /** Whether the samples for comparing are held out, so that fitting does not see them. */
  isHeldOut: boolean;
}

/** One sample in four is held out: enough to see ruin, and most samples are left for fitting. */
const HELD_OUT_EVERY = 4;
/** More samples than this do not make ranges and weights better. */
const MOST_FITTING = 256;
const MOST_COMPARING = 512;
/** The number of samples that are taken if no other is asked for. */
export const MOST_SAMPLES = MOST_FITTING + MOST_COMPARING;

/**
 * Splits the samples if weights are fitted to them. A folder often lists its files class by class,
 * so the held-out samples are spread over the list. A single sample serves both purposes.
 */
export function splitSamples(samples: SampleList, isFitted: boolean): Samples {
  const distinct = samples.distinct();
  if (!isFitted || distinct.length < 2) return { fitting: distinct, comparing: distinct, isHeldOut: !isFitted };
  const isHeldOut = (i: number): boolean => i % HELD_OUT_EVERY === 1;
  const fitting = distinct.filter((i) => !isHeldOut(i));
  if (fitting.length <= MOST_FITTING) return { fitting, comparing: distinct.filter(isHeldOut), isHeldOut: true };
  const chosen = fitting.spread(MOST_FITTING);
  const used = new Set(Array.from(chosen, (_, i) => chosen.where(i)));
  const others = distinct.filter((i) => !used.has(distinct.where(i)));
  return { fitting: chosen, comparing: others.spread(MOST_COMPARING), isHeldOut: true };
}

/** Files in a folder that describe samples and are none. */
const DESCRIPTIONS = /^\.(txt|csv|tsv|json|md|xml|ya?ml|html?|pdf)$/i;

/**
 * Finds samples of the network: images, recordings, `.npy` arrays and raw tensors, all files in
 * folders and in the folders in them, and the rows of `.npy` and `.npz` files whose first dimension
 * counts samples.
 *
 * @throws KletError `FETCH_FAILED`, `SHAPE_MISMATCH`, `CORRUPT`, `MISSING_INPUT`; decoding errors
 *   when a sample is read
 */
export function findSamples(paths: readonly string[], graph: Graph, options: SampleOptions = {}): SampleList {
  const finder = new Finder(portsOf(graph), (graph.states ?? []).length > 0, options);
  const entries = paths.flatMap((path) => (isFolder(path) ? filesIn(path) : [path])).flatMap((file) =>
    finder.entriesOf(file)
  );
  if (entries.length === 0) {
    throw new KletError('BAD_ARGUMENT', `there are no samples in ${paths.map((path) => `"${path}"`).join(', ')}`);
  }
  return new SampleList(entries);
}

/** The inputs of a network before it is compiled. */
export function portsOf(graph: Graph): TensorInfo[] {
  return graph.inputs.map(({ name, dtype, shape, quantization }): TensorInfo => ({
    name,
    dtype: dtype,
    shape,
    ...(quantization && { scale: quantization.scale[0]!, zeroPoint: quantization.zeroPoint[0]! }),
  }));
}

class Finder {
  private isNoted = false;

  constructor(
    private readonly ports: readonly TensorInfo[],
    private readonly hasState: boolean,
    private readonly options: SampleOptions,
  ) {}

  entriesOf(file: string): Entry[] {
    if (/\.npz$/i.test(file)) return this.archive(file);
    if (/\.npy$/i.test(file) && this.ports.length === 1) {
      const stack = new NpyStack(openedFile(file), `"${file}"`);
      return this.rows(file, new Map([[this.ports[0]!.name, stack]]));
    }
    return [{ where: file, read: () => this.file(file), content: () => readBytes(file) }];
  }

  private file(file: string): Sample {
    const { preprocessing, note, limits = {} } = this.options;
    const inputs = readInputs([file], this.ports, {
      preprocessing,
      limits,
      raw: this.ports.length > 1,
      streamed: this.hasState,
      ...(note && {
        note: (text: string): void => {
          if (!this.isNoted) note(text);
          this.isNoted = true;
        },
      }),
    });
    return this.hasState ? stepsOf(inputs, this.ports) : inputs;
  }

  /** The arrays of an archive by the names of the inputs. One array needs no name. */
  private archive(file: string): Entry[] {
    const arrays = unpackArrays(readBytes(file), file, this.options.limits ?? {});
    const [only] = arrays.size === 1 ? arrays.keys() : [];
    const stacks = this.ports.map(({ name }, i): [string, NpyStack] => {
      const found = [name, `arr_${i}`, ...(this.ports.length === 1 && only !== undefined ? [only] : [])].find((
        candidate,
      ) => arrays.has(candidate));
      if (found === undefined) {
        const held = [...arrays.keys()].map((key) => `"${key}"`).join(', ') || 'no arrays';
        throw new KletError(
          'MISSING_INPUT',
          `"${file}" holds ${held}; the network takes ${describePorts(this.ports)}: save an array for each input `
            + `with its name, as in numpy.savez(file, **{"${name}": array})`,
        );
      }
      return [name, new NpyStack(heldBytes(arrays.get(found)!), `"${found}" in "${file}"`)];
    });
    return this.rows(file, new Map(stacks));
  }

  /** The samples in arrays of one file. */
  private rows(file: string, stacks: ReadonlyMap<string, NpyStack>): Entry[] {
    const depths = this.ports.map((port) => this.depthOf(stacks.get(port.name)!, port));
    const depth = depths[0]!;
    const leading = [...stacks.values()].map(({ shape }) => shape.slice(0, depth).join());
    if (depths.some((other) => other !== depth) || new Set(leading).size > 1) {
      const shapes = [...stacks].map(([name, { shape }]) => `"${name}" ${shapeText(shape)}`).join(', ');
      throw new KletError('SHAPE_MISMATCH', `"${file}" holds different numbers of samples: ${shapes}`);
    }
    const { shape } = stacks.get(this.ports[0]!.name)!;
    const at = (...indices: number[]): Inputs =>
      Object.fromEntries(this.ports.map((port) => {
        const stack = stacks.get(port.name)!;
        return [port.name, arrayToInput(stack.part(...indices), stack.where, port, this.options.preprocessing)];
      }));
    const content = (...indices: number[]) => (): Uint8Array =>
      Buffer.concat([...stacks.values()].map((stack) => stack.part(...indices)));
    const steps = (length: number, ...before: number[]): Inputs[] =>
      Array.from({ length }, (_, step) => at(...before, step));
    if (depth === 0) return [{ where: file, read: () => at(), content: content() }];
    // of a network with state, the last of the leading dimensions is time
    if (this.hasState && depth === 1) return [{ where: file, read: () => steps(shape[0]!), content: content() }];
    return Array.from(
      { length: shape[0]! },
      (_, i) => ({
        where: `${file}[${i}]`,
        read: () => (depth === 2 ? steps(shape[1]!, i) : at(i)),
        content: content(i),
      }),
    );
  }

  /** The number of dimensions before those of the input. */
  private depthOf({ shape, where }: NpyStack, input: TensorInfo): number {
    const most = this.hasState ? 2 : 1;
    for (let depth = 0; depth <= most && depth <= shape.length; depth++) {
      if (fits(shape.slice(depth), input)) return depth;
    }
    const one = input.shape[0] === 1 ? input.shape.slice(1) : input.shape;
    const wanted = this.hasState ? `[samples, steps, ${one.join(', ')}]` : `[samples, ${one.join(', ')}]`;
    throw new KletError(
      'SHAPE_MISMATCH',
      `${where} has the shape ${shapeText(shape)}; input "${input.name}" takes ${shapeText(input.shape)}, so an array `
        + `of samples has the shape ${wanted}`,
    );
  }
}

function openedFile(path: string): ByteSource {
  const reading = <T>(read: (descriptor: number) => T): T => {
    let descriptor: number;
    try {
      if (!isFile(path)) throw new Error('it is no file');
      descriptor = openSync(path, 'r');
    } catch {
      // for its message
      readBytes(path);
      throw new KletError('FETCH_FAILED', `cannot read "${path}"`);
    }
    try {
      return read(descriptor);
    } finally {
      closeSync(descriptor);
    }
  };
  return {
    size: reading((descriptor) => fstatSync(descriptor).size),
    slice: (from, to) =>
      reading((descriptor) => {
        const bytes = new Uint8Array(to - from);
        readSync(descriptor, bytes, 0, bytes.length, from);
        return bytes;
      }),
  };
}

function heldBytes(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, slice: (from, to) => bytes.subarray(from, to) };
}

/** All files of a folder and of those in it, sorted, without descriptions and hidden files. */
function filesIn(folder: string): string[] {
  const names = readdirSync(folder).sort().filter((name) => !name.startsWith('.'));
  return names.map((name) => join(folder, name)).flatMap((path) => {
    if (isFolder(path)) return filesIn(path);
    // pipes and devices are no samples
    return DESCRIPTIONS.test(extname(path)) || !isFile(path) ? [] : [path];
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What to give as `--samples` for a network, with an example. */
export function samplesAdvice(graph: Graph, preprocessing: Preprocessing | undefined, command: string): string {
  const ports = portsOf(graph);
  const [input] = ports;
  if (!input) return 'the network has no inputs';
  const shape = (input.shape[0] === 1 ? input.shape.slice(1) : input.shape).join(', ');
  const channels = input.shape.length === 4 ? [input.shape[1], input.shape[3]] : [];
  const isImage = preprocessing?.kind === 'image' ||
    (preprocessing === undefined && channels.some((c) => c === 1 || c === 3));
  const array = `an array of the shape [samples, ${shape}], saved with numpy.save`;
  if (ports.length > 1) {
    const arrays = ports.map(({ name }) => `"${name}": …`).join(', ');
    return `arrays of samples for ${describePorts(ports)}, saved with numpy.savez(file, **{${arrays}}):\n`
      + `  ${command} --samples samples.npz`;
  }
  const head = `100 to 300 typical inputs for ${describePorts(ports)}`;
  if (preprocessing?.kind === 'audio') {
    return `${head}: a folder of .wav recordings:\n  ${command} --samples recordings/`;
  }
  return isImage
    ? `${head}: a folder of images, or ${array}:\n  ${command} --samples images/\n  ${command} --samples images.npy`
    : `${head}: ${array}:\n  ${command} --samples samples.npy`;
}
