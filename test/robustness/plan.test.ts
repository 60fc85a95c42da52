import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { SECTION_PLAN, SECTION_WEIGHTS } from '../../src/format/klet';
import { writeKlet } from '../../src/format/writeKlet';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { arenaBytes, fieldOf, original, recordOf, withRecord } from './plan';
import { refuses, staysUsable } from './refusal';
import { reseal, sectionsOf, viewOf, withSection } from './seal';

// Plans that are malformed as a whole, in files with valid checksums. records.test.ts has the
// malformed records.

const conv = recordOf(L.OP_CONV2D, L.DTYPE_I8);
const depthwise = recordOf(L.OP_DEPTHWISE_CONV2D, L.DTYPE_I8);

describe('a plan', () => {
  staysUsable();

  test('with a scale of NaN or infinity in the weights is refused', () => {
    const section = sectionsOf(original).find(({ kind }) => kind === SECTION_WEIGHTS)!;
    for (const [record, field] of [[conv, L.CONV2D_SCALE], [depthwise, L.DEPTHWISE_SCALE]] as const) {
      for (const value of [NaN, Infinity]) {
        const file = original.slice();
        viewOf(file).setFloat32(section.offset + fieldOf(record, field) + 4, value, true);
        refuses(() => loadSync(reseal(file)), 'CORRUPT', /has an attribute out of range/);
      }
    }
  });

  test('that ends inside a record is refused', () => {
    for (const cut of [1, 4, 8, 100]) {
      const file = withSection(original, SECTION_PLAN, (bytes) => bytes.slice(0, bytes.length - cut));
      for (const flavor of flavors) refuses(() => loadSync(file, { flavor }), 'CORRUPT', /has a wrong size/);
    }
  });

  test('whose last record is truncated at the end of the memory is refused', () => {
    const whole: [opcode: number, bytes: number][] = Array.from({ length: 2553 }, () => [L.OP_FILL, L.FILL_BYTES]);
    for (let opcode = 1; opcode < 256; opcode++) {
      const records: typeof whole = [...whole, [L.OP_UNARY, L.UNARY_BYTES], [opcode, 8]];
      const short = new Uint8Array(65536 - L.RESERVED - 2 * L.SLACK);
      const view = viewOf(short);
      let at = 0;
      for (const [code, bytes] of records) {
        short.set([code, L.DTYPE_F32], at);
        view.setUint32(at + L.RECORD_SIZE, bytes, true);
        if (bytes === L.FILL_BYTES) {
          [[L.FILL_ELEMENT_BYTES, 1], [L.FILL_COUNT, 1]].forEach(([field, value]) => {
            view.setUint32(at + field!, value!, true);
          });
        }
        if (bytes === L.UNARY_BYTES) view.setUint32(at + L.UNARY_COUNT, 1, true);
        at += bytes;
      }
      expect(at).toBe(short.length);
      const file = writeKlet({
        meta: { name: 'short', inputs: [], outputs: [] },
        plan: short,
        weights: new Uint8Array(0),
        arenaBytes: 16,
        scratchBytes: 0,
      });
      for (const flavor of flavors) {
        refuses(
          () => loadSync(file, { flavor, maxMemory: 65536 }),
          'CORRUPT',
          /record 2554 at plan offset 61304 (has a wrong size|has an unknown opcode)/,
        );
      }
    }
  });

  const declare = (field: 'arena' | 'scratch', bytes: number): Uint8Array => {
    const file = original.slice();
    viewOf(file).setUint32(field === 'arena' ? 16 : 20, bytes, true);
    return reseal(file);
  };

  test('whose declared arena is too small is refused', () => {
    for (const bytes of [0, 100, arenaBytes - 16]) {
      refuses(() => loadSync(declare('arena', bytes)), 'CORRUPT', /outside the arena/);
    }
  });

  test('gets the scratch that it needs, up to the limit, whatever the file declares', () => {
    for (const bytes of [0, 16, 500]) expect(loadSync(declare('scratch', bytes)).selfTest()).toBe(1);
    refuses(
      () => loadSync(withRecord(conv, [L.CONV2D_BLOCK_ROWS, 65536]), { maxMemory: 1 << 20 }),
      'OUT_OF_MEMORY',
      /needs \d+ bytes of memory and the limit is 1048576/,
    );
  });

  test('whose arena is larger than the address space or the limit is refused', () => {
    refuses(
      () => loadSync(declare('arena', 0xffffffff), { maxMemory: Infinity }),
      'OUT_OF_MEMORY',
      /needs \d+ bytes, more than WebAssembly can address/,
    );
    refuses(
      () => loadSync(declare('scratch', 0xffffffff), { maxMemory: Infinity }),
      'OUT_OF_MEMORY',
      /needs \d+ bytes, more than WebAssembly can address/,
    );
    refuses(() => loadSync(declare('arena', 1 << 24), { maxMemory: 1 << 20 }), 'OUT_OF_MEMORY', /the limit is 1048576/);
  });
});
