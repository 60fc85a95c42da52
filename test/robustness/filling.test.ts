import { describe, expect, test } from 'vitest';
import * as L from '../../assembly/layout';
import { SECTION_WEIGHTS } from '../../src/format/klet';
import { loadSync } from '../../src/index';
import { flavors } from '../helpers/flavors';
import { faults, refused } from './malformed';
import { fieldOf, offsets, original, recordOf } from './plan';
import { refuses, staysUsable } from './refusal';
import { withSection } from './seal';

// Weights are packed in panels of rows that are filled up to a multiple of 4 or 8. A kernel may
// multiply the filling by anything, so `validate` proves that it changes no sum.

/** Tests that the file is refused if the byte at this offset of the weights changes. */
function refusesChange(title: string, record: number, at: number): void {
  test(title, () => {
    const file = withSection(original, SECTION_WEIGHTS, (weights) => {
      weights[at]! ^= 1;
      return weights;
    });
    const where = new RegExp(`record ${record} .* at plan offset ${offsets[record]} `);
    for (const flavor of flavors) refuses(() => loadSync(file, { flavor }), 'CORRUPT', faults.attribute, where);
  });
}

/** @param K length of a row that is not a whole number of groups */
function filling(title: string, record: number, field: number, K: number, nibbles = false): void {
  const group = nibbles ? 8 : 4;
  const lanes = nibbles ? 4 : 8;
  const at = (k: number, lane: number): number => fieldOf(record, field) + ((k >> 2) * lanes + lane) * 4 + (k & 3);
  const end = Math.ceil(K / group) * group;
  test(`${title}: rows of ${K} have filling`, () => {
    expect(end).toBeGreaterThan(K);
  });
  refusesChange(`${title}: the first filling`, record, at(K, 0));
  refusesChange(`${title}: the last filling`, record, at(end - 1, lanes - 1));
}

describe('files whose filling of weights changes sums are refused', () => {
  staysUsable();

  const inputsOf = (record: number): number =>
    fieldOf(record, L.CONV2D_KERNEL_H) * fieldOf(record, L.CONV2D_KERNEL_W) * fieldOf(record, L.CONV2D_IN_C);
  const conv = recordOf(L.OP_CONV2D, L.DTYPE_I8);
  filling('CONV2D', conv, L.CONV2D_WEIGHTS, inputsOf(conv));
  // with fewer inputs, the last weights become filling
  const records: [string, number][] = [['HYBRID_CONV2D', recordOf(L.OP_HYBRID_CONV2D)], ['WIDE_CONV2D',
    recordOf(L.OP_WIDE_CONV2D)], ['SPARSE_CONV2D',
    recordOf(L.OP_SPARSE_CONV2D, undefined, [L.SPARSE_PATTERN, L.SPARSE_PAIRS])]];
  for (const [name, record] of records) {
    const channels = fieldOf(record, L.CONV2D_IN_C);
    const taps = inputsOf(record) / channels;
    const fewer = [1, 2, 3].map((n) => channels - n).find((n) => n * taps % 4 !== 0)!;
    refused(`${name}: filling other than its zero point`, record, faults.attribute, [L.CONV2D_IN_C, fewer]);
  }
  const nibbles = recordOf(L.OP_NIBBLE_PRODUCT);
  filling('NIBBLE_PRODUCT', nibbles, L.NIBBLE_PRODUCT_WEIGHTS, fieldOf(nibbles, L.NIBBLE_PRODUCT_INPUTS), true);
  const lstm = recordOf(L.OP_RECURRENT, L.DTYPE_I8, [L.RECURRENT_KIND, L.RECURRENT_LSTM]);
  filling('RECURRENT, W', lstm, L.RECURRENT_INPUT_WEIGHTS, fieldOf(lstm, L.RECURRENT_INPUTS));
  filling('RECURRENT, U', lstm, L.RECURRENT_HIDDEN_WEIGHTS, fieldOf(lstm, L.RECURRENT_OUTPUTS));
  const svdf = recordOf(L.OP_SVDF, L.DTYPE_I8);
  filling('SVDF', svdf, L.SVDF_FEATURE_WEIGHTS, fieldOf(svdf, L.SVDF_INPUTS));
});
