import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { SECTION_DEBUG, SECTION_GOLDEN, SECTION_META, SECTION_PACKED, SECTION_PLAN, SECTION_WEIGHTS,
  readKlet } from '../../src/format/klet';
import { encodeSection } from '../../src/compiler/entropy';
import { KletError, loadSync, type Model } from '../../src/index';
import { refuses, staysUsable } from './refusal';
import { sampleFile } from './sample';
import { reseal, sectionsOf, viewOf, withSection } from './seal';

const original = sampleFile();
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const resealed = (change: (view: DataView) => void): Uint8Array => {
  const file = original.slice();
  change(viewOf(file));
  return reseal(file);
};

interface MetaTensor {
  name: string;
  dtype: string;
  shape: unknown;
  offset: unknown;
  scale?: unknown;
  zeroPoint?: unknown;
}
interface Meta {
  inputs: MetaTensor[];
  outputs: MetaTensor[];
}

/** The file with a changed META. */
function withMeta(change: (meta: Meta) => unknown): Uint8Array {
  return withSection(original, SECTION_META, (bytes) => {
    const meta = JSON.parse(String.fromCharCode(...bytes)) as Meta;
    const changed = change(meta);
    return ascii(JSON.stringify(changed ?? meta));
  });
}

describe('a file', () => {
  staysUsable();

  test('truncated at any length is refused', () => {
    for (let length = 0; length < original.length; length++) {
      refuses(() => loadSync(original.subarray(0, length)), length < 4 ? 'BAD_MAGIC' : 'CORRUPT', /^the model /);
    }
    refuses(
      () => loadSync(original.subarray(0, 20)),
      'CORRUPT',
      /20 bytes are too few for the header of 32; fetch or convert it again/,
    );
    refuses(() => loadSync(original.subarray(0, 5000)), 'CORRUPT', /the header says \d+ bytes, there are 5000/);
  });

  test('with bytes after its end is refused', () => {
    refuses(() => loadSync(Uint8Array.of(...original, 0)), 'CORRUPT', /the header says/);
  });

  test('with any flipped bit is refused, except in the gaps between sections', () => {
    const covered = new Uint8Array(original.length).fill(1, 0, 32 + 16 * sectionsOf(original).length);
    for (const { offset, length } of sectionsOf(original)) covered.fill(1, offset, offset + length);
    for (let at = 0; at < original.length; at++) {
      const file = original.slice();
      file[at]! ^= 1 << at % 8;
      if (covered[at]) expect(() => loadSync(file), `byte ${at}`).toThrow(KletError);
      else expect(loadSync(file).selfTest()).toBe(1);
    }
  });

  test('is refused with the name of the checksum that does not match', () => {
    const change = (at: number): Uint8Array => {
      const file = original.slice();
      file[at]! ^= 1;
      return file;
    };
    refuses(() => loadSync(change(17)), 'CORRUPT', /checksum of its header/);
    const plan = sectionsOf(original).find(({ kind }) => kind === SECTION_PLAN)!;
    refuses(() => loadSync(change(plan.offset + 5)), 'CORRUPT', /checksum of section 1 \(kind 2\) does not match/);
  });

  describe('of another kind is recognized and named:', () => {
    const recognized = (what: string, bytes: Uint8Array, hint: RegExp): void =>
      test(what, () => {
        refuses(() => loadSync(bytes), 'BAD_MAGIC', /is not a \.klet file/, hint);
      });

    const tflite = Uint8Array.of(28, 0, 0, 0, ...ascii('TFL3'), ...new Uint8Array(60));
    const page = ascii('<!DOCTYPE html><html><body>404</body></html>');
    recognized('an empty file', new Uint8Array(0), /it is empty/);
    recognized('a .tflite file', tflite, /it is a \.tflite file; convert it first: npx kinglet convert/);
    recognized('a page', page, /looks like HTML, probably the server's page for a missing file; check the URL/);
    recognized('a page after white space', ascii('\n  <html>'), /looks like HTML/);
    recognized('JSON', ascii('{"error":"not found"}'), /looks like JSON/);
    recognized(
      'WebAssembly',
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
      /it is WebAssembly; pass it as the option "wasm"/,
    );
    recognized('a ZIP archive', ascii('PK\x03\x04 and so on, for quite a while'), /starts with 50 4b 03 04/);
    recognized('gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), /starts with 1f 8b 08 00/);
    recognized('an image', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /starts with 89 50 4e 47/);
    recognized('three bytes', ascii('KLE'), /starts with 4b 4c 45/);
    recognized('the magic number in lower case', ascii('klet'.padEnd(100)), /starts with 6b 6c 65 74/);
  });

  test('of a newer major version is refused, and of a newer minor version is read', () => {
    refuses(
      () => loadSync(resealed((view) => view.setUint16(4, 2, true))),
      'BAD_VERSION',
      /format version 2, this kinglet reads up to 1; update kinglet/,
    );
    refuses(() => loadSync(resealed((view) => view.setUint16(4, 0, true))), 'CORRUPT', /format version is 0/);
    expect(loadSync(resealed((view) => view.setUint16(6, 9, true))).selfTest()).toBe(1);
  });

  test('with unknown feature flags is refused', () => {
    refuses(() => loadSync(resealed((view) => view.setUint32(12, 4, true))), 'BAD_VERSION', /features \(flags 4\)/);
  });

  test('with an arena that sources cannot reach is refused', () => {
    refuses(
      () => loadSync(resealed((view) => view.setUint32(16, 0x80000001, true)), { maxMemory: Infinity }),
      'OUT_OF_MEMORY',
      /needs an arena of 2147483649 bytes, more than a plan reaches \(2 GiB\)/,
    );
  });

  test('may have sections of unknown kinds', () => {
    const golden = sectionsOf(original).findIndex(({ kind }) => kind === SECTION_GOLDEN);
    expect(loadSync(resealed((view) => view.setUint32(32 + golden * 16, 77, true))).selfTest()).toBe(0);
  });

  test('without a required section is refused', () => {
    for (const [kind, name] of [[SECTION_META, 'META'], [SECTION_PLAN, 'PLAN'], [SECTION_WEIGHTS,
      'WEIGHTS']] as const)
    {
      const index = sectionsOf(original).findIndex((s) => s.kind === kind);
      refuses(
        () => loadSync(resealed((view) => view.setUint32(32 + index * 16, 99, true))),
        'CORRUPT',
        new RegExp(`no ${name} section`),
      );
    }
  });

  test('with two sections of the same kind is refused', () => {
    refuses(
      () => loadSync(resealed((view) => view.setUint32(32 + 16, SECTION_META, true))),
      'CORRUPT',
      /two sections of kind 1/,
    );
  });

  test('whose sections are outside of it or overlap the table is refused', () => {
    for (const [field, value] of [[4, 1 << 20], [4, 0], [4, 48], [4, 17], [8, 1 << 30], [8, 0xffffffff], [4,
      0xfffffff0]] as const)
    {
      refuses(
        () => loadSync(resealed((view) => view.setUint32(32 + 16 + field, value, true))),
        'CORRUPT',
        /section 1 \(kind 2\) lies outside the file/,
      );
    }
    refuses(() => loadSync(resealed((view) => view.setUint32(24, 65, true))), 'CORRUPT', /claims 65 sections/);
    refuses(
      () => loadSync(resealed((view) => view.setUint32(24, 0xffffffff, true))),
      'CORRUPT',
      /claims 4294967295 sections/,
    );
    refuses(() => loadSync(resealed((view) => view.setUint32(24, 0, true))), 'CORRUPT', /no META section/);
  });

  describe('is refused if its META has', () => {
    const malformed = (title: string, change: (meta: Meta) => unknown, about: RegExp): void =>
      test(title, () => {
        refuses(() => loadSync(withMeta(change)), 'CORRUPT', about);
      });
    /** Changes fields of one tensor. Fields that are undefined are removed. */
    const tensor = (list: 'inputs' | 'outputs', index: number, fields: Partial<MetaTensor>) => (meta: Meta) => ({
      ...meta,
      [list]: meta[list].map((entry, i) => (i === index ? { ...entry, ...fields } : entry)),
    });
    const input = (fields: Partial<MetaTensor>) => tensor('inputs', 0, fields);
    const withState = (state: unknown) => (meta: Meta) => ({ ...meta, state });
    const arena = /lies outside the arena/;
    const weights = /lies outside the weights/;
    const state = /state in its META is malformed/;
    const firstInput = loadSync(original).inputs[0]!.name;

    malformed('an array instead of an object', () => [1, 2], /META section is not a JSON object/);
    malformed('no name', () => ({ inputs: [], outputs: [] }), /META has no name/);
    malformed('no inputs', (meta) => ({ ...meta, inputs: undefined }), /no list of inputs/);
    malformed('outputs that are not a list', (meta) => ({ ...meta, outputs: 7 }), /no list of outputs/);
    malformed(
      'an input of null',
      (meta) => ({ ...meta, inputs: [null, meta.inputs[1]] }),
      /one of its inputs has no name/,
    );
    malformed('two inputs of the same name', tensor('inputs', 1, { name: firstInput }), /two of its inputs are named/);
    malformed('an unknown type', input({ dtype: 'float16' }), /unknown type float16/);
    malformed('a type that is an inherited property', input({ dtype: 'constructor' }), /unknown type/);
    malformed('a type that is no text', input({ dtype: [{}, {}] as never }), /unknown type Array/);
    malformed('a string as a shape', input({ shape: '4' }), /no proper shape/);
    malformed('a dimension of 0', input({ shape: [0, 4] }), /no proper shape/);
    malformed('a negative dimension', input({ shape: [-1, -60] }), /no proper shape/);
    malformed('a shape of more than 2^53 elements', input({ shape: [1e9, 1e9, 1e9] }), arena);
    malformed('an output outside the arena', tensor('outputs', 0, { shape: [100_000] }), arena);
    malformed('an offset outside the arena', input({ offset: 1 << 20 }), arena);
    malformed('a negative offset', input({ offset: -16 }), arena);
    malformed('a string as an offset', input({ offset: '0' }), arena);
    malformed('floats at an odd offset', tensor('inputs', 1, { offset: 2 }), arena);
    malformed('a scale of 0', input({ scale: 0 }), /has the scale 0/);
    malformed('a negative scale', input({ scale: -1 }), /has the scale -1/);
    malformed('a string as a scale', input({ scale: '1' }), /has the scale "1"/);
    malformed('a fractional zero point', input({ zeroPoint: 0.5 }), /has the zero point 0.5/);
    malformed('a zero point that is not a safe integer', input({ zeroPoint: 1e300 }), /has the zero point 1e\+300/);
    malformed('a scale without a zero point', input({ zeroPoint: undefined }), /half a quantization/);
    malformed('a number as a state', withState(4), state);
    malformed('a string as the flag of a state', withState({ bytes: 4, initial: 0, carries: 'yes' }), state);
    malformed('a state outside the arena', withState({ bytes: 1 << 30, initial: 0 }), arena);
    malformed(
      'an input in the state',
      (meta) => tensor('inputs', 0, { offset: 0 })(withState({ bytes: 4, initial: 0 })(meta)),
      /its input "x" lies in the state/,
    );
    malformed('an initial state outside the weights section', withState({ bytes: 4, initial: 1 << 30 }), weights);
  });

  test('whose META is not JSON is refused', () => {
    for (const text of ['', '{', '\u00ff\u00fe', '[[[[['.repeat(100), '{"inputs":[]', 'null', '7']) {
      refuses(
        () => loadSync(withSection(original, SECTION_META, () => ascii(text))),
        'CORRUPT',
        /META section is not a JSON object/,
      );
    }
  });

  test('whose debug info is malformed runs without it', () => {
    for (const text of ['', '{', '{"records":7,"arena":[]}', '{"records":[null,7,{}],"arena":[null]}',
      '{"records":[[],[7]],"arena":[null]}', '[]'])
    {
      const model = loadSync(withSection(original, SECTION_DEBUG, () => ascii(text)));
      expect(model.selfTest()).toBe(1);
      expect(model.profile({ runs: 1 }).length).toBeGreaterThan(40);
    }
  });

  test('whose debug info has another structure has none for tools', () => {
    const record: unknown[] = ['a', 'conv2d', [1, 2], 8, 64];
    const buffer: unknown[] = [0, 0, 16, -1, 0];
    const debugInfoOf = (records: unknown, arena: unknown): unknown =>
      readKlet(withSection(original, SECTION_DEBUG, () => ascii(JSON.stringify({ records, arena })))).debugInfo;
    expect(debugInfoOf([record, [...record, 'blocks', 0.5]], [buffer])).toMatchObject({
      records: [{ name: 'a' }, { density: 0.5 }],
      arena: [['a', 0, 16, -1, 0]],
    });
    for (const odd of [[], record.slice(0, 4), [7, ...record.slice(1)], record.with(1, {}), record.with(2, null),
      record.with(2, { length: 2 }), record.with(3, '8'), [...record, 'blocks'], [...record, 7, 7]])
    {
      expect(debugInfoOf([odd], [buffer]), JSON.stringify(odd)).toBeUndefined();
    }
    for (const odd of [[], buffer.with(0, 1), ['a', null, 16, -1, 0], buffer.slice(0, 4)]) {
      expect(debugInfoOf([record], [odd]), JSON.stringify(odd)).toBeUndefined();
    }
  });

  test('can be garbage collected once it is loaded, even with packed sections', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (const file of [original, sampleFile('compact')]) {
      const load = (): [Model, WeakRef<ArrayBuffer>] => {
        const bytes = file.slice();
        return [loadSync(bytes), new WeakRef(bytes.buffer)];
      };
      const [model, held] = load();
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
      collect();
      expect(held.deref()).toBeUndefined();
      expect(model.selfTest()).toBe(1);
      expect(model.profile({ runs: 1 })[0]!.name).toBeDefined();
    }
  });

  test('that does not reproduce its golden vectors fails its self test, which names the output and the byte', () => {
    const wrong = loadSync(withSection(original, SECTION_GOLDEN, (bytes) => {
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    }));
    refuses(
      () => wrong.selfTest(),
      'SELF_TEST_FAILED',
      /golden case 0: output "concat_1" differs first at byte \d+ \(expected -?\d+, found -?\d+\)/,
    );
    const cut = loadSync(withSection(original, SECTION_GOLDEN, (bytes) => bytes.subarray(1)));
    refuses(() => cut.selfTest(), 'CORRUPT', /golden section has \d+ bytes, not a multiple of/);
  });

  test('has packed sections only where they are smaller, with the same content', () => {
    const compact = sampleFile('compact');
    const kinds = sectionsOf(compact).map(({ kind }) => kind);
    const { coded, weights, ...plain } = readKlet(compact);
    for (const kind of [SECTION_PLAN, SECTION_GOLDEN, SECTION_DEBUG]) {
      expect(kinds.includes(kind) !== kinds.includes(kind + SECTION_PACKED)).toBe(true);
    }
    expect(kinds).toContain(SECTION_PLAN + SECTION_PACKED);
    expect(coded && weights.length > 0).toBe(true);
    const { weights: _, ...expected } = readKlet(original);
    expect(plain).toEqual(expected);
  });

  test('with packed sections that do not decode is refused, at the latest when they are read', () => {
    const compact = sampleFile('compact');
    const cut = (kind: number): Uint8Array =>
      withSection(compact, kind + SECTION_PACKED, (bytes) => bytes.subarray(0, bytes.length - 2));
    refuses(() => loadSync(cut(SECTION_PLAN)), 'CORRUPT', /its PLAN section cannot be decoded/);
    const golden = withSection(original, SECTION_GOLDEN, (bytes) => encodeSection(bytes).subarray(2));
    viewOf(golden).setUint32(
      32 + 16 * sectionsOf(golden).findIndex(({ kind }) => kind === SECTION_GOLDEN),
      SECTION_GOLDEN + SECTION_PACKED,
      true,
    );
    refuses(() => loadSync(reseal(golden)).selfTest(), 'CORRUPT', /its GOLDEN section cannot be decoded/);
    expect(loadSync(cut(SECTION_DEBUG)).profile({ runs: 1 }).length, 'debug info is optional').toBeGreaterThan(40);
  });

  test('with a packed META or WEIGHTS section is refused', () => {
    for (const [kind, name] of [[SECTION_META, 'META'], [SECTION_WEIGHTS, 'WEIGHTS']] as const) {
      const packed = withSection(original, kind, encodeSection);
      const index = sectionsOf(packed).findIndex((s) => s.kind === kind);
      viewOf(packed).setUint32(32 + index * 16, kind + SECTION_PACKED, true);
      refuses(() => loadSync(reseal(packed)), 'CORRUPT', new RegExp(`no ${name} section`));
    }
  });

  test('with a section both plain and packed is refused', () => {
    const position = sectionsOf(original).findIndex(({ kind }) => kind === SECTION_DEBUG);
    refuses(
      () => loadSync(resealed((view) => view.setUint32(32 + position * 16, SECTION_PLAN + SECTION_PACKED, true))),
      'CORRUPT',
      /it has its PLAN twice/,
    );
  });
});
