import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { SECTION_GOLDEN, SECTION_META, SECTION_NOTES, SECTION_PACKED, SECTION_PLAN, SECTION_WEIGHTS,
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

/** A file whose META says something else. */
function withMeta(change: (meta: Meta) => unknown): Uint8Array {
  return withSection(original, SECTION_META, (bytes) => {
    const meta = JSON.parse(String.fromCharCode(...bytes)) as Meta;
    const changed = change(meta);
    return ascii(JSON.stringify(changed ?? meta));
  });
}

describe('a file', () => {
  staysUsable();

  test('cut at any length is refused', () => {
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

  test('with bytes behind its end is refused', () => {
    refuses(() => loadSync(Uint8Array.of(...original, 0)), 'CORRUPT', /the header says/);
  });

  test('with a bit flipped anywhere is refused, but for the gaps between sections', () => {
    const covered = new Uint8Array(original.length).fill(1, 0, 32 + 16 * sectionsOf(original).length);
    for (const { offset, length } of sectionsOf(original)) covered.fill(1, offset, offset + length);
    for (let at = 0; at < original.length; at++) {
      const file = original.slice();
      file[at]! ^= 1 << at % 8;
      if (covered[at]) expect(() => loadSync(file), `byte ${at}`).toThrow(KletError);
      else expect(loadSync(file).selfTest()).toBe(1);
    }
  });

  test('says which checksum does not match', () => {
    const change = (at: number): Uint8Array => {
      const file = original.slice();
      file[at]! ^= 1;
      return file;
    };
    refuses(() => loadSync(change(17)), 'CORRUPT', /checksum of its header/);
    const plan = sectionsOf(original).find(({ kind }) => kind === SECTION_PLAN)!;
    refuses(() => loadSync(change(plan.offset + 5)), 'CORRUPT', /checksum of section 1 \(kind 2\) does not match/);
  });

  const foreign: [name: string, bytes: Uint8Array, hint: RegExp][] = [['nothing', new Uint8Array(0), /it is empty/], [
    'a .tflite file',
    Uint8Array.of(28, 0, 0, 0, ...ascii('TFL3'), ...new Uint8Array(60)),
    /it is a \.tflite file; convert it first: npx kinglet convert/,
  ], ['a page', ascii('<!DOCTYPE html><html><body>404</body></html>'),
    /looks like HTML, probably the server's page for a missing file; check the URL/], ['a page after white space',
    ascii('\n  <html>'), /looks like HTML/], ['JSON', ascii('{"error":"not found"}'), /looks like JSON/], [
    'WebAssembly',
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    /it is WebAssembly; pass it as the option "wasm"/,
  ], ['a ZIP archive', ascii('PK\x03\x04 and so on, for quite a while'), /starts with 50 4b 03 04/], ['gzip',
    Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), /starts with 1f 8b 08 00/], ['a picture',
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /starts with 89 50 4e 47/], ['three bytes', ascii('KLE'),
    /starts with 4b 4c 45/], ['the name in small letters', ascii('klet'.padEnd(100)), /starts with 6b 6c 65 74/]];
  for (const [name, bytes, hint] of foreign) {
    test(`that is ${name} is called by name`, () => {
      refuses(() => loadSync(bytes), 'BAD_MAGIC', /is not a \.klet file/, hint);
    });
  }

  test('of a newer major version is refused by name, of a newer minor version read', () => {
    refuses(
      () => loadSync(resealed((view) => view.setUint16(4, 2, true))),
      'BAD_VERSION',
      /format version 2, this kinglet reads up to 1; update kinglet/,
    );
    refuses(() => loadSync(resealed((view) => view.setUint16(4, 0, true))), 'CORRUPT', /format version is 0/);
    expect(loadSync(resealed((view) => view.setUint16(6, 9, true))).selfTest()).toBe(1);
  });

  test('with features of a later time is refused', () => {
    refuses(() => loadSync(resealed((view) => view.setUint32(12, 4, true))), 'BAD_VERSION', /features \(flags 4\)/);
  });

  test('may have sections that nobody knows', () => {
    const golden = sectionsOf(original).findIndex(({ kind }) => kind === SECTION_GOLDEN);
    expect(loadSync(resealed((view) => view.setUint32(32 + golden * 16, 77, true))).selfTest()).toBe(0);
  });

  test('without a section that it needs is refused', () => {
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

  test('with two sections of one kind is refused', () => {
    refuses(
      () => loadSync(resealed((view) => view.setUint32(32 + 16, SECTION_META, true))),
      'CORRUPT',
      /two sections of kind 1/,
    );
  });

  test('whose sections lie outside it, or on the table, is refused', () => {
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

  const malformedMetas: [title: string, change: (meta: Meta) => unknown, about: RegExp][] = [['no object', () => [1, 2],
    /META section is not a JSON object/], ['no name', () => ({ inputs: [], outputs: [] }), /META has no name/], [
    'no inputs',
    (meta) => ({ ...meta, inputs: undefined }),
    /no list of inputs/,
  ], ['outputs that are no list', (meta) => ({ ...meta, outputs: 7 }), /no list of outputs/], [
    'an input that is nothing',
    (meta) => {
      (meta.inputs as unknown[])[0] = null;
    },
    /one of its inputs has no name/,
  ], ['a name twice', (meta) => {
    meta.inputs[1]!.name = meta.inputs[0]!.name;
  }, /two of its inputs are named/], ['an unknown type', (meta) => {
    meta.inputs[0]!.dtype = 'float16';
  }, /unknown type float16/], ['the type of an inherited name', (meta) => {
    meta.inputs[0]!.dtype = 'constructor';
  }, /unknown type/], ['a shape of text', (meta) => {
    meta.inputs[0]!.shape = '4';
  }, /no proper shape/], ['a dimension of 0', (meta) => {
    meta.inputs[0]!.shape = [0, 4];
  }, /no proper shape/], ['a negative dimension', (meta) => {
    meta.inputs[0]!.shape = [-1, -60];
  }, /no proper shape/], ['a huge shape', (meta) => {
    meta.inputs[0]!.shape = [1e9, 1e9, 1e9];
  }, /lies outside the arena/], ['a shape that is one too large', (meta) => {
    meta.outputs[0]!.shape = [100_000];
  }, /lies outside the arena/], ['an offset behind the arena', (meta) => {
    meta.inputs[0]!.offset = 1 << 20;
  }, /lies outside the arena/], ['a negative offset', (meta) => {
    meta.inputs[0]!.offset = -16;
  }, /lies outside the arena/], ['an offset of text', (meta) => {
    meta.inputs[0]!.offset = '0';
  }, /lies outside the arena/], ['floats at an odd offset', (meta) => {
    meta.inputs[1]!.offset = 2;
  }, /lies outside the arena/], ['a scale of 0', (meta) => {
    meta.inputs[0]!.scale = 0;
  }, /has the scale 0/], ['a negative scale', (meta) => {
    meta.inputs[0]!.scale = -1;
  }, /has the scale -1/], ['a scale of text', (meta) => {
    meta.inputs[0]!.scale = '1';
  }, /has the scale "1"/], ['a broken zero point', (meta) => {
    meta.inputs[0]!.zeroPoint = 0.5;
  }, /has the zero point 0.5/], ['a zero point that no integer holds', (meta) => {
    meta.inputs[0]!.zeroPoint = 1e300;
  }, /has the zero point 1e\+300/], ['a scale without a zero point', (meta) => {
    delete meta.inputs[0]!.zeroPoint;
  }, /half a quantization/], ['a state that is a number', (meta) => ({ ...meta, state: 4 }),
    /state in its META is malformed/], ['a state that carries on by text',
    (meta) => ({ ...meta, state: { bytes: 4, initial: 0, carries: 'yes' } }), /state in its META is malformed/], [
    'a state beyond the arena',
    (meta) => ({ ...meta, state: { bytes: 1 << 30, initial: 0 } }),
    /lies outside the arena/,
  ], ['a state that begins beyond the weights', (meta) => ({ ...meta, state: { bytes: 4, initial: 1 << 30 } }),
    /lies outside the weights/]];
  for (const [title, change, about] of malformedMetas) {
    test(`whose META has ${title} is refused`, () => {
      refuses(() => loadSync(withMeta(change)), 'CORRUPT', about);
    });
  }

  test('whose META is no JSON is refused', () => {
    for (const text of ['', '{', '\u00ff\u00fe', '[[[[['.repeat(100), '{"inputs":[]', 'null', '7']) {
      refuses(
        () => loadSync(withSection(original, SECTION_META, () => ascii(text))),
        'CORRUPT',
        /META section is not a JSON object/,
      );
    }
  });

  test('whose notes are nonsense runs without them', () => {
    for (const text of ['', '{', '{"records":7,"arena":[]}', '{"records":[null,7,{}],"arena":[null]}',
      '{"records":[[],[7]],"arena":[null]}', '[]'])
    {
      const model = loadSync(withSection(original, SECTION_NOTES, () => ascii(text)));
      expect(model.selfTest()).toBe(1);
      expect(model.profile({ runs: 1 }).length).toBeGreaterThan(40);
    }
  });

  test('whose notes are of another shape has none for tools', () => {
    const record: unknown[] = ['a', 'conv2d', [1, 2], 8, 64];
    const buffer: unknown[] = [0, 0, 16, -1, 0];
    const notesOf = (records: unknown, arena: unknown): unknown =>
      readKlet(withSection(original, SECTION_NOTES, () => ascii(JSON.stringify({ records, arena })))).notes;
    expect(notesOf([record, [...record, 'blocks', 0.5]], [buffer])).toMatchObject({
      records: [{ name: 'a' }, { density: 0.5 }],
      arena: [['a', 0, 16, -1, 0]],
    });
    for (const odd of [[], record.slice(0, 4), [7, ...record.slice(1)], record.with(1, {}), record.with(2, null),
      record.with(2, { length: 2 }), record.with(3, '8'), [...record, 'blocks'], [...record, 7, 7]])
    {
      expect(notesOf([odd], [buffer]), JSON.stringify(odd)).toBeUndefined();
    }
    for (const odd of [[], buffer.with(0, 1), ['a', null, 16, -1, 0], buffer.slice(0, 4)]) {
      expect(notesOf([record], [odd]), JSON.stringify(odd)).toBeUndefined();
    }
  });

  test('is let go of when it is loaded, packed sections and all', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (const file of [original, sampleFile(true)]) {
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

  test('with golden vectors that it does not reproduce fails its self test, naming the output and the byte', () => {
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

  test('has compact sections only where they are smaller, and the same in them', () => {
    const compact = sampleFile(true);
    const kinds = sectionsOf(compact).map(({ kind }) => kind);
    const { coded, weights, ...plain } = readKlet(compact);
    for (const kind of [SECTION_PLAN, SECTION_GOLDEN, SECTION_NOTES]) {
      expect(kinds.includes(kind) !== kinds.includes(kind + SECTION_PACKED)).toBe(true);
    }
    expect(kinds).toContain(SECTION_PLAN + SECTION_PACKED);
    expect(coded && weights.length > 0).toBe(true);
    const { weights: _, ...expected } = readKlet(original);
    expect(plain).toEqual(expected);
  });

  test('with packed sections that do not decode is refused, at the latest where they are wanted', () => {
    const compact = sampleFile(true);
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
    expect(loadSync(cut(SECTION_NOTES)).profile({ runs: 1 }).length, 'notes are not needed').toBeGreaterThan(40);
  });

  test('has META and weights packed in no other form', () => {
    for (const [kind, name] of [[SECTION_META, 'META'], [SECTION_WEIGHTS, 'WEIGHTS']] as const) {
      const packed = withSection(original, kind, encodeSection);
      const index = sectionsOf(packed).findIndex((s) => s.kind === kind);
      viewOf(packed).setUint32(32 + index * 16, kind + SECTION_PACKED, true);
      refuses(() => loadSync(reseal(packed)), 'CORRUPT', new RegExp(`no ${name} section`));
    }
  });

  test('with the same section plain and packed is refused', () => {
    const notes = sectionsOf(original).findIndex(({ kind }) => kind === SECTION_NOTES);
    refuses(
      () => loadSync(resealed((view) => view.setUint32(32 + notes * 16, SECTION_PLAN + SECTION_PACKED, true))),
      'CORRUPT',
      /it has its PLAN twice/,
    );
  });
});
