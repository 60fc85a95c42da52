import { describe, expect, test } from 'vitest';
import { onnx } from '../../../src/importers/onnx/index';
import { compareGolden, goldenFolder, importGolden } from '../goldens';

const folder = goldenFolder('onnx');

/** Networks with states or layers that have a test of their own. */
const elsewhere = /^(refuse|dtln|gtcrn|silero|hand_point|basic|dp_cct)/;

/**
 * Quantized networks: the largest difference, of one step of the quantization, as a fraction of the
 * largest value, and how many values must be equal. The last layer of connxr_mnist_q is float.
 */
const quantized: Record<string, { difference: number; equal: number }> = {
  connxr_mnist_q: { difference: 0.003, equal: 0 },
  factorio_mnist_q: { difference: 1e-6, equal: 0.9 },
  ort_qdq_multi: { difference: 0.014, equal: 0.99 },
  ort_qdq_perchannel: { difference: 0.5, equal: 0.99 },
  shufflenet_v2_12_int8: { difference: 0.01, equal: 0.99 },
  ultraface_rfb_qdq_u8: { difference: 0.004, equal: 0.96 },
};

describe('public ONNX networks', () => {
  test.each(folder.networks.filter((name) => !elsewhere.test(name)))('%s gives what its runtime gives', (name) => {
    const comparisons = compareGolden(importGolden(onnx, folder, name), folder, name);
    expect(comparisons.length).toBeGreaterThan(0);
    const bound = quantized[name] ?? { difference: 1e-4, equal: 0 };
    for (const { output, difference, equal } of comparisons) {
      expect(difference, output).toBeLessThanOrEqual(bound.difference);
      expect(equal, output).toBeGreaterThanOrEqual(bound.equal);
    }
  });
});
