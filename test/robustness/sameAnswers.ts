import * as L from '../../assembly/layout';
import { KletError, loadSync, type Flavor, type Inputs, type Model } from '../../src/index';
import { views } from '../../src/runtime/tensor';
import { Random } from '../helpers/random';
import { loadInShares } from '../helpers/shares';
import { viewOf } from './seal';

// Whatever `validate` accepts must give the same bits in every flavor, on any number of threads,
// whatever the memory held before.

/** Arrays that fit the inputs that the file declares. */
export function inputsFor(model: Model, random: Random): Inputs {
  return Object.fromEntries(model.inputs.map(({ name, dtype, shape }) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return [name, random.fill(new views[dtype](count))];
  }));
}

interface Inside {
  engine: { shared: { buffer: ArrayBuffer }; memory: { state: number } };
}

const junkRandom = new Random(1);
const junkBytes = Uint8Array.from({ length: 1 << 16 }, () => junkRandom.int(0, 255));

/** Fills a part of memory with random bytes, quickly. */
function scatter(bytes: Uint8Array, from: number, to: number, random: Random): void {
  for (let at = from; at < to;) {
    const piece = junkBytes.subarray(random.int(0, junkBytes.length - 1));
    const length = Math.min(piece.length, to - at);
    bytes.set(piece.subarray(0, length), at);
    at += length;
  }
}

/** Fills the arena after the state, and the scratch, with what an earlier run could have left. */
function litter(model: Model, random: Random): void {
  const { engine } = model as unknown as Inside;
  const bytes = new Uint8Array(engine.shared.buffer);
  const word = (at: number): number => viewOf(bytes).getUint32(L.MAP + at, true);
  const arena = word(L.MAP_ARENA);
  const junk = random.pick([0, 0x7f, 0x80, 0xff, -1]);
  const fill = (from: number, to: number): void => {
    if (junk >= 0) bytes.fill(junk, from, to);
    else scatter(bytes, from, to, random);
  };
  fill(arena + engine.memory.state, arena + word(L.MAP_ARENA_BYTES));
  fill(word(L.MAP_SCRATCH), bytes.length);
}

type Output = Int8Array | Float32Array;

/** The bytes of an output; all NaNs of floats are the same. */
function bytesOf(values: Output): Buffer {
  if (values instanceof Float32Array) {
    const words = new Uint32Array(values.buffer);
    values.forEach((value, i) => {
      if (Number.isNaN(value)) words[i] = 0x7fc00000;
    });
  }
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** Two runs with different inputs and different litter, and then the first input again. */
function answersOf(model: Model, seed: number, litterSeed: number): Buffer[] {
  const [a, b] = [1, 2].map((n) => inputsFor(model, new Random(seed + n))) as [Inputs, Inputs];
  const random = new Random(litterSeed);
  const again = model.createState();
  const outputs = model.outputs.map(({ name }) => name);
  const run = (inputs: Inputs, by: { predict: Model['predict'] }): Buffer => {
    litter(model, random);
    const result = by.predict(inputs, { output: 'raw' }) as unknown as Output | Record<string, Output>;
    const values = ArrayBuffer.isView(result) ? [result] : outputs.map((name) => result[name]!);
    return Buffer.concat(values.map((value) => bytesOf(value.slice() as Output)));
  };
  const first = run(a, model);
  const second = run(b, model);
  // another stream, whose state is the initial one
  const third = run(a, again);
  if (!third.equals(first)) throw new Error('an answer depends on the input or the stream before');
  return [first, second];
}

/** Makes a model of a file. */
export type Loader = (file: Uint8Array, flavor: Flavor) => Model;

/** How files are loaded and run. */
export interface Runs {
  flavors: readonly Flavor[];
  /** A seed of inputs and litter. */
  seed: number;
  maxMemory: number;
  /** Whether threads share the work, too, in each flavor that has them. */
  shares: boolean;
  load?: Loader;
}

/**
 * Runs a file in all these flavors and in shares of threads.
 *
 * @returns the error of all flavors, if they refuse the file
 * @throws Error if two flavors or two runs differ, and whatever a run throws
 */
export function refusalOrSame(
  file: Uint8Array,
  { flavors, seed, maxMemory, shares, ...runs }: Runs,
): KletError | undefined {
  const load = runs.load ?? ((bytes, flavor) => loadSync(bytes, { flavor, maxMemory }));
  const order = [[1, 0], [0, 1, 2], [2, 0, 1]][seed % 3]!;
  const makers = flavors.map((flavor): [string, () => Model] => [flavor, () => load(file, flavor)]);
  for (const flavor of shares ? flavors : []) {
    if (flavor !== 'js') makers.push([`${flavor} in shares ${order.join()}`, () => loadInShares(file, flavor, order)]);
  }
  let right: Buffer[] | undefined;
  let refusal: KletError | undefined;
  for (const [i, [name, make]] of makers.entries()) {
    let model: Model;
    try {
      model = make();
    } catch (error) {
      if (!(error instanceof KletError)) throw error;
      if (i === 0) refusal = error;
      else if (refusal?.message !== error.message) {
        throw new Error(`${name} says "${error.message}", ${makers[0]![0]} "${refusal?.message ?? 'yes'}"`, {
          cause: error,
        });
      }
      // the limit of memory is not the core's
      if (error.code === 'OUT_OF_MEMORY') return error;
      continue;
    }
    if (refusal) throw new Error(`${name} accepts what ${makers[0]![0]} refuses: "${refusal.message}"`);
    const answers = answersOf(model, seed, seed * 31 + i);
    model.dispose();
    right ??= answers;
    answers.forEach((answer, n) => {
      if (answer.equals(right![n]!)) return;
      const at = answer.findIndex((byte, k) => byte !== right![n]![k]);
      throw new Error(`${name} differs from ${makers[0]![0]} in run ${n}, at byte ${at} of ${answer.length}`);
    });
  }
  return refusal;
}
