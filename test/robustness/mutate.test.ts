import { afterAll, describe, expect, test } from 'vitest';
import { MAP, MAP_ARENA, MAP_SCRATCH, MAP_SCRATCH_BYTES } from '../../assembly/layout';
import { KletError } from '../../src/compiler/index';
import { SECTION_CODED, SECTION_DEBUG, SECTION_GOLDEN, SECTION_META, SECTION_NIBBLES, SECTION_PACKED, SECTION_PLAN,
  SECTION_WEIGHTS } from '../../src/format/klet';
import { loadSync, type Flavor, type Model } from '../../src/index';
import { changeByte, changeWord } from '../fuzz/changes';
import { flavors, threadedFlavors } from '../helpers/flavors';
import { Random } from '../helpers/random';
import { inputsFor } from './sameAnswers';
import { sampleFile } from './sample';
import { reseal, sectionsOf, viewOf } from './seal';

// Loads 20,000 mutants, each of which differs from a valid file by a small change. Half of them
// have valid checksums, so that the checks that follow are tested. Each must be refused with a
// KletError, or load and run without a trap, a hang or a write outside the arena and the scratch.

const MUTANTS = 20_000;
/** Mutants that two flavors judge. */
const VERDICTS = 2000;
const MAX_MEMORY = 4 << 20;
const MAX_MILLISECONDS = 1000;

type Region = [name: string, offset: number, length: number];

interface Original {
  file: Uint8Array<ArrayBuffer>;
  /** The byte regions to mutate, all equally likely; regions with many checks occur repeatedly. */
  regions: Region[];
}

/** Bytes at the start of coded sections that hold header fields. */
const headerBytes: Record<string, number> = { CODED: 48, NIBBLES: 64, 'packed PLAN': 120 };

/** The plain file, the entropy-coded file, and a plain one with weights of four bits. */
const originals = [sampleFile(), sampleFile('compact'), sampleFile('nibbles')].map((file): Original => {
  const sections = sectionsOf(file);
  const names = new Map([[SECTION_META, 'META'], [SECTION_PLAN, 'PLAN'], [SECTION_WEIGHTS, 'WEIGHTS'], [SECTION_CODED,
    'CODED'], [SECTION_NIBBLES, 'NIBBLES'], [SECTION_GOLDEN, 'GOLDEN'], [SECTION_DEBUG, 'DEBUG']]);
  const nameOf = (kind: number): string => names.get(kind) ?? `packed ${names.get(kind - SECTION_PACKED)!}`;
  const regions = sections.map(({ kind, offset, length }): Region => [nameOf(kind), offset, length]);
  const often = regions.filter(([name]) => name.endsWith('PLAN') || ['CODED', 'NIBBLES'].includes(name));
  // The header fields of coded sections are few bytes, so they are regions of their own.
  const headers = often.map(([name, offset, length]): Region => [name, offset, headerBytes[name] ?? length]);
  return { file, regions: [['header', 0, 32], ['table', 32, 16 * sections.length], ...regions, ...often, ...headers] };
});

/** Changes mostly the digits of META, because they hold the offsets of inputs and outputs. */
function changeMeta(random: Random, file: Uint8Array, offset: number, length: number): void {
  const digits = Array.from({ length }, (_, i) => offset + i).filter((i) => file[i]! >= 48 && file[i]! <= 57);
  if (random.next() < 0.7) file[random.pick(digits)] = random.pick([48, 49, 50, 57, 45, 46, 101]);
  else changeByte(random, file, offset, length);
}

function rawMutant(random: Random): Uint8Array {
  const { file: original, regions } = random.pick(originals);
  const [, offset, length] = random.pick(regions);
  const file = original.slice();
  switch (random.int(0, 9)) {
    case 0:
      return file.subarray(0, random.int(0, file.length - 1));
    case 1:
      return Uint8Array.of(...file, ...Array.from({ length: random.int(1, 20) }, () => random.int(0, 255)));
    case 2:
      return file.fill(random.pick([0, 255]), offset + random.int(0, length - 1), offset + length);
    case 3:
      file.copyWithin(random.int(0, file.length - 1), offset, offset + length);
      return file;
    default:
      for (let n = random.int(1, 3); n > 0; n--) changeByte(random, file, offset, length);
      return file;
  }
}

function resealedMutant(random: Random): Uint8Array {
  const { file: original, regions } = random.pick(originals);
  const [name, offset, length] = random.pick(regions);
  const file = original.slice();
  // a larger arena lets more corrupted offsets pass the checks
  if (random.next() < 0.3) {
    [16, 20].forEach((at) => viewOf(file).setUint32(at, random.pick([1 << 12, 1 << 16, 1 << 20]), true));
  }
  for (let n = random.pick([1, 1, 1, 2, 4]); n > 0; n--) {
    if (name === 'META') changeMeta(random, file, offset, length);
    else if (random.next() < 0.8) changeWord(random, file, offset, length);
    else changeByte(random, file, offset, length);
  }
  return reseal(file);
}

/** The whole memory of a model, found through the port of an input or output. */
function memoryOf(model: Model): Uint8Array | undefined {
  const { inputPorts, outputPorts } =
    (model as unknown as { engine: Record<string, { bytes(): Uint8Array }[]> }).engine;
  const port = inputPorts![0] ?? outputPorts![0];
  return port && new Uint8Array(port.bytes().buffer);
}

/**
 * The memory outside arena and scratch: the map, the plan and the weights, and the slack at the
 * end.
 */
function untouchable(memory: Uint8Array): Uint8Array[] {
  const view = viewOf(memory);
  const word = (field: number): number => view.getUint32(MAP + field, true);
  // apart from the map, the core may write to its first KiB
  return [memory.slice(MAP, MAP + 32), memory.slice(4096, word(MAP_ARENA)),
    memory.slice(word(MAP_SCRATCH) + word(MAP_SCRATCH_BYTES))];
}

type Fate = 'refused' | 'ran' | 'ran, then refused';

function fateOf(file: Uint8Array, flavor: Flavor, random: Random): Fate {
  try {
    const model = loadSync(file, { flavor, maxMemory: MAX_MEMORY });
    const memory = memoryOf(model);
    try {
      const before = memory && untouchable(memory);
      const inputs = inputsFor(model, random);
      model.predict(inputs, { output: 'raw' });
      model.predict(inputs);
      if (memory && untouchable(memory).some((part, i) => Buffer.compare(part, before![i]!) !== 0)) {
        throw new Error('memory outside the arena and the scratch was written');
      }
      model.selfTest();
      return 'ran';
    } catch (error) {
      if (error instanceof KletError) return 'ran, then refused';
      throw error;
    } finally {
      model.dispose();
    }
  } catch (error) {
    if (error instanceof KletError && error.message.length > 20) return 'refused';
    throw error;
  }
}

/** Plain JavaScript, which is slower, has every 32nd mutant. */
function flavorOf(seed: number): Flavor {
  return seed % 32 === 0 ? 'js' : threadedFlavors[seed % threadedFlavors.length]!;
}

function fatesOf(mutant: (random: Random) => Uint8Array, first: number, count: number): Record<Fate, number> {
  const fates: Record<Fate, number> = { refused: 0, ran: 0, 'ran, then refused': 0 };
  for (let seed = first; seed < first + count; seed++) {
    const random = new Random(seed);
    const file = mutant(random);
    try {
      // two attempts, because a busy machine may stall once
      let time = Infinity;
      for (let attempt = 0; attempt < 2 && time > MAX_MILLISECONDS; attempt++) {
        const start = performance.now();
        const fate = fateOf(file, flavorOf(seed), random);
        time = performance.now() - start;
        if (attempt === 0) fates[fate]++;
      }
      if (time > MAX_MILLISECONDS) throw new Error(`it took ${Math.round(time)} ms`);
    } catch (cause) {
      throw new Error(`mutant ${seed}: ${String(cause)}`, { cause });
    }
  }
  return fates;
}

/** What a flavor says of a file: the error's code and message, or nothing. */
function verdictOn(file: Uint8Array, flavor: Flavor): string {
  try {
    loadSync(file, { flavor, maxMemory: MAX_MEMORY }).dispose();
    return '';
  } catch (error) {
    if (!(error instanceof KletError)) throw error;
    return error.code === 'OUT_OF_MEMORY' ? '' : `${error.code}: ${error.message}`;
  }
}

describe('files with small corruptions', () => {
  test('get the same verdict from plain JavaScript as from WebAssembly', () => {
    let refused = 0;
    for (let seed = 2_000_000; seed < 2_000_000 + VERDICTS; seed++) {
      const file = resealedMutant(new Random(seed));
      const verdict = verdictOn(file, 'scalar');
      expect(verdictOn(file, 'js'), `mutant ${seed}`).toBe(verdict);
      refused += Number(verdict !== '');
    }
    expect(refused).toBeGreaterThan(VERDICTS / 8);
    expect(refused).toBeLessThan(VERDICTS);
  });

  test('are refused if their checksums do not match', () => {
    const fates = fatesOf(rawMutant, 1, MUTANTS / 2);
    // a change between sections has no effect, and some changes keep the same bytes
    expect(fates.refused).toBeGreaterThan(MUTANTS / 2 * 0.97);
  });

  test('are refused or run within their memory if their checksums match', () => {
    const fates = fatesOf(resealedMutant, 1_000_000, MUTANTS / 2);
    expect(fates.refused).toBeGreaterThan(1000);
    expect(fates.ran + fates['ran, then refused']).toBeGreaterThan(1000);
  });
});

afterAll(() => {
  for (const [i, kind] of [SECTION_WEIGHTS, SECTION_CODED, SECTION_NIBBLES].entries()) {
    expect(sectionsOf(originals[i]!.file).map((section) => section.kind)).toContain(kind);
  }
  for (const { file } of originals) for (const flavor of flavors) expect(loadSync(file, { flavor }).selfTest()).toBe(1);
});
