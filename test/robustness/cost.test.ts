import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as L from '../../assembly/layout';
import { readKlet } from '../../src/compiler/index';
import { crc32 } from '../../src/format/crc32';
import { MAX_CONTAINERS, MAX_DEPTH } from '../../src/format/json';
import { openKlet, SECTION_META, SECTION_PLAN, weightsBytes } from '../../src/format/klet';
import { loadSync, type Model } from '../../src/index';
import { plainCore } from '../../src/js/core';
import { UNLIMITED } from '../../src/limits';
import { loadSync as loadInPage } from '../../src/plain';
import { compileCore, type CoreOf } from '../../src/runtime/core';
import { loadCore } from '../../src/runtime/memory';
import { flavors } from '../helpers/flavors';
import { memoryOf } from '../helpers/shares';
import { codedZeros, convolution, enlargement, fileOf, recordWith, repeated, roomFor } from './costly';
import { original, recordOf, withRecord } from './plan';
import { refuses, staysUsable } from './refusal';
import { sectionsOf, viewOf, withSection } from './seal';

// What a small file may ask for is limited and told, in every flavor. These tests count bytes,
// multiply-adds and table entries; bench/robustness measures the times.

const MIB = 2 ** 20;

function counted(model: Model, address: number): number {
  return new DataView(memoryOf(model)).getFloat64(address, true);
}

/** The members of a namespace object. */
function namesOf(namespace: object): object {
  return Object
    .fromEntries(Object.getOwnPropertyNames(namespace).map((
      name,
    ) => [name, (namespace as Record<string, unknown>)[name]]));
}

describe('a file', () => {
  staysUsable();
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test('whose weights unpack to more than maxMemory is refused before they are', () => {
    const file = fileOf({ weights: codedZeros(12 * MIB), coded: true });
    expect(file.length).toBeLessThan(200);
    let made = 0;
    const Memory = new Proxy(WebAssembly.Memory, {
      construct(target, options) {
        made++;
        return Reflect.construct(target, options) as object;
      },
    });
    vi.stubGlobal('WebAssembly', { ...namesOf(WebAssembly), Memory });
    for (const flavor of flavors) {
      loadSync(fileOf({}), { flavor });
      made = 0;
      refuses(
        () => loadSync(file, { flavor, maxMemory: 10 * MIB }),
        'OUT_OF_MEMORY',
        /needs 12582976 bytes of memory and the limit is 10485760: 0 plan, 12582912 weights, 64 arena, 0 scratch;/,
        /raise it with the option maxMemory if you trust the file$/,
      );
      expect(made).toBe(0);
      expect(loadSync(file, { flavor, maxMemory: 14 * MIB }).memory.weights).toBe(12 * MIB);
      if (flavor !== 'js') expect(made).toBe(1);
    }
    refuses(() => readKlet(file, 'it', { maxMemory: 10 * MIB }), 'OUT_OF_MEMORY', /^it needs 12582976 bytes/);
    expect(weightsBytes(readKlet(file, 'it'))).toBe(12 * MIB);
  });

  test('whose packed sections unpack to more than maxMemory is refused', () => {
    const file = fileOf({ plan: repeated(enlargement(1), 10_000), weights: new Uint8Array(64) }, true);
    expect(sectionsOf(file).some(({ kind }) => kind === SECTION_PLAN)).toBe(false);
    const about = /needs 560128 bytes of memory and the limit is 500000: 560000 plan, 64 weights/;
    refuses(() => readKlet(file, 'it', { maxMemory: 500_000 }), 'OUT_OF_MEMORY', about);
    for (const flavor of flavors) {
      refuses(() => loadSync(file, { flavor, maxMemory: 500_000 }), 'OUT_OF_MEMORY', about);
    }
    const cases = fileOf({ golden: new Uint8Array(100_000).map((_, i) => i & 1) }, true);
    expect(cases.length).toBeLessThan(20_000);
    refuses(() => loadSync(cases, { maxMemory: 90_000 }), 'OUT_OF_MEMORY', /needs 100064 bytes/);
  });

  test('may ask for 1 GiB by default, and for 256 MiB in pages', () => {
    for (const size of ['arenaBytes', 'scratchBytes']) {
      const file = fileOf({ [size]: 2 ** 30 + 64 });
      const half = fileOf({ [size]: 2 ** 29 });
      refuses(() => readKlet(file), 'OUT_OF_MEMORY', /the limit is 1073741824/);
      for (const flavor of flavors) {
        refuses(() => loadSync(file, { flavor }), 'OUT_OF_MEMORY', /the limit is 1073741824/);
        loadSync(half, { flavor }).dispose();
      }
      refuses(() => loadInPage(half), 'OUT_OF_MEMORY', /needs \d+ bytes of memory and the limit is 268435456/);
      loadInPage(half, { maxMemory: 2 ** 30 }).dispose();
      loadInPage(fileOf({ [size]: 2 ** 27 })).dispose();
    }
  });

  test('may stand for 16 MiB of weights, and for 16 times its coded bytes more', () => {
    const { length } = codedZeros(4);
    const most = 16 * MIB + 16 * length;
    for (const flavor of flavors) {
      expect(loadSync(fileOf({ weights: codedZeros(most), coded: true }), { flavor }).memory.weights).toBe(most);
      refuses(
        () => loadSync(fileOf({ weights: codedZeros(most + 4), coded: true }), { flavor, maxMemory: Infinity }),
        'CORRUPT',
        /its CODED section claims more weights than it can hold/,
      );
    }
  });

  test('whose META is nested too deep or has too many parts is refused before it is parsed', () => {
    const withMeta = (extra: string): Uint8Array =>
      withSection(
        fileOf({}),
        SECTION_META,
        () => new TextEncoder().encode(`{"name":"x","inputs":[],"outputs":[],"extra":${extra}}`),
      );
    const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const many = (count: number): string => `[${'[],'.repeat(count)}0]`;
    // the object around is one more, and so is the array around the many
    const [deepest, most] = [nested(MAX_DEPTH - 1), many(MAX_CONTAINERS - 4)];
    const brackets = `"${'[{'.repeat(1000)}\\"[["`;
    for (const extra of [deepest, most, brackets]) loadSync(withMeta(extra)).dispose();
    const parse = vi.spyOn(JSON, 'parse');
    for (const extra of [nested(MAX_DEPTH), nested(1e6), many(MAX_CONTAINERS - 3)]) {
      refuses(() => loadSync(withMeta(extra)), 'CORRUPT', /its META section is not a JSON object, or is larger than/);
    }
    expect(parse).not.toHaveBeenCalled();
    parse.mockRestore();
  });

  test('is checked once, even if it needs more scratch than it says', () => {
    let checks = 0;
    const module: CoreOf = (bytes) => {
      const core = plainCore(bytes);
      const validate = (): number => {
        checks++;
        return core.exports.validate();
      };
      return { ...core, exports: { ...core.exports, validate, scratchOf: () => 1 << 20 } };
    };
    const core = { ...compileCore(module, 'the core'), flavor: 'scalar' as const };
    checks = 0;
    const room = roomFor(100, 9);
    room.weights.fill(7, 16, 32);
    const file = fileOf({ plan: convolution(100, 9), ...room });
    const { memory, map, scratchBytes } = loadCore(core, openKlet(file, 'it', crc32, MIB), 'it', UNLIMITED, 1);
    expect([checks, scratchBytes]).toEqual([1, 1 << 20]);
    expect(memory.length).toBeGreaterThan(map[6]! + (1 << 20));
    const { plan, weights } = readKlet(file);
    expect(memory.slice(map[0], map[0]! + map[1]!)).toEqual(plan);
    expect(memory.slice(map[2], map[2]! + map[3]!)).toEqual(weights);
  });
});

describe('the work of a plan', () => {
  staysUsable();

  test('is counted with the lanes that pad a vector, alike in every flavor', () => {
    const outputs = [1, 8, 9, 24];
    for (const flavor of flavors) {
      const works = outputs.map((N) =>
        loadSync(fileOf({ plan: convolution(100, N, 5), ...roomFor(100, N, 5) }), { flavor }).work
      );
      expect(works).toEqual(outputs.map((N) => 5 * Math.ceil(N / 8) * 8 * (100 + 16) + 4096));
    }
    const [first, ...others] = flavors.map((flavor) => loadSync(original, { flavor }).work);
    for (const other of others) expect(other).toBe(first);
  });

  test('is the sum over the records, each of which costs some', () => {
    const { work } = loadSync(fileOf({ plan: convolution(64, 8), ...roomFor(64, 8) }));
    const many = fileOf({ plan: repeated(convolution(64, 8), 1000), ...roomFor(64, 8) });
    for (const flavor of flavors) expect(loadSync(many, { flavor }).work).toBe(1000 * work);
    const small = recordWith(L.OP_FILL, L.DTYPE_I8, L.FILL_BYTES, { [L.FILL_COUNT]: 1, [L.FILL_ELEMENT_BYTES]: 1 });
    expect(loadSync(fileOf({ plan: repeated(small, 1000) })).work).toBeGreaterThan(1000 * 1000);
  });

  test('above the limit is refused', () => {
    const records = 200;
    const one = fileOf({ plan: convolution(65536, 8, 2 ** 14), ...roomFor(65536, 8, 2 ** 14) });
    const many = fileOf({ plan: repeated(convolution(65536, 8, 2 ** 14), records), ...roomFor(65536, 8, 2 ** 14) });
    const { work } = loadSync(one);
    for (const flavor of flavors) {
      refuses(
        () => loadSync(many, { flavor }),
        'TOO_MUCH_WORK',
        new RegExp(`^the model needs ${records * work} multiply-adds for a prediction and the limit is 1099511627776;`),
        /raise it with the option maxWork if you trust the file$/,
      );
      refuses(() => loadSync(one, { flavor, maxWork: work - 1 }), 'TOO_MUCH_WORK', /the limit is \d+/);
      loadSync(one, { flavor, maxWork: work }).dispose();
      loadSync(many, { flavor, maxWork: Infinity }).dispose();
    }
  });

  test('of a large record alone is no reason to refuse it', () => {
    // more than 2^36 multiply-adds
    const room = { weights: new Uint8Array((65536 + 8) * 8), arenaBytes: 2 ** 24 + 65536 };
    expect(loadSync(fileOf({ plan: convolution(65536, 8, 2 ** 18), ...room })).work).toBeGreaterThan(2 ** 36);
  });
});

describe('the tables of a plan', () => {
  staysUsable();
  const entries = 100_000;

  test('are looked through once, however many records share one', () => {
    const weights = { weights: codedZeros(12 * entries), coded: true, arenaBytes: entries + 64 };
    const looks = (records: number, flavor: (typeof flavors)[number]): number =>
      counted(
        loadSync(fileOf({ plan: repeated(enlargement(entries), records), ...weights }), { flavor }),
        L.LOOKED_THROUGH,
      );
    for (const flavor of flavors) {
      // a table of one column is too short to be remembered
      expect(looks(1, flavor)).toBe(entries + 1);
      expect(looks(500, flavor)).toBe(entries + 500);
    }
  });

  test('are looked through again for other parameters', () => {
    const weights = { weights: codedZeros(12 * entries), coded: true, arenaBytes: entries + 64 };
    const higher = enlargement(entries);
    viewOf(higher).setUint32(L.RESIZE2D_IN_H, 2, true);
    const plan = new Uint8Array([...enlargement(entries), ...higher]);
    for (const flavor of flavors) {
      expect(counted(loadSync(fileOf({ plan, ...weights }), { flavor }), L.LOOKED_THROUGH)).toBe(2 * entries + 2);
    }
  });

  test('are refused if they have many more entries than the file has bytes', () => {
    const records = 400;
    const plan = new Uint8Array(records * L.RESIZE2D_BYTES);
    for (let i = 0; i < records; i++) plan.set(enlargement(entries, 12 * i), i * L.RESIZE2D_BYTES);
    const bytes = 12 * (entries + records);
    const file = fileOf({ plan, weights: codedZeros(bytes), coded: true, arenaBytes: entries + 64 });
    const refused = Math.floor((2 ** 24 + plan.length + bytes) / (entries + 1));
    for (const flavor of flavors) {
      refuses(
        () => loadSync(file, { flavor }),
        'CORRUPT',
        new RegExp(`record ${refused} at plan offset \\d+ has tables that together would take too long to check`),
      );
    }
  });
});

describe('the limits', () => {
  const networks = ['digits/digits', 'spoken-digits/spoken-digits'];

  test.each(networks)('are far from what models/%s.klet takes', (name) => {
    const file = readFileSync(`models/${name}.klet`);
    for (const flavor of flavors) {
      const model = loadSync(file, { flavor });
      expect(model.selfTest()).toBeGreaterThan(0);
      expect(model.work).toBeLessThan(2 ** 30);
      expect(counted(model, L.LOOKED_THROUGH)).toBeLessThan(2 ** 20);
      expect(model.memory.total).toBeLessThan(2 ** 25);
    }
  });

  test('are compared with the scratch that the records need, too', () => {
    const file = withRecord(recordOf(L.OP_CONV2D, L.DTYPE_I8), [L.CONV2D_BLOCK_ROWS, 65536]);
    for (const flavor of flavors.filter((each) => each !== 'js')) {
      refuses(() => loadSync(file, { flavor, maxMemory: MIB }), 'OUT_OF_MEMORY', /needs \d+ bytes .* is 1048576/);
    }
  });

  test('are compared with what the plain-JavaScript core keeps beside its memory', () => {
    const records = 1000;
    const file = fileOf({ plan: repeated(convolution(4, 8000), records), ...roomFor(4, 8000) });
    // 32 kB for each record
    refuses(() => loadSync(file, { flavor: 'js', maxMemory: 30 * MIB }), 'OUT_OF_MEMORY', /needs 32\d{6} bytes/);
    loadSync(file, { flavor: 'js', maxMemory: 40 * MIB }).dispose();
  });
});
