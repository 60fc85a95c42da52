import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import type { ArenaTensor, KletParts } from '../../src/format/klet';
import { writeKlet } from '../../src/format/writeKlet';
import { loadSync, type Flavor } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { loadInShares } from '../helpers/shares';
import { fateOf, type Fate } from './planMutants';
import { refuses, staysUsable } from './refusal';

// Files that no compiler writes give the same bits in every flavor, too, or are refused.

type Field = [offset: number, value: number, kind?: 'float'];

function recordOf(opcode: number, dtype: number, bytes: number, ...fields: Field[]): Uint8Array {
  const record = new Uint8Array(bytes);
  const view = new DataView(record.buffer);
  record[L.RECORD_OPCODE] = opcode;
  record[L.RECORD_DTYPE] = dtype;
  view.setUint32(L.RECORD_SIZE, bytes, true);
  for (const [offset, value, kind] of fields) {
    if (kind) view.setFloat32(offset, value, true);
    else view.setInt32(offset, value, true);
  }
  return record;
}

function port(name: string, dtype: ArenaTensor['dtype'], count: number, offset: number): ArenaTensor {
  return { name, dtype, shape: [count], offset };
}

const x16 = port('x', 'int8', 16, 0);

function fileOf(
  records: Uint8Array[],
  inputs: ArenaTensor[],
  outputs: ArenaTensor[],
  more: Partial<KletParts> & { state?: KletParts['meta']['state'] } = {},
): Uint8Array {
  const { state, ...parts } = more;
  return writeKlet({
    meta: { name: 'by hand', inputs, outputs, ...(state && { state }) },
    plan: Uint8Array.from(records.flatMap((record) => [...record])),
    weights: new Uint8Array(0),
    arenaBytes: 256,
    scratchBytes: 0,
    minor: 0,
    ...parts,
  });
}

/** Expects the same bytes of the output in every flavor. @returns them */
function everywhere(file: Uint8Array, input: Int8Array | Record<string, Int8Array>): number[] {
  const answers = flavors.map((flavor) =>
    Array.from(loadSync(file, { flavor }).predict(input, { output: 'raw' }) as Int8Array)
  );
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  return answers[0]!;
}

const counting = Int8Array.from({ length: 16 }, (_, i) => 8 * i);

const unary = (source: number, target: number, count = 16): Uint8Array =>
  recordOf(L.OP_UNARY, L.DTYPE_I8, L.UNARY_BYTES, [L.UNARY_SOURCE, source], [L.UNARY_TARGET, target], [L.UNARY_COUNT,
    count]);
const identity = { weights: Uint8Array.from({ length: 256 }, (_, i) => i) };

/** A function of two f32 [4], or i8 [16], at these offsets. */
function binary(kind: number, dtype: number, a: number, b: number, target: number, ...fields: Field[]): Uint8Array {
  const count = dtype === L.DTYPE_I8 ? 16 : 4;
  const dimensions = Array.from({ length: 6 }, (_, i): Field => [L.BINARY_DIMENSIONS + 4 * i, i === 5 ? count : 1]);
  return recordOf(
    L.OP_BINARY,
    dtype,
    L.BINARY_BYTES,
    ...dimensions,
    [L.BINARY_A, a],
    [L.BINARY_B, b],
    [L.BINARY_TARGET, target],
    [L.BINARY_KIND, kind],
    [L.BINARY_A_STRIDES + 20, 1],
    [L.BINARY_B_STRIDES + 20, 1],
    ...fields,
  );
}

const unbounded: Field[] = [[L.BINARY_MIN, -Infinity, 'float'], [L.BINARY_MAX, Infinity, 'float']];

describe('a record that writes over its own operands is refused', () => {
  staysUsable();

  function overlapping(title: string, record: Uint8Array, more: Partial<KletParts> = {}): void {
    test(title, () => {
      const file = fileOf([record], [x16], [port('y', 'int8', 16, 64)], more);
      for (const flavor of flavors) {
        refuses(() => loadSync(file, { flavor }), 'CORRUPT', /record 0 at plan offset 0 writes over its own operands/);
      }
    });
  }

  const dequantize = (source: number, target: number): Uint8Array =>
    recordOf(L.OP_DEQUANTIZE, L.DTYPE_I8, L.QUANTIZE_BYTES, [L.QUANTIZE_SOURCE, source], [L.QUANTIZE_TARGET, target], [
      L.QUANTIZE_COUNT,
      16,
    ], [L.QUANTIZE_SCALE, 1, 'float']);
  const topK = (values: number, indices: number): Uint8Array =>
    recordOf(
      L.OP_TOP_K,
      L.DTYPE_I8,
      L.TOP_K_BYTES,
      [L.TOP_K_VALUES, values],
      [L.TOP_K_INDICES, indices],
      [L.TOP_K_OUTER, 1],
      [L.TOP_K_COUNT, 16],
      [L.TOP_K_INNER, 1],
      [L.TOP_K_K, 4],
    );
  overlapping('wider elements at the place of the source', dequantize(0, 0));
  overlapping('a target one element after its source', unary(0, 1), identity);
  overlapping('a target at the end of its source', unary(0, 15), identity);
  overlapping('the second of two sources', binary(L.BINARY_MAXIMUM, L.DTYPE_I8, 0, 40, 32));
  overlapping(
    'a source with other strides',
    binary(L.BINARY_MAXIMUM, L.DTYPE_I8, 0, 32, 0, [L.BINARY_A_STRIDES + 20, 0]),
  );
  overlapping('two targets', topK(32, 32));
  overlapping('a target and a source', topK(32, 12));

  test('but not in place, or side by side', () => {
    const file = fileOf(
      [unary(0, 0), unary(0, 16), binary(L.BINARY_MAXIMUM, L.DTYPE_I8, 0, 16, 16, [L.BINARY_MAX, 127])],
      [x16],
      [port('y', 'int8', 16, 16)],
      identity,
    );
    expect(everywhere(file, counting)).toEqual([...counting].map((x) => Math.max(x, 0)));
  });
});

describe('an answer does not depend on the run before', () => {
  test('if an output is never written', () => {
    const file = fileOf([], [x16], [port('y', 'int8', 32, 8)]);
    expect(everywhere(file, counting)).toEqual([...counting.slice(8), ...new Array<number>(24).fill(0)]);
  });

  test('if a record reads what a later one writes', () => {
    // y is the maximum of x and of what the last record writes: 0, as it comes later
    const max = binary(L.BINARY_MAXIMUM, L.DTYPE_I8, 0, 32, 64, [L.BINARY_MIN, -128], [L.BINARY_MAX, 127]);
    const file = fileOf([max, unary(0, 32)], [x16], [port('y', 'int8', 16, 64)], identity);
    for (const flavor of flavors) {
      const model = loadSync(file, { flavor });
      const first = [...model.predict(counting, { output: 'raw' })];
      model.predict(new Int8Array(16).fill(127));
      expect([...model.predict(counting, { output: 'raw' })]).toEqual(first);
      expect([...model.createState().predict(counting, { output: 'raw' }) as Int8Array]).toEqual(first);
    }
  });

  test('except through the state', () => {
    const max = binary(L.BINARY_MAXIMUM, L.DTYPE_I8, 16, 0, 0, [L.BINARY_MIN, -128], [L.BINARY_MAX, 127]);
    const file = fileOf([max], [port('x', 'int8', 16, 16)], [port('y', 'int8', 16, 0)], {
      ...identity,
      state: { bytes: 16, initial: 0, carries: true, tensors: [] },
    });
    for (const flavor of flavors) {
      const model = loadSync(file, { flavor });
      model.predict(counting);
      const x = new Int8Array(16).fill(50);
      expect([...model.predict(x, { output: 'raw' })]).toEqual([...counting].map((y, i) => Math.max(i, y, 50)));
    }
  });
});

describe('sums that leave their range', () => {
  test('saturate in BINARY add before the zero point is added', () => {
    const add = binary(
      L.BINARY_ADD,
      L.DTYPE_I8,
      0,
      0,
      16,
      [L.BINARY_B_FACTOR, -(1 << 28)],
      [L.BINARY_TARGET_ZERO, -128],
      [L.BINARY_MIN, -49],
      [L.BINARY_MAX, -1],
    );
    const answer = everywhere(fileOf([add], [x16], [port('y', 'int8', 16, 16)]), counting);
    expect(answer.slice(0, 4)).toEqual([-49, -49, -49, -49]);
  });

  test('wrap around in products', () => {
    // a fully connected layer of one input and one output, whose bias is the largest number
    const weights = new Uint8Array(96);
    const view = new DataView(weights.buffer);
    weights[0] = 127;
    view.setInt32(32, 0x7fffffff, true);
    view.setFloat32(64, 1e-8, true);
    const ones = Array.from({ length: 20 }, (_, i): Field => [L.CONV2D_BATCH + 4 * i, 1]);
    const conv = recordOf(
      L.OP_CONV2D,
      L.DTYPE_I8,
      L.CONV2D_BYTES,
      ...ones,
      [L.CONV2D_TARGET, 16],
      [L.CONV2D_BIAS, 32],
      [L.CONV2D_SCALE, 64],
      [L.CONV2D_PAD_TOP, 0],
      [L.CONV2D_PAD_LEFT, 0],
      [L.CONV2D_BLOCK_ROWS, 4],
      [L.CONV2D_SOURCE_ZERO, 0],
      [L.CONV2D_MIN, -128],
      [L.CONV2D_MAX, 127],
    );
    const file = fileOf([conv], [port('x', 'int8', 1, 0)], [port('y', 'int8', 1, 16)], { weights });
    expect(everywhere(file, Int8Array.of(0))).toEqual([21]);
    expect(everywhere(file, Int8Array.of(1))).toEqual([-21]);
  });
});

describe('bits of NaN', () => {
  const zeros = new Int8Array(16);

  test.each([['an output', (): [Uint8Array[], number] => [[], 32]], ['a record',
    (): [Uint8Array[], number] => [[unary(32, 64)], 64]], ['a record after a copy',
    (): [Uint8Array[],
      number] => [[
      recordOf(
        L.OP_COPY,
        L.DTYPE_I8,
        L.COPY_BYTES,
        [L.COPY_SOURCE, 32],
        [L.COPY_TARGET, 64],
        [L.COPY_ELEMENT_BYTES, 1],
        ...Array.from({ length: 6 }, (_, i): Field => [L.COPY_DIMENSIONS + 4 * i, i === 5 ? 16 : 1]),
        [L.COPY_SOURCE_STRIDES + 20, 1],
        ...Array.from({ length: 6 }, (_, i): Field => [L.COPY_TARGET_STRIDES + 4 * i, 1]),
      ),
      unary(64, 96),
    ], 96]]])('are the same where %s takes them for integers', (_title, make) => {
      const [after, at] = make();
      const divide = binary(L.BINARY_DIV, L.DTYPE_F32, 0, 16, 32, ...unbounded);
      const inputs = [x16, port('z', 'int8', 16, 16)];
      const file = fileOf([divide, ...after], inputs, [port('y', 'int8', 16, at)], identity);
      // 0 / 0
      const nan = [0, 0, -64, 127];
      expect(everywhere(file, { x: zeros, z: zeros })).toEqual([...nan, ...nan, ...nan, ...nan]);
      const shared = loadInShares(file, flavors[0] as Flavor, [1, 0]);
      expect([...shared.predict({ x: zeros, z: zeros }, { output: 'raw' })].slice(0, 4)).toEqual(nan);
    });
});

test('bent plans are refused, or give the same bits in every flavor, on any threads, after any run', () => {
  const fates: Record<Fate, number> = { refused: 0, skipped: 0, same: 0 };
  for (let seed = 1; seed <= 1500; seed++) {
    try {
      fates[fateOf(seed, seed % 4 === 0 ? flavors : flavors.filter((flavor) => flavor !== 'js'))]++;
    } catch (cause) {
      throw new Error(`mutant ${seed}: ${String(cause)}`, { cause });
    }
  }
  expect(fates.same).toBeGreaterThan(500);
  expect(fates.refused).toBeGreaterThan(500);
});
